// SPDX-License-Identifier: MIT
/*
 * A list with a GPU whose VM is not acquired, or that does not exist: ALLOC,
 * MAP and UNMAP say so before anything is done, whatever the order. Buffers of
 * a GPU that is not acquired can't be had; acquired later, it is like the rest.
 */
#include "aperture.h"
#include "pagetable.h"

#define LENGTH KiB(64)

static int fd;
static uint32_t num_gpus, good, missing, unknown;
static struct gpuqueue queue;
static struct pagetable pt;

static void acquire(uint32_t gpu_id)
{
	int drm = render_open(gpu_id);

	ASSERT_GE(drm, 0);
	/* left open: closing it has KFD evict the process, see harness.c */
	ASSERT_EQ(svm_acquire(fd, gpu_id, drm), 0);
}

/* Neither in the books nor in the page tables. */
static void expect_gpus(const char *va, uint32_t n)
{
	EXPECT_EQ(query_at(fd, va).num_gpus, n);
	EXPECT_EQ(pages_mapped(&pt, va, LENGTH), n ? LENGTH / PAGE : 0);
}

static void lists(uint32_t kind, uint32_t bad)
{
	uint32_t list[][3] = {
		{ good, good, bad }, { good, bad, good }, { bad, good, good },
		{ bad, bad, bad },
	};
	char *va = svm_alloc(fd, kind, LENGTH);

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct rocsvm_alloc args = {
			.kind = kind,
			.gpu_id = good,
			.length = LENGTH,
			.gpu_ids = (uintptr_t)list[i],
			.num_gpus = 3,
		};
		struct rocsvm_info before = info_of(fd), after;
		char *maps = maps_text(0, 0, UINT64_MAX);

		EXPECT_EQ(svm_alloc_args(fd, &args), -ENODEV);
		after = info_of(fd);
		EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
		EXPECT(maps_same(0, 0, UINT64_MAX, maps));
		free(maps);

		EXPECT_EQ(svm_map(fd, va, list[i], 3), -ENODEV);
		expect_gpus(va, 0);
		EXPECT_EQ(svm_map(fd, va, &good, 1), 0);
		EXPECT_EQ(svm_map(fd, va, list[i], 3), -ENODEV);
		expect_gpus(va, 1);
		EXPECT_EQ(svm_unmap(fd, va, list[i], 3), -ENODEV);
		expect_gpus(va, 1);
		EXPECT_EQ(svm_unmap(fd, va, &good, 1), 0);
	}
	EXPECT_EQ(svm_free(fd, va), 0);
}

static int alloc_on(uint32_t kind, uint32_t gpu_id)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = gpu_id,
		.length = kind == ROCSVM_KIND_DOORBELL ? KiB(8) : PAGE,
	};
	int r = svm_alloc_args(fd, &args);

	if (!r)
		EXPECT_EQ(svm_free(fd, at(args.va)), 0);
	return r;
}

static void kinds_of(uint32_t gpu_id, int result)
{
	for (uint32_t kind = 1; kind <= ROCSVM_KIND_SCRATCH; kind++)
		if (kind != ROCSVM_KIND_ADDRESS)
			EXPECT_EQ(alloc_on(kind, gpu_id), result);
}

static void test(void)
{
	char *shared;

	fd = svm_open();
	ASSERT_GE(fd, 0);
	num_gpus = info_of(fd).num_gpus;
	ASSERT_GE(num_gpus, 2);
	good = svm_gpu(fd, 1);
	missing = svm_gpu(fd, 0);
	unknown = 12345;
	for (uint32_t i = 0; i < num_gpus; i++)
		unknown += svm_gpu(fd, i) == unknown;
	/* none is acquired: nothing at all */
	kinds_of(good, -ENODEV);
	acquire(good);
	EXPECT_EQ(info_of(fd).num_acquired, 1);
	gpuqueue_open(&queue, fd, good);
	pagetable_open(&pt, &queue);
	kinds_of(missing, -ENODEV);
	kinds_of(unknown, -ENODEV);
	kinds_of(good, 0);
	/* GPU 0 in ALLOC is one that is acquired */
	EXPECT_EQ(alloc_on(ROCSVM_KIND_HOST, 0), 0);
	EXPECT_EQ(alloc_on(ROCSVM_KIND_GTT, 0), 0);
	lists(ROCSVM_KIND_HOST, missing);
	lists(ROCSVM_KIND_HOST, unknown);
	lists(ROCSVM_KIND_GTT, missing);
	lists(ROCSVM_KIND_GTT, unknown);

	/* acquired late, it gets what was there before */
	shared = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	EXPECT_EQ(query_at(fd, shared).gpu_id, good);
	acquire(missing);
	EXPECT_EQ(info_of(fd).num_acquired, 2);
	EXPECT_EQ(svm_map(fd, shared, &missing, 1), 0);
	EXPECT_EQ(query_at(fd, shared).num_gpus, 1);
	EXPECT_EQ(svm_map(fd, shared, &good, 1), 0);
	EXPECT_EQ(query_at(fd, shared).num_gpus, 2);
	EXPECT_EQ(svm_free(fd, shared), 0);
	kinds_of(missing, 0);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	EXPECT_EQ(info_buffers(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
