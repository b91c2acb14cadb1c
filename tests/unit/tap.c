// SPDX-License-Identifier: MIT
/* The frame of the unit test programs; see tap.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

static jmp_buf failed;
static uint64_t random_state;

void tap_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	longjmp(failed, 1);
}

/* splitmix64 */
uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t random_below(uint64_t n)
{
	return random_u64() % n;
}

bool one_in(uint64_t n)
{
	return random_below(n) == 0;
}

int tap_main(const struct tap_case *cases, unsigned int n)
{
	const char *text = getenv("ROCSVM_TEST_SEED");
	bool fail_fast = getenv("ROCSVM_TEST_FAIL_FAST");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
	volatile unsigned int i, num_failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%u\n", n);
	for (i = 0; i < n; i++) {
		random_state = seed;
		if (setjmp(failed) == 0) {
			cases[i].run();
			printf("ok %u - %s\n", i + 1, cases[i].name);
			continue;
		}
		printf("# repeat with ROCSVM_TEST_SEED=%llu\n",
		       (unsigned long long)seed);
		printf("not ok %u - %s\n", i + 1, cases[i].name);
		num_failed++;
		if (fail_fast)
			break;
	}
	return num_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
