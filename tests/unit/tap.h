/* SPDX-License-Identifier: MIT */
/*
 * A test program's frame: cases that report in TAP, checks that end a case,
 * and random numbers that can be repeated.
 *
 * Environment: ROCSVM_TEST_SEED (a number; what a failed run printed repeats
 * it), ROCSVM_TEST_FAIL_FAST (if set, stop at the first failed case).
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdint.h>

struct tap_case {
	const char *name;
	void (*run)(void);
};

/* Run the cases, print "1..N" and a line for each; the program's exit code. */
int tap_main(const struct tap_case *cases, unsigned int n);

/* Explain and end the running case as failed. */
void tap_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define FAIL(...) tap_fail(__FILE__, __LINE__, __VA_ARGS__)

/* End the case if the condition does not hold. */
#define CHECK(condition) do {						\
	if (!(condition))						\
		FAIL("not so: %s", #condition);				\
} while (0)

/* End the case if two integers differ; for errnos, addresses, counts alike. */
#define CHECK_EQ(actual, expected) do {					\
	__typeof__(actual) actual_ = (actual);				\
	__typeof__(actual) expected_ = (expected);			\
	if (actual_ != expected_)					\
		FAIL("%s is %lld (%#llx), expected %lld (%#llx)",	\
		     #actual, (long long)actual_, (long long)actual_,	\
		     (long long)expected_, (long long)expected_);	\
} while (0)

/* Random numbers; every case starts from the seed afresh. */
uint64_t random_u64(void);
uint64_t random_below(uint64_t n);	/* 0 to n - 1 */
bool one_in(uint64_t n);

#endif /* TAP_H */
