// SPDX-License-Identifier: MIT
/*
 * The coherent region: the quarter of the window round its middle, bounds in
 * units of 64 KiB, for windows of any length. Buffers that ask for coherence
 * are in it and all others outside, on their side of huge_base; large coherent
 * host buffers have huge pages as any. FIXED in the wrong region is -ERANGE.
 */
#include "aperture.h"

static int fd;
static struct rocsvm_info info;

/* Within a huge page, to which the bounds may be rounded. */
static bool nearly(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= HUGE_PAGE;
}

static void check_bounds(void)
{
	uint64_t length = info.window_limit - info.window_base + 1;

	say("window %llx..%llx, huge from %llx, coherent %llx..%llx",
	    info.window_base, info.window_limit, info.huge_base,
	    info.coherent_base, info.coherent_limit);
	EXPECT_EQ(info.coherent_base % KiB(64), 0);
	EXPECT_EQ((info.coherent_limit + 1) % KiB(64), 0);
	EXPECT_GT(info.coherent_base, info.window_base);
	EXPECT_LT(info.coherent_limit, info.window_limit);
	EXPECT(nearly(info.huge_base - info.coherent_base, length / 8));
	EXPECT(nearly(info.coherent_limit + 1 - info.huge_base, length / 8));
}

static void lengths(void)
{
	static const uint64_t lengths[] = {
		GiB(4), GiB(4) + MiB(4), GiB(5) - MiB(4), GiB(8) + MiB(12),
		GiB(64), TiB(2), 0,
	};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct rocsvm_reserve args = { .length = lengths[i] };

		ASSERT_EQ(svm_reserve_args(fd, &args), 0);
		info = info_of(fd);
		check_bounds();
	}
}

/* The regions of the window, in order, as in the kernel's documentation. */
enum region { PAGES, COHERENT_PAGES, COHERENT_HUGE, HUGE, REGIONS };

static enum region region_of(uint64_t va)
{
	EXPECT_GE(va, info.window_base);
	EXPECT_LE(va, info.window_limit);
	if (va < info.huge_base)
		return va < info.coherent_base ? PAGES : COHERENT_PAGES;
	return va <= info.coherent_limit ? COHERENT_HUGE : HUGE;
}

static uint64_t region_base(enum region region)
{
	const uint64_t base[] = {
		info.window_base, info.coherent_base, info.huge_base,
		info.coherent_limit + 1, info.window_limit + 1
	};

	return base[region];
}

struct buffer {
	uint32_t kind, flags;
	uint64_t length;
	enum region region;
};

static const struct buffer buffers[] = {
	{ ROCSVM_KIND_HOST, 0, PAGE, PAGES },
	{ ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT, PAGE, COHERENT_PAGES },
	{ ROCSVM_KIND_HOST, 0, HUGE_PAGE - 2 * PAGE, PAGES },
	{ ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT, HUGE_PAGE - 2 * PAGE,
	  COHERENT_PAGES },
	{ ROCSVM_KIND_HOST, 0, HUGE_PAGE, HUGE },
	{ ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT, HUGE_PAGE, COHERENT_HUGE },
	{ ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_EXECUTABLE,
	  3 * HUGE_PAGE, COHERENT_HUGE },
	{ ROCSVM_KIND_GTT, 0, KiB(64), PAGES },
	{ ROCSVM_KIND_GTT, ROCSVM_ALLOC_COHERENT, KiB(64), COHERENT_PAGES },
	{ ROCSVM_KIND_GTT, ROCSVM_ALLOC_UNCACHED, KiB(64), PAGES },
	{ ROCSVM_KIND_GTT, ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED,
	  2 * HUGE_PAGE, COHERENT_PAGES },
	{ ROCSVM_KIND_VRAM, 0, HUGE_PAGE, PAGES },
	{ ROCSVM_KIND_VRAM, ROCSVM_ALLOC_COHERENT, HUGE_PAGE, COHERENT_PAGES },
	{ ROCSVM_KIND_PRIVATE_VRAM, 0, HUGE_PAGE, PAGES },
	{ ROCSVM_KIND_PRIVATE_VRAM, ROCSVM_ALLOC_COHERENT, HUGE_PAGE,
	  COHERENT_PAGES },
	{ ROCSVM_KIND_ADDRESS, 0, 4 * HUGE_PAGE, PAGES },
};

