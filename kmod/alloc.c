// SPDX-License-Identifier: GPL-2.0-only
/*
 * ALLOC, FREE, MAP and UNMAP: what is asked is checked, placed and done.
 */
#include <linux/dma-buf.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "rocsvm.h"

/* What a GPU's registers for scratch memory can hold. */
#define ROCSVM_SCRATCH_ALIGNMENT	SZ_64K

#define ROCSVM_ALLOC_FLAGS						\
	(ROCSVM_ALLOC_FIXED | ROCSVM_ALLOC_READONLY |			\
	 ROCSVM_ALLOC_EXECUTABLE | ROCSVM_ALLOC_COHERENT |		\
	 ROCSVM_ALLOC_UNCACHED | ROCSVM_ALLOC_AQL_QUEUE)

static struct kmem_cache *buffer_cache;

/**
 * rocsvm_buffers_init - for the module's init
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_buffers_init(void)
{
	buffer_cache = rocsvm_kmem_cache_create("rocsvm_buffer",
						sizeof(struct rocsvm_buffer));
	return buffer_cache ? 0 : -ENOMEM;
}

/**
 * rocsvm_buffers_exit - undo rocsvm_buffers_init()
 *
 * No space is left, but maybe what rocsvm_buffer_destroy_rcu() has been given.
 */
void rocsvm_buffers_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(buffer_cache);
}

/**
 * rocsvm_buffer_new - memory for a buffer
 *
 * Return: a buffer of zeros, or NULL.
 */
struct rocsvm_buffer *rocsvm_buffer_new(void)
{
	return kmem_cache_zalloc(buffer_cache, ROCSVM_GFP);
}

/**
 * rocsvm_buffer_destroy - give the memory of a buffer back, at once
 * @buf: the buffer; has no addresses
 */
void rocsvm_buffer_destroy(struct rocsvm_buffer *buf)
{
	if (rocsvm_is_reservation(buf->kind))
		kfree(buf->inside);
	else if (buf->kind != ROCSVM_KIND_HOST && buf->dmabuf)
		dma_buf_put(buf->dmabuf);
	kmem_cache_free(buffer_cache, buf);
}

static void buffer_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(buffer_cache,
			container_of(rcu, struct rocsvm_buffer, rcu));
}

/**
 * rocsvm_buffer_destroy_rcu - the same when no fault looks at it any more
 * @buf: a host buffer; has no addresses, nor anything else
 *
 * (Not kfree_rcu(): in Linux 6.1 rcu_barrier() does not wait for that.)
 */
void rocsvm_buffer_destroy_rcu(struct rocsvm_buffer *buf)
{
	call_rcu(&buf->rcu, buffer_free_rcu);
}

static int check_flags(const struct rocsvm_alloc *cmd, u32 known)
{
	u32 flags = cmd->flags;

	if (flags & ~known || cmd->__reserved)
		return -EOPNOTSUPP;
	if (rocsvm_is_reservation(cmd->kind) &&
	    (flags & ~ROCSVM_ALLOC_FIXED || cmd->num_gpus))
		return -EINVAL;
	if (flags & ROCSVM_ALLOC_AQL_QUEUE &&
	    ((cmd->kind != ROCSVM_KIND_GTT && cmd->kind != ROCSVM_KIND_VRAM) ||
	     !IS_ALIGNED(cmd->length, 2 * PAGE_SIZE)))
		return -EINVAL;
	return 0;
}

/**
 * rocsvm_alloc_check - check what needs no lock
 * @cmd: what is asked for
 * @flags: the flags that are known
 *
 * Return: 0, -EINVAL or -EOPNOTSUPP.
 */
