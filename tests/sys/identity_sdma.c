// SPDX-License-Identifier: MIT
/*
 * One pointer for CPU and GPU: the CPU writes a pattern through a pointer, the
 * GPU's SDMA engine copies it host -> VRAM -> private VRAM -> GTT by the very
 * same pointers, the CPU reads it through the last one.
 */
#include "gpuqueue.h"
#include "harness.h"

static void chain(struct gpuqueue *q, int fd, uint64_t length, uint32_t seed)
{
	char *host = svm_alloc(fd, ROCSVM_KIND_HOST, length);
	char *vram = svm_alloc(fd, ROCSVM_KIND_VRAM, length);
	char *private = svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, length);
	char *gtt = svm_alloc(fd, ROCSVM_KIND_GTT, length);

	EXPECT_EQ(svm_map_all(fd, host), 0);
	EXPECT_EQ(svm_map_all(fd, vram), 0);
	EXPECT_EQ(svm_map_all(fd, private), 0);
	EXPECT_EQ(svm_map_all(fd, gtt), 0);
	memset(vram, 0, length);
	memset(gtt, 0, length);
	pattern_fill(host, length, seed);
	EXPECT_EQ(gpuqueue_copy(q, vram, host, length), 0);
	EXPECT_EQ(pattern_differs(vram, length, seed), -1);
	EXPECT_EQ(gpuqueue_copy(q, private, vram, length), 0);
	memset(vram, 0, length);
	EXPECT_EQ(gpuqueue_copy(q, gtt, private, length), 0);
	EXPECT_EQ(pattern_differs(gtt, length, seed), -1);
	memset(host, 0, length);
	EXPECT_EQ(gpuqueue_copy(q, host, gtt, length), 0);
	EXPECT_EQ(pattern_differs(host, length, seed), -1);
	say("%lu bytes: host %p, VRAM %p, private VRAM %p, GTT %p", length, host,
	    vram, private, gtt);
	EXPECT_EQ(svm_free(fd, host), 0);
	EXPECT_EQ(svm_free(fd, vram), 0);
	EXPECT_EQ(svm_free(fd, private), 0);
	EXPECT_EQ(svm_free(fd, gtt), 0);
}

static void test(void)
{
	int fd = svm_start();
	struct gpuqueue queue;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	chain(&queue, fd, KiB(64), 1);
	chain(&queue, fd, MiB(2), 2);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
