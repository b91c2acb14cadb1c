// SPDX-License-Identifier: MIT
/*
 * REGISTER that runs out of memory registers nothing, UNREGISTER can be
 * repeated, and where munmap() of registered memory does, GPUs lose it all the
 * same.
 */
#include "failnth.h"
#include "reg.h"

#define LENGTH (4 * PAGE)

struct memory {
	int fd;
	uint32_t gpu;
	char *p;
};

static int add(void *arg)
{
	const struct memory *m = arg;

	return reg_add_mapped(m->fd, m->p, LENGTH, m->gpu);
}

static int end(void *arg)
{
	const struct memory *m = arg;

	return reg_end(m->fd, m->p, LENGTH);
}

static void must_add(void *arg)
{
	ASSERT_EQ(add(arg), 0);
}

static void after_add(void *arg, int result)
{
	const struct memory *m = arg;
	struct rocsvm_query q = reg_segment(m->fd, m->p);

	EXPECT_EQ(q.length, result ? 0 : LENGTH);
	if (result)
		EXPECT_EQ(add(arg), 0);
	EXPECT_EQ(end(arg), 0);
}

static void after_end(void *arg, int result)
{
	const struct memory *m = arg;
	struct rocsvm_query q = reg_segment(m->fd, m->p);

	EXPECT_EQ(q.length, result ? LENGTH : 0);
	if (result)
		EXPECT_EQ(end(arg), 0);
	EXPECT_EQ(end(arg), -ENOENT);
}

static void before_munmap(void *arg)
{
	struct memory *m = arg;

	m->p = own_private(LENGTH);
	memset(m->p, 1, LENGTH);
	must_add(m);
}

static int call_munmap(void *arg)
{
	const struct memory *m = arg;

	return SYS(munmap(m->p, LENGTH));
}

static void after_munmap(void *arg, int result)
{
	const struct memory *m = arg;
	struct rocsvm_query q = reg_segment(m->fd, m->p);

	EXPECT_EQ(q.length, LENGTH);
	if (result) {
		EXPECT_EQ(find_not(m->p, 1, LENGTH), -1);
		EXPECT_EQ(q.num_gpus, 1);
		EXPECT_EQ(munmap(m->p, LENGTH), 0);
		q = reg_segment(m->fd, m->p);
	}
	/* Where KFD could not be called it goes with the next MAP. */
	if (q.num_gpus) {
		EXPECT_EQ(failnth_now, FAILNTH_CONTROL);
		EXPECT_EQ(svm_map(m->fd, m->p, &m->gpu, 1), -EFAULT);
		q = reg_segment(m->fd, m->p);
	}
	EXPECT_EQ(q.num_gpus, 0);
	EXPECT_EQ(end(arg), 0);
}

static void test(void)
{
	struct memory m = { .fd = svm_start() };
	struct failnth_case c = { .fd = &m.fd };

	m.gpu = svm_gpu(m.fd, 0);
	m.p = own_private(LENGTH);
	memset(m.p, 1, LENGTH);
	c.name = "REGISTER";
	c.call = add;
	c.after = after_add;
	failnth_sweep(&c, &m);
	c.name = "UNREGISTER";
	c.before = must_add;
	c.call = end;
	c.after = after_end;
	failnth_sweep(&c, &m);
	munmap(m.p, LENGTH);
	c.name = "munmap";
	c.before = before_munmap;
	c.call = call_munmap;
	c.after = after_munmap;
	failnth_sweep(&c, &m);
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