int rocsvm_alloc_check(const struct rocsvm_alloc *cmd, u32 flags)
{
	int err;

	if (cmd->kind < ROCSVM_KIND_HOST || cmd->kind > ROCSVM_KIND_SCRATCH)
		return cmd->flags & ~flags || cmd->__reserved ? -EOPNOTSUPP :
								-EINVAL;
	err = check_flags(cmd, flags);
	if (err)
		return err;
	if (!cmd->length)
		return -EINVAL;
	if (cmd->alignment && (!is_power_of_2(cmd->alignment) ||
			       cmd->alignment < PAGE_SIZE ||
			       cmd->alignment > ROCSVM_MAX_ALIGNMENT))
		return -EINVAL;
	if (!IS_ALIGNED(cmd->guard, PAGE_SIZE) || cmd->guard > ROCSVM_MAX_GUARD)
		return -EINVAL;
	if (!(cmd->flags & ROCSVM_ALLOC_FIXED))
		return cmd->va ? -EINVAL : 0;
	if (!IS_ALIGNED(cmd->va, PAGE_SIZE) ||
	    (cmd->alignment && !IS_ALIGNED(cmd->va, cmd->alignment)))
		return -EINVAL;
	return 0;
}

static u64 alloc_guard(const struct rocsvm_space *space,
		       const struct rocsvm_alloc *cmd, u64 granule)
{
	if (cmd->guard)
		return cmd->guard;
	if (space->no_guard)
		return 0;
	return space->guard ? space->guard : granule;
}

static u64 alloc_alignment(const struct rocsvm_space *space,
			   const struct rocsvm_alloc *cmd)
{
	u64 alignment = cmd->alignment;

	if (!alignment)
		alignment = rocsvm_default_alignment(cmd->length,
						     space->max_alignment);
	if (cmd->kind == ROCSVM_KIND_SCRATCH)
		alignment = max_t(u64, alignment, ROCSVM_SCRATCH_ALIGNMENT);
	return alignment;
}

/* Back a part of an address reservation. */
static int place_inside(struct rocsvm_space *space,
			struct rocsvm_buffer *reservation,
			struct rocsvm_buffer *buf,
			const struct rocsvm_alloc *cmd)
{
	int err;

	if (rocsvm_is_reservation(cmd->kind) || cmd->guard)
		return -EINVAL;
	buf->nested = true;
	rocsvm_view_lock(space);
	err = rocsvm_range_insert_fixed(reservation->inside, &buf->range,
					cmd->va, cmd->length, 0, 0);
	rocsvm_view_unlock(space);
	return err;
}

static int place_in_region(struct rocsvm_space *space,
			   struct rocsvm_region *region,
			   struct rocsvm_buffer *buf,
			   const struct rocsvm_alloc *cmd)
{
	u64 guard = alloc_guard(space, cmd, region->granule);
	bool fixed = cmd->flags & ROCSVM_ALLOC_FIXED;
	u64 va = cmd->va;
	int err = 0;

	/* A space may be without a window, and its regions without room. */
	if (cmd->length > region->end - region->base)
		return fixed && region->end ? -ERANGE : -ENOMEM;
	if (!fixed)
		err = rocsvm_range_choose(region, cmd->length,
					  alloc_alignment(space, cmd), guard,
					  &va);
	if (err)
		return err;
	rocsvm_view_lock(space);
	err = rocsvm_range_insert_fixed(region, &buf->range, va, cmd->length, 0,
					guard);
	rocsvm_view_unlock(space);
	return err;
}

static int place_in_window(struct rocsvm_space *space,
			   struct rocsvm_buffer *buf,
			   const struct rocsvm_alloc *cmd)
{
	enum rocsvm_region_index index;

	if (cmd->flags & ROCSVM_ALLOC_COHERENT)
		index = buf->huge ? ROCSVM_REGION_COHERENT_HUGE :
				    ROCSVM_REGION_COHERENT_PAGES;
	else
		index = buf->huge ? ROCSVM_REGION_HUGE : ROCSVM_REGION_PAGES;
	return place_in_region(space, &space->regions[index], buf, cmd);
}

