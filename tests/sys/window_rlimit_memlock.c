// SPDX-License-Identifier: MIT
/*
 * A process that has its future memory locked (MCL_FUTURE), without the right
 * to lock much, can't have a window: open says so, the log names the cause,
 * and nothing is left behind.
 */
#include "window.h"

#include <sys/resource.h>

static void limited(void *unused)
{
	struct rlimit limit = { MiB(16), MiB(16) };
	int log = klog_open(), fd;
	size_t files = 0;
	char *before;

	(void)unused;
	ASSERT_EQ(SYS(setrlimit(RLIMIT_MEMLOCK, &limit)), 0);
	drop_capabilities(1ULL << CAP_IPC_LOCK);
	ASSERT_EQ(SYS(mlockall(MCL_FUTURE)), 0);
	before = maps_text(0, 0, UINT64_MAX);
	for (int i = 0; i < 3; i++) {
		fd = svm_open();
		say("open: %d", fd);
		EXPECT(fd == -ENOMEM || fd == -EAGAIN);
		EXPECT(maps_same(0, 0, UINT64_MAX, before));
		EXPECT_EQ(svm_counter("spaces"), 0);
		if (fd >= 0)
			close(fd);
	}
	EXPECT_GT(klog_count(log, "MEMLOCK"), 0);

	/* Without the lock on the future it opens as ever. */
	ASSERT_EQ(SYS(munlockall()), 0);
	fd = svm_open();
	EXPECT_GE(fd, 0);
	/* No descriptor was lost on the way: it is the lowest free one. */
	files = fd;
	EXPECT_EQ(files, log + 1);
	close(fd);
	free(before);
}

static void test(void)
{
	/* what is tested is a window, not the way round it */
	ASSERT_EQ(knob_set("/sys/module/rocsvm/parameters/reserve",
			   "always"), 0);
	EXPECT_EQ(run_child(limited, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
