// SPDX-License-Identifier: MIT
/*
 * Records: one line each, fields separated by tabs, for tests/bench/report.
 */
#include "bench.h"

const char * const kind_names[NUM_KINDS + 1] = {
	"host", "GTT", "VRAM", "private VRAM", "addresses",
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void record(const char *subject, const char *what, const char *peer,
	    const char *step, uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	printf("=\t%s\t%s\t%s\t%s\t%lu\t%lu\t%lu\n", subject, what, peer, step,
	       values[n / 2], values[n / 10], values[n - 1 - n / 10]);
	fflush(stdout);
}

void record_one(const char *subject, const char *what, const char *peer,
		const char *step, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.10g", value);
	record_text(subject, what, peer, step, text);
}

void record_text(const char *subject, const char *what, const char *peer,
		 const char *step, const char *text)
{
	printf("=\t%s\t%s\t%s\t%s\t%s\t\t\n", subject, what, peer, step, text);
	fflush(stdout);
}
