// SPDX-License-Identifier: MIT
/*
 * Batches: many calls in one. What fails in the middle is known by its index,
 * and the rest can go on behind it.
 */
#include <errno.h>

#include "example.h"

#define COUNT	100
#define WRONG	40		/* the entry that will fail */

static struct rocsvm_batch_entry entries[COUNT];
static struct rocsvm_alloc allocs[COUNT];
static struct rocsvm_free frees[COUNT];

int main(void)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	struct rocsvm_ctx *ctx;
	unsigned int done, next;
	uint32_t gpu_id;

	ctx = start(&gpu_id);
	for (int i = 0; i < COUNT; i++) {
		allocs[i] = (struct rocsvm_alloc){
			.size = sizeof(allocs[i]),
			.kind = ROCSVM_KIND_HOST,
			.length = 4096,
			.gpu_ids = (uintptr_t)&gpu_id,
			.num_gpus = 1,
		};
		entries[i].cmd = ROCSVM_ALLOC;
		entries[i].arg = (uintptr_t)&allocs[i];
	}
	CALL(rocsvm_batch(ctx, entries, COUNT, 0, &done));
	CALL(rocsvm_get_info(ctx, &info));
	EXPECT(done == COUNT && info.num_buffers == COUNT);
	printf("%u buffers allocated and mapped in one call\n", done);

	for (int i = 0; i < COUNT; i++) {
		strcpy((char *)(uintptr_t)allocs[i].va, "memory");
		frees[i] = (struct rocsvm_free){ .size = sizeof(frees[i]), .va = allocs[i].va };
		entries[i].cmd = ROCSVM_FREE;
		entries[i].arg = (uintptr_t)&frees[i];
	}
	frees[WRONG].va += 1;		/* no buffer begins there */
	EXPECT(rocsvm_batch(ctx, entries, COUNT, 0, &done) == -ENOENT);
	EXPECT(done == WRONG && entries[WRONG].result == -ENOENT);
	printf("freeing them: entry %u failed: %s\n", done, strerror(-entries[done].result));

	/* Go on behind it; with the flag no failure would end the batch. */
	next = done + 1;
	CALL(rocsvm_batch(ctx, entries + next, COUNT - next, ROCSVM_BATCH_CONTINUE, &done));
	EXPECT(next + done == COUNT);
	CALL(rocsvm_get_info(ctx, &info));
	EXPECT(info.num_buffers == 1);
	CALL(rocsvm_free(ctx, (void *)(uintptr_t)allocs[WRONG].va));
	printf("the other %u are freed, then that one\n", COUNT - 1);
	rocsvm_unref(ctx);
	return 0;
}
