// SPDX-License-Identifier: MIT
/* Ranges in a region: random sequences against the model, and known answers. */
#include "model.h"
#include "placement_test.h"
#include "range_insert.h"
#include "tap.h"

#define BASE	0x400000000000ULL
#define PAGE	((u64)PAGE_SIZE)
#define HUGE	((u64)SZ_2M)

/* A region and where it may move to: regions[0] or regions[1]. */
static struct rocsvm_region regions[2], *region = regions;
static struct model model;
static struct rocsvm_range pool[8192];

/* How often each answer was the right one: none may go untested. */
static unsigned int answers[64];

/* Objects of the pool that are in no region: a stack of their indices. */
static unsigned int unused[MODEL_MAX], num_unused;

static void begin(u64 base, u64 units, u64 granule)
{
	memset(region, 0xff, sizeof(*region));
	memset(pool, 0xff, sizeof(pool));
	rocsvm_region_init(region, base, base + units * granule, granule);

	model.base = base;
	model.end = base + units * granule;
	model.granule = granule;
	model.n = 0;
	for (num_unused = 0; num_unused < MODEL_MAX; num_unused++)
		unused[num_unused] = num_unused;
}

/* End of a case that used begin(): nothing may be left. */
static void end(void)
{
	unsigned int warnings = shim_warnings;

	CHECK(rocsvm_region_empty(region));
	rocsvm_region_fini(region);
	CHECK_EQ(shim_warnings, warnings);
}

/* Ranges and all; what was there is of no use any more. */
static void move(void)
{
	struct rocsvm_region *there = region == regions ? &regions[1] : regions;

	*there = *region;
	memset(region, 0xff, sizeof(*region));
	region = there;
}

/* ---- random sequences ---- */

static const struct shape {
	u64 base;
	u64 units;
	u64 granule;
} shapes[] = {
	{ BASE, 64, PAGE },
	{ BASE, 200, HUGE },
	{ BASE, 700, PAGE },
	{ 0, 40, PAGE },
	{ BASE + 3 * PAGE, 97, PAGE },
	{ BASE + 5 * HUGE, 33, HUGE },
	{ ROCSVM_CANONICAL_END - 100 * PAGE, 100, PAGE },
	{ PAGE, 1, PAGE },
	{ HUGE, 2, HUGE },
};

/* A length or guard of up to max granules, seldom a whole number of them. */
static u64 random_size(u64 max)
{
	if (one_in(100))
		return one_in(2) ? U64_MAX - random_below(2 * model.granule)
				 : random_u64();
	if (one_in(2))
		return random_below(max + 1) * model.granule;
	return random_below(max * model.granule + 1);
}

static u64 random_alignment(void)
{
	if (one_in(50))
		return random_u64();
	if (one_in(4))
		return one_in(2) ? 0 : 1ULL << random_below(64);
	return model.granule << random_below(8);
}

/* Any address, mostly one at which an answer changes. */
static u64 random_addr(void)
{
	u64 units = (model.end - model.base) / model.granule;
	const struct model_range *r;
	u64 addr;

	switch (random_below(8)) {
	case 0:
		return random_u64();
	case 1:
		return one_in(2) ? model.base : model.end;
	case 2:
		return model.base - 1 - random_below(2 * model.granule);
	case 3:
		return model.base + random_below(model.end - model.base);
	default:
		if (!model.n || one_in(2))
			return model.base +
			       random_below(units + 2) * model.granule;
		r = &model.ranges[random_below(model.n)];
		addr = r->base;
		if (one_in(2))
			addr += r->length;
		if (one_in(3))
			addr += r->guard;
		return addr - random_below(2);
	}
}

