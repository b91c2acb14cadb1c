// SPDX-License-Identifier: MIT
/*
 * A page fault on a host buffer that runs out of memory is repeated by the
 * kernel: the program does not see it. fork() that does has made no child, and
 * changed nothing.
 */
#include "failnth.h"

#include <sys/swap.h>

#define LENGTH (4 * PAGE)

struct touching {
	int fd, pipe[2];
	char *p;
};

static void before(void *arg)
{
	struct touching *t = arg;

	t->p = svm_alloc(t->fd, ROCSVM_KIND_HOST, LENGTH);
	pattern_fill(t->p, LENGTH, 5);
}

/* The pages of a host buffer are there from ALLOC on, unless swapped out. */
static int call_read(void *arg)
{
	const struct touching *t = arg;
	const volatile char *p = t->p;
	int r = SYS(madvise(t->p, LENGTH, MADV_PAGEOUT));

	for (size_t i = 0; i < LENGTH; i += PAGE)
		(void)p[i];
	return r;
}

/* The kernel's own access: the program's would be repeated. */
static int call_write(void *arg)
{
	const struct touching *t = arg;
	long r = SYS(madvise(t->p, LENGTH, MADV_PAGEOUT));

	if (r)
		return r;
	r = SYS(write(t->pipe[1], t->p, LENGTH));

	return r < 0 ? r : 0;
}

static void drain(const struct touching *t)
{
	char byte[256];

	while (read(t->pipe[0], byte, sizeof(byte)) > 0)
		;
}

static int call_fork(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (!pid)
		_exit(0);
	if (pid < 0)
		return -errno;
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

static void after(void *arg, int result)
{
	const struct touching *t = arg;

	(void)result;
	drain(t);
	EXPECT_EQ(pattern_differs(t->p, LENGTH, 5), -1);
	EXPECT_EQ(svm_free(t->fd, t->p), 0);
}

static void test(void)
{
	const char *swap = getenv("ROCSVM_SWAP");
	struct touching t = { .fd = svm_start() };
	struct failnth_case c = {
		.before = before, .after = after, .fd = &t.fd,
	};

	ASSERT_EQ(pipe2(t.pipe, O_CLOEXEC | O_NONBLOCK), 0);
	c.name = "fork";
	c.call = call_fork;
	failnth_sweep(&c, &t);

	if (swap) {
		ASSERT_EQ(SYS(swapon(swap, 0)), 0);
		c.pages = true;
		/* KFD brings the pages back, too. */
		c.racy = true;
		c.name = "the program reads";
		c.call = call_read;
		failnth_sweep(&c, &t);
		c.name = "the kernel reads";
		c.call = call_write;
		failnth_sweep(&c, &t);
		EXPECT_EQ(SYS(swapoff(swap)), 0);
	}
	close(t.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
