// SPDX-License-Identifier: MIT
/*
 * An SDMA queue with its memory. See gpuqueue.h.
 */
#include "gpuqueue.h"

#include "harness.h"

#define RING_SIZE 4096
#define WAIT_MS 20000

static void *queue_memory(struct gpuqueue *q)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_GTT,
		.gpu_id = q->gpu_id,
		.flags = ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED |
			 ROCSVM_ALLOC_EXECUTABLE,
		.length = PAGE,
		.gpu_ids = (uintptr_t)&q->gpu_id,
		.num_gpus = 1,
	};

	ASSERT_EQ(svm_alloc_args(q->fd, &args), 0);
	return (void *)(uintptr_t)args.va;
}

void gpuqueue_open(struct gpuqueue *q, int fd, uint32_t gpu_id)
{
	gpuqueue_open_through(q, fd, gpu_id, fd);
}

void gpuqueue_open_through(struct gpuqueue *q, int fd, uint32_t gpu_id,
			   int queue_fd)
{
	*q = (struct gpuqueue){ .fd = fd, .gpu_id = gpu_id };
	q->ring = queue_memory(q);
	q->read_pointer = queue_memory(q);
	q->write_pointer = queue_memory(q);
	q->fence = queue_memory(q);
	q->beacon = queue_memory(q);
	*q->fence = 0;
	ASSERT_EQ(sdma_create(&q->sdma, queue_fd, gpu_id, q->ring, RING_SIZE,
			      q->read_pointer, q->write_pointer), 0);
}

void gpuqueue_close(struct gpuqueue *q)
{
	EXPECT_EQ(sdma_destroy(&q->sdma), 0);
	EXPECT_EQ(svm_free(q->fd, q->ring), 0);
	EXPECT_EQ(svm_free(q->fd, q->read_pointer), 0);
	EXPECT_EQ(svm_free(q->fd, q->write_pointer), 0);
	EXPECT_EQ(svm_free(q->fd, (void *)q->fence), 0);
	EXPECT_EQ(svm_free(q->fd, (void *)q->beacon), 0);
}

static int finish(struct gpuqueue *q, int ms)
{
	int r = sdma_fence(&q->sdma, q->fence, ++q->sequence);

	if (r)
		return r;
	sdma_submit(&q->sdma);
	return sdma_wait(&q->sdma, q->fence, q->sequence, ms);
}

int gpuqueue_copy_within(struct gpuqueue *q, void *to, const void *from,
			 size_t length, int ms)
{
	int r = sdma_copy(&q->sdma, to, from, length);

	return r ? r : finish(q, ms);
}

int gpuqueue_copy(struct gpuqueue *q, void *to, const void *from, size_t length)
{
	return gpuqueue_copy_within(q, to, from, length, WAIT_MS);
}

int gpuqueue_nop(struct gpuqueue *q)
{
	return finish(q, WAIT_MS);
}
