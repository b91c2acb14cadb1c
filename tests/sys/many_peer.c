// SPDX-License-Identifier: MIT
/*
 * VRAM on other GPUs than its own. Where KFD allows no access between peers
 * its refusal is handed on as it is, and nothing is half done: whatever the
 * order of the list, no GPU that did not have the buffer has it afterwards, and
 * each that had it has it still; by the page tables of all GPUs and by QUERY.
 */
#include "many.h"

#define LENGTH KiB(256)

static int kfd;

/* What KFD itself says of mapping GPU 0's VRAM to GPU 1. */
static int kfd_refusal(void)
{
	char *room = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_NORESERVE, -1, 0);
	struct kfd_ioctl_alloc_memory_of_gpu_args alloc = {
		.va_addr = (uintptr_t)room,
		.size = LENGTH,
		.gpu_id = gpu_id[0],
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_VRAM |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	struct kfd_ioctl_map_memory_to_gpu_args map = {
		.device_ids_array_ptr = (uintptr_t)&gpu_id[1],
		.n_devices = 1,
	};
	struct kfd_ioctl_free_memory_of_gpu_args release;
	int r;

	ASSERT_NE((uintptr_t)room, (uintptr_t)MAP_FAILED);
	ASSERT_EQ(svm_ioctl(kfd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc), 0);
	map.handle = alloc.handle;
	r = svm_ioctl(kfd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &map);
	if (!r)
		test_skip("this kernel has access between peers");
	release.handle = alloc.handle;
	EXPECT_EQ(svm_ioctl(kfd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &release), 0);
	munmap(room, LENGTH);
	return r;
}

static char *alloc_on(uint32_t kind, uint32_t gpu, const uint32_t *ids,
		      uint32_t n, int result)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = gpu_id[gpu],
		.length = kind == ROCSVM_KIND_DOORBELL ? KiB(8) :
			  kind == ROCSVM_KIND_MMIO_REMAP ? PAGE : LENGTH,
		.gpu_ids = (uintptr_t)ids,
		.num_gpus = n,
	};

	EXPECT_EQ(svm_alloc_args(fd, &args), result);
	return result ? NULL : at(args.va);
}

/* All lists that have the own GPU and others, in every rotation. */
static void lists(uint32_t kind, uint32_t own, int refusal)
{
	uint64_t length = kind == ROCSVM_KIND_DOORBELL ? KiB(8) :
			  kind == ROCSVM_KIND_MMIO_REMAP ? PAGE : LENGTH;
	char *va = alloc_on(kind, own, NULL, 0, 0);
	uint32_t list[SVM_MAX_GPUS];

	for (uint32_t turn = 0; turn < num_gpus; turn++) {
		for (uint32_t i = 0; i < num_gpus; i++)
			list[i] = gpu_id[(turn + i) % num_gpus];
		EXPECT_EQ(svm_map(fd, va, list, num_gpus), refusal);
		expect_mapped(va, length, 0u);

		/* mapped to its own before, it stays so */
		EXPECT_EQ(svm_map(fd, va, &gpu_id[own], 1), 0);
		EXPECT_EQ(svm_map(fd, va, list, num_gpus), refusal);
		expect_mapped(va, length, 1u << own);
		EXPECT_EQ(svm_unmap(fd, va, &gpu_id[own], 1), 0);
		expect_mapped(va, length, 0u);
	}
	for (uint32_t i = 0; i < num_gpus; i++) {
		EXPECT_EQ(svm_map(fd, va, &gpu_id[i], 1), i == own ? 0 : refusal);
		expect_mapped(va, length, i >= own ? 1u << own : 0u);
	}
	EXPECT_EQ(svm_free(fd, va), 0);
}

/* ALLOC with such a list leaves no buffer, no memory and no address taken. */
static void alloc_with_list(uint32_t kind, uint32_t own, int refusal)
{
	uint64_t available = kfd_available(fd, gpu_id[own]);
	struct rocsvm_info before = info_of(fd), after;
	char *maps = maps_text(0, 0, UINT64_MAX);

	alloc_on(kind, own, gpu_id, num_gpus, refusal);
	after = info_of(fd);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
	EXPECT(maps_same(0, 0, UINT64_MAX, maps));
	EXPECT(EVENTUALLY(kfd_available(fd, gpu_id[own]) == available, 10000));
	free(maps);
}

static void all(int refusal)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_VRAM, ROCSVM_KIND_PRIVATE_VRAM,
		ROCSVM_KIND_DOORBELL, ROCSVM_KIND_MMIO_REMAP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (uint32_t own = 0; own < num_gpus; own++) {
			say("kind %u of GPU %u", kinds[i], own);
			lists(kinds[i], own, refusal);
			alloc_with_list(kinds[i], own, refusal);
		}
}

static void test(void)
{
	int refusal;

	fd = window_start();
	kfd = kfd_open();
	many_open();
	refusal = kfd_refusal();
	say("KFD says %d", refusal);
	all(refusal);
	many_close();
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	many_open();
	all(refusal);
	many_close();
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	close(fd);
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
