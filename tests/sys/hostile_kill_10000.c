// SPDX-License-Identifier: MIT
/*
 * kill -9 at random points of every call, ten thousand times: nothing is left.
 */
#include "hostile_kill.h"

static void test(void)
{
	kill_all(scaled(10000, 1000));
}

int main(void)
{
	return test_main(test);
}
