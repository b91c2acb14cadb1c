// SPDX-License-Identifier: MIT
/*
 * The context: opening and closing, and what concerns the space as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

#define DEVICE		"/dev/rocsvm"
#define TOPOLOGY	"/sys/class/kfd/kfd/topology"
#define KFD_IOCTL_TYPE	'K'

/* The options as version 0.1 had them: no caller knows a shorter struct. */
#define OPTIONS_SIZE_0_1 \
	(offsetof(struct rocsvm_open_options, length) + sizeof(uint64_t))

const char *rocsvm_version(void)
{
	return ROCSVM_VERSION;
}

int rocsvm_ioctl(const struct rocsvm_ctx *ctx, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(ctx->fd, cmd, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* Take over what this version knows; the rest has to be zero. */
static int copy_options(struct rocsvm_open_options *to, const struct rocsvm_open_options *from)
{
	const unsigned char *bytes = (const unsigned char *)from;

	memset(to, 0, sizeof(*to));
	if (!from)
		return 0;
	if (from->size < OPTIONS_SIZE_0_1)
		return -EINVAL;
	for (size_t i = sizeof(*to); i < from->size; i++)
		if (bytes[i])
			return -E2BIG;
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	if (to->flags & ~(uint32_t)ROCSVM_OPEN_ACQUIRE || to->reserved)
		return -EOPNOTSUPP;
	return 0;
}

static int open_device(const char *path)
{
	int fd;

	do {
		fd = open(path ? path : DEVICE, O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rocsvm_open(struct rocsvm_ctx **out, const struct rocsvm_open_options *options)
{
	struct rocsvm_open_options opts;
	struct rocsvm_ctx *ctx;
	int ret;

	if (!out)
		return -EINVAL;
	*out = NULL;
	ret = copy_options(&opts, options);
	if (ret)
		return ret;

	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	atomic_init(&ctx->refs, 1);
	ctx->fd = -1;
	ctx->topology = strdup(opts.topology ? opts.topology : TOPOLOGY);
	if (!ctx->topology) {
		ret = -ENOMEM;
		goto err;
	}
	ret = open_device(opts.device);
	if (ret < 0)
		goto err;
	ctx->fd = ret;

	if (opts.base || opts.length) {
		ret = rocsvm_reserve(ctx, opts.base, opts.length);
		if (ret)
			goto err;
	}
	if (opts.flags & ROCSVM_OPEN_ACQUIRE) {
		ret = rocsvm_acquire_all(ctx);
		if (ret)
			goto err;
	}
	*out = ctx;
	return 0;

err:
	rocsvm_unref(ctx);
	return ret;
}

struct rocsvm_ctx *rocsvm_ref(struct rocsvm_ctx *ctx)
{
	if (ctx)
		atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
	return ctx;
}

struct rocsvm_ctx *rocsvm_unref(struct rocsvm_ctx *ctx)
{
	if (!ctx || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	if (ctx->fd >= 0)
		close(ctx->fd);
	free(ctx->topology);
	free(ctx);
	return NULL;
}

int rocsvm_fd(const struct rocsvm_ctx *ctx)
{
	return ctx ? ctx->fd : -EINVAL;
}

int rocsvm_get_info(struct rocsvm_ctx *ctx, struct rocsvm_info *info)
{
	if (!ctx || !info)
		return -EINVAL;
	info->flags = 0;
	info->__reserved = 0;
	return rocsvm_ioctl(ctx, ROCSVM_INFO, info);
}

int rocsvm_reserve(struct rocsvm_ctx *ctx, void *base, uint64_t length)
{
	struct rocsvm_reserve args = {
		.size = sizeof(args),
		.flags = base ? ROCSVM_RESERVE_FIXED : 0,
		.base = (uintptr_t)base,
		.length = length,
	};

	if (!ctx)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_RESERVE, &args);
}

int rocsvm_kfd_ioctl(struct rocsvm_ctx *ctx, unsigned long cmd, void *arg)
{
	if (!ctx || _IOC_TYPE(cmd) != KFD_IOCTL_TYPE)
		return -EINVAL;
	return rocsvm_ioctl(ctx, cmd, arg);
}
