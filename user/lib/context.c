// SPDX-License-Identifier: MIT
/*
 * The context: opening and closing, and what concerns the space as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

#define OPEN_APERTURES	((uint32_t)(ROCSVM_OPEN_RESERVED | ROCSVM_OPEN_MMAP))
#define OPEN_FLAGS	(OPEN_APERTURES | ROCSVM_OPEN_ACQUIRE | ROCSVM_OPEN_NO_GUARD)

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
	if (to->flags & ~OPEN_FLAGS || to->reserved)
		return -EOPNOTSUPP;
	if ((to->flags & OPEN_APERTURES) == OPEN_APERTURES)
		return -EINVAL;
	return 0;
}

/* Does the space have the aperture that the options name? 1, 0, or -errno */
static int has_aperture(struct rocsvm_ctx *ctx, uint32_t flags)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int ret = rocsvm_get_info(ctx, &info);

	if (ret)
		return ret;
	if (flags & ROCSVM_OPEN_MMAP)
		return info.aperture == ROCSVM_APERTURE_MMAP;
	if (flags & ROCSVM_OPEN_RESERVED)
		return info.window_limit != 0;	/* a failed RESERVE may leave none */
	return 1;
}

/* Change no more of the space than the options ask for. */
static int apply_options(struct rocsvm_ctx *ctx, const struct rocsvm_open_options *opts)
{
	struct rocsvm_reserve args = {
		.size = sizeof(args),
		.base = (uintptr_t)opts->base,
		.length = opts->length,
		.guard = opts->guard,
		.max_alignment = opts->max_alignment,
	};
	bool guard = opts->guard || opts->max_alignment || opts->flags & ROCSVM_OPEN_NO_GUARD;
	bool window = opts->base || opts->length;
	int ret;

	if (!guard && !window && !(opts->flags & OPEN_APERTURES))
		return 0;
	if (opts->base)
		args.flags |= ROCSVM_RESERVE_FIXED;
	if (opts->flags & ROCSVM_OPEN_NO_GUARD)
		args.flags |= ROCSVM_RESERVE_NO_GUARD;
	if (opts->flags & ROCSVM_OPEN_MMAP)
		args.aperture = ROCSVM_APERTURE_MMAP;
	if (!window) {
		ret = has_aperture(ctx, opts->flags);
		if (ret < 0)
			return ret;
		if (ret && !guard)
			return 0;
		if (ret) {
			args.flags |= ROCSVM_RESERVE_KEEP;
			args.aperture = 0;
		}
	}
	return rocsvm_reserve_args(ctx, &args);
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

	ret = apply_options(ctx, &opts);
	if (ret)
		goto err;
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

int rocsvm_reserve_args(struct rocsvm_ctx *ctx, struct rocsvm_reserve *args)
{
	if (!ctx || !args)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_RESERVE, args);
}

int rocsvm_kfd_ioctl(struct rocsvm_ctx *ctx, unsigned long cmd, void *arg)
{
	if (!ctx || _IOC_TYPE(cmd) != KFD_IOCTL_TYPE)
		return -EINVAL;
	return rocsvm_ioctl(ctx, cmd, arg);
}
