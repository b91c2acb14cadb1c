// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory: the caller's own, made accessible to GPUs.
 *
 * Two things are kept apart. A registration is what the caller asked for: a
 * range, and how often. A segment (segment.c) is what KFD knows: pages that no
 * other segment has. A call makes segments of the pages that none covers yet;
 * each segment counts the registrations that meet it, and goes with the last.
 * So no page is with KFD twice, and a segment never changes its range.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "segment.h"

#define ROCSVM_REGISTER_FLAGS						\
	(ROCSVM_ALLOC_READONLY | ROCSVM_ALLOC_EXECUTABLE |		\
	 ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED)

/**
 * struct rocsvm_registration - what the caller has registered
 * @node: in rocsvm_space.registrations
 * @va: first address, as the caller gave it
 * @length: bytes, as the caller gave it
 * @count: how often; each takes an UNREGISTER of its own
 */
struct rocsvm_registration {
	struct rb_node node;
	u64 va;
	u64 length;
	u64 count;
};

/* ---- registrations ---- */

static int registration_compare(u64 va, u64 length,
				const struct rocsvm_registration *reg)
{
	if (va != reg->va)
		return va < reg->va ? -1 : 1;
	if (length != reg->length)
		return length < reg->length ? -1 : 1;
	return 0;
}

static int registration_cmp_node(struct rb_node *node,
				 const struct rb_node *other)
{
	const struct rocsvm_registration *reg =
		rb_entry(node, struct rocsvm_registration, node);

	return registration_compare(reg->va, reg->length,
				    rb_entry(other, struct rocsvm_registration,
					     node));
}

static int registration_cmp_key(const void *key, const struct rb_node *node)
{
	const struct rocsvm_unregister *cmd = key;

	return registration_compare(cmd->va, cmd->length,
				    rb_entry(node, struct rocsvm_registration,
					     node));
}

static struct rocsvm_registration *
registration_find(const struct rocsvm_space *space, u64 va, u64 length)
{
	const struct rocsvm_unregister key = { .va = va, .length = length };
	struct rb_node *node;

	node = rb_find(&key, &space->registrations, registration_cmp_key);
	return node ? rb_entry(node, struct rocsvm_registration, node) : NULL;
}

/* The longest registration that begins at an address. */
static struct rocsvm_registration *
registration_at(const struct rocsvm_space *space, u64 va)
{
	struct rb_node *node = space->registrations.rb_node;
	struct rocsvm_registration *reg, *found = NULL;

	while (node) {
		reg = rb_entry(node, struct rocsvm_registration, node);
		if (reg->va > va) {
			node = node->rb_left;
		} else {
			if (reg->va == va)
				found = reg;
			node = node->rb_right;
		}
	}
	return found;
}

/* It is in the tree no more. */
static void registration_free(struct rocsvm_space *space,
			      struct rocsvm_registration *reg)
{
	rocsvm_uncharge(space, ROCSVM_LIMIT_REGISTRATIONS);
	kfree(reg);
}

/*
 * The pages that [va, va + length) touches. A registration has been through
 * here, so of one it can't fail, unless the space is another one meanwhile.
 */
static int pages_of(const struct rocsvm_space *space, u64 va, u64 length,
		    struct rocsvm_pages *pages)
{
	const struct rocsvm_aperture *svm = &space->svm;

	if (va < svm->base || va > svm->limit || length - 1 > svm->limit - va)
		return -ERANGE;
	pages->base = ALIGN_DOWN(va, PAGE_SIZE);
	pages->end = ALIGN_DOWN(va + (length - 1), PAGE_SIZE) + PAGE_SIZE;
	if (pages->base < svm->base || pages->end - 1 > svm->limit)
		return -ERANGE;
	return 0;
}

static int registration_pages(const struct rocsvm_space *space,
			      const struct rocsvm_registration *reg,
			      struct rocsvm_pages *pages)
{
	return pages_of(space, reg->va, reg->length, pages);
}

/* ---- all segments that meet some pages ---- */

