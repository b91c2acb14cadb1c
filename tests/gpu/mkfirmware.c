// SPDX-License-Identifier: MIT
/*
 * mkfirmware.c - writes the firmware files that amdgpu asks for on Vega 10.
 *
 * They hold the headers that the driver reads (amdgpu/amdgpu_ucode.h) and
 * zeros for code: the phantom executes none. Only vega10_gpu_info.bin has
 * content: the shape of the GPU that KFD shows in its topology.
 *
 * usage: mkfirmware DIRECTORY
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAYLOAD_OFFSET	256u
#define CODE_BYTES	4096u

struct common_firmware_header {
	uint32_t size_bytes;
	uint32_t header_size_bytes;
	uint16_t header_version_major;
	uint16_t header_version_minor;
	uint16_t ip_version_major;
	uint16_t ip_version_minor;
	uint32_t ucode_version;
	uint32_t ucode_size_bytes;
	uint32_t ucode_array_offset_bytes;
	uint32_t crc32;
};

/* what follows the common header of a file */
struct gfx_header {			/* gfx_firmware_header_v1_0 */
	uint32_t ucode_feature_version;
	uint32_t jt_offset;
	uint32_t jt_size;
};

struct rlc_header {			/* rlc_firmware_header_v2_0 */
	uint32_t ucode_feature_version;
	uint32_t jt_offset;
	uint32_t jt_size;
	uint32_t save_and_restore_offset;
	uint32_t clear_state_descriptor_offset;
	uint32_t avail_scratch_ram_locations;
	uint32_t reg_restore_list_size;
	uint32_t reg_list_format_start;
	uint32_t reg_list_format_separate_start;
	uint32_t starting_offsets_start;
	uint32_t reg_list_format_size_bytes;
	uint32_t reg_list_format_array_offset_bytes;
	uint32_t reg_list_size_bytes;
	uint32_t reg_list_array_offset_bytes;
	uint32_t reg_list_format_separate_size_bytes;
	uint32_t reg_list_format_separate_array_offset_bytes;
	uint32_t reg_list_separate_size_bytes;
	uint32_t reg_list_separate_array_offset_bytes;
};

struct sdma_header {			/* sdma_firmware_header_v1_0 */
	uint32_t ucode_feature_version;
	uint32_t ucode_change_version;
	uint32_t jt_offset;
	uint32_t jt_size;
};

struct gpu_info_header {		/* gpu_info_firmware_header_v1_0 */
	uint16_t version_major;
	uint16_t version_minor;
};

struct gpu_info {			/* gpu_info_firmware_v1_0 */
	uint32_t gc_num_se;
	uint32_t gc_num_cu_per_sh;
	uint32_t gc_num_sh_per_se;
	uint32_t gc_num_rb_per_se;
	uint32_t gc_num_tccs;
	uint32_t gc_num_gprs;
	uint32_t gc_num_max_gs_thds;
	uint32_t gc_gs_table_depth;
	uint32_t gc_gsprim_buff_depth;
	uint32_t gc_parameter_cache_depth;
	uint32_t gc_double_offchip_lds_buffer;
	uint32_t gc_wave_size;
	uint32_t gc_max_waves_per_simd;
	uint32_t gc_max_scratch_slots_per_cu;
	uint32_t gc_lds_size;
};

struct file {
	const char *name;
	unsigned int header_major;
	uint32_t version;
	const void *header;
	size_t header_bytes;
	const void *payload;
	size_t payload_bytes;
};

