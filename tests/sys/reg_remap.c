// SPDX-License-Identifier: MIT
/*
 * Registered memory goes away, and other memory is in its place before anybody
 * has told KFD: GPUs don't stay on the pages that there were, which are anybody's
 * by then, and get at the new ones.
 */
#include "reg_stalled.h"

/* Much longer than KFD waits before it looks at the mapping again. */
static void let_kfd_look(void)
{
	usleep(scaled(50000, 500000));
}

static void unmap(struct staller *s)
{
	munmap(s->arg, LENGTH);
}

/* munmap() waits for the space's lock, and another thread maps new memory. */
static void unmapped(bool gpu)
{
	struct staller unmapper = { .call = unmap };
	char *p = registered();

	say("unmapped, for %s", gpu ? "a GPU" : "none");
	if (!gpu)
		ASSERT_EQ(svm_unmap_all(r.fd, p), 0);
	reg_stalled_lock();
	unmapper.arg = p;
	staller_start(&unmapper);
	ASSERT(EVENTUALLY(is_free(p), 20000));
	let_kfd_look();
	own(p, LENGTH, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	memset(p, 0x22, LENGTH);
	EXPECT(!unmapper.back);
	reg_stalled_unlock();
	ASSERT(EVENTUALLY(unmapper.back, 20000));

	EXPECT_NE(reg_segment(r.fd, p).handle, 0);
	EXPECT_EQ(reg_segment(r.fd, p).num_gpus, gpu);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), gpu ? PAGES : 0);
	if (!gpu)
		ASSERT_EQ(svm_map_all(r.fd, p), 0);
	reg_check_identity(&r, "new memory", p, LENGTH);
	EXPECT_EQ(find_not(p, 0x22, LENGTH), -1);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	munmap(p, LENGTH);
}

static void down_and_up(void *file)
{
	ASSERT_EQ(ftruncate(*(int *)file, PAGE), 0);
	let_kfd_look();
	ASSERT_EQ(ftruncate(*(int *)file, LENGTH), 0);
}

/* Another process truncates a file, and makes it as long as it was. */
static void truncated(int flags)
{
	int file = memfd_create("reg_remap", MFD_CLOEXEC);
	char *p;

	say("truncated, %s", flags == MAP_SHARED ? "shared" : "private");
	ASSERT_GE(file, 0);
	ASSERT_EQ(ftruncate(file, LENGTH), 0);
	p = own(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, file);
	memset(p, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	ASSERT_EQ(pages_mapped(&r.pt, p, LENGTH), PAGES);
	ASSERT_EQ(run_child(down_and_up, &file), 0);
	/* Not read first: KFD would hear of a page that is copied to be written. */
	memset(p, 0x22, LENGTH);

	EXPECT_EQ(svm_map_all(r.fd, p), 0);
	reg_check_identity(&r, "as long as before", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	munmap(p, LENGTH);
	close(file);
}

static void test(void)
{
	reg_stalled_open();
	unmapped(true);
	unmapped(false);
	truncated(MAP_SHARED);
	truncated(MAP_PRIVATE);
	EXPECT_REGISTERED(r.fd, 0, 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
