// SPDX-License-Identifier: MIT
/*
 * A program frees a buffer's memory behind the module's back, over KFD's own
 * ioctl, and has DRM put an object of its own in its place. EXPORT does not
 * make a second dma-buf of that: the kernel would warn when both are imported.
 * From Linux 6.3 on KFD makes dma-bufs: by then its handle names that object,
 * whose dma-buf it gives.
 */
#include "share.h"
#include "window.h"

#define LENGTH KiB(64)

static int fd, drm;
static uint32_t gpu_id;

static void kfd_free(void *buffer)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { 0 };
	struct rocsvm_query query = { .va = (uintptr_t)buffer };

	ASSERT_EQ(svm_query(fd, &query), 0);
	args.handle = query.handle;
	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args), 0);
}

/* So that the render file may map the object although it has no handle. */
static void kfd_import(int dmabuf)
{
	struct kfd_ioctl_import_dmabuf_args args = {
		.va_addr = GiB(8),
		.gpu_id = gpu_id,
		.dmabuf_fd = dmabuf,
	};

	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_IMPORT_DMABUF, &args), 0);
}

/* Where the render file has an object, and a buffer's was. */
static uint64_t gem_offset(int handle)
{
	union drm_amdgpu_gem_mmap args = { .in.handle = handle };

	ASSERT_EQ(SYS(ioctl(drm, DRM_IOCTL_AMDGPU_GEM_MMAP, &args)), 0);
	return args.out.addr_ptr;
}

static void test(void)
{
	int log = klog_open(), handle, other, prime, exported;
	uint64_t offset;
	void *buffer;

	fd = svm_open();
	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	drm = render_open(gpu_id);
	ASSERT_GE(drm, 0);
	ASSERT_EQ(svm_acquire(fd, gpu_id, drm), 0);

	/* the lowest offset that is free is the next object's */
	handle = gem_create(drm, LENGTH, AMDGPU_GEM_DOMAIN_VRAM, 0);
	ASSERT_GT(handle, 0);
	offset = gem_offset(handle);
	gem_close(drm, handle);
	buffer = svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, LENGTH);
	kfd_free(buffer);
	handle = gem_create(drm, LENGTH, AMDGPU_GEM_DOMAIN_VRAM, 0);
	ASSERT_GT(handle, 0);
	EXPECT_EQ(gem_offset(handle), offset);

	EXPECT_EQ(svm_export(fd, buffer), -EINVAL);
	prime = prime_export(drm, handle, DRM_RDWR);
	ASSERT_GE(prime, 0);
	gem_close(drm, handle);
	kfd_import(prime);
	exported = svm_export(fd, buffer);
	if (!kernel_since(6, 3))
		EXPECT_EQ(exported, -EINVAL);
	if (exported >= 0) {
		handle = prime_import(drm, prime);
		other = prime_import(drm, exported);
		EXPECT_EQ(other, handle);
		close(exported);
		gem_close(drm, handle);
		if (other != handle)
			gem_close(drm, other);
	}
	EXPECT_EQ(klog_count(log, "WARNING"), 0);
	close(prime);
	close(drm);
	close(fd);
	close(log);
}

int main(void)
{
	return test_main(test);
}
