// SPDX-License-Identifier: MIT
/*
 * RESERVE sets what buffers get that ask for nothing: guard, none at all, and
 * the largest alignment; in both apertures, with or without a new window, for
 * as long as the space is open. Bad values change nothing.
 */
#include "aperture.h"

static int fd;
static uint32_t aperture;

/* RESERVE in the aperture that is tested. */
static int set(uint32_t flags, uint64_t guard, uint64_t max_alignment)
{
	struct rocsvm_reserve args = {
		.flags = flags,
		.aperture = flags & ROCSVM_RESERVE_KEEP ? 0 : aperture,
		.guard = guard,
		.max_alignment = max_alignment,
	};

	return svm_reserve_args(fd, &args);
}

static void expect_options(uint64_t guard, uint64_t max_alignment)
{
	struct rocsvm_info info = info_of(fd);

	EXPECT_EQ(info.guard, guard);
	EXPECT_EQ(info.max_alignment, max_alignment);
	EXPECT_EQ(info.aperture, aperture);
}

static uint64_t alloc(uint32_t kind, uint64_t length, uint64_t alignment,
		      uint64_t guard)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = svm_gpu(fd, 0),
		.length = length,
		.alignment = alignment,
		.guard = guard,
	};

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	return args.va;
}

/* The guard is as asked, by QUERY and by touching it. */
static void expect_guard(uint64_t va, uint64_t guard)
{
	struct rocsvm_query query = query_at(fd, at(va));
	char *end = at(va) + query.length;

	EXPECT_EQ(query.guard, guard);
	if (query.kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_ALIVE(end - 1);
	if (!guard)
		return;
	EXPECT_DEAD(end);
	EXPECT_DEAD(end + guard - 1);
	if (aperture == ROCSVM_APERTURE_MMAP) {
		EXPECT_DEAD(va - 1);
		EXPECT_DEAD(va - guard);
	}
}

static void guards(void)
{
	static const uint64_t wanted[] = { PAGE, KiB(64), MiB(4), GiB(1) };

	for (size_t g = 0; g < ARRAY_SIZE(wanted); g++) {
		ASSERT_EQ(set(0, wanted[g], 0), 0);
		expect_options(wanted[g], HUGE_PAGE);
		for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
			uint32_t kind = memory_kinds[i].kind;
			uint64_t va = alloc(kind, KiB(12), 0, 0);

			expect_guard(va, wanted[g]);
			EXPECT_EQ(svm_free(fd, at(va)), 0);
			/* who asks for one gets that */
			va = alloc(kind, KiB(12), 0, KiB(32));
			expect_guard(va, KiB(32));
			EXPECT_EQ(svm_free(fd, at(va)), 0);
		}
	}
	ASSERT_EQ(set(0, 0, 0), 0);
	expect_options(PAGE, HUGE_PAGE);
}

/* Page by page, with nothing between them. */
static void no_guard(void)
{
	char *buffer;
	uint64_t va;

	ASSERT_EQ(set(ROCSVM_RESERVE_NO_GUARD, 0, 0), 0);
	expect_options(0, HUGE_PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		uint32_t kind = memory_kinds[i].kind;

		va = alloc(kind, PAGE, 0, 0);
		expect_guard(va, 0);
		EXPECT_EQ(svm_free(fd, at(va)), 0);
		va = alloc(kind, PAGE, 0, KiB(16));
		expect_guard(va, KiB(16));
		EXPECT_EQ(svm_free(fd, at(va)), 0);
	}
	va = alloc(ROCSVM_KIND_HOST, MiB(1), 0, 0);
	buffer = at(va);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(alloc_fixed(fd, i % 2 ? ROCSVM_KIND_GTT : ROCSVM_KIND_HOST,
				      PAGE, 0, va + i * PAGE), 0);
	memset(buffer, 0x5a, 4 * PAGE);
	EXPECT_EQ(svm_free(fd, buffer + PAGE), 0);
	EXPECT_DEAD(buffer + PAGE);
	EXPECT_DEAD(buffer + 2 * PAGE - 1);
	EXPECT_EQ(find_not(buffer, 0x5a, PAGE), -1);
	EXPECT_EQ(find_not(buffer + 2 * PAGE, 0x5a, 2 * PAGE), -1);
	for (int i = 0; i < 4; i++)
		if (i != 1)
			EXPECT_EQ(svm_free(fd, buffer + i * PAGE), 0);
	/* and large ones */
	va = alloc(ROCSVM_KIND_HOST, HUGE_PAGE, 0, 0);
	EXPECT_EQ(query_at(fd, at(va)).guard, 0);
	memset(at(va), 0x5a, HUGE_PAGE);
	EXPECT_EQ(svm_free(fd, at(va)), 0);
}

