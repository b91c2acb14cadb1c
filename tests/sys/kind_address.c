// SPDX-License-Identifier: MIT
/*
 * An address reservation: no memory, no other buffer in it but by FIXED, which
 * backs any part of it with any kind; it can be freed once it is empty. QUERY
 * tells the inner buffer, or with OUTER the reservation. In both apertures.
 */
#include "kind.h"

#define LENGTH MiB(64)

static int fd;
static struct gpuqueue queue;
static struct pagetable pt;
static char *room;

/* Is @va described as a buffer of @kind at @base? */
static void expect_query(uint32_t flags, const char *va, uint32_t kind,
			 const char *base, uint64_t length)
{
	struct rocsvm_query query = { .va = (uintptr_t)va, .flags = flags };

	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.kind, kind);
	EXPECT_EQ(query.va, (uintptr_t)base);
	EXPECT_EQ(query.length, length);
}

static void empty(void)
{
	struct rocsvm_info info = info_of(fd);
	struct rocsvm_query query;
	uint32_t gpu_id = queue.gpu_id;

	query = query_at(fd, room + 1);
	EXPECT_EQ(query.va, (uintptr_t)room);
	EXPECT_EQ(query.length, LENGTH);
	EXPECT_EQ(query.kind, ROCSVM_KIND_ADDRESS);
	EXPECT_EQ(query.handle, 0);
	EXPECT_EQ(query.gpu_id, 0);
	EXPECT_EQ(query.num_gpus, 0);
	expect_query(ROCSVM_QUERY_OUTER, room, ROCSVM_KIND_ADDRESS, room, LENGTH);
	EXPECT_DEAD(room);
	EXPECT_DEAD(room + LENGTH / 2);
	EXPECT_DEAD(room + LENGTH - 1);
	EXPECT_EQ(svm_map(fd, room, &gpu_id, 1), -EINVAL);
	EXPECT_EQ(pages_mapped(&pt, room, KiB(64)), 0);
	/* addresses are no bytes */
	EXPECT_LT(info.buffer_bytes, LENGTH);
}

/* Whatever is allocated without an address lands elsewhere. */
static void never_given_out(void)
{
	void *va[40];

	for (size_t i = 0; i < ARRAY_SIZE(va); i++) {
		uint64_t length = i % 8 ? KiB(64) : HUGE_PAGE;

		va[i] = svm_alloc(fd, 1 + i % 4, length);
		EXPECT((char *)va[i] + length <= room ||
		       (char *)va[i] >= room + LENGTH);
	}
	for (size_t i = 0; i < ARRAY_SIZE(va); i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
}

/* Every kind, side by side without guards, and bytes that stay apart. */
static void backed(void)
{
	static const struct {
		uint32_t kind;
		uint64_t offset, length;
		enum place place;
	} parts[] = {
		{ ROCSVM_KIND_HOST, PAGE, PAGE, PLACE_HOST },
		{ ROCSVM_KIND_GTT, 2 * PAGE, KiB(56), PLACE_GTT },
		{ ROCSVM_KIND_VRAM, KiB(64), KiB(64), PLACE_VRAM },
		{ ROCSVM_KIND_HOST, KiB(128), MiB(3), PLACE_HOST },
		{ ROCSVM_KIND_PRIVATE_VRAM, MiB(16), MiB(2), PLACE_VRAM },
		{ ROCSVM_KIND_HOST, LENGTH - PAGE, PAGE, PLACE_HOST },
	};
	struct identity seen;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char *va = room + parts[i].offset;

		ASSERT_EQ(alloc_fixed(fd, parts[i].kind, parts[i].length, 0,
				      (uintptr_t)va), 0);
		EXPECT_EQ(query_at(fd, va).guard, 0);
		EXPECT_EQ(svm_map_all(fd, va), 0);
		if (parts[i].kind != ROCSVM_KIND_PRIVATE_VRAM) {
			EXPECT_EQ(find_not(va, 0, parts[i].length), -1);
			pattern_fill(va, parts[i].length, i);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char *va = room + parts[i].offset;

		expect_query(0, va + parts[i].length - 1, parts[i].kind, va,
			     parts[i].length);
		expect_query(ROCSVM_QUERY_OUTER, va, ROCSVM_KIND_ADDRESS, room,
			     LENGTH);
		if (parts[i].kind == ROCSVM_KIND_PRIVATE_VRAM) {
			EXPECT_EQ(pages_mapped(&pt, va, parts[i].length),
				  parts[i].length / PAGE);
			continue;
		}
		EXPECT_EQ(pattern_differs(va, parts[i].length, i), -1);
		EXPECT_EQ(identity_check(&pt, "in a reservation", va,
					 parts[i].length, parts[i].place, &seen),
			  0);
	}
	EXPECT_DEAD(room);
	EXPECT_DEAD(room + MiB(4));
	expect_query(0, room, ROCSVM_KIND_ADDRESS, room, LENGTH);
	expect_query(0, room + MiB(8), ROCSVM_KIND_ADDRESS, room, LENGTH);

	/* a copy from one part to the other, over their border */
	EXPECT_EQ(gpuqueue_copy(&queue, room + KiB(64) - PAGE,
				room + KiB(128), 2 * PAGE), 0);
	EXPECT_EQ(memcmp(room + KiB(64) - PAGE, room + KiB(128), 2 * PAGE), 0);

	EXPECT_EQ(svm_free(fd, room), -EBUSY);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char *va = room + parts[i].offset;

		EXPECT_EQ(svm_free(fd, va), 0);
		EXPECT_DEAD(va);
		EXPECT_DEAD(va + parts[i].length - 1);
		EXPECT_EQ(pages_mapped(&pt, va, parts[i].length), 0);
		expect_query(0, va, ROCSVM_KIND_ADDRESS, room, LENGTH);
		if (i + 1 < ARRAY_SIZE(parts))
			EXPECT_EQ(svm_free(fd, room), -EBUSY);
	}
	EXPECT_EQ(info_quarantined(fd), 0);
}

