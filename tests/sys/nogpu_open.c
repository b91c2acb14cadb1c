// SPDX-License-Identifier: MIT
/*
 * Without an AMD GPU, or without its driver, the module loads and open says
 * -ENODEV, as often as one likes.
 */
#include "harness.h"

static void test(void)
{
	size_t vmas;

	EXPECT_EQ(access("/dev/kfd", F_OK), -1);
	maps_count(0);
	vmas = maps_count(0);
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(svm_open(), -ENODEV);
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
	EXPECT_EQ(svm_counter("abi"), ROCSVM_ABI);
}

int main(void)
{
	return test_main(test);
}
