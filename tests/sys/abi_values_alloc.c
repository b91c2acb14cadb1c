// SPDX-License-Identifier: MIT
/*
 * Values out of range in ALLOC, the errno for each, and that a call that fails
 * leaves no buffer, no VMA and no KFD memory behind.
 */
#include "harness.h"

static int fd;
static uint32_t gpu_id;

/* ALLOC of @args with defaults where they are 0; a success is freed again. */
static int alloc(struct rocsvm_alloc args)
{
	int r;

	if (!args.kind)
		args.kind = ROCSVM_KIND_HOST;
	r = svm_alloc_args(fd, &args);
	if (!r)
		EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)args.va), 0);
	return r;
}

#define ALLOC(...) alloc((struct rocsvm_alloc){ __VA_ARGS__ })

static void test_kind_and_gpu(void)
{
	uint32_t bad = gpu_id + 1;
	int r;

	EXPECT_EQ(ALLOC(.kind = ROCSVM_KIND_REGISTERED, .length = PAGE), -EINVAL);
	EXPECT_EQ(ALLOC(.kind = UINT32_MAX, .length = PAGE), -EINVAL);
	EXPECT_EQ(ALLOC(.gpu_id = bad, .length = PAGE), -ENODEV);
	EXPECT_EQ(ALLOC(.kind = ROCSVM_KIND_VRAM, .gpu_id = bad, .length = PAGE),
		  -ENODEV);
	/* the header names no errno for VRAM of no particular GPU */
	r = ALLOC(.kind = ROCSVM_KIND_VRAM, .length = PAGE);
	EXPECT(r == -EINVAL || r == -ENODEV);
	EXPECT_EQ(ALLOC(.gpu_id = gpu_id, .length = PAGE), 0);
	EXPECT_EQ(ALLOC(.kind = ROCSVM_KIND_GTT, .gpu_id = gpu_id,
			.length = PAGE), 0);
}

static void test_length(void)
{
	int r;

	for (uint32_t kind = 1; kind <= 4; kind++) {
		uint32_t id = kind >= ROCSVM_KIND_VRAM ? gpu_id : 0;

		EXPECT_EQ(ALLOC(.kind = kind, .gpu_id = id, .length = 0), -EINVAL);
		EXPECT_EQ(ALLOC(.kind = kind, .gpu_id = id, .length = TiB(64)),
			  -ENOMEM);
		/* rounding these up overflows; either errno tells the truth */
		r = ALLOC(.kind = kind, .gpu_id = id, .length = ~0ull);
		EXPECT(r == -EINVAL || r == -ENOMEM);
		r = ALLOC(.kind = kind, .gpu_id = id, .length = -MiB(2));
		EXPECT(r == -EINVAL || r == -ENOMEM);
		EXPECT_EQ(ALLOC(.kind = kind, .gpu_id = id, .length = 1), 0);
	}
}

static void test_alignment_and_guard(void)
{
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = 1), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = 2048), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = 3 * PAGE), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = PAGE + 1), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = GiB(2)), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = 1ull << 63), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = PAGE), 0);
	EXPECT_EQ(ALLOC(.length = PAGE, .alignment = GiB(1)), 0);

	EXPECT_EQ(ALLOC(.length = PAGE, .guard = 1), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .guard = PAGE - 1), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .guard = GiB(1) + PAGE), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .guard = -PAGE), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .guard = PAGE), 0);
	EXPECT_EQ(ALLOC(.length = PAGE, .guard = GiB(1)), 0);
}

static void test_address(void)
{
	struct rocsvm_info info;
	uint64_t va;

	ASSERT_EQ(svm_info(fd, &info), 0);
	va = info.window_base + MiB(64);
	EXPECT_EQ(ALLOC(.length = PAGE, .va = va), -EINVAL);
	EXPECT_EQ(ALLOC(.flags = ROCSVM_ALLOC_FIXED, .length = PAGE,
			.va = va + 1), -EINVAL);
	EXPECT_EQ(ALLOC(.flags = ROCSVM_ALLOC_FIXED, .length = PAGE,
			.va = va + 2048), -EINVAL);
	EXPECT_EQ(ALLOC(.flags = ROCSVM_ALLOC_FIXED, .length = PAGE,
			.va = va + PAGE, .alignment = MiB(2)), -EINVAL);
	EXPECT_EQ(ALLOC(.flags = ROCSVM_ALLOC_FIXED, .length = PAGE, .va = va),
		  0);
}

static void test_gpu_list(void)
{
	uint32_t bad = gpu_id + 1, many[65];

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = gpu_id;
	EXPECT_EQ(ALLOC(.length = PAGE, .num_gpus = 1), -EFAULT);
	EXPECT_EQ(ALLOC(.length = PAGE, .num_gpus = 1,
			.gpu_ids = 0xffff888000000000), -EFAULT);
	EXPECT_EQ(ALLOC(.length = PAGE, .num_gpus = 1,
			.gpu_ids = (uintptr_t)&bad), -ENODEV);
	EXPECT_EQ(ALLOC(.length = PAGE, .num_gpus = 65,
			.gpu_ids = (uintptr_t)many), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .num_gpus = UINT32_MAX - 1,
			.gpu_ids = (uintptr_t)many), -EINVAL);
	EXPECT_EQ(ALLOC(.length = PAGE, .num_gpus = 1,
			.gpu_ids = (uintptr_t)&gpu_id), 0);
}

/* The answer can't be written: then there must be no buffer either. */
static void test_readonly(void)
{
	struct rocsvm_alloc *args = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE((uintptr_t)args, (uintptr_t)MAP_FAILED);
	for (uint32_t kind = 1; kind <= 4; kind++) {
		ASSERT_EQ(mprotect(args, PAGE, PROT_READ | PROT_WRITE), 0);
		*args = (struct rocsvm_alloc){
			.size = sizeof(*args),
			.kind = kind,
			.gpu_id = gpu_id,
			.length = PAGE,
		};
		ASSERT_EQ(mprotect(args, PAGE, PROT_READ), 0);
		EXPECT_EQ(svm_ioctl(fd, ROCSVM_ALLOC, args), -EFAULT);
	}
	munmap(args, PAGE);
}

static void test(void)
{
	struct rocsvm_info info;
	uint64_t available;
	size_t vmas;

	fd = svm_open();
	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	EXPECT_EQ(ALLOC(.length = PAGE), -ENODEV);
	EXPECT_EQ(ALLOC(.length = PAGE, .gpu_id = gpu_id), -ENODEV);
	EXPECT_EQ(ALLOC(.kind = ROCSVM_KIND_VRAM, .length = PAGE,
			.gpu_id = gpu_id), -ENODEV);
	svm_acquire_all(fd);
	/* the C library may map memory at first use: let it */
	EXPECT_EQ(ALLOC(.length = PAGE), 0);
	maps_count(0);
	available = kfd_available(fd, gpu_id);
	vmas = maps_count(0);

	test_kind_and_gpu();
	test_length();
	test_alignment_and_guard();
	test_address();
	test_gpu_list();
	test_readonly();

	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 0);
	EXPECT_EQ(info.buffer_bytes, 0);
	EXPECT_EQ(info.quarantined_bytes, 0);
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_EQ(kfd_available(fd, gpu_id), available);
	say("%zu VMAs, %lu bytes of VRAM available", vmas, available);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
