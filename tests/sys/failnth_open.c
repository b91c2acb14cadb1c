// SPDX-License-Identifier: MIT
/*
 * open(2) that runs out of memory leaves nothing, and close(2) takes everything
 * back even then.
 */
#include "failnth.h"

struct files {
	int fd;
	size_t vmas;
};

/* Mappings of the window, of the control page, of buffers. */
static size_t mappings(void)
{
	return maps_named(0, "rocsvm") + maps_named(0, "renderD");
}

static int call_open(void *arg)
{
	struct files *f = arg;

	f->fd = svm_open();
	return f->fd < 0 ? f->fd : 0;
}

static void after_open(void *arg, int result)
{
	struct files *f = arg;

	EXPECT_EQ(mappings() > 0, !result);
	EXPECT_EQ(svm_counter("spaces"), !result);
	if (!result)
		close(f->fd);
	f->fd = svm_open();
	EXPECT_GE(f->fd, 0);
	close(f->fd);
	EXPECT_EQ(mappings(), 0);
	EXPECT_EQ(svm_counter("spaces"), 0);
}

static void before_close(void *arg)
{
	struct files *f = arg;

	f->vmas = mappings();
	f->fd = svm_start();
	/* No memory: its FREE, among unmappings, has fatal points in amdgpu. */
	svm_alloc(f->fd, ROCSVM_KIND_ADDRESS, MiB(1));
}

static int call_close(void *arg)
{
	struct files *f = arg;

	return SYS(close(f->fd));
}

static void after_close(void *arg, int result)
{
	struct files *f = arg;

	EXPECT_EQ(result, 0);
	EXPECT_EQ(mappings(), f->vmas);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
}

static void test(void)
{
	static const struct failnth_case opening = {
		.name = "open", .call = call_open, .after = after_open,
	}, opening_pages = {
		.name = "open, pages too", .call = call_open,
		.after = after_open, .pages = true,
	}, closing = {
		.name = "close", .before = before_close, .call = call_close,
		.after = after_close,
	};
	struct files f = { .fd = -1 };

	failnth_sweep(&opening, &f);
	failnth_sweep(&opening_pages, &f);
	failnth_sweep(&closing, &f);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
