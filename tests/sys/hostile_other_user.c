// SPDX-License-Identifier: MIT
/*
 * The file in the hands of another user: one that it was sent to, or a setuid
 * program that inherits it, can do nothing with it. An owner that gives up its
 * own rights keeps what it has.
 */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/stat.h>

#define PROGRAM "/tmp/rocsvm-setuid"

/* Whoever this is: no call, no mapping, none of KFD's calls. */
static void expect_useless(int fd)
{
	struct kfd_ioctl_get_version_args version = { 0 };
	struct rocsvm_alloc alloc = {
		.kind = ROCSVM_KIND_HOST, .length = PAGE,
	};
	struct rocsvm_info info;

	EXPECT_EQ(svm_info(fd, &info), -EBADF);
	EXPECT_EQ(svm_alloc_args(fd, &alloc), -EBADF);
	EXPECT_EQ(svm_acquire(fd, 1, fd), -EBADF);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &version), -EBADF);
	EXPECT_EQ(SYS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0)), -EBADF);
}

static int pair[2];

static void receiver(void *unused)
{
	int fd;

	(void)unused;
	become_nobody();
	fd = fd_recv(pair[1]);
	expect_useless(fd);
	close(fd);
	EXPECT_EQ(svm_open(), -EACCES);
}

static void passed(void)
{
	int fd = svm_start();
	char *va = svm_alloc(fd, ROCSVM_KIND_VRAM, KiB(64));
	pid_t pid;

	say("sent to another user");
	pattern_fill(va, KiB(64), 1);
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	pid = child_start(receiver, NULL);
	fd_send(pair[0], fd);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT_EQ(pattern_differs(va, KiB(64), 1), -1);
	EXPECT_EQ(svm_map_all(fd, va), 0);
	close(fd);
	EXPECT(svm_all_gone());
}

/* The owner opens as root, and goes on as nobody. */
static void dropped(void *unused)
{
	int fd = svm_start();
	char *before = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64)), *va;

	(void)unused;
	become_nobody();
	pattern_fill(before, KiB(64), 2);
	EXPECT_EQ(svm_map_all(fd, before), 0);
	va = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(probe_write(va), 0);
	EXPECT_EQ(svm_map_all(fd, va), 0);
	EXPECT_EQ(svm_free(fd, before), 0);
	/* But opening is for those who may. */
	EXPECT_EQ(svm_open(), -EACCES);
	EXPECT_EQ(svm_free(fd, va), 0);
	close(fd);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* nobody's program has the file open when it starts root's. */
static void starts_setuid(void *unused)
{
	int fd = svm_start();
	char number[16];

	(void)unused;
	svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(1));
	ASSERT_EQ(SYS(fcntl(fd, F_SETFD, 0)), 0);
	become_nobody();
	snprintf(number, sizeof(number), "%d", fd);
	fflush(stdout);
	execl(PROGRAM, "hostile_other_user", number, NULL);
	ASSERT(!"exec returned");
}

static int inherited;

static void in_setuid_program(void)
{
	struct rocsvm_info info;
	int fd;

	ASSERT_EQ(getuid(), NOBODY);
	ASSERT_EQ(geteuid(), 0);
	expect_useless(inherited);
	EXPECT(EVENTUALLY(svm_counter("buffers") == 0, 10000));
	/* It may have a space of its own, and that is all it has. */
	fd = svm_open();
	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 0);
	expect_useless(inherited);
	close(inherited);
	EXPECT_EQ(svm_info(fd, &info), 0);
	close(fd);
}

static void install(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(PROGRAM, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buf[65536];
	long n;

	ASSERT_GE(from, 0);
	ASSERT_GE(to, 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		ASSERT_EQ(SYS(write(to, buf, n)), n);
	close(from);
	close(to);
	ASSERT_EQ(SYS(chmod(PROGRAM, 04755)), 0);
}

static void remove_program(void)
{
	unlink(PROGRAM);
}

static void test(void)
{
	passed();
	EXPECT_EQ(run_child(dropped, NULL), 0);
	EXPECT(svm_all_gone());
	at_end(remove_program);
	install();
	say("inherited by a setuid program");
	EXPECT_EQ(run_child(starts_setuid, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return window_main(test);
	inherited = atoi(argv[1]);
	return test_main(in_setuid_program);
}
