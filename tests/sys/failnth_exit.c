// SPDX-License-Identifier: MIT
/*
 * A process with buffers of every kind and registered memory ends, and what its
 * end needs fails: everything is given back all the same.
 */
#include "failnth_all.h"

static void victim(void *unused)
{
	struct everything e;

	(void)unused;
	all_open(&e);
	for (size_t i = 0; i < e.count; i++)
		probe_write(e.va[i]);
	failnth_arm();
	_exit(0);
}

static int call_exit(void *unused)
{
	(void)unused;
	return run_child(victim, NULL) ? -ECHILD : 0;
}

static void after(void *unused, int result)
{
	(void)unused;
	(void)result;
	EXPECT(svm_all_gone());
}

static void test(void)
{
	static const struct failnth_case end = {
		.name = "exit", .call = call_exit, .after = after,
		.elsewhere = true, .pages = true,
	};

	failnth_sweep(&end, NULL);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
