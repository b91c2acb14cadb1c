// SPDX-License-Identifier: MIT
/*
 * MMIO remap: the page of a GPU's registers that programs may write to. It has
 * two: one flushes the host data path, through which a CPU writes to VRAM, so
 * that the GPU sees what was written; the other flushes it for registers.
 */
#include <errno.h>

#include <linux/kfd_ioctl.h>

#include "example.h"

int main(void)
{
	static const char text[] = "written to VRAM by the CPU, flushed, read by the GPU";
	struct rocsvm_query query = { .size = sizeof(query) };
	struct rocsvm_ctx *ctx;
	void *registers, *vram, *host;
	uint32_t gpu_id;
	int ret;

	ctx = start(&gpu_id);
	ret = rocsvm_alloc(ctx, &registers, 4096, ROCSVM_KIND_MMIO_REMAP, gpu_id, 0);
	if (ret == -ENOMEM) {
		printf("GPU %#x has no such page\n", gpu_id);
		return EXIT_SKIP;
	}
	CALL(ret);
	CALL(rocsvm_map(ctx, registers, &gpu_id, 1));
	CALL(rocsvm_query(ctx, registers, &query));
	EXPECT(query.kind == ROCSVM_KIND_MMIO_REMAP && query.num_gpus == 1);
	printf("registers of GPU %#x are at %p\n", gpu_id, registers);

	CALL(rocsvm_alloc(ctx, &vram, 4096, ROCSVM_KIND_VRAM, gpu_id, 0));
	CALL(rocsvm_map(ctx, vram, &gpu_id, 1));
	CALL(rocsvm_alloc(ctx, &host, 4096, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_map(ctx, host, &gpu_id, 1));

	strcpy(vram, text);
	((volatile uint32_t *)registers)[KFD_MMIO_REMAP_HDP_MEM_FLUSH_CNTL / 4] = 1;
	gpu_copy(ctx, gpu_id, host, vram, sizeof(text));
	EXPECT(!strcmp(host, text));
	printf("\"%s\"\n", (char *)host);

	CALL(rocsvm_free(ctx, host));
	CALL(rocsvm_free(ctx, vram));
	CALL(rocsvm_free(ctx, registers));
	rocsvm_unref(ctx);
	return 0;
}
