// SPDX-License-Identifier: MIT
/* MAP that runs out of memory has mapped nothing; UNMAP can be repeated. */
#include "aperture.h"
#include "failnth.h"

struct mapping {
	int fd;
	uint32_t gpu, kind;
	char *p;
};

static uint32_t mapped(const struct mapping *m)
{
	return query_at(m->fd, m->p).num_gpus;
}

static int call_map(void *arg)
{
	const struct mapping *m = arg;

	return svm_map(m->fd, m->p, &m->gpu, 1);
}

static void after_map(void *arg, int result)
{
	const struct mapping *m = arg;

	EXPECT_EQ(mapped(m), !result);
	if (result)
		EXPECT_EQ(svm_map_all(m->fd, m->p), 0);
	EXPECT_EQ(svm_unmap_all(m->fd, m->p), 0);
}

static int call_unmap(void *arg)
{
	const struct mapping *m = arg;

	return svm_unmap(m->fd, m->p, &m->gpu, 1);
}

static void before_unmap(void *arg)
{
	struct mapping *m = arg;

	m->p = svm_alloc(m->fd, m->kind, 2 * PAGE);
	ASSERT_EQ(call_map(arg), 0);
}

static void after_unmap(void *arg, int result)
{
	const struct mapping *m = arg;
	int r;

	EXPECT_EQ(mapped(m), !!result);
	if (result) {
		r = call_unmap(arg);
		/* KFD has unmapped it, and could not say so. */
		if (failnth_now == FAILNTH_CONTROL && r == -EINVAL)
			say("UNMAP, after %s: %s", strerrorname_np(-result),
			    strerrorname_np(-r));
		else
			EXPECT_EQ(r, 0);
	}
	EXPECT_EQ(svm_free(m->fd, m->p), 0);
}

static void test(void)
{
	struct mapping m = { .fd = svm_start() };
	struct failnth_case c = { .fd = &m.fd };

	m.gpu = svm_gpu(m.fd, 0);
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		m.kind = memory_kinds[i].kind;
		say("%s:", memory_kinds[i].name);
		m.p = svm_alloc(m.fd, m.kind, 2 * PAGE);
		c.name = "MAP";
		c.before = NULL;
		c.call = call_map;
		c.after = after_map;
		failnth_sweep(&c, &m);
		EXPECT_EQ(svm_free(m.fd, m.p), 0);
		c.name = "UNMAP";
		c.before = before_unmap;
		c.call = call_unmap;
		c.after = after_unmap;
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
