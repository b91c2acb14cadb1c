/* SPDX-License-Identifier: MIT */
/*
 * What the tests with many GPUs share: a queue and a view of the page tables
 * of every GPU, and which GPUs have a buffer, by those tables and by QUERY.
 */
#ifndef ROCSVM_TESTS_MANY_H
#define ROCSVM_TESTS_MANY_H

#include "aperture.h"
#include "pagetable.h"

static int fd;
static uint32_t num_gpus;
static uint32_t gpu_id[SVM_MAX_GPUS];
static struct gpuqueue queue[SVM_MAX_GPUS];
static struct pagetable pt[SVM_MAX_GPUS];

/* A queue on every GPU; @fd is set. Ends the test if there is but one GPU. */
static inline void many_open(void)
{
	num_gpus = info_of(fd).num_gpus;
	ASSERT_GE(num_gpus, 2);
	ASSERT_LE(num_gpus, SVM_MAX_GPUS);
	for (uint32_t i = 0; i < num_gpus; i++) {
		gpu_id[i] = svm_gpu(fd, i);
		gpuqueue_open(&queue[i], fd, gpu_id[i]);
		pagetable_open(&pt[i], &queue[i]);
	}
}

static inline void many_close(void)
{
	for (uint32_t i = 0; i < num_gpus; i++) {
		pagetable_close(&pt[i]);
		gpuqueue_close(&queue[i]);
	}
}

/* The GPUs that QUERY names, as a mask by index. */
static inline unsigned int query_mask(const void *va)
{
	uint32_t ids[SVM_MAX_GPUS] = { 0 };
	struct rocsvm_query query = {
		.va = (uintptr_t)va,
		.gpu_ids = (uintptr_t)ids,
		.num_gpus = SVM_MAX_GPUS,
	};
	unsigned int mask = 0;

	ASSERT_EQ(svm_query(fd, &query), 0);
	ASSERT_LE(query.num_gpus, SVM_MAX_GPUS);
	for (uint32_t i = 0; i < query.num_gpus; i++)
		for (uint32_t k = 0; k < num_gpus; k++)
			if (gpu_id[k] == ids[i]) {
				EXPECT(!(mask >> k & 1));
				mask |= 1u << k;
			}
	EXPECT_EQ(__builtin_popcount(mask), query.num_gpus);
	return mask;
}

/* Exactly these GPUs have the buffer, all of it: by QUERY, by their tables. */
#define expect_mapped(va, length, mask) do {				\
	EXPECT_EQ(query_mask(va), mask);				\
	for (uint32_t gpu_ = 0; gpu_ < num_gpus; gpu_++)		\
		EXPECT_EQ(pages_mapped(&pt[gpu_], va, length),		\
			  (mask) >> gpu_ & 1 ? (length) / PAGE : 0);	\
} while (0)

#endif /* ROCSVM_TESTS_MANY_H */
