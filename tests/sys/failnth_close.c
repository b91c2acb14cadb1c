// SPDX-License-Identifier: MIT
/*
 * close of a space with buffers of every kind and registered memory gives
 * everything back, whatever fails on the way.
 */
#include "failnth_all.h"

static void before(void *arg)
{
	struct everything *e = arg;

	all_open(e);
	EXPECT_EQ(close(e->dmabuf), 0);
}

static int call_close(void *arg)
{
	struct everything *e = arg;

	return SYS(close(e->fd));
}

static void after_close(void *arg, int result)
{
	(void)arg;
	EXPECT_EQ(result, 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	/* An import's mapping is the dma-buf's. */
	EXPECT_EQ(maps_named(0, "renderD"), 0);
	EXPECT_EQ(maps_named(0, "dmabuf"), 0);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
}

static void test(void)
{
	static const struct failnth_case closing = {
		.name = "close", .before = before, .call = call_close,
		.after = after_close, .forked = true,
	};
	struct everything e;

	failnth_sweep(&closing, &e);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
