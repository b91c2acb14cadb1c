/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the apertures share: RESERVE with all its members, a space
 * in the mmap aperture, the kinds of memory as a table.
 */
#ifndef ROCSVM_TESTS_APERTURE_H
#define ROCSVM_TESTS_APERTURE_H

#include "window.h"

#define PARAM_RESERVE "/sys/module/rocsvm/parameters/reserve"

/* RESERVE; fills in @size. 0 or -errno. */
static inline int svm_reserve_args(int fd, struct rocsvm_reserve *args)
{
	args->size = sizeof(*args);
	return svm_ioctl(fd, ROCSVM_RESERVE, args);
}

static inline struct rocsvm_info info_of(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info;
}

/* Ask for the mmap aperture: 0 or -errno. */
static inline int aperture_choose_mmap(int fd)
{
	struct rocsvm_reserve args = { .aperture = ROCSVM_APERTURE_MMAP };

	return svm_reserve_args(fd, &args);
}

/* Open, acquire all GPUs, use the mmap aperture. Any number of times. */
static inline int aperture_mmap_start(void)
{
	struct rocsvm_info info;
	int fd = window_start();

	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	info = info_of(fd);
	ASSERT_EQ(info.aperture, ROCSVM_APERTURE_MMAP);
	EXPECT_EQ(info.window_base, 0);
	EXPECT_EQ(info.window_limit, 0);
	EXPECT_EQ(info.huge_base, 0);
	return fd;
}

/* The kinds that have memory of any length. */
static const struct {
	uint32_t kind;
	const char *name;
	bool cpu;	/* the CPU can access it */
} memory_kinds[] __attribute__((unused)) = {
	{ ROCSVM_KIND_HOST, "host", true },
	{ ROCSVM_KIND_GTT, "GTT", true },
	{ ROCSVM_KIND_VRAM, "VRAM", true },
	{ ROCSVM_KIND_PRIVATE_VRAM, "private VRAM", false },
};

/* ALLOC with GPU 0 where a GPU is needed: the result, address in *@va. */
static inline int alloc_flags(int fd, uint32_t kind, uint64_t length,
			      uint32_t flags, void **va)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.length = length,
		.flags = flags,
		.gpu_id = kind == ROCSVM_KIND_HOST || kind == ROCSVM_KIND_GTT ||
			  kind == ROCSVM_KIND_ADDRESS ? 0 : svm_gpu(fd, 0),
	};
	int r;

	if (flags & ROCSVM_ALLOC_FIXED)
		args.va = (uintptr_t)*va;
	r = svm_alloc_args(fd, &args);
	if (!r)
		*va = (void *)(uintptr_t)args.va;
	return r;
}

/* ALLOC of a fixed address, as the wrapper above. */
static inline int alloc_fixed(int fd, uint32_t kind, uint64_t length,
			      uint32_t flags, uint64_t va)
{
	void *p = at(va);

	return alloc_flags(fd, kind, length, flags | ROCSVM_ALLOC_FIXED, &p);
}

/* What QUERY says of the buffer at @va; ends the test if there is none. */
static inline struct rocsvm_query query_at(int fd, const void *va)
{
	struct rocsvm_query query = { .va = (uintptr_t)va };

	ASSERT_EQ(svm_query(fd, &query), 0);
	return query;
}

#endif /* ROCSVM_TESTS_APERTURE_H */
