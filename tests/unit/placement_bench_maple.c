// SPDX-License-Identifier: GPL-2.0-only
/*
 * Placement by a maple tree, for placement_bench: an entry a range, guard
 * included. Without MT_FLAGS_USE_RCU, that is at its fastest. A store of
 * nothing, too, may have to allocate.
 */
#include <linux/maple_tree.h>

#include "placement_bench.h"

struct maple_range {
	u64 base;
	u64 size;
};

static struct maple_tree tree;
static struct maple_range *ranges;

static void store(u64 base, u64 size, void *entry)
{
	MA_STATE(mas, &tree, base, base + size - 1);

	if (mas_store_gfp(&mas, entry, GFP_KERNEL))
		abort();
}

static void maple_begin(void)
{
	ranges = calloc(BENCH_MAX, sizeof(*ranges));
	mt_init_flags(&tree, MT_FLAGS_ALLOC_RANGE);
}

static u64 maple_insert(unsigned int index, u64 length, u64 alignment,
			u64 guard)
{
	u64 size = length + guard, base = BENCH_BASE;
	MA_STATE(mas, &tree, 0, 0);

	for (;;) {
		mas_reset(&mas);
		if (mas_empty_area(&mas, base, BENCH_END - 1, size))
			abort();
		if (mas.index == base && IS_ALIGNED(base, alignment))
			break;
		base = ALIGN(mas.index, alignment);
	}
	ranges[index].base = base;
	ranges[index].size = size;
	store(base, size, &ranges[index]);
	return base;
}

static void maple_remove(unsigned int index)
{
	store(ranges[index].base, ranges[index].size, NULL);
}

static unsigned int maple_find(u64 addr)
{
	MA_STATE(mas, &tree, addr, addr);

	return (struct maple_range *)mas_walk(&mas) - ranges;
}

static void maple_end(void)
{
	__mt_destroy(&tree);
	free(ranges);
}

const struct bench_backend bench_maple = {
	.name = "maple tree",
	.begin = maple_begin,
	.insert = maple_insert,
	.remove = maple_remove,
	.find = maple_find,
	.end = maple_end,
};
