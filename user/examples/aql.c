// SPDX-License-Identifier: MIT
/*
 * Memory of an AQL queue's ring: the second half of its addresses shows the
 * first half's memory again, so that what is written past the ring's end is at
 * its beginning, without a look at where the end is.
 */
#include "example.h"

#define RING	16384		/* bytes of memory; twice as many addresses */
#define PACKET	64

int main(void)
{
	struct rocsvm_ctx *ctx;
	void *ring, *host;
	uint32_t gpu_id;
	char *end, *seen;

	ctx = start(&gpu_id);
	CALL(rocsvm_alloc(ctx, &ring, 2 * RING, ROCSVM_KIND_GTT, gpu_id,
			  ROCSVM_ALLOC_AQL_QUEUE | ROCSVM_ALLOC_EXECUTABLE |
			  ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED));
	CALL(rocsvm_map(ctx, ring, &gpu_id, 1));
	end = (char *)ring + RING;
	printf("a ring of %d bytes at %p, again at %p\n", RING, ring, (void *)end);

	/* Two packets in one go: one is the ring's last, the other its first. */
	memset(end - PACKET, 'a', PACKET);
	memset(end, 'b', PACKET);
	for (int i = 0; i < PACKET; i++)
		EXPECT(((volatile char *)ring)[i] == 'b');
	printf("what the CPU wrote past the end is at the beginning\n");

	/* The GPU reads across the end, and writes past it. */
	CALL(rocsvm_alloc(ctx, &host, 4096, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_map(ctx, host, &gpu_id, 1));
	seen = host;
	gpu_copy(ctx, gpu_id, seen, end - PACKET, 2 * PACKET);
	EXPECT(seen[0] == 'a' && seen[PACKET - 1] == 'a');
	EXPECT(seen[PACKET] == 'b' && seen[2 * PACKET - 1] == 'b');
	memset(seen, 'c', PACKET);
	gpu_copy(ctx, gpu_id, end + PACKET, seen, PACKET);
	for (int i = 0; i < PACKET; i++)
		EXPECT(((volatile char *)ring)[PACKET + i] == 'c');
	printf("and so it is for the GPU\n");

	CALL(rocsvm_free(ctx, host));
	CALL(rocsvm_free(ctx, ring));
	rocsvm_unref(ctx);
	return 0;
}