/* What does not go into a reservation. */
static void refused(void)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST,
		.flags = ROCSVM_ALLOC_FIXED,
		.length = PAGE,
		.guard = PAGE,
		.va = (uintptr_t)room,
	};
	uint64_t va = (uintptr_t)room;

	EXPECT_EQ(svm_alloc_args(fd, &args), -EINVAL);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_ADDRESS, PAGE, 0, va), -EINVAL);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_SCRATCH, PAGE, 0, va + MiB(1)),
		  -EINVAL);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, va + 16), -EINVAL);
	/* not wholly in it: at the end, and from before it */
	EXPECT_LT(alloc_fixed(fd, ROCSVM_KIND_HOST, 2 * PAGE, 0,
			      va + LENGTH - PAGE), 0);
	EXPECT_LT(alloc_fixed(fd, ROCSVM_KIND_HOST, KiB(128), 0, va - KiB(64)), 0);
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_GTT, KiB(64), 0, va), 0);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, va), -EEXIST);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, va + KiB(60)),
		  -EEXIST);
	EXPECT_EQ(svm_free(fd, at(va)), 0);
	EXPECT_EQ(query_at(fd, room).kind, ROCSVM_KIND_ADDRESS);
	EXPECT_EQ(info_quarantined(fd), 0);
}

/* The first at or above @va, as QUERY_NEXT tells it. */
static uint64_t next(uint32_t flags, const char *va)
{
	struct rocsvm_query query = {
		.va = (uintptr_t)va, .flags = flags | ROCSVM_QUERY_NEXT,
	};
	int r = svm_query(fd, &query);

	return r ? 0 : query.va;
}

