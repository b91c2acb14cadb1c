/* SPDX-License-Identifier: MIT */
/*
 * A process that comes after the GPU was reset, suspended, or bound anew.
 */
#ifndef ROCSVM_TESTS_NEWCOMER_H
#define ROCSVM_TESTS_NEWCOMER_H

#include "gpuqueue.h"
#include "hostile.h"

/* It has a GPU that copies from each kind of memory into another. For run_child(). */
static inline void newcomer(void *unused)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_VRAM, ROCSVM_KIND_PRIVATE_VRAM,
		ROCSVM_KIND_GTT,
	};
	const uint64_t length = KiB(64);
	char *va[ARRAY_SIZE(kinds)];
	int fd = svm_start();
	struct gpuqueue queue;

	(void)unused;
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		va[i] = svm_alloc(fd, kinds[i], length);
		EXPECT_EQ(svm_map_all(fd, va[i]), 0);
	}
	pattern_fill(va[0], length, 7);
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		EXPECT_EQ(gpuqueue_copy(&queue, va[i], va[i - 1], length), 0);
	EXPECT_EQ(pattern_differs(va[ARRAY_SIZE(kinds) - 1], length, 7), -1);
	gpuqueue_close(&queue);
	close(fd);
}

#endif /* ROCSVM_TESTS_NEWCOMER_H */
