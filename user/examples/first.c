// SPDX-License-Identifier: MIT
/*
 * A first program: memory that CPU and GPU know by one address.
 *
 *	cc first.c $(pkg-config --cflags --libs librocsvm) -o first
 */
#include <err.h>
#include <rocsvm.h>
#include <stdio.h>
#include <string.h>

static void check(int ret)
{
	if (ret)
		errx(1, "%s", strerror(-ret));
}

int main(void)
{
	struct rocsvm_open_options options = { .size = sizeof(options), .flags = ROCSVM_OPEN_ACQUIRE };
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	struct rocsvm_query query = { .size = sizeof(query) };
	struct rocsvm_ctx *ctx;
	void *p;

	check(rocsvm_open(&ctx, &options));
	check(rocsvm_gpu(ctx, 0, &gpu));
	check(rocsvm_alloc(ctx, &p, 65536, ROCSVM_KIND_HOST, 0, 0));
	check(rocsvm_map(ctx, p, &gpu.gpu_id, 1));
	strcpy(p, "hello, GPU");
	check(rocsvm_query(ctx, p, &query));
	printf("\"%s\" is at %p for the CPU and for %u GPU\n", (char *)p, p, query.num_gpus);
	check(rocsvm_free(ctx, p));
	rocsvm_unref(ctx);
	return 0;
}
