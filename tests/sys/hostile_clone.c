// SPDX-License-Identifier: MIT
/*
 * Processes that share more than fork() leaves shared: another thread group on
 * the same memory, with its own descriptors or the same, or another memory with
 * the same descriptors. The space serves the thread group that opened it, and
 * what it has goes when the memory goes, not before.
 */
#include "hostile.h"

#include <sched.h>

#define STACK KiB(256)

static int fd;
static char *buffer;
static struct sync go_on, done;
static struct {
	int info, free, open, kfd, own_info, failures;
} *seen;

/* A process that shares what @flags say; it calls @fn on a stack of its own. */
static pid_t share(int (*fn)(void *), int flags)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;

	ASSERT(stack != MAP_FAILED);
	pid = clone(fn, stack + STACK, SIGCHLD | flags, NULL);
	ASSERT_GT(pid, 0);
	return pid;
}

/* Everything that another thread group might try. */
static int try_all(void *unused)
{
	struct kfd_ioctl_get_version_args version = { 0 };
	struct rocsvm_info info;
	int own;

	(void)unused;
	seen->info = svm_info(fd, &info);
	seen->free = svm_free(fd, buffer);
	seen->kfd = svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &version);
	own = svm_open();
	seen->open = own;
	if (own >= 0) {
		seen->own_info = svm_info(own, &info);
		close(own);
	}
	return 0;
}

static void check(const char *what, int flags, int open_result)
{
	memset(seen, 0x55, sizeof(*seen));
	EXPECT_EQ(child_wait(share(try_all, flags)), 0);
	say("%s: INFO %d, FREE %d, KFD %d, open %d", what, seen->info, seen->free,
	    seen->kfd, seen->open);
	EXPECT_EQ(seen->info, -EBADF);
	EXPECT_EQ(seen->free, -EBADF);
	EXPECT_EQ(seen->kfd, -EBADF);
	if (open_result)
		EXPECT_EQ(seen->open, open_result);
	else
		EXPECT_EQ(seen->own_info, 0);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 1), -1);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(svm_unmap_all(fd, buffer), 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
}

static int close_it(void *unused)
{
	(void)unused;
	return close(fd);
}

/* The file is closed in the descriptor table that both have. */
static void closed_by_other(void)
{
	struct rocsvm_info info, again;

	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(child_wait(share(close_it, CLONE_FILES)), 0);
	EXPECT_EQ(svm_info(fd, &again), -EBADF);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 1), -1);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &again), 0);
	EXPECT_EQ(again.window_base, info.window_base);
	EXPECT_EQ(again.num_buffers, 1);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
}

/* Lives on in the owner's memory. */
static int survivor(void *unused)
{
	(void)unused;
	/* The owner is gone once the pipe is read: it holds the other end. */
	sync_wait(&go_on);
	if (probe_write(buffer) || pattern_differs(buffer + PAGE, PAGE, 3) != -1)
		seen->failures++;
	seen->open = svm_open();
	sync_post(&done);
	sync_wait(&go_on);
	_exit(0);
}

static void owner(void *unused)
{
	(void)unused;
	fd = svm_start();
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	pattern_fill(buffer + PAGE, PAGE, 3);
	svm_map_all(fd, buffer);
	svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(1));
	share(survivor, CLONE_VM | CLONE_FILES);
}

/* The owner ends first: no call is possible any more, nothing is lost. */
static void outlived(struct account *a)
{
	pid_t pid = child_start(owner, NULL);

	EXPECT_EQ(child_wait(pid), 0);
	memset(seen, 0, sizeof(*seen));
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(svm_counter("buffers"), 2);
	sync_post(&go_on);
	sync_wait(&done);
	say("with the owner gone: open %d, %lu spaces, %lu buffers", seen->open,
	    svm_counter("spaces"), svm_counter("buffers"));
	EXPECT_EQ(seen->failures, 0);
	EXPECT_EQ(seen->open, -EBADF);
	EXPECT_EQ(svm_counter("buffers"), 2);
	sync_post(&go_on);
	EXPECT_GT(SYS(wait(NULL)), 0);
	EXPECT_SETTLED(a);
}

static void test(void)
{
	struct account a = account_open();

	subreaper();
	sync_init(&go_on);
	sync_init(&done);
	seen = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(seen != MAP_FAILED);
	fd = svm_start();
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	pattern_fill(buffer, KiB(64), 1);
	/* One memory has one space, and that is another group's. */
	check("CLONE_VM", CLONE_VM, -EBADF);
	check("CLONE_VM | CLONE_FILES", CLONE_VM | CLONE_FILES, -EBADF);
	check("CLONE_VM | CLONE_FILES | CLONE_SIGHAND",
	      CLONE_VM | CLONE_FILES | CLONE_SIGHAND, -EBADF);
	/* Another memory may have its own. */
	check("CLONE_FILES", CLONE_FILES, 0);
	check("nothing", 0, 0);
	closed_by_other();
	close(fd);
	EXPECT_SETTLED(&a);
	outlived(&a);
}

int main(void)
{
	return test_main(test);
}
