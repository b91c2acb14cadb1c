/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the tool share: running it, and a process for it to look
 * at.
 */
#ifndef ROCSVM_TESTS_TOOL_H
#define ROCSVM_TESTS_TOOL_H

#include "harness.h"

#include <stdarg.h>
#include <sys/prctl.h>

#include "user/tool/test_json.h"

/* What the tool has said: standard output, then standard error. */
static char tool_out[1 << 20], tool_err[65536];

static inline void tool_take(const char *path, char *text, size_t size)
{
	ASSERT_GE(file_read(path, text, size), 0);
	unlink(path);
}

/* Run "rocsvm ..." by the shell: its exit status. */
__attribute__((format(printf, 1, 2)))
static inline int tool(const char *format, ...)
{
	char command[1024], arguments[512], out[64], err[64];
	va_list args;
	int status;

	snprintf(out, sizeof(out), "/tmp/tool.%d.out", getpid());
	snprintf(err, sizeof(err), "/tmp/tool.%d.err", getpid());
	va_start(args, format);
	vsnprintf(arguments, sizeof(arguments), format, args);
	va_end(args);
	snprintf(command, sizeof(command), "rocsvm %s > %s 2> %s", arguments, out, err);
	status = system(command);
	tool_take(out, tool_out, sizeof(tool_out));
	tool_take(err, tool_err, sizeof(tool_err));
	say("rocsvm %s: status %d", arguments, WEXITSTATUS(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Is the text in what it said? Print all of that if not. */
static inline bool said(const char *text, const char *part)
{
	if (strstr(text, part))
		return true;
	say("\"%s\" is not in:", part);
	fputs(text, stdout);
	return false;
}

#define EXPECT_OUT(part) EXPECT(said(tool_out, part))
#define EXPECT_ERR(part) EXPECT(said(tool_err, part))
#define EXPECT_JSON() EXPECT(json_valid(tool_out))

/* It failed with one line, which begins with its name. */
static inline void expect_complaint(int status, int wanted)
{
	EXPECT_EQ(status, wanted);
	EXPECT_EQ(strncmp(tool_err, "rocsvm: ", 8), 0);
	EXPECT(strchr(tool_err, '\n') && !strchr(tool_err, '\n')[1]);
}

/* The longest line of what it said. */
static inline size_t widest_line(void)
{
	size_t widest = 0;

	for (const char *line = tool_out; *line; line += strcspn(line, "\n") + 1) {
		if (strcspn(line, "\n") > widest)
			widest = strcspn(line, "\n");
		if (!strchr(line, '\n'))
			break;
	}
	return widest;
}

/* A process that has done @prepare, and waits for its end, or for holder_next(). */
struct holder {
	pid_t pid;
	struct sync ready, go;
	void (*prepare)(void);
	void (*next)(void);
};

static inline void holder_main(void *arg)
{
	struct holder *h = arg;

	h->prepare();
	sync_post(&h->ready);
	sync_wait(&h->go);
	if (!h->next)
		return;
	h->next();
	sync_post(&h->ready);
	sync_wait(&h->go);
}

static inline void holder_start(struct holder *h)
{
	sync_init(&h->ready);
	sync_init(&h->go);
	h->pid = child_start(holder_main, h);
	sync_wait(&h->ready);
}

static inline void holder_next(struct holder *h)
{
	sync_post(&h->go);
	sync_wait(&h->ready);
}

static inline void holder_end(struct holder *h)
{
	sync_post(&h->go);
	EXPECT_EQ(child_wait(h->pid), 0);
}

#endif /* ROCSVM_TESTS_TOOL_H */
