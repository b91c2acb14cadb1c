// SPDX-License-Identifier: MIT
/*
 * Pages that KSM merges: nothing of the window is ever merged, whatever the
 * program advises; registered memory that is merged under the GPU is brought
 * back by KFD as pages of its own, and each side sees its own bytes.
 */
#include "hostile.h"
#include "reg.h"

#define KSM "/sys/kernel/mm/ksm/"
#define LENGTH KiB(256)

static void full_scans(unsigned int n)
{
	uint64_t before = file_u64(KSM "full_scans");

	EXPECT(EVENTUALLY(file_u64(KSM "full_scans") >= before + n, 30000));
}

static void window(void)
{
	struct window w = window_open();
	/* The same bytes in memory that may be merged, for KSM to have work. */
	char *host[2], *own = own_private(LENGTH);

	memset(own, 0x77, LENGTH);
	ASSERT_EQ(SYS(madvise(own, LENGTH, MADV_MERGEABLE)), 0);
	for (int i = 0; i < 2; i++) {
		host[i] = svm_alloc(w.fd, ROCSVM_KIND_HOST, LENGTH);
		memset(host[i], 0x77, LENGTH);
		EXPECT_EQ(svm_map_all(w.fd, host[i]), 0);
	}
	say("MADV_MERGEABLE: part %ld, whole %ld",
	    SYS(madvise(host[0], LENGTH, MADV_MERGEABLE)),
	    window_advise(&w, MADV_MERGEABLE));
	EXPECT(!smaps_flag(host[0], "mg"));
	full_scans(2);
	EXPECT_WHOLE(&w);
	memset(host[0], 0x78, LENGTH);
	EXPECT_EQ(find_not(host[1], 0x77, LENGTH), -1);
	EXPECT_EQ(svm_free(w.fd, host[0]), 0);
	EXPECT_EQ(svm_free(w.fd, host[1]), 0);
	munmap(own, LENGTH);
	close(w.fd);
}

static void registered(void *unused)
{
	struct reg r;
	char *own, *twin;

	(void)unused;
	reg_open(&r);
	own = own_private(LENGTH);
	twin = own_private(LENGTH);
	memset(own, 0x55, LENGTH);
	memset(twin, 0x55, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, own, LENGTH, r.gpu), 0);
	ASSERT_EQ(SYS(madvise(own, LENGTH, MADV_MERGEABLE)), 0);
	ASSERT_EQ(SYS(madvise(twin, LENGTH, MADV_MERGEABLE)), 0);
	full_scans(3);
	say("%lu pages shared, %lu more of them", file_u64(KSM "pages_shared"),
	    file_u64(KSM "pages_sharing"));
	EXPECT_GT(file_u64(KSM "pages_shared"), 0);
	/* It merges, KFD brings back: no page may change while it is looked at. */
	ASSERT_EQ(file_write(KSM "run", "0"), 0);
	usleep(100000);
	reg_check_identity(&r, "after KSM", own, LENGTH);
	EXPECT_EQ(find_not(own, 0x55, LENGTH), -1);
	EXPECT_EQ(find_not(twin, 0x55, LENGTH), -1);
	EXPECT_EQ(reg_end(r.fd, own, LENGTH), 0);
	reg_close(&r);
}

static void test(void)
{
	if (access(KSM "run", W_OK))
		test_skip("no KSM");
	ASSERT_EQ(knob_set(KSM "pages_to_scan", "1000"), 0);
	ASSERT_EQ(knob_set(KSM "sleep_millisecs", "10"), 0);
	ASSERT_EQ(knob_set(KSM "run", "1"), 0);
	window();
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(registered, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
