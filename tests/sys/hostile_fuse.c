// SPDX-License-Identifier: MIT
/*
 * A file system whose server never answers. Where it stands at /dev/kfd for
 * everybody, an open waits, and can be killed; who has a space goes on, as do
 * other devices. Where it stands there in a container only, nobody notices. And
 * a program's memory may come from it: REGISTER waits, and the rest of the
 * machine does not.
 */
#include "hostile.h"

#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "reg.h"

#define PATIENCE (debug_kernel() ? 60 : 20)
#define FILE_PATH "/tmp/rocsvm-fuse"

/* Whoever still waits for an answer gets an error. */
#define ABORT (MNT_FORCE | MNT_DETACH)

static void unmount(void)
{
	umount2("/dev/kfd", ABORT);
	umount2(FILE_PATH, ABORT);
	unlink(FILE_PATH);
}

/* Mounts a single file; -errno or the server's descriptor. */
static int mount_file(const char *path)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	int r;

	if (fuse < 0)
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=100666,user_id=%d,group_id=%d", fuse, getuid(),
		 getgid());
	r = SYS(mount("rocsvm-test", path, "fuse", MS_NODEV | MS_NOSUID, options));
	if (r) {
		close(fuse);
		return r;
	}
	return fuse;
}

/* One message of the kernel's; its header, of zeros once there is no mount. */
static struct fuse_in_header receive(int fuse)
{
	static char buf[2 * 65536];
	struct fuse_in_header in = { 0 };

	if (SYS(read(fuse, buf, sizeof(buf))) >= (long)sizeof(in))
		memcpy(&in, buf, sizeof(in));
	return in;
}

static void answer(int fuse, uint64_t unique, const void *data, size_t size)
{
	static char out[4096];
	struct fuse_out_header header = {
		.len = sizeof(header) + size,
		.error = data ? 0 : -ENOSYS,
		.unique = unique,
	};

	memcpy(out, &header, sizeof(header));
	if (data)
		memcpy(out + sizeof(header), data, size);
	ASSERT_EQ(SYS(write(fuse, out, header.len)), header.len);
}

static void answer_init(int fuse)
{
	struct fuse_in_header in = receive(fuse);
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		/* Reading that nobody can be killed out of is FUSE's choice. */
		.flags = FUSE_ASYNC_READ,
		.max_readahead = 65536,
		.max_write = 65536,
	};

	ASSERT_EQ(in.opcode, FUSE_INIT);
	answer(fuse, in.unique, &init, sizeof(init));
}

/*
 * A server that never answers when the file is read. All else it answers, as
 * FUSE lets nobody be killed who waits for an answer that is being worked on.
 */
static void serve(void *arg)
{
	int fuse = (intptr_t)arg;

	for (;;) {
		struct fuse_in_header in = receive(fuse);
		struct fuse_attr_out attr = {
			.attr_valid = 1000,
			.attr = {
				.ino = 1, .size = MiB(1), .mode = S_IFREG | 0666,
				.nlink = 1,
			},
		};
		struct fuse_open_out opened = { .fh = 1 };

		if (!in.opcode)
			return;
		if (in.opcode == FUSE_GETATTR)
			answer(fuse, in.unique, &attr, sizeof(attr));
		else if (in.opcode == FUSE_OPEN)
			answer(fuse, in.unique, &opened, sizeof(opened));
		else if (in.opcode == FUSE_READ)
			say("asked to read");
		else if (in.opcode != FUSE_RELEASE)
			answer(fuse, in.unique, NULL, 0);
	}
}

static void open_waits(void *unused)
{
	(void)unused;
	say("open: %d", svm_open());
}

static void open_works(void *unused)
{
	int fd = svm_start();

	(void)unused;
	use_all_kinds(fd, KiB(64));
	close(fd);
}

