// SPDX-License-Identifier: MIT
/*
 * rocsvm gpus: the GPUs as a process's SVM space knows them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "tool.h"

static void show_range(const char *name, uint64_t base, uint64_t limit)
{
	printf("  %-10s 0x%012" PRIx64 " .. 0x%012" PRIx64 "\n", name, base, limit);
}

/* What sysfs has of a GPU; 0 where it has nothing */
struct properties {
	uint64_t version, minor, vram, visible;
};

static void show_gpu(const struct rocsvm_gpu_info *gpu, const struct properties *p)
{
	char text[24];

	gfx_name(p->version, text);
	printf("GPU 0x%04x: %s, /dev/dri/renderD%" PRIu64, gpu->gpu_id, text, p->minor);
	if (p->vram)
		printf(", VRAM %s", size_text(p->vram, text));
	if (p->visible)
		printf(" (%s for the CPU)", size_text(p->visible, text));
	printf("\n");
	show_range("gpuvm", gpu->gpuvm_base, gpu->gpuvm_limit);
	show_range("lds", gpu->lds_base, gpu->lds_limit);
	show_range("scratch", gpu->scratch_base, gpu->scratch_limit);
	if (!(gpu->gpu_flags & ROCSVM_GPU_CANONICAL))
		printf("  not canonical: takes no part in shared virtual memory\n");
}

static void json_gpu(struct json *json, const struct rocsvm_gpu_info *gpu,
		     const struct properties *p)
{
	char text[24], node[64];

	gfx_name(p->version, text);
	snprintf(node, sizeof(node), "/dev/dri/renderD%" PRIu64, p->minor);
	json_object(json, NULL);
	json_number(json, "gpu_id", gpu->gpu_id);
	json_text(json, "architecture", text);
	json_text(json, "render_node", node);
	json_number(json, "vram_bytes", (int64_t)p->vram);
	json_number(json, "visible_vram_bytes", (int64_t)p->visible);
	json_bool(json, "canonical", gpu->gpu_flags & ROCSVM_GPU_CANONICAL);
	json_hex(json, "gpuvm_base", gpu->gpuvm_base);
	json_hex(json, "gpuvm_limit", gpu->gpuvm_limit);
	json_hex(json, "lds_base", gpu->lds_base);
	json_hex(json, "lds_limit", gpu->lds_limit);
	json_hex(json, "scratch_base", gpu->scratch_base);
	json_hex(json, "scratch_limit", gpu->scratch_limit);
	json_end_object(json);
}

static int look_at(struct rocsvm_ctx *ctx, unsigned int index, struct json *json)
{
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	struct properties p = { 0 };
	int ret;

	ret = rocsvm_gpu(ctx, index, &gpu);
	if (ret)
		return ret;
	rocsvm_gpu_property(ctx, gpu.gpu_id, "gfx_target_version", &p.version);
	rocsvm_gpu_property(ctx, gpu.gpu_id, "drm_render_minor", &p.minor);
	read_drm_number(ctx, gpu.gpu_id, "mem_info_vram_total", &p.vram);
	read_drm_number(ctx, gpu.gpu_id, "mem_info_vis_vram_total", &p.visible);
	if (json)
		json_gpu(json, &gpu, &p);
	else
		show_gpu(&gpu, &p);
	return 0;
}

static void show_space(const struct rocsvm_info *info)
{
	printf("SVM range, common to all:\n");
	show_range("svm", info->svm_base, info->svm_limit);
	if (info->aperture == ROCSVM_APERTURE_RESERVED)
		show_range("window", info->window_base, info->window_limit);
}

static int look(struct rocsvm_ctx *ctx, struct json *json)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int ret = rocsvm_get_info(ctx, &info);

	if (ret)
		return ret;
	if (json) {
		json_object(json, NULL);
		json_array(json, "gpus");
	}
	for (unsigned int i = 0; !ret && i < info.num_gpus; i++)
		ret = look_at(ctx, i, json);
	if (json) {
		json_end_array(json);
		json_hex(json, "svm_base", info.svm_base);
		json_hex(json, "svm_limit", info.svm_limit);
		json_hex(json, "window_base", info.window_base);
		json_hex(json, "window_limit", info.window_limit);
		json_end_object(json);
	} else if (!ret) {
		show_space(&info);
	}
	return ret;
}

int cmd_gpus(int argc, char **argv)
{
	bool as_json = false;
	const struct tool_option options[] = { { "json", 'j', .flag = &as_json } };
	int ret = no_operands(argc, argv, read_options(argc, argv, options, ARRAY_SIZE(options)));
	struct json json = { .to = stdout };
	struct rocsvm_ctx *ctx;

	if (ret)
		return ret;
	ret = rocsvm_open(&ctx, NULL);
	if (ret) {
		complain("%s", explain_open(ret));
		return STATUS_FAILED;
	}
	ret = look(ctx, as_json ? &json : NULL);
	if (ret)
		complain("can't describe the GPUs: %s", strerror(-ret));
	rocsvm_unref(ctx);
	return ret ? STATUS_FAILED : STATUS_OK;
}
