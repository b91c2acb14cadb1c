/* SPDX-License-Identifier: MIT */
/*
 * What the tests of stalled user memory share: pages whose faults nobody ever
 * answers, threads that stall in them, and what has to go on all the same.
 */
#ifndef ROCSVM_TESTS_STALLED_H
#define ROCSVM_TESTS_STALLED_H

#include "share.h"
#include "toctou.h"

#include <linux/userfaultfd.h>

/* ---- pages -------------------------------------------------------------- */

/* One userfaultfd with all stalled pages of the process. */
struct stalled {
	int uffd;
	char *pages;
	size_t count;
};

static inline void stalled_userfaultfd(struct stalled *s)
{
	struct uffdio_api api = { .api = UFFD_API };

	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (s->uffd < 0)
		test_skip("userfaultfd: %s", strerror(errno));
	ASSERT_EQ(SYS(ioctl(s->uffd, UFFDIO_API, &api)), 0);
}

static inline void stalled_range(struct stalled *s, uint64_t mode)
{
	struct uffdio_register area = {
		.range = { (uintptr_t)s->pages, s->count * PAGE }, .mode = mode,
	};

	ASSERT_EQ(SYS(ioctl(s->uffd, UFFDIO_REGISTER, &area)), 0);
}

/* Pages that are missing: who reads or writes them stalls. */
static inline void stalled_open(struct stalled *s, size_t count)
{
	stalled_userfaultfd(s);
	s->count = count;
	s->pages = own_private(count * PAGE);
	stalled_range(s, UFFDIO_REGISTER_MODE_MISSING);
}

/* Pages that can be read: who writes them stalls. To be filled in first. */
static inline void stalled_open_writes(struct stalled *s, size_t count)
{
	stalled_userfaultfd(s);
	s->count = count;
	s->pages = own_private(count * PAGE);
	memset(s->pages, 0, count * PAGE);
}

static inline void stalled_protect(struct stalled *s)
{
	struct uffdio_writeprotect protect = {
		.range = { (uintptr_t)s->pages, s->count * PAGE },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	stalled_range(s, UFFDIO_REGISTER_MODE_WP);
	ASSERT_EQ(SYS(ioctl(s->uffd, UFFDIO_WRITEPROTECT, &protect)), 0);
}

/* Wait until somebody stalls in each of @count pages. */
static inline void stalled_wait(struct stalled *s, size_t count)
{
	struct pollfd p = { .fd = s->uffd, .events = POLLIN };
	bool seen[256] = { false };
	struct uffd_msg msg;
	size_t page;

	ASSERT_LE(s->count, ARRAY_SIZE(seen));
	while (count) {
		ASSERT_EQ(SYS(poll(&p, 1, 60000)), 1);
		if (SYS(read(s->uffd, &msg, sizeof(msg))) != sizeof(msg))
			continue;
		ASSERT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
		page = (msg.arg.pagefault.address - (uintptr_t)s->pages) / PAGE;
		ASSERT_LT(page, s->count);
		count -= !seen[page];
		seen[page] = true;
	}
}

/* ---- threads ------------------------------------------------------------ */

struct staller {
	int fd;
	unsigned long cmd;
	void *arg;
	/* Instead of an ioctl. */
	void (*call)(struct staller *s);
	volatile bool back;
};

static inline void *staller_thread(void *arg)
{
	struct staller *s = arg;

	if (s->call)
		s->call(s);
	else
		svm_ioctl(s->fd, s->cmd, s->arg);
	s->back = true;
	return NULL;
}

static inline void staller_start(struct staller *s)
{
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, staller_thread, s), 0);
}

/* ---- the process -------------------------------------------------------- */

static struct sync stalled_now;

/* In it: everything stalls that is to stall; it does not come back. */
static inline void stalled_for_ever(void)
{
	sync_post(&stalled_now);
	for (;;)
		pause();
}

static inline void stalled_newcomer(void *unused)
{
	int fd = svm_start();

	(void)unused;
	neighbour_round(fd);
	close(fd);
}

/*
 * Run a process that stalls, and calls stalled_for_ever(). Others work, and
 * begin and end, meanwhile; the module says at once that it is in use; and
 * SIGKILL ends it, with all that it had.
 */
static inline void stalled_process(const char *what, void (*fn)(void *),
				   void *arg)
{
	int status = 0;
	pid_t pid;

	say("%s", what);
	sync_init(&stalled_now);
	pid = child_start(fn, arg);
	close(stalled_now.fd[1]);
	sync_wait(&stalled_now);
	neighbour_progress(what);
	EXPECT_EQ(run_child_bounded(stalled_newcomer, NULL, 60), 0);
	EXPECT_EQ(SYS(syscall(SYS_delete_module, "rocsvm", O_NONBLOCK)), -EAGAIN);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	if (!EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid, 20000)) {
		say("%s: can't be killed", what);
		test_failures++;
	}
	EXPECT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : -1, SIGKILL);
	EXPECT(EVENTUALLY(svm_counter("spaces") == 1, 20000));
	close(stalled_now.fd[0]);
}

#endif /* ROCSVM_TESTS_STALLED_H */
