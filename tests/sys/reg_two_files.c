// SPDX-License-Identifier: MIT
/*
 * Two files are behind one registration: whichever of them is made shorter, the
 * memory is taken from GPUs before ftruncate() returns; if its pages are only
 * paged out it is not.
 */
#include "reg.h"

#define HALF KiB(32)
#define LENGTH (2 * HALF)
#define PAGES (LENGTH / PAGE)

static struct reg r;
static int file[2];

static char *registered(void)
{
	char *p = own_private(LENGTH);

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(ftruncate(file[i], HALF), 0);
		own(p + i * HALF, HALF, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    file[i]);
	}
	memset(p, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), PAGES);
	return p;
}

static void shorter(int which)
{
	char *p = registered();

	say("file %d of two", which + 1);
	ASSERT_EQ(ftruncate(file[which], PAGE), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	EXPECT_EQ(reg_segment(r.fd, p).handle, 0);

	/* As long as before: REGISTER and MAP have it again. */
	ASSERT_EQ(ftruncate(file[which], HALF), 0);
	EXPECT_EQ(svm_map_all(r.fd, p), 0);
	reg_check_identity(&r, "as long as before", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	munmap(p, LENGTH);
}

/* Pages that are moved or written out come back, and GPUs see them. */
static void paged_out(void)
{
	char *p = registered();

	EXPECT_EQ(SYS(madvise(p, LENGTH, MADV_PAGEOUT)), 0);
	reg_check_identity(&r, "paged out", p, LENGTH);
	EXPECT_NE(reg_segment(r.fd, p).handle, 0);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	munmap(p, LENGTH);
}

static void test(void)
{
	reg_open(&r);
	for (int i = 0; i < 2; i++) {
		file[i] = memfd_create("reg_two_files", MFD_CLOEXEC);
		ASSERT_GE(file[i], 0);
	}
	shorter(0);
	shorter(1);
	paged_out();
	EXPECT_REGISTERED(r.fd, 0, 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
