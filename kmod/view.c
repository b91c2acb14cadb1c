// SPDX-License-Identifier: GPL-2.0-only
/*
 * The view of a space (view.h): made with it, attached while there is something
 * to be seen, and the walk of what is there.
 */
#include <linux/cred.h>
#include <linux/slab.h>

#include "view.h"

/**
 * rocsvm_view_create - make the view of a new space
 * @space: the space, of the current process
 *
 * Return: 0 or -ENOMEM.
 */
int rocsvm_view_create(struct rocsvm_space *space)
{
	struct rocsvm_view *view = kzalloc(sizeof(*view), ROCSVM_GFP);

	if (!view)
		return -ENOMEM;
	refcount_set(&view->ref, 1);
	view->pid = task_tgid_nr(current);
	view->uid = current_uid();
	get_task_comm(view->comm, current->group_leader);
	INIT_WORK(&view->update, rocsvm_debugfs_work);
	init_completion(&view->settled);
	spin_lock_init(&view->lock);
	space->view = view;
	return 0;
}

/**
 * rocsvm_view_get - take a reference
 * @view: the view
 *
 * Return: the view.
 */
struct rocsvm_view *rocsvm_view_get(struct rocsvm_view *view)
{
	refcount_inc(&view->ref);
	return view;
}

/**
 * rocsvm_view_put - drop a reference, in whatever context
 * @view: the view
 */
void rocsvm_view_put(struct rocsvm_view *view)
{
	if (refcount_dec_and_test(&view->ref))
		kfree(view);
}

/**
 * rocsvm_view_attach - let a space be seen that is live now
 * @space: the space; its lock is held
 */
void rocsvm_view_attach(struct rocsvm_space *space)
{
	struct rocsvm_view *view = space->view;
	bool attached;

	lockdep_assert_held(&space->lock);

	spin_lock(&view->lock);
	attached = view->space;
	view->space = space;
	spin_unlock(&view->lock);
	/* It was dormant and has kept its folder, if it could have one. */
	if (attached && READ_ONCE(view->dir))
		return;
	reinit_completion(&view->settled);
	rocsvm_debugfs_update(view);
}

/**
 * rocsvm_view_detach - a space ends: nobody gets to see it from now on
 * @space: the space; its lock is held, or its mm or the module is going
 */
void rocsvm_view_detach(struct rocsvm_space *space)
{
	struct rocsvm_view *view = space->view;
	bool attached;

	spin_lock(&view->lock);
	attached = view->space;
	view->space = NULL;
	spin_unlock(&view->lock);
	if (attached)
		rocsvm_debugfs_update(view);
}

/**
 * rocsvm_view_lock - keep those who look on away for a moment
 * @space: the space; its lock is held, unless its view is detached
 *
 * Round every change of what they walk, or follow.
 */
void rocsvm_view_lock(struct rocsvm_space *space)
	__acquires(space->view->lock)
{
	spin_lock(&space->view->lock);
	lockdep_assert(!space->view->space || lockdep_is_held(&space->lock));
}

/**
 * rocsvm_view_unlock - undo rocsvm_view_lock()
 * @space: the space
 */
void rocsvm_view_unlock(struct rocsvm_space *space)
	__releases(space->view->lock)
{
	spin_unlock(&space->view->lock);
}

/* ---- what comes and goes ---- */

/**
 * rocsvm_shown_kind - what those who look on are told a buffer is
 * @buf: the buffer, or segment, or addresses in quarantine
 *
 * Return: its kind.
 */
enum rocsvm_shown_kind rocsvm_shown_kind(const struct rocsvm_buffer *buf)
{
	static const u8 kinds[] = {
		[ROCSVM_KIND_HOST] = ROCSVM_SHOWN_HOST,
		[ROCSVM_KIND_GTT] = ROCSVM_SHOWN_GTT,
		[ROCSVM_KIND_VRAM] = ROCSVM_SHOWN_VRAM,
		[ROCSVM_KIND_PRIVATE_VRAM] = ROCSVM_SHOWN_PRIVATE,
		[ROCSVM_KIND_DOORBELL] = ROCSVM_SHOWN_DOORBELL,
		[ROCSVM_KIND_MMIO_REMAP] = ROCSVM_SHOWN_MMIO,
		[ROCSVM_KIND_ADDRESS] = ROCSVM_SHOWN_ADDRESS,
		[ROCSVM_KIND_SCRATCH] = ROCSVM_SHOWN_SCRATCH,
		[ROCSVM_KIND_REGISTERED] = ROCSVM_SHOWN_REGISTERED,
	};

