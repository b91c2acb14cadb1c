/* SPDX-License-Identifier: MIT */
/*
 * What the tests of registered memory share: the ioctls, memory to register,
 * and a GPU that is looked at from outside.
 */
#ifndef ROCSVM_TESTS_REG_H
#define ROCSVM_TESTS_REG_H

#include "pagetable.h"

/* The process's space, and its first GPU with a queue and page tables. */
struct reg {
	int fd;
	uint32_t gpu;
	struct gpuqueue queue;
	struct pagetable pt;
};

static inline void reg_open(struct reg *r)
{
	r->fd = svm_start();
	r->gpu = svm_gpu(r->fd, 0);
	gpuqueue_open(&r->queue, r->fd, r->gpu);
	pagetable_open(&r->pt, &r->queue);
}

static inline void reg_close(struct reg *r)
{
	pagetable_close(&r->pt);
	gpuqueue_close(&r->queue);
	close(r->fd);
}

static inline int reg_args(int fd, struct rocsvm_register *args)
{
	args->size = sizeof(*args);
	return svm_ioctl(fd, ROCSVM_REGISTER, args);
}

/* REGISTER, mapped to no GPU: 0 or -errno. */
static inline int reg_add(int fd, const void *va, uint64_t length)
{
	struct rocsvm_register args = {
		.va = (uintptr_t)va, .length = length,
	};

	return reg_args(fd, &args);
}

/* REGISTER, mapped to one GPU: 0 or -errno. */
static inline int reg_add_mapped(int fd, const void *va, uint64_t length,
				 uint32_t gpu)
{
	struct rocsvm_register args = {
		.va = (uintptr_t)va,
		.length = length,
		.gpu_ids = (uintptr_t)&gpu,
		.num_gpus = 1,
	};

	return reg_args(fd, &args);
}

/* UNREGISTER: 0 or -errno. */
static inline int reg_end(int fd, const void *va, uint64_t length)
{
	struct rocsvm_unregister args = {
		.size = sizeof(args), .va = (uintptr_t)va, .length = length,
	};

	return svm_ioctl(fd, ROCSVM_UNREGISTER, &args);
}

/* The segment at an address; a length of 0 if there is none. */
static inline struct rocsvm_query reg_segment(int fd, const void *va)
{
	struct rocsvm_query q = { .va = (uintptr_t)va };
	int r = svm_query(fd, &q);

	if (r || q.kind != ROCSVM_KIND_REGISTERED) {
		EXPECT(r == -ENOENT || !r);
		q = (struct rocsvm_query){ .length = 0 };
	}
	return q;
}

/* INFO says that so much is registered. */
#define EXPECT_REGISTERED(fd, registrations, bytes) do {		\
	struct rocsvm_info info_;					\
									\
	EXPECT_EQ(svm_info(fd, &info_), 0);				\
	EXPECT_EQ(info_.num_registrations, registrations);		\
	EXPECT_EQ(info_.registered_bytes, bytes);			\
} while (0)

/* Memory of the program's own: mmap() that ends the test on failure. */
static inline char *own(void *at, uint64_t length, int prot, int flags, int file)
{
	char *p = mmap(at, length, prot, flags, file, 0);

	ASSERT_NE((uintptr_t)p, (uintptr_t)MAP_FAILED);
	if (at)
		ASSERT_EQ((uintptr_t)p, (uintptr_t)at);
	return p;
}

static inline char *own_private(uint64_t length)
{
	return own(NULL, length, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* The pages that [va, va + length) touches. */
static inline char *reg_pages(const void *va, uint64_t length, uint64_t *bytes)
{
	uintptr_t base = (uintptr_t)va & ~(PAGE - 1);

	*bytes = (((uintptr_t)va + length + PAGE - 1) & ~(PAGE - 1)) - base;
	return (char *)base;
}

/*
 * The GPU sees memory where the CPU does: by the page tables of all its pages,
 * and by a copy there and back of all its bytes. Nothing of it is changed.
 */
static inline void reg_check_identity(struct reg *r, const char *what, char *va,
				      uint64_t length)
{
	uint64_t bytes;
	char *pages = reg_pages(va, length, &bytes);
	char *copy = svm_alloc(r->fd, ROCSVM_KIND_GTT, length);
	char *saved = malloc(length);
	struct identity seen;

	ASSERT(saved);
	memcpy(saved, va, length);
	EXPECT_EQ(svm_map(r->fd, copy, &r->gpu, 1), 0);
	EXPECT_EQ(identity_check(&r->pt, what, pages, bytes, PLACE_HOST, &seen), 0);
	pattern_fill(va, length, 21);
	EXPECT_EQ(gpuqueue_copy(&r->queue, copy, va, length), 0);
	EXPECT_EQ(pattern_differs(copy, length, 21), -1);
	pattern_fill(copy, length, 22);
	EXPECT_EQ(gpuqueue_copy(&r->queue, va, copy, length), 0);
	EXPECT_EQ(pattern_differs(va, length, 22), -1);
	memcpy(va, saved, length);
	free(saved);
	EXPECT_EQ(svm_free(r->fd, copy), 0);
}

#endif /* ROCSVM_TESTS_REG_H */
