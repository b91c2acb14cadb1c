// SPDX-License-Identifier: MIT
/*
 * A process with very many buffers and registrations ends without a CPU being
 * held up, whatever ends it: kill -9, exec, its last close; and so does a FREE
 * of all of them in batches. limit_million has more.
 */
#include "limit_many.h"

static void test(void)
{
	struct many m = {
		.reservations = scaled(50000, 5000),
		.hosts = scaled(2000, 300),
		.registrations = scaled(500, 100),
	};
	int log = klog_open();

	many_watch();
	many_kill(&m);
	many_expect_gone(log);
	many_exec(&m);
	many_expect_gone(log);
	EXPECT_EQ(run_child(many_close, &m), 0);
	many_expect_gone(log);
	m.registrations = 0;
	EXPECT_EQ(run_child(many_free, &m), 0);
	many_expect_gone(log);
}

int main(void)
{
	return window_main(test);
}