static int place_piece(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		       const struct rocsvm_alloc *cmd)
{
	u64 granule = buf->huge ? ROCSVM_HUGE_SIZE : PAGE_SIZE;
	u64 guard = alloc_guard(space, cmd, PAGE_SIZE);
	u64 length;

	if (cmd->length > ROCSVM_CANONICAL_END)
		return cmd->flags & ROCSVM_ALLOC_FIXED ? -ERANGE : -ENOMEM;
	length = ALIGN(cmd->length, granule);
	if (cmd->flags & ROCSVM_ALLOC_FIXED)
		return rocsvm_piece_place_fixed(space, buf, cmd->va, length,
						guard);
	return rocsvm_piece_place(space, buf, length,
				  max(alloc_alignment(space, cmd), granule),
				  guard);
}

/* Give the buffer its addresses. */
static int buffer_place(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			const struct rocsvm_alloc *cmd)
{
	struct rocsvm_gpu *gpu = &space->gpus[buf->gpu];
	struct rocsvm_buffer *reservation = NULL;

	if (!gpu->canonical)
		return place_in_region(space, &gpu->apart, buf, cmd);

	if (cmd->flags & ROCSVM_ALLOC_FIXED)
		reservation = rocsvm_reservation_at(space, cmd->va);
	if (reservation)
		return place_inside(space, reservation, buf, cmd);

	buf->huge = cmd->kind == ROCSVM_KIND_HOST &&
		    cmd->length >= ROCSVM_HUGE_SIZE;
	if (cmd->flags & ROCSVM_ALLOC_FIXED &&
	    ((buf->huge && !IS_ALIGNED(cmd->va, ROCSVM_HUGE_SIZE)) ||
	     (cmd->kind == ROCSVM_KIND_SCRATCH &&
	      !IS_ALIGNED(cmd->va, ROCSVM_SCRATCH_ALIGNMENT))))
		return -EINVAL;
	if (!space->window.work)
		return -ENOMEM;
	return space->window.pieces ? place_piece(space, buf, cmd) :
				      place_in_window(space, buf, cmd);
}

/* What a reservation needs besides addresses: books of what is inside it. */
static int reservation_prepare(struct rocsvm_buffer *buf)
{
	if (!rocsvm_is_reservation(buf->kind))
		return 0;
	buf->inside = kzalloc(sizeof(*buf->inside), ROCSVM_GFP);
	return buf->inside ? 0 : -ENOMEM;
}

static void reservation_init(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf)
{
	u64 base = rocsvm_range_base(&buf->range);

	rocsvm_view_lock(space);
	rocsvm_region_init(buf->inside, base,
			   base + rocsvm_range_length(&buf->range), PAGE_SIZE);
	rocsvm_view_unlock(space);
}

