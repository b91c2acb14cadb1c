// SPDX-License-Identifier: MIT
/*
 * Doorbell pages: what a program writes to so that a GPU looks at its queues,
 * at an address that is the same for CPU and GPU. Here a queue is rung through
 * them.
 */
#include "example.h"

/* Of a GPU with 64-bit doorbells: gfx9 and later */
#define DOORBELLS	8192

int main(void)
{
	static const char text[] = "moved by a ring at the shared address";
	struct rocsvm_query query = { .size = sizeof(query) };
	struct rocsvm_ctx *ctx;
	struct queue queue;
	void *doorbells, *buffer;
	ptrdiff_t offset;
	uint32_t gpu_id;
	char *copy;

	ctx = start(&gpu_id);
	CALL(rocsvm_alloc(ctx, &doorbells, DOORBELLS, ROCSVM_KIND_DOORBELL, gpu_id, 0));
	CALL(rocsvm_map(ctx, doorbells, &gpu_id, 1));
	CALL(rocsvm_query(ctx, doorbells, &query));
	EXPECT(query.kind == ROCSVM_KIND_DOORBELL && query.num_gpus == 1);
	printf("the doorbells of GPU %#x are at %p\n", gpu_id, doorbells);

	CALL(rocsvm_alloc(ctx, &buffer, 4096, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_map(ctx, buffer, &gpu_id, 1));
	strcpy(buffer, text);
	copy = (char *)buffer + 2048;

	/* KFD says which doorbell is the queue's; sdma.c has mapped it elsewhere. */
	queue_open(&queue, ctx, gpu_id);
	offset = (char *)queue.sdma.doorbell - (char *)queue.sdma.doorbell_page;
	queue.sdma.doorbell = (volatile uint64_t *)((char *)doorbells + offset);
	queue_copy(&queue, copy, buffer, sizeof(text));
	EXPECT(!strcmp(copy, text));
	printf("\"%s\": queue %u, doorbell %p\n", copy, queue.sdma.queue_id,
	       (void *)queue.sdma.doorbell);

	queue_close(&queue);
	CALL(rocsvm_free(ctx, buffer));
	CALL(rocsvm_free(ctx, doorbells));
	rocsvm_unref(ctx);
	return 0;
}
