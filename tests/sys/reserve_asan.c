// SPDX-License-Identifier: MIT
/*
 * A binary with AddressSanitizer, whose shadow takes up terabytes of address
 * space, gets a window of full size.
 */
#include "harness.h"

#include <libgen.h>

static void test(void)
{
	uint64_t size = file_u64("/sys/module/rocsvm/parameters/svm_size");
	char self[256], path[512], line[256] = "";
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	uint64_t base, limit;
	FILE *f;

	ASSERT_GT(length, 0);
	self[length] = '\0';
	snprintf(path, sizeof(path), "%s/helper/base_asan", dirname(self));
	f = popen(path, "re");
	ASSERT(f);
	ASSERT(fgets(line, sizeof(line), f));
	say("%.*s", (int)strcspn(line, "\n"), line);
	EXPECT_EQ(pclose(f), 0);
	ASSERT_EQ(sscanf(line, "%lx %lx", &base, &limit), 2);
	EXPECT_EQ(limit - base + 1, size);
}

int main(void)
{
	return test_main(test);
}