	/* data_race: a bit, as rocsvm_peek() reads it. */
	if (data_race(!!buf->quarantined))
		return ROCSVM_SHOWN_QUARANTINE;
	if (buf->flags & ROCSVM_ALLOC_IMPORTED)
		return ROCSVM_SHOWN_IMPORTED;
	if (buf->flags & ROCSVM_ALLOC_AQL_QUEUE)
		return ROCSVM_SHOWN_AQL;
	return kinds[buf->kind];
}

/**
 * rocsvm_tally - count what comes or goes
 * @space: the space; its lock is held, or its mm is going
 * @kind: of what kind
 * @n: 1 or -1
 * @length: bytes
 */
void rocsvm_tally(struct rocsvm_space *space, enum rocsvm_shown_kind kind,
		  int n, u64 length)
{
	s64 bytes = n * (s64)length;

	space->tally[kind].count += n;
	space->tally[kind].bytes += bytes;
	rocsvm_count_kind(kind, bytes);
}

/**
 * rocsvm_show - let something be seen
 * @space: the space; its lock is held
 * @buf: a buffer or segment that lives now, or addresses that are quarantined
 */
void rocsvm_show(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	rocsvm_tally(space, rocsvm_shown_kind(buf), 1,
		     rocsvm_range_length(&buf->range));
	WRITE_ONCE(buf->born, rocsvm_clock());
}

/**
 * rocsvm_hide - let it be seen no more
 * @space: the space; its lock is held, or its mm is going
 * @buf: what rocsvm_show() was given, and is so still; or is not shown
 */
void rocsvm_hide(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	if (!buf->born)
		return;
	WRITE_ONCE(buf->born, 0);
	rocsvm_tally(space, rocsvm_shown_kind(buf), -1,
		     rocsvm_range_length(&buf->range));
}

/* ---- what is there ---- */

static u64 buffer_base(const struct rocsvm_buffer *buf)
{
	return rocsvm_range_base(&buf->range);
}

/* The first of a region that begins at or above an address. */
static struct rocsvm_buffer *region_next(struct rocsvm_region *region, u64 addr)
{
	struct rocsvm_range *range = rocsvm_range_next(region, addr);

	if (range && rocsvm_range_base(range) < addr)
		range = rocsvm_range_next(region, rocsvm_range_base(range) +
						  rocsvm_range_length(range));
	return range ? container_of(range, struct rocsvm_buffer, range) : NULL;
}

/* The same, but what is inside an address reservation comes behind that. */
static struct rocsvm_buffer *region_walk(struct rocsvm_region *region, u64 addr,
					 bool inside)
{
	struct rocsvm_range *range = rocsvm_range_find(region, addr);
	struct rocsvm_buffer *outer, *inner = NULL;

	if (range && (inside || rocsvm_range_base(range) < addr)) {
		outer = container_of(range, struct rocsvm_buffer, range);
		if (rocsvm_buffer_inside(outer))
			inner = region_next(outer->inside, addr);
	}
	return inner ? inner : region_next(region, addr + inside);
}

static struct rocsvm_buffer *earlier(struct rocsvm_buffer *a,
				     struct rocsvm_buffer *b)
{
	if (!a || !b)
		return a ? a : b;
	return buffer_base(a) < buffer_base(b) ? a : b;
}

/**
 * rocsvm_view_next - what a space has at or above an address
 * @space: the space; its view's spinlock is held
 * @addr: the address
 * @inside: at @addr itself, only what is inside an address reservation
 *
 * Return: the first buffer, segment, or addresses in quarantine; shown or not;
 * NULL if there is none.
 */
struct rocsvm_buffer *rocsvm_view_next(struct rocsvm_space *space, u64 addr,
				       bool inside)
{
	struct rocsvm_buffer *buf = NULL;
	unsigned int i;

	lockdep_assert_held(&space->view->lock);

	for (i = 0; i < ROCSVM_NUM_REGIONS && !buf; i++)
		buf = region_walk(&space->regions[i], addr, inside);
	for (i = 0; i < space->num_gpus; i++)
		buf = earlier(buf, region_next(&space->gpus[i].apart,
					       addr + inside));
	return earlier(buf, region_next(&space->registered, addr + inside));
}
