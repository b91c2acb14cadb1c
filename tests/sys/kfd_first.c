// SPDX-License-Identifier: MIT
/*
 * A program that binds a GPU's VM with KFD's own ACQUIRE_VM through /dev/rocsvm
 * can go on to acquire the GPU with rocsvm's, also by another file of the node,
 * when it has closed the one that KFD knows: buffers of both live side by side,
 * and the CPU can access them.
 */
#include "harness.h"

static int kfd_acquire(int fd, uint32_t gpu_id, int drm)
{
	struct kfd_ioctl_acquire_vm_args args = {
		.drm_fd = drm, .gpu_id = gpu_id,
	};

	return svm_ioctl(fd, AMDKFD_IOC_ACQUIRE_VM, &args);
}

static uint64_t kfd_alloc(int fd, uint32_t gpu_id, void *va)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = (uintptr_t)va, .size = KiB(64), .gpu_id = gpu_id,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};

	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args), 0);
	return args.handle;
}

static void buffers(int fd)
{
	char *gtt = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	char *host = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));

	EXPECT_EQ(svm_map_all(fd, gtt), 0);
	EXPECT_EQ(svm_map_all(fd, host), 0);
	EXPECT_EQ(probe_write(gtt), 0);
	EXPECT_EQ(probe_write(host), 0);
	EXPECT_EQ(svm_free(fd, gtt), 0);
	EXPECT_EQ(svm_free(fd, host), 0);
}

static void test(void)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { 0 };
	int fd = svm_open(), drm, other, stranger;
	uint32_t gpu_id = svm_gpu(fd, 0);
	void *room = mmap(NULL, KiB(64), PROT_NONE, MAP_PRIVATE |
			  MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT_GE(fd, 0);
	drm = render_open(gpu_id);
	other = render_open(gpu_id);
	stranger = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT(drm >= 0 && other >= 0 && stranger >= 0);

	/* What KFD refuses binds nothing. */
	EXPECT_LT(kfd_acquire(fd, gpu_id, stranger), 0);
	EXPECT_LT(kfd_acquire(fd, gpu_id, -1), 0);
	EXPECT_LT(kfd_acquire(fd, gpu_id + 1, other), 0);
	ASSERT_EQ(kfd_acquire(fd, gpu_id, drm), 0);
	EXPECT_EQ(kfd_acquire(fd, gpu_id, other), -EBUSY);
	args.handle = kfd_alloc(fd, gpu_id, room);

	close(drm);
	EXPECT_EQ(svm_acquire(fd, gpu_id, stranger), -EINVAL);
	EXPECT_EQ(svm_acquire(fd, gpu_id, other), 0);
	close(other);
	close(stranger);
	buffers(fd);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args), 0);
	close(fd);

	/* The VM stays bound, and any file of the node will do. */
	fd = svm_start();
	buffers(fd);
	close(fd);
	munmap(room, KiB(64));
}

int main(void)
{
	return test_main(test);
}
