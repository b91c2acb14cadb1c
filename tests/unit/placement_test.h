/* SPDX-License-Identifier: MIT */
/* The cases of placement_test, by the file that holds them. */
#ifndef PLACEMENT_TEST_H
#define PLACEMENT_TEST_H

/* test_region.c */
void test_region_random(void);
void test_region_full(void);
void test_region_front(void);
void test_region_apart(void);
void test_region_guards(void);
void test_region_huge(void);
void test_region_alignment(void);
void test_region_errors(void);
void test_region_without_room(void);
void test_region_abandon(void);
void test_region_many(void);
void test_region_unaligned(void);
void test_region_mixed(void);

/* test_intersect.c */
void test_intersect_recorded(void);
void test_intersect_edges(void);
void test_intersect_random(void);

/* test_search.c */
void test_search_exhaustive(void);
void test_search_random(void);
void test_search_known(void);
void test_search_extremes(void);
void test_window_size_known(void);
void test_window_size_random(void);

#endif /* PLACEMENT_TEST_H */
