// SPDX-License-Identifier: MIT
/*
 * What a process finds under the name /dev/kfd does not matter: in a chroot or
 * a mount namespace where that is a FIFO, another device, a file or nothing,
 * /dev/rocsvm reaches the real KFD all the same, and never hangs.
 */
#include "window.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define JAIL "/tmp/rocsvm-jail"

static const char *const fakes[] = {
	"missing", "fifo", "null", "file", "directory", "render", "rocsvm",
};

static void remove_jail(void)
{
	unlink(JAIL "/dev/kfd");
	rmdir(JAIL "/dev/kfd");
	unlink(JAIL "/dev/rocsvm");
	rmdir(JAIL "/dev");
	rmdir(JAIL);
}

static dev_t device_of(const char *path)
{
	struct stat st;

	ASSERT_EQ(SYS(stat(path, &st)), 0);
	return st.st_rdev;
}

/* Make the fake of that name at @path; false for "missing". */
static bool make_fake(const char *fake, const char *path)
{
	int r = -1;

	if (!strcmp(fake, "missing"))
		return false;
	if (!strcmp(fake, "fifo"))
		r = mkfifo(path, 0666);
	else if (!strcmp(fake, "null"))
		r = mknod(path, S_IFCHR | 0666, makedev(1, 3));
	else if (!strcmp(fake, "file"))
		r = mknod(path, S_IFREG | 0666, 0);
	else if (!strcmp(fake, "directory"))
		r = mkdir(path, 0777);
	else if (!strcmp(fake, "render"))
		r = mknod(path, S_IFCHR | 0666, makedev(226, 128));
	else if (!strcmp(fake, "rocsvm"))
		r = mknod(path, S_IFCHR | 0666, device_of("/dev/rocsvm"));
	ASSERT_EQ(r, 0);
	return true;
}

/* Open where we stand now, and see that KFD answers. */
static void expect_kfd(void)
{
	struct rocsvm_info info;
	int fd = svm_open();
	uint32_t gpu;

	EXPECT_GE(fd, 0);
	if (fd < 0)
		return;
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_GE(info.num_gpus, 1);
	gpu = svm_gpu(fd, 0);
	EXPECT_GT(kfd_available(fd, gpu), 0);
	close(fd);
}

static void in_chroot(void *fake)
{
	ASSERT_EQ(SYS(mkdir(JAIL, 0755)), 0);
	ASSERT_EQ(SYS(mkdir(JAIL "/dev", 0755)), 0);
	ASSERT_EQ(SYS(mknod(JAIL "/dev/rocsvm", S_IFCHR | 0666,
			    device_of("/dev/rocsvm"))), 0);
	make_fake(fake, JAIL "/dev/kfd");
	ASSERT_EQ(SYS(chroot(JAIL)), 0);
	ASSERT_EQ(SYS(chdir("/")), 0);
	expect_kfd();
}

/* In a mount namespace, with or without a user namespace round it. */
static void in_namespace(const char *fake, bool user)
{
	static const char *const real[][2] = {
		{ "null", "/dev/null" }, { "render", "/dev/dri/renderD128" },
		{ "rocsvm", "/dev/rocsvm" },
	};
	const char *source = JAIL;
	int r;

	r = SYS(unshare(CLONE_NEWNS | (user ? CLONE_NEWUSER : 0)));
	if (user && (r == -EPERM || r == -EINVAL))
		test_skip("no user namespaces");
	ASSERT_EQ(r, 0);
	if (user) {
		file_write("/proc/self/setgroups", "deny");
		ASSERT_EQ(file_write("/proc/self/uid_map", "0 0 1"), 0);
		ASSERT_EQ(file_write("/proc/self/gid_map", "0 0 1"), 0);
	}
	ASSERT_EQ(SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), 0);
	/* A device node can't be made in a user namespace, but bound. */
	for (size_t i = 0; i < ARRAY_SIZE(real); i++)
		if (!strcmp(fake, real[i][0]))
			source = real[i][1];
	if (!strcmp(source, JAIL))
		make_fake(fake, JAIL);
	ASSERT_EQ(SYS(mount(source, "/dev/kfd", NULL, MS_BIND, NULL)), 0);
	expect_kfd();
	unlink(JAIL);
}

static void in_mount_namespace(void *fake)
{
	in_namespace(fake, false);
}

static void in_user_namespace(void *fake)
{
	in_namespace(fake, true);
}

static void try(const char *where, void (*fn)(void *arg), const char *fake)
{
	int status;

	say("%s, /dev/kfd: %s", where, fake);
	status = run_child_bounded(fn, (void *)fake, debug_kernel() ? 60 : 20);
	if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		return;
	EXPECT_EQ(status, 0);
	remove_jail();
	unlink(JAIL);
}

static void test(void)
{
	at_end(remove_jail);
	remove_jail();
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
		try("chroot", in_chroot, fakes[i]);
		/* A directory can't be bound on a file, nor can nothing. */
		if (!strcmp(fakes[i], "missing") || !strcmp(fakes[i],
							    "directory"))
			continue;
		try("mount namespace", in_mount_namespace, fakes[i]);
		try("user namespace", in_user_namespace, fakes[i]);
	}
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
