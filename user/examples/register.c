// SPDX-License-Identifier: MIT
/*
 * Registering: a GPU works on memory that the program has anyway, malloc'ed or
 * on its stack, at whatever address it is.
 */
#include <errno.h>
#include <stdlib.h>

#include "example.h"

#define LENGTH	1000003		/* no multiple of anything */

int main(void)
{
	struct rocsvm_query query = { .size = sizeof(query) };
	unsigned char *memory = malloc(LENGTH + 1);
	unsigned char stack[5000] = { 0 };
	struct rocsvm_ctx *ctx;
	uint32_t gpu_id;
	unsigned char *from;

	EXPECT(memory);
	from = memory + 1;
	for (size_t i = 0; i < LENGTH; i++)
		from[i] = i % 251;

	ctx = start(&gpu_id);
	CALL(rocsvm_register(ctx, from, LENGTH, &gpu_id, 1));
	CALL(rocsvm_register(ctx, stack, sizeof(stack), &gpu_id, 1));
	printf("malloc'ed: %d bytes at %p; on the stack: %zu at %p\n", LENGTH, (void *)from,
	       sizeof(stack), (void *)stack);

	gpu_copy(ctx, gpu_id, stack, from + LENGTH - sizeof(stack), sizeof(stack));
	EXPECT(!memcmp(stack, from + LENGTH - sizeof(stack), sizeof(stack)));
	printf("the GPU copied the end of one into the other\n");

	/* Another part of the program registers a piece of the same memory. */
	CALL(rocsvm_register(ctx, from + 5000, 1, &gpu_id, 1));
	CALL(rocsvm_query(ctx, from + 5000, &query));
	EXPECT(query.kind == ROCSVM_KIND_REGISTERED && query.num_registrations == 2);
	CALL(rocsvm_unregister(ctx, from, LENGTH));
	CALL(rocsvm_query(ctx, from + 5000, &query));
	EXPECT(query.num_registrations == 1 && query.num_gpus == 1);
	memset(stack, 0, sizeof(stack));
	gpu_copy(ctx, gpu_id, stack, from + 5000, 1);
	EXPECT(stack[0] == from[5000]);
	printf("what is registered twice outlives one of the two\n");
	CALL(rocsvm_unregister(ctx, from + 5000, 1));
	EXPECT(rocsvm_query(ctx, from + 5000, &query) == -ENOENT);

	CALL(rocsvm_unregister(ctx, stack, sizeof(stack)));
	EXPECT(rocsvm_unregister(ctx, stack, sizeof(stack)) == -ENOENT);
	rocsvm_unref(ctx);
	free(memory);
	return 0;
}
