// SPDX-License-Identifier: MIT
/*
 * khugepaged, which serves the whole machine, does not walk through the window:
 * it gets round as often with one as without.
 */
#include "harness.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define SLEEP THP "khugepaged/scan_sleep_millisecs"

static char old_sleep[32], old_enabled[64];

static void restore(void)
{
	char *name = strchr(old_enabled, '[');

	file_write(SLEEP, old_sleep);
	if (name && strchr(name, ']')) {
		*strchr(name, ']') = 0;
		file_write(THP "enabled", name + 1);
	}
}

/* How often khugepaged gets round all address spaces in some seconds. */
static uint64_t full_scans(void)
{
	uint64_t before = file_u64(THP "khugepaged/full_scans");

	sleep(scaled(3, 6));
	return file_u64(THP "khugepaged/full_scans") - before;
}

static void test(void)
{
	uint64_t without, with;
	char *own;
	int fd;

	if (file_read(SLEEP, old_sleep, sizeof(old_sleep)) < 0 ||
	    file_read(THP "enabled", old_enabled, sizeof(old_enabled)) < 0)
		test_skip("no transparent huge pages");
	atexit(restore);
	ASSERT_EQ(file_write(THP "enabled", "always"), 0);
	ASSERT_EQ(file_write(SLEEP, "10"), 0);

	/* An address space for it to look at. */
	own = mmap(NULL, MiB(8), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(own != MAP_FAILED);
	memset(own, 1, MiB(8));

	without = full_scans();
	fd = svm_start();
	/* The round that is under way. */
	full_scans();
	with = full_scans();
	say("%lu rounds without a window, %lu with one", without, with);
	if (without < 4)
		test_skip("khugepaged hardly runs");
	EXPECT_GE(with * 4, without);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
