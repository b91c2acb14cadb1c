// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers: allocating, mapping to GPUs, freeing, looking up.
 *
 * A buffer's life: addresses (placement), then memory (a host buffer's pages
 * and its opening in the gate), KFD's object at the same address, then the
 * CPU's mapping of GTT and VRAM. Freed in this order: UNMAP, KFD FREE, and only
 * then the CPU's side, as a GPU must never reach what is no longer the
 * buffer's.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rocsvm.h"

#define ROCSVM_MAX_ALIGNMENT	SZ_1G
#define ROCSVM_MAX_GUARD	SZ_1G

#define ROCSVM_ALLOC_FLAGS						\
	(ROCSVM_ALLOC_FIXED | ROCSVM_ALLOC_READONLY |			\
	 ROCSVM_ALLOC_EXECUTABLE | ROCSVM_ALLOC_COHERENT |		\
	 ROCSVM_ALLOC_UNCACHED)

static struct rocsvm_buffer *to_buffer(struct rocsvm_range *range)
{
	return range ? container_of(range, struct rocsvm_buffer, range) : NULL;
}

/* Addresses and lengths as the window's functions take them. */
static unsigned long buffer_base(const struct rocsvm_buffer *buf)
{
	return rocsvm_range_base(&buf->range);
}

static struct rocsvm_region *region_of(struct rocsvm_space *space, u64 addr)
{
	return addr < space->window.huge_base ? &space->pages : &space->huge;
}

/* The live buffer that begins at an address. */
static struct rocsvm_buffer *buffer_at(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *buf;

	lockdep_assert_held(&space->lock);

	buf = to_buffer(rocsvm_range_find(region_of(space, addr), addr));
	if (!buf || buf->quarantined || buffer_base(buf) != addr)
		return NULL;
	return buf;
}

/* The live buffer that contains an address, or else the next one. */
static struct rocsvm_buffer *buffer_next(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_region *region = region_of(space, addr);
	struct rocsvm_buffer *buf;

	for (;;) {
		buf = to_buffer(rocsvm_range_next(region, addr));
		if (buf && !buf->quarantined)
			return buf;
		if (buf) {
			addr = buffer_base(buf) + buf->range.length;
		} else if (region == &space->pages) {
			region = &space->huge;
			addr = region->base;
		} else {
			return NULL;
		}
	}
}

/**
 * rocsvm_buffers_overlap - whether a range meets a live buffer
 * @space: the space
 * @base: first address
 * @length: bytes
 *
 * Return: true if it does.
 */
bool rocsvm_buffers_overlap(struct rocsvm_space *space, u64 base, u64 length)
{
	struct rocsvm_buffer *buf;

	lockdep_assert_held(&space->lock);

	if (!length)
		return false;
	buf = buffer_next(space, base);
	return buf && (buffer_base(buf) <= base ||
		       buffer_base(buf) - base < length);
}

/* Translate a list of GPUs; each must be acquired. */
static int gpu_mask(struct rocsvm_space *space, const u32 *ids, unsigned int n,
		    u64 *mask)
{
	unsigned int i;
	int index;

	*mask = 0;
	for (i = 0; i < n; i++) {
		index = rocsvm_space_gpu(space, ids[i]);
		if (index < 0)
			return index;
		if (!space->gpus[index].acquired ||
		    !space->gpus[index].canonical)
			return -ENODEV;
		*mask |= BIT_ULL(index);
	}
	return 0;
}

static int copy_gpu_ids(u32 *ids, u64 uptr, unsigned int n)
{
	if (n > ROCSVM_MAX_GPUS)
		return -EINVAL;
	return copy_from_user(ids, u64_to_user_ptr(uptr), n * sizeof(*ids)) ?
		       -EFAULT : 0;
}

/* The GPU that KFD is to keep a buffer for. */
static int choose_gpu(struct rocsvm_space *space, u32 kind, u32 gpu_id)
{
	unsigned int i;
	int index;

	if (!gpu_id && kind != ROCSVM_KIND_VRAM &&
	    kind != ROCSVM_KIND_PRIVATE_VRAM) {
		for (i = 0; i < space->num_gpus; i++)
			if (space->gpus[i].acquired && space->gpus[i].canonical)
				return i;
		return -ENODEV;
	}

	index = rocsvm_space_gpu(space, gpu_id);
	if (index < 0)
		return index;
	if (!space->gpus[index].acquired || !space->gpus[index].canonical)
		return -ENODEV;
	return index;
}