static void try_insert(void)
{
	struct rocsvm_range *range = &pool[unused[num_unused - 1]];
	u64 length = random_size(one_in(4) ? 64 : 6), guard = random_size(3);
	u64 alignment = 0, base = 0, front = 0;
	bool fixed = one_in(4);
	struct model_range answer;
	int expected, err;

	if (fixed) {
		base = random_addr();
		if (!one_in(8))
			base -= base % model.granule;
		if (one_in(4))
			front = random_size(3);
		expected = model_place_fixed(&model, base, length, front,
					     guard, &answer);
		err = rocsvm_range_insert_fixed(region, range, base, length,
						front, guard);
	} else {
		alignment = random_alignment();
		expected = model_place(&model, length, alignment, guard,
				       &answer);
		err = range_insert(region, range, length, alignment, guard);
	}
	if (err != expected)
		FAIL("insert%s(base %#llx, length %#llx, alignment %#llx, front %#llx, guard %#llx) is %d, expected %d",
		     fixed ? "_fixed" : "", base, length, alignment, front,
		     guard, err, expected);
	answers[-err]++;
	if (err)
		return;

	CHECK_EQ(rocsvm_range_base(range), answer.base);
	CHECK_EQ(rocsvm_range_length(range), answer.length);
	CHECK_EQ(range->guard, answer.guard);
	answer.range = range;
	model_add(&model, &answer);
	num_unused--;
}

static void remove_one(unsigned int index)
{
	struct rocsvm_range *range = model.ranges[index].range;

	rocsvm_range_remove(region, range);
	model_del(&model, index);
	unused[num_unused++] = range - pool;
}

static void look_up(void)
{
	u64 addr = random_addr();

	if (rocsvm_range_find(region, addr) != model_find(&model, addr))
		FAIL("wrong answer of find(%#llx)", addr);
	if (rocsvm_range_next(region, addr) != model_next(&model, addr))
		FAIL("wrong answer of next(%#llx)", addr);
}

static void random_walk(const struct shape *shape, unsigned int steps)
{
	bool filling = true;
	unsigned int i;

	begin(shape->base, shape->units, shape->granule);
	for (i = 0; i < steps; i++) {
		/* Now fill, now drain: both a full and an empty region are met. */
		if (one_in(200))
			filling = !filling;
		if (num_unused && (filling || one_in(4)))
			try_insert();
		if (model.n && one_in(filling ? 4 : 1))
			remove_one(random_below(model.n));
		look_up();
		if (one_in(100))
			move();
		if (one_in(8))
			model_compare(&model, region);
	}
	while (model.n)
		remove_one(random_below(model.n));
	model_compare(&model, region);
	end();
}

void test_region_random(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		random_walk(&shapes[i], 20000);
	CHECK(answers[0] > 1000);
	CHECK(answers[EINVAL] > 1000);
	CHECK(answers[ENOMEM] > 1000);
	CHECK(answers[ERANGE] > 1000);
	CHECK(answers[EEXIST] > 1000);
}

/* ---- known answers ---- */

static int insert(unsigned int index, u64 length, u64 alignment, u64 guard)
{
	return range_insert(region, &pool[index], length, alignment, guard);
}

static int insert_fixed(unsigned int index, u64 base, u64 length, u64 guard)
{
	return rocsvm_range_insert_fixed(region, &pool[index], base, length, 0,
					 guard);
}

void test_region_full(void)
{
	const unsigned int n = 4096;
	unsigned int i;

	begin(BASE, n, PAGE);
	for (i = 0; i < n; i++) {
		CHECK_EQ(insert(i, 1, 0, 0), 0);
		CHECK_EQ(rocsvm_range_base(&pool[i]), BASE + i * PAGE);
	}
	CHECK_EQ(insert(n, 1, 0, 0), -ENOMEM);
	for (i = 0; i < n; i++) {
		CHECK_EQ(insert_fixed(n, BASE + i * PAGE, 1, 0), -EEXIST);
		CHECK(rocsvm_range_find(region, BASE + i * PAGE) == &pool[i]);
	}

	/* Every other page free: single pages fit, nothing larger does. */
	for (i = 1; i < n; i += 2)
		rocsvm_range_remove(region, &pool[i]);
	CHECK_EQ(insert(n, 2 * PAGE, 0, 0), -ENOMEM);
	CHECK_EQ(insert(n, PAGE, 0, PAGE), -ENOMEM);
	CHECK_EQ(insert(n, PAGE, 2 * PAGE, 0), -ENOMEM);
	CHECK_EQ(insert(1, PAGE, PAGE, 0), 0);
	CHECK_EQ(rocsvm_range_base(&pool[1]), BASE + PAGE);

	/* One more page free makes one hole of three pages, up there. */
	rocsvm_range_remove(region, &pool[4000]);
	CHECK_EQ(insert(n, 4 * PAGE, 0, 0), -ENOMEM);
	CHECK_EQ(insert(4000, 2 * PAGE, 0, PAGE), 0);
	CHECK_EQ(rocsvm_range_base(&pool[4000]), BASE + 3999 * PAGE);

	rocsvm_range_remove(region, &pool[1]);
	for (i = 0; i < n; i += 2)
		rocsvm_range_remove(region, &pool[i]);
	end();
}

