// SPDX-License-Identifier: MIT
/*
 * An entry in the middle of a BATCH fails: the batch ends there with its error,
 * nothing before is undone, nothing after has happened, and the same structure
 * goes on from there. With ROCSVM_BATCH_CONTINUE it is a result like any other.
 */
#include "batch.h"

#define BAD 3

/* Four buffers; entry BAD frees what is not there. */
static void fill(struct batch *b, uint64_t base)
{
	b->count = 0;
	for (int i = 0; i < 5; i++) {
		if (i == BAD)
			batch_free(b, base + KiB(64));
		else
			batch_alloc(b, ROCSVM_KIND_HOST, base + 2 * i * PAGE, PAGE);
	}
}

static uint64_t num_buffers(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers;
}

static void stop_and_resume(struct batch *b, uint64_t base)
{
	uint32_t done = 0;

	fill(b, base);
	/* the second time it begins with the entry that failed */
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(batch_run(b, 0, &done), -ENOENT);
		EXPECT_EQ(done, BAD);
		EXPECT_EQ(batch_not(b, 0, BAD, 0), 0);
		EXPECT_EQ(b->entries[BAD].result, -ENOENT);
		EXPECT_EQ(b->entries[BAD + 1].result, NO_RESULT);
		EXPECT_EQ(num_buffers(b->fd), BAD);
	}
	for (int i = 0; i < BAD; i++)
		EXPECT_EQ(probe_write((void *)(uintptr_t)(base + 2 * i * PAGE)), 0);

	/* set right */
	b->args[BAD].free.va = base;
	EXPECT_EQ(batch_run(b, 0, &done), 0);
	EXPECT_EQ(done, b->count);
	EXPECT_EQ(batch_not(b, 0, b->count, 0), 0);
	EXPECT_EQ(num_buffers(b->fd), BAD);
	/* all done: nothing more happens */
	EXPECT_EQ(batch_run(b, 0, &done), 0);
	EXPECT_EQ(num_buffers(b->fd), BAD);
}

/* Or the entry is passed over. */
static void skip_the_entry(struct batch *b, uint64_t base)
{
	uint32_t done = 0;

	fill(b, base);
	EXPECT_EQ(batch_run(b, 0, &done), -ENOENT);
	done++;
	EXPECT_EQ(batch_run(b, 0, &done), 0);
	EXPECT_EQ(done, b->count);
	EXPECT_EQ(num_buffers(b->fd), BAD + 1);
}

static void go_on(struct batch *b, uint64_t base)
{
	uint32_t done = 0;

	fill(b, base);
	EXPECT_EQ(batch_run(b, ROCSVM_BATCH_CONTINUE, &done), 0);
	EXPECT_EQ(done, b->count);
	EXPECT_EQ(b->entries[BAD].result, -ENOENT);
	b->entries[BAD].result = 0;
	EXPECT_EQ(batch_not(b, 0, b->count, 0), 0);
	EXPECT_EQ(num_buffers(b->fd), BAD + 1);

	/* what fails for another reason in each entry */
	b->args[0].alloc.size = 1;
	b->args[1].alloc.kind = 99;
	b->entries[2].arg = 8;
	done = 0;
	EXPECT_EQ(batch_run(b, ROCSVM_BATCH_CONTINUE, &done), 0);
	EXPECT_EQ(done, b->count);
	EXPECT_EQ(b->entries[0].result, -EINVAL);
	EXPECT_EQ(b->entries[1].result, -EINVAL);
	EXPECT_EQ(b->entries[2].result, -EFAULT);
	EXPECT_EQ(b->entries[BAD].result, -ENOENT);
	EXPECT_EQ(b->entries[4].result, -EEXIST);
	EXPECT_EQ(num_buffers(b->fd), BAD + 1);
}

static void free_all(int fd)
{
	struct rocsvm_query query = { .flags = ROCSVM_QUERY_NEXT };

	while (!svm_query(fd, &query)) {
		ASSERT_EQ(svm_free(fd, (void *)(uintptr_t)query.va), 0);
		query = (struct rocsvm_query){ .flags = ROCSVM_QUERY_NEXT };
	}
}

static void test(void)
{
	int fd = svm_start();
	struct batch b;
	uint64_t base;

	batch_open(&b, fd, 8);
	base = free_room(fd, 32);
	stop_and_resume(&b, base);
	free_all(fd);
	skip_the_entry(&b, base);
	free_all(fd);
	go_on(&b, base);
	free_all(fd);
	batch_close(&b);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
