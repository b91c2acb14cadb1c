// SPDX-License-Identifier: MIT
/*
 * A container whose device cgroup lacks KFD's node, rocsvm's or the render
 * node: what is lacking is refused with the kernel's own errno, nothing is left
 * behind, and everybody else goes on.
 */
#include "hostile.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MOUNT "/tmp/rocsvm-devices"
#define GROUP MOUNT "/container"

static void remove_group(void)
{
	rmdir(GROUP);
	umount2(MOUNT, MNT_DETACH);
	rmdir(MOUNT);
}

/* Take a node away from the group. */
static void deny(const char *path)
{
	char text[64];
	struct stat st;

	ASSERT_EQ(SYS(stat(path, &st)), 0);
	snprintf(text, sizeof(text), "c %u:%u rwm", major(st.st_rdev),
		 minor(st.st_rdev));
	ASSERT_EQ(file_write(GROUP "/devices.deny", text), 0);
	say("without %s", path);
}

static void allow_all(void)
{
	ASSERT_EQ(file_write(GROUP "/devices.allow", "a"), 0);
}

static void join_group(void)
{
	ASSERT_EQ(file_write(GROUP "/cgroup.procs", "0"), 0);
}

static void without_kfd(void *unused)
{
	size_t vmas;

	(void)unused;
	join_group();
	vmas = maps_named(0, "rocsvm");
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR | O_CLOEXEC)), -EPERM);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(svm_open(), -EPERM);
	EXPECT_EQ(maps_named(0, "rocsvm"), vmas);
}

static void without_rocsvm(void *unused)
{
	int kfd;

	(void)unused;
	join_group();
	EXPECT_EQ(svm_open(), -EPERM);
	kfd = kfd_open();
	close(kfd);
}

/* The GPU is another one's: KFD itself asks for the render node. */
static void without_render(void *arg)
{
	struct kfd_ioctl_acquire_vm_args args;
	int drm = (intptr_t)arg, fd, kfd, r;
	struct rocsvm_info info;
	uint32_t gpu;

	join_group();
	fd = svm_open();
	say("open: %d", fd);
	if (fd < 0) {
		EXPECT_EQ(fd, -ENODEV);
		return;
	}
	ASSERT_EQ(svm_info(fd, &info), 0);
	say("%u GPUs", info.num_gpus);
	if (!info.num_gpus)
		return;
	gpu = svm_gpu(fd, 0);
	EXPECT_EQ(SYS(open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC)), -EPERM);
	/* A file that somebody else has opened: what KFD says. */
	kfd = kfd_open();
	args = (struct kfd_ioctl_acquire_vm_args){ .drm_fd = drm, .gpu_id = gpu };
	r = svm_ioctl(kfd, AMDKFD_IOC_ACQUIRE_VM, &args);
	say("ACQUIRE_VM of a file that was passed: KFD %d", r);
	EXPECT_EQ(svm_acquire(fd, gpu, drm), r);
	close(kfd);
	close(fd);
}

static void test(void)
{
	struct account a = account_open();
	int other = svm_start(), drm;

	at_end(remove_group);
	ASSERT_EQ(SYS(mkdir(MOUNT, 0755)), 0);
	if (SYS(mount("devices", MOUNT, "cgroup", 0, "devices")))
		test_skip("no devices cgroup");
	ASSERT_EQ(SYS(mkdir(GROUP, 0755)), 0);

	deny("/dev/kfd");
	EXPECT_EQ(run_child(without_kfd, NULL), 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
	use_all_kinds(other, KiB(64));
	allow_all();

	deny("/dev/rocsvm");
	EXPECT_EQ(run_child(without_rocsvm, NULL), 0);
	use_all_kinds(other, KiB(64));
	allow_all();

	drm = render_open(a.gpu);
	ASSERT_GE(drm, 0);
	deny("/dev/dri/renderD128");
	EXPECT_EQ(run_child(without_render, (void *)(intptr_t)drm), 0);
	use_all_kinds(other, KiB(64));
	close(drm);
	close(other);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return window_main(test);
}
