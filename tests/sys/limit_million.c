// SPDX-License-Identifier: MIT
/*
 * A process with a million live buffers is killed, execs, closes, and frees
 * them: no CPU is held up, and everything is given back. A tenth of them once
 * more as host buffers, which KFD knows. Needs 3 GiB of memory.
 */
#include "limit_many.h"

#include <time.h>

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The kernel's own memory, in kB; what is freed waits for RCU a little. */
static long kernel_kb(void)
{
	return meminfo_kb("SUnreclaim");
}

static void ended(const char *how, double start, int log, long kernel)
{
	say("%s: %.1f s", how, seconds() - start);
	many_expect_gone(log);
	/* An eighth of what a million takes. */
	EXPECT(EVENTUALLY(kernel_kb() < kernel + 128 * 1024, 60000));
}

static void test(void)
{
	struct many million = { .reservations = scaled(1000000, 100000) };
	struct many hosts = {
		.hosts = scaled(100000, 3000),
		.registrations = scaled(10000, 1000),
	};
	long kernel = kernel_kb();
	int log = klog_open();
	double start;

	if (!debug_kernel() && meminfo_kb("MemAvailable") < 2200 * 1024)
		test_skip("too little memory");
	many_watch();
	start = seconds();
	many_kill(&million);
	ended("kill", start, log, kernel);
	start = seconds();
	many_exec(&million);
	ended("exec", start, log, kernel);
	start = seconds();
	EXPECT_EQ(run_child(many_close, &million), 0);
	ended("close", start, log, kernel);
	start = seconds();
	EXPECT_EQ(run_child(many_free, &million), 0);
	ended("free", start, log, kernel);
	start = seconds();
	many_kill(&hosts);
	ended("kill", start, log, kernel);
}

int main(void)
{
	return window_main(test);
}
