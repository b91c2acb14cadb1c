// SPDX-License-Identifier: GPL-2.0-only
/*
 * From an address to the buffer, and what is told about it.
 */
#include <linux/uaccess.h>

#include "rocsvm.h"

static struct rocsvm_buffer *to_buffer(struct rocsvm_range *range)
{
	return range ? container_of(range, struct rocsvm_buffer, range) : NULL;
}

static u64 buffer_base(const struct rocsvm_buffer *buf)
{
	return rocsvm_range_base(&buf->range);
}

/* The region of an address: the space's, or a GPU's that is managed apart. */
static struct rocsvm_region *region_of(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_region *region;
	unsigned int i;

	/* In ascending addresses; those without room end at 0. */
	for (i = 0; i < ROCSVM_NUM_REGIONS; i++)
		if (addr < space->regions[i].end)
			return &space->regions[i];
	for (i = 0; i < space->num_gpus; i++) {
		region = &space->gpus[i].apart;
		if (addr >= region->base && addr < region->end)
			return region;
	}
	return NULL;
}

/* What has an address, whether live or in quarantine; not what is inside it. */
static struct rocsvm_buffer *outer_find(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_region *region = region_of(space, addr);

	lockdep_assert_held(&space->lock);

	return region ? to_buffer(rocsvm_range_find(region, addr)) : NULL;
}

/**
 * rocsvm_buffer_region - where a buffer has its addresses from
 * @space: the space
 * @buf: the buffer, or addresses in quarantine
 *
 * Return: the region.
 */
struct rocsvm_region *rocsvm_buffer_region(struct rocsvm_space *space,
					   const struct rocsvm_buffer *buf)
{
	struct rocsvm_gpu *gpu = &space->gpus[buf->gpu];
	u64 addr = buffer_base(buf);

	if (buf->nested)
		return outer_find(space, addr)->inside;
	return gpu->canonical ? region_of(space, addr) : &gpu->apart;
}

/* The live buffer of a region that contains an address, else the next one. */
static struct rocsvm_buffer *region_next(struct rocsvm_region *region, u64 addr)
{
	struct rocsvm_buffer *buf;

	while ((buf = to_buffer(rocsvm_range_next(region, addr)))) {
		if (!buf->quarantined)
			return buf;
		addr = buffer_base(buf) + rocsvm_range_length(&buf->range);
		cond_resched();
	}
	return NULL;
}

/* Of two buffers the one that comes first in a walk. */
static struct rocsvm_buffer *earlier(struct rocsvm_buffer *a,
				     struct rocsvm_buffer *b)
{
	if (!a || !b)
		return a ? a : b;
	return buffer_base(a) < buffer_base(b) ? a : b;
}

static struct rocsvm_buffer *outer_next(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *buf = NULL;
	unsigned int i;

	lockdep_assert_held(&space->lock);

	for (i = 0; i < ROCSVM_NUM_REGIONS && !buf; i++)
		buf = region_next(&space->regions[i], addr);
	if (buf)
		return buf;
	for (i = 0; i < space->num_gpus; i++)
		buf = earlier(buf, region_next(&space->gpus[i].apart, addr));
	return buf;
}

/* Passes over a reservation that has buffers in favour of those. */
static struct rocsvm_buffer *inner_next(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *buf, *inner;
	struct rocsvm_region *inside;

	while ((buf = outer_next(space, addr))) {
		inside = rocsvm_buffer_inside(buf);
		if (!inside || rocsvm_region_empty(inside))
			return buf;
		inner = region_next(inside, addr);
		if (inner)
			return inner;
		addr = buffer_base(buf) + rocsvm_range_length(&buf->range);
		cond_resched();
	}
	return NULL;
}

static struct rocsvm_buffer *segment_next(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *buf;

	while ((buf = to_buffer(rocsvm_range_next(&space->registered, addr)))) {
		if (!buf->lost)
			return buf;
		addr = buffer_base(buf) + rocsvm_range_length(&buf->range);
		cond_resched();
	}
	return NULL;
}