static void placement(void)
{
	void *va[ARRAY_SIZE(buffers)];

	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		const struct buffer *b = &buffers[i];

		ASSERT_EQ(alloc_flags(fd, b->kind, b->length, b->flags, &va[i]), 0);
		EXPECT_EQ(region_of((uintptr_t)va[i]), b->region);
		EXPECT_EQ(region_of((uintptr_t)va[i] + b->length - 1), b->region);
		if (b->kind != ROCSVM_KIND_ADDRESS)
			EXPECT_EQ(svm_map_all(fd, va[i]), 0);
		if (b->kind < ROCSVM_KIND_PRIVATE_VRAM)
			EXPECT_EQ(find_not(va[i], 0, b->length), -1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
}

/* Each in each region: only its own takes it. */
static void fixed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		const struct buffer *b = &buffers[i];

		for (int r = 0; r < REGIONS; r++) {
			uint64_t va = region_base(r) + 8 * HUGE_PAGE;
			int result = alloc_fixed(fd, b->kind, b->length, b->flags,
						 va);

			if (result != (r == (int)b->region ? 0 : -ERANGE))
				say("kind %u, flags %x, length %lx in region %d: %d",
				    b->kind, b->flags, b->length, r, result);
			EXPECT_EQ(result, r == (int)b->region ? 0 : -ERANGE);
			if (!result)
				EXPECT_EQ(svm_free(fd, at(va)), 0);
		}
	}
}

/* A range that begins in its region and ends behind it, or begins before it. */
static void straddling(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		const struct buffer *b = &buffers[i];
		uint64_t first = region_base(b->region);
		uint64_t end = region_base(b->region + 1);
		bool huge = b->region >= COHERENT_HUGE;
		uint64_t unit = huge ? HUGE_PAGE : PAGE;

		EXPECT_EQ(alloc_fixed(fd, b->kind, b->length + unit, b->flags,
				      end - b->length), -ERANGE);
		EXPECT_EQ(alloc_fixed(fd, b->kind, b->length + unit, b->flags,
				      first - b->length), -ERANGE);
		/* the guard has to be in it as well */
		EXPECT_EQ(alloc_fixed(fd, b->kind, b->length, b->flags,
				      end - b->length), -ERANGE);
		EXPECT_EQ(alloc_fixed(fd, b->kind, b->length, b->flags,
				      end - b->length - unit), 0);
		EXPECT_EQ(svm_free(fd, at(end - b->length - unit)), 0);
		EXPECT_EQ(alloc_fixed(fd, b->kind, b->length, b->flags, first), 0);
		EXPECT_EQ(svm_free(fd, at(first)), 0);
	}
}

/* Huge pages, as many as the same buffer has that is not coherent. */
static void huge_pages(void)
{
	long mapped[2];

	for (int coherent = 0; coherent < 2; coherent++) {
		long before;
		void *va;

		file_write("/proc/sys/vm/compact_memory", "1");
		before = smaps_kb(at(info.huge_base), "ShmemPmdMapped");
		ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_HOST, 4 * HUGE_PAGE,
				      coherent ? ROCSVM_ALLOC_COHERENT : 0, &va),
			  0);
		memset(va, 0x5a, 4 * HUGE_PAGE);
		mapped[coherent] = smaps_kb(va, "ShmemPmdMapped") - before;
		EXPECT_EQ(svm_free(fd, va), 0);
	}
	say("huge pages: %ld kB, coherent %ld kB", mapped[0], mapped[1]);
	EXPECT_EQ(mapped[1], mapped[0]);
	EXPECT(mapped[0] == 0 || mapped[0] == 4 * 2048);
}

/* A region that is full is no matter of the others'. */
static void full(void)
{
	struct rocsvm_reserve args = { .length = GiB(4) };
	struct rocsvm_alloc most = {
		.kind = ROCSVM_KIND_HOST,
		.flags = ROCSVM_ALLOC_COHERENT,
		.length = PAGE,
	};
	void *va;

	ASSERT_EQ(svm_reserve_args(fd, &args), 0);
	info = info_of(fd);
	/* a page with all the rest of the region for its guard */
	most.guard = info.huge_base - info.coherent_base - PAGE;
	ASSERT_EQ(svm_alloc_args(fd, &most), 0);
	EXPECT_EQ(most.va, info.coherent_base);
	EXPECT_EQ(alloc_flags(fd, ROCSVM_KIND_HOST, PAGE, ROCSVM_ALLOC_COHERENT,
			      &va), -ENOMEM);
	EXPECT_EQ(alloc_flags(fd, ROCSVM_KIND_GTT, PAGE, ROCSVM_ALLOC_COHERENT,
			      &va), -ENOMEM);
	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_HOST, PAGE, 0, &va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_HOST, HUGE_PAGE,
			      ROCSVM_ALLOC_COHERENT, &va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(svm_free(fd, at(most.va)), 0);
	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_GTT, PAGE, ROCSVM_ALLOC_COHERENT,
			      &va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
}

static void test(void)
{
	fd = svm_start();
	info = info_of(fd);
	check_bounds();
	lengths();
	placement();
	fixed();
	straddling();
	huge_pages();
	full();
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