static void next_and_outer(void)
{
	uint32_t outer = ROCSVM_QUERY_OUTER;

	EXPECT_EQ(next(0, room), (uintptr_t)room);
	EXPECT_EQ(next(outer, room), (uintptr_t)room);
	EXPECT_EQ(next(0, room + MiB(1)), (uintptr_t)room);
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0,
			      (uintptr_t)room + MiB(8)), 0);
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0,
			      (uintptr_t)room + MiB(9)), 0);
	/* now that it has buffers those come in its place */
	EXPECT_EQ(next(0, room), (uintptr_t)room + MiB(8));
	EXPECT_EQ(next(0, room + MiB(8)), (uintptr_t)room + MiB(8));
	EXPECT_EQ(next(0, room + MiB(8) + PAGE), (uintptr_t)room + MiB(9));
	EXPECT_NE(next(0, room + MiB(9) + PAGE), (uintptr_t)room);
	EXPECT_EQ(next(outer, room), (uintptr_t)room);
	EXPECT_EQ(next(outer, room + MiB(8)), (uintptr_t)room);
	EXPECT_EQ(next(outer, room + LENGTH - 1), (uintptr_t)room);
	EXPECT_NE(next(outer, room + LENGTH), (uintptr_t)room);
	EXPECT_EQ(svm_free(fd, room + MiB(8)), 0);
	EXPECT_EQ(svm_free(fd, room + MiB(9)), 0);
	EXPECT_EQ(next(0, room), (uintptr_t)room);
}

/* Thousands in one, in and out in disorder. */
static void many(void)
{
	unsigned long count = scaled(4000, 150), n = 0;
	unsigned long *order = calloc(count, sizeof(*order));
	uint32_t state = 4;

	ASSERT(order);
	for (unsigned long i = 0; i < count; i++) {
		unsigned long k = rnd(&state) % (i + 1);

		order[i] = order[k];
		order[k] = i;
	}

	for (unsigned long i = 0; i < count; i++)
		n += !alloc_fixed(fd, i % 32 ? ROCSVM_KIND_HOST : ROCSVM_KIND_GTT,
				  PAGE, 0, (uintptr_t)room + i * PAGE);
	EXPECT_EQ(n, count);
	EXPECT_EQ(svm_free(fd, room + PAGE), 0);
	EXPECT_EQ(svm_free(fd, room + PAGE), -ENOENT);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0,
			      (uintptr_t)room + PAGE), 0);
	for (unsigned long i = 0; i < count; i++)
		*(unsigned long *)(room + i * PAGE) = i;
	for (unsigned long i = 0; i < count; i++)
		EXPECT_EQ(*(unsigned long *)(room + order[i] * PAGE), order[i]);
	for (unsigned long i = 0; i < count; i++)
		EXPECT_EQ(svm_free(fd, room + order[i] * PAGE), 0);
	free(order);
	EXPECT_EQ(query_at(fd, room).kind, ROCSVM_KIND_ADDRESS);
	EXPECT_EQ(info_quarantined(fd), 0);
}

static void all(void)
{
	uint64_t buffers, bytes;
	void *va = NULL;
	size_t vmas;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	buffers = info_buffers(fd);
	bytes = info_of(fd).buffer_bytes;
	vmas = maps_count(0);
	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_ADDRESS, LENGTH, 0, &va), 0);
	room = va;
	empty();
	never_given_out();
	backed();
	refused();
	next_and_outer();
	many();
	EXPECT_EQ(svm_free(fd, room), 0);
	EXPECT_EQ(svm_free(fd, room), -ENOENT);
	EXPECT_EQ(info_buffers(fd), buffers);
	EXPECT_EQ(info_of(fd).buffer_bytes, bytes);
	EXPECT_EQ(maps_count(0), vmas);
	/* the whole range can be had again */
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_ADDRESS, LENGTH, 0,
			      (uintptr_t)room), 0);
	EXPECT_EQ(svm_free(fd, room), 0);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
}

/* What is in a reservation when the space ends goes as well. */
static void closed(void)
{
	void *va = NULL;

	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_ADDRESS, LENGTH, 0, &va), 0);
	for (uint32_t kind = 1; kind <= 4; kind++)
		ASSERT_EQ(alloc_fixed(fd, kind, KiB(64), 0,
				      (uintptr_t)va + kind * MiB(1)), 0);
	close(fd);
	EXPECT(svm_all_gone());
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(maps_named(0, "renderD"), 0);
}

static void test(void)
{
	fd = window_start();
	say("window");
	all();
	closed();
	fd = aperture_mmap_start();
	say("mmap aperture");
	all();
	closed();
}

int main(void)
{
	return test_main(test);
}