/* Addresses that can't be given out: KFD or the program may be using them. */
static void buffer_quarantine(struct rocsvm_space *space,
			      struct rocsvm_buffer *buf)
{
	buf->quarantined = true;
	list_add_tail(&buf->link, &space->quarantine);
	space->quarantined_bytes += buf->range.length;
}

static void buffer_release_range(struct rocsvm_buffer *buf)
{
	rocsvm_range_remove(&buf->range);
	/* A fault may be looking at a host buffer's opening. */
	kfree_rcu(buf, rcu);
}

/**
 * rocsvm_buffers_retry - take back from quarantine what can be taken back now
 * @space: the space
 */
void rocsvm_buffers_retry(struct rocsvm_space *space)
{
	struct rocsvm_buffer *buf, *next;

	list_for_each_entry_safe(buf, next, &space->quarantine, link) {
		if (buf->lost ||
		    rocsvm_window_heal(space, buffer_base(buf),
				       buf->range.length,
				       space->gpus[buf->gpu].drm,
				       buf->mmap_pgoff))
			continue;
		list_del(&buf->link);
		space->quarantined_bytes -= buf->range.length;
		buffer_release_range(buf);
	}
}

/* Memory of the window's own, behind an open gate. */
static int host_get_pages(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	int err;

	/* A fault that was refused late may have left a page here. */
	rocsvm_window_punch(space, buffer_base(buf), buf->range.length);
	err = rocsvm_window_fill(space, buffer_base(buf), buf->range.length);
	if (err) {
		rocsvm_window_punch(space, buffer_base(buf), buf->range.length);
		return err;
	}
	rocsvm_window_open(space, buf);
	return 0;
}

static void host_put_pages(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	rocsvm_window_close(space, buf);
	rocsvm_window_punch(space, buffer_base(buf), buf->range.length);
}

/*
 * The CPU's side of a buffer that KFD has forgotten, and its addresses. Never
 * fails: what can't be taken back goes into quarantine.
 */
static void buffer_retire(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	int err = 0;

	if (buf->kind == ROCSVM_KIND_HOST)
		host_put_pages(space, buf);
	if (buf->carved)
		err = rocsvm_window_restore(space, buffer_base(buf),
					    buf->range.length,
					    space->gpus[buf->gpu].drm,
					    buf->mmap_pgoff);
	if (err)
		buffer_quarantine(space, buf);
	else
		buffer_release_range(buf);
}

/*
 * Memory and mapping for a buffer that has its addresses. The buffer is gone
 * on failure.
 */
static int buffer_populate(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	int err;

	if (!rocsvm_window_covers(space, buffer_base(buf), buf->range.length)) {
		buffer_release_range(buf);
		return -EFAULT;
	}
	if (buf->kind == ROCSVM_KIND_HOST) {
		err = host_get_pages(space, buf);
		if (err) {
			buffer_release_range(buf);
			return err;
		}
	}

	err = rocsvm_kfd_alloc(space, buf);
	if (err) {
		if (buf->lost) {
			if (buf->kind == ROCSVM_KIND_HOST)
				host_put_pages(space, buf);
			buffer_quarantine(space, buf);
		} else {
			buffer_retire(space, buf);
		}
		return err;
	}

	if (buf->kind != ROCSVM_KIND_GTT && buf->kind != ROCSVM_KIND_VRAM)
		return 0;

	/* From here on there may be a hole or the driver's mapping. */
	buf->carved = true;
	err = rocsvm_window_carve(space, buffer_base(buf), buf->range.length,
				  space->gpus[buf->gpu].drm, buf->mmap_pgoff);
	if (!err)
		return 0;
	if (rocsvm_kfd_free(space, buf->handle)) {
		buf->lost = true;
		buffer_quarantine(space, buf);
	} else {
		buffer_retire(space, buf);
	}
	return err;
}

