// SPDX-License-Identifier: MIT
/* Where the window goes, and how large it is. */
#include "placement.h"
#include "placement_test.h"
#include "tap.h"

#define GIB (1ULL << 30)
#define TIB (1ULL << 40)

/* ---- address spaces of a few bytes, against trying everything ---- */

#define MAX_CELLS 32

/* Whether none of [base, base + length) is occupied. */
static bool is_free(u32 occupied, u64 base, u64 length)
{
	u64 i;

	for (i = base; i < base + length; i++)
		if (occupied >> i & 1)
			return false;
	return true;
}

/* Fill in the outputs by trying every base and length. */
static void try_everything(struct rocsvm_search *s, u32 occupied)
{
	u64 base, length;

	s->found = false;
	s->largest = 0;
	for (base = 0; base < s->end; base += s->align) {
		if (base < s->low)
			continue;
		if (s->length && base + s->length <= s->end &&
		    is_free(occupied, base, s->length)) {
			s->found = true;
			s->base = base;
		}
		for (length = s->align; base + length <= s->end;
		     length += s->align) {
			if (length >= s->largest &&
			    is_free(occupied, base, length)) {
				s->largest = length;
				s->largest_base = base;
			}
		}
	}
	if (s->length && s->preferred && s->preferred % s->align == 0 &&
	    s->preferred >= s->low && s->preferred + s->length <= s->end &&
	    is_free(occupied, s->preferred, s->length)) {
		s->found = true;
		s->base = s->preferred;
	}
}

/* The whole space moved up: a multiple of every alignment that is tried. */
static struct rocsvm_search moved_up(struct rocsvm_search s, u64 by)
{
	s.low += by;
	s.end += by;
	s.base += by;
	s.largest_base += by;
	if (s.preferred)
		s.preferred += by;
	return s;
}

static void check_answers(const struct rocsvm_search *s,
			  const struct rocsvm_search *expected, u32 occupied)
{
	if (s->found == expected->found &&
	    (!s->found || s->base == expected->base) &&
	    s->largest == expected->largest &&
	    (!s->largest || s->largest_base == expected->largest_base))
		return;
	FAIL("low %llu end %llu length %llu align %llu preferred %llu occupied %#x: found %d base %llu largest %llu at %llu, expected %d %llu %llu %llu",
	     s->low, s->end, s->length, s->align, s->preferred, occupied,
	     s->found, s->base, s->largest, s->largest_base, expected->found,
	     expected->base, expected->largest, expected->largest_base);
}

/* Tell the search of each cell alone, or of each run of cells. */
static void check_cells(struct rocsvm_search s, u32 occupied, u64 by,
			bool runs)
{
	struct rocsvm_search expected = s;
	unsigned int i, next;

	try_everything(&expected, occupied);
	expected = moved_up(expected, by);
	s = moved_up(s, by);
	rocsvm_search_begin(&s);
	for (i = 0; i < MAX_CELLS; i = next) {
		next = i + 1;
		if (!(occupied >> i & 1))
			continue;
		while (runs && next < MAX_CELLS && occupied >> next & 1)
			next++;
		rocsvm_search_occupied(&s, by + i, by + next);
	}
	rocsvm_search_end(&s);
	check_answers(&s, &expected, occupied);
}

void test_search_exhaustive(void)
{
	const unsigned int cells = 8;
	struct rocsvm_search s;
	u32 occupied;

	memset(&s, 0xa5, sizeof(s));
	for (occupied = 0; occupied < 1U << cells; occupied++)
	for (s.low = 0; s.low <= cells; s.low++)
	for (s.end = s.low; s.end <= cells; s.end++)
	for (s.length = 0; s.length <= 4; s.length++)
	for (s.align = 1; s.align <= 4; s.align *= 2)
	for (s.preferred = 0; s.preferred < cells; s.preferred += 1)
		check_cells(s, occupied, 0, s.preferred & 1);
}

/* Ranges that overlap, touch, are empty, or lie outside; ascending starts. */
static void check_overlapping(struct rocsvm_search s)
{
	struct rocsvm_search expected = s;
	u64 start, i, end;
	u32 occupied = 0;

	rocsvm_search_begin(&s);
	for (start = 0; start < MAX_CELLS; start += random_below(6)) {
		end = start + random_below(6);
		if (end > MAX_CELLS)
			end = MAX_CELLS;
		if (one_in(20))
			end = start / 2;	/* backwards: empty, too */
		for (i = start; i < end; i++)
			occupied |= 1U << i;
		rocsvm_search_occupied(&s, start, end);
	}
	rocsvm_search_end(&s);
	try_everything(&expected, occupied);
	check_answers(&s, &expected, occupied);
}