/* Of some buffers of a length, how many are aligned to it? */
static int aligned(uint32_t kind, uint64_t length, uint64_t alignment)
{
	uint64_t va[8], odd[8];
	int count = scaled(8, 4), n = 0;

	for (int i = 0; i < count; i++) {
		odd[i] = alloc(ROCSVM_KIND_HOST, PAGE, PAGE, 0);
		va[i] = alloc(kind, length, 0, 0);
		n += va[i] % alignment == 0;
	}
	for (int i = 0; i < count; i++) {
		EXPECT_EQ(svm_free(fd, at(va[i])), 0);
		EXPECT_EQ(svm_free(fd, at(odd[i])), 0);
	}
	return n;
}

static void alignments(void)
{
	int all = scaled(8, 4);

	ASSERT_EQ(set(0, 0, 0), 0);
	EXPECT_EQ(aligned(ROCSVM_KIND_HOST, KiB(60), KiB(64)), all);
	EXPECT_EQ(aligned(ROCSVM_KIND_ADDRESS, MiB(16), HUGE_PAGE), all);
	ASSERT_EQ(set(0, 0, KiB(64)), 0);
	expect_options(PAGE, KiB(64));
	EXPECT_EQ(aligned(ROCSVM_KIND_HOST, KiB(512), KiB(64)), all);
	EXPECT_LT(aligned(ROCSVM_KIND_HOST, KiB(512), KiB(512)), all);
	ASSERT_EQ(set(0, 0, PAGE), 0);
	expect_options(PAGE, PAGE);
	EXPECT_LT(aligned(ROCSVM_KIND_GTT, KiB(64), KiB(64)), all);
	ASSERT_EQ(set(0, 0, GiB(1)), 0);
	expect_options(PAGE, GiB(1));
	EXPECT_EQ(aligned(ROCSVM_KIND_ADDRESS, MiB(12), MiB(16)), all);
	EXPECT_EQ(aligned(ROCSVM_KIND_ADDRESS, GiB(3), GiB(1)), all);
	/* who asks for one gets that, whatever the largest is */
	ASSERT_EQ(set(0, 0, PAGE), 0);
	for (uint64_t a = PAGE; a <= GiB(1); a *= 8) {
		uint64_t va = alloc(ROCSVM_KIND_HOST, PAGE, a, 0);

		EXPECT_EQ(va % a, 0);
		EXPECT_EQ(svm_free(fd, at(va)), 0);
	}
}

/* KEEP sets the options and nothing else. */
static void keep(void)
{
	struct rocsvm_info before, after;
	char *maps;
	void *va;

	ASSERT_EQ(set(0, 0, 0), 0);
	before = info_of(fd);
	maps = maps_text(0, 0, UINT64_MAX);
	ASSERT_EQ(set(ROCSVM_RESERVE_KEEP, KiB(8), MiB(1)), 0);
	expect_options(KiB(8), MiB(1));
	EXPECT(maps_same(0, 0, UINT64_MAX, maps));
	ASSERT_EQ(set(ROCSVM_RESERVE_KEEP | ROCSVM_RESERVE_NO_GUARD, 0, 0), 0);
	expect_options(0, HUGE_PAGE);
	ASSERT_EQ(set(ROCSVM_RESERVE_KEEP, 0, 0), 0);
	after = info_of(fd);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);

	va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	EXPECT_EQ(set(0, KiB(8), 0), -EBUSY);
	expect_options(PAGE, HUGE_PAGE);
	/* for what comes; the buffer stays as it is */
	EXPECT_EQ(set(ROCSVM_RESERVE_KEEP, KiB(8), 0), 0);
	expect_options(KiB(8), HUGE_PAGE);
	EXPECT_EQ(query_at(fd, va).guard, PAGE);
	EXPECT_EQ(svm_free(fd, va), 0);
	ASSERT_EQ(set(ROCSVM_RESERVE_KEEP, 0, 0), 0);
	free(maps);
}

