/* SPDX-License-Identifier: MIT */
/*
 * What the tests of limits share: the module's parameters, what is charged, the
 * line in the kernel log that names a limit.
 */
#ifndef ROCSVM_TESTS_LIMIT_H
#define ROCSVM_TESTS_LIMIT_H

#include "reg.h"
#include "window.h"

#define LIMIT_PARAM(name) "/sys/module/rocsvm/parameters/" name

/* Set a limit until the end of the test. */
static inline void limit_set(const char *param, uint64_t value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), LIMIT_PARAM("%s"), param);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	ASSERT_EQ(knob_set(path, text), 0);
}

/* What is charged to this process's user: "spaces", "buffers", ... */
static inline uint64_t limit_usage(const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "user/%s", what);
	return svm_counter(name);
}

/* An address reservation of one page: its address, or NULL and -errno in *r. */
static inline void *limit_reserve(int fd, int *r)
{
	void *va = NULL;

	*r = svm_try_alloc(fd, ROCSVM_KIND_ADDRESS, PAGE, &va);
	return va;
}

/*
 * The log has named a limit. It may be silent: it is rate-limited, at five
 * lines in five seconds, so wait until that is over.
 */
static inline void limit_expect_named(int log, const char *param)
{
	char part[128];

	snprintf(part, sizeof(part), "has reached %s (", param);
	EXPECT_GT(klog_count(log, part), 0);
}

static inline void limit_quiet(void)
{
	sleep(6);
}

#endif /* ROCSVM_TESTS_LIMIT_H */
