// SPDX-License-Identifier: MIT
/*
 * The identity check itself: two buffers made over KFD alone, each mapped for
 * the CPU at the address that the other one has for the GPU. Both addresses
 * are valid on both sides, and every page must be reported as wrong; swapped
 * back, none.
 */
#include "pagetable.h"

#define LENGTH KiB(64)

struct raw {
	char *gpu_va;
	uint64_t handle;
	uint64_t offset;
};

static int kfd, drm;
static uint32_t gpu_id;

static void raw_alloc(struct raw *raw, char *va, uint32_t memory)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args alloc = {
		.va_addr = (uintptr_t)va,
		.size = LENGTH,
		.gpu_id = gpu_id,
		.flags = memory | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE |
			 KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC,
	};
	struct kfd_ioctl_map_memory_to_gpu_args map = {
		.device_ids_array_ptr = (uintptr_t)&gpu_id,
		.n_devices = 1,
	};

	ASSERT_EQ(svm_ioctl(kfd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc), 0);
	map.handle = alloc.handle;
	ASSERT_EQ(svm_ioctl(kfd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &map), 0);
	*raw = (struct raw){ va, alloc.handle, alloc.mmap_offset };
}

static void raw_free(struct raw *raw)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args unmap = {
		.handle = raw->handle,
		.device_ids_array_ptr = (uintptr_t)&gpu_id,
		.n_devices = 1,
	};
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = raw->handle };

	EXPECT_EQ(svm_ioctl(kfd, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &unmap), 0);
	EXPECT_EQ(svm_ioctl(kfd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args), 0);
}

static void cpu_map(struct raw *raw, char *at)
{
	void *p = mmap(at, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		       drm, raw->offset);

	ASSERT_EQ((uintptr_t)p, (uintptr_t)at);
}

static void check(struct pagetable *pt, uint32_t memory, enum place place)
{
	char *room = mmap(NULL, 4 * LENGTH, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *x = room, *y = room + 2 * LENGTH;
	struct identity seen;
	struct raw a, b;

	ASSERT_NE((uintptr_t)room, (uintptr_t)MAP_FAILED);
	raw_alloc(&a, x, memory);
	raw_alloc(&b, y, memory);

	cpu_map(&a, y);
	cpu_map(&b, x);
	EXPECT_EQ(identity_check(pt, "CPU has the other buffer", x, LENGTH,
				 place, &seen), LENGTH / PAGE);
	EXPECT_EQ(seen.different, LENGTH / PAGE);
	EXPECT_EQ(identity_check(pt, "CPU has the other buffer", y, LENGTH,
				 place, &seen), LENGTH / PAGE);

	cpu_map(&a, x);
	cpu_map(&b, y);
	EXPECT_EQ(identity_check(pt, "CPU has the same buffer", x, LENGTH,
				 place, &seen), 0);
	EXPECT_EQ(identity_check(pt, "taken for the wrong kind", x, LENGTH,
				 place == PLACE_GTT ? PLACE_VRAM : PLACE_GTT,
				 &seen), LENGTH / PAGE);
	munmap(room, 4 * LENGTH);
	raw_free(&a);
	raw_free(&b);
}

/* Memory that the GPU knows nothing of, and host memory at another address. */
static void check_host(struct pagetable *pt)
{
	char *cpu = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct identity seen;
	struct raw raw;

	ASSERT_NE((uintptr_t)cpu, (uintptr_t)MAP_FAILED);
	EXPECT_EQ(identity_check(pt, "not mapped to the GPU", cpu, LENGTH,
				 PLACE_HOST, &seen), LENGTH / PAGE);
	EXPECT_EQ(seen.unmapped, LENGTH / PAGE);
	raw_alloc(&raw, cpu, KFD_IOC_ALLOC_MEM_FLAGS_GTT);
	EXPECT_EQ(identity_check(pt, "GTT where the CPU has host memory", cpu,
				 LENGTH, PLACE_HOST, &seen), LENGTH / PAGE);
	raw_free(&raw);
	munmap(cpu, LENGTH);
}

static void test(void)
{
	int fd = svm_open();
	struct gpuqueue queue;
	struct pagetable pt;

	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	drm = render_open(gpu_id);
	ASSERT_GE(drm, 0);
	ASSERT_EQ(svm_acquire(fd, gpu_id, drm), 0);
	kfd = kfd_open();
	gpuqueue_open(&queue, fd, gpu_id);
	pagetable_open(&pt, &queue);
	check(&pt, KFD_IOC_ALLOC_MEM_FLAGS_GTT, PLACE_GTT);
	check(&pt, KFD_IOC_ALLOC_MEM_FLAGS_VRAM, PLACE_VRAM);
	check_host(&pt);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(kfd);
	close(drm);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
