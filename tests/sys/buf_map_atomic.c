// SPDX-License-Identifier: MIT
/*
 * MAP to a list of GPUs of which one is bad leaves the buffer mapped nowhere,
 * by QUERY and by the GPU's own page tables; ALLOC with such a list leaves no
 * buffer. What was mapped before such a call stays.
 */
#include "pagetable.h"

#define LENGTH KiB(64)

static int fd;
static uint32_t list[2];	/* a good GPU and a bad one */

static uint32_t mapped_gpus(void *buffer)
{
	struct rocsvm_query query = { .va = (uintptr_t)buffer };

	ASSERT_EQ(svm_query(fd, &query), 0);
	return query.num_gpus;
}

static void check_map(struct pagetable *pt, uint32_t kind)
{
	void *buffer = svm_alloc(fd, kind, LENGTH);
	uint32_t swapped[2] = { list[1], list[0] };

	EXPECT_EQ(svm_map(fd, buffer, list, 2), -ENODEV);
	EXPECT_EQ(svm_map(fd, buffer, swapped, 2), -ENODEV);
	EXPECT_EQ(mapped_gpus(buffer), 0);
	EXPECT_EQ(pages_mapped(pt, buffer, LENGTH), 0);

	EXPECT_EQ(svm_map(fd, buffer, list, 1), 0);
	EXPECT_EQ(svm_map(fd, buffer, list, 2), -ENODEV);
	EXPECT_EQ(mapped_gpus(buffer), 1);
	EXPECT_EQ(pages_mapped(pt, buffer, LENGTH), LENGTH / PAGE);
	EXPECT_EQ(svm_unmap(fd, buffer, list, 2), -ENODEV);
	EXPECT_EQ(mapped_gpus(buffer), 1);
	EXPECT_EQ(pages_mapped(pt, buffer, LENGTH), LENGTH / PAGE);
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

static void check_alloc(uint32_t kind)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = list[0],
		.length = LENGTH,
		.gpu_ids = (uintptr_t)list,
		.num_gpus = 2,
	};
	uint64_t available = kfd_available(fd, list[0]);
	struct rocsvm_info before, after;

	ASSERT_EQ(svm_info(fd, &before), 0);
	EXPECT_EQ(svm_alloc_args(fd, &args), -ENODEV);
	ASSERT_EQ(svm_info(fd, &after), 0);
	EXPECT_EQ(after.num_buffers, before.num_buffers);
	EXPECT_EQ(after.buffer_bytes, before.buffer_bytes);
	EXPECT_EQ(kfd_available(fd, list[0]), available);
}

static void test(void)
{
	struct gpuqueue queue;
	struct pagetable pt;

	fd = svm_start();
	list[0] = svm_gpu(fd, 0);
	list[1] = list[0] + 1;
	gpuqueue_open(&queue, fd, list[0]);
	pagetable_open(&pt, &queue);
	for (uint32_t kind = 1; kind <= 4; kind++) {
		check_map(&pt, kind);
		check_alloc(kind);
	}
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
