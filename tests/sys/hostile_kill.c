// SPDX-License-Identifier: MIT
/*
 * kill -9 at random points of every call: nothing is left. Some hundred times;
 * hostile_kill_10000 is the same, longer.
 */
#include "hostile_kill.h"

static void test(void)
{
	kill_all(scaled(300, 60));
}

int main(void)
{
	return test_main(test);
}