void test_search_random(void)
{
	struct rocsvm_search s = {};
	unsigned int round;

	for (round = 0; round < 50000; round++) {
		s.low = random_below(MAX_CELLS);
		s.end = s.low + random_below(MAX_CELLS + 1 - s.low);
		s.length = random_below(12);
		s.align = 1ULL << random_below(4);
		s.preferred = one_in(3) ? 0 : random_below(MAX_CELLS);
		check_overlapping(s);
		check_cells(s, random_u64() & random_u64(), 1ULL << 46,
			    one_in(2));
	}
}

/* ---- an address space of full size ---- */

/* A position-independent program, its heap, its libraries and its stack. */
static const u64 process[][2] = {
	{ 0x555555554000, 0x555555560000 },
	{ 0x555555560000, 0x555555600000 },
	{ 0x7ffff7d00000, 0x7ffff7ffd000 },
	{ 0x7ffff7ffd000, 0x7ffff7fff000 },
	{ 0x7ffffffde000, 0x7ffffffff000 },
	{ 0xffffffffff600000, 0xffffffffff601000 },
};

/* The same with AddressSanitizer's shadow, which begins below 2^47 / 8. */
static const u64 asan_shadow[2] = { 0x7fff7000, 0x10007fff8000 };

static struct rocsvm_search search_process(u64 end, u64 length, bool asan)
{
	struct rocsvm_search s = {
		.low = 0x200000,
		.end = end,
		.length = length,
		.align = SZ_2M,
		.preferred = 0x400000000000,
	};
	unsigned int i;

	rocsvm_search_begin(&s);
	if (asan)
		rocsvm_search_occupied(&s, asan_shadow[0], asan_shadow[1]);
	for (i = 0; i < ARRAY_SIZE(process); i++)
		rocsvm_search_occupied(&s, process[i][0], process[i][1]);
	rocsvm_search_end(&s);
	return s;
}

void test_search_known(void)
{
	struct rocsvm_search s;

	s = search_process(ROCSVM_CANONICAL_END, TIB, false);
	CHECK(s.found);
	CHECK_EQ(s.base, 0x400000000000);
	CHECK_EQ(s.largest_base, 0x200000);
	CHECK_EQ(s.largest, 0x555555400000 - 0x200000);
	CHECK_EQ(search_process(ROCSVM_CANONICAL_END, TIB, true).base,
		 0x400000000000);

	/* A GPU of 40 bits: the preferred base is out of reach. */
	s = search_process(TIB, 4 * GIB, false);
	CHECK(s.found);
	CHECK_EQ(s.base, TIB - 4 * GIB);
	s = search_process(TIB, TIB, false);
	CHECK(!s.found);
	CHECK_EQ(s.largest_base, 0x200000);
	CHECK_EQ(s.largest, TIB - 0x200000);
	s = search_process(TIB, 4 * GIB, true);
	CHECK(!s.found);
	CHECK_EQ(s.largest_base, 0x200000);
	CHECK_EQ(s.largest, 0x7fe00000 - 0x200000);

	/* Too long for the preferred base, but not for the gap above it. */
	s = search_process(ROCSVM_CANONICAL_END, 32 * TIB, false);
	CHECK(s.found);
	CHECK_EQ(s.base, 0x5ffff7c00000);
}

static struct rocsvm_search search_two(u64 low, u64 end, u64 align, u64 from,
				       u64 to)
{
	struct rocsvm_search s = {
		.low = low, .end = end, .length = align, .align = align,
	};

	rocsvm_search_begin(&s);
	rocsvm_search_occupied(&s, from, to);
	rocsvm_search_end(&s);
	return s;
}

void test_search_extremes(void)
{
	const u64 top = U64_MAX - SZ_2M + 1;
	struct rocsvm_search s;

	s = search_two(0, U64_MAX, SZ_2M, 0, 0);
	CHECK(s.found);
	CHECK_EQ(s.base, top - SZ_2M);
	CHECK_EQ(s.largest_base, 0);
	CHECK_EQ(s.largest, top);

	/* No aligned address is left below 2^64. */
	s = search_two(top + 1, U64_MAX, SZ_2M, 0, 0);
	CHECK(!s.found);
	CHECK_EQ(s.largest, 0);
	s = search_two(0, U64_MAX, SZ_2M, 0, U64_MAX);
	CHECK(!s.found);
	CHECK_EQ(s.largest, 0);
	s = search_two(0, U64_MAX, SZ_2M, SZ_2M, U64_MAX);
	CHECK(s.found);
	CHECK_EQ(s.base, 0);
	CHECK_EQ(s.largest, SZ_2M);

	/* Nothing to search in, and upside down. */
	s = search_two(SZ_2M, SZ_2M, SZ_2M, 0, 1);
	CHECK(!s.found);
	CHECK_EQ(s.largest, 0);
	s = search_two(8 * SZ_2M, SZ_2M, SZ_2M, 2 * SZ_2M, 3 * SZ_2M);
	CHECK(!s.found);
	CHECK_EQ(s.largest, 0);

	/* A length beyond everything. */
	s = (struct rocsvm_search){
		.low = 0, .end = ROCSVM_CANONICAL_END, .length = U64_MAX,
		.align = SZ_2M, .preferred = SZ_2M,
	};
	rocsvm_search_begin(&s);
	rocsvm_search_end(&s);
	CHECK(!s.found);
	CHECK_EQ(s.largest, ROCSVM_CANONICAL_END);
}

