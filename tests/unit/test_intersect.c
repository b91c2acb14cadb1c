// SPDX-License-Identifier: MIT
/* The intersection of the GPUs' apertures. */
#include "placement.h"
#include "placement_test.h"
#include "tap.h"

#define MAX_GPUS 6

/* gpuvm apertures as KFD reports them. */
#define GFX9_61		{ 0x4000, 0x7fffffffffff }	/* gfx9, Linux 6.1 */
#define GFX9_612	{ 0x10000, 0x7fffffffffff }	/* gfx9, Linux 6.12 */
#define GFX8		{ 0x4000, 0xffffffffff }	/* 40 bits, or vm_size=1024 */
#define GFX9_SMALL	{ 0x10000, 0xfffffffff }	/* vm_size=64 */
#define KAVERI		{ 0x2001000000000000, 0x200100ffffffffff }
#define KAVERI_2	{ 0x4001000000000000, 0x400100ffffffffff }
#define ALL_BITS	{ 0xffff800000000000, 0xffffffffffffffff }

static const struct recorded {
	struct rocsvm_aperture gpuvm[MAX_GPUS];
	unsigned int n;
	int err;
	struct rocsvm_aperture svm;
} recorded[] = {
	{ { GFX9_61 }, 1, 0, GFX9_61 },
	{ { GFX9_612 }, 1, 0, GFX9_612 },
	{ { GFX8 }, 1, 0, GFX8 },
	{ { GFX9_61, GFX9_61 }, 2, 0, GFX9_61 },
	{ { GFX9_61, GFX8 }, 2, 0, GFX8 },
	{ { GFX9_612, GFX8 }, 2, 0, { 0x10000, 0xffffffffff } },
	{ { GFX9_612, GFX8, GFX9_SMALL, GFX9_61 }, 4, 0, GFX9_SMALL },
	{ { KAVERI }, 1, -ENODEV, {} },
	{ { KAVERI, KAVERI_2, ALL_BITS }, 3, -ENODEV, {} },
	{ { KAVERI, GFX9_61 }, 2, 0, GFX9_61 },
	{ { KAVERI, GFX9_612, ALL_BITS, GFX8, KAVERI_2 }, 5, 0,
	  { 0x10000, 0xffffffffff } },
	{ { { 0x1000000, 0x1ffffff }, { 0x2000000, 0x2ffffff } }, 2, -ERANGE, {} },
	{ { { 0x1000000, 0x1ffffff }, GFX9_61, KAVERI,
	    { 0x2000000, 0x2ffffff } }, 4, -ERANGE, {} },
	/* What KFD reports to a 32-bit process. */
	{ { { 0, 0 }, GFX9_61 }, 2, -ERANGE, {} },
};

static const struct rocsvm_aperture untouched = { 0x1234, 0x5678 };

static void check_one(const struct rocsvm_aperture *gpuvm, unsigned int n,
		      int err, struct rocsvm_aperture expected)
{
	struct rocsvm_aperture svm = untouched;

	if (err)
		expected = untouched;
	CHECK_EQ(rocsvm_intersect(gpuvm, n, &svm), err);
	CHECK_EQ(svm.base, expected.base);
	CHECK_EQ(svm.limit, expected.limit);
}

/* Every order of gpuvm[0..n), by putting each into the last place in turn. */
static void check_orders(struct rocsvm_aperture *gpuvm, unsigned int n,
			 const struct recorded *r)
{
	unsigned int i;

	if (n <= 1)
		check_one(gpuvm, r->n, r->err, r->svm);
	for (i = 0; n > 1 && i < n; i++) {
		struct rocsvm_aperture moved = gpuvm[i];

		gpuvm[i] = gpuvm[n - 1];
		gpuvm[n - 1] = moved;
		check_orders(gpuvm, n - 1, r);
		gpuvm[n - 1] = gpuvm[i];
		gpuvm[i] = moved;
	}
}

void test_intersect_recorded(void)
{
	struct rocsvm_aperture gpuvm[MAX_GPUS];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(recorded); i++) {
		memcpy(gpuvm, recorded[i].gpuvm, sizeof(gpuvm));
		check_orders(gpuvm, recorded[i].n, &recorded[i]);
	}
}

void test_intersect_edges(void)
{
	const struct rocsvm_aperture one_page[] = {
		{ 0x10000, 0x20fff }, { 0x20000, 0x30000 },
	};
	const struct rocsvm_aperture one_byte[] = {
		{ 0x10000, 0x20000 }, { 0x20000, 0x30000 },
	};
	const struct rocsvm_aperture touching[] = {
		{ 0x10000, 0x1ffff }, { 0x20000, 0x30000 },
	};
	const struct rocsvm_aperture backwards = { 0x2000, 0x1000 };
	struct rocsvm_aperture a = { 0x4000, ROCSVM_CANONICAL_END - 1 };

	check_one(NULL, 0, -ENODEV, untouched);
	check_one(one_page, 2, 0, (struct rocsvm_aperture){ 0x20000, 0x20fff });
	check_one(one_byte, 2, 0, (struct rocsvm_aperture){ 0x20000, 0x20000 });
	check_one(touching, 2, -ERANGE, untouched);
	check_one(&backwards, 1, -ERANGE, untouched);

	/* Canonical to the last byte, and one more. */
	check_one(&a, 1, 0, a);
	a.limit++;
	check_one(&a, 1, -ENODEV, untouched);
	a.limit = U64_MAX;
	check_one(&a, 1, -ENODEV, untouched);
	a.base = a.limit = 0;
	check_one(&a, 1, 0, a);
}

/* An address is in the intersection if every canonical GPU has it. */
static bool in_all(const struct rocsvm_aperture *gpuvm, unsigned int n, u64 addr)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (gpuvm[i].limit >> 47 == 0 &&
		    (addr < gpuvm[i].base || addr > gpuvm[i].limit))
			return false;
	return true;
}

static void check_addr(const struct rocsvm_aperture *gpuvm, unsigned int n,
		       int err, const struct rocsvm_aperture *svm, u64 addr)
{
	bool inside = !err && addr >= svm->base && addr <= svm->limit;

	CHECK_EQ(inside, in_all(gpuvm, n, addr));
}

void test_intersect_random(void)
{
	struct rocsvm_aperture gpuvm[MAX_GPUS], svm;
	unsigned int round, i, n, canonical;
	int err;

	for (round = 0; round < 20000; round++) {
		n = random_below(MAX_GPUS + 1);
		canonical = 0;
		for (i = 0; i < n; i++) {
			unsigned int shift = 16 + random_below(48);

			gpuvm[i].base = random_below(64) << random_below(42);
			gpuvm[i].limit = gpuvm[i].base + (random_u64() >> shift);
			canonical += gpuvm[i].limit >> 47 == 0;
		}
		err = rocsvm_intersect(gpuvm, n, &svm);
		CHECK_EQ(err == -ENODEV, canonical == 0);
		for (i = 0; canonical && i < n; i++) {
			check_addr(gpuvm, n, err, &svm, gpuvm[i].base);
			check_addr(gpuvm, n, err, &svm, gpuvm[i].base - 1);
			check_addr(gpuvm, n, err, &svm, gpuvm[i].limit);
			check_addr(gpuvm, n, err, &svm, gpuvm[i].limit + 1);
		}
	}
}
