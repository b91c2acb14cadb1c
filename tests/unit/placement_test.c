// SPDX-License-Identifier: MIT
/* kmod/placement.c in user space, over the kernel's own rbtree. */
#include "placement_test.h"
#include "tap.h"

unsigned int shim_warnings;
unsigned long shim_nodes;

static const struct tap_case cases[] = {
	{ "region: random sequences give the model's answers", test_region_random },
	{ "region: filled to the last page, and fragmented", test_region_full },
	{ "region: guard on both sides", test_region_front },
	{ "region: GPUs that are managed apart", test_region_apart },
	{ "region: guards are kept free", test_region_guards },
	{ "region: a granule of 2 MiB", test_region_huge },
	{ "region: alignment, given and default", test_region_alignment },
	{ "region: each error for its cause", test_region_errors },
	{ "region: zeroed, ended, begun again, ended too early", test_region_without_room },
	{ "region: abandoned", test_region_abandon },
	{ "region: 100,000 live ranges", test_region_many },
	{ "region: 100,000 holes without an aligned place", test_region_unaligned },
	{ "region: mixed lengths cost no more the more there are", test_region_mixed },
	{ "intersection: recorded apertures in every order", test_intersect_recorded },
	{ "intersection: edges", test_intersect_edges },
	{ "intersection: random apertures", test_intersect_random },
	{ "search: all small address spaces", test_search_exhaustive },
	{ "search: random address spaces", test_search_random },
	{ "search: the address space of a process", test_search_known },
	{ "search: the ends of 64 bits", test_search_extremes },
	{ "window size: known answers", test_window_size_known },
	{ "window size: random bounds", test_window_size_random },
};

int main(void)
{
	return tap_main(cases, sizeof(cases) / sizeof(cases[0]));
}
