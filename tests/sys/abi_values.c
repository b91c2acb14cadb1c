// SPDX-License-Identifier: MIT
/*
 * Values out of range in every ioctl but ALLOC, and the errno that the header
 * promises for each.
 */
#include "harness.h"

static int fd;
static uint32_t gpu_id;

static void test_gpu_info(void)
{
	struct rocsvm_gpu_info info;
	struct rocsvm_info space;

	ASSERT_EQ(svm_info(fd, &space), 0);
	EXPECT_EQ(space.abi, ROCSVM_ABI);
	EXPECT_EQ(svm_gpu_info(fd, space.num_gpus - 1, &info), 0);
	EXPECT_EQ(svm_gpu_info(fd, space.num_gpus, &info), -ENODEV);
	EXPECT_EQ(svm_gpu_info(fd, UINT32_MAX, &info), -ENODEV);
}

static void test_acquire(void)
{
	int drm = render_open(gpu_id), other = render_open(gpu_id);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), kfd = kfd_open();
	struct rocsvm_gpu_info info;
	struct rocsvm_info space;

	ASSERT_GE(drm, 0);
	ASSERT_GE(other, 0);
	ASSERT_GE(null, 0);
	EXPECT_EQ(svm_acquire(fd, 0, drm), -ENODEV);
	EXPECT_EQ(svm_acquire(fd, gpu_id + 1, drm), -ENODEV);
	EXPECT_EQ(svm_acquire(fd, gpu_id, -1), -EBADF);
	EXPECT_EQ(svm_acquire(fd, gpu_id, 999), -EBADF);
	EXPECT_EQ(svm_acquire(fd, gpu_id, null), -EINVAL);
	EXPECT_EQ(svm_acquire(fd, gpu_id, kfd), -EINVAL);
	EXPECT_EQ(svm_acquire(fd, gpu_id, fd), -EINVAL);
	ASSERT_EQ(svm_info(fd, &space), 0);
	EXPECT_EQ(space.num_acquired, 0);

	EXPECT_EQ(svm_acquire(fd, gpu_id, drm), 0);
	EXPECT_EQ(svm_acquire(fd, gpu_id, drm), 0);
	EXPECT_EQ(svm_acquire(fd, gpu_id, other), -EBUSY);
	EXPECT_EQ(svm_acquire(fd, gpu_id, drm), 0);
	ASSERT_EQ(svm_info(fd, &space), 0);
	EXPECT_EQ(space.num_acquired, 1);
	ASSERT_EQ(svm_gpu_info(fd, 0, &info), 0);
	EXPECT_EQ(info.gpu_flags, ROCSVM_GPU_CANONICAL | ROCSVM_GPU_ACQUIRED);
	close(drm);
	close(other);
	close(null);
	close(kfd);
}

static int reserve(uint32_t flags, uint64_t base, uint64_t length)
{
	return svm_reserve(fd, flags, &base, &length);
}

static void test_reserve(void)
{
	struct rocsvm_info before, after;
	uint64_t base;

	ASSERT_EQ(svm_info(fd, &before), 0);
	base = before.window_base + GiB(8);
	EXPECT_EQ(reserve(0, base, GiB(8)), -EINVAL);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, base + PAGE, GiB(8)), -EINVAL);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, base + MiB(1), GiB(8)), -EINVAL);
	EXPECT_EQ(reserve(0, 0, GiB(8) + MiB(2)), -EINVAL);
	EXPECT_EQ(reserve(0, 0, GiB(8) + 1), -EINVAL);
	EXPECT_EQ(reserve(0, 0, GiB(4) - MiB(4)), -EINVAL);
	EXPECT_EQ(reserve(0, 0, MiB(4)), -EINVAL);
	EXPECT_EQ(reserve(0, 0, TiB(128)), -ENOMEM);
	EXPECT_EQ(reserve(0, 0, -MiB(4)), -ENOMEM);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, 0, GiB(8)), -ERANGE);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, TiB(128), GiB(8)), -ERANGE);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, -GiB(4), GiB(4)), -ERANGE);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, -GiB(4), GiB(8)), -ERANGE);
	EXPECT_EQ(reserve(ROCSVM_RESERVE_FIXED, base, TiB(128)), -ERANGE);
	ASSERT_EQ(svm_info(fd, &after), 0);
	EXPECT_EQ(after.window_base, before.window_base);
	EXPECT_EQ(after.window_limit, before.window_limit);
}

static void test_free(void *buffer)
{
	char *inside = buffer;

	EXPECT_EQ(svm_free(fd, NULL), -ENOENT);
	EXPECT_EQ(svm_free(fd, inside + PAGE), -ENOENT);
	EXPECT_EQ(svm_free(fd, inside + 1), -ENOENT);
	EXPECT_EQ(svm_free(fd, inside - PAGE), -ENOENT);
	EXPECT_EQ(svm_free(fd, inside + MiB(1)), -ENOENT);
	EXPECT_EQ(svm_free(fd, (void *)~0ul), -ENOENT);
	EXPECT_EQ(svm_free(fd, &fd), -ENOENT);
}

