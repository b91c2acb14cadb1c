// SPDX-License-Identifier: MIT
/*
 * GTT buffers: what the CPU writes at an address is what lies in the system
 * memory that the GPU's page tables name for that address.
 */
#include "pagetable.h"

static void test(void)
{
	static const uint64_t lengths[] = { PAGE, KiB(64), MiB(1), MiB(4) };
	int fd = svm_start();
	struct gpuqueue queue;
	struct pagetable pt;
	struct identity seen;
	void *buffer[ARRAY_SIZE(lengths)];

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		buffer[i] = svm_alloc(fd, ROCSVM_KIND_GTT, lengths[i]);
		EXPECT_EQ(svm_map_all(fd, buffer[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		EXPECT_EQ(identity_check(&pt, "GTT buffer", buffer[i], lengths[i],
					 PLACE_GTT, &seen), 0);
		EXPECT_EQ(seen.pages, lengths[i] / PAGE);
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
