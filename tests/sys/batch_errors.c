// SPDX-License-Identifier: MIT
/*
 * What BATCH does not take, and what it says of entries that it can't read or
 * can't write to: how many are done is right in every case.
 */
#include "batch.h"

static uint64_t num_buffers(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers;
}

static void bad_values(struct batch *b)
{
	struct rocsvm_batch args = {
		.size = sizeof(args),
		.entries = (uintptr_t)b->entries,
	};

	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), 0);
	args.flags = 2;
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), -EOPNOTSUPP);
	args.flags = 0;
	args.num_entries = 65537;
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), -EINVAL);
	args.num_entries = 0xffffffff;
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), -EINVAL);
	args.num_entries = 1;
	args.num_done = 2;
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), -EINVAL);
	EXPECT_EQ(args.num_done, 2);
	args.size = sizeof(args) - 8;
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), -EINVAL);
}

/* Two good entries round the bad one. */
static void other_commands(struct batch *b, uint64_t va)
{
	static const uint32_t cmds[] = {
		ROCSVM_INFO, ROCSVM_QUERY, ROCSVM_RESERVE, ROCSVM_BATCH,
		ROCSVM_EXPORT, ROCSVM_IMPORT, ROCSVM_REGISTER, ROCSVM_SVM_ATTR,
		AMDKFD_IOC_GET_VERSION, 0, 0xffffffff,
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cmds); i++) {
		uint32_t flags = i % 2 ? ROCSVM_BATCH_CONTINUE : 0, done = 0;

		b->count = 0;
		batch_alloc(b, ROCSVM_KIND_HOST, va, PAGE);
		batch_add(b, cmds[i / 2]);
		batch_free(b, va);
		EXPECT_EQ(batch_run(b, flags, &done), -EINVAL);
		EXPECT_EQ(done, 1);
		EXPECT_EQ(b->entries[1].result, NO_RESULT);
		EXPECT_EQ(b->entries[2].result, NO_RESULT);
		done = 2;
		EXPECT_EQ(batch_run(b, flags, &done), 0);
	}
}

/* Entries at the end of a page behind which there is none. */
static void unreadable_entry(struct batch *b, char *page, uint64_t va)
{
	uint32_t done = 0;
	struct batch at_end = *b;

	b->count = 0;
	batch_alloc(b, ROCSVM_KIND_HOST, va, PAGE);
	batch_alloc(b, ROCSVM_KIND_HOST, va + 2 * PAGE, PAGE);
	at_end.entries = (void *)(page + PAGE - 2 * sizeof(*b->entries));
	memcpy(at_end.entries, b->entries, 2 * sizeof(*b->entries));
	at_end.count = 3;
	EXPECT_EQ(batch_run(&at_end, ROCSVM_BATCH_CONTINUE, &done), -EFAULT);
	EXPECT_EQ(done, 2);
	EXPECT_EQ(batch_not(&at_end, 0, 2, 0), 0);
	EXPECT_EQ(num_buffers(b->fd), 2);
	EXPECT_EQ(svm_free(b->fd, (void *)(uintptr_t)va), 0);
	EXPECT_EQ(svm_free(b->fd, (void *)(uintptr_t)(va + 2 * PAGE)), 0);
}

/* The call has happened, its result has no place. */
static void unwritable_result(struct batch *b, char *page, uint64_t va)
{
	struct batch read_only = *b;
	uint32_t done = 0;

	b->count = 0;
	batch_alloc(b, ROCSVM_KIND_HOST, va, PAGE);
	batch_free(b, va);
	memcpy(page, b->entries, 2 * sizeof(*b->entries));
	ASSERT_EQ(SYS(mprotect(page, PAGE, PROT_READ)), 0);
	read_only.entries = (void *)page;
	read_only.count = 2;
	EXPECT_EQ(batch_run(&read_only, 0, &done), -EFAULT);
	EXPECT_EQ(done, 0);
	EXPECT_EQ(num_buffers(b->fd), 1);
	ASSERT_EQ(SYS(mprotect(page, PAGE, PROT_READ | PROT_WRITE)), 0);
	EXPECT_EQ(read_only.entries[0].result, NO_RESULT);
	EXPECT_EQ(svm_free(b->fd, (void *)(uintptr_t)va), 0);
}

/* How far it got could not be told: then nothing happens. */
static void unwritable_batch(struct batch *b, char *page, uint64_t va)
{
	struct rocsvm_batch *args = (void *)page;

	b->count = 0;
	batch_alloc(b, ROCSVM_KIND_HOST, va, PAGE);
	*args = (struct rocsvm_batch){
		.size = sizeof(*args),
		.entries = (uintptr_t)b->entries,
		.num_entries = 1,
	};
	ASSERT_EQ(SYS(mprotect(page, PAGE, PROT_READ)), 0);
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, args), -EFAULT);
	EXPECT_EQ(num_buffers(b->fd), 0);
	EXPECT_EQ(b->entries[0].result, NO_RESULT);
	ASSERT_EQ(SYS(mprotect(page, PAGE, PROT_READ | PROT_WRITE)), 0);
	EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, args), 0);
	EXPECT_EQ(args->num_done, 1);
	EXPECT_EQ(svm_free(b->fd, (void *)(uintptr_t)va), 0);
}

static void bad_pointers(struct batch *b)
{
	static const uint64_t pointers[] = {
		0, 8, 1ull << 47, ~0ull - 7, 0xffff888000000000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		struct rocsvm_batch args = {
			.size = sizeof(args),
			.entries = pointers[i],
			.num_entries = 65536,
			.num_done = 65535,
		};

		EXPECT_EQ(svm_ioctl(b->fd, ROCSVM_BATCH, &args), -EFAULT);
		EXPECT_EQ(args.num_done, 65535);
	}
}

static void test(void)
{
	int fd = svm_start();
	struct batch b;
	uint64_t va;
	char *page;

	batch_open(&b, fd, 4);
	va = free_room(fd, 8);
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(page != MAP_FAILED);
	ASSERT_EQ(SYS(munmap(page + PAGE, PAGE)), 0);
	bad_values(&b);
	other_commands(&b, va);
	unreadable_entry(&b, page, va);
	unwritable_result(&b, page, va);
	unwritable_batch(&b, page, va);
	bad_pointers(&b);
	EXPECT_EQ(num_buffers(fd), 0);
	batch_close(&b);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
