// SPDX-License-Identifier: MIT
/*
 * Threads, signals, death, exec and limits of memory in the mmap aperture: the
 * tests of the life of a space.
 */
#include "again.h"

static void test(void)
{
	static const char *const names[] = {
		"life_exec", "life_kill", "life_threads", "window_memcg",
		"window_owner_killed",
		/* not on the debug kernel: */
		"life_kill_held", "life_dup", "life_signals", "life_vfork",
		"window_kill_fill", "window_overcommit", "window_bind",
	};

	again(names, scaled(ARRAY_SIZE(names), 5));
}

int main(void)
{
	return window_main(test);
}
