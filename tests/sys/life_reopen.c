// SPDX-License-Identifier: MIT
/*
 * Open, acquire, allocate, close, again and again in one process, each time
 * with a render file of its own, as a library does that is used twice.
 */
#include "gpuqueue.h"
#include "harness.h"

#define ROUNDS 5

static void test(void)
{
	int kfd = kfd_open();
	uint64_t available = 0, base = 0;
	size_t vmas = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = svm_start();
		uint32_t gpu_id = svm_gpu(fd, 0);
		struct gpuqueue queue;
		struct rocsvm_info info;
		char *from, *to;

		ASSERT_EQ(svm_info(fd, &info), 0);
		if (!base)
			base = info.window_base;
		EXPECT_EQ(info.window_base, base);
		EXPECT_EQ(info.num_buffers, 0);
		gpuqueue_open(&queue, fd, gpu_id);
		from = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
		to = svm_alloc(fd, ROCSVM_KIND_VRAM, KiB(64));
		EXPECT_EQ(svm_map_all(fd, from), 0);
		EXPECT_EQ(svm_map_all(fd, to), 0);
		pattern_fill(from, KiB(64), i);
		EXPECT_EQ(gpuqueue_copy(&queue, to, from, KiB(64)), 0);
		EXPECT_EQ(pattern_differs(to, KiB(64), i), -1);
		gpuqueue_close(&queue);
		/* from and to are left to the close */
		close(fd);
		EXPECT_EQ(svm_counter("spaces"), 0);
		if (!i) {
			available = kfd_available(kfd, gpu_id);
			vmas = maps_count(0);
		}
		EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 5000));
		EXPECT_EQ(maps_count(0), vmas);
	}
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