static void test_map(void *buffer)
{
	uint32_t many[65], bad = gpu_id + 1, zero = 0;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = gpu_id;
	EXPECT_EQ(svm_map(fd, NULL, &gpu_id, 1), -ENOENT);
	EXPECT_EQ(svm_map(fd, (char *)buffer + PAGE, &gpu_id, 1), -ENOENT);
	EXPECT_EQ(svm_map(fd, buffer, &gpu_id, 0), -EINVAL);
	EXPECT_EQ(svm_map(fd, buffer, many, 65), -EINVAL);
	EXPECT_EQ(svm_map(fd, buffer, many, UINT32_MAX - 1), -EINVAL);
	EXPECT_EQ(svm_map(fd, buffer, NULL, 1), -EFAULT);
	EXPECT_EQ(svm_map(fd, buffer, (void *)0xffff888000000000, 1), -EFAULT);
	EXPECT_EQ(svm_map(fd, buffer, &bad, 1), -ENODEV);
	EXPECT_EQ(svm_map(fd, buffer, &zero, 1), -ENODEV);

	EXPECT_EQ(svm_unmap(fd, buffer, &gpu_id, 1), -EINVAL);
	EXPECT_EQ(svm_unmap(fd, NULL, &gpu_id, 1), -ENOENT);
	EXPECT_EQ(svm_unmap(fd, buffer, many, 65), -EINVAL);
	EXPECT_EQ(svm_unmap(fd, buffer, NULL, 1), -EFAULT);
	EXPECT_EQ(svm_unmap(fd, buffer, &bad, 1), -ENODEV);
	EXPECT_EQ(svm_unmap(fd, buffer, NULL, 0), 0);

	EXPECT_EQ(svm_map(fd, buffer, NULL, ROCSVM_ALL_GPUS), 0);
	EXPECT_EQ(svm_unmap(fd, buffer, NULL, ROCSVM_ALL_GPUS), 0);
	EXPECT_EQ(svm_unmap(fd, buffer, NULL, ROCSVM_ALL_GPUS), -EINVAL);

	/* mapped already: passed over, also when named twice */
	EXPECT_EQ(svm_map(fd, buffer, &gpu_id, 1), 0);
	EXPECT_EQ(svm_map(fd, buffer, &gpu_id, 1), 0);
	EXPECT_EQ(svm_map(fd, buffer, many, 64), 0);
	EXPECT_EQ(svm_unmap(fd, buffer, &gpu_id, 1), 0);
	EXPECT_EQ(svm_unmap(fd, buffer, &gpu_id, 1), -EINVAL);
}

static int query(uint32_t flags, uint64_t va, uint64_t gpu_ids, uint32_t room)
{
	struct rocsvm_query q = {
		.flags = flags, .va = va, .gpu_ids = gpu_ids, .num_gpus = room,
	};

	return svm_query(fd, &q);
}

static void test_query(void *buffer)
{
	uint64_t va = (uintptr_t)buffer;

	EXPECT_EQ(query(0, va, 0, 0), 0);
	EXPECT_EQ(query(0, 0, 0, 0), -ENOENT);
	EXPECT_EQ(query(0, ~0ull, 0, 0), -ENOENT);
	EXPECT_EQ(query(0, va - 1, 0, 0), -ENOENT);
	EXPECT_EQ(query(0, va + 2 * PAGE - 1, 0, 0), 0);
	EXPECT_EQ(query(0, va + 2 * PAGE, 0, 0), -ENOENT);
	EXPECT_EQ(query(ROCSVM_QUERY_NEXT, va + 2 * PAGE - 1, 0, 0), 0);
	EXPECT_EQ(query(ROCSVM_QUERY_NEXT, va + 2 * PAGE, 0, 0), -ENOENT);
	EXPECT_EQ(query(ROCSVM_QUERY_NEXT, ~0ull, 0, 0), -ENOENT);
	EXPECT_EQ(query(ROCSVM_QUERY_NEXT, 0, 0, 0), 0);

	EXPECT_EQ(svm_map(fd, buffer, &gpu_id, 1), 0);
	EXPECT_EQ(query(0, va, 0, 0), 0);
	EXPECT_EQ(query(0, va, 0, 1), -EFAULT);
	EXPECT_EQ(query(0, va, 0xffff888000000000, 1), -EFAULT);
	EXPECT_EQ(svm_unmap(fd, buffer, NULL, 0), 0);
}

static void test(void)
{
	struct rocsvm_info info;
	void *buffer;

	fd = svm_open();
	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	test_gpu_info();
	test_reserve();
	test_acquire();
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, 2 * PAGE);
	EXPECT_EQ(reserve(0, 0, 0), -EBUSY);
	test_free(buffer);
	test_map(buffer);
	test_query(buffer);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 1);
	EXPECT_EQ(info.buffer_bytes, 2 * PAGE);
	EXPECT_EQ(info.quarantined_bytes, 0);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, buffer), -ENOENT);
	EXPECT_EQ(reserve(0, 0, 0), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
