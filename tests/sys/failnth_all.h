/* SPDX-License-Identifier: MIT */
/*
 * A space with everything in it that a space can have: what close and fork have
 * to do with when they are made to fail.
 */
#ifndef ROCSVM_TESTS_FAILNTH_ALL_H
#define ROCSVM_TESTS_FAILNTH_ALL_H

#include "aperture.h"
#include "failnth.h"
#include "reg.h"
#include "share.h"

#define ALL_BYTES (2 * PAGE)
#define ALL_ROOM KiB(64)

struct everything {
	int fd, dmabuf;
	char *room;		/* an address reservation */
	char *registered;
	char *imported;
	char *va[8];
	size_t count;
};

static inline char *all_add(struct everything *e, uint32_t kind, uint64_t length,
			    uint32_t flags)
{
	void *va = NULL;

	ASSERT_EQ(alloc_flags(e->fd, kind, length, flags, &va), 0);
	ASSERT_LT(e->count, ARRAY_SIZE(e->va));
	e->va[e->count++] = va;
	return va;
}

/* Each mapped to the GPU, where there is anything to map. */
static inline void all_open(struct everything *e)
{
	*e = (struct everything){ .fd = window_start() };
	all_add(e, ROCSVM_KIND_HOST, ALL_BYTES, 0);
	all_add(e, ROCSVM_KIND_HOST, ALL_BYTES, ROCSVM_ALLOC_COHERENT);
	all_add(e, ROCSVM_KIND_GTT, ALL_BYTES, ROCSVM_ALLOC_AQL_QUEUE);
	all_add(e, ROCSVM_KIND_VRAM, ALL_BYTES, 0);
	all_add(e, ROCSVM_KIND_PRIVATE_VRAM, ALL_BYTES, 0);
	all_add(e, ROCSVM_KIND_DOORBELL, KiB(8), 0);
	all_add(e, ROCSVM_KIND_MMIO_REMAP, PAGE, 0);
	all_add(e, ROCSVM_KIND_GTT, ALL_BYTES, 0);
	for (size_t i = 0; i < e->count; i++)
		EXPECT_EQ(svm_map_all(e->fd, e->va[i]), 0);
	e->dmabuf = svm_export(e->fd, e->va[e->count - 1]);
	ASSERT_GE(e->dmabuf, 0);
	e->imported = svm_import(e->fd, e->dmabuf);
	e->room = svm_alloc(e->fd, ROCSVM_KIND_ADDRESS, ALL_ROOM);
	ASSERT_EQ(svm_alloc_at(e->fd, ROCSVM_KIND_HOST, PAGE,
			       (uintptr_t)e->room), 0);
	ASSERT_EQ(svm_alloc_at(e->fd, ROCSVM_KIND_GTT, PAGE,
			       (uintptr_t)e->room + PAGE), 0);
	e->registered = own_private(ALL_BYTES);
	memset(e->registered, 1, ALL_BYTES);
	ASSERT_EQ(reg_add_mapped(e->fd, e->registered, ALL_BYTES,
				 svm_gpu(e->fd, 0)), 0);
}

#endif /* ROCSVM_TESTS_FAILNTH_ALL_H */
