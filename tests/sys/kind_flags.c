// SPDX-License-Identifier: MIT
/*
 * What the flags of ALLOC are in the GPU's page tables of a gfx9 GPU: READONLY
 * and EXECUTABLE are the rights, COHERENT and UNCACHED both mean the memory
 * type UC in place of NC; system memory is snooped, VRAM is not. For every
 * kind, in both apertures, and QUERY tells the flags.
 */
#include "kind.h"

/* Bits of amdgpu_vm.h. */
#define PTE_SNOOPED (1ull << 2)
#define PTE_MTYPE(entry) ((entry) >> 57 & 3)
#define MTYPE_NC 0
#define MTYPE_UC 3

static int fd;
static struct gpuqueue queue;
static struct pagetable pt;

static void check(uint32_t kind, uint64_t length, uint32_t flags)
{
	bool vram = kind == ROCSVM_KIND_VRAM || kind == ROCSVM_KIND_PRIVATE_VRAM;
	bool uc = flags & (ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED);
	struct gpu_pte pte;
	void *va = NULL;

	ASSERT_EQ(alloc_flags(fd, kind, length, flags, &va), 0);
	EXPECT_EQ(query_at(fd, va).alloc_flags, flags);
	ASSERT_EQ(svm_map_all(fd, va), 0);
	pte = leaf_at(&pt, va);
	say("kind %u, 0x%lx bytes, flags %x: leaf %016lx", kind, length, flags,
	    pte.entry);
	EXPECT_EQ(pte.system, !vram);
	EXPECT_EQ(pte.writable, !(flags & ROCSVM_ALLOC_READONLY));
	EXPECT_EQ(pte.executable, !!(flags & ROCSVM_ALLOC_EXECUTABLE));
	EXPECT_EQ(PTE_MTYPE(pte.entry), uc ? MTYPE_UC : MTYPE_NC);
	EXPECT_EQ(!!(pte.entry & PTE_SNOOPED), !vram);
	/* the CPU's own rights are no matter of the flags */
	if (kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_EQ(probe_write(va), 0);
	/* the last page is no different */
	EXPECT_EQ(leaf_at(&pt, (char *)va + length - PAGE).entry >> 57 & 3,
		  PTE_MTYPE(pte.entry));
	EXPECT_EQ(svm_free(fd, va), 0);
}

/* A READONLY buffer can be read by the GPU, and is written by the CPU alone. */
static void readonly(void)
{
	char *to = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	void *va = NULL;

	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_HOST, KiB(64),
			      ROCSVM_ALLOC_READONLY, &va), 0);
	ASSERT_EQ(svm_map_all(fd, va), 0);
	ASSERT_EQ(svm_map_all(fd, to), 0);
	pattern_fill(va, KiB(64), 3);
	EXPECT_EQ(gpuqueue_copy(&queue, to, va, KiB(64)), 0);
	EXPECT_EQ(pattern_differs(to, KiB(64), 3), -1);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(svm_free(fd, to), 0);
}

static void all(void)
{
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	for (uint32_t bits = 0; bits < 16; bits++) {
		uint32_t flags = bits << 1;

		for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++)
			check(memory_kinds[i].kind, KiB(16), flags);
		check(ROCSVM_KIND_GTT, KiB(16), flags | ROCSVM_ALLOC_AQL_QUEUE);
		check(ROCSVM_KIND_VRAM, KiB(16), flags | ROCSVM_ALLOC_AQL_QUEUE);
		if (!debug_kernel() || bits % 5 == 0)
			check(ROCSVM_KIND_HOST, HUGE_PAGE, flags);
	}
	readonly();
	pagetable_close(&pt);
	gpuqueue_close(&queue);
}

static void test(void)
{
	struct rocsvm_alloc args = { .kind = ROCSVM_KIND_HOST, .length = PAGE };

	fd = window_start();
	ASSERT_EQ(ROCSVM_ALLOC_READONLY, 1 << 1);
	ASSERT_EQ(ROCSVM_ALLOC_UNCACHED, 1 << 4);
	all();
	/* IMPORTED is QUERY's to say; the rest is unknown */
	for (int bit = 6; bit < 32; bit++) {
		args.flags = 1u << bit;
		args.va = 0;
		EXPECT_EQ(svm_alloc_args(fd, &args), -EOPNOTSUPP);
	}
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	all();
	EXPECT_EQ(info_buffers(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
