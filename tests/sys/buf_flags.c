// SPDX-License-Identifier: MIT
/*
 * READONLY and EXECUTABLE are what the GPU's page tables say, and QUERY tells
 * the flags.
 */
#include "pagetable.h"

static void check(struct pagetable *pt, int fd, uint32_t kind, uint32_t flags)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = svm_gpu(fd, 0),
		.flags = flags,
		.length = KiB(64),
	};
	struct rocsvm_query query = { 0 };
	struct gpu_pte pte;

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	query.va = args.va;
	ASSERT_EQ(svm_map_all(fd, (void *)(uintptr_t)args.va), 0);
	ASSERT(pagetable_walk(pt, pagetable_vmid(pt), args.va, &pte));
	say("kind %u flags %x: PTE %016lx", kind, flags, pte.entry);
	EXPECT_EQ(pte.writable, !(flags & ROCSVM_ALLOC_READONLY));
	EXPECT_EQ(pte.executable, !!(flags & ROCSVM_ALLOC_EXECUTABLE));
	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.alloc_flags, flags);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)args.va), 0);
}

static void test(void)
{
	static const uint32_t flags[] = {
		0, ROCSVM_ALLOC_READONLY, ROCSVM_ALLOC_EXECUTABLE,
		ROCSVM_ALLOC_READONLY | ROCSVM_ALLOC_EXECUTABLE,
		ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED,
	};
	int fd = svm_start();
	struct gpuqueue queue;
	struct pagetable pt;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	for (uint32_t kind = 1; kind <= 4; kind++)
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			check(&pt, fd, kind, flags[i]);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
