// SPDX-License-Identifier: MIT
/*
 * Apertures: where buffers are placed. In the reserved aperture it is the
 * window, which nothing else can get into; in the mmap aperture, anywhere that
 * the kernel's mmap() finds. The program does not choose unless it wants to:
 * here it does, and sets guard and alignment, too.
 */
#include <errno.h>

#include "example.h"

#define GUARD	(64ull << 10)

static int is_inside(const void *ptr, uint64_t base, uint64_t limit)
{
	return (uintptr_t)ptr >= base && (uintptr_t)ptr <= limit;
}

static void show_reserved(void)
{
	struct rocsvm_open_options options = {
		.size = sizeof(options),
		.flags = ROCSVM_OPEN_ACQUIRE | ROCSVM_OPEN_RESERVED,
	};
	struct rocsvm_info info = { .size = sizeof(info) };
	struct rocsvm_ctx *ctx;
	void *plain, *coherent;

	CALL(rocsvm_open(&ctx, &options));
	CALL(rocsvm_get_info(ctx, &info));
	EXPECT(info.aperture == ROCSVM_APERTURE_RESERVED);
	printf("reserved aperture: window %#llx to %#llx,\n", info.window_base, info.window_limit);
	printf("  its coherent region %#llx to %#llx\n", info.coherent_base, info.coherent_limit);

	CALL(rocsvm_alloc(ctx, &plain, 4096, ROCSVM_KIND_GTT, 0, 0));
	CALL(rocsvm_alloc(ctx, &coherent, 4096, ROCSVM_KIND_GTT, 0, ROCSVM_ALLOC_COHERENT));
	printf("  a buffer at %p, a coherent one at %p\n", plain, coherent);
	EXPECT(is_inside(plain, info.window_base, info.window_limit));
	EXPECT(!is_inside(plain, info.coherent_base, info.coherent_limit));
	EXPECT(is_inside(coherent, info.coherent_base, info.coherent_limit));
	CALL(rocsvm_free(ctx, plain));
	CALL(rocsvm_free(ctx, coherent));
	rocsvm_unref(ctx);
}

/* Not where a GPU addresses less than what mmap() may return: -EOPNOTSUPP */
static int show_mmap(void)
{
	struct rocsvm_open_options options = {
		.size = sizeof(options),
		.flags = ROCSVM_OPEN_ACQUIRE | ROCSVM_OPEN_MMAP,
		.guard = GUARD,
		.max_alignment = 4096,
	};
	struct rocsvm_info info = { .size = sizeof(info) };
	struct rocsvm_query query = { .size = sizeof(query) };
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	struct rocsvm_ctx *ctx;
	void *ptr;
	int ret;

	ret = rocsvm_open(&ctx, &options);
	if (ret == -EOPNOTSUPP)
		return ret;
	CALL(ret);
	CALL(rocsvm_get_info(ctx, &info));
	EXPECT(info.aperture == ROCSVM_APERTURE_MMAP && !info.window_limit);
	CALL(rocsvm_alloc(ctx, &ptr, 1 << 20, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_gpu(ctx, 0, &gpu));
	CALL(rocsvm_map(ctx, ptr, &gpu.gpu_id, 1));
	CALL(rocsvm_query(ctx, ptr, &query));
	printf("mmap aperture: no window; a buffer at %p, %llu bytes of guard on both sides\n",
	       ptr, query.guard);
	EXPECT(is_inside(ptr, info.svm_base, info.svm_limit));
	EXPECT(query.guard == GUARD);
	CALL(rocsvm_free(ctx, ptr));
	rocsvm_unref(ctx);
	return 0;
}

int main(void)
{
	show_reserved();
	if (show_mmap())
		printf("mmap aperture: not here, a GPU can't address all of what mmap() returns\n");
	return 0;
}
