// SPDX-License-Identifier: MIT
/*
 * Memory that is not allocated here: the caller's own, and what is shared with
 * others.
 */
#include <errno.h>

#include <linux/kfd_ioctl.h>

#include "internal.h"

int rocsvm_register_args(struct rocsvm_ctx *ctx, struct rocsvm_register *args)
{
	if (!ctx || !args)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_REGISTER, args);
}

int rocsvm_register(struct rocsvm_ctx *ctx, void *ptr, size_t length, const uint32_t *gpu_ids,
		    unsigned int num_gpus)
{
	struct rocsvm_register args = {
		.size = sizeof(args),
		.va = (uintptr_t)ptr,
		.length = length,
		.gpu_ids = (uintptr_t)gpu_ids,
		.num_gpus = num_gpus,
	};

	if (gpu_list_is_bad(gpu_ids, num_gpus))
		return -EINVAL;
	return rocsvm_register_args(ctx, &args);
}

int rocsvm_unregister(struct rocsvm_ctx *ctx, void *ptr, size_t length)
{
	struct rocsvm_unregister args = {
		.size = sizeof(args),
		.va = (uintptr_t)ptr,
		.length = length,
	};

	if (!ctx)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_UNREGISTER, &args);
}

int rocsvm_export(struct rocsvm_ctx *ctx, const void *ptr)
{
	struct rocsvm_export args = { .size = sizeof(args), .va = (uintptr_t)ptr };
	int ret;

	if (!ctx)
		return -EINVAL;
	ret = rocsvm_ioctl(ctx, ROCSVM_EXPORT, &args);
	return ret ? ret : args.fd;
}

int rocsvm_import_args(struct rocsvm_ctx *ctx, struct rocsvm_import *args)
{
	if (!ctx || !args)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_IMPORT, args);
}

int rocsvm_import(struct rocsvm_ctx *ctx, int fd, void **ptr, size_t *length, uint32_t flags)
{
	struct rocsvm_import args = { .size = sizeof(args), .flags = flags, .fd = fd };
	int ret;

	if (!ptr)
		return -EINVAL;
	if (flags & ROCSVM_ALLOC_FIXED)
		args.va = (uintptr_t)*ptr;
	ret = rocsvm_import_args(ctx, &args);
	if (ret)
		return ret;
	*ptr = (void *)(uintptr_t)args.va;
	if (length)
		*length = args.length;
	return 0;
}

static int svm_attr(struct rocsvm_ctx *ctx, uint32_t op, void *ptr, size_t length,
		    const struct kfd_ioctl_svm_attribute *attrs, unsigned int num_attrs)
{
	struct rocsvm_svm_attr args = {
		.size = sizeof(args),
		.op = op,
		.num_attrs = num_attrs,
		.va = (uintptr_t)ptr,
		.length = length,
		.attrs = (uintptr_t)attrs,
	};

	if (!ctx || !attrs)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_SVM_ATTR, &args);
}

int rocsvm_set_svm_attr(struct rocsvm_ctx *ctx, void *ptr, size_t length,
			const struct kfd_ioctl_svm_attribute *attrs, unsigned int num_attrs)
{
	return svm_attr(ctx, KFD_IOCTL_SVM_OP_SET_ATTR, ptr, length, attrs, num_attrs);
}

int rocsvm_get_svm_attr(struct rocsvm_ctx *ctx, void *ptr, size_t length,
			struct kfd_ioctl_svm_attribute *attrs, unsigned int num_attrs)
{
	return svm_attr(ctx, KFD_IOCTL_SVM_OP_GET_ATTR, ptr, length, attrs, num_attrs);
}
