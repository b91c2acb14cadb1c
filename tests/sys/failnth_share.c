// SPDX-License-Identifier: MIT
/*
 * EXPORT that runs out of memory gives no descriptor, IMPORT makes no buffer,
 * and both can be repeated.
 */
#include "failnth.h"
#include "share.h"

struct sharing {
	int fd, dmabuf, files;
	char *p, *imported;
};

static void before_export(void *arg)
{
	struct sharing *s = arg;

	s->p = svm_alloc(s->fd, ROCSVM_KIND_GTT, 2 * PAGE);
	s->files = fd_count();
}

static int call_export(void *arg)
{
	struct sharing *s = arg;

	s->dmabuf = svm_export(s->fd, s->p);
	return s->dmabuf < 0 ? s->dmabuf : 0;
}

static void after_export(void *arg, int result)
{
	struct sharing *s = arg;

	if (result) {
		EXPECT_EQ(fd_count(), s->files);
		EXPECT_EQ(call_export(arg), 0);
	}
	EXPECT_EQ(fd_count(), s->files + 1);
	close(s->dmabuf);
	EXPECT_EQ(svm_free(s->fd, s->p), 0);
}

static int call_import(void *arg)
{
	struct sharing *s = arg;
	struct rocsvm_import args = { .fd = s->dmabuf };
	int r = svm_import_args(s->fd, &args);

	s->imported = (char *)(uintptr_t)args.va;
	return r;
}

static void after_import(void *arg, int result)
{
	struct sharing *s = arg;

	if (result)
		EXPECT_EQ(call_import(arg), 0);
	*s->p = 3;
	EXPECT_EQ(*s->imported, 3);
	EXPECT_EQ(svm_free(s->fd, s->imported), 0);
}

static void test(void)
{
	struct sharing s = { .fd = svm_start() };
	struct failnth_case c = { .fd = &s.fd };

	c.name = "EXPORT";
	c.before = before_export;
	c.call = call_export;
	c.after = after_export;
	failnth_sweep(&c, &s);

	s.p = svm_alloc(s.fd, ROCSVM_KIND_GTT, 2 * PAGE);
	s.dmabuf = svm_export(s.fd, s.p);
	ASSERT_GE(s.dmabuf, 0);
	c.name = "IMPORT";
	c.before = NULL;
	c.call = call_import;
	c.after = after_import;
	failnth_sweep(&c, &s);
	close(s.dmabuf);
	EXPECT_EQ(svm_free(s.fd, s.p), 0);
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
