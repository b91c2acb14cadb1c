// SPDX-License-Identifier: MIT
/*
 * A GEM object of another process, made and exported over the render node as
 * libdrm does it, becomes a buffer at an address for CPU and GPU.
 */
#include "pagetable.h"
#include "share.h"

#include <sys/socket.h>

#define LENGTH KiB(64)

struct object {
	const char *what;
	uint64_t domain, flags;
	uint32_t kind;
	bool metadata;
};

static const struct object objects[] = {
	{ "VRAM, CPU access", AMDGPU_GEM_DOMAIN_VRAM,
	  AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED, ROCSVM_KIND_VRAM, false },
	{ "VRAM", AMDGPU_GEM_DOMAIN_VRAM, 0, ROCSVM_KIND_VRAM, false },
	{ "VRAM, no CPU access", AMDGPU_GEM_DOMAIN_VRAM,
	  AMDGPU_GEM_CREATE_NO_CPU_ACCESS, ROCSVM_KIND_PRIVATE_VRAM, false },
	{ "GTT", AMDGPU_GEM_DOMAIN_GTT, 0, ROCSVM_KIND_GTT, false },
	{ "GTT with metadata", AMDGPU_GEM_DOMAIN_GTT, 0, ROCSVM_KIND_GTT, true },
};

static int pair[2];
static uint32_t gpu_id;
static struct sync imported, written;

/* What a driver leaves on its objects for those who import them. */
static void set_metadata(int drm, int handle)
{
	struct drm_amdgpu_gem_metadata args = {
		.handle = handle,
		.op = AMDGPU_GEM_METADATA_OP_SET_METADATA,
		.data.data_size_bytes = 256,
	};

	EXPECT_EQ(SYS(ioctl(drm, DRM_IOCTL_AMDGPU_GEM_METADATA, &args)), 0);
}

/* Has nothing to do with rocsvm or KFD. */
static void owner(void *arg)
{
	const struct object *object = arg;
	int drm = render_open(gpu_id), handle, dmabuf;
	char *view = NULL;

	ASSERT_GE(drm, 0);
	handle = gem_create(drm, LENGTH, object->domain, object->flags);
	ASSERT_GT(handle, 0);
	if (object->metadata)
		set_metadata(drm, handle);
	if (!(object->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS)) {
		view = gem_map(drm, handle, LENGTH);
		pattern_fill(view, LENGTH, 1);
	}
	dmabuf = prime_export(drm, handle, DRM_RDWR);
	ASSERT_GE(dmabuf, 0);
	fd_send(pair[1], dmabuf);
	close(dmabuf);
	sync_wait(&written);
	if (view)
		EXPECT_EQ(pattern_differs(view, LENGTH, 2), -1);
	gem_close(drm, handle);
	sync_post(&imported);
}

static void import_it(struct gpuqueue *queue, const struct object *object)
{
	pid_t pid = child_start(owner, (void *)object);
	int dmabuf = fd_recv(pair[0]), again, fd = queue->fd;
	struct rocsvm_import args = {
		.fd = dmabuf,
		.gpu_ids = (uintptr_t)&gpu_id,
		.num_gpus = 1,
	};
	char *host = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH), *va;

	say("%s", object->what);
	EXPECT_EQ(svm_map_all(fd, host), 0);
	ASSERT_EQ(svm_import_args(fd, &args), 0);
	EXPECT_EQ(args.kind, object->kind);
	EXPECT_EQ(args.length, LENGTH);
	EXPECT_EQ(args.gpu_id, gpu_id);
	va = (char *)(uintptr_t)args.va;
	EXPECT_EQ(gpuqueue_copy(queue, host, va, LENGTH), 0);
	if (!(object->flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS))
		EXPECT_EQ(pattern_differs(host, LENGTH, 1), -1);
	if (object->kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_EQ(pattern_differs(va, LENGTH, 1), -1);
	else
		EXPECT_EQ(probe_read(va), PROBE_MAPERR);
	pattern_fill(host, LENGTH, 2);
	EXPECT_EQ(gpuqueue_copy(queue, va, host, LENGTH), 0);

	/* exported again, it is the owner's dma-buf */
	again = svm_export(fd, va);
	ASSERT_GE(again, 0);
	EXPECT_EQ(fd_inode(again), fd_inode(dmabuf));
	close(again);
	close(dmabuf);
	sync_post(&written);
	sync_wait(&imported);
	EXPECT_EQ(child_wait(pid), 0);

	/* the owner is gone */
	memset(host, 0, LENGTH);
	EXPECT_EQ(gpuqueue_copy(queue, host, va, LENGTH), 0);
	EXPECT_EQ(pattern_differs(host, LENGTH, 2), -1);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(svm_free(fd, host), 0);
}

/* A descriptor that was exported for reading only is not written through. */
static void read_only(int fd)
{
	int drm = render_open(gpu_id), handle, dmabuf;
	struct rocsvm_import args = { 0 };

	ASSERT_GE(drm, 0);
	handle = gem_create(drm, LENGTH, AMDGPU_GEM_DOMAIN_GTT, 0);
	ASSERT_GT(handle, 0);
	dmabuf = prime_export(drm, handle, 0);
	ASSERT_GE(dmabuf, 0);
	args.fd = dmabuf;
	EXPECT_EQ(svm_import_args(fd, &args), -EACCES);
	close(dmabuf);
	gem_close(drm, handle);
	close(drm);
}

static void test(void)
{
	int fd = svm_start();
	struct gpuqueue queue;

	gpu_id = svm_gpu(fd, 0);
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	sync_init(&imported);
	sync_init(&written);
	gpuqueue_open(&queue, fd, gpu_id);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		import_it(&queue, &objects[i]);
	read_only(fd);
	gpuqueue_close(&queue);
	EXPECT_EQ(svm_num_buffers(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
