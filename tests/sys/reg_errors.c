// SPDX-License-Identifier: MIT
/*
 * What REGISTER and UNREGISTER refuse, with which errno; nothing is registered
 * by a call that fails.
 */
#include "reg.h"

static struct reg r;

static void refused(int line, struct rocsvm_register args, int error)
{
	int seen = reg_args(r.fd, &args);

	if (seen != error)
		say("line %d: %d instead of %d", line, seen, error);
	EXPECT_EQ(seen, error);
}

#define REFUSED(error, ...) \
	refused(__LINE__, (struct rocsvm_register){ __VA_ARGS__ }, error)

static int end(uint32_t flags, uint64_t va, uint64_t length)
{
	struct rocsvm_unregister args = {
		.size = sizeof(args), .flags = flags, .va = va, .length = length,
	};

	return svm_ioctl(r.fd, ROCSVM_UNREGISTER, &args);
}

static void test(void)
{
	uint32_t unknown = 0x12345678, ids[65], twice[2];
	uint64_t va, top = UINT64_MAX & ~(PAGE - 1);
	struct rocsvm_info info;
	int fd = svm_open();

	va = (uintptr_t)own_private(6 * PAGE);
	munmap((void *)(va + 4 * PAGE), 2 * PAGE);
	/* before a GPU's VM is acquired */
	ASSERT_GE(fd, 0);
	EXPECT_EQ(reg_add(fd, (void *)va, PAGE), -ENODEV);
	close(fd);

	reg_open(&r);
	ASSERT_EQ(svm_info(r.fd, &info), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = r.gpu;
	twice[0] = r.gpu;
	twice[1] = unknown;

	REFUSED(-EINVAL, .va = va);
	REFUSED(-EINVAL, .va = 0);
	REFUSED(-EOPNOTSUPP, .va = va, .length = 1, .flags = ROCSVM_ALLOC_FIXED);
	REFUSED(-EOPNOTSUPP, .va = va, .length = 1,
		.flags = ROCSVM_ALLOC_AQL_QUEUE);
	REFUSED(-EOPNOTSUPP, .va = va, .length = 1,
		.flags = ROCSVM_ALLOC_IMPORTED);
	REFUSED(-EOPNOTSUPP, .va = va, .length = 1, .flags = 1u << 31);

	REFUSED(-ERANGE, .va = 0, .length = PAGE);
	REFUSED(-ERANGE, .va = info.svm_limit + 1, .length = 1);
	REFUSED(-ERANGE, .va = info.svm_limit, .length = 2);
	REFUSED(-ERANGE, .va = 0x800000000000, .length = PAGE);
	REFUSED(-ERANGE, .va = 0xffff800000000000, .length = PAGE);
	REFUSED(-ERANGE, .va = top, .length = PAGE);
	REFUSED(-ERANGE, .va = UINT64_MAX, .length = 1);
	REFUSED(-ERANGE, .va = UINT64_MAX, .length = UINT64_MAX);
	REFUSED(-ERANGE, .va = va, .length = UINT64_MAX);
	REFUSED(-ERANGE, .va = va, .length = UINT64_MAX - va + 1);
	REFUSED(-ERANGE, .va = va, .length = UINT64_MAX - va - PAGE);

	REFUSED(-ENODEV, .va = va, .length = 1, .gpu_id = unknown);
	REFUSED(-ENODEV, .va = va, .length = 1,
		.gpu_ids = (uintptr_t)&unknown, .num_gpus = 1);
	REFUSED(-ENODEV, .va = va, .length = 1,
		.gpu_ids = (uintptr_t)twice, .num_gpus = 2);
	REFUSED(-EINVAL, .va = va, .length = 1,
		.gpu_ids = (uintptr_t)ids, .num_gpus = 65);
	REFUSED(-EFAULT, .va = va, .length = 1, .gpu_ids = 16, .num_gpus = 1);
	REFUSED(-EFAULT, .va = info.svm_limit + 1 - PAGE, .length = PAGE);
	REFUSED(-EFAULT, .va = va, .length = 5 * PAGE);
	EXPECT_REGISTERED(r.fd, 0, 0);

	/* 64 times the same GPU is once */
	REFUSED(0, .va = va + 5, .length = PAGE, .gpu_id = r.gpu,
		.gpu_ids = (uintptr_t)ids, .num_gpus = 64);
	EXPECT_REGISTERED(r.fd, 1, 2 * PAGE);
	EXPECT_EQ(reg_segment(r.fd, (void *)va).num_gpus, 1);

	EXPECT_EQ(end(1, va + 5, PAGE), -EOPNOTSUPP);
	EXPECT_EQ(end(0, va, 2 * PAGE), -ENOENT);
	EXPECT_EQ(end(0, va + 5, PAGE - 1), -ENOENT);
	EXPECT_EQ(end(0, va + 5, 0), -ENOENT);
	EXPECT_EQ(end(0, va, PAGE), -ENOENT);
	EXPECT_EQ(end(0, UINT64_MAX, UINT64_MAX), -ENOENT);
	EXPECT_EQ(svm_map_all(r.fd, (void *)va), -ENOENT);
	EXPECT_EQ(svm_unmap_all(r.fd, (void *)va), -ENOENT);
	EXPECT_EQ(svm_map(r.fd, (void *)(va + 5), &unknown, 1), -ENODEV);
	EXPECT_EQ(end(0, va + 5, PAGE), 0);
	EXPECT_EQ(svm_map_all(r.fd, (void *)(va + 5)), -ENOENT);
	EXPECT_EQ(end(0, va + 5, PAGE), -ENOENT);
	EXPECT_REGISTERED(r.fd, 0, 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
