/* SPDX-License-Identifier: MIT */
/*
 * What the tests share that change what KFD says of its GPUs while open(2) is
 * on its way, as toctou.h has it: the place of the control page is known
 * beforehand.
 */
#ifndef ROCSVM_TESTS_OPENLIE_H
#define ROCSVM_TESTS_OPENLIE_H

#include "aperture.h"
#include "toctou.h"

#include <sys/uio.h>

/* KFD's arguments are at the beginning of the control page, its arrays here. */
#define ARRAYS 256
#define APERTURE(gpu, member) (ARRAYS +					\
	(gpu) * sizeof(struct kfd_process_device_apertures) +		\
	offsetof(struct kfd_process_device_apertures, member))

/* Words next to each other; the last one of them is waited for. */
struct lie {
	const char *name;
	unsigned int offset, size, last;
	uint64_t value[2];
};

struct liar {
	struct flipper flipper;
	const struct lie *lie;
	char *page;
};

/*
 * Make the highest hole that a page fits into, and no more: there the kernel's
 * mmap() puts the control page, until the window has its place.
 */
static inline char *openlie_hole(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *room = mmap(NULL, 3 * PAGE, PROT_NONE, flags, -1, 0), *page;

	ASSERT(room != MAP_FAILED);
	do {
		page = mmap(NULL, PAGE, PROT_NONE, flags, -1, 0);
		ASSERT(page != MAP_FAILED);
	} while (page > room);
	ASSERT_EQ(SYS(munmap(room + PAGE, PAGE)), 0);
	return room + PAGE;
}

static inline void openlie_flip(void *arg, uint32_t random)
{
	const struct liar *liar = arg;
	const struct lie *lie = liar->lie;
	struct iovec from = { (void *)lie->value, lie->size };
	struct iovec to = { liar->page + lie->offset, lie->size };

	(void)random;
	/* The page can have gone meanwhile. */
	process_vm_writev(getpid(), &from, 1, &to, 1, 0);
}

/* From now on KFD seems to say @lie whenever the calling thread opens. */
static inline void openlie_start(struct liar *liar, const struct lie *lie)
{
	liar->lie = lie;
	liar->page = openlie_hole();
	flipper_start(&liar->flipper, openlie_flip, liar, 815,
		      liar->page + lie->offset + lie->last,
		      lie->size - lie->last);
}

/* A descriptor or -errno; at times the lie is believed. */
static inline int openlie_open(struct liar *liar)
{
	int fd = FLIPPED(&liar->flipper, svm_open());
	struct vma vma;

	/* Wherever it is now, it is not there. */
	EXPECT(!maps_find(liar->page, &vma));
	return fd;
}

static inline void openlie_stop(struct liar *liar)
{
	flipper_stop(&liar->flipper);
}

#endif /* ROCSVM_TESTS_OPENLIE_H */
