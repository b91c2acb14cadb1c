// SPDX-License-Identifier: MIT
/*
 * Registrations overlap: each page is registered with KFD once, in segments
 * that earlier registrations did not cover; a segment, and the GPU's access to
 * all of it, lasts until the last registration that meets it has ended, in
 * whatever order they end. Calls that fail change nothing.
 */
#include "reg.h"

#define PAGES 12

static struct reg r;
static char *memory;

/* What is registered, in pages of memory; and the segments that come of it. */
static const struct area {
	int first, end;
} areas[] = { { 2, 6 }, { 4, 8 }, { 0, 10 } },
  segments[] = { { 2, 6 }, { 6, 8 }, { 0, 2 }, { 8, 10 } };

static char *at(int page)
{
	return memory + page * PAGE;
}

static uint64_t length_of(const struct area *a)
{
	return (a->end - a->first) * PAGE;
}

static bool meet(const struct area *a, const struct area *b)
{
	return a->first < b->end && b->first < a->end;
}

/* live: bit mask of the areas that are registered */
static void expect(unsigned int live)
{
	uint64_t bytes = 0;

	for (size_t s = 0; s < ARRAY_SIZE(segments); s++) {
		const struct area *seg = &segments[s];
		unsigned int count = 0, mapped = 0;
		struct rocsvm_query q = reg_segment(r.fd, at(seg->end) - 1);

		for (size_t a = 0; a < ARRAY_SIZE(areas); a++)
			count += live >> a & 1 && meet(&areas[a], seg);
		mapped = pages_mapped(&r.pt, at(seg->first), length_of(seg));
		if (!count) {
			EXPECT_EQ(q.length, 0);
			EXPECT_EQ(mapped, 0);
			continue;
		}
		EXPECT_EQ(q.va, (uintptr_t)at(seg->first));
		EXPECT_EQ(q.length, length_of(seg));
		EXPECT_EQ(q.num_registrations, count);
		EXPECT_EQ(q.tag, 100 + s);
		EXPECT_EQ(mapped, seg->end - seg->first);
		bytes += length_of(seg);
	}
	EXPECT_EQ(pages_mapped(&r.pt, at(10), 2 * PAGE), 0);
	EXPECT_REGISTERED(r.fd, __builtin_popcount(live), bytes);
}

static int add(const struct area *a, uint64_t tag, uint32_t flags)
{
	struct rocsvm_register args = {
		.va = (uintptr_t)at(a->first),
		.length = length_of(a),
		.flags = flags,
		.gpu_ids = (uintptr_t)&r.gpu,
		.num_gpus = 1,
		.tag = tag,
	};

	return reg_args(r.fd, &args);
}

static int end(const struct area *a)
{
	return reg_end(r.fd, at(a->first), length_of(a));
}

/* What must fail while everything is registered, and change nothing. */
static void refused(void)
{
	const struct area other[] = { { 2, 7 }, { 3, 6 }, { 0, 2 }, { 0, 12 } };
	const struct area hole = { 9, 12 };

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		EXPECT_EQ(end(&other[i]), -ENOENT);
	EXPECT_EQ(add(&areas[0], 0, ROCSVM_ALLOC_READONLY), -EEXIST);
	EXPECT_EQ(add(&hole, 0, ROCSVM_ALLOC_EXECUTABLE), -EEXIST);
	/* its last page is none */
	EXPECT_EQ(add(&hole, 0, 0), -EFAULT);
	expect(7);
}

static void one_order(int first, int second, int third)
{
	say("ended in the order %d, %d, %d", first, second, third);
	ASSERT_EQ(add(&areas[0], 100, 0), 0);
	expect(1);
	ASSERT_EQ(add(&areas[1], 101, 0), 0);
	expect(3);
	/* one call, two segments: give the second the tag that is expected */
	ASSERT_EQ(add(&areas[2], 102, 0), 0);
	ASSERT_EQ(reg_segment(r.fd, at(8)).tag, 102);
	ASSERT_EQ(svm_ioctl(r.fd, ROCSVM_SET_TAG, &(struct rocsvm_set_tag){
			.size = sizeof(struct rocsvm_set_tag),
			.va = (uintptr_t)at(9), .tag = 103 }), 0);
	expect(7);
	refused();
	ASSERT_EQ(end(&areas[first]), 0);
	expect(7 & ~(1 << first));
	EXPECT_EQ(end(&areas[first]), -ENOENT);
	ASSERT_EQ(end(&areas[second]), 0);
	expect(1 << third);
	ASSERT_EQ(end(&areas[third]), 0);
	expect(0);
}

/* The same range twice is two registrations. */
static void twice(void)
{
	ASSERT_EQ(add(&areas[0], 100, 0), 0);
	ASSERT_EQ(add(&areas[0], 200, 0), 0);
	EXPECT_EQ(reg_segment(r.fd, at(2)).num_registrations, 2);
	EXPECT_EQ(reg_segment(r.fd, at(2)).tag, 100);
	EXPECT_REGISTERED(r.fd, 2, length_of(&areas[0]));
	ASSERT_EQ(end(&areas[0]), 0);
	expect(1);
	ASSERT_EQ(end(&areas[0]), 0);
	expect(0);
	EXPECT_EQ(end(&areas[0]), -ENOENT);
}

/* MAP and UNMAP by address: all that any registration with it meets. */
static void map_all_of(void)
{
	EXPECT_EQ(reg_add(r.fd, at(0), PAGE), 0);
	EXPECT_EQ(reg_add(r.fd, at(0), 4 * PAGE), 0);
	EXPECT_EQ(reg_add_mapped(r.fd, at(3), PAGE, r.gpu), 0);
	/* the segment of pages 1 to 3 has both */
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 3);
	EXPECT_EQ(svm_unmap(r.fd, at(0), &r.gpu, 1), -EINVAL);
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 3);
	EXPECT_EQ(svm_map(r.fd, at(0), &r.gpu, 1), 0);
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 4);
	EXPECT_EQ(svm_map(r.fd, at(1), &r.gpu, 1), -ENOENT);
	EXPECT_EQ(svm_unmap(r.fd, at(3), &r.gpu, 1), 0);
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 1);
	EXPECT_EQ(svm_unmap_all(r.fd, at(0)), 0);
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 0);
	EXPECT_EQ(svm_unmap_all(r.fd, at(0)), 0);
	/* mapped by a later registration, if only over a part */
	EXPECT_EQ(reg_add_mapped(r.fd, at(2), PAGE, r.gpu), 0);
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 3);
	EXPECT_EQ(reg_end(r.fd, at(2), PAGE), 0);
	EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 3);
	EXPECT_EQ(reg_end(r.fd, at(0), 4 * PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, at(3), PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, at(0), PAGE), 0);
	expect(0);
}

static void test(void)
{
	reg_open(&r);
	memory = own_private(PAGES * PAGE);
	munmap(at(11), PAGE);
	one_order(0, 1, 2);
	one_order(0, 2, 1);
	one_order(1, 0, 2);
	one_order(1, 2, 0);
	one_order(2, 0, 1);
	one_order(2, 1, 0);
	twice();
	map_all_of();
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
