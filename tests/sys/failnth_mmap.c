// SPDX-License-Identifier: MIT
/*
 * mmap() of KFD's doorbells through rocsvm's file that runs out of memory has
 * mapped nothing. What the window refuses it refuses then, too, and stays whole.
 */
#include "aperture.h"
#include "failnth.h"

#define DOORBELLS KiB(8)

struct mapping {
	int fd;
	uint64_t offset;
	char *doorbells, *host;
	size_t vmas;
};

static void before(void *arg)
{
	struct mapping *m = arg;

	m->vmas = maps_count(0);
}

static int call_doorbells(void *arg)
{
	struct mapping *m = arg;

	m->doorbells = mmap(NULL, DOORBELLS, PROT_READ | PROT_WRITE, MAP_SHARED,
			    m->fd, m->offset);
	return m->doorbells == MAP_FAILED ? -errno : 0;
}

static void after_doorbells(void *arg, int result)
{
	struct mapping *m = arg;

	if (result) {
		EXPECT_EQ(maps_count(0), m->vmas);
		EXPECT_EQ(call_doorbells(m), 0);
	}
	EXPECT_EQ(munmap(m->doorbells, DOORBELLS), 0);
}

/* -ENOMEM is what mmap() says of what it may not unmap. */
static int refused(long r)
{
	return r == -EBUSY || r == -EPERM || r == -ENOMEM ? 0 : r;
}

static int call_munmap(void *arg)
{
	const struct mapping *m = arg;

	return refused(SYS(munmap(m->host, PAGE)));
}

static int call_mprotect(void *arg)
{
	const struct mapping *m = arg;

	return refused(SYS(mprotect(m->host, PAGE, PROT_READ)));
}

static int call_map_fixed(void *arg)
{
	const struct mapping *m = arg;

	return refused(SYS(mmap(m->host, PAGE, PROT_READ, MAP_PRIVATE |
				MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
}

static int call_mremap(void *arg)
{
	const struct mapping *m = arg;

	return refused(SYS(mremap(m->host, PAGE, PAGE, MREMAP_MAYMOVE |
				  MREMAP_FIXED, m->host + GiB(1))));
}

static int call_dofork(void *arg)
{
	const struct mapping *m = arg;

	return refused(SYS(madvise(m->host, PAGE, MADV_DOFORK)));
}

static void after_refused(void *arg, int result)
{
	const struct mapping *m = arg;

	(void)result;
	EXPECT_EQ(maps_count(0), m->vmas);
	EXPECT_EQ(pattern_differs(m->host, 4 * PAGE, 9), -1);
}

static const struct {
	const char *name;
	int (*call)(void *arg);
} refusals[] = {
	{ "munmap of a part", call_munmap },
	{ "mprotect of a part", call_mprotect },
	{ "MAP_FIXED", call_map_fixed },
	{ "mremap", call_mremap },
	{ "MADV_DOFORK of a part", call_dofork },
};

static void test(void)
{
	struct mapping m = { .fd = svm_start() };
	struct failnth_case c = { .before = before, .fd = &m.fd };

	m.offset = 3ull << 62 | (uint64_t)(svm_gpu(m.fd, 0) & 0xffff) << 46;
	c.name = "doorbells";
	c.call = call_doorbells;
	c.after = after_doorbells;
	failnth_sweep(&c, &m);

	m.host = svm_alloc(m.fd, ROCSVM_KIND_HOST, 4 * PAGE);
	pattern_fill(m.host, 4 * PAGE, 9);
	c.after = after_refused;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		c.name = refusals[i].name;
		c.call = refusals[i].call;
		/* One that needs no memory to say no. */
		c.racy = true;
		failnth_sweep(&c, &m);
	}
	close(m.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
