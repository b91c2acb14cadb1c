// SPDX-License-Identifier: MIT
/*
 * Ten thousand calls of all four kinds in one BATCH: every one has its result,
 * and what is left is exactly what they leave.
 */
#include "batch.h"

/* Calls a buffer. In the end each of them lives and is mapped nowhere. */
#define GROUP 5

static uint32_t fill(struct batch *b, uint64_t base)
{
	uint32_t buffers = 0;

	while (b->count + GROUP <= b->room) {
		uint64_t va = base + buffers * 2 * PAGE;

		batch_alloc(b, buffers % 4 ? ROCSVM_KIND_HOST : ROCSVM_KIND_GTT,
			    va, PAGE);
		batch_map(b, ROCSVM_MAP, va);
		if (buffers % 3) {
			batch_map(b, ROCSVM_UNMAP, va);
			batch_map(b, ROCSVM_MAP, va);
			batch_map(b, ROCSVM_UNMAP, va);
		} else {
			batch_map(b, ROCSVM_UNMAP, va);
			batch_free(b, va);
			batch_alloc(b, ROCSVM_KIND_HOST, va, PAGE);
		}
		buffers++;
	}
	return buffers;
}

static void test(void)
{
	int fd = svm_start();
	uint32_t calls = scaled(10000, 500), done = 0, buffers;
	struct rocsvm_info info;
	struct batch b;
	uint64_t base;

	batch_open(&b, fd, calls);
	base = free_room(fd, calls);
	buffers = fill(&b, base);
	ASSERT_EQ(b.count, calls);
	EXPECT_EQ(batch_run(&b, 0, &done), 0);
	EXPECT_EQ(done, calls);
	EXPECT_EQ(batch_not(&b, 0, calls, 0), 0);
	say("%u calls, %u buffers", calls, buffers);

	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, buffers);
	EXPECT_EQ(info.buffer_bytes, buffers * PAGE);
	for (uint32_t i = 0; i < buffers; i++) {
		struct rocsvm_query query = { .va = base + i * 2 * PAGE };

		ASSERT_EQ(svm_query(fd, &query), 0);
		ASSERT_EQ(query.va, base + i * 2 * PAGE);
		ASSERT_EQ(query.num_gpus, 0);
		ASSERT_EQ(query.kind, i % 4 || i % 3 == 0 ? ROCSVM_KIND_HOST :
							    ROCSVM_KIND_GTT);
		ASSERT_EQ(probe_write((void *)(uintptr_t)query.va), 0);
	}
	b.count = done = 0;
	for (uint32_t i = 0; i < buffers; i++)
		batch_free(&b, base + i * 2 * PAGE);
	EXPECT_EQ(batch_run(&b, 0, &done), 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 0);
	batch_close(&b);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
