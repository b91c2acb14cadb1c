// SPDX-License-Identifier: MIT
/*
 * max_buffers_per_space: buffers of every kind, address reservations and
 * imports count, and so do addresses in quarantine; the next one is -EDQUOT,
 * alone and in a batch, and the log says why. What is freed makes room.
 */
#include "batch.h"
#include "limit.h"

#define MAX 8

static const uint32_t kinds[] = {
	ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
	ROCSVM_KIND_PRIVATE_VRAM, ROCSVM_KIND_ADDRESS,
};

static void expect_full(int fd)
{
	void *va;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_EQ(svm_try_alloc(fd, kinds[i], PAGE, &va), -EDQUOT);
	EXPECT_EQ(info_buffers(fd), MAX);
	EXPECT_EQ(limit_usage("buffers"), MAX);
}

static void each_kind(int fd)
{
	void *va[MAX];

	for (size_t i = 0; i < MAX; i++)
		va[i] = svm_alloc(fd, kinds[i % ARRAY_SIZE(kinds)], PAGE);
	expect_full(fd);
	/* One makes room for one, whatever the kinds. */
	for (size_t i = 0; i < MAX; i++) {
		EXPECT_EQ(svm_free(fd, va[i]), 0);
		va[i] = svm_alloc(fd, kinds[(i + 1) % ARRAY_SIZE(kinds)], PAGE);
		expect_full(fd);
	}
	for (size_t i = 0; i < MAX; i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
	EXPECT_EQ(limit_usage("buffers"), 0);
}

/* A failure of another sort is no buffer. */
static void failures(int fd)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST, .flags = ROCSVM_ALLOC_FIXED,
		.va = PAGE, .length = PAGE,
	};
	struct rocsvm_alloc bad_gpu = {
		.kind = ROCSVM_KIND_GTT, .gpu_id = 1, .length = PAGE,
	};
	void *va;

	EXPECT_EQ(svm_alloc_args(fd, &args), -ERANGE);
	EXPECT_EQ(svm_alloc_args(fd, &bad_gpu), -ENODEV);
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_VRAM, TiB(1), &va), -ENOMEM);
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_ADDRESS, TiB(1024), &va), -ENOMEM);
	EXPECT_EQ(limit_usage("buffers"), 0);
}

static void batched(int fd)
{
	uint32_t done = 0;
	struct batch b;

	batch_open(&b, fd, MAX + 3);
	for (uint32_t i = 0; i < MAX + 3; i++)
		batch_alloc(&b, ROCSVM_KIND_ADDRESS, 0, PAGE);
	EXPECT_EQ(batch_run(&b, 0, &done), -EDQUOT);
	EXPECT_EQ(done, MAX);
	done = 0;
	for (uint32_t i = 0; i < MAX; i++)
		EXPECT_EQ(svm_free(fd, at(b.args[i].alloc.va)), 0);
	batch_close(&b);
}

static void imported(int fd)
{
	struct rocsvm_export export = {
		.size = sizeof(export),
		.va = (uintptr_t)svm_alloc(fd, ROCSVM_KIND_GTT, PAGE),
	};
	struct rocsvm_import import = { .size = sizeof(import) };

	ASSERT_EQ(svm_ioctl(fd, ROCSVM_EXPORT, &export), 0);
	import.fd = export.fd;
	for (int i = 1; i < MAX; i++) {
		import.va = 0;
		EXPECT_EQ(svm_ioctl(fd, ROCSVM_IMPORT, &import), 0);
	}
	import.va = 0;
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_IMPORT, &import), -EDQUOT);
	expect_full(fd);
	close(export.fd);
}

/* With memory of the program's own in the way FREE can't have the addresses. */
static void quarantined(int fd)
{
	void *va[MAX], *more;

	for (size_t i = 0; i < MAX; i++)
		va[i] = svm_alloc(fd, ROCSVM_KIND_GTT, PAGE);
	ASSERT_EQ(SYS(munmap(va[0], PAGE)), 0);
	own_mapping((uintptr_t)va[0], PAGE, 1);
	EXPECT_EQ(svm_free(fd, va[0]), 0);
	EXPECT_EQ(info_quarantined(fd), PAGE);
	EXPECT_EQ(info_buffers(fd), MAX - 1);
	EXPECT_EQ(limit_usage("buffers"), MAX);
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_GTT, PAGE, &more), -EDQUOT);
	ASSERT_EQ(SYS(munmap(va[0], PAGE)), 0);
	va[0] = svm_alloc(fd, ROCSVM_KIND_GTT, PAGE);
	expect_full(fd);
	for (size_t i = 0; i < MAX; i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
}

/* Lowered below what there is: nothing is lost, and nothing is to be had. */
static void lowered(int fd)
{
	void *va[MAX];
	int r;

	for (size_t i = 0; i < MAX; i++)
		va[i] = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	limit_set("max_buffers_per_space", 1);
	for (size_t i = 0; i < MAX; i++) {
		limit_reserve(fd, &r);
		EXPECT_EQ(r, -EDQUOT);
		EXPECT_EQ(find_not(va[i], 0, PAGE), -1);
		EXPECT_EQ(svm_free(fd, va[i]), 0);
	}
	limit_set("max_buffers_per_space", 0);
	limit_reserve(fd, &r);
	EXPECT_EQ(r, -EDQUOT);
	limit_set("max_buffers_per_space", MAX);
}

static void test(void)
{
	int log, fd;

	limit_quiet();
	log = klog_open();
	limit_set("max_buffers_per_space", MAX);
	fd = svm_start();
	each_kind(fd);
	limit_expect_named(log, "max_buffers_per_space");
	failures(fd);
	batched(fd);
	quarantined(fd);
	lowered(fd);
	imported(fd);
	/* What the close frees makes room, too. */
	close(fd);
	EXPECT_EQ(limit_usage("buffers"), 0);
	/* A closed space is kept for as long as KFD keeps its GPUs bound. */
	EXPECT_EQ(limit_usage("spaces"), 1);
}

int main(void)
{
	return window_main(test);
}
