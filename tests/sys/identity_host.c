// SPDX-License-Identifier: MIT
/*
 * Host buffers of the page region: the GPU's page tables name, page by page,
 * the pages that the CPU has at the same addresses.
 */
#include "pagetable.h"

static void test(void)
{
	static const uint64_t lengths[] = {
		PAGE, 2 * PAGE, KiB(64), MiB(1) + PAGE, MiB(2) - PAGE,
	};
	int fd = svm_start();
	struct gpuqueue queue;
	struct pagetable pt;
	struct identity seen;
	void *buffer[ARRAY_SIZE(lengths)];

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	/* all of them live at once, so that one can't stand for another */
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		buffer[i] = svm_alloc(fd, ROCSVM_KIND_HOST, lengths[i]);
		EXPECT_EQ(svm_map_all(fd, buffer[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		EXPECT_EQ(identity_check(&pt, "host buffer", buffer[i],
					 lengths[i], PLACE_HOST, &seen), 0);
		EXPECT_EQ(seen.pages, lengths[i] / PAGE);
		EXPECT_EQ(seen.small_leaves + seen.huge_leaves, seen.pages);
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	}
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
