/* SPDX-License-Identifier: MIT */
/*
 * Running other tests in the mmap aperture: those that say nothing of where
 * the window is, with the module parameter reserve=never.
 */
#ifndef ROCSVM_TESTS_AGAIN_H
#define ROCSVM_TESTS_AGAIN_H

#include "aperture.h"

static inline int again_run(const char *name)
{
	int status = -1;
	pid_t pid;

	say("-- %s", name);
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		char path[64];

		snprintf(path, sizeof(path), "./%s", name);
		execl(path, name, NULL);
		_exit(127);
	}
	ASSERT_EQ(SYS(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0))), pid);
	return status;
}

/* Run them all; for a program that ends by window_main(). */
static inline void again(const char *const *names, size_t n)
{
	int status[64], fd;

	ASSERT_LE(n, ARRAY_SIZE(status));
	ASSERT_EQ(knob_set(PARAM_RESERVE, "never"), 0);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(info_of(fd).aperture, ROCSVM_APERTURE_MMAP);
	close(fd);
	for (size_t i = 0; i < n; i++) {
		status[i] = again_run(names[i]);
		EXPECT(svm_all_gone());
	}
	/* in the end, where it is seen */
	for (size_t i = 0; i < n; i++) {
		bool good = WIFEXITED(status[i]) &&
			    (WEXITSTATUS(status[i]) == KSFT_PASS ||
			     WEXITSTATUS(status[i]) == KSFT_SKIP);

		if (!good)
			say("%s: status 0x%x", names[i], status[i]);
		EXPECT(good);
	}
}

#endif /* ROCSVM_TESTS_AGAIN_H */