/**
 * rocsvm_buffer_create - make a buffer, and map it to GPUs
 * @space: the space
 * @buf: all zeros, but @dmabuf where it is imported; gone on failure
 * @cmd: what is asked for, checked; @gpu_ids is not looked at
 * @ids: cmd->num_gpus GPUs to map it to
 * @dmabuf_fd: with ROCSVM_ALLOC_IMPORTED, what to import
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_buffer_create(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			 const struct rocsvm_alloc *cmd, const u32 *ids,
			 int dmabuf_fd)
{
	u64 gpus;
	int err;

	lockdep_assert_held(&space->lock);

	buf->kind = cmd->kind;
	buf->flags = cmd->flags;
	buf->tag = cmd->tag;
	err = rocsvm_space_choose_gpu(space, cmd->kind, cmd->gpu_id);
	if (err < 0)
		goto err_discard;
	buf->gpu = err;
	err = rocsvm_space_gpu_mask(space, ids, cmd->num_gpus, &gpus);
	if (err)
		goto err_discard;
	if (cmd->kind == ROCSVM_KIND_SCRATCH &&
	    space->gpus[buf->gpu].scratch_buf) {
		err = -EBUSY;
		goto err_discard;
	}

	rocsvm_buffers_retry(space);
	err = rocsvm_charge(space, ROCSVM_LIMIT_BUFFERS);
	if (err)
		goto err_discard;
	err = reservation_prepare(buf);
	if (!err)
		err = buffer_place(space, buf, cmd);
	if (err)
		goto err_uncharge;
	if (rocsvm_is_reservation(buf->kind))
		reservation_init(space, buf);
	err = rocsvm_buffer_populate(space, buf, dmabuf_fd);
	if (err)
		return err;

	rocsvm_buffer_count(space, buf, 1);
	err = rocsvm_buffer_map(space, buf, gpus);
	if (err)
		rocsvm_buffer_abort(space, buf);
	return err;

err_uncharge:
	rocsvm_uncharge(space, ROCSVM_LIMIT_BUFFERS);
err_discard:
	rocsvm_buffer_destroy(buf);
	return err;
}

/* ioctl(ROCSVM_ALLOC) */
int rocsvm_alloc(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_alloc *cmd = ucmd->cmd;
	u32 ids[ROCSVM_MAX_GPUS];
	struct rocsvm_buffer *buf;
	int err;

	err = rocsvm_alloc_check(cmd, ROCSVM_ALLOC_FLAGS);
	if (err)
		return err;
	err = rocsvm_copy_gpu_ids(ids, cmd->gpu_ids, cmd->num_gpus);
	if (err)
		return err;

	buf = rocsvm_buffer_new();
	if (!buf)
		return -ENOMEM;
	if (mutex_lock_killable(&space->lock)) {
		rocsvm_buffer_destroy(buf);
		return -EINTR;
	}
	err = rocsvm_buffer_create(space, buf, cmd, ids, -1);
	if (!err) {
		cmd->va = rocsvm_range_base(&buf->range);
		cmd->length = rocsvm_range_length(&buf->range);
		err = rocsvm_ucmd_respond(ucmd);
		if (err)
			rocsvm_buffer_abort(space, buf);
	}
	mutex_unlock(&space->lock);
	return err;
}

/* ioctl(ROCSVM_FREE) */
int rocsvm_free(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_free *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	buf = rocsvm_buffer_at(space, cmd->va);
	err = buf ? rocsvm_buffer_free(space, buf) : -ENOENT;
	rocsvm_buffers_retry(space);
	mutex_unlock(&space->lock);
	return err;
}

/* What MAP and UNMAP have in common: check, copy, lock. */
static int map_begin(struct rocsvm_ucmd *ucmd, u64 *gpus)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_map *cmd = ucmd->cmd;
	u32 ids[ROCSVM_MAX_GPUS];
	int err;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	err = rocsvm_copy_gpu_ids(ids, cmd->gpu_ids, cmd->num_gpus);
	if (err)
		return err;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;

	err = rocsvm_space_gpu_mask(space, ids, cmd->num_gpus, gpus);
	if (err)
		mutex_unlock(&space->lock);
	return err;
}

/* ioctl(ROCSVM_MAP) */
int rocsvm_map(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_map *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;
	u64 gpus;
	int err;

	if (!cmd->num_gpus)
		return cmd->flags || cmd->__reserved ? -EOPNOTSUPP : -EINVAL;
	err = map_begin(ucmd, &gpus);
	if (err)
		return err;
	buf = rocsvm_buffer_at(space, cmd->va);
	err = buf ? rocsvm_buffer_map(space, buf, gpus) :
		    rocsvm_registration_map(space, cmd->va, gpus);
	mutex_unlock(&space->lock);
	return err;
}

static int buffer_unmap_checked(struct rocsvm_space *space,
				struct rocsvm_buffer *buf, u64 gpus)
{
	if (!gpus)
		gpus = buf->mapped;
	if (gpus & ~buf->mapped)
		return -EINVAL;
	return gpus ? rocsvm_buffer_unmap(space, buf, gpus) : 0;
}

/* ioctl(ROCSVM_UNMAP) */
int rocsvm_unmap(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_map *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;
	u64 gpus;
	int err;

	err = map_begin(ucmd, &gpus);
	if (err)
		return err;
	buf = rocsvm_buffer_at(space, cmd->va);
	err = buf ? buffer_unmap_checked(space, buf, gpus) :
		    rocsvm_registration_unmap(space, cmd->va, gpus);
	mutex_unlock(&space->lock);
	return err;
}
