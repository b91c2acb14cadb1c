// SPDX-License-Identifier: MIT
/*
 * The doorbell kind is the process's doorbell pages of a GPU: the GPU's page
 * tables lead to the doorbell BAR, and what the CPU writes to the buffer rings
 * the queue that has that doorbell. In both apertures.
 */
#include "kind.h"

static int fd;
static struct gpuqueue queue;
static struct pagetable pt;

static char *alloc(void)
{
	void *va = NULL;

	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_DOORBELL, DOORBELL_LENGTH, 0, &va),
		  0);
	return va;
}

/* Contiguous in the BAR, at a multiple of what a process has of it. */
static uint64_t check_leaves(const char *va)
{
	struct gpu_pte first = leaf_at(&pt, va), second = leaf_at(&pt, va + PAGE);
	uint64_t start, end;

	bar_range(queue.gpu_id, DOORBELL_BAR, &start, &end);
	say("doorbell BAR %lx..%lx, leaves %016lx %016lx", start, end,
	    first.entry, second.entry);
	EXPECT(first.system);
	EXPECT(second.system);
	EXPECT(first.writable);
	EXPECT(!first.executable);
	EXPECT_GE(first.address, start);
	EXPECT_LT(first.address, end);
	EXPECT_EQ((first.address - start) % DOORBELL_LENGTH, 0);
	EXPECT_EQ(second.address, first.address + PAGE);
	return first.address;
}

/* The queue's bell, rung through the buffer in place of KFD's own mapping. */
static void ring(char *va)
{
	size_t offset = (char *)queue.sdma.doorbell -
			(char *)queue.sdma.doorbell_page;
	volatile uint64_t *own = queue.sdma.doorbell;
	char *from = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	char *to = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	int r = 0;

	ASSERT_LT(offset, DOORBELL_LENGTH);
	ASSERT_EQ(svm_map_all(fd, from), 0);
	ASSERT_EQ(svm_map_all(fd, to), 0);
	pattern_fill(from, KiB(64), 11);
	/*
	 * Rung in ordinary memory the queue does not hear it, but when KFD just
	 * then maps it anew, for reasons of its own.
	 */
	queue.sdma.doorbell = queue.beacon;
	for (int i = 0; i < 10 && !r; i++)
		r = gpuqueue_copy_within(&queue, to, from, KiB(64), 300);
	EXPECT_EQ(r, -ETIMEDOUT);
	queue.sdma.doorbell = (volatile uint64_t *)(va + offset);
	EXPECT_EQ(gpuqueue_copy(&queue, to, from, KiB(64)), 0);
	EXPECT_EQ(pattern_differs(to, KiB(64), 11), -1);
	EXPECT_EQ(gpuqueue_nop(&queue), 0);
	queue.sdma.doorbell = own;
	EXPECT_EQ(svm_free(fd, from), 0);
	EXPECT_EQ(svm_free(fd, to), 0);
}

static void check(const char *what)
{
	struct rocsvm_query query;
	uint64_t address;
	char *va, *again;

	say("%s", what);
	va = alloc();
	query = query_at(fd, va + PAGE);
	EXPECT_EQ(query.va, (uintptr_t)va);
	EXPECT_EQ(query.length, DOORBELL_LENGTH);
	EXPECT_EQ(query.kind, ROCSVM_KIND_DOORBELL);
	EXPECT_EQ(query.gpu_id, queue.gpu_id);
	EXPECT_EQ(query.num_gpus, 0);
	EXPECT_EQ(pages_mapped(&pt, va, DOORBELL_LENGTH), 0);
	ASSERT_EQ(svm_map(fd, va, &queue.gpu_id, 1), 0);
	address = check_leaves(va);
	EXPECT_DEAD(va + DOORBELL_LENGTH);
	ring(va);
	EXPECT_EQ(svm_unmap_all(fd, va), 0);
	EXPECT_EQ(pages_mapped(&pt, va, DOORBELL_LENGTH), 0);
	/* the GPU's mapping is no matter of the CPU's */
	ring(va);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_DEAD(va);
	EXPECT_DEAD(va + PAGE);
	EXPECT_EQ(gpuqueue_nop(&queue), 0);

	/* the pages are the process's: the same ones again, also twice at once */
	va = alloc();
	again = alloc();
	ASSERT_EQ(svm_map_all(fd, va), 0);
	ASSERT_EQ(svm_map_all(fd, again), 0);
	EXPECT_EQ(check_leaves(va), address);
	EXPECT_EQ(check_leaves(again), address);
	ring(va);
	ring(again);
	EXPECT_EQ(svm_free(fd, va), 0);
	ring(again);
	EXPECT_EQ(svm_free(fd, again), 0);
}

static void open_queue(void)
{
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
}

static void close_queue(void)
{
	pagetable_close(&pt);
	gpuqueue_close(&queue);
}

static void test(void)
{
	fd = window_start();
	open_queue();
	check("window");
	close_queue();
	EXPECT_EQ(info_quarantined(fd), 0);
	EXPECT_EQ(maps_named(0, "kfd"), 0);
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	open_queue();
	check("mmap aperture");
	close_queue();
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	EXPECT_EQ(maps_named(0, "kfd"), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
