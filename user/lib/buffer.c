// SPDX-License-Identifier: MIT
/*
 * Buffers. A buffer's name is its address.
 */
#include <errno.h>

#include "internal.h"

int rocsvm_alloc_args(struct rocsvm_ctx *ctx, struct rocsvm_alloc *args)
{
	if (!ctx || !args)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_ALLOC, args);
}

int rocsvm_alloc(struct rocsvm_ctx *ctx, void **ptr, size_t length, enum rocsvm_kind kind,
		 uint32_t gpu_id, uint32_t flags)
{
	struct rocsvm_alloc args = {
		.size = sizeof(args),
		.flags = flags,
		.kind = kind,
		.gpu_id = gpu_id,
		.length = length,
	};
	int ret;

	if (!ctx || !ptr)
		return -EINVAL;
	if (flags & ROCSVM_ALLOC_FIXED)
		args.va = (uintptr_t)*ptr;
	ret = rocsvm_ioctl(ctx, ROCSVM_ALLOC, &args);
	if (ret)
		return ret;
	*ptr = (void *)(uintptr_t)args.va;
	return 0;
}

int rocsvm_free(struct rocsvm_ctx *ctx, void *ptr)
{
	struct rocsvm_free args = { .size = sizeof(args), .va = (uintptr_t)ptr };

	if (!ctx)
		return -EINVAL;
	if (!ptr)
		return 0;
	return rocsvm_ioctl(ctx, ROCSVM_FREE, &args);
}

static int map_or_unmap(struct rocsvm_ctx *ctx, unsigned long cmd, const void *ptr,
			const uint32_t *gpu_ids, unsigned int num_gpus)
{
	struct rocsvm_map args = {
		.size = sizeof(args),
		.va = (uintptr_t)ptr,
		.gpu_ids = (uintptr_t)gpu_ids,
		.num_gpus = num_gpus,
	};

	if (!ctx || gpu_list_is_bad(gpu_ids, num_gpus))
		return -EINVAL;
	return rocsvm_ioctl(ctx, cmd, &args);
}

int rocsvm_map(struct rocsvm_ctx *ctx, const void *ptr, const uint32_t *gpu_ids,
	       unsigned int num_gpus)
{
	return map_or_unmap(ctx, ROCSVM_MAP, ptr, gpu_ids, num_gpus);
}

int rocsvm_unmap(struct rocsvm_ctx *ctx, const void *ptr, const uint32_t *gpu_ids,
		 unsigned int num_gpus)
{
	return map_or_unmap(ctx, ROCSVM_UNMAP, ptr, gpu_ids, num_gpus);
}

int rocsvm_query_args(struct rocsvm_ctx *ctx, struct rocsvm_query *args)
{
	if (!ctx || !args)
		return -EINVAL;
	/* A loop hands the last answer's number back, and means no room by it. */
	if (!args->gpu_ids)
		args->num_gpus = 0;
	return rocsvm_ioctl(ctx, ROCSVM_QUERY, args);
}

static int query(struct rocsvm_ctx *ctx, const void *ptr, uint32_t flags,
		 struct rocsvm_query *args)
{
	if (!args)
		return -EINVAL;
	args->flags = flags;
	args->va = (uintptr_t)ptr;
	return rocsvm_query_args(ctx, args);
}

int rocsvm_query(struct rocsvm_ctx *ctx, const void *ptr, struct rocsvm_query *args)
{
	return query(ctx, ptr, 0, args);
}

int rocsvm_next(struct rocsvm_ctx *ctx, const void *from, struct rocsvm_query *args)
{
	return query(ctx, from, ROCSVM_QUERY_NEXT, args);
}

int rocsvm_set_tag(struct rocsvm_ctx *ctx, const void *ptr, uint64_t tag)
{
	struct rocsvm_set_tag args = {
		.size = sizeof(args),
		.va = (uintptr_t)ptr,
		.tag = tag,
	};

	if (!ctx)
		return -EINVAL;
	return rocsvm_ioctl(ctx, ROCSVM_SET_TAG, &args);
}

int rocsvm_get_tag(struct rocsvm_ctx *ctx, const void *ptr, uint64_t *tag)
{
	struct rocsvm_query args = { .size = sizeof(args) };
	int ret;

	if (!tag)
		return -EINVAL;
	ret = rocsvm_query(ctx, ptr, &args);
	if (!ret)
		*tag = args.tag;
	return ret;
}

int rocsvm_batch(struct rocsvm_ctx *ctx, struct rocsvm_batch_entry *entries,
		 unsigned int num_entries, uint32_t flags, unsigned int *num_done)
{
	struct rocsvm_batch args = {
		.size = sizeof(args),
		.flags = flags,
		.entries = (uintptr_t)entries,
		.num_entries = num_entries,
	};
	int ret;

	if (!ctx || (num_entries && !entries))
		return -EINVAL;
	/* A signal leaves the number of what is done in it, as the repeated call needs it. */
	ret = rocsvm_ioctl(ctx, ROCSVM_BATCH, &args);
	if (num_done)
		*num_done = args.num_done;
	return ret;
}
