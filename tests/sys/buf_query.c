// SPDX-License-Identifier: MIT
/*
 * QUERY tells of a buffer what was asked for when it was made, from any
 * address inside it, and NEXT walks all of them in order.
 */
#include "window.h"

static int fd;
static uint32_t gpu_id;

static uint64_t check(uint32_t kind, uint64_t length, uint32_t flags)
{
	struct rocsvm_alloc args = {
		.kind = kind, .gpu_id = gpu_id, .length = length, .flags = flags,
	};
	uint64_t offsets[3], handle = 0;

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	offsets[0] = 0;
	offsets[1] = args.length / 2 + 1;
	offsets[2] = args.length - 1;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct rocsvm_query q = { .va = args.va + offsets[i] };

		EXPECT_EQ(svm_query(fd, &q), 0);
		EXPECT_EQ(q.va, args.va);
		EXPECT_EQ(q.length, args.length);
		EXPECT_EQ(q.kind, kind);
		EXPECT_EQ(q.gpu_id, gpu_id);
		EXPECT_EQ(q.alloc_flags, flags);
		EXPECT_EQ(q.num_gpus, 0);
		/* KFD's handles name their GPU */
		EXPECT_EQ(q.handle >> 32, gpu_id);
		if (i)
			EXPECT_EQ(q.handle, handle);
		handle = q.handle;
	}
	return args.va;
}

static void check_gpus(uint64_t va)
{
	uint32_t ids[4] = { 0, 0, 0, 0 };
	struct rocsvm_query q = {
		.va = va, .gpu_ids = (uintptr_t)ids, .num_gpus = ARRAY_SIZE(ids),
	};

	ASSERT_EQ(svm_map(fd, (void *)va, &gpu_id, 1), 0);
	EXPECT_EQ(svm_query(fd, &q), 0);
	EXPECT_EQ(q.num_gpus, 1);
	EXPECT_EQ(ids[0], gpu_id);
	EXPECT_EQ(ids[1], 0);

	/* no room: the number all the same, and nothing written */
	ids[0] = 0;
	q = (struct rocsvm_query){ .va = va, .gpu_ids = (uintptr_t)ids };
	EXPECT_EQ(svm_query(fd, &q), 0);
	EXPECT_EQ(q.num_gpus, 1);
	EXPECT_EQ(ids[0], 0);
}

/*
 * Addresses that wait to be taken back are no buffer, and are passed over. (In the
 * window: else the kernel places one below the other.)
 */
static void check_quarantined(void)
{
	char *gone = svm_alloc(fd, ROCSVM_KIND_GTT, PAGE);
	char *next = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	struct rocsvm_query q = {
		.flags = ROCSVM_QUERY_NEXT, .va = (uintptr_t)gone,
	};

	ASSERT_LT(gone, next);
	ASSERT_EQ(SYS(munmap(gone, PAGE)), 0);
	own_mapping((uintptr_t)gone, PAGE, 1);
	EXPECT_EQ(svm_free(fd, gone), 0);
	EXPECT_EQ(info_quarantined(fd), PAGE);
	EXPECT_EQ(svm_query(fd, &q), 0);
	EXPECT_EQ(q.va, (uintptr_t)next);
	q = (struct rocsvm_query){ .va = (uintptr_t)gone };
	EXPECT_EQ(svm_query(fd, &q), -ENOENT);
	ASSERT_EQ(SYS(munmap(gone, PAGE)), 0);
	EXPECT_EQ(svm_free(fd, next), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
}

static void test(void)
{
	uint64_t va[6], last = 0;
	struct rocsvm_query q = { .flags = ROCSVM_QUERY_NEXT };
	struct rocsvm_info info;
	size_t seen = 0;

	fd = svm_start();
	gpu_id = svm_gpu(fd, 0);
	EXPECT_EQ(svm_query(fd, &q), -ENOENT);
	ASSERT_EQ(svm_info(fd, &info), 0);
	if (info.aperture == ROCSVM_APERTURE_RESERVED)
		check_quarantined();
	va[0] = check(ROCSVM_KIND_HOST, KiB(64), 0);
	va[1] = check(ROCSVM_KIND_GTT, KiB(12), ROCSVM_ALLOC_COHERENT);
	va[2] = check(ROCSVM_KIND_VRAM, MiB(2), ROCSVM_ALLOC_EXECUTABLE);
	va[3] = check(ROCSVM_KIND_PRIVATE_VRAM, PAGE, ROCSVM_ALLOC_READONLY);
	va[4] = check(ROCSVM_KIND_HOST, MiB(4), ROCSVM_ALLOC_UNCACHED);
	va[5] = check(ROCSVM_KIND_HOST, PAGE, ROCSVM_ALLOC_EXECUTABLE);
	for (size_t i = 0; i < ARRAY_SIZE(va); i++)
		check_gpus(va[i]);

	q = (struct rocsvm_query){ .flags = ROCSVM_QUERY_NEXT };
	while (!svm_query(fd, &q)) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(va); i++)
			known |= va[i] == q.va;
		EXPECT(known);
		EXPECT_GT(q.va, last);
		last = q.va;
		seen++;
		q = (struct rocsvm_query){
			.flags = ROCSVM_QUERY_NEXT, .va = q.va + q.length,
		};
	}
	EXPECT_EQ(seen, ARRAY_SIZE(va));
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, ARRAY_SIZE(va));
	close(fd);
}

int main(void)
{
	return test_main(test);
}