void test_region_guards(void)
{
	unsigned int i;

	/* A page and its guard, 50 times; the odd last page has no room for both. */
	begin(BASE, 101, PAGE);
	for (i = 0; i < 50; i++) {
		CHECK_EQ(insert(i, PAGE, 0, PAGE), 0);
		CHECK_EQ(rocsvm_range_base(&pool[i]), BASE + 2 * i * PAGE);
		CHECK_EQ(pool[i].guard, PAGE);
	}
	CHECK_EQ(insert(50, PAGE, 0, PAGE), -ENOMEM);
	CHECK_EQ(insert_fixed(50, BASE + 100 * PAGE, PAGE, PAGE), -ERANGE);
	CHECK_EQ(insert(50, PAGE, 0, 0), 0);
	CHECK_EQ(rocsvm_range_base(&pool[50]), BASE + 100 * PAGE);

	/* A guard is nobody's: not found, not to be had. */
	CHECK(rocsvm_range_find(region, BASE + PAGE - 1) == &pool[0]);
	CHECK(!rocsvm_range_find(region, BASE + PAGE));
	CHECK(rocsvm_range_next(region, BASE + PAGE) == &pool[1]);
	CHECK_EQ(insert_fixed(60, BASE + PAGE, PAGE, 0), -EEXIST);
	for (i = 0; i <= 50; i++)
		rocsvm_range_remove(region, &pool[i]);

	/* All of the region at once, guard and all. */
	CHECK_EQ(insert(0, 90 * PAGE, 0, 12 * PAGE), -ENOMEM);
	CHECK_EQ(insert(0, 90 * PAGE, 0, 11 * PAGE), 0);
	CHECK(!rocsvm_range_next(region, BASE + 90 * PAGE));
	rocsvm_range_remove(region, &pool[0]);
	end();
}

void test_region_huge(void)
{
	begin(BASE, 8, HUGE);
	CHECK_EQ(insert(0, 1, 0, 1), 0);
	CHECK_EQ(rocsvm_range_base(&pool[0]), BASE);
	CHECK_EQ(rocsvm_range_length(&pool[0]), HUGE);
	CHECK_EQ(pool[0].guard, HUGE);
	CHECK_EQ(insert(1, HUGE + 1, PAGE, PAGE), 0);
	CHECK_EQ(rocsvm_range_base(&pool[1]), BASE + 2 * HUGE);
	CHECK_EQ(rocsvm_range_length(&pool[1]), 2 * HUGE);
	CHECK_EQ(pool[1].guard, HUGE);
	CHECK_EQ(insert_fixed(2, BASE + 6 * HUGE + PAGE, HUGE, 0), -EINVAL);
	CHECK_EQ(insert_fixed(2, BASE + HUGE, HUGE, 0), -EEXIST);
	CHECK_EQ(insert_fixed(2, BASE + 6 * HUGE, HUGE, PAGE), 0);
	CHECK_EQ(insert(3, HUGE, 0, 0), 0);
	CHECK_EQ(rocsvm_range_base(&pool[3]), BASE + 5 * HUGE);
	CHECK_EQ(insert(4, 1, 0, 0), -ENOMEM);
	rocsvm_range_remove(region, &pool[0]);
	rocsvm_range_remove(region, &pool[1]);
	rocsvm_range_remove(region, &pool[2]);
	rocsvm_range_remove(region, &pool[3]);
	end();
}

