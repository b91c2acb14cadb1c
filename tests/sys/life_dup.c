// SPDX-License-Identifier: MIT
/*
 * A duplicated file descriptor keeps the space alive.
 */
#include "harness.h"

static void test(void)
{
	int fd = svm_start(), copy;
	struct rocsvm_info info;
	char *buffer;

	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	ASSERT_EQ(svm_info(fd, &info), 0);
	copy = dup(fd);
	ASSERT_GE(copy, 0);
	EXPECT_EQ(svm_map_all(copy, buffer), 0);
	pattern_fill(buffer, KiB(64), 1);
	close(fd);

	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(svm_counter("buffers"), 1);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 1), -1);
	EXPECT_EQ(svm_unmap_all(copy, buffer), 0);
	EXPECT_EQ(probe_write(svm_alloc(copy, ROCSVM_KIND_VRAM, KiB(64))), 0);
	close(copy);

	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
	EXPECT_EQ(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0), 0);
}

int main(void)
{
	return test_main(test);
}
