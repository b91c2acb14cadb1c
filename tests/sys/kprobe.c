// SPDX-License-Identifier: MIT
/*
 * Probes of kernel functions through tracefs. See kprobe.h.
 *
 * A probe records into a trace instance of its own, which nobody else writes
 * to and which goes with it.
 */
#include "kprobe.h"

#include "harness.h"

#include <sys/stat.h>

#define TRACING "/sys/kernel/tracing"
#define GROUP "rocsvm_tests"
#define INSTANCE TRACING "/instances/" GROUP

/* Append a command; "" is none. 0 or -errno. */
static int command(const char *text)
{
	int fd = open(TRACING "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	long r;

	if (fd < 0)
		return -errno;
	r = SYS(write(fd, text, strlen(text)));
	close(fd);
	return r < 0 ? r : 0;
}

static int event_write(const struct kprobe *probe, const char *file,
		       const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), INSTANCE "/events/" GROUP "/%s/%s",
		 probe->event, file);
	return file_write(path, text);
}

static void remove_probe(const struct kprobe *probe)
{
	char text[128];

	event_write(probe, "enable", "0");
	rmdir(INSTANCE);
	snprintf(text, sizeof(text), "-:" GROUP "/%s", probe->event);
	command(text);
}

void kprobe_open(struct kprobe *probe, const char *function, const char *fetch)
{
	const char *name = strchr(function, ':');
	char text[512];
	int r;

	*probe = (struct kprobe){ 0 };
	snprintf(probe->event, sizeof(probe->event), "%s",
		 name ? name + 1 : function);
	for (const char *c = fetch; (c = strchr(c, '=')); c++)
		probe->num_values++;
	ASSERT_LE(probe->num_values, KPROBE_VALUES);

	remove_probe(probe);
	snprintf(text, sizeof(text), "p:" GROUP "/%s %s %s", probe->event,
		 function, fetch);
	r = command(text);
	if (r)
		say("kprobe_events: %s: %s", text, strerror(-r));
	ASSERT_EQ(r, 0);
	ASSERT_EQ(SYS(mkdir(INSTANCE, 0700)), 0);
	kprobe_thread(probe, gettid());
	ASSERT_EQ(event_write(probe, "enable", "1"), 0);
}

void kprobe_thread(struct kprobe *probe, pid_t tid)
{
	char text[64];

	snprintf(text, sizeof(text), "common_pid == %d", tid);
	ASSERT_EQ(event_write(probe, "filter", text), 0);
}

/* A line of the trace: "TASK-PID [CPU] FLAGS TIME: EVENT: (PLACE) A=1 B=2". */
static bool parse(const struct kprobe *probe, const char *line,
		  struct kprobe_call *call)
{
	char event[80];
	const char *c;
	char *end;

	snprintf(event, sizeof(event), " %s: (", probe->event);
	c = strstr(line, event);
	if (!c)
		return false;
	*call = (struct kprobe_call){ 0 };
	for (int i = 0; i < probe->num_values; i++) {
		c = strchr(c, '=');
		ASSERT(c);
		call->value[i] = strtoull(++c, &end, 0);
		/* "(fault)": the kernel could not read it */
		ASSERT_NE(end, c);
	}
	return true;
}

size_t kprobe_read(struct kprobe *probe, struct kprobe_call *calls, size_t room)
{
	FILE *trace = fopen(INSTANCE "/trace", "re");
	struct kprobe_call call;
	char line[1024];
	size_t count = 0;

	ASSERT(trace);
	while (fgets(line, sizeof(line), trace)) {
		if (line[0] == '#' || !parse(probe, line, &call))
			continue;
		if (calls && count < room)
			calls[count] = call;
		count++;
	}
	fclose(trace);
	/* Opening the file for writing alone empties it. */
	trace = fopen(INSTANCE "/trace", "we");
	ASSERT(trace);
	fclose(trace);
	return count;
}

void kprobe_close(struct kprobe *probe)
{
	remove_probe(probe);
}