void test_region_alignment(void)
{
	u64 alignment;

	/* It is the address that is aligned, not the offset in the region. */
	begin(BASE + 3 * PAGE, 1 << 20, PAGE);
	for (alignment = PAGE; alignment <= 1 << 30; alignment *= 2) {
		u64 expected = (BASE + 3 * PAGE + alignment - 1) / alignment *
			       alignment;

		CHECK_EQ(insert(0, 1, alignment, 0), 0);
		CHECK_EQ(rocsvm_range_base(&pool[0]), expected);
		rocsvm_range_remove(region, &pool[0]);
	}
	CHECK_EQ(insert(0, 1, 3 * PAGE, 0), -EINVAL);
	CHECK_EQ(insert(0, 1, PAGE + 1, 0), -EINVAL);
	CHECK_EQ(insert(0, 1, U64_MAX, 0), -EINVAL);
	CHECK_EQ(insert(0, 1, 1ULL << 63, 0), -ENOMEM);
	end();

	CHECK_EQ(rocsvm_default_alignment(0, HUGE), PAGE);
	CHECK_EQ(rocsvm_default_alignment(1, HUGE), PAGE);
	CHECK_EQ(rocsvm_default_alignment(PAGE, HUGE), PAGE);
	CHECK_EQ(rocsvm_default_alignment(PAGE + 1, HUGE), 2 * PAGE);
	CHECK_EQ(rocsvm_default_alignment(3 * PAGE, HUGE), 4 * PAGE);
	CHECK_EQ(rocsvm_default_alignment(HUGE / 2, HUGE), HUGE / 2);
	CHECK_EQ(rocsvm_default_alignment(HUGE / 2 + 1, HUGE), HUGE);
	CHECK_EQ(rocsvm_default_alignment(HUGE, HUGE), HUGE);
	CHECK_EQ(rocsvm_default_alignment(HUGE + 1, HUGE), HUGE);
	CHECK_EQ(rocsvm_default_alignment(U64_MAX, HUGE), HUGE);
}

