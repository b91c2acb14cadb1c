// SPDX-License-Identifier: MIT
/*
 * A host buffer that only a GPU has written to is swapped out: no page table of
 * the CPU's says that its pages are not zeros any more, and they must come back
 * as they were.
 */
#include "pagetable.h"

#include <sys/swap.h>

#define LENGTH MiB(1)

static void test(void)
{
	const char *device = getenv("ROCSVM_SWAP");
	struct gpuqueue queue;
	char *buffer, *copy;
	int fd;

	if (!device)
		test_skip("ROCSVM_SWAP names no swap device");
	ASSERT_EQ(SYS(swapon(device, 0)), 0);
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	copy = svm_alloc(fd, ROCSVM_KIND_GTT, LENGTH);
	ASSERT_EQ(svm_map_all(fd, copy), 0);
	pattern_fill(copy, LENGTH, 1);

	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	ASSERT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(gpuqueue_copy(&queue, buffer, copy, LENGTH), 0);
	ASSERT_EQ(SYS(madvise(buffer, LENGTH, MADV_PAGEOUT)), 0);
	EXPECT_EQ(pattern_differs(buffer, LENGTH, 1), -1);

	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, copy), 0);
	gpuqueue_close(&queue);
	close(fd);
	EXPECT_EQ(SYS(swapoff(device)), 0);
}

int main(void)
{
	return test_main(test);
}