static int buffer_unmap(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			u64 gpus)
{
	u64 done;
	int err;

	err = rocsvm_kfd_unmap(space, buf->handle, gpus, &done);
	buf->mapped &= ~done;
	return err;
}

/* One by one: KFD says -EINVAL of one that is not mapped, and stops there. */
static int buffer_unmap_each(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf, u64 gpus)
{
	int one, err = 0;
	u64 bit;

	for (; gpus; gpus &= ~bit) {
		bit = gpus & -gpus;
		one = buffer_unmap(space, buf, bit);
		if (one == -EINVAL)
			buf->mapped &= ~bit;
		else if (one)
			err = one;
	}
	return err;
}

/* All or nothing. */
static int buffer_map(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		      u64 gpus)
{
	u64 done;
	int err;

	gpus &= ~buf->mapped;
	if (!gpus)
		return 0;

	err = rocsvm_kfd_map(space, buf->handle, gpus, &done);
	buf->mapped |= done;
	if (err)
		buffer_unmap_each(space, buf, done);
	return err;
}

/* Unmap and free a live buffer. On failure it lives on. */
static int buffer_free(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	int unmap_err = 0, err;

	if (buf->mapped)
		unmap_err = buffer_unmap(space, buf, buf->mapped);
	/*
	 * The program may have used KFD's own ioctls on it: -EINVAL, not
	 * mapped there; -ENOMEM, no such handle. FREE is -EBUSY if it is
	 * mapped anywhere.
	 */
	if (unmap_err == -EINVAL)
		unmap_err = buffer_unmap_each(space, buf, buf->mapped);
	if (unmap_err && unmap_err != -ENOMEM)
		return unmap_err;

	err = rocsvm_kfd_free(space, buf->handle);
	if (err)
		return unmap_err ? unmap_err : err;

	space->num_buffers--;
	space->buffer_bytes -= buf->range.length;
	rocsvm_count_buffer(-1, -(s64)buf->range.length);
	buffer_retire(space, buf);
	return 0;
}

/* A buffer that its caller never got to know. */
static void buffer_abort(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	u64 length = buf->range.length;

	if (!buffer_free(space, buf))
		return;
	/* KFD does not let go: neither do its addresses. */
	space->num_buffers--;
	space->buffer_bytes -= length;
	rocsvm_count_buffer(-1, -(s64)length);
	if (buf->kind == ROCSVM_KIND_HOST)
		host_put_pages(space, buf);
	buf->lost = true;
	buffer_quarantine(space, buf);
}

static int alloc_check(const struct rocsvm_alloc *cmd)
{
	u64 granule = PAGE_SIZE;

	if (cmd->flags & ~ROCSVM_ALLOC_FLAGS || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->kind < ROCSVM_KIND_HOST ||
	    cmd->kind > ROCSVM_KIND_PRIVATE_VRAM || !cmd->length)
		return -EINVAL;
	if (cmd->alignment && (!is_power_of_2(cmd->alignment) ||
			       cmd->alignment < PAGE_SIZE ||
			       cmd->alignment > ROCSVM_MAX_ALIGNMENT))
		return -EINVAL;
	if (!IS_ALIGNED(cmd->guard, PAGE_SIZE) || cmd->guard > ROCSVM_MAX_GUARD)
		return -EINVAL;
	if (!(cmd->flags & ROCSVM_ALLOC_FIXED))
		return cmd->va ? -EINVAL : 0;

	if (cmd->kind == ROCSVM_KIND_HOST && cmd->length >= ROCSVM_HUGE_SIZE)
		granule = ROCSVM_HUGE_SIZE;
	granule = max(granule, cmd->alignment);
	return IS_ALIGNED(cmd->va, granule) ? 0 : -EINVAL;
}

