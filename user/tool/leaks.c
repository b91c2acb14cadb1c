// SPDX-License-Identifier: MIT
/*
 * rocsvm leaks: what has been there for long, and what is held by processes
 * that will not use it again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "json.h"
#include "tool.h"

#define DEFAULT_AGE	600	/* seconds */

/* PF_EXITING of the flags in /proc/PID/stat: they are the kernel's ABI by use. */
#define EXITING		0x4

const char *process_state(const char *stat, uint64_t pending)
{
	const char *comm_end = stat ? strrchr(stat, ')') : NULL;
	unsigned int flags;
	char state;

	if (!comm_end || sscanf(comm_end + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return "gone";
	if (state == 'Z' || state == 'X')
		return "zombie";
	if (flags & EXITING || pending & 1ull << (SIGKILL - 1))
		return "dying";
	return NULL;
}

/* Signals that the process as a whole has pending */
static uint64_t read_pending(uint64_t pid)
{
	uint64_t pending = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/status", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "ShdPnd: %" SCNx64, &pending) == 1)
			break;
	fclose(f);
	return pending;
}

/* Why nothing of the space will be used again, or NULL */
static const char *holder_state(const struct space *space)
{
	char path[64], stat[512];

	if (!strcmp(space->state, "ended"))
		return NULL;	/* it has nothing, and its folder is about to go */
	if (strchr(space->name, '.'))
		return "exec";
	if (strcmp(space->state, "open"))
		return space->state;
	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/stat", space->pid);
	if (read_line(path, stat, sizeof(stat)))
		return "gone";
	return process_state(stat, read_pending(space->pid));
}

/* ---- output: a line for each kind of memory that a process has too long ---- */

static void show_titles(void)
{
	printf("%s%7s %-8s %-12s %8s %10s %9s %s%s\n", colour(BOLD), "PID", "HOLDER", "KIND",
	       "BUFFERS", "BYTES", "OLDEST", "COMMAND", colour(RESET));
}

static void show(const struct space *space, const char *holder, const struct sum *sums,
		 size_t num)
{
	static const struct sum none = { .kind = "-" };
	char comm[4 * sizeof(space->comm)], size[24], age[24];

	printable(space->comm, comm, sizeof(comm));
	for (size_t i = 0; i < (num ?: 1); i++) {
		const struct sum *sum = num ? &sums[i] : &none;

		printf("%7s %s%-8.8s%s %-12.12s %8" PRIu64 " %10s %9s %.15s\n", space->name,
		       colour(holder ? RED : ""), holder ?: "alive", colour(RESET),
		       kind_look(sum->kind).title, sum->count, size_text(sum->bytes, size),
		       age_text(sum->oldest_ms, age), comm);
	}
}

static void show_json(struct json *json, const struct space *space, const char *holder,
		      const struct sum *sums, size_t num)
{
	json_object(json, NULL);
	json_space(json, space);
	json_text(json, "holder", holder ?: "alive");
	json_array(json, "kinds");
	for (size_t i = 0; i < num; i++) {
		json_object(json, NULL);
		json_text(json, "kind", sums[i].kind);
		json_number(json, "buffers", (int64_t)sums[i].count);
		json_number(json, "bytes", (int64_t)sums[i].bytes);
		json_number(json, "oldest_ms", (int64_t)sums[i].oldest_ms);
		json_end_object(json);
	}
	json_end_array(json);
	json_end_object(json);
}

/* One process: 1 if it has something, 0, or -errno */
static int look_at(const char *name, uint64_t age_ms, struct json *json, bool first)
{
	struct sum sums[MAX_KINDS];
	const char *holder;
	struct space space;
	size_t num;
	int ret;

	ret = space_read(&space, SPACES_PATH, name, true);
	if (ret) {
		space_free(&space);
		return ret == -ENOENT ? 0 : ret;
	}
	holder = holder_state(&space);
	num = sum_kinds(&space, holder ? 0 : age_ms, sums);
	if (num || holder) {
		if (json) {
			show_json(json, &space, holder, sums, num);
		} else {
			if (first)
				show_titles();
			show(&space, holder, sums, num);
		}
		ret = 1;
	}
	space_free(&space);
	return ret;
}

int cmd_leaks(int argc, char **argv)
{
	bool as_json = false;
	uint64_t age = DEFAULT_AGE;
	const struct tool_option options[] = {
		{ "age", 'a', .value = &age }, { "json", 'j', .flag = &as_json },
	};
	int ret = no_operands(argc, argv, read_options(argc, argv, options, ARRAY_SIZE(options)));
	struct json json = { .to = stdout };
	struct space *spaces;
	int count, found = 0;

	if (ret)
		return ret;
	count = spaces_read(&spaces, SPACES_PATH);
	if (count < 0) {
		complain_spaces(count);
		return STATUS_FAILED;
	}
	if (as_json) {
		json_object(&json, NULL);
		json_array(&json, "leaks");
	}
	for (int i = 0; ret >= 0 && i < count; i++) {
		ret = look_at(spaces[i].name, age * 1000, as_json ? &json : NULL, !found);
		found += ret > 0;
	}
	if (as_json) {
		json_end_array(&json);
		json_end_object(&json);
	}
	spaces_free(spaces, count);
	if (ret < 0) {
		complain_spaces(ret);
		return STATUS_FAILED;
	}
	return found ? STATUS_FOUND : STATUS_OK;
}
