// SPDX-License-Identifier: MIT
/*
 * Address reservation: addresses first, memory later. An array that grows and
 * never moves: 1 GiB of addresses is set aside, and memory is put behind them
 * piece by piece. The GPU uses it as one array all the time.
 */
#include <errno.h>

#include "example.h"

#define ADDRESSES	(1ull << 30)
#define PIECE		(256ull << 10)
#define NUM_PIECES	3

int main(void)
{
	struct rocsvm_query query = { .size = sizeof(query) };
	struct rocsvm_ctx *ctx;
	void *addresses, *piece;
	uint32_t gpu_id, *array;
	size_t half = NUM_PIECES * PIECE / sizeof(*array) / 2;

	ctx = start(&gpu_id);
	CALL(rocsvm_alloc(ctx, &addresses, ADDRESSES, ROCSVM_KIND_ADDRESS, 0, 0));
	printf("1 GiB of addresses at %p, no memory yet\n", addresses);
	array = addresses;

	for (size_t i = 0; i < NUM_PIECES; i++) {
		piece = (char *)addresses + i * PIECE;
		CALL(rocsvm_alloc(ctx, &piece, PIECE, ROCSVM_KIND_HOST, 0, ROCSVM_ALLOC_FIXED));
		CALL(rocsvm_map(ctx, piece, &gpu_id, 1));
		printf("%llu KiB of memory behind %p\n", PIECE >> 10, piece);
	}

	/* The CPU writes one half, the GPU the other; a piece is a third. */
	for (size_t i = 0; i < half; i++)
		array[i] = i;
	gpu_copy(ctx, gpu_id, &array[half], array, half * sizeof(*array));
	for (size_t i = 0; i < half; i++)
		EXPECT(array[i] == i && array[half + i] == i);
	printf("the GPU copied across the seams, through one pointer\n");

	/* What has memory is described by itself, the rest as the reservation. */
	CALL(rocsvm_query(ctx, (char *)addresses + PIECE, &query));
	EXPECT(query.kind == ROCSVM_KIND_HOST && query.length == PIECE);
	CALL(rocsvm_query(ctx, (char *)addresses + ADDRESSES - 1, &query));
	EXPECT(query.kind == ROCSVM_KIND_ADDRESS && query.length == ADDRESSES);

	/* The array shrinks again, then goes. */
	piece = (char *)addresses + (NUM_PIECES - 1) * PIECE;
	CALL(rocsvm_free(ctx, piece));
	CALL(rocsvm_query(ctx, piece, &query));
	EXPECT(query.kind == ROCSVM_KIND_ADDRESS);
	for (size_t i = 1; i < NUM_PIECES - 1; i++)
		CALL(rocsvm_free(ctx, (char *)addresses + i * PIECE));
	CALL(rocsvm_free(ctx, addresses));	/* the first piece: a name is the inner one's */
	CALL(rocsvm_free(ctx, addresses));
	EXPECT(rocsvm_query(ctx, addresses, &query) == -ENOENT);
	printf("all given back\n");
	rocsvm_unref(ctx);
	return 0;
}