static int segments_create(struct rocsvm_space *space,
			   const struct rocsvm_pages *pages,
			   const struct rocsvm_register *cmd, unsigned int gpu)
{
	struct rocsvm_pages gap = { .base = pages->base };
	struct rocsvm_segment *seg;
	int err;

	while (gap.base < pages->end) {
		seg = rocsvm_segment_next(space, gap.base, pages->end);
		if (seg && rocsvm_segment_base(seg) <= gap.base) {
			gap.base = rocsvm_segment_end(seg);
			continue;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		gap.end = seg ? rocsvm_segment_base(seg) : pages->end;
		err = rocsvm_segment_create(space, &gap, cmd, gpu);
		if (err)
			return err;
		gap.base = gap.end;
		cond_resched();
	}
	return 0;
}

/* Give to KFD anew what was taken from it because it had been unmapped. */
static int segments_refill(struct rocsvm_space *space,
			   const struct rocsvm_pages *pages)
{
	struct rocsvm_segment *seg;
	int err;

	for (seg = rocsvm_segment_first(space, pages); seg;
	     seg = rocsvm_segment_after(space, pages, seg)) {
		if (seg->buf.handle)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		err = rocsvm_segment_fill(space, seg, 0);
		if (err)
			return err;
	}
	return 0;
}

static int segments_map(struct rocsvm_space *space,
			const struct rocsvm_pages *pages, u64 gpus)
{
	struct rocsvm_segment *seg;
	u64 before;
	int err;

	for (seg = rocsvm_segment_first(space, pages); seg;
	     seg = rocsvm_segment_after(space, pages, seg)) {
		before = seg->buf.mapped;
		if (!(gpus & ~before))
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		err = rocsvm_buffer_map(space, &seg->buf, gpus);
		if (err)
			return err;
		seg->added = gpus & ~before;
	}
	return 0;
}

/* The call has succeeded: what it has done stays. */
static void segments_keep(struct rocsvm_space *space,
			  const struct rocsvm_pages *pages)
{
	struct rocsvm_segment *seg;

	for (seg = rocsvm_segment_first(space, pages); seg;
	     seg = rocsvm_segment_after(space, pages, seg))
		seg->added = 0;
}

/* The call has failed: take back what it has done. */
static void segments_undo(struct rocsvm_space *space,
			  const struct rocsvm_pages *pages)
{
	struct rocsvm_segment *seg;
	u64 addr = pages->base;

	while ((seg = rocsvm_segment_next(space, addr, pages->end))) {
		addr = rocsvm_segment_end(seg);
		if (!seg->buf.registrations) {
			/* KFD is not asked where the process is being killed. */
			if (fatal_signal_pending(current) ||
			    rocsvm_segment_drain(space, seg))
				seg->buf.lost = true;
			rocsvm_segment_retire(seg);
		} else if (seg->added) {
			rocsvm_buffer_unmap(space, &seg->buf, seg->added);
			seg->added = 0;
		}
		cond_resched();
	}
}

/* ---- REGISTER ---- */

/* Everything that can be said without the memory being looked at. */
static int register_check(struct rocsvm_space *space,
			  const struct rocsvm_register *cmd,
			  struct rocsvm_pages *pages)
{
	struct rocsvm_segment *seg;
	int err;

	err = pages_of(space, cmd->va, cmd->length, pages);
	if (err)
		return err;
	if (rocsvm_buffers_overlap(space, pages->base,
				   pages->end - pages->base))
		return -EEXIST;
	for (seg = rocsvm_segment_first(space, pages); seg;
	     seg = rocsvm_segment_after(space, pages, seg)) {
		if (seg->buf.lost)
			return -EBUSY;
		if (seg->buf.flags != cmd->flags)
			return -EEXIST;
		if (seg->buf.registrations == U32_MAX)
			return -ENOMEM;
	}
	return 0;
}

/* Count what is registered now. Can't fail. */
static void register_commit(struct rocsvm_space *space,
			    const struct rocsvm_pages *pages,
			    struct rocsvm_registration *reg)
{
	struct rocsvm_segment *seg;
	struct rb_node *same;

	for (seg = rocsvm_segment_first(space, pages); seg;
	     seg = rocsvm_segment_after(space, pages, seg)) {
		if (!seg->buf.registrations++)
			rocsvm_show(space, &seg->buf);
		seg->added = 0;
	}

	same = rb_find_add(&reg->node, &space->registrations,
			   registration_cmp_node);
	if (same) {
		kfree(reg);
		reg = rb_entry(same, struct rocsvm_registration, node);
	}
	reg->count++;
	space->num_registrations++;
}

static int register_locked(struct rocsvm_space *space,
			   const struct rocsvm_register *cmd, const u32 *ids,
			   struct rocsvm_registration *reg)
{
	struct rocsvm_pages pages;
	int gpu, err;
	bool is_new;
	u64 gpus;

	rocsvm_segments_drain_suspects(space);
	gpu = rocsvm_space_choose_gpu(space, ROCSVM_KIND_REGISTERED,
				      cmd->gpu_id);
	if (gpu < 0)
		return gpu;
	err = rocsvm_space_gpu_mask(space, ids, cmd->num_gpus, &gpus);
	if (err)
		return err;
	err = register_check(space, cmd, &pages);
	if (err)
		return err;
	is_new = !registration_find(space, cmd->va, cmd->length);
	if (is_new)
		err = rocsvm_charge(space, ROCSVM_LIMIT_REGISTRATIONS);
	if (err)
		return err;

	err = segments_refill(space, &pages);
	if (!err)
		err = segments_create(space, &pages, cmd, gpu);
	if (!err)
		err = segments_map(space, &pages, gpus);
	if (!err) {
		register_commit(space, &pages, reg);
		return 0;
	}
	segments_undo(space, &pages);
	if (is_new)
		rocsvm_uncharge(space, ROCSVM_LIMIT_REGISTRATIONS);
	return err;
}

/*
 * The memory is looked at before the lock is taken for good: its pages may take
 * long to come, and another thread may have to bring them (userfaultfd). KFD
 * looks again.
 */
static int register_prepare(struct rocsvm_space *space,
			    const struct rocsvm_register *cmd)
{
	struct rocsvm_pages pages;
	int err;

	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	rocsvm_segments_drain_suspects(space);
	err = register_check(space, cmd, &pages);
	mutex_unlock(&space->lock);
	if (!err)
		err = rocsvm_memory_check(space->mn.mm, &pages, NULL);
	if (!err)
		err = rocsvm_memory_populate(&pages);
	return err;
}

/* ioctl(ROCSVM_REGISTER) */
int rocsvm_register(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_register *cmd = ucmd->cmd;
	struct rocsvm_registration *reg;
	u32 ids[ROCSVM_MAX_GPUS];
	int err;

	if (cmd->flags & ~ROCSVM_REGISTER_FLAGS)
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	err = rocsvm_copy_gpu_ids(ids, cmd->gpu_ids, cmd->num_gpus);
	if (err)
		return err;
	err = register_prepare(space, cmd);
	if (err)
		return err;

	reg = kzalloc(sizeof(*reg), ROCSVM_GFP);
	if (!reg)
		return -ENOMEM;
	reg->va = cmd->va;
	reg->length = cmd->length;
	if (mutex_lock_killable(&space->lock)) {
		kfree(reg);
		return -EINTR;
	}
	err = register_locked(space, cmd, ids, reg);
	mutex_unlock(&space->lock);
	if (err)
		kfree(reg);
	return err;
}

/* ---- UNREGISTER ---- */

/*
 * Take from KFD all segments that no other registration meets; all or nothing.
 * What can't be given back to KFD on failure is given at the next REGISTER or
 * MAP.
 */
static int segments_drain(struct rocsvm_space *space,
			  const struct rocsvm_pages *pages)
{
	struct rocsvm_segment *seg;
	struct rocsvm_pages done = { pages->base, pages->base };
	int err = 0;
	u64 gpus;

	for (seg = rocsvm_segment_first(space, pages); seg;
	     seg = rocsvm_segment_after(space, pages, seg)) {
		if (seg->buf.registrations != 1)
			continue;
		gpus = seg->buf.mapped;
		err = fatal_signal_pending(current) ? -EINTR :
		      rocsvm_segment_drain(space, seg);
		if (err)
			break;
		seg->added = gpus;
		done.end = rocsvm_segment_end(seg);
	}
	if (!err)
		return 0;

	for (seg = rocsvm_segment_first(space, &done); seg;
	     seg = rocsvm_segment_after(space, &done, seg)) {
		if (seg->buf.registrations == 1 && !seg->buf.handle)
			rocsvm_segment_fill(space, seg, seg->added);
		seg->added = 0;
	}
	return err;
}

static int unregister_locked(struct rocsvm_space *space,
			     const struct rocsvm_unregister *cmd)
{
	struct rocsvm_registration *reg;
	struct rocsvm_segment *seg;
	struct rocsvm_pages pages;
	u64 addr;
	int err;

	reg = registration_find(space, cmd->va, cmd->length);
	if (!reg)
		return -ENOENT;
	err = registration_pages(space, reg, &pages);
	if (!err)
		err = segments_drain(space, &pages);
	if (err)
		return err;

	addr = pages.base;
	while ((seg = rocsvm_segment_next(space, addr, pages.end))) {
		addr = rocsvm_segment_end(seg);
		cond_resched();
		seg->added = 0;
		/* A lost one has none. */
		if (!seg->buf.registrations)
			continue;
		if (--seg->buf.registrations)
			continue;
		rocsvm_segment_retire(seg);
	}

	space->num_registrations--;
	if (!--reg->count) {
		rb_erase(&reg->node, &space->registrations);
		registration_free(space, reg);
	}
	return 0;
}

/* ioctl(ROCSVM_UNREGISTER) */
int rocsvm_unregister(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_unregister *cmd = ucmd->cmd;
	int err;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	err = unregister_locked(space, cmd);
	mutex_unlock(&space->lock);
	return err;
}

/* ---- MAP and UNMAP ---- */

/* The pages of all registrations that begin at an address. */
static int find_registered(const struct rocsvm_space *space, u64 va,
			   struct rocsvm_pages *pages)
{
	const struct rocsvm_registration *reg;

	lockdep_assert_held(&space->lock);

	reg = registration_at(space, va);
	return reg ? registration_pages(space, reg, pages) : -ENOENT;
}

/**
 * rocsvm_registration_map - let GPUs access registered memory
 * @space: the space
 * @va: a registration's first address
 * @gpus: bit mask of GPUs by index
 *
 * All or nothing.
 *
 * Return: 0; -ENOENT if no registration begins there; another negative errno.
 */
int rocsvm_registration_map(struct rocsvm_space *space, u64 va, u64 gpus)
{
	struct rocsvm_pages pages;
	int err;

	rocsvm_segments_drain_suspects(space);
	err = find_registered(space, va, &pages);
	if (err)
		return err;
	err = segments_refill(space, &pages);
	if (!err)
		err = segments_map(space, &pages, gpus);
	if (err)
		segments_undo(space, &pages);
	else
		segments_keep(space, &pages);
	return err;
}

/**
 * rocsvm_registration_unmap - take GPUs' access to registered memory away
 * @space: the space
 * @va: a registration's first address
 * @gpus: bit mask of GPUs by index, or 0 for all that have access
 *
 * If KFD fails halfway, what it has unmapped stays so.
 *
 * Return: 0; -ENOENT if no registration begins there; -EINVAL if one of @gpus
 * has no access to one of the segments; another negative errno.
 */
int rocsvm_registration_unmap(struct rocsvm_space *space, u64 va, u64 gpus)
{
	struct rocsvm_segment *seg;
	struct rocsvm_pages pages;
	int err;

	err = find_registered(space, va, &pages);
	if (err)
		return err;
	for (seg = rocsvm_segment_first(space, &pages); seg;
	     seg = rocsvm_segment_after(space, &pages, seg))
		if (gpus & ~seg->buf.mapped)
			return -EINVAL;

	for (seg = rocsvm_segment_first(space, &pages); seg;
	     seg = rocsvm_segment_after(space, &pages, seg)) {
		u64 these = gpus ? gpus : seg->buf.mapped;

		if (!these)
			continue;
		err = rocsvm_buffer_unmap(space, &seg->buf, these);
		if (err)
			return err;
	}
	return 0;
}

/* ---- the end of the space ---- */

static void registrations_drop(struct rocsvm_space *space)
{
	struct rocsvm_registration *reg, *next;

	rbtree_postorder_for_each_entry_safe(reg, next, &space->registrations,
					     node) {
		registration_free(space, reg);
		cond_resched();
	}
	space->registrations = RB_ROOT;
	space->num_registrations = 0;
}

/**
 * rocsvm_registrations_free_all - end all registrations
 * @space: the space
 *
 * In the process itself. Where it is being killed nothing more is done.
 */
void rocsvm_registrations_free_all(struct rocsvm_space *space)
{
	struct rocsvm_segment *seg;

	while ((seg = rocsvm_segment_next(space, 0, U64_MAX))) {
		if (seg->buf.handle)
			rocsvm_buffer_kfd_free(space, &seg->buf);
		if (fatal_signal_pending(current))
			return;
		rocsvm_segment_release(seg);
		cond_resched();
	}
	registrations_drop(space);
}

/**
 * rocsvm_registrations_forget - drop what is known of all registrations
 * @space: the space, whose mm is going
 */
void rocsvm_registrations_forget(struct rocsvm_space *space)
{
	struct rocsvm_segment *seg;

	while ((seg = rocsvm_segment_next(space, 0, U64_MAX))) {
		rocsvm_segment_release(seg);
		cond_resched();
	}
	registrations_drop(space);
}
