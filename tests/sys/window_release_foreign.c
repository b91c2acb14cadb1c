// SPDX-License-Identifier: MIT
/*
 * Whoever drops the last reference to the file, in whatever context: no memory
 * of any process is unmapped by it, neither that process's own at the same
 * addresses nor the owner's window. The owner can open again and goes on.
 */
#include "window.h"

#include <sched.h>
#include <sys/socket.h>

#define PATTERN_SEED 99

static struct window w;
static char *host, *huge, *gtt;

static void owner_fill(void)
{
	w = window_open();
	host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	pattern_fill(host, MiB(1), PATTERN_SEED);
	pattern_fill(huge, HUGE_PAGE, PATTERN_SEED);
	pattern_fill(gtt, MiB(1), PATTERN_SEED);
}

/* Who has the file may not have let go yet: then the owner's close is not the last. */
static bool owner_leaves(void)
{
	close(window_start());
	/* That of a socket is when the collector begins. */
	close(socket(AF_UNIX, SOCK_STREAM, 0));
	return !maps_named(0, "rocsvm");
}

/* The owner has no file any more: its memory stands, and it may come back. */
static void owner_goes_on(const char *before)
{
	struct rocsvm_info info;
	int fd;

	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_EQ(pattern_differs(host, MiB(1), PATTERN_SEED), -1);
	EXPECT_EQ(pattern_differs(huge, HUGE_PAGE, PATTERN_SEED), -1);
	EXPECT_EQ(pattern_differs(gtt, MiB(1), PATTERN_SEED), -1);
	EXPECT_DEAD(host + MiB(1));

	fd = window_start();
	ASSERT_EQ(svm_info(fd, &info), 0);
	say("reopened: %llu buffers", info.num_buffers);
	EXPECT_NE(info.window_limit, 0);
	if (info.num_buffers) {
		/* Adopted: the buffers are the same as before. */
		EXPECT_EQ(info.num_buffers, 3);
		EXPECT_EQ(info.window_base, w.base);
		EXPECT_EQ(pattern_differs(host, MiB(1), PATTERN_SEED), -1);
		EXPECT_EQ(svm_free(fd, host), 0);
		EXPECT_EQ(svm_free(fd, huge), 0);
		EXPECT_EQ(svm_free(fd, gtt), 0);
	} else {
		/* Drained: nothing of them is left. */
		EXPECT_NE(probe_read(host), 0);
		EXPECT_NE(probe_read(huge), 0);
		EXPECT_NE(probe_read(gtt), 0);
	}
	EXPECT_EQ(maps_named(0, "renderD"), 0);
	host = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1));
	EXPECT_EQ(find_not(host, 0, MiB(1)), -1);
	EXPECT_EQ(close(fd), 0);
	EXPECT(!maps_named(0, "rocsvm") || EVENTUALLY(owner_leaves(), 20000));
}

/*
 * The process that closes last: it has memory of its own where the owner's
 * window is, and loses none of it.
 */
static void close_last(int fd)
{
	char *before;

	own_mapping(w.base, MiB(4), 0x5a);
	own_mapping(w.huge, MiB(4), 0x5b);
	own_mapping(w.control_vma.start, PAGE, 0x5c);
	before = maps_text(0, 0, UINT64_MAX);
	EXPECT_EQ(close(fd), 0);
	usleep(100000);
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	EXPECT_EQ(find_not(at(w.base), 0x5a, MiB(4)), -1);
	EXPECT_EQ(find_not(at(w.huge), 0x5b, MiB(4)), -1);
	EXPECT_EQ(find_not(at(w.control_vma.start), 0x5c, PAGE), -1);
	free(before);
}

static struct sync closed;

static void forked(void *unused)
{
	(void)unused;
	sync_wait(&closed);
	close_last(w.fd);
}

static void by_fork(void *unused)
{
	char *before;
	pid_t pid;

	(void)unused;
	owner_fill();
	before = maps_text(0, w.page_vma.start, w.control_vma.end);
	sync_init(&closed);
	pid = child_start(forked, NULL);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	sync_post(&closed);
	EXPECT_EQ(child_wait(pid), 0);
	owner_goes_on(before);
}

static int sockets[2];

static void receiver(void *unused)
{
	int fd;

	(void)unused;
	sync_wait(&closed);
	fd = fd_recv(sockets[1]);
	close(sockets[0]);
	close(sockets[1]);
	close_last(fd);
}

