// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement: which addresses a buffer gets, and where the window goes.
 *
 * The live ranges of a region are nodes of the kernel's drm_mm, which keeps an
 * interval tree of nodes (lookup by address) and a tree of holes by address
 * with the largest hole below each (the lowest hole that fits). The node is
 * embedded in the buffer, so that neither an insert nor, above all, a remove
 * ever needs memory: freeing a buffer can't fail here.
 *
 * Nothing here locks: callers hold the space's mutex. Nothing here knows an
 * mm, so this file is also compiled into a user-space test.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/page.h>

#include "placement.h"

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
	drm_mm_init(&region->mm, base, end - base);
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
	if (drm_mm_initialized(&region->mm))
		drm_mm_takedown(&region->mm);
	memset(region, 0, sizeof(*region));
}

/**
 * rocsvm_region_abandon - end a region with all ranges that are in it
 * @region: the region
 * @release: called for each range, in ascending order; it is live no more, and
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
	struct drm_mm_node *node, *next;

	if (!drm_mm_initialized(&region->mm))
		return;
	drm_mm_for_each_node_safe(node, next, &region->mm)
		release(container_of(node, struct rocsvm_range, node), data);
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
	return !drm_mm_initialized(&region->mm) || drm_mm_clean(&region->mm);
}

/*
 * Round length and guard up to the granule; size is what both need together.
 * False if there is no such number, or nothing to place.
 */
static bool range_size(u64 granule, u64 *length, u64 guard, u64 *size)
{
	if (!*length || *length > U64_MAX - (granule - 1) ||
	    guard > U64_MAX - (granule - 1))
		return false;

	*length = ALIGN(*length, granule);
	return !check_add_overflow(*length, ALIGN(guard, granule), size);
}

/**
 * rocsvm_range_insert - place a range at the lowest address where it fits
 * @region: where to place it
 * @range: the caller's, not live; it is live on success only
 * @length: bytes to be accessible, rounded up to the granule
 * @alignment: power of two that divides the address, or 0; the granule divides
 *	it anyway
 * @guard: bytes to keep free behind it, rounded up to the granule, may be 0
 *
 * Return: 0, -ENOMEM if no gap is large enough, or -EINVAL if @length is 0,
 * @alignment is no power of two, or @length and @guard exceed 64 bits.
 */
int rocsvm_range_insert(struct rocsvm_region *region,
			struct rocsvm_range *range, u64 length, u64 alignment,
			u64 guard)
{
	u64 size;

	if (!drm_mm_initialized(&region->mm))
		return -ENOMEM;
	if (alignment && !is_power_of_2(alignment))
		return -EINVAL;
	if (!range_size(region->granule, &length, guard, &size))
		return -EINVAL;

	/* Every hole begins at a multiple of the granule anyway. */
	memset(range, 0, sizeof(*range));
	if (drm_mm_insert_node_in_range(&region->mm, &range->node, size,
					alignment, 0, region->base,
					region->end, DRM_MM_INSERT_LOW))
		return -ENOMEM;
	range->length = length;
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
 * Return: 0, -EINVAL if @base or @front is no multiple of the granule, @length
 * is 0 or @length and @guard exceed 64 bits, else -ERANGE if the range with
 * its guard is not inside the region, else -EEXIST if it is not free.
 */
int rocsvm_range_insert_fixed(struct rocsvm_region *region,
			      struct rocsvm_range *range, u64 base, u64 length,
			      u64 front, u64 guard)
{
	u64 size;

	if (!drm_mm_initialized(&region->mm))
		return -ERANGE;
	if (!IS_ALIGNED(base, region->granule) ||
	    !IS_ALIGNED(front, region->granule))
		return -EINVAL;
	if (!range_size(region->granule, &length, guard, &size))
		return -EINVAL;
	if (base < region->base || base > region->end ||
	    front > base - region->base || size > region->end - base)
		return -ERANGE;

	memset(range, 0, sizeof(*range));
	range->node.start = base - front;
	range->node.size = front + size;
	if (drm_mm_reserve_node(&region->mm, &range->node))
		return -EEXIST;
	range->front = front;
	range->length = length;
	return 0;
}

/**
 * rocsvm_range_remove - give a range's addresses back
 * @range: a live range
 *
 * Can't fail. The memory of @range stays the caller's; it can be inserted
 * again.
 */
void rocsvm_range_remove(struct rocsvm_range *range)
{
	drm_mm_remove_node(&range->node);
}

/* False if addr lies in the guard, or outside. */
static bool range_accessible(const struct rocsvm_range *range, u64 addr)
{
	return addr >= rocsvm_range_base(range) &&
	       addr - rocsvm_range_base(range) < range->length;
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
	struct drm_mm_node *node;

	if (addr >= region->end)
		return NULL;

	/* Two steps at most: the first node may hold addr in its back guard. */
	drm_mm_for_each_node_in_range(node, &region->mm, addr, region->end) {
		struct rocsvm_range *range =
			container_of(node, struct rocsvm_range, node);

		if (rocsvm_range_base(range) > addr ||
		    range_accessible(range, addr))
			return range;
	}
	return NULL;
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
