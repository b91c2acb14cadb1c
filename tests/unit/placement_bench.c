// SPDX-License-Identifier: MIT
/*
 * What placement costs by the number of live ranges, in processor time: kmod's
 * placement.c and, for comparison, a maple tree.
 *
 * usage: placement_bench [MAX_LIVE_RANGES]
 *
 *   fill      one insert, while the region is filled to so many ranges
 *   replace   one remove and one insert, of random ranges, at that number
 *   find      one look-up of a random address inside a range
 *
 * and each compared with its value at the smallest number; in the end, how many
 * per cent of the addresses below the highest range are in use. The maple tree
 * always chooses the lowest address, placement.c only where it need not look at
 * too many holes for it.
 */
#include <time.h>

#include "placement.h"
#include "placement_bench.h"
#include "range_insert.h"

#define OPERATIONS 100000U

unsigned int shim_warnings;
unsigned long shim_nodes;

/* ---- kmod/placement.c ---- */

static struct rocsvm_region region;
static struct rocsvm_range *ranges;

static void placement_begin(void)
{
	ranges = calloc(BENCH_MAX, sizeof(*ranges));
	rocsvm_region_init(&region, BENCH_BASE, BENCH_END, PAGE_SIZE);
}

static u64 placement_insert(unsigned int index, u64 length, u64 alignment,
			    u64 guard)
{
	if (range_insert(&region, &ranges[index], length, alignment, guard))
		abort();
	return rocsvm_range_base(&ranges[index]);
}

static void placement_remove(unsigned int index)
{
	rocsvm_range_remove(&region, &ranges[index]);
}

static unsigned int placement_find(u64 addr)
{
	return rocsvm_range_find(&region, addr) - ranges;
}

static void placement_end(void)
{
	rocsvm_region_fini(&region);
	free(ranges);
}

const struct bench_backend bench_placement = {
	.name = "placement.c",
	.begin = placement_begin,
	.insert = placement_insert,
	.remove = placement_remove,
	.find = placement_find,
	.end = placement_end,
};

/* ---- loads ---- */

static u64 random_state;

static u64 random_u64(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static u64 length_page(void)
{
	return PAGE_SIZE;
}

/* 4 KiB to 1 MiB, as many of each power of two. */
static u64 length_mixed(void)
{
	u64 pages = 1ULL << random_u64() % 8;

	return (pages + random_u64() % pages) * PAGE_SIZE;
}

/*
 * The guard behind 2 MiB leaves holes that are large enough for 1.5 MiB, but
 * not where these would be aligned: every one is looked at in vain.
 */
static u64 length_worst(void)
{
	return random_u64() % 8 ? SZ_2M : SZ_2M / 4 * 3;
}

static const struct load {
	const char *name;
	u64 (*length)(void);
	unsigned int max;	/* beyond it a maple tree takes too long */
} loads[] = {
	{ "4 KiB", length_page, BENCH_MAX },
	{ "4 KiB to 1 MiB", length_mixed, 100000 },
	{ "2 MiB, some 1.5 MiB", length_worst, 10000 },
};

/* ---- measuring ---- */

struct result {
	double fill, replace, find;
	double used;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static struct result measure(const struct bench_backend *backend,
			     const struct load *load, unsigned int live)
{
	static u64 bases[BENCH_MAX], lengths[BENCH_MAX];
	unsigned int i, index, operations = min(OPERATIONS, 4 * live);
	struct result result = {};
	u64 used = 0, top = 0;
	double start;

	random_state = live;
	backend->begin();

	start = now_ns();
	for (i = 0; i < live; i++) {
		u64 length = load->length();

		lengths[i] = length;
		bases[i] = backend->insert(i, length,
					   rocsvm_default_alignment(length, SZ_2M),
					   PAGE_SIZE);
	}
	result.fill = (now_ns() - start) / live;

	start = now_ns();
	for (i = 0; i < operations; i++) {
		u64 length = load->length();

		index = random_u64() % live;
		backend->remove(index);
		lengths[index] = length;
		bases[index] = backend->insert(index, length,
					       rocsvm_default_alignment(length, SZ_2M),
					       PAGE_SIZE);
	}
	result.replace = (now_ns() - start) / operations;

	start = now_ns();
	for (i = 0; i < operations; i++) {
		index = random_u64() % live;
		if (backend->find(bases[index] + 8) != index)
			abort();
	}
	result.find = (now_ns() - start) / operations;

	for (i = 0; i < live; i++) {
		used += lengths[i] + PAGE_SIZE;
		top = max(top, bases[i] + lengths[i] + PAGE_SIZE - BENCH_BASE);
		backend->remove(i);
	}
	result.used = 100.0 * used / top;
	backend->end();
	return result;
}

int main(int argc, char **argv)
{
	static const struct bench_backend *const backends[] = {
		&bench_placement, &bench_maple,
	};
	unsigned int max = argc > 1 ? strtoul(argv[1], NULL, 0) : BENCH_MAX;
	struct result r, first[ARRAY_SIZE(backends)];
	unsigned int i, j, live;

	printf("%-20s %-12s %8s %15s %15s %15s %5s\n", "lengths", "by", "live",
	       "fill ns", "replace ns", "find ns", "used");
	for (i = 0; i < ARRAY_SIZE(loads); i++) {
		for (live = 1000; live <= min(max, loads[i].max); live *= 10) {
			for (j = 0; j < ARRAY_SIZE(backends); j++) {
				r = measure(backends[j], &loads[i], live);
				if (live == 1000)
					first[j] = r;
				printf("%-20s %-12s %8u %8.0f x%5.1f %8.0f x%5.1f %8.0f x%5.1f %4.0f%%\n",
				       loads[i].name, backends[j]->name, live,
				       r.fill, r.fill / first[j].fill,
				       r.replace, r.replace / first[j].replace,
				       r.find, r.find / first[j].find, r.used);
			}
		}
	}
	return EXIT_SUCCESS;
}
