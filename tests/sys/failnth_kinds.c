// SPDX-License-Identifier: MIT
/*
 * The kinds of memory that are something special: ALLOC with MAP makes all of it
 * or nothing, FREE can be repeated, whatever runs out of memory.
 */
#include "aperture.h"
#include "failnth.h"
#include "share.h"

#define ROOM KiB(256)

struct kind {
	const char *name;
	uint32_t kind, flags;
	uint64_t length;
	bool nested;
	bool maps;	/* there is something to map */
	bool cpu;
	int also;
};

static const struct kind kinds[] = {
	{ "coherent", ROCSVM_KIND_HOST, ROCSVM_ALLOC_COHERENT, PAGE, false,
	  true, true, 0 },
	{ "AQL ring", ROCSVM_KIND_GTT, ROCSVM_ALLOC_AQL_QUEUE, 2 * PAGE, false,
	  true, true, 0 },
	/* KFD's word for a page of a GPU's that can't be pinned. */
	{ "doorbells", ROCSVM_KIND_DOORBELL, 0, 2 * PAGE, false, true, false,
	  -EINVAL },
	{ "MMIO", ROCSVM_KIND_MMIO_REMAP, 0, PAGE, false, true, false,
	  -EINVAL },
	{ "nested, host", ROCSVM_KIND_HOST, ROCSVM_ALLOC_FIXED, PAGE, true,
	  true, true, 0 },
	{ "nested, GTT", ROCSVM_KIND_GTT, ROCSVM_ALLOC_FIXED, PAGE, true,
	  true, true, 0 },
	{ "addresses", ROCSVM_KIND_ADDRESS, 0, ROOM, false, false, false, 0 },
	{ "scratch", ROCSVM_KIND_SCRATCH, 0, ROOM, false, false, false, 0 },
};

struct special {
	int fd;
	uint32_t gpu;
	const struct kind *kind;
	char *room;
	char *p;
};

static int call_alloc(void *arg)
{
	struct special *s = arg;
	const struct kind *k = s->kind;
	struct rocsvm_alloc args = {
		.kind = k->kind,
		.flags = k->flags,
		.gpu_id = s->gpu,
		.va = k->nested ? (uintptr_t)s->room + PAGE : 0,
		.length = k->length,
		.gpu_ids = (uintptr_t)&s->gpu,
		.num_gpus = k->maps,
	};
	int r = svm_alloc_args(s->fd, &args);

	s->p = at(args.va);
	return r;
}

static void after_alloc(void *arg, int result)
{
	struct special *s = arg;
	int r = result ? call_alloc(s) : 0;

	EXPECT_EQ(r, 0);
	if (r)
		return;
	EXPECT_EQ(query_at(s->fd, s->p).num_gpus, s->kind->maps);
	if (s->kind->cpu)
		EXPECT_EQ(find_not(s->p, 0, s->kind->length), -1);
	EXPECT_EQ(svm_free(s->fd, s->p), 0);
}

static void before_free(void *arg)
{
	ASSERT_EQ(call_alloc(arg), 0);
}

static int call_free(void *arg)
{
	const struct special *s = arg;

	return svm_free(s->fd, s->p);
}

static void after_free(void *arg, int result)
{
	const struct special *s = arg;

	if (result)
		EXPECT_EQ(svm_free(s->fd, s->p), 0);
	EXPECT_EQ(svm_free(s->fd, s->p), -ENOENT);
}

static void test(void)
{
	struct special s = { .fd = svm_start() };
	struct failnth_case c = { .fd = &s.fd };
	char name[64];

	s.gpu = svm_gpu(s.fd, 0);
	s.room = svm_alloc(s.fd, ROCSVM_KIND_ADDRESS, ROOM);
	c.name = name;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		s.kind = &kinds[i];
		c.also = kinds[i].also;
		snprintf(name, sizeof(name), "ALLOC, %s", kinds[i].name);
		c.before = NULL;
		c.call = call_alloc;
		c.after = after_alloc;
		failnth_sweep(&c, &s);
		snprintf(name, sizeof(name), "FREE, %s", kinds[i].name);
		c.before = before_free;
		c.call = call_free;
		c.after = after_free;
		failnth_sweep(&c, &s);
	}
	EXPECT_EQ(svm_free(s.fd, s.room), 0);
	close(s.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
