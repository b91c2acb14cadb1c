// SPDX-License-Identifier: MIT
/*
 * exec by a process with buffers of every kind and registered memory, in which
 * something fails: either nothing has changed, or the process is no more and
 * everything is given back.
 */
#include "failnth_all.h"

static void victim(void *unused)
{
	struct everything e;
	int err;

	(void)unused;
	all_open(&e);
	failnth_arm();
	execl("helper/nothing", "nothing", NULL);
	err = errno;
	failnth_usable(e.fd);
	for (size_t i = 0; i < e.count; i++)
		EXPECT_EQ(svm_free(e.fd, e.va[i]), 0);
	_exit(test_failures ? KSFT_FAIL : err);
}

/* The kernel kills who has lost its old program and can't have the new one. */
static int call_exec(void *unused)
{
	int status = run_child(victim, NULL);

	(void)unused;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ||
		       WTERMSIG(status) == SIGSEGV ? -EINTR : -ECHILD;
	return -WEXITSTATUS(status);
}

static void after(void *unused, int result)
{
	(void)unused;
	(void)result;
	EXPECT(svm_all_gone());
}

static void test(void)
{
	static const struct failnth_case exec = {
		.name = "exec", .call = call_exec, .after = after,
		/* The kernel's word for a stack that it has no memory for. */
		.elsewhere = true, .also = -E2BIG,
	};

	failnth_sweep(&exec, NULL);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
