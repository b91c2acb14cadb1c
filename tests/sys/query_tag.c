// SPDX-License-Identifier: MIT
/*
 * A buffer's tag: given by ALLOC, changed by SET_TAG at any address inside,
 * told by QUERY at any address inside; and a walk by QUERY_NEXT that meets all
 * live buffers of all kinds once, in the order of their addresses, each with
 * its own tag. In both apertures.
 */
#include "kind.h"

static int fd;
static uint32_t gpu_id;

struct tagged {
	uint32_t kind, flags;
	uint64_t length, tag, va;
};

static struct tagged buffers[] = {
	{ ROCSVM_KIND_HOST, 0, PAGE, 1, 0 },
	{ ROCSVM_KIND_HOST, 0, HUGE_PAGE, ~0ull, 0 },
	{ ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT, KiB(20), 0x8000000000000000, 0 },
	{ ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT, 2 * HUGE_PAGE, 4, 0 },
	{ ROCSVM_KIND_GTT, 0, KiB(64), 5, 0 },
	{ ROCSVM_KIND_GTT, ROCSVM_ALLOC_COHERENT, PAGE, 6, 0 },
	{ ROCSVM_KIND_GTT, ROCSVM_ALLOC_AQL_QUEUE, KiB(64), 7, 0 },
	{ ROCSVM_KIND_VRAM, 0, KiB(64), 8, 0 },
	{ ROCSVM_KIND_PRIVATE_VRAM, 0, MiB(1), 9, 0 },
	{ ROCSVM_KIND_DOORBELL, 0, DOORBELL_LENGTH, 10, 0 },
	{ ROCSVM_KIND_MMIO_REMAP, 0, PAGE, 11, 0 },
	{ ROCSVM_KIND_ADDRESS, 0, MiB(8), 12, 0 },
	{ ROCSVM_KIND_SCRATCH, 0, MiB(2), 13, 0 },
	{ ROCSVM_KIND_HOST, 0, PAGE, 0, 0 },
};

static int set_tag(uint64_t va, uint64_t tag)
{
	struct rocsvm_set_tag args = {
		.size = sizeof(args), .va = va, .tag = tag,
	};

	return svm_ioctl(fd, ROCSVM_SET_TAG, &args);
}

static void allocate(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		struct tagged *b = &buffers[i];
		struct rocsvm_alloc args = {
			.kind = b->kind,
			.flags = b->flags,
			.length = b->length,
			.gpu_id = b->kind == ROCSVM_KIND_ADDRESS ? 0 : gpu_id,
			.tag = b->tag,
		};

		ASSERT_EQ(svm_alloc_args(fd, &args), 0);
		EXPECT_EQ(args.tag, b->tag);
		b->va = args.va;
	}
}

/* By any address inside, and by none outside. */
static void expect_tags(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		const struct tagged *b = &buffers[i];
		uint64_t at_offset[] = { 0, 1, b->length / 2 + 1, b->length - 1 };

		for (size_t k = 0; k < ARRAY_SIZE(at_offset); k++) {
			struct rocsvm_query q = query_at(fd, at(b->va + at_offset[k]));

			EXPECT_EQ(q.va, b->va);
			EXPECT_EQ(q.tag, b->tag);
			EXPECT_EQ(q.kind, b->kind);
			EXPECT_EQ(q.num_registrations, 0);
		}
	}
}

static void change(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		struct tagged *b = &buffers[i];

		b->tag = b->va ^ 0x5555555555555555;
		EXPECT_EQ(set_tag(b->va + b->length - 1, b->tag), 0);
	}
	expect_tags();
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		buffers[i].tag = i;
		EXPECT_EQ(set_tag(buffers[i].va, i), 0);
	}
	expect_tags();
}

/* A tag is no access: guards, freed and foreign addresses have none. */
static void refused(void)
{
	struct rocsvm_set_tag args = {
		.size = sizeof(args), .va = buffers[0].va, .flags = 1,
	};
	struct rocsvm_info info = info_of(fd);
	int own;

	EXPECT_EQ(svm_ioctl(fd, ROCSVM_SET_TAG, &args), -EOPNOTSUPP);
	EXPECT_EQ(set_tag(0, 1), -ENOENT);
	EXPECT_EQ(set_tag(~0ull, 1), -ENOENT);
	EXPECT_EQ(set_tag((uintptr_t)&own, 1), -ENOENT);
	EXPECT_EQ(set_tag(buffers[0].va + buffers[0].length, 1), -ENOENT);
	EXPECT_EQ(set_tag(buffers[0].va - 1, 1), -ENOENT);
	EXPECT_EQ(set_tag(info.svm_limit, 1), -ENOENT);
	expect_tags();
}

/* Everything once, lowest first. */
static void walk(uint32_t flags)
{
	struct rocsvm_query q = { .flags = flags | ROCSVM_QUERY_NEXT };
	unsigned int seen[ARRAY_SIZE(buffers)] = { 0 };
	uint64_t last = 0;
	size_t count = 0;

	while (!svm_query(fd, &q)) {
		bool known = false;

		EXPECT_GT(q.va, last);
		last = q.va;
		for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
			if (buffers[i].va != q.va)
				continue;
			known = true;
			seen[i]++;
			EXPECT_EQ(q.tag, buffers[i].tag);
			EXPECT_EQ(q.length, buffers[i].length);
		}
		EXPECT(known);
		count++;
		q = (struct rocsvm_query){
			.flags = flags | ROCSVM_QUERY_NEXT,
			.va = q.va + q.length,
		};
	}
	EXPECT_EQ(count, ARRAY_SIZE(buffers));
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		EXPECT_EQ(seen[i], 1);
}

/* A buffer inside a reservation has a tag of its own; OUTER names the other. */
static void inside(void)
{
	struct tagged *room = NULL;
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST,
		.flags = ROCSVM_ALLOC_FIXED,
		.length = PAGE,
		.tag = 77,
	};
	struct rocsvm_query q;

	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		if (buffers[i].kind == ROCSVM_KIND_ADDRESS)
			room = &buffers[i];
	ASSERT(room);
	args.va = room->va;
	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	EXPECT_EQ(query_at(fd, at(room->va)).tag, 77);
	EXPECT_EQ(query_at(fd, at(room->va + PAGE)).tag, room->tag);
	EXPECT_EQ(set_tag(room->va + 5, 78), 0);
	EXPECT_EQ(query_at(fd, at(room->va)).tag, 78);
	EXPECT_EQ(query_at(fd, at(room->va + PAGE)).tag, room->tag);
	q = (struct rocsvm_query){
		.va = room->va, .flags = ROCSVM_QUERY_OUTER,
	};
	EXPECT_EQ(svm_query(fd, &q), 0);
	EXPECT_EQ(q.tag, room->tag);
	EXPECT_EQ(q.kind, ROCSVM_KIND_ADDRESS);
	EXPECT_EQ(svm_free(fd, at(room->va)), 0);
	EXPECT_EQ(query_at(fd, at(room->va)).tag, room->tag);
}

static void all(void)
{
	allocate();
	expect_tags();
	walk(0);
	walk(ROCSVM_QUERY_OUTER);
	inside();
	change();
	walk(0);
	refused();
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		EXPECT_EQ(svm_free(fd, at(buffers[i].va)), 0);
		EXPECT_EQ(set_tag(buffers[i].va, 1), -ENOENT);
	}
	EXPECT_EQ(info_buffers(fd), 0);
}

static void test(void)
{
	fd = window_start();
	gpu_id = svm_gpu(fd, 0);
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
