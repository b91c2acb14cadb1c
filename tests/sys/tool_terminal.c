// SPDX-License-Identifier: MIT
/*
 * On a terminal rocsvm top looks again and again, on a cleared screen, until it
 * is interrupted, and rocsvm map has colours.
 */
#include "tool.h"

#include <pty.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char shown[1 << 16];

static void prepare(void)
{
	ASSERT_EQ(prctl(PR_SET_NAME, "shown"), 0);
	svm_alloc(svm_start(), ROCSVM_KIND_HOST, MiB(1));
}

/* The program in a terminal of 80 columns. */
static pid_t on_terminal(int *terminal, char *const args[])
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	pid_t pid = forkpty(terminal, NULL, NULL, &size);

	ASSERT_GE(pid, 0);
	if (!pid) {
		setenv("TERM", "xterm", 1);
		execvp(args[0], args);
		_exit(127);
	}
	return pid;
}

/* What it has printed, until there is @n times @text, or no more. */
static void read_until(int terminal, const char *text, int n)
{
	size_t length = 0;
	int seen = 0;

	while (seen < n && length < sizeof(shown) - 1) {
		ssize_t got = read(terminal, shown + length, sizeof(shown) - 1 - length);

		if (got <= 0)
			break;
		length += got;
		shown[length] = '\0';
		seen = 0;
		for (const char *p = shown; (p = strstr(p, text)); p++)
			seen++;
	}
	EXPECT_EQ(seen, n);
}

static void test(void)
{
	struct holder holder = { .prepare = prepare };
	char pid_text[16];
	int terminal, status;
	pid_t pid;

	/* Terminals of its own, which go with the process. */
	ASSERT_EQ(SYS(unshare(CLONE_NEWNS)), 0);
	ASSERT_EQ(SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), 0);
	mkdir("/dev/pts", 0755);
	ASSERT_EQ(SYS(mount("devpts", "/dev/pts", "devpts", 0, NULL)), 0);
	holder_start(&holder);

	pid = on_terminal(&terminal, (char *[]){ "rocsvm", "top", "--delay", "1", NULL });
	read_until(terminal, "\033[H\033[J", 3);
	EXPECT(strstr(shown, "shown"));
	EXPECT_EQ(write(terminal, "\003", 1), 1);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	close(terminal);

	snprintf(pid_text, sizeof(pid_text), "%d", holder.pid);
	pid = on_terminal(&terminal, (char *[]){ "rocsvm", "map", pid_text, NULL });
	read_until(terminal, "the SVM range ends", 1);
	EXPECT(strstr(shown, "\033["));
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	close(terminal);
	holder_end(&holder);
}

int main(void)
{
	return test_main(test);
}
