/* SPDX-License-Identifier: MIT */
/*
 * What the tests of BATCH share: entries that are filled in one by one.
 */
#ifndef ROCSVM_TESTS_BATCH_H
#define ROCSVM_TESTS_BATCH_H

#include "harness.h"

/* What a result reads before anybody has written it. */
#define NO_RESULT 12345

union batch_args {
	struct rocsvm_alloc alloc;
	struct rocsvm_free free;
	struct rocsvm_map map;
};

struct batch {
	int fd;
	uint32_t count, room;
	struct rocsvm_batch_entry *entries;
	union batch_args *args;
	uint32_t gpu_id;	/* what MAP entries name */
};

static inline void batch_open(struct batch *b, int fd, uint32_t room)
{
	*b = (struct batch){ .fd = fd, .room = room, .gpu_id = svm_gpu(fd, 0) };
	b->entries = calloc(room, sizeof(*b->entries));
	b->args = calloc(room, sizeof(*b->args));
	ASSERT(b->entries && b->args);
}

static inline void batch_close(struct batch *b)
{
	free(b->entries);
	free(b->args);
}

static inline union batch_args *batch_add(struct batch *b, uint32_t cmd)
{
	union batch_args *args = &b->args[b->count];

	ASSERT_LT(b->count, b->room);
	memset(args, 0, sizeof(*args));
	b->entries[b->count++] = (struct rocsvm_batch_entry){
		.cmd = cmd,
		.result = NO_RESULT,
		.arg = (uintptr_t)args,
	};
	return args;
}

/* ALLOC at exactly @va, or anywhere if it is 0. */
static inline struct rocsvm_alloc *batch_alloc(struct batch *b, uint32_t kind,
					       uint64_t va, uint64_t length)
{
	struct rocsvm_alloc *alloc = &batch_add(b, ROCSVM_ALLOC)->alloc;

	*alloc = (struct rocsvm_alloc){
		.size = sizeof(*alloc),
		.flags = va ? ROCSVM_ALLOC_FIXED : 0,
		.kind = kind,
		.gpu_id = b->gpu_id,
		.va = va,
		.length = length,
	};
	return alloc;
}

static inline void batch_free(struct batch *b, uint64_t va)
{
	batch_add(b, ROCSVM_FREE)->free = (struct rocsvm_free){
		.size = sizeof(struct rocsvm_free),
		.va = va,
	};
}

/* @cmd: ROCSVM_MAP or ROCSVM_UNMAP */
static inline void batch_map(struct batch *b, uint32_t cmd, uint64_t va)
{
	batch_add(b, cmd)->map = (struct rocsvm_map){
		.size = sizeof(struct rocsvm_map),
		.va = va,
		.gpu_ids = (uintptr_t)&b->gpu_id,
		.num_gpus = 1,
	};
}

/* Run from entry *@done on: 0 or -errno, and *@done is updated. */
static inline int batch_run(struct batch *b, uint32_t flags, uint32_t *done)
{
	struct rocsvm_batch args = {
		.size = sizeof(args),
		.flags = flags,
		.entries = (uintptr_t)b->entries,
		.num_entries = b->count,
		.num_done = *done,
	};
	int r = svm_ioctl(b->fd, ROCSVM_BATCH, &args);

	*done = args.num_done;
	return r;
}

/* How many entries of [from, to) have another result. */
static inline uint32_t batch_not(const struct batch *b, uint32_t from,
				 uint32_t to, int result)
{
	uint32_t n = 0;

	for (uint32_t i = from; i < to; i++)
		n += b->entries[i].result != result;
	return n;
}

/* Where @pages pages are free in the page region, by having had them. */
static inline uint64_t free_room(int fd, uint64_t pages)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_ADDRESS,
		.length = pages * PAGE,
	};

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	ASSERT_EQ(svm_free(fd, (void *)(uintptr_t)args.va), 0);
	return args.va;
}

#endif /* ROCSVM_TESTS_BATCH_H */
