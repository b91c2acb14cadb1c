// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement: which addresses a buffer gets, and where the window goes.
 *
 * The live ranges of a region are in one rbtree by address. Each knows the hole
 * before it and the largest hole of its subtree, so the lowest hole of a size is
 * found by one descent, as an address is. The node is embedded in the buffer, so
 * that neither an insert nor, above all, a remove ever needs memory: freeing a
 * buffer can't fail here.
 *
 * Nothing here locks: see placement.h. Nothing here knows an
 * mm, so this file is also compiled into a user-space test.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/rbtree_augmented.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/page.h>

#include "placement.h"

/* How many holes of the right size may turn out to be unaligned. */
#define HOLE_TRIES	8

static struct rocsvm_range *to_range(struct rb_node *node)
{
	return rb_entry_safe(node, struct rocsvm_range, node);
}

static u64 range_end(const struct rocsvm_range *range)
{
	return range->start + range->size;
}

static u64 range_hole(const struct rocsvm_range *range)
{
	return range->hole;
}

RB_DECLARE_CALLBACKS_MAX(static, range_callbacks, struct rocsvm_range, node,
			 u64, largest_hole, range_hole)

/**
 * rocsvm_region_init - make a region of free addresses
 * @region: what to initialise; the caller's, and not in use
 * @base: first address, a multiple of @granule
 * @end: address behind the last one, a multiple of @granule above @base
 * @granule: PAGE_SIZE or 2 MiB
 *
 * Can't fail. To be ended by rocsvm_region_fini().
 */
void rocsvm_region_init(struct rocsvm_region *region, u64 base, u64 end,
			u64 granule)
{
	memset(region, 0, sizeof(*region));
	region->base = base;
	region->end = end;
	region->granule = granule;
	region->tail = base;
}

/**
 * rocsvm_region_init_apart - placement for a GPU that is managed apart
 * @region: what to initialise; the caller's, and not in use
 * @gpuvm: the GPU's gpuvm aperture
 *
 * A region of whole pages from the first address that no other GPU can have. The
 * aperture's last page is left out, so that its end is a number. Without room
 * if the aperture is canonical.
 */
void rocsvm_region_init_apart(struct rocsvm_region *region,
			      const struct rocsvm_aperture *gpuvm)
{
	u64 base = max_t(u64, gpuvm->base, ROCSVM_CANONICAL_END);
	u64 end = ALIGN_DOWN(gpuvm->limit, PAGE_SIZE);

	memset(region, 0, sizeof(*region));
	if (base > end || ALIGN(base, PAGE_SIZE) >= end)
		return;
	rocsvm_region_init(region, ALIGN(base, PAGE_SIZE), end, PAGE_SIZE);
}

/**
 * rocsvm_region_fini - end a region
 * @region: the region; must be empty, warns if it is not
 *
 * What is left is a region without room. Does nothing for such a one.
 */
void rocsvm_region_fini(struct rocsvm_region *region)
{
	WARN_ON(!rocsvm_region_empty(region));
	memset(region, 0, sizeof(*region));
}

/**
 * rocsvm_region_abandon - end a region with all ranges that are in it
 * @region: the region
 * @release: called for each range, in whatever order; it is live no more, and
 *	the inserter's to free
 * @data: for @release
 *
 * In a fraction of the time that removing them one by one takes. What is left
 * is a region without room. Does nothing for such a one.
 */
void rocsvm_region_abandon(struct rocsvm_region *region,
			   void (*release)(struct rocsvm_range *range,
					   void *data),
			   void *data)
{
	struct rocsvm_range *range, *next;

	rbtree_postorder_for_each_entry_safe(range, next, &region->ranges, node)
		release(range, data);
	memset(region, 0, sizeof(*region));
}

/**
 * rocsvm_region_empty - whether a region holds no range
 * @region: the region
 *
 * Return: true if no range is live in it.
 */
bool rocsvm_region_empty(const struct rocsvm_region *region)
{
	return RB_EMPTY_ROOT(&region->ranges);
}

/*
 * Round the guard up to the granule; size is what it needs together with the
 * length, rounded as well. False if there is no such number, or nothing to place.
 */
static bool range_size(u64 granule, u64 length, u64 *guard, u64 *size)
{
	if (!length || length > U64_MAX - (granule - 1) ||
	    *guard > ROCSVM_MAX_GUARD)
		return false;

	*guard = ALIGN(*guard, granule);
	return !check_add_overflow(ALIGN(length, granule), *guard, size);
}

/*
 * A hole is named by the range behind it, NULL for the last one. This is the
 * lowest of those in a subtree that have @size bytes, the last one left out.
 */