/* Guard on both sides, as in the mmap aperture. */
void test_region_front(void)
{
	const u64 base = BASE + 4 * PAGE, large = BASE + ROCSVM_MAX_GUARD;

	begin(BASE, 16, PAGE);
	CHECK_EQ(rocsvm_range_insert_fixed(region, &pool[0], base, PAGE, 1,
					   PAGE), -EINVAL);
	CHECK_EQ(rocsvm_range_insert_fixed(region, &pool[0], base, PAGE,
					   5 * PAGE, PAGE), -ERANGE);
	CHECK_EQ(rocsvm_range_insert_fixed(region, &pool[0], base, 2 * PAGE,
					   3 * PAGE, PAGE), 0);
	CHECK_EQ(rocsvm_range_base(&pool[0]), base);
	CHECK_EQ(rocsvm_range_length(&pool[0]), 2 * PAGE);
	CHECK_EQ(pool[0].guard, PAGE);

	/* neither guard is an address of the range's, nor anybody else's */
	CHECK(!rocsvm_range_find(region, base - 1));
	CHECK(rocsvm_range_find(region, base) == &pool[0]);
	CHECK(rocsvm_range_find(region, base + 2 * PAGE - 1) == &pool[0]);
	CHECK(!rocsvm_range_find(region, base + 2 * PAGE));
	CHECK(rocsvm_range_next(region, base - 1) == &pool[0]);
	CHECK(rocsvm_range_next(region, base - 3 * PAGE) == &pool[0]);
	CHECK(!rocsvm_range_next(region, base + 2 * PAGE));
	CHECK_EQ(insert_fixed(1, base - 3 * PAGE, PAGE, 0), -EEXIST);
	CHECK_EQ(insert_fixed(1, base - PAGE, PAGE, 0), -EEXIST);
	CHECK_EQ(insert_fixed(1, base + 2 * PAGE, PAGE, 0), -EEXIST);
	CHECK_EQ(insert_fixed(1, BASE, PAGE, 0), 0);
	CHECK_EQ(insert_fixed(2, base + 3 * PAGE, PAGE, 0), 0);
	CHECK(rocsvm_range_next(region, BASE + PAGE) == &pool[0]);
	CHECK(rocsvm_range_next(region, base + 2 * PAGE) == &pool[2]);
	rocsvm_range_remove(region, &pool[0]);
	CHECK_EQ(insert_fixed(3, base - PAGE, 4 * PAGE, 0), 0);
	rocsvm_range_remove(region, &pool[1]);
	rocsvm_range_remove(region, &pool[2]);
	rocsvm_range_remove(region, &pool[3]);
	end();

	/* The largest there are. */
	begin(BASE, 3 * (ROCSVM_MAX_GUARD / PAGE), PAGE);
	CHECK_EQ(rocsvm_range_insert_fixed(region, &pool[0], large, PAGE,
					   ROCSVM_MAX_GUARD + PAGE, 0), -EINVAL);
	CHECK_EQ(rocsvm_range_insert_fixed(region, &pool[0], large, PAGE, 0,
					   ROCSVM_MAX_GUARD + 1), -EINVAL);
	CHECK_EQ(range_insert(region, &pool[0], PAGE, 0, ROCSVM_MAX_GUARD + 1),
		 -EINVAL);
	CHECK_EQ(rocsvm_range_insert_fixed(region, &pool[0], large, PAGE,
					   ROCSVM_MAX_GUARD, ROCSVM_MAX_GUARD), 0);
	CHECK_EQ(rocsvm_range_length(&pool[0]), PAGE);
	CHECK_EQ(insert_fixed(1, large - PAGE, PAGE, 0), -EEXIST);
	CHECK_EQ(insert_fixed(1, large + ROCSVM_MAX_GUARD, PAGE, 0), -EEXIST);
	rocsvm_range_remove(region, &pool[0]);
	end();
}

