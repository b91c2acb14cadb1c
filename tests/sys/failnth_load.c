// SPDX-License-Identifier: MIT
/*
 * The module that can't be loaded for want of memory leaves nothing, and can
 * be loaded afterwards.
 */
#include "failnth.h"

#include <sys/syscall.h>

static bool loaded(void)
{
	return !access("/sys/module/rocsvm", F_OK);
}

static void before_load(void *unused)
{
	(void)unused;
	if (loaded())
		ASSERT(EVENTUALLY(!SYS(syscall(SYS_delete_module, "rocsvm",
					       O_NONBLOCK)), 5000));
	EXPECT_NE(access("/dev/rocsvm", F_OK), 0);
}

static int call_load(void *file)
{
	return SYS(syscall(SYS_finit_module, *(int *)file, "", 0));
}

static void after_load(void *unused, int result)
{
	(void)unused;
	EXPECT_EQ(loaded(), !result);
	EXPECT(result || !access("/sys/class/rocsvm/rocsvm/abi", F_OK));
	EXPECT(!result || access("/dev/rocsvm", F_OK));
}

static void test(void)
{
	static const struct failnth_case loading = {
		.name = "load", .before = before_load, .call = call_load,
		.after = after_load,
	}, loading_pages = {
		.name = "load, pages too", .before = before_load,
		.call = call_load, .after = after_load, .pages = true,
	};
	int file = open(getenv("ROCSVM_KO"), O_RDONLY | O_CLOEXEC);

	ASSERT_GE(file, 0);
	failnth_sweep(&loading, &file);
	failnth_sweep(&loading_pages, &file);
	before_load(NULL);
	ASSERT_EQ(call_load(&file), 0);
	close(file);
	close(svm_start());
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