static struct rocsvm_range *hole_first(struct rb_node *node, u64 size)
{
	struct rocsvm_range *range = to_range(node), *left;

	if (!range || range->largest_hole < size)
		return NULL;
	for (;;) {
		left = to_range(range->node.rb_left);
		if (left && left->largest_hole >= size) {
			range = left;
			continue;
		}
		if (range->hole >= size)
			return range;
		range = to_range(range->node.rb_right);
	}
}

/* And the next one above it. */
static struct rocsvm_range *hole_next(struct rocsvm_range *range, u64 size)
{
	struct rocsvm_range *found = hole_first(range->node.rb_right, size);
	struct rb_node *node = &range->node, *parent;

	for (; !found && (parent = rb_parent(node)); node = parent) {
		if (node == parent->rb_right)
			continue;
		range = to_range(parent);
		found = range->hole >= size ? range :
			hole_first(parent->rb_right, size);
	}
	return found;
}

static u64 hole_start(const struct rocsvm_region *region,
		      const struct rocsvm_range *behind)
{
	return behind ? behind->start - behind->hole : region->tail;
}

/* The first aligned address of a hole, if there are @size bytes from there. */
static bool hole_fits(const struct rocsvm_region *region,
		      const struct rocsvm_range *behind, u64 size,
		      u64 alignment, u64 *start)
{
	u64 hole = behind ? behind->hole : region->end - region->tail;
	u64 pad;

	*start = hole_start(region, behind);
	pad = -*start & (alignment - 1);
	*start += pad;
	return pad <= hole && hole - pad >= size;
}

static u64 largest_hole(const struct rocsvm_region *region)
{
	const struct rocsvm_range *root = to_range(region->ranges.rb_node);
	u64 last = region->end - region->tail;

	return root ? max(last, root->largest_hole) : last;
}

/*
 * Choose a hole for @size bytes: see rocsvm_range_choose(). Everything is
 * aligned to the granule, so a hole that has as many bytes more as the alignment
 * is larger than that will do wherever it begins.
 */
static bool hole_choose(const struct rocsvm_region *region, u64 size,
			u64 alignment, struct rocsvm_range **behind, u64 *start)
{
	struct rb_node *root = region->ranges.rb_node;
	unsigned int tries = 0;
	u64 enough;

	/* Where this wraps round there are no two holes of the size. */
	enough = size + alignment - region->granule;

	for (*behind = hole_first(root, size); *behind;
	     *behind = hole_next(*behind, size)) {
		if (hole_fits(region, *behind, size, alignment, start))
			return true;
		if (++tries == HOLE_TRIES && largest_hole(region) >= enough) {
			*behind = hole_first(root, enough);
			break;
		}
	}
	return hole_fits(region, *behind, size, alignment, start);
}

/* Make a range live: it lies in the hole before @behind. */
static void range_link(struct rocsvm_region *region, struct rocsvm_range *range,
		       struct rocsvm_range *behind)
{
	struct rb_node *parent = NULL, **link = &region->ranges.rb_node;

	range->hole = range->start - hole_start(region, behind);
	range->largest_hole = range->hole;

	/* It goes before @behind: to its left, or to the right of all. */
	if (behind) {
		behind->hole = behind->start - range_end(range);
		parent = &behind->node;
		link = &parent->rb_left;
	} else {
		region->tail = range_end(range);
	}
	while (*link) {
		parent = *link;
		link = &parent->rb_right;
	}
	rb_link_node(&range->node, parent, link);
	/* Each stops where nothing changes; @behind can be further up. */
	range_callbacks.propagate(parent, NULL);
	if (behind)
		range_callbacks.propagate(&behind->node, NULL);
	rb_insert_augmented(&range->node, &region->ranges, &range_callbacks);
}