static int write_file(const char *directory, const struct file *file)
{
	uint8_t image[PAYLOAD_OFFSET + CODE_BYTES] = { 0 };
	struct common_firmware_header common = {
		.size_bytes = (uint32_t)(PAYLOAD_OFFSET + file->payload_bytes),
		.header_size_bytes = (uint32_t)(sizeof(common) + file->header_bytes),
		.header_version_major = (uint16_t)file->header_major,
		.ip_version_major = 9,
		.ucode_version = file->version,
		.ucode_size_bytes = (uint32_t)file->payload_bytes,
		.ucode_array_offset_bytes = PAYLOAD_OFFSET,
	};
	char path[4096];
	int bad;
	FILE *f;

	memcpy(image, &common, sizeof(common));
	memcpy(image + sizeof(common), file->header, file->header_bytes);
	if (file->payload)
		memcpy(image + PAYLOAD_OFFSET, file->payload, file->payload_bytes);
	snprintf(path, sizeof(path), "%s/vega10_%s.bin", directory, file->name);
	f = fopen(path, "wb");
	if (!f)
		return -1;
	bad = fwrite(image, PAYLOAD_OFFSET + file->payload_bytes, 1, f) != 1;
	return fclose(f) || bad ? -1 : 0;
}

int main(int argc, char **argv)
{
	/* not below what gfx_v9_0_check_fw_write_wait() calls too old; no jump table */
	static const struct gfx_header gfx = { .ucode_feature_version = 0x34 };
	/* no lists: sizes 0, offsets anywhere within the file */
	static const struct rlc_header rlc = {
		.ucode_feature_version = 1,
		.reg_list_format_array_offset_bytes = PAYLOAD_OFFSET,
		.reg_list_array_offset_bytes = PAYLOAD_OFFSET,
		.reg_list_format_separate_array_offset_bytes = PAYLOAD_OFFSET,
		.reg_list_separate_array_offset_bytes = PAYLOAD_OFFSET,
	};
	static const struct sdma_header sdma = { .ucode_feature_version = 40 };
	static const struct gpu_info_header info_header = { .version_major = 1 };
	/* what a Vega 10 has, but for the number of CUs */
	static const struct gpu_info info = {
		.gc_num_se = 4, .gc_num_cu_per_sh = 16, .gc_num_sh_per_se = 1,
		.gc_num_rb_per_se = 4, .gc_num_tccs = 16, .gc_num_gprs = 256,
		.gc_num_max_gs_thds = 32, .gc_gs_table_depth = 32,
		.gc_gsprim_buff_depth = 1792, .gc_parameter_cache_depth = 1024,
		.gc_double_offchip_lds_buffer = 1, .gc_wave_size = 64,
		.gc_max_waves_per_simd = 10, .gc_max_scratch_slots_per_cu = 32,
		.gc_lds_size = 64,
	};
	static const struct file files[] = {
		{ "gpu_info", 1, 1, &info_header, sizeof(info_header), &info, sizeof(info) },
		{ "pfp", 1, 0xc0, &gfx, sizeof(gfx), NULL, CODE_BYTES },
		{ "me", 1, 0xa8, &gfx, sizeof(gfx), NULL, CODE_BYTES },
		{ "ce", 1, 0x50, &gfx, sizeof(gfx), NULL, CODE_BYTES },
		{ "mec", 1, 0x1d0, &gfx, sizeof(gfx), NULL, CODE_BYTES },
		{ "mec2", 1, 0x1d0, &gfx, sizeof(gfx), NULL, CODE_BYTES },
		{ "rlc", 2, 0x10, &rlc, sizeof(rlc), NULL, CODE_BYTES },
		/* below 430 the driver uses no page queue (sdma_v4_0_fw_support_paging_queue()) */
		{ "sdma", 1, 0x1a5, &sdma, sizeof(sdma), NULL, CODE_BYTES },
		{ "sdma1", 1, 0x1a5, &sdma, sizeof(sdma), NULL, CODE_BYTES },
	};

	if (argc != 2) {
		fprintf(stderr, "usage: mkfirmware DIRECTORY\n");
		return 2;
	}
	if (mkdir(argv[1], 0777) && errno != EEXIST) {
		perror(argv[1]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (write_file(argv[1], &files[i])) {
			perror(files[i].name);
			return 1;
		}
	}
	return 0;
}
