/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Placement: which addresses a buffer gets, and where the window goes.
 *
 * Pure bookkeeping: nothing here touches an mm, user memory or a page, nothing
 * allocates memory, sleeps or locks. Callers hold the space's mutex round
 * every call for one region, and its view's spinlock, too, if that changes the
 * region; to look something up either is enough. Calls that take no region need
 * no lock.
 *
 * All addresses and lengths are in bytes. `limit` is inclusive, `end` is
 * exclusive.
 */
#ifndef _ROCSVM_PLACEMENT_H
#define _ROCSVM_PLACEMENT_H

#include <linux/bits.h>
#include <linux/rbtree_types.h>
#include <linux/sizes.h>
#include <linux/types.h>

/* Largest guard of a range, before it or behind it. */
#define ROCSVM_MAX_GUARD	SZ_1G

/* First address above the user addresses that are used: bits 63..47 are 0. */
#define ROCSVM_CANONICAL_END	BIT_ULL(47)

/**
 * struct rocsvm_aperture - a range of virtual addresses, as KFD reports it
 * @base: first address
 * @limit: last address, inclusive
 */
struct rocsvm_aperture {
	u64 base;
	u64 limit;
};

/**
 * struct rocsvm_range - a range of addresses that a buffer holds
 * @node: in rocsvm_region.ranges
 * @start: first address, of the guard if there is one
 * @size: bytes, guards included
 * @front: bytes of guard at its beginning
 * @guard: bytes of guard at its end
 * @hole: how many bytes are free before @start
 * @largest_hole: the largest @hole of the subtree
 *
 * Embedded in its owner, who keeps it alive from a successful insert to
 * rocsvm_range_remove(). All members are written by placement only.
 */
struct rocsvm_range {
	struct rb_node node;
	u64 start;
	u64 size;
	u32 front;
	u32 guard;
	u64 hole;
	u64 largest_hole;
};

/**
 * struct rocsvm_region - addresses [base, end) from which ranges are taken
 * @ranges: the live ones, by address
 * @tail: where the last hole begins: behind the last range, or @base
 * @base: first address, a multiple of @granule
 * @end: address behind the last one, a multiple of @granule
 * @granule: the unit of placement: PAGE_SIZE or 2 MiB
 *
 * A region of all zeros is a region without room, and empty: every function
 * can be called for it. Nothing points to a region: it can be moved, ranges
 * and all, by copying it and forgetting the original.
 */
struct rocsvm_region {
	struct rb_root ranges;
	u64 tail;
	u64 base;
	u64 end;
	u64 granule;
};

void rocsvm_region_init(struct rocsvm_region *region, u64 base, u64 end,
			u64 granule);
void rocsvm_region_init_apart(struct rocsvm_region *region,
			      const struct rocsvm_aperture *gpuvm);
void rocsvm_region_fini(struct rocsvm_region *region);
void rocsvm_region_abandon(struct rocsvm_region *region,
			   void (*release)(struct rocsvm_range *range,
					   void *data),
			   void *data);
bool rocsvm_region_empty(const struct rocsvm_region *region);

int rocsvm_range_choose(const struct rocsvm_region *region, u64 length,
			u64 alignment, u64 guard, u64 *base);
int rocsvm_range_insert_fixed(struct rocsvm_region *region,
			      struct rocsvm_range *range, u64 base, u64 length,
			      u64 front, u64 guard);
void rocsvm_range_remove(struct rocsvm_region *region,
			 struct rocsvm_range *range);

/**
 * rocsvm_range_base - first address of a live range that can be accessed
 * @range: the range
 *
 * Return: the address.
 */
static inline u64 rocsvm_range_base(const struct rocsvm_range *range)
{
	return range->start + range->front;
}

/**
 * rocsvm_range_length - how much of a live range can be accessed
 * @range: the range
 *
 * Return: bytes, a multiple of the region's granule, never 0.
 */
static inline u64 rocsvm_range_length(const struct rocsvm_range *range)
{
	return range->size - range->front - range->guard;
}

struct rocsvm_range *rocsvm_range_find(struct rocsvm_region *region, u64 addr);
struct rocsvm_range *rocsvm_range_next(struct rocsvm_region *region, u64 addr);

u64 rocsvm_default_alignment(u64 length, u64 max);

int rocsvm_intersect(const struct rocsvm_aperture *gpuvm, unsigned int n,
		     struct rocsvm_aperture *svm);

/**
 * struct rocsvm_search - search an address space for the window's place
 * @low: in: lowest address that may be taken
 * @end: in: address behind the last one that may be taken
 * @length: in: bytes wanted; with 0 only the largest gap is searched for
 * @align: in: a power of two that divides the base
 * @preferred: in: the base to take where it is free, or 0; one that is not a
 *	multiple of @align is never taken
 * @base: out: the base that was chosen, if @found
 * @found: out: whether there is a gap of @length
 * @largest_base: out: base of the largest gap
 * @largest: out: its length, 0 if there is none. Base and length are
 *	multiples of @align. Of gaps of equal length it is the highest.
 * @cursor: private: everything below is dealt with
 * @done: private: @preferred is free, @base stands
 *
 * Lives on the caller's stack: fill in the inputs, rocsvm_search_begin(),
 * rocsvm_search_occupied() for every occupied range in ascending order of
 * start, rocsvm_search_end(), read the outputs.
 */
struct rocsvm_search {
	u64 low;
	u64 end;
	u64 length;
	u64 align;
	u64 preferred;
	u64 base;
	bool found;
	u64 largest_base;
	u64 largest;
	/* private: */
	u64 cursor;
	bool done;
};

void rocsvm_search_begin(struct rocsvm_search *search);
void rocsvm_search_occupied(struct rocsvm_search *search, u64 start, u64 end);
void rocsvm_search_end(struct rocsvm_search *search);

u64 rocsvm_window_size(u64 wanted, u64 largest_gap, u64 as_left, u64 overhead,
		       u64 min, u64 granule);

#endif /* _ROCSVM_PLACEMENT_H */
