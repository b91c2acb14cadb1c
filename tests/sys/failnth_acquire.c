// SPDX-License-Identifier: MIT
/*
 * ACQUIRE_VM that runs out of memory can be repeated. KFD binds a process once,
 * so each call has a process of its own.
 */
#include "failnth.h"

struct acquiring {
	int fd, drm;
	uint32_t gpu;
};

static void before(void *arg)
{
	struct acquiring *a = arg;

	a->fd = svm_open();
	ASSERT_GE(a->fd, 0);
	a->gpu = svm_gpu(a->fd, 0);
	a->drm = render_open(a->gpu);
	ASSERT_GE(a->drm, 0);
}

static int call(void *arg)
{
	struct acquiring *a = arg;

	return svm_acquire(a->fd, a->gpu, a->drm);
}

static void after(void *arg, int result)
{
	struct acquiring *a = arg;
	struct rocsvm_info info;

	EXPECT_EQ(svm_info(a->fd, &info), 0);
	EXPECT_EQ(info.num_acquired, !result);
	EXPECT_EQ(svm_acquire(a->fd, a->gpu, a->drm), 0);
	failnth_usable(a->fd);
	close(a->drm);
	close(a->fd);
}

static void test(void)
{
	static const struct failnth_case c = {
		.name = "ACQUIRE_VM", .before = before, .call = call,
		.after = after, .forked = true,
	};
	struct acquiring a;

	failnth_sweep(&c, &a);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