static int buffer_place(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			const struct rocsvm_alloc *cmd)
{
	struct rocsvm_region *region = &space->pages;
	u64 guard, alignment;

	if (cmd->kind == ROCSVM_KIND_HOST && cmd->length >= ROCSVM_HUGE_SIZE)
		region = &space->huge;
	/* A space may be without a window, and its regions without room. */
	if (cmd->length > region->end - region->base)
		return cmd->flags & ROCSVM_ALLOC_FIXED && space->window.work ?
			       -ERANGE : -ENOMEM;

	guard = cmd->guard ? cmd->guard : region->granule;
	if (cmd->flags & ROCSVM_ALLOC_FIXED)
		return rocsvm_range_insert_fixed(region, &buf->range, cmd->va,
						 cmd->length, guard);

	alignment = cmd->alignment ? cmd->alignment :
				     rocsvm_default_alignment(cmd->length);
	return rocsvm_range_insert(region, &buf->range, cmd->length, alignment,
				   guard);
}

/* Everything of ALLOC that needs the lock. */
static int alloc_locked(struct rocsvm_ucmd *ucmd, const u32 *ids,
			struct rocsvm_buffer *buf)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_alloc *cmd = ucmd->cmd;
	u64 gpus;
	int gpu, err;

	gpu = choose_gpu(space, cmd->kind, cmd->gpu_id);
	if (gpu < 0)
		err = gpu;
	else
		err = gpu_mask(space, ids, cmd->num_gpus, &gpus);
	if (!err) {
		rocsvm_buffers_retry(space);
		err = buffer_place(space, buf, cmd);
	}
	if (err) {
		kfree(buf);
		return err;
	}

	buf->kind = cmd->kind;
	buf->flags = cmd->flags;
	buf->gpu = gpu;
	err = buffer_populate(space, buf);
	if (err)
		return err;
	space->num_buffers++;
	space->buffer_bytes += buf->range.length;
	rocsvm_count_buffer(1, buf->range.length);

	err = buffer_map(space, buf, gpus);
	if (!err) {
		cmd->va = buffer_base(buf);
		cmd->length = buf->range.length;
		err = rocsvm_ucmd_respond(ucmd);
	}
	if (err)
		buffer_abort(space, buf);
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

	err = alloc_check(cmd);
	if (err)
		return err;
	err = copy_gpu_ids(ids, cmd->gpu_ids, cmd->num_gpus);
	if (err)
		return err;

	buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	if (mutex_lock_killable(&space->lock)) {
		kfree(buf);
		return -EINTR;
	}
	err = alloc_locked(ucmd, ids, buf);
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
	buf = buffer_at(space, cmd->va);
	err = buf ? buffer_free(space, buf) : -ENOENT;
	rocsvm_buffers_retry(space);
	mutex_unlock(&space->lock);
	return err;
}

/* What MAP and UNMAP have in common: check, copy, lock, look up. */
static int map_begin(struct rocsvm_ucmd *ucmd, struct rocsvm_buffer **buf,
		     u64 *gpus)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_map *cmd = ucmd->cmd;
	u32 ids[ROCSVM_MAX_GPUS];
	int err;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	err = copy_gpu_ids(ids, cmd->gpu_ids, cmd->num_gpus);
	if (err)
		return err;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;

	*buf = buffer_at(space, cmd->va);
	err = *buf ? gpu_mask(space, ids, cmd->num_gpus, gpus) : -ENOENT;
	if (err)
		mutex_unlock(&space->lock);
	return err;
}

/* ioctl(ROCSVM_MAP) */
int rocsvm_map(struct rocsvm_ucmd *ucmd)
{
	const struct rocsvm_map *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;
	u64 gpus;
	int err;

	if (!cmd->num_gpus)
		return -EINVAL;
	err = map_begin(ucmd, &buf, &gpus);
	if (err)
		return err;
	err = buffer_map(ucmd->space, buf, gpus);
	mutex_unlock(&ucmd->space->lock);
	return err;
}

/* ioctl(ROCSVM_UNMAP) */
int rocsvm_unmap(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_buffer *buf;
	u64 gpus;
	int err;

	err = map_begin(ucmd, &buf, &gpus);
	if (err)
		return err;
	if (!gpus)
		gpus = buf->mapped;
	if (gpus & ~buf->mapped)
		err = -EINVAL;
	else if (gpus)
		err = buffer_unmap(ucmd->space, buf, gpus);
	mutex_unlock(&ucmd->space->lock);
	return err;
}

