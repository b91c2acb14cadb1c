/* SPDX-License-Identifier: MIT */
/*
 * Running other tests in the mmap aperture: those that say nothing of where
 * the window is, with the module parameter reserve=never.
 */
#ifndef ROCSVM_TESTS_AGAIN_H
#define ROCSVM_TESTS_AGAIN_H

#include "aperture.h"

#define AGAIN_OUTPUT "/tmp/again-output"

/* What it printed is shown only if it failed. */
static inline bool again_run(const char *name)
{
	char path[64], text[16384];
	int status = -1;
	pid_t pid;

	say("%s", name);
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int out = open(AGAIN_OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
			_exit(126);
		snprintf(path, sizeof(path), "./%s", name);
		execl(path, name, NULL);
		_exit(127);
	}
	ASSERT_EQ(SYS(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0))), pid);
	if (WIFEXITED(status) && (WEXITSTATUS(status) == KSFT_PASS ||
				  WEXITSTATUS(status) == KSFT_SKIP))
		return true;
	say("%s: status 0x%x", name, status);
	if (file_read(AGAIN_OUTPUT, text, sizeof(text)) > 0)
		printf("%s", text);
	return false;
}

/* Run them all; for a program that ends by window_main(). */
static inline void again(const char *const *names, size_t n)
{
	int fd;

	ASSERT_EQ(knob_set(PARAM_RESERVE, "never"), 0);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(info_of(fd).aperture, ROCSVM_APERTURE_MMAP);
	close(fd);
	for (size_t i = 0; i < n; i++) {
		EXPECT(again_run(names[i]));
		EXPECT(svm_all_gone());
	}
	unlink(AGAIN_OUTPUT);
}

#endif /* ROCSVM_TESTS_AGAIN_H */
