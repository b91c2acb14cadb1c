// SPDX-License-Identifier: MIT
/*
 * A GPU with 40-bit addresses: the window lies below its limit, and addresses
 * mean the same to both sides there.
 */
#include "pagetable.h"

static void test(void)
{
	struct rocsvm_gpu_info gpu;
	struct rocsvm_info info;
	struct gpuqueue queue;
	struct identity seen;
	struct pagetable pt;
	char *host, *huge, *vram;
	int fd = svm_start();

	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_EQ(svm_gpu_info(fd, 0, &gpu), 0);
	say("gpuvm %llx..%llx, window %llx..%llx", gpu.gpuvm_base,
	    gpu.gpuvm_limit, info.window_base, info.window_limit);
	ASSERT_LT(gpu.gpuvm_limit, 1ull << 40);
	EXPECT_EQ(info.svm_limit, gpu.gpuvm_limit);
	EXPECT_GE(info.window_base, gpu.gpuvm_base);
	EXPECT_LE(info.window_limit, gpu.gpuvm_limit);
	/* A libhsakmt in the same process finds room, too. */
	EXPECT_EQ(info.window_limit - info.window_base + 1, GiB(256));

	gpuqueue_open(&queue, fd, gpu.gpu_id);
	pagetable_open(&pt, &queue);
	host = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(256));
	huge = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(2));
	vram = svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(1));
	EXPECT_EQ(svm_map_all(fd, host), 0);
	EXPECT_EQ(svm_map_all(fd, huge), 0);
	EXPECT_EQ(svm_map_all(fd, vram), 0);
	EXPECT_EQ(identity_check(&pt, "host", host, KiB(256), PLACE_HOST, &seen), 0);
	EXPECT_EQ(identity_check(&pt, "huge", huge, MiB(2), PLACE_HOST, &seen), 0);
	EXPECT_EQ(identity_check(&pt, "VRAM", vram, MiB(1), PLACE_VRAM, &seen), 0);
	pattern_fill(host, KiB(256), 40);
	EXPECT_EQ(gpuqueue_copy(&queue, vram, host, KiB(256)), 0);
	EXPECT_EQ(pattern_differs(vram, KiB(256), 40), -1);
	EXPECT_LT((uintptr_t)huge, 1ull << 40);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