static void others(int fd)
{
	static const char *const paths[] = {
		"/dev/null", "/dev/fuse", "/dev/kmsg", "/dev/dri/renderD128",
	};

	use_all_kinds(fd, KiB(64));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		int other = SYS(open(paths[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC));

		EXPECT_GE(other, 0);
		close(other);
	}
	EXPECT_EQ(svm_counter("spaces"), 1);
}

static void expect_killable(pid_t pid)
{
	int status = 0;

	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	EXPECT(EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid,
			  PATIENCE * 1000));
	EXPECT(WIFSIGNALED(status));
}

/* At /dev/kfd, for everybody. */
static void at_kfd(int fd)
{
	int fuse = mount_file("/dev/kfd");
	pid_t opener[3];

	ASSERT_GE(fuse, 0);
	for (size_t i = 0; i < ARRAY_SIZE(opener); i++)
		opener[i] = child_start(open_waits, NULL);
	usleep(300000);
	others(fd);
	answer_init(fuse);
	usleep(300000);
	others(fd);
	for (size_t i = 0; i < ARRAY_SIZE(opener); i++)
		expect_killable(opener[i]);
	ASSERT_EQ(SYS(umount2("/dev/kfd", ABORT)), 0);
	close(fuse);
	EXPECT_EQ(run_child_bounded(open_works, NULL, PATIENCE), 0);
}

/* In a container, whose root is nobody outside of it. */
static void in_container(void *unused)
{
	int fuse, fd;

	(void)unused;
	ASSERT_EQ(SYS(unshare(CLONE_NEWNS | CLONE_NEWUSER)), 0);
	file_write("/proc/self/setgroups", "deny");
	ASSERT_EQ(file_write("/proc/self/uid_map", "0 0 1"), 0);
	ASSERT_EQ(file_write("/proc/self/gid_map", "0 0 1"), 0);
	ASSERT_EQ(SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), 0);
	fuse = mount_file("/dev/kfd");
	ASSERT_GE(fuse, 0);
	fd = svm_start();
	use_all_kinds(fd, KiB(64));
	close(fd);
	close(fuse);
}

static void register_waits(void *unused)
{
	int fd = svm_start(), file = open(FILE_PATH, O_RDWR | O_CLOEXEC);
	struct stat st;
	char *p;

	(void)unused;
	ASSERT_GE(file, 0);
	/* The kernel knows its length only then. */
	ASSERT_EQ(SYS(fstat(file, &st)), 0);
	ASSERT_EQ(st.st_size, MiB(1));
	p = mmap(NULL, KiB(64), PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	ASSERT(p != MAP_FAILED);
	say("registering");
	say("REGISTER: %d", reg_add(fd, p, KiB(64)));
}

/* Memory of the program's that never comes. */
static void as_memory(int fd)
{
	int file = open(FILE_PATH, O_CREAT | O_CLOEXEC, 0666), fuse;
	pid_t server, pid;

	ASSERT_GE(file, 0);
	close(file);
	fuse = mount_file(FILE_PATH);
	ASSERT_GE(fuse, 0);
	answer_init(fuse);
	server = child_start(serve, (void *)(intptr_t)fuse);
	pid = child_start(register_waits, NULL);
	EXPECT(EVENTUALLY(svm_counter("spaces") == 2, PATIENCE * 1000));
	usleep(500000);
	use_all_kinds(fd, KiB(64));
	EXPECT_EQ(run_child_bounded(open_works, NULL, PATIENCE), 0);
	expect_killable(pid);
	umount2(FILE_PATH, ABORT);
	kill(server, SIGKILL);
	child_wait(server);
	close(fuse);
	unlink(FILE_PATH);
}

static void test(void)
{
	struct account a = account_open();
	int fd = svm_start(), fuse;

	if (access("/dev/fuse", F_OK))
		(void)!system("modprobe fuse");
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0)
		test_skip("no FUSE");
	close(fuse);
	at_end(unmount);
	at_kfd(fd);
	EXPECT_EQ(run_child_bounded(in_container, NULL, PATIENCE), 0);
	as_memory(fd);
	use_all_kinds(fd, KiB(64));
	close(fd);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return window_main(test);
}
