// SPDX-License-Identifier: MIT
/*
 * What the examples share, see example.h.
 */
#include "example.h"

#define QUEUE_PAGE	4096
#define FENCE_VALUE	1
#define TIMEOUT_MS	20000

struct rocsvm_ctx *start(uint32_t *gpu_id)
{
	struct rocsvm_open_options options = { .size = sizeof(options), .flags = ROCSVM_OPEN_ACQUIRE };
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	struct rocsvm_ctx *ctx;

	CALL(rocsvm_open(&ctx, &options));
	for (unsigned int i = 0; !(gpu.gpu_flags & ROCSVM_GPU_ACQUIRED); i++)
		CALL(rocsvm_gpu(ctx, i, &gpu));
	*gpu_id = gpu.gpu_id;
	return ctx;
}

void queue_open(struct queue *q, struct rocsvm_ctx *ctx, uint32_t gpu_id)
{
	const uint32_t flags = ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED |
			       ROCSVM_ALLOC_EXECUTABLE;

	q->ctx = ctx;
	for (size_t i = 0; i < ARRAY_SIZE(q->memory); i++) {
		CALL(rocsvm_alloc(ctx, &q->memory[i], QUEUE_PAGE, ROCSVM_KIND_GTT, gpu_id, flags));
		CALL(rocsvm_map(ctx, q->memory[i], &gpu_id, 1));
	}
	CALL(sdma_create(&q->sdma, rocsvm_fd(ctx), gpu_id, q->memory[0], QUEUE_PAGE, q->memory[1],
			 q->memory[2]));
}

void queue_copy(struct queue *q, void *to, const void *from, size_t length)
{
	volatile uint32_t *fence = q->memory[3];

	*fence = 0;
	CALL(sdma_copy(&q->sdma, to, from, length));
	CALL(sdma_fence(&q->sdma, fence, FENCE_VALUE));
	sdma_submit(&q->sdma);
	CALL(sdma_wait(&q->sdma, fence, FENCE_VALUE, TIMEOUT_MS));
}

void queue_close(struct queue *q)
{
	CALL(sdma_destroy(&q->sdma));
	for (size_t i = 0; i < ARRAY_SIZE(q->memory); i++)
		CALL(rocsvm_free(q->ctx, q->memory[i]));
}

void gpu_copy(struct rocsvm_ctx *ctx, uint32_t gpu_id, void *to, const void *from, size_t length)
{
	struct queue q;

	queue_open(&q, ctx, gpu_id);
	queue_copy(&q, to, from, length);
	queue_close(&q);
}