static void bad_values(void)
{
	static const struct {
		struct rocsvm_reserve args;
		int result;
	} bad[] = {
		{ { .guard = 1 }, -EINVAL },
		{ { .guard = PAGE + 8 }, -EINVAL },
		{ { .guard = GiB(1) + PAGE }, -EINVAL },
		{ { .guard = ~0ull << 12 }, -EINVAL },
		{ { .flags = ROCSVM_RESERVE_NO_GUARD, .guard = PAGE }, -EINVAL },
		{ { .max_alignment = 1 }, -EINVAL },
		{ { .max_alignment = PAGE / 2 }, -EINVAL },
		{ { .max_alignment = 3 * PAGE }, -EINVAL },
		{ { .max_alignment = GiB(2) }, -EINVAL },
		{ { .max_alignment = 1ull << 63 }, -EINVAL },
		{ { .aperture = 2 }, -EINVAL },
		{ { .aperture = ~0u }, -EINVAL },
		{ { .aperture = ROCSVM_APERTURE_MMAP, .length = GiB(4) }, -EINVAL },
		{ { .aperture = ROCSVM_APERTURE_MMAP, .base = GiB(4) }, -EINVAL },
		{ { .flags = 1 << 3 }, -EOPNOTSUPP },
		{ { .flags = 1u << 31 }, -EOPNOTSUPP },
		{ { .__reserved = 1 }, -EOPNOTSUPP },
	};
	struct rocsvm_info before = info_of(fd), after;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct rocsvm_reserve args = bad[i].args;

		EXPECT_EQ(svm_reserve_args(fd, &args), bad[i].result);
		args = bad[i].args;
		args.flags |= ROCSVM_RESERVE_KEEP;
		EXPECT_LT(svm_reserve_args(fd, &args), 0);
		after = info_of(fd);
		EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
	}
}

/* A second file has them too, and they end with the last one. */
static void per_space(void)
{
	struct rocsvm_info info;
	int other;

	ASSERT_EQ(set(0, KiB(16), KiB(32)), 0);
	other = svm_open();
	ASSERT_GE(other, 0);
	info = info_of(other);
	EXPECT_EQ(info.guard, KiB(16));
	EXPECT_EQ(info.max_alignment, KiB(32));
	close(fd);
	info = info_of(other);
	EXPECT_EQ(info.guard, KiB(16));
	close(other);
	fd = window_start();
	info = info_of(fd);
	EXPECT_EQ(info.guard, PAGE);
	EXPECT_EQ(info.max_alignment, HUGE_PAGE);
	EXPECT_EQ(info.aperture, ROCSVM_APERTURE_RESERVED);
}

/* A caller that knows none of it gets the defaults. */
static void old_caller(void)
{
	struct rocsvm_reserve args = {
		.size = offsetof(struct rocsvm_reserve, aperture),
		.length = GiB(8),
		.aperture = 99, .guard = 99, .max_alignment = 99,
	};

	ASSERT_EQ(set(0, KiB(16), KiB(32)), 0);
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_RESERVE, &args), 0);
	EXPECT_EQ(args.length, GiB(8));
	EXPECT_EQ(args.aperture, 99);
	EXPECT_EQ(info_of(fd).guard, PAGE);
	EXPECT_EQ(info_of(fd).max_alignment, HUGE_PAGE);
	EXPECT_EQ(info_of(fd).aperture, ROCSVM_APERTURE_RESERVED);
}

static void test(void)
{
	fd = window_start();
	for (aperture = 0; aperture < 2; aperture++) {
		say("aperture %u", aperture);
		ASSERT_EQ(set(0, 0, 0), 0);
		expect_options(PAGE, HUGE_PAGE);
		guards();
		no_guard();
		alignments();
		keep();
		bad_values();
		per_space();
		old_caller();
	}
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