/* GPUs whose gpuvm aperture is not canonical, the highest addresses included. */
void test_region_apart(void)
{
	static const struct {
		struct rocsvm_aperture gpuvm;
		u64 base, end;
	} cases[] = {
		/* canonical: no room; the last such address, and one beyond */
		{ { 0x4000, ROCSVM_CANONICAL_END - 1 }, 0, 0 },
		{ { 0x4000, ROCSVM_CANONICAL_END }, 0, 0 },
		{ { 0x4000, ROCSVM_CANONICAL_END + 2 * PAGE - 1 },
		  ROCSVM_CANONICAL_END, ROCSVM_CANONICAL_END + PAGE },
		{ { 0x1000000000001, 0x1ffffffffffff },
		  0x1000000001000, 0x1fffffffff000 },
		{ { 1ULL << 61, U64_MAX }, 1ULL << 61, -PAGE },
		{ { U64_MAX - PAGE + 1, U64_MAX }, 0, 0 },
		{ { U64_MAX - PAGE + 2, U64_MAX }, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const u64 base = cases[i].base, end = cases[i].end;

		memset(region, 0xff, sizeof(*region));
		rocsvm_region_init_apart(region, &cases[i].gpuvm);
		CHECK_EQ(region->base, base);
		CHECK_EQ(region->end, end);
		CHECK(rocsvm_region_empty(region));
		if (!end) {
			CHECK_EQ(insert(0, PAGE, 0, 0), -ENOMEM);
			CHECK_EQ(insert_fixed(0, ROCSVM_CANONICAL_END, PAGE, 0),
				 -ERANGE);
			continue;
		}
		CHECK_EQ(insert(0, PAGE, 0, 0), 0);
		CHECK_EQ(rocsvm_range_base(&pool[0]), base);
		CHECK(rocsvm_range_find(region, base) == &pool[0]);
		CHECK_EQ(insert_fixed(1, base, PAGE, 0), -EEXIST);
		CHECK_EQ(insert_fixed(1, end, PAGE, 0), -ERANGE);
		if (end - base > PAGE) {
			CHECK_EQ(insert_fixed(1, end - PAGE, PAGE, 0), 0);
			CHECK(rocsvm_range_find(region, end - 1) == &pool[1]);
			rocsvm_range_remove(region, &pool[1]);
		}
		rocsvm_range_remove(region, &pool[0]);
		rocsvm_region_fini(region);
	}
}

void test_region_errors(void)
{
	const u64 last = BASE + 15 * PAGE;

	begin(BASE, 16, PAGE);
	CHECK_EQ(insert(0, 0, 0, 0), -EINVAL);
	CHECK_EQ(insert(0, 0, 0, PAGE), -EINVAL);
	CHECK_EQ(insert(0, U64_MAX, 0, 0), -EINVAL);
	CHECK_EQ(insert(0, U64_MAX - PAGE + 2, 0, 0), -EINVAL);
	CHECK_EQ(insert(0, U64_MAX - PAGE + 1, 0, 0), -ENOMEM);
	CHECK_EQ(insert(0, 1, 0, U64_MAX), -EINVAL);
	CHECK_EQ(insert(0, 1ULL << 63, 0, 1ULL << 63), -EINVAL);
	CHECK_EQ(insert(0, 17 * PAGE, 0, 0), -ENOMEM);
	CHECK_EQ(insert(0, 16 * PAGE + 1, 0, 0), -ENOMEM);
	CHECK_EQ(insert(0, 16 * PAGE, 0, 1), -ENOMEM);

	CHECK_EQ(insert_fixed(0, BASE, 0, 0), -EINVAL);
	CHECK_EQ(insert_fixed(0, BASE + 1, 1, 0), -EINVAL);
	CHECK_EQ(insert_fixed(0, BASE, U64_MAX, 0), -EINVAL);
	CHECK_EQ(insert_fixed(0, BASE, 1, U64_MAX), -EINVAL);
	CHECK_EQ(insert_fixed(0, BASE, 1ULL << 63, 1ULL << 63), -EINVAL);
	CHECK_EQ(insert_fixed(0, BASE - PAGE, 1, 0), -ERANGE);
	CHECK_EQ(insert_fixed(0, BASE - PAGE, 18 * PAGE, 0), -ERANGE);
	CHECK_EQ(insert_fixed(0, 0, 1, 0), -ERANGE);
	CHECK_EQ(insert_fixed(0, BASE + 16 * PAGE, 1, 0), -ERANGE);
	CHECK_EQ(insert_fixed(0, U64_MAX - PAGE + 1, PAGE, 0), -ERANGE);
	CHECK_EQ(insert_fixed(0, U64_MAX - PAGE + 1, PAGE, PAGE), -ERANGE);
	CHECK_EQ(insert_fixed(0, last, PAGE + 1, 0), -ERANGE);
	CHECK_EQ(insert_fixed(0, last, PAGE, 1), -ERANGE);
	CHECK(rocsvm_region_empty(region));
	CHECK_EQ(insert_fixed(0, last, PAGE, 0), 0);
	CHECK_EQ(insert_fixed(1, last, PAGE, 0), -EEXIST);
	CHECK_EQ(insert_fixed(1, last - PAGE, PAGE, 1), -EEXIST);
	CHECK_EQ(insert_fixed(1, BASE, 16 * PAGE, 0), -EEXIST);
	CHECK(rocsvm_range_find(region, last) == &pool[0]);
	CHECK(!rocsvm_range_find(region, last + PAGE));
	CHECK(!rocsvm_range_next(region, last + PAGE));
	CHECK(!rocsvm_range_next(region, U64_MAX));
	rocsvm_range_remove(region, &pool[0]);
	end();
}

void test_region_without_room(void)
{
	unsigned int warnings = shim_warnings;

	memset(region, 0, sizeof(*region));
	CHECK(rocsvm_region_empty(region));
	CHECK_EQ(insert(0, 1, 0, 0), -ENOMEM);
	CHECK_EQ(insert_fixed(0, 0, 1, 0), -ERANGE);
	CHECK(!rocsvm_range_find(region, 0));
	CHECK(!rocsvm_range_next(region, 0));
	rocsvm_region_fini(region);
	CHECK_EQ(shim_warnings, warnings);

	/* The same after an end, and a new beginning elsewhere. */
	begin(BASE, 1, PAGE);
	end();
	CHECK(rocsvm_region_empty(region));
	CHECK_EQ(insert(0, 1, 0, 0), -ENOMEM);
	rocsvm_region_init(region, 2 * BASE / 3 / PAGE * PAGE,
			   ROCSVM_CANONICAL_END, PAGE);
	CHECK_EQ(insert(0, 1, 0, 0), 0);
	CHECK_EQ(rocsvm_range_base(&pool[0]), 2 * BASE / 3 / PAGE * PAGE);

	/* A region that ends while a range is live says so. */
	CHECK(!rocsvm_region_empty(region));
	rocsvm_region_fini(region);
	CHECK_EQ(shim_warnings, warnings + 1);
}

static void abandon_one(struct rocsvm_range *range, void *data)
{
	unsigned int *times = data;

	times[range - pool]++;
	/* It is the inserter's, who frees it. */
	memset(range, 0xff, sizeof(*range));
}

/* Each range is told of once, and the region has no room any more. */
void test_region_abandon(void)
{
	unsigned int warnings = shim_warnings, times[8] = {}, i;

	begin(BASE, 64, PAGE);
	for (i = 0; i < 8; i++)
		CHECK_EQ(insert(i, PAGE, 0, i % 2 * PAGE), 0);
	rocsvm_range_remove(region, &pool[2]);
	rocsvm_range_remove(region, &pool[7]);
	move();
	rocsvm_region_abandon(region, abandon_one, times);
	for (i = 0; i < 8; i++)
		CHECK_EQ(times[i], i != 2 && i != 7);
	CHECK(rocsvm_region_empty(region));
	CHECK(!rocsvm_range_next(region, 0));
	CHECK_EQ(insert(0, PAGE, 0, 0), -ENOMEM);

	/* Of one without room there is nothing to tell; nor has it an end. */
	rocsvm_region_abandon(region, abandon_one, times);
	CHECK_EQ(times[0], 1);
	rocsvm_region_fini(region);
	CHECK_EQ(shim_warnings, warnings);
}

/* As many ranges as a large program has, by arithmetic instead of the model. */
void test_region_many(void)
{
	const unsigned int n = 100000;
	const u64 units = 1ULL << (39 - 12);
	struct rocsvm_range *many = malloc(n * sizeof(*many));
	unsigned int i;

	begin(BASE, units, PAGE);
	for (i = 0; i < n; i++) {
		CHECK_EQ(range_insert(region, &many[i], PAGE, 0, PAGE), 0);
		CHECK_EQ(rocsvm_range_base(&many[i]), BASE + 2 * i * PAGE);
	}
	for (i = 0; i < n; i++) {
		CHECK(rocsvm_range_find(region, BASE + 2 * i * PAGE + 1) ==
		      &many[i]);
		CHECK(rocsvm_range_next(region, BASE + 2 * i * PAGE + PAGE) ==
		      (i + 1 < n ? &many[i + 1] : NULL));
	}
	for (i = 0; i < n; i++)
		rocsvm_range_remove(region, &many[i * 7919ULL % n]);

	/* All of it in one piece again. */
	CHECK_EQ(insert(0, units * PAGE, 0, 0), 0);
	rocsvm_range_remove(region, &pool[0]);
	free(many);
	end();
}

/* The nodes that an insert looks at, and that a remove does. */
static unsigned long nodes_of_insert(struct rocsvm_range *range, u64 length,
				     u64 alignment, u64 guard)
{
	unsigned long before = shim_nodes;

	CHECK_EQ(range_insert(region, range, length, alignment, guard), 0);
	return shim_nodes - before;
}

/*
 * Very many holes of the right size, in none of which there is an aligned
 * place. The cost must not grow with their number; and when there is nothing
 * else, the one that does fit is found among them.
 */
void test_region_unaligned(void)
{
	const unsigned int sizes[] = { 1000, 100000 };
	unsigned long nodes[2];
	unsigned int i, j, n;

	for (i = 0; i < 2; i++) {
		struct rocsvm_range *many;

		n = sizes[i];
		many = malloc(n * sizeof(*many));
		begin(BASE, 4 * n + 8, PAGE);
		for (j = 0; j < n; j++)
			CHECK_EQ(rocsvm_range_insert_fixed(region, &many[j],
							   BASE + 4 * j * PAGE,
							   PAGE, 0, 0), 0);
		nodes[i] = nodes_of_insert(&pool[0], 2 * PAGE, 4 * PAGE, 0);
		CHECK_EQ(rocsvm_range_base(&pool[0]), BASE + 4 * n * PAGE);

		/* The lowest hole that is sure to have room, high up. */
		rocsvm_range_remove(region, &many[n - 2]);
		nodes[i] += nodes_of_insert(&pool[1], 2 * PAGE, 4 * PAGE, 0);
		CHECK_EQ(rocsvm_range_base(&pool[1]),
			 BASE + 4 * (n - 2) * PAGE);

		/* Room by luck, and nothing sure: all are looked at. */
		CHECK_EQ(insert_fixed(2, BASE + 4 * (n + 1) * PAGE, 4 * PAGE,
				      0), 0);
		CHECK_EQ(insert(3, 2 * PAGE, 4 * PAGE, 0), -ENOMEM);
		rocsvm_range_remove(region, &many[n / 2]);
		CHECK_EQ(insert_fixed(4, BASE + (4 * n / 2 - 1) * PAGE, PAGE, 0),
			 0);
		CHECK_EQ(insert(3, 2 * PAGE, 4 * PAGE, 0), 0);
		CHECK_EQ(rocsvm_range_base(&pool[3]), BASE + 4 * n / 2 * PAGE);

		for (j = 0; j < n; j++)
			if (j != n / 2 && j != n - 2)
				rocsvm_range_remove(region, &many[j]);
		for (j = 0; j < 5; j++)
			rocsvm_range_remove(region, &pool[j]);
		free(many);
		end();
	}
	/* A tree of a hundred times the size is not twice as high. */
	if (nodes[1] > 2 * nodes[0])
		FAIL("%lu nodes of %u, %lu of %u", nodes[0], sizes[0],
		     nodes[1], sizes[1]);
}

/* 4 KiB to 1 MiB, aligned to their lengths, coming and going at random. */
void test_region_mixed(void)
{
	const unsigned int sizes[] = { 500, 50000 };
	unsigned long most[2] = {}, nodes;
	unsigned int i, j, n;

	for (i = 0; i < 2; i++) {
		struct rocsvm_range *many;

		n = sizes[i];
		many = malloc(n * sizeof(*many));
		begin(BASE, 1ULL << 26, PAGE);
		for (j = 0; j < 3 * n; j++) {
			unsigned int k = j < n ? j : random_below(n);
			u64 length = PAGE << random_below(8);

			length += random_below(length);
			if (j >= n)
				rocsvm_range_remove(region, &many[k]);
			nodes = nodes_of_insert(&many[k], length,
						rocsvm_default_alignment(length,
									 HUGE),
						PAGE);
			most[i] = max(most[i], nodes);
		}
		for (j = 0; j < n; j++)
			rocsvm_range_remove(region, &many[j]);
		free(many);
		end();
	}
	if (most[1] > 3 * most[0])
		FAIL("at most %lu nodes of %u, %lu of %u", most[0], sizes[0],
		     most[1], sizes[1]);
}