/* Returns the number of GPUs it is mapped to, whose ids are put into @ids. */
static unsigned int query_fill(const struct rocsvm_space *space,
			       struct rocsvm_query *cmd,
			       const struct rocsvm_buffer *buf, u32 *ids)
{
	unsigned int i, n = 0;

	for (i = 0; i < space->num_gpus; i++)
		if (buf->mapped & BIT_ULL(i))
			ids[n++] = space->gpus[i].gpu_id;

	cmd->va = buffer_base(buf);
	cmd->length = buf->range.length;
	cmd->guard = rocsvm_range_guard(&buf->range);
	cmd->handle = buf->handle;
	cmd->kind = buf->kind;
	cmd->gpu_id = space->gpus[buf->gpu].gpu_id;
	cmd->alloc_flags = buf->flags;
	return n;
}

/* ioctl(ROCSVM_QUERY) */
int rocsvm_query(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_query *cmd = ucmd->cmd;
	u32 ids[ROCSVM_MAX_GPUS];
	struct rocsvm_buffer *buf;
	unsigned int n = 0, room;

	if (cmd->flags & ~ROCSVM_QUERY_NEXT)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	buf = buffer_next(space, cmd->va);
	if (buf && !(cmd->flags & ROCSVM_QUERY_NEXT) &&
	    buffer_base(buf) > cmd->va)
		buf = NULL;
	if (buf)
		n = query_fill(space, cmd, buf, ids);
	mutex_unlock(&space->lock);
	if (!buf)
		return -ENOENT;

	room = min(n, cmd->num_gpus);
	cmd->num_gpus = n;
	if (copy_to_user(u64_to_user_ptr(cmd->gpu_ids), ids,
			 room * sizeof(*ids)))
		return -EFAULT;
	return rocsvm_ucmd_respond(ucmd);
}

/* Any one of the ranges left in a region, or NULL. */
static struct rocsvm_buffer *any_buffer(struct rocsvm_region *region)
{
	return to_buffer(rocsvm_range_next(region, region->base));
}

static void forget_buffer(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	if (buf->quarantined) {
		list_del(&buf->link);
		space->quarantined_bytes -= buf->range.length;
	} else {
		space->num_buffers--;
		space->buffer_bytes -= buf->range.length;
		rocsvm_count_buffer(-1, -(s64)buf->range.length);
	}
	buffer_release_range(buf);
}

/**
 * rocsvm_buffers_free_all - give all buffers back to KFD
 * @space: the space; its window is unmapped next
 *
 * In the process itself. Where it is being killed KFD is not asked, which
 * frees everything when the mm goes.
 */
void rocsvm_buffers_free_all(struct rocsvm_space *space)
{
	struct rocsvm_region *regions[] = { &space->pages, &space->huge };
	struct rocsvm_buffer *buf;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regions); i++) {
		while ((buf = any_buffer(regions[i]))) {
			if (!buf->quarantined && !fatal_signal_pending(current)) {
				if (buf->mapped)
					buffer_unmap(space, buf, buf->mapped);
				rocsvm_kfd_free(space, buf->handle);
			}
			if (!buf->quarantined && buf->kind == ROCSVM_KIND_HOST)
				rocsvm_window_close(space, buf);
			if (buf->carved)
				rocsvm_window_uncarve(space, buffer_base(buf),
						      buf->range.length,
						      space->gpus[buf->gpu].drm,
						      buf->mmap_pgoff);
			forget_buffer(space, buf);
			cond_resched();
		}
	}
}

/**
 * rocsvm_buffers_forget - drop what is known of all buffers
 * @space: the space, whose mm is going
 */
void rocsvm_buffers_forget(struct rocsvm_space *space)
{
	struct rocsvm_region *regions[] = { &space->pages, &space->huge };
	struct rocsvm_buffer *buf;
	unsigned int i;

	if (!space->window.work)
		return;
	rocsvm_gate_shut(space->window.page_file->private_data);
	rocsvm_gate_shut(space->window.huge_file->private_data);
	for (i = 0; i < ARRAY_SIZE(regions); i++) {
		while ((buf = any_buffer(regions[i]))) {
			forget_buffer(space, buf);
			cond_resched();
		}
	}
}
