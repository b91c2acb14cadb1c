// SPDX-License-Identifier: MIT
/*
 * Closing the last file gives everything back: VRAM and system memory by KFD's
 * own account, the counters, the window.
 */
#include "harness.h"

#define VRAM_LENGTH MiB(16)

static void test(void)
{
	int kfd = kfd_open(), fd = svm_start();
	uint32_t gpu_id = svm_gpu(fd, 0);
	uint64_t available = kfd_available(kfd, gpu_id);
	long shmem = meminfo_kb("Shmem");
	struct rocsvm_info info;
	void *host;

	ASSERT_EQ(svm_info(fd, &info), 0);
	svm_alloc(fd, ROCSVM_KIND_VRAM, VRAM_LENGTH);
	svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, VRAM_LENGTH);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(2))), 0);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_GTT, MiB(1))), 0);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1))), 0);
	host = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(32));
	EXPECT_EQ(probe_write(host), 0);
	say("VRAM available %lu MiB, with buffers %lu MiB", available >> 20,
	    kfd_available(kfd, gpu_id) >> 20);
	EXPECT_LE(kfd_available(kfd, gpu_id), available - 2 * VRAM_LENGTH);
	EXPECT_GE(meminfo_kb("Shmem"), shmem + 32 * 1024);
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(svm_counter("buffers"), 6);
	EXPECT_EQ(svm_counter("buffer_bytes"),
		  2 * VRAM_LENGTH + MiB(2) + MiB(1) + MiB(1) + MiB(32));

	close(fd);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
	EXPECT_EQ(svm_counter("buffer_bytes"), 0);
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 5000));
	say("VRAM available %lu MiB again", kfd_available(kfd, gpu_id) >> 20);
	EXPECT(EVENTUALLY(meminfo_kb("Shmem") < shmem + 1024, 5000));
	EXPECT_EQ(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0), 0);
	EXPECT_EQ(probe_read(host), PROBE_MAPERR);
	close(kfd);

	/* and it can be had again */
	fd = svm_start();
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_VRAM, VRAM_LENGTH)), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
