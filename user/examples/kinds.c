// SPDX-License-Identifier: MIT
/*
 * Kinds of memory: what the CPU writes to host memory, the GPU hands on through
 * VRAM, private VRAM and GTT, and the CPU reads it there, by the same pointers.
 */
#include "example.h"

#define LENGTH	65536

int main(void)
{
	static const struct {
		const char *name;
		enum rocsvm_kind kind;
		uint32_t flags;
		int cpu_reads;
	} kinds[] = {
		{ "host memory", ROCSVM_KIND_HOST, 0, 1 },
		{ "VRAM", ROCSVM_KIND_VRAM, 0, 1 },
		{ "private VRAM", ROCSVM_KIND_PRIVATE_VRAM, ROCSVM_ALLOC_EXECUTABLE, 0 },
		{ "GTT, coherent", ROCSVM_KIND_GTT, ROCSVM_ALLOC_COHERENT, 1 },
	};
	void *buffers[ARRAY_SIZE(kinds)];
	struct rocsvm_ctx *ctx;
	uint32_t gpu_id, *words;

	ctx = start(&gpu_id);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		CALL(rocsvm_alloc(ctx, &buffers[i], LENGTH, kinds[i].kind, gpu_id, kinds[i].flags));
		CALL(rocsvm_map(ctx, buffers[i], &gpu_id, 1));
		printf("%p  %s\n", buffers[i], kinds[i].name);
	}

	words = buffers[0];
	for (size_t i = 0; i < LENGTH / sizeof(*words); i++)
		words[i] = i * 2654435761u;
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].cpu_reads)
			EXPECT(memcmp(buffers[i], words, LENGTH));
		gpu_copy(ctx, gpu_id, buffers[i], buffers[i - 1], LENGTH);
		printf("the GPU copied %p to %p\n", buffers[i - 1], buffers[i]);
		if (kinds[i].cpu_reads)
			EXPECT(!memcmp(buffers[i], words, LENGTH));
	}
	printf("the CPU reads what it had written\n");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		CALL(rocsvm_free(ctx, buffers[i]));
	rocsvm_unref(ctx);
	return 0;
}
