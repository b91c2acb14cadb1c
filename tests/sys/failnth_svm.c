// SPDX-License-Identifier: MIT
/* SVM_ATTR that runs out of memory can be repeated. */
#include "failnth.h"
#include "svmrange.h"

#define LENGTH (4 * PAGE)

struct range {
	int fd;
	char *p;
	uint32_t granularity;
};

static int call_set(void *arg)
{
	const struct range *s = arg;

	return svm_set(s->fd, s->p, LENGTH, KFD_IOCTL_SVM_ATTR_GRANULARITY,
		       s->granularity);
}

static int get(const struct range *s, uint32_t *value)
{
	struct kfd_ioctl_svm_attribute attr = {
		.type = KFD_IOCTL_SVM_ATTR_GRANULARITY,
	};
	int r = svm_attr(s->fd, KFD_IOCTL_SVM_OP_GET_ATTR, s->p, LENGTH, &attr,
			 1);

	*value = attr.value;
	return r;
}

static int call_get(void *arg)
{
	uint32_t value;

	return get(arg, &value);
}

static void after(void *arg, int result)
{
	struct range *s = arg;
	uint32_t value = 0;

	if (result)
		EXPECT_EQ(call_set(arg), 0);
	EXPECT_EQ(get(s, &value), 0);
	EXPECT_EQ(value, s->granularity);
}

static void before_set(void *arg)
{
	struct range *s = arg;

	s->granularity = 5 + s->granularity % 4;
}

static void test(void)
{
	struct range s = { .fd = svm_start(), .granularity = 5 };
	struct failnth_case c = { .after = after, .fd = &s.fd };

	if (!svm_ranges_supported())
		test_skip("this kernel's KFD has no SVM ranges");
	s.p = svm_memory(LENGTH);
	ASSERT_EQ(call_set(&s), 0);
	c.name = "GET";
	c.call = call_get;
	failnth_sweep(&c, &s);
	c.name = "SET";
	c.before = before_set;
	c.call = call_set;
	failnth_sweep(&c, &s);
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
