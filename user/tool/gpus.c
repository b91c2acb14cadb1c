// SPDX-License-Identifier: MIT
/*
 * rocsvm gpus: the GPUs as a process's SVM space knows them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static void show_range(const char *name, uint64_t base, uint64_t limit)
{
	printf("  %-10s 0x%012" PRIx64 " .. 0x%012" PRIx64 "\n", name, base, limit);
}

static int show_gpu(struct rocsvm_ctx *ctx, unsigned int index)
{
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	uint64_t version = 0, minor = 0, vram, visible;
	char text[24];
	int ret;

	ret = rocsvm_gpu(ctx, index, &gpu);
	if (ret)
		return ret;
	rocsvm_gpu_property(ctx, gpu.gpu_id, "gfx_target_version", &version);
	rocsvm_gpu_property(ctx, gpu.gpu_id, "drm_render_minor", &minor);
	gfx_name(version, text);
	printf("GPU 0x%04x: %s, /dev/dri/renderD%" PRIu64, gpu.gpu_id, text, minor);
	if (!read_drm_number(ctx, gpu.gpu_id, "mem_info_vram_total", &vram))
		printf(", VRAM %s", size_text(vram, text));
	if (!read_drm_number(ctx, gpu.gpu_id, "mem_info_vis_vram_total", &visible))
		printf(" (%s for the CPU)", size_text(visible, text));
	printf("\n");
	show_range("gpuvm", gpu.gpuvm_base, gpu.gpuvm_limit);
	show_range("lds", gpu.lds_base, gpu.lds_limit);
	show_range("scratch", gpu.scratch_base, gpu.scratch_limit);
	if (!(gpu.gpu_flags & ROCSVM_GPU_CANONICAL))
		printf("  not canonical: takes no part in shared virtual memory\n");
	return 0;
}

int cmd_gpus(int argc, char **argv)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int ret = no_arguments(argc, argv);
	struct rocsvm_ctx *ctx;

	if (ret)
		return ret;
	ret = rocsvm_open(&ctx, NULL);
	if (ret) {
		complain("%s", explain_open(ret));
		return STATUS_FAILED;
	}
	ret = rocsvm_get_info(ctx, &info);
	for (unsigned int i = 0; !ret && i < info.num_gpus; i++)
		ret = show_gpu(ctx, i);
	if (!ret) {
		printf("SVM range, common to all:\n");
		show_range("svm", info.svm_base, info.svm_limit);
		if (info.aperture == ROCSVM_APERTURE_RESERVED)
			show_range("window", info.window_base, info.window_limit);
	} else {
		complain("can't describe the GPUs: %s", strerror(-ret));
	}
	rocsvm_unref(ctx);
	return ret ? STATUS_FAILED : STATUS_OK;
}
