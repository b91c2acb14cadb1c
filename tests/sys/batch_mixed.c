// SPDX-License-Identifier: MIT
/*
 * One BATCH allocates, maps, unmaps and frees buffers of several kinds, in the
 * order of its entries; CPU and GPU then see what single calls would have made.
 */
#include "batch.h"
#include "pagetable.h"

#define LENGTH KiB(64)
#define STRIDE KiB(128)
#define TAG 0x7a67

static const uint32_t kinds[] = {
	ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
	ROCSVM_KIND_PRIVATE_VRAM,
};

#define NUM ARRAY_SIZE(kinds)

/* Three rounds of all kinds: the first stays mapped, the second not. */
static void fill(struct batch *b, uint64_t base)
{
	for (size_t i = 0; i < 3 * NUM; i++) {
		uint64_t va = base + i * STRIDE;

		batch_alloc(b, kinds[i % NUM], va, LENGTH)->tag = TAG + i;
		batch_map(b, ROCSVM_MAP, va);
		if (i < NUM)
			continue;
		batch_map(b, ROCSVM_UNMAP, va);
		if (i >= 2 * NUM)
			batch_free(b, va);
	}
}

static void check_round(struct pagetable *pt, int fd, uint64_t base, size_t n)
{
	for (size_t i = n * NUM; i < (n + 1) * NUM; i++) {
		char *va = (char *)(uintptr_t)(base + i * STRIDE);
		struct rocsvm_query query = { .va = (uintptr_t)va };

		EXPECT_EQ(pages_mapped(pt, va, LENGTH), n ? 0 : LENGTH / PAGE);
		EXPECT_EQ(svm_query(fd, &query), n == 2 ? -ENOENT : 0);
		if (n == 2) {
			EXPECT_NE(probe_read(va), 0);
			continue;
		}
		EXPECT_EQ(query.kind, kinds[i % NUM]);
		EXPECT_EQ(query.tag, TAG + i);
		EXPECT_EQ(query.num_gpus, !n);
		if (query.kind != ROCSVM_KIND_PRIVATE_VRAM) {
			EXPECT_EQ(find_not(va, 0, LENGTH), -1);
			pattern_fill(va, LENGTH, i);
		}
	}
}

static void test(void)
{
	int fd = svm_start();
	struct rocsvm_info before, after;
	struct gpuqueue queue;
	struct pagetable pt;
	uint32_t done = 0;
	struct batch b;
	uint64_t base;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	batch_open(&b, fd, 64);
	base = free_room(fd, 3 * NUM * STRIDE / PAGE);
	ASSERT_EQ(svm_info(fd, &before), 0);
	fill(&b, base);
	EXPECT_EQ(batch_run(&b, 0, &done), 0);
	EXPECT_EQ(done, b.count);
	EXPECT_EQ(batch_not(&b, 0, b.count, 0), 0);

	ASSERT_EQ(svm_info(fd, &after), 0);
	EXPECT_EQ(after.num_buffers, before.num_buffers + 2 * NUM);
	for (size_t n = 0; n < 3; n++)
		check_round(&pt, fd, base, n);
	/* the GPU copies from one buffer of the batch to another */
	EXPECT_EQ(gpuqueue_copy(&queue, (void *)(uintptr_t)(base + STRIDE),
				(void *)(uintptr_t)base, LENGTH), 0);
	EXPECT_EQ(pattern_differs((void *)(uintptr_t)(base + STRIDE), LENGTH, 0),
		  -1);

	b.count = done = 0;
	for (size_t i = 0; i < 2 * NUM; i++)
		batch_free(&b, base + i * STRIDE);
	EXPECT_EQ(batch_run(&b, 0, &done), 0);
	ASSERT_EQ(svm_info(fd, &after), 0);
	EXPECT_EQ(after.num_buffers, before.num_buffers);
	batch_close(&b);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
