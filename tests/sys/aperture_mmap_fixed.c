// SPDX-License-Identifier: MIT
/*
 * FIXED in the mmap aperture: exactly there, or -EEXIST where the program or
 * another buffer has something, guards included, and nothing of it is touched.
 */
#include "aperture.h"
#include "pagetable.h"

static int fd;

/* Free addresses, surely: what the kernel had free a moment ago. */
static uint64_t free_place(uint64_t length)
{
	void *p = mmap(NULL, length + GiB(1), PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT_NE((uintptr_t)p, (uintptr_t)MAP_FAILED);
	munmap(p, length + GiB(1));
	return ((uintptr_t)p + MiB(64)) & ~(HUGE_PAGE - 1);
}

static void exact(struct pagetable *pt)
{
	static const uint64_t lengths[] = { PAGE, KiB(68), HUGE_PAGE };

	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
			uint64_t va = free_place(GiB(1));
			size_t vmas = maps_count(0);

			ASSERT_EQ(alloc_fixed(fd, memory_kinds[i].kind,
					      lengths[k], 0, va), 0);
			EXPECT_EQ(query_at(fd, at(va)).va, va);
			ASSERT_EQ(svm_map_all(fd, at(va)), 0);
			EXPECT_EQ(pages_mapped(pt, at(va), lengths[k]),
				  lengths[k] / PAGE);
			if (memory_kinds[i].cpu)
				memset(at(va), 0x33, lengths[k]);
			EXPECT_DEAD(va - 1);
			EXPECT_DEAD(va + lengths[k]);
			EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, va),
				  -EEXIST);
			EXPECT_EQ(svm_free(fd, at(va)), 0);
			EXPECT_EQ(maps_count(0), vmas);
			/* what was freed can be had again, as zeros */
			ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, lengths[k],
					      0, va), 0);
			EXPECT_EQ(find_not(at(va), 0, lengths[k]), -1);
			EXPECT_EQ(svm_free(fd, at(va)), 0);
		}
	}
}

/*
 * The guards before a buffer are its own, also when the program has unmapped
 * its piece: what another buffer has there would go with it.
 */
static void front_guard(void)
{
	uint64_t va = free_place(GiB(1)) + MiB(1), guard = 16 * PAGE;
	struct rocsvm_alloc args = {
		.flags = ROCSVM_ALLOC_FIXED, .kind = ROCSVM_KIND_HOST,
		.va = va, .length = PAGE, .guard = guard,
	};

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	ASSERT_EQ(SYS(munmap(at(va - guard), 2 * guard + PAGE)), 0);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, va - 8 * PAGE),
		  -EEXIST);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, va - guard - PAGE),
		  -EEXIST);
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0,
			      va - guard - 2 * PAGE), 0);
	memset(at(va - guard - 2 * PAGE), 0x44, PAGE);
	EXPECT_EQ(svm_free(fd, at(va)), 0);
	EXPECT_EQ(find_not(at(va - guard - 2 * PAGE), 0x44, PAGE), -1);
	EXPECT_EQ(svm_free(fd, at(va - guard - 2 * PAGE)), 0);
}

static void expect_exists(const char *what, uint64_t va, uint64_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		int r = alloc_fixed(fd, memory_kinds[i].kind, length, 0, va);

		if (r != -EEXIST)
			say("%s, %s: %d", what, memory_kinds[i].name, r);
		EXPECT_EQ(r, -EEXIST);
	}
}

/* The program's memory, in all positions. */
static void occupied(void)
{
	uint64_t place = free_place(GiB(1)) + MiB(16);
	char *own = own_mapping(place, KiB(64), 0x5a);
	char *before = maps_text(0, 0, UINT64_MAX);

	expect_exists("at it", place, KiB(64));
	expect_exists("a page of it", place + PAGE, PAGE);
	expect_exists("ends in it", place - KiB(32), KiB(64));
	expect_exists("begins in it", place + KiB(32), KiB(64));
	expect_exists("round it", place - KiB(64), KiB(256));
	expect_exists("its guard in it", place - KiB(64), KiB(64));
	expect_exists("its front guard in it", place + KiB(64), KiB(64));
	EXPECT_EQ(find_not(own, 0x5a, KiB(64)), -1);
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	EXPECT_EQ(info_buffers(fd), 0);

	/* with a page between them */
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_GTT, KiB(64), 0,
			      place + KiB(64) + PAGE), 0);
	memset(at(place + KiB(64) + PAGE), 0x11, KiB(64));
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, KiB(64), 0,
			      place - KiB(64) - PAGE), 0);
	memset(at(place - KiB(64) - PAGE), 0x22, KiB(64));
	EXPECT_EQ(find_not(own, 0x5a, KiB(64)), -1);
	EXPECT_EQ(svm_free(fd, at(place + KiB(64) + PAGE)), 0);
	EXPECT_EQ(svm_free(fd, at(place - KiB(64) - PAGE)), 0);
	EXPECT_EQ(find_not(own, 0x5a, KiB(64)), -1);
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	munmap(own, KiB(64));
	free(before);
}

/* Beside the program itself: its text, heap, stack and libraries. */
static void program(void)
{
	int on_stack = 7;
	uint64_t places[] = {
		(uintptr_t)&program, (uintptr_t)&fd, (uintptr_t)&on_stack,
		(uintptr_t)&printf, (uintptr_t)sbrk(0) - PAGE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		expect_exists("the program", places[i] & ~(PAGE - 1), PAGE);
	EXPECT_EQ(on_stack, 7);
}

static void bad_values(void)
{
	struct rocsvm_info info = info_of(fd);
	uint64_t place = free_place(GiB(1));

	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		uint32_t kind = memory_kinds[i].kind;

		EXPECT_EQ(alloc_fixed(fd, kind, PAGE, 0, place + 8), -EINVAL);
		EXPECT_EQ(alloc_fixed(fd, kind, PAGE, 0, info.svm_limit + 1),
			  -ERANGE);
		EXPECT_EQ(alloc_fixed(fd, kind, MiB(1), 0,
				      (info.svm_limit + 1 - KiB(64)) &
				      ~(PAGE - 1)), -ERANGE);
		EXPECT_EQ(alloc_fixed(fd, kind, PAGE, 0, 0), -ERANGE);
		EXPECT_EQ(alloc_fixed(fd, kind, PAGE, 0, ~0ull << 12), -ERANGE);
	}
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, HUGE_PAGE, 0, place + PAGE),
		  -EINVAL);
	EXPECT_EQ(info_buffers(fd), 0);
}

/* Buffers in each other's way: guards may not meet what is a buffer's. */
static void neighbours(void)
{
	uint64_t va = free_place(GiB(1)) + MiB(16);

	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, KiB(64), 0, va), 0);
	memset(at(va), 0x77, KiB(64));
	expect_exists("a buffer", va, PAGE);
	expect_exists("its end", va + KiB(64) - PAGE, PAGE);
	expect_exists("its guard", va + KiB(64), PAGE);
	expect_exists("its front guard", va - PAGE, PAGE);
	EXPECT_EQ(find_not(at(va), 0x77, KiB(64)), -1);
	EXPECT_EQ(info_buffers(fd), 1);
	EXPECT_EQ(svm_free(fd, at(va)), 0);
}

static void test(void)
{
	struct gpuqueue queue;
	struct pagetable pt;

	fd = aperture_mmap_start();
	bad_values();
	neighbours();
	occupied();
	program();
	front_guard();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	exact(&pt);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
