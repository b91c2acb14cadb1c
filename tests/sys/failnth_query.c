// SPDX-License-Identifier: MIT
/* INFO, GPU_INFO, QUERY and SET_TAG that can't copy change nothing. */
#include "failnth.h"

struct asking {
	int fd;
	char *p;
	uint32_t gpus[4];
};

static int call_info(void *arg)
{
	const struct asking *a = arg;
	struct rocsvm_info info;

	return svm_info(a->fd, &info);
}

static int call_gpu_info(void *arg)
{
	const struct asking *a = arg;
	struct rocsvm_gpu_info info;

	return svm_gpu_info(a->fd, 0, &info);
}

static struct rocsvm_query question(struct asking *a)
{
	return (struct rocsvm_query){
		.va = (uintptr_t)a->p,
		.gpu_ids = (uintptr_t)a->gpus,
		.num_gpus = 4,
	};
}

static int call_query(void *arg)
{
	struct asking *a = arg;
	struct rocsvm_query q = question(a);

	return svm_query(a->fd, &q);
}

static int call_set_tag(void *arg)
{
	const struct asking *a = arg;
	struct rocsvm_set_tag args = {
		.size = sizeof(args), .va = (uintptr_t)a->p, .tag = 7,
	};

	return svm_ioctl(a->fd, ROCSVM_SET_TAG, &args);
}

static void after(void *arg, int result)
{
	struct asking *a = arg;
	struct rocsvm_query q = question(a);

	(void)result;
	EXPECT_EQ(svm_query(a->fd, &q), 0);
	EXPECT_EQ(q.va, (uintptr_t)a->p);
	EXPECT_EQ(q.num_gpus, 1);
	EXPECT_EQ(a->gpus[0], svm_gpu(a->fd, 0));
}

static void after_tag(void *arg, int result)
{
	struct asking *a = arg;
	struct rocsvm_query q = question(a);
	struct rocsvm_set_tag args = {
		.size = sizeof(args), .va = (uintptr_t)a->p,
	};

	EXPECT_EQ(svm_query(a->fd, &q), 0);
	EXPECT_EQ(q.tag, result ? 0 : 7);
	EXPECT_EQ(svm_ioctl(a->fd, ROCSVM_SET_TAG, &args), 0);
}

static void test(void)
{
	struct asking a = { .fd = svm_start() };
	struct failnth_case c = { .after = after, .fd = &a.fd };

	a.p = svm_alloc(a.fd, ROCSVM_KIND_HOST, PAGE);
	ASSERT_EQ(svm_map_all(a.fd, a.p), 0);
	c.name = "INFO";
	c.call = call_info;
	failnth_sweep(&c, &a);
	c.name = "GPU_INFO";
	c.call = call_gpu_info;
	failnth_sweep(&c, &a);
	c.name = "QUERY";
	c.call = call_query;
	failnth_sweep(&c, &a);
	c.name = "SET_TAG";
	c.call = call_set_tag;
	c.after = after_tag;
	failnth_sweep(&c, &a);
	close(a.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
