// SPDX-License-Identifier: MIT
/*
 * Two opens in a process share one space: window, GPUs and buffers. The last
 * close ends it.
 */
#include "harness.h"

static void test(void)
{
	int a = svm_start(), b;
	struct rocsvm_info of_a, of_b;
	size_t vmas = maps_count(0);
	char *buffer;

	b = svm_open();
	ASSERT_GE(b, 0);
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_EQ(svm_counter("spaces"), 1);
	ASSERT_EQ(svm_info(a, &of_a), 0);
	ASSERT_EQ(svm_info(b, &of_b), 0);
	EXPECT_EQ(of_a.window_base, of_b.window_base);
	EXPECT_EQ(of_a.window_limit, of_b.window_limit);
	EXPECT_EQ(of_b.num_acquired, of_a.num_gpus);

	buffer = svm_alloc(a, ROCSVM_KIND_HOST, KiB(64));
	ASSERT_EQ(svm_info(b, &of_b), 0);
	EXPECT_EQ(of_b.num_buffers, 1);
	EXPECT_EQ(svm_map_all(b, buffer), 0);
	pattern_fill(buffer, KiB(64), 2);
	close(a);

	EXPECT_EQ(pattern_differs(buffer, KiB(64), 2), -1);
	ASSERT_EQ(svm_info(b, &of_b), 0);
	EXPECT_EQ(of_b.num_buffers, 1);
	EXPECT_EQ(of_b.window_base, of_a.window_base);
	EXPECT_EQ(svm_free(b, buffer), 0);
	svm_alloc(b, ROCSVM_KIND_GTT, KiB(64));
	close(b);

	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
	EXPECT_EQ(maps_read(0, of_a.window_base, of_a.window_limit + 1, NULL, 0),
		  0);
}

int main(void)
{
	return test_main(test);
}
