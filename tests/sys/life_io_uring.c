// SPDX-License-Identifier: MIT
/*
 * The file is closed last by an io_uring's end, in a kernel worker: the owner
 * keeps its memory, its next open takes over.
 */
#include "harness.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>

static void test(void)
{
	struct io_uring_params params = { 0 };
	struct rocsvm_info info, again;
	int fd = svm_start(), ring;
	char *buffer;

	ring = SYS(syscall(SYS_io_uring_setup, 4, &params));
	if (ring < 0) {
		close(fd);
		test_skip("io_uring_setup: %s", strerror(-ring));
	}
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	pattern_fill(buffer, KiB(64), 4);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_EQ(SYS(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES,
			      &fd, 1)), 0);
	close(fd);
	EXPECT_EQ(svm_counter("spaces"), 1);
	close(ring);
	usleep(500000);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 4), -1);
	EXPECT_GE(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0),
		  2);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &again), 0);
	EXPECT_EQ(again.window_base, info.window_base);
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	close(fd);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