/* The lowest range that ends above an address, guards included, or NULL. */
static struct rocsvm_range *range_above(const struct rocsvm_region *region,
					u64 addr)
{
	struct rb_node *node = region->ranges.rb_node;
	struct rocsvm_range *range, *found = NULL;

	while (node) {
		range = to_range(node);
		if (range_end(range) > addr) {
			found = range;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/**
 * rocsvm_range_choose - choose the lowest address where a range fits
 * @region: where to place it
 * @length: bytes to be accessible, rounded up to the granule
 * @alignment: power of two that divides the address, or 0; the granule divides
 *	it anyway
 * @guard: bytes to keep free behind it, rounded up to the granule, may be 0
 * @base: out: the address, for rocsvm_range_insert_fixed()
 *
 * Changes nothing, and can take long where there are very many holes; to insert
 * the range does not.
 *
 * Of the holes that are large enough but for the alignment the first eight are
 * tried in ascending order. Where none of them serves, the lowest one is taken
 * that is large enough wherever it begins, so that the cost grows with the
 * logarithm of the number of ranges only. Where there is no such hole either,
 * all are tried in ascending order, so that a range that fits is placed.
 *
 * Return: 0, -ENOMEM if no hole is large enough, or -EINVAL if @length is 0,
 * @alignment is no power of two, @guard is more than ROCSVM_MAX_GUARD, or
 * @length and @guard exceed 64 bits.
 */
int rocsvm_range_choose(const struct rocsvm_region *region, u64 length,
			u64 alignment, u64 guard, u64 *base)
{
	struct rocsvm_range *behind;
	u64 size;

	if (!region->end)
		return -ENOMEM;
	if (alignment && !is_power_of_2(alignment))
		return -EINVAL;
	if (!range_size(region->granule, length, &guard, &size))
		return -EINVAL;
	alignment = max(alignment, region->granule);
	if (!hole_choose(region, size, alignment, &behind, base))
		return -ENOMEM;
	return 0;
}

/**
 * rocsvm_range_insert_fixed - place a range at a given address, or not at all
 * @region: where to place it
 * @range: the caller's, not live; it is live on success only
 * @base: the address
 * @length: bytes to be accessible, rounded up to the granule
 * @front: bytes to keep free before it, a multiple of the granule, may be 0
 * @guard: bytes to keep free behind it, rounded up to the granule, may be 0
 *
 * Return: 0, -EINVAL if @base or @front is no multiple of the granule, @front
 * or @guard is more than ROCSVM_MAX_GUARD, @length is 0 or @length and @guard
 * exceed 64 bits, else -ERANGE if the range with its guards is not inside the
 * region, else -EEXIST if it is not free.
 */
int rocsvm_range_insert_fixed(struct rocsvm_region *region,
			      struct rocsvm_range *range, u64 base, u64 length,
			      u64 front, u64 guard)
{
	struct rocsvm_range *behind;
	u64 size;

	if (!region->end)
		return -ERANGE;
	if (!IS_ALIGNED(base, region->granule) ||
	    !IS_ALIGNED(front, region->granule) || front > ROCSVM_MAX_GUARD)
		return -EINVAL;
	if (!range_size(region->granule, length, &guard, &size))
		return -EINVAL;
	if (base < region->base || base > region->end ||
	    front > base - region->base || size > region->end - base)
		return -ERANGE;

	base -= front;
	size += front;
	behind = range_above(region, base);
	if (behind && behind->start < base + size)
		return -EEXIST;

	range->start = base;
	range->size = size;
	range->front = front;
	range->guard = guard;
	range_link(region, range, behind);
	return 0;
}

/**
 * rocsvm_range_remove - give a range's addresses back
 * @region: where it is
 * @range: a live range
 *
 * Can't fail. The memory of @range stays the caller's; it can be inserted
 * again.
 */
void rocsvm_range_remove(struct rocsvm_region *region,
			 struct rocsvm_range *range)
{
	struct rocsvm_range *behind = to_range(rb_next(&range->node));

	rb_erase_augmented(&range->node, &region->ranges, &range_callbacks);
	if (!behind) {
		region->tail = range->start - range->hole;
		return;
	}
	behind->hole += range->size + range->hole;
	range_callbacks.propagate(&behind->node, NULL);
}

/* False if addr lies in the guard, or outside. */
static bool range_accessible(const struct rocsvm_range *range, u64 addr)
{
	return addr >= rocsvm_range_base(range) &&
	       addr - rocsvm_range_base(range) < rocsvm_range_length(range);
}

/**
 * rocsvm_range_find - look an address up
 * @region: where to look
 * @addr: any address
 *
 * Return: the range whose accessible part contains @addr, or NULL. It is the
 * inserter's, and lives until that removes it.
 */
struct rocsvm_range *rocsvm_range_find(struct rocsvm_region *region, u64 addr)
{
	struct rocsvm_range *range = rocsvm_range_next(region, addr);

	return range && range_accessible(range, addr) ? range : NULL;
}

/**
 * rocsvm_range_next - look an address up, or what comes after it
 * @region: where to look
 * @addr: any address
 *
 * To walk a region, begin at 0 and go on at base + length of what was found.
 *
 * Return: the range whose accessible part contains @addr, else the lowest
 * that begins above @addr, else NULL.
 */
struct rocsvm_range *rocsvm_range_next(struct rocsvm_region *region, u64 addr)
{
	struct rocsvm_range *range = range_above(region, addr);

	/* Its addresses are all below addr if that is in its guard behind. */
	if (range && rocsvm_range_base(range) <= addr &&
	    !range_accessible(range, addr))
		range = to_range(rb_next(&range->node));
	return range;
}

/**
 * rocsvm_default_alignment - alignment of a range that asks for none
 * @length: of the range
 * @max: the largest, a power of two, at least PAGE_SIZE
 *
 * As far as 2 MiB, the reach of one page directory entry, a range that is
 * aligned to its length takes as few GPU page table entries as can be.
 *
 * Return: the power of two at or above @length, PAGE_SIZE to @max.
 */
u64 rocsvm_default_alignment(u64 length, u64 max)
{
	return roundup_pow_of_two(clamp_t(u64, length, PAGE_SIZE, max));
}

/**
 * rocsvm_intersect - the addresses that all GPUs can use
 * @gpuvm: the GPUs' gpuvm apertures
 * @n: how many
 * @svm: out: the SVM range, written on success only
 *
 * A GPU whose aperture ends at or above ROCSVM_CANONICAL_END takes no part.
 *
 * Return: 0, -ENODEV if no GPU takes part, -ERANGE if those that do have no
 * address in common.
 */
int rocsvm_intersect(const struct rocsvm_aperture *gpuvm, unsigned int n,
		     struct rocsvm_aperture *svm)
{
	struct rocsvm_aperture common = { 0, U64_MAX };
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (gpuvm[i].limit >= ROCSVM_CANONICAL_END)
			continue;
		common.base = max(common.base, gpuvm[i].base);
		common.limit = min(common.limit, gpuvm[i].limit);
	}
	if (common.limit == U64_MAX)
		return -ENODEV;
	if (common.base > common.limit)
		return -ERANGE;

	*svm = common;
	return 0;
}

/**
 * rocsvm_search_begin - begin a search
 * @search: the caller's, with its inputs filled in
 */
void rocsvm_search_begin(struct rocsvm_search *search)
{
	search->base = 0;
	search->found = false;
	search->largest_base = 0;
	search->largest = 0;
	search->cursor = search->low;
	search->done = false;
}

/* Consider the free addresses from the cursor up to gap_end. */
static void search_gap(struct rocsvm_search *search, u64 gap_end)
{
	u64 base = ALIGN(search->cursor, search->align);
	u64 end = ALIGN_DOWN(gap_end, search->align);

	/* The base wraps to 0 if no aligned address is above the cursor. */
	if (base < search->cursor || base >= gap_end)
		return;

	if (end - base >= search->largest && end > base) {
		search->largest = end - base;
		search->largest_base = base;
	}

	if (search->done || !search->length || search->length > gap_end - base)
		return;

	search->found = true;
	search->done = search->preferred >= base &&
		       search->preferred <= gap_end - search->length &&
		       search->preferred &&
		       IS_ALIGNED(search->preferred, search->align);
	if (search->done)
		search->base = search->preferred;
	else /* The highest so far: low addresses are left to others. */
		search->base = ALIGN_DOWN(gap_end - search->length,
					  search->align);
}

/**
 * rocsvm_search_occupied - tell a search of an occupied range
 * @search: a search that was begun
 * @start: first address
 * @end: address behind the last one; an empty range is ignored
 *
 * In ascending order of @start. Ranges may touch and overlap each other, and
 * may lie outside of where the search looks.
 */
void rocsvm_search_occupied(struct rocsvm_search *search, u64 start, u64 end)
{
	if (start >= end)
		return;

	start = min(start, search->end);
	if (start > search->cursor)
		search_gap(search, start);
	search->cursor = max(search->cursor, end);
}

/**
 * rocsvm_search_end - end a search, after its last occupied range
 * @search: the search; its outputs are valid from here on
 */
void rocsvm_search_end(struct rocsvm_search *search)
{
	if (search->end > search->cursor)
		search_gap(search, search->end);
}

/* a - b, but never below 0. */
static u64 less(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

/**
 * rocsvm_window_size - how much to reserve
 * @wanted: bytes, the upper bound
 * @largest_gap: bytes of the largest gap of the address space
 * @as_left: bytes that RLIMIT_AS leaves, U64_MAX if it does not limit; the
 *	window takes half of it at most, the rest stays with the program
 * @overhead: bytes to be reserved beyond the window: margins, control page
 * @min: bytes, the lower bound
 * @granule: power of two that divides the result
 *
 * Return: bytes, the largest multiple of @granule within those bounds, or 0
 * if there is none.
 */
u64 rocsvm_window_size(u64 wanted, u64 largest_gap, u64 as_left, u64 overhead,
		       u64 min, u64 granule)
{
	u64 size = min(wanted, less(largest_gap, overhead));

	if (as_left != U64_MAX)
		size = min(size, less(as_left / 2, overhead));
	size = ALIGN_DOWN(size, granule);
	return size < min ? 0 : size;
}
