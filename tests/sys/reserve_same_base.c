// SPDX-License-Identifier: MIT
/*
 * The window stands at the same address in every run of every kind of binary,
 * although the kernel puts the programs themselves elsewhere each time.
 */
#include "harness.h"

#include <libgen.h>

static uint64_t first_base;

struct run {
	uint64_t base, limit, main;
};

/* Run a helper program and read the line that it prints. */
static struct run run(const char *path)
{
	struct run result = { 0 };
	char line[256] = "";
	FILE *f = popen(path, "re");
	int status;

	ASSERT(f);
	ASSERT(fgets(line, sizeof(line), f));
	status = pclose(f);
	if (status)
		say("%s: %s", path, line);
	ASSERT_EQ(status, 0);
	ASSERT_EQ(sscanf(line, "%lx %lx main at %lx", &result.base,
			 &result.limit, &result.main), 3);
	return result;
}

static void runs(const char *directory, const char *name, unsigned long count,
		 bool moves)
{
	uint64_t previous = 0;
	unsigned long moved = 0;
	char path[512];

	snprintf(path, sizeof(path), "%s/helper/%s", directory, name);
	for (unsigned long i = 0; i < count; i++) {
		struct run r = run(path);

		if (!first_base)
			first_base = r.base;
		EXPECT_EQ(r.base, first_base);
		EXPECT_EQ(r.limit - r.base + 1,
			  file_u64("/sys/module/rocsvm/parameters/svm_size"));
		moved += previous && r.main != previous;
		previous = r.main;
	}
	say("%s: %lu runs, window at %lx, main() moved %lu times", name, count,
	    first_base, moved);
	/* else the kernel does not randomize, and this shows little */
	if (moves)
		EXPECT_GT(moved, 0);
}

static void test(void)
{
	unsigned long count = scaled(20, 5);
	char self[256], *directory;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ASSERT_GT(length, 0);
	self[length] = '\0';
	directory = dirname(self);
	EXPECT_GT(file_u64("/proc/sys/kernel/randomize_va_space"), 0);
	runs(directory, "base_pie", count, true);
	runs(directory, "base_nopie", count, false);
	runs(directory, "base_static", count, false);
}

int main(void)
{
	return test_main(test);
}
