// SPDX-License-Identifier: MIT
/*
 * Scratch backing: addresses where a GPU finds the private memory of its
 * work-items. KFD is told the place when they are reserved; memory is put
 * behind them when it is known how much the work needs.
 */
#include <errno.h>

#include "example.h"

#define ADDRESSES	(64ull << 20)
#define BACKED		(1ull << 20)

int main(void)
{
	static const char text[] = "from scratch memory";
	struct rocsvm_query query = { .size = sizeof(query) };
	struct rocsvm_ctx *ctx;
	void *scratch, *second, *memory, *host;
	uint32_t gpu_id;

	ctx = start(&gpu_id);
	CALL(rocsvm_alloc(ctx, &scratch, ADDRESSES, ROCSVM_KIND_SCRATCH, gpu_id, 0));
	CALL(rocsvm_query(ctx, scratch, &query));
	EXPECT(query.kind == ROCSVM_KIND_SCRATCH && query.gpu_id == gpu_id);
	printf("scratch memory of GPU %#x is at %p, up to %llu MiB\n", gpu_id, scratch,
	       ADDRESSES >> 20);
	EXPECT(rocsvm_alloc(ctx, &second, ADDRESSES, ROCSVM_KIND_SCRATCH, gpu_id, 0) == -EBUSY);

	/* VRAM that the CPU need not see */
	memory = scratch;
	CALL(rocsvm_alloc(ctx, &memory, BACKED, ROCSVM_KIND_PRIVATE_VRAM, gpu_id,
			  ROCSVM_ALLOC_FIXED));
	CALL(rocsvm_map(ctx, memory, &gpu_id, 1));
	printf("%llu MiB of VRAM behind it\n", BACKED >> 20);

	CALL(rocsvm_alloc(ctx, &host, 4096, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_map(ctx, host, &gpu_id, 1));
	strcpy(host, text);
	gpu_copy(ctx, gpu_id, (char *)scratch + 512, host, sizeof(text));
	memset(host, 0, sizeof(text));
	gpu_copy(ctx, gpu_id, host, (char *)scratch + 512, sizeof(text));
	EXPECT(!strcmp(host, text));
	printf("the GPU wrote and read it: \"%s\"\n", (char *)host);

	CALL(rocsvm_free(ctx, memory));
	CALL(rocsvm_free(ctx, scratch));
	CALL(rocsvm_free(ctx, host));
	rocsvm_unref(ctx);
	return 0;
}
