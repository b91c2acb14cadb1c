// SPDX-License-Identifier: MIT
/*
 * AQL ring memory: the second half of the addresses shows the first half's
 * memory, to the CPU and to the GPU, so that a packet may be written past the
 * ring's end. Only GTT and VRAM can do that, and only in halves of pages.
 */
#include "kind.h"

static int fd;
static struct gpuqueue queue;
static struct pagetable pt;

#define AQL ROCSVM_ALLOC_AQL_QUEUE

/* Both halves at the same pages, and no two pages alike. */
static void check_leaves(char *va, uint64_t half, bool system)
{
	int vmid = pagetable_vmid(&pt);
	size_t wrong = 0;
	uint64_t last = 0;

	for (uint64_t offset = 0; offset < half; offset += PAGE) {
		struct gpu_pte first, second;

		ASSERT(pagetable_walk(&pt, vmid, (uintptr_t)va + offset, &first));
		ASSERT(pagetable_walk(&pt, vmid, (uintptr_t)va + half + offset,
				      &second));
		wrong += first.address != second.address ||
			 first.system != system || second.system != system ||
			 first.address == last;
		last = first.address;
	}
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(pages_mapped(&pt, va, 2 * half), 2 * half / PAGE);
	EXPECT_EQ(pages_mapped(&pt, va + 2 * half, PAGE), 0);
}

/* What is written at one address is read at the other, by either side. */
static void check_bytes(char *va, uint64_t half)
{
	char *source = svm_alloc(fd, ROCSVM_KIND_HOST, half);

	EXPECT_EQ(find_not(va, 0, 2 * half), -1);
	pattern_fill(va + half, half, 21);
	EXPECT_EQ(pattern_differs(va, half, 21), -1);
	memset(va, 0, half);
	EXPECT_EQ(find_not(va + half, 0, half), -1);

	/* over the ring's end, in one go */
	memset(va + half - 32, 0x5a, 64);
	EXPECT_EQ(find_not(va, 0x5a, 32), -1);
	EXPECT_EQ(find_not(va + 2 * half - 32, 0x5a, 32), -1);
	EXPECT_EQ(find_not(va + 32, 0, half - 64), -1);

	ASSERT_EQ(svm_map_all(fd, source), 0);
	pattern_fill(source, half, 22);
	EXPECT_EQ(gpuqueue_copy(&queue, va + half / 2, source, half), 0);
	EXPECT_EQ(memcmp(va, source + half / 2, half / 2), 0);
	EXPECT_EQ(memcmp(va + half / 2, source, half / 2), 0);
	EXPECT_EQ(memcmp(va + half, va, half), 0);
	EXPECT_EQ(svm_free(fd, source), 0);
}

static void check(uint32_t kind, uint64_t length)
{
	uint64_t available = kfd_available(fd, queue.gpu_id);
	struct rocsvm_query query;
	void *p = NULL;
	char *va;

	say("kind %u, 0x%lx bytes", kind, length);
	ASSERT_EQ(alloc_flags(fd, kind, length, AQL | ROCSVM_ALLOC_EXECUTABLE,
			      &p), 0);
	va = p;
	if (kind == ROCSVM_KIND_VRAM && length >= MiB(4)) {
		/* memory for half of it */
		EXPECT_LE(kfd_available(fd, queue.gpu_id), available - length / 2);
		EXPECT_GT(kfd_available(fd, queue.gpu_id), available - length);
	}
	query = query_at(fd, va + length - 1);
	EXPECT_EQ(query.va, (uintptr_t)va);
	EXPECT_EQ(query.length, length);
	EXPECT_EQ(query.kind, kind);
	EXPECT_EQ(query.alloc_flags, AQL | ROCSVM_ALLOC_EXECUTABLE);
	ASSERT_EQ(svm_map_all(fd, va), 0);
	check_leaves(va, length / 2, kind == ROCSVM_KIND_GTT);
	check_bytes(va, length / 2);
	EXPECT_DEAD(va + length);
	EXPECT_EQ(svm_unmap_all(fd, va), 0);
	EXPECT_EQ(pages_mapped(&pt, va, length), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_DEAD(va);
	EXPECT_DEAD(va + length / 2);
	EXPECT_DEAD(va + length - 1);
	EXPECT_EQ(info_quarantined(fd), 0);
	EXPECT(EVENTUALLY(kfd_available(fd, queue.gpu_id) == available, 10000));
	/* all of the addresses are free */
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_GTT, length, 0, (uintptr_t)va), 0);
	EXPECT_EQ(find_not(va, 0, length), -1);
	EXPECT_EQ(svm_free(fd, va), 0);
}

static void refused(uint32_t kind, uint64_t length)
{
	size_t vmas = maps_count(0);
	void *va = NULL;
	int r = alloc_flags(fd, kind, length, AQL, &va);

	if (r != -EINVAL)
		say("kind %u, 0x%lx bytes: %d", kind, length, r);
	EXPECT_EQ(r, -EINVAL);
	EXPECT_EQ(maps_count(0), vmas);
}

static void all(void)
{
	static const uint64_t lengths[] = {
		2 * PAGE, 4 * PAGE, 6 * PAGE, KiB(128), MiB(4),
	};
	static const uint32_t kinds[] = { ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM };
	uint64_t buffers;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	buffers = info_buffers(fd);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
			check(kinds[k], lengths[i]);
		refused(kinds[k], PAGE);
		refused(kinds[k], 1);
		refused(kinds[k], 3 * PAGE);
		refused(kinds[k], KiB(64) + 1);
	}
	refused(ROCSVM_KIND_HOST, KiB(64));
	refused(ROCSVM_KIND_HOST, MiB(4));
	refused(ROCSVM_KIND_DOORBELL, DOORBELL_LENGTH);
	refused(ROCSVM_KIND_ADDRESS, KiB(64));
	EXPECT_EQ(info_buffers(fd), buffers);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	EXPECT_EQ(info_quarantined(fd), 0);
}

static void test(void)
{
	fd = window_start();
	say("window");
	all();
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	say("mmap aperture");
	all();
	close(fd);
}

int main(void)
{
	return test_main(test);
}
