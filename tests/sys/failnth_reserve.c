// SPDX-License-Identifier: MIT
/*
 * RESERVE that runs out of memory leaves the aperture and the window that there
 * were; only where KFD can't be told of the coherent region the new one stands.
 */
#include "aperture.h"
#include "failnth.h"

struct move {
	int fd;
	struct rocsvm_info home;
	struct rocsvm_reserve target;
};

static int call(void *arg)
{
	struct move *m = arg;
	struct rocsvm_reserve args = m->target;

	return svm_reserve_args(m->fd, &args);
}

static void after(void *arg, int result)
{
	struct move *m = arg;
	struct rocsvm_info now = info_of(m->fd);
	struct rocsvm_reserve args = { .aperture = m->home.aperture };
	bool moved = now.aperture != m->home.aperture ||
		     now.window_base != m->home.window_base;

	if (!result)
		EXPECT(moved);
	if (!moved)
		return;
	/* As a whole, then. */
	EXPECT_EQ(now.aperture, m->target.aperture);
	if (m->target.base)
		EXPECT_EQ(now.window_base, m->target.base);
	failnth_window_whole(&now);
	if (!result)
		failnth_usable(m->fd);
	if (m->home.aperture == ROCSVM_APERTURE_RESERVED) {
		args.flags = ROCSVM_RESERVE_FIXED;
		args.base = m->home.window_base;
		args.length = m->home.window_limit + 1 - m->home.window_base;
	}
	EXPECT_EQ(svm_reserve_args(m->fd, &args), 0);
}

static void test(void)
{
	struct move m = { .fd = svm_start() };
	struct failnth_case c = {
		.call = call, .after = after, .fd = &m.fd,
	};

	m.home = info_of(m.fd);
	c.name = "to another window";
	m.target = (struct rocsvm_reserve){
		.flags = ROCSVM_RESERVE_FIXED,
		.base = m.home.window_base + GiB(1),
		.length = GiB(4),
	};
	failnth_sweep(&c, &m);

	c.name = "to the mmap aperture";
	m.target = (struct rocsvm_reserve){ .aperture = ROCSVM_APERTURE_MMAP };
	failnth_sweep(&c, &m);

	ASSERT_EQ(aperture_choose_mmap(m.fd), 0);
	m.home = info_of(m.fd);
	c.name = "to a window";
	m.target = (struct rocsvm_reserve){ .length = GiB(4) };
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