/* ---- the window's size ---- */

void test_window_size_known(void)
{
	const u64 unlimited = U64_MAX, granule = 2 * SZ_2M, over = 5 * SZ_2M;

	/* The wish, the gap, the limit: each in turn is what decides. */
	CHECK_EQ(rocsvm_window_size(TIB, 64 * TIB, unlimited, over, 4 * GIB,
				    granule), TIB);
	CHECK_EQ(rocsvm_window_size(TIB, 8 * GIB, unlimited, over, 4 * GIB,
				    granule), 8 * GIB - 6 * SZ_2M);
	CHECK_EQ(rocsvm_window_size(TIB, 64 * TIB, 64 * GIB, over, 4 * GIB,
				    granule), 32 * GIB - 6 * SZ_2M);

	/* The smallest, and a byte less. */
	CHECK_EQ(rocsvm_window_size(4 * GIB, TIB, unlimited, over, 4 * GIB,
				    granule), 4 * GIB);
	CHECK_EQ(rocsvm_window_size(4 * GIB - 1, TIB, unlimited, over, 4 * GIB,
				    granule), 0);
	CHECK_EQ(rocsvm_window_size(TIB, 4 * GIB + over, unlimited, over,
				    4 * GIB, granule), 4 * GIB);
	CHECK_EQ(rocsvm_window_size(TIB, 4 * GIB + over - 1, unlimited, over,
				    4 * GIB, granule), 0);
	CHECK_EQ(rocsvm_window_size(TIB, TIB, 2 * (4 * GIB + over), over,
				    4 * GIB, granule), 4 * GIB);
	CHECK_EQ(rocsvm_window_size(TIB, TIB, 2 * (4 * GIB + over) - 1, over,
				    4 * GIB, granule), 0);

	/* Nothing to have. */
	CHECK_EQ(rocsvm_window_size(0, TIB, unlimited, 0, 1, granule), 0);
	CHECK_EQ(rocsvm_window_size(TIB, 0, unlimited, 0, 1, granule), 0);
	CHECK_EQ(rocsvm_window_size(TIB, TIB, 0, 0, 1, granule), 0);
	CHECK_EQ(rocsvm_window_size(TIB, over - 1, unlimited, over, 1, granule),
		 0);
	CHECK_EQ(rocsvm_window_size(TIB, TIB, 2 * over - 1, over, 1, granule),
		 0);
	CHECK_EQ(rocsvm_window_size(TIB, TIB, unlimited, U64_MAX, 1, granule),
		 0);

	/* Everything. */
	CHECK_EQ(rocsvm_window_size(U64_MAX, U64_MAX, unlimited, 0, 0, 1),
		 U64_MAX);
	CHECK_EQ(rocsvm_window_size(U64_MAX, U64_MAX, unlimited, 0, 0, SZ_2M),
		 U64_MAX - SZ_2M + 1);
	CHECK_EQ(rocsvm_window_size(U64_MAX, U64_MAX, U64_MAX - 1, 0, 0, 1),
		 U64_MAX / 2);
}

/* Small numbers: the largest size that keeps all bounds, by trying each. */
void test_window_size_random(void)
{
	unsigned int round;

	for (round = 0; round < 50000; round++) {
		u64 wanted = random_below(40), gap = random_below(40);
		u64 as_left = one_in(3) ? U64_MAX : random_below(80);
		u64 overhead = random_below(10), min = random_below(10);
		u64 granule = 1ULL << random_below(4);
		u64 size, expected = 0;

		for (size = 0; size <= wanted; size += granule)
			if (size >= min && size + overhead <= gap &&
			    size + overhead <= as_left / 2)
				expected = size;
		CHECK_EQ(rocsvm_window_size(wanted, gap, as_left, overhead,
					    min, granule), expected);
	}
}
