// SPDX-License-Identifier: MIT
/*
 * Several GPUs: one buffer, one pointer, for all of them. A word is handed from
 * GPU to GPU through the buffer.
 */
#include "example.h"

#define MAX_GPUS	16
#define WORD		0x12345678u

int main(void)
{
	struct rocsvm_open_options options = { .size = sizeof(options), .flags = ROCSVM_OPEN_ACQUIRE };
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	uint32_t ids[MAX_GPUS], mapped[MAX_GPUS];
	struct rocsvm_alloc alloc = {
		.size = sizeof(alloc),
		.kind = ROCSVM_KIND_HOST,
		.length = 4096,
		.gpu_ids = (uintptr_t)ids,
	};
	struct rocsvm_query query = {
		.size = sizeof(query),
		.gpu_ids = (uintptr_t)mapped,
		.num_gpus = MAX_GPUS,
	};
	struct rocsvm_ctx *ctx;
	volatile uint32_t *words;
	unsigned int n = 0;

	CALL(rocsvm_open(&ctx, &options));
	for (unsigned int i = 0; n < MAX_GPUS && !rocsvm_gpu(ctx, i, &gpu); i++)
		if (gpu.gpu_flags & ROCSVM_GPU_ACQUIRED)
			ids[n++] = gpu.gpu_id;
	if (n < 2) {
		printf("one GPU only\n");
		return EXIT_SKIP;
	}

	/* Allocated and mapped to all of them in one call: all or nothing */
	alloc.num_gpus = n;
	CALL(rocsvm_alloc_args(ctx, &alloc));
	words = (uint32_t *)(uintptr_t)alloc.va;
	CALL(rocsvm_query(ctx, (void *)words, &query));
	EXPECT(query.num_gpus == n);
	printf("a buffer at %p, mapped to", (void *)words);
	for (unsigned int i = 0; i < n; i++)
		printf(" %#x", mapped[i]);
	printf("\n");

	words[0] = WORD;
	for (unsigned int i = 0; i < n; i++) {
		gpu_copy(ctx, ids[i], (void *)&words[i + 1], (void *)&words[i], sizeof(*words));
		EXPECT(words[i + 1] == WORD);
		printf("GPU %#x handed the word on to %p\n", ids[i], (void *)&words[i + 1]);
	}

	/* One of them need not see it any more. */
	CALL(rocsvm_unmap(ctx, (void *)words, &ids[1], 1));
	query.num_gpus = MAX_GPUS;
	CALL(rocsvm_query(ctx, (void *)words, &query));
	EXPECT(query.num_gpus == n - 1 && mapped[0] == ids[0]);
	printf("%#x lost access, %u of %u GPUs have it\n", ids[1], query.num_gpus, n);

	CALL(rocsvm_free(ctx, (void *)words));
	rocsvm_unref(ctx);
	return 0;
}