/* The innermost live buffer that has an address. */
static struct rocsvm_buffer *inner_find(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *outer = outer_find(space, addr), *buf = NULL;

	if (!outer || outer->quarantined)
		return NULL;
	if (rocsvm_buffer_inside(outer))
		buf = to_buffer(rocsvm_range_find(outer->inside, addr));
	return buf && !buf->quarantined ? buf : outer;
}

/**
 * rocsvm_buffer_find - the live buffer, or segment, that contains an address
 * @space: the space
 * @addr: any address
 *
 * Return: it, or NULL.
 */
struct rocsvm_buffer *rocsvm_buffer_find(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *buf = inner_find(space, addr);

	if (buf)
		return buf;
	buf = to_buffer(rocsvm_range_find(&space->registered, addr));
	return buf && !buf->lost ? buf : NULL;
}

/**
 * rocsvm_buffer_at - the live buffer that begins at an address
 * @space: the space
 * @addr: the address
 *
 * Return: the buffer, the inner one where two begin there, or NULL.
 */
struct rocsvm_buffer *rocsvm_buffer_at(struct rocsvm_space *space, u64 addr)
{
	struct rocsvm_buffer *buf = inner_find(space, addr);

	return buf && buffer_base(buf) == addr ? buf : NULL;
}

/**
 * rocsvm_reservation_at - the live address reservation that has an address
 * @space: the space
 * @addr: any address
 *
 * Return: the reservation, or NULL.
 */
struct rocsvm_buffer *rocsvm_reservation_at(struct rocsvm_space *space,
					    u64 addr)
{
	struct rocsvm_buffer *buf = outer_find(space, addr);

	return buf && rocsvm_buffer_inside(buf) && !buf->quarantined ? buf : NULL;
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

	if (!length)
		return false;
	buf = outer_next(space, base);
	return buf && (buffer_base(buf) <= base ||
		       buffer_base(buf) - base < length);
}

/**
 * rocsvm_registered_overlap - whether a range meets registered memory
 * @space: the space
 * @base: first address
 * @length: bytes
 *
 * Return: true if KFD has, or may have, a segment there.
 */
bool rocsvm_registered_overlap(struct rocsvm_space *space, u64 base, u64 length)
{
	struct rocsvm_range *range;

	lockdep_assert_held(&space->lock);

	if (!length)
		return false;
	range = rocsvm_range_next(&space->registered, base);
	return range && (rocsvm_range_base(range) <= base ||
			 rocsvm_range_base(range) - base < length);
}

static struct rocsvm_buffer *query_find(struct rocsvm_space *space,
					const struct rocsvm_query *cmd)
{
	struct rocsvm_buffer *buf;

	if (cmd->flags & ROCSVM_QUERY_NEXT) {
		buf = cmd->flags & ROCSVM_QUERY_OUTER ?
			      outer_next(space, cmd->va) :
			      inner_next(space, cmd->va);
		return earlier(buf, segment_next(space, cmd->va));
	}
	if (cmd->flags & ROCSVM_QUERY_OUTER) {
		buf = outer_find(space, cmd->va);
		if (buf && !buf->quarantined)
			return buf;
	}
	return rocsvm_buffer_find(space, cmd->va);
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
	cmd->length = rocsvm_range_length(&buf->range);
	cmd->guard = buf->range.guard;
	cmd->handle = buf->handle;
	cmd->kind = buf->kind;
	cmd->gpu_id = buf->kind == ROCSVM_KIND_ADDRESS ?
			      0 : space->gpus[buf->gpu].gpu_id;
	cmd->alloc_flags = buf->flags;
	cmd->tag = buf->tag;
	cmd->num_registrations = buf->registrations;
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

	if (cmd->flags & ~(ROCSVM_QUERY_NEXT | ROCSVM_QUERY_OUTER) ||
	    cmd->__reserved)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	buf = query_find(space, cmd);
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

/* ioctl(ROCSVM_SET_TAG) */
int rocsvm_set_tag(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_set_tag *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	buf = rocsvm_buffer_find(space, cmd->va);
	if (buf)
		buf->tag = cmd->tag;
	mutex_unlock(&space->lock);
	return buf ? 0 : -ENOENT;
}
