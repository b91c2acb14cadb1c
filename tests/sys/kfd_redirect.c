// SPDX-License-Identifier: MIT
/*
 * What the caller finds at /dev/kfd does not matter: neither a chroot with
 * something else there, nor rocsvm's own node mounted over it, leads the
 * module anywhere but to KFD.
 */
#include "harness.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* The node opens, and what answers behind it is KFD. */
static void check_open(void)
{
	struct kfd_ioctl_get_version_args version = { 0 };
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &version), 0);
	EXPECT_EQ(version.major_version, KFD_IOCTL_MAJOR_VERSION);
	close(fd);
}

static void in_chroot(void *arg)
{
	struct stat node;

	ASSERT_EQ(stat("/dev/rocsvm", &node), 0);
	ASSERT_EQ(chroot(arg), 0);
	ASSERT_EQ(chdir("/"), 0);
	ASSERT_EQ(mkdir("/dev", 0755), 0);
	ASSERT_EQ(mkfifo("/dev/kfd", 0666), 0);
	ASSERT_EQ(mknod("/dev/rocsvm", S_IFCHR | 0600, node.st_rdev), 0);
	check_open();
	unlink("/dev/kfd");
	check_open();
	unlink("/dev/rocsvm");
	rmdir("/dev");
}

/* As for a program that is to use rocsvm without knowing. */
static void mounted_over(void *arg)
{
	struct rocsvm_info info;
	int fd;

	(void)arg;
	ASSERT_EQ(SYS(unshare(CLONE_NEWNS)), 0);
	ASSERT_EQ(SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), 0);
	ASSERT_EQ(SYS(mount("/dev/rocsvm", "/dev/kfd", NULL, MS_BIND, NULL)), 0);
	fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_info(fd, &info), 0);
	EXPECT_GE(info.num_gpus, 1);
	check_open();
	svm_acquire_all(fd);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
}

static void test(void)
{
	char directory[] = "/tmp/rocsvm.XXXXXX";

	ASSERT(mkdtemp(directory));
	EXPECT_EQ(run_child(in_chroot, directory), 0);
	rmdir(directory);
	EXPECT_EQ(run_child(mounted_over, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
