// SPDX-License-Identifier: MIT
/*
 * A vfork child shares the memory but is another process: -EBADF. Where it is
 * the one that closes last, the space waits for its owner.
 */
#include "harness.h"

#include <sched.h>

static int fd;
static volatile int child_info, child_free;
static void *buffer;

/* vfork(), as a function that may do more than exec: a stack of its own. */
static int run_vfork(int (*fn)(void *), int flags)
{
	char *stack = mmap(NULL, KiB(64), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	int status;
	pid_t pid;

	ASSERT_NE((uintptr_t)stack, (uintptr_t)MAP_FAILED);
	pid = clone(fn, stack + KiB(64), CLONE_VM | SIGCHLD | flags, NULL);
	ASSERT_GT(pid, 0);
	if (!(flags & CLONE_VFORK))
		close(fd);
	status = child_wait(pid);
	munmap(stack, KiB(64));
	return status;
}

static int use(void *arg)
{
	struct rocsvm_info info;

	(void)arg;
	child_info = svm_info(fd, &info);
	child_free = svm_free(fd, buffer);
	close(fd);
	return 0;
}

/* Wait until the parent's copy of the file is closed, then close ours. */
static int close_last(void *arg)
{
	(void)arg;
	usleep(300000);
	close(fd);
	return 0;
}

static void test(void)
{
	struct rocsvm_info info, again;

	fd = svm_start();
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	pattern_fill(buffer, KiB(64), 1);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(run_vfork(use, CLONE_VFORK), 0);
	EXPECT_EQ(child_info, -EBADF);
	EXPECT_EQ(child_free, -EBADF);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 1), -1);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);

	EXPECT_EQ(run_vfork(close_last, 0), 0);
	say("after the child's close: %lu spaces, %lu buffers",
	    svm_counter("spaces"), svm_counter("buffers"));
	/* the next open takes the space over */
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &again), 0);
	EXPECT_EQ(again.window_base, info.window_base);
	EXPECT_EQ(svm_counter("spaces"), 1);
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(find_not(buffer, 0, KiB(64)), -1);
	close(fd);
	EXPECT(svm_all_gone());
	EXPECT_EQ(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0), 0);
}

int main(void)
{
	return test_main(test);
}