static void by_receiver(void *unused)
{
	char *before;
	pid_t pid;

	(void)unused;
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 sockets)), 0);
	owner_fill();
	before = maps_text(0, w.page_vma.start, w.control_vma.end);
	sync_init(&closed);
	/* The receiver gets the file by the socket only. */
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		test_failures = 0;
		close(w.fd);
		receiver(NULL);
		_exit(test_failures ? KSFT_FAIL : KSFT_PASS);
	}
	fd_send(sockets[0], w.fd);
	EXPECT_EQ(close(w.fd), 0);
	close(sockets[0]);
	close(sockets[1]);
	sync_post(&closed);
	EXPECT_EQ(child_wait(pid), 0);
	owner_goes_on(before);
}

/* Sent, never received; the sockets are closed. */
static void by_socket(void *unused)
{
	char *before;

	(void)unused;
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 sockets)), 0);
	owner_fill();
	before = maps_text(0, 0, UINT64_MAX);
	fd_send(sockets[0], w.fd);
	close(w.fd);
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	close(sockets[0]);
	close(sockets[1]);
	/* The last close may count as the owner's own, or not. */
	if (EVENTUALLY(!maps_named(0, "rocsvm"), 500))
		EXPECT_EQ(maps_named(0, "renderD"), 0);
	else
		owner_goes_on(maps_text(0, w.page_vma.start,
					w.control_vma.end));
}

/* A socket that is queued in itself: only the garbage collector ends it. */
static void by_gc(void *unused)
{
	char *before;
	int gc;

	(void)unused;
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 sockets)), 0);
	owner_fill();
	before = maps_text(0, w.page_vma.start, w.control_vma.end);
	fd_send(sockets[0], w.fd);
	fd_send(sockets[0], sockets[1]);
	close(w.fd);
	close(sockets[0]);
	close(sockets[1]);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	for (int i = 0; i < 3; i++) {
		gc = socket(AF_UNIX, SOCK_STREAM, 0);
		close(gc);
		usleep(100000);
	}
	/* The collector may work in this process or in a kernel thread. */
	if (maps_named(0, "rocsvm"))
		owner_goes_on(before);
}

/* The file is registered with an io_uring, whose end is a kernel thread's. */
static void by_uring(void *unused)
{
	char params[256] = { 0 }, *before;
	int ring = SYS(syscall(SYS_io_uring_setup, 4, params));

	(void)unused;
	if (ring < 0)
		test_skip("io_uring: %s", strerror(-ring));
	owner_fill();
	before = maps_text(0, w.page_vma.start, w.control_vma.end);
	/* IORING_REGISTER_FILES */
	ASSERT_EQ(SYS(syscall(SYS_io_uring_register, ring, 2, &w.fd, 1)), 0);
	close(w.fd);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	close(ring);
	usleep(500000);
	if (maps_named(0, "rocsvm"))
		owner_goes_on(before);
}

/* A child with the same memory and its own files: another thread group. */
static int shares_memory(void *unused)
{
	(void)unused;
	while (!*(volatile int *)at(w.control_vma.end + MiB(64)))
		usleep(1000);
	close(w.fd);
	return 0;
}

static void by_vm_child(void *unused)
{
	volatile int *go;
	char *before, *stack;
	pid_t pid;

	(void)unused;
	owner_fill();
	go = (int *)own_mapping(w.control_vma.end + MiB(64), PAGE, 0);
	stack = own_mapping(w.control_vma.end + MiB(128), MiB(1), 0);
	before = maps_text(0, w.page_vma.start, w.control_vma.end);
	pid = clone(shares_memory, stack + MiB(1), CLONE_VM | SIGCHLD, NULL);
	ASSERT_GT(pid, 0);
	close(w.fd);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	*go = 1;
	EXPECT_EQ(child_wait(pid), 0);
	owner_goes_on(before);
}

static void test(void)
{
	static const struct {
		const char *name;
		void (*run)(void *unused);
	} cases[] = {
		{ "forked child", by_fork },
		{ "receiver", by_receiver },
		{ "socket", by_socket },
		{ "garbage collector", by_gc },
		{ "io_uring", by_uring },
		{ "child that shares the memory", by_vm_child },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status;

		say("last close by: %s", cases[i].name);
		status = run_child(cases[i].run, NULL);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != KSFT_SKIP)
			EXPECT_EQ(status, 0);
		EXPECT(svm_all_gone());
	}
}

int main(void)
{
	return test_main(test);
}
