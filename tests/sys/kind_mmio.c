// SPDX-License-Identifier: MIT
/*
 * The MMIO-remap kind is the page of registers that programs may have: CPU and
 * GPU get the same page of the register BAR. In both apertures.
 */
#include "kind.h"

static int fd;
static struct gpuqueue queue;
static struct pagetable pt;

/* The register at this offset of the BAR, as the driver sees it. */
static uint32_t driver_reads(uint64_t offset)
{
	uint32_t value;

	ASSERT_EQ(pread(pt.regs, &value, 4, offset), 4);
	return value;
}

static void check(const char *what)
{
	volatile uint32_t *va;
	uint64_t start, end, offset;
	struct rocsvm_query query;
	struct gpu_pte pte;
	void *p = NULL;

	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_MMIO_REMAP, PAGE, 0, &p), 0);
	va = p;
	query = query_at(fd, p);
	EXPECT_EQ(query.kind, ROCSVM_KIND_MMIO_REMAP);
	EXPECT_EQ(query.length, PAGE);
	EXPECT_EQ(query.gpu_id, queue.gpu_id);
	ASSERT_EQ(svm_map_all(fd, p), 0);
	pte = leaf_at(&pt, p);
	bar_range(queue.gpu_id, REGISTER_BAR, &start, &end);
	say("%s: register BAR %lx..%lx, leaf %016lx", what, start, end, pte.entry);
	EXPECT(pte.system);
	EXPECT_GE(pte.address, start);
	EXPECT_LT(pte.address, end);
	EXPECT_EQ(pte.span, PAGE);

	/* the CPU's page is that page of the BAR */
	offset = (pte.address & ~(PAGE - 1)) - start;
	for (int i = 4; i < 8; i++) {
		va[i] = 0xabcd0000 + i;
		EXPECT_EQ(va[i], 0xabcd0000 + i);
		EXPECT_EQ(driver_reads(offset + 4 * i), 0xabcd0000 + i);
		va[i] = 0;
		EXPECT_EQ(driver_reads(offset + 4 * i), 0);
	}
	EXPECT_DEAD((char *)p + PAGE);
	EXPECT_EQ(svm_unmap_all(fd, p), 0);
	EXPECT_EQ(pages_mapped(&pt, p, PAGE), 0);
	EXPECT_EQ(svm_free(fd, p), 0);
	EXPECT_DEAD(p);

	/* and once more at a given address */
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_MMIO_REMAP, PAGE, 0, (uintptr_t)p),
		  0);
	ASSERT_EQ(svm_map_all(fd, p), 0);
	EXPECT_EQ(leaf_at(&pt, p).address, pte.address);
	EXPECT_EQ(svm_free(fd, p), 0);
}

static void test(void)
{
	fd = window_start();
	for (int i = 0; i < 2; i++) {
		if (i)
			ASSERT_EQ(aperture_choose_mmap(fd), 0);
		gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
		pagetable_open(&pt, &queue);
		check(i ? "mmap aperture" : "window");
		pagetable_close(&pt);
		gpuqueue_close(&queue);
		EXPECT_EQ(info_buffers(fd), 0);
		EXPECT_EQ(info_quarantined(fd), 0);
		EXPECT_EQ(maps_named(0, "kfd"), 0);
	}
	close(fd);
}

int main(void)
{
	return test_main(test);
}
