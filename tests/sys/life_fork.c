// SPDX-License-Identifier: MIT
/*
 * A forked child has neither window nor buffers, and the file it inherited
 * answers -EBADF to everything; it may open its own. The parent keeps all.
 */
#include "harness.h"

static int fd;
static struct rocsvm_info info;
static char *buffer[3];		/* host, GTT, VRAM */

static void every_ioctl_fails(void)
{
	struct rocsvm_info i = { .size = sizeof(i) };
	struct rocsvm_gpu_info g = { .size = sizeof(g) };
	struct rocsvm_query q = { .va = (uintptr_t)buffer[0] };
	struct rocsvm_alloc a = { .kind = ROCSVM_KIND_HOST, .length = PAGE };
	struct kfd_ioctl_get_version_args v = { 0 };
	uint64_t base = 0, length = 0;
	uint32_t gpu_id = 1;

	EXPECT_EQ(svm_ioctl(fd, ROCSVM_INFO, &i), -EBADF);
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_GPU_INFO, &g), -EBADF);
	EXPECT_EQ(svm_reserve(fd, 0, &base, &length), -EBADF);
	EXPECT_EQ(svm_acquire(fd, gpu_id, 0), -EBADF);
	EXPECT_EQ(svm_alloc_args(fd, &a), -EBADF);
	EXPECT_EQ(svm_free(fd, buffer[0]), -EBADF);
	EXPECT_EQ(svm_map(fd, buffer[0], &gpu_id, 1), -EBADF);
	EXPECT_EQ(svm_unmap(fd, buffer[0], NULL, 0), -EBADF);
	EXPECT_EQ(svm_query(fd, &q), -EBADF);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &v), -EBADF);
}

static void child(void *arg)
{
	struct rocsvm_info own;
	char *p;
	int mine;

	(void)arg;
	EXPECT_EQ(maps_read(0, info.window_base - MiB(2),
			    info.window_limit + 1 + MiB(2) + PAGE, NULL, 0), 0);
	EXPECT_EQ(probe_read(buffer[0]), PROBE_MAPERR);
	EXPECT_EQ(probe_read(buffer[1]), PROBE_MAPERR);
	EXPECT_EQ(probe_read(buffer[2]), PROBE_MAPERR);
	every_ioctl_fails();

	mine = svm_start();
	ASSERT_EQ(svm_info(mine, &own), 0);
	EXPECT_EQ(own.num_buffers, 0);
	EXPECT_EQ(own.window_base, info.window_base);
	p = svm_alloc(mine, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(find_not(p, 0, KiB(64)), -1);
	memset(p, 0xee, KiB(64));
	EXPECT_EQ(svm_map_all(mine, p), 0);
	EXPECT_EQ(svm_counter("spaces"), 2);
	close(mine);
	EXPECT_EQ(svm_counter("spaces"), 1);
	/* the inherited one goes with the process; its owner is not touched */
}

static void test(void)
{
	fd = svm_start();
	for (int i = 0; i < 3; i++) {
		buffer[i] = svm_alloc(fd, ROCSVM_KIND_HOST + i, KiB(64));
		pattern_fill(buffer[i], KiB(64), i);
		EXPECT_EQ(svm_map_all(fd, buffer[i]), 0);
	}
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(run_child(child, NULL), 0);
	EXPECT_EQ(svm_counter("buffers"), 3);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(pattern_differs(buffer[i], KiB(64), i), -1);
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	}
	close(fd);
	EXPECT_EQ(svm_counter("spaces"), 0);
}

int main(void)
{
	return test_main(test);
}
