// SPDX-License-Identifier: MIT
/*
 * One address for CPU and GPU in the mmap aperture, too: the tests of identity
 * and of single buffers.
 */
#include "again.h"

static void test(void)
{
	static const char *const names[] = {
		"identity_host_huge", "identity_follow_swap", "gpu_fault",
		"buf_map_atomic", "kfd_passthrough",
		/* not on the debug kernel: */
		"identity_host", "identity_gtt", "identity_vram",
		"identity_private", "identity_negative", "identity_unmap",
		"identity_sdma", "identity_follow_move", "buf_zero",
		"buf_no_vram", "buf_query", "buf_flags",
	};

	again(names, scaled(ARRAY_SIZE(names), 5));
}

int main(void)
{
	return window_main(test);
}
