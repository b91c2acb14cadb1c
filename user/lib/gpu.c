// SPDX-License-Identifier: MIT
/*
 * GPUs: which there are, and acquiring their VMs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

int rocsvm_num_gpus(struct rocsvm_ctx *ctx)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int ret = rocsvm_get_info(ctx, &info);

	return ret ? ret : (int)info.num_gpus;
}

int rocsvm_gpu(struct rocsvm_ctx *ctx, unsigned int index, struct rocsvm_gpu_info *info)
{
	if (!ctx || !info)
		return -EINVAL;
	info->flags = 0;
	info->index = index;
	info->__reserved = 0;
	return rocsvm_ioctl(ctx, ROCSVM_GPU_INFO, info);
}

int rocsvm_gpu_property(struct rocsvm_ctx *ctx, uint32_t gpu_id, const char *name,
			uint64_t *value)
{
	if (!ctx || !name || !*name || !value)
		return -EINVAL;
	return rocsvm_topology_property(ctx->topology, gpu_id, name, value);
}

/* 1 if the space holds the GPU's VM, 0 if not, or -errno */
static int is_acquired(struct rocsvm_ctx *ctx, uint32_t gpu_id)
{
	struct rocsvm_gpu_info info = { .size = sizeof(info) };
	int ret;

	for (unsigned int i = 0;; i++) {
		ret = rocsvm_gpu(ctx, i, &info);
		if (ret)
			return ret;
		if (info.gpu_id == gpu_id)
			return !!(info.gpu_flags & ROCSVM_GPU_ACQUIRED);
	}
}

static int open_render_node(struct rocsvm_ctx *ctx, uint32_t gpu_id)
{
	uint64_t minor;
	char path[64];
	int fd, ret;

	ret = rocsvm_topology_property(ctx->topology, gpu_id, "drm_render_minor", &minor);
	if (ret)
		return ret == -ENOENT ? -ENODEV : ret;
	/* KFD shows 0 or a cast -1 for a GPU without a render node. */
	if (!minor || minor > INT_MAX)
		return -ENODEV;
	snprintf(path, sizeof(path), "/dev/dri/renderD%d", (int)minor);
	do {
		fd = open(path, O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/*
 * Acquire a GPU's VM, and leave the render file that was opened for it to the
 * caller: *@drm_fd, or -1 if none was.
 */
static int acquire(struct rocsvm_ctx *ctx, uint32_t gpu_id, int *drm_fd)
{
	struct rocsvm_acquire_vm args = { .size = sizeof(args), .gpu_id = gpu_id };
	int ret;

	*drm_fd = -1;
	ret = is_acquired(ctx, gpu_id);
	if (ret)
		return ret < 0 ? ret : 0;

	ret = open_render_node(ctx, gpu_id);
	if (ret < 0)
		return ret;
	*drm_fd = ret;
	args.drm_fd = ret;
	ret = rocsvm_ioctl(ctx, ROCSVM_ACQUIRE_VM, &args);

	/* Another thread may have been first, with a file of its own. */
	if (ret == -EBUSY && is_acquired(ctx, gpu_id) == 1)
		ret = 0;
	return ret;
}

int rocsvm_acquire(struct rocsvm_ctx *ctx, uint32_t gpu_id)
{
	int drm_fd, ret;

	if (!ctx)
		return -EINVAL;
	ret = acquire(ctx, gpu_id, &drm_fd);
	if (drm_fd >= 0)
		close(drm_fd);
	return ret;
}

int rocsvm_acquire_all(struct rocsvm_ctx *ctx)
{
	struct rocsvm_gpu_info info = { .size = sizeof(info) };
	int num_gpus = rocsvm_num_gpus(ctx);
	int acquired = 0, ret = 0;
	int *drm_fds;

	if (num_gpus <= 0)
		return num_gpus ? num_gpus : -ENODEV;
	drm_fds = malloc(num_gpus * sizeof(*drm_fds));
	if (!drm_fds)
		return -ENOMEM;

	/*
	 * Closing a render file makes KFD stop and restore the process's
	 * queues, which KFD of 6.1 does not survive before all are acquired.
	 */
	for (int i = 0; i < num_gpus && !ret; i++) {
		ret = rocsvm_gpu(ctx, i, &info);
		if (ret || !(info.gpu_flags & ROCSVM_GPU_CANONICAL))
			continue;
		ret = acquire(ctx, info.gpu_id, &drm_fds[acquired]);
		acquired++;
	}
	for (int i = 0; i < acquired; i++)
		if (drm_fds[i] >= 0)
			close(drm_fds[i]);
	free(drm_fds);
	return ret || acquired ? ret : -ENODEV;
}
