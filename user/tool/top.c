// SPDX-License-Identifier: MIT
/*
 * rocsvm top: the processes that use rocsvm, by bytes, and how much each has
 * grown since the last look.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "json.h"
#include "space.h"
#include "tool.h"

/* What the last look has seen */
struct look {
	struct space *spaces;
	int count;
};

static int by_bytes(const void *a, const void *b)
{
	uint64_t x = space_bytes(a), y = space_bytes(b);

	return (x < y) - (x > y);
}

static const struct space *find(const struct look *look, const struct space *space)
{
	for (int i = 0; i < look->count; i++)
		if (!strcmp(look->spaces[i].name, space->name))
			return &look->spaces[i];
	return NULL;
}

/* What is new has grown from nothing; at the first look nothing is. */
static int64_t grown(const struct look *before, const struct space *space)
{
	const struct space *then = find(before, space);

	if (!before->spaces && !before->count)
		return 0;
	return (int64_t)(space_bytes(space) - (then ? space_bytes(then) : 0));
}

static const char *growth_text(int64_t bytes, char text[static 32])
{
	char size[24];

	if (!bytes)
		return "-";
	snprintf(text, 32, "%c%s", bytes < 0 ? '-' : '+',
		 size_text(bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes, size));
	return text;
}

static void show_space(const struct space *space, int64_t growth)
{
	char user[64], comm[4 * sizeof(space->comm)], bytes[24], registered[24], grew[32];
	const struct passwd *passwd = getpwuid((uid_t)space->uid);

	if (passwd)
		printable(passwd->pw_name, user, sizeof(user));
	else
		snprintf(user, sizeof(user), "%" PRIu64, space->uid);
	printf("%7s %-8.8s %-8.8s %8" PRIu64 " %10s %10s %s%11s%s %.15s\n", space->name, user,
	       space->state, space->num_buffers + space->kfd_buffers,
	       size_text(space->buffer_bytes + space->kfd_bytes, bytes),
	       size_text(space->registered_bytes, registered),
	       colour(growth > 0 ? YELLOW : ""), growth_text(growth, grew), colour(RESET),
	       printable(space->comm, comm, sizeof(comm)));
}

static void show(const struct look *now, const struct look *before, int rows)
{
	uint64_t bytes = 0;
	char size[24];

	for (int i = 0; i < now->count; i++)
		bytes += space_bytes(&now->spaces[i]);
	printf("%d space%s, %s\n", now->count, now->count == 1 ? "" : "s",
	       size_text(bytes, size));
	printf("%s%7s %-8s %-8s %8s %10s %10s %11s %s%s\n", colour(BOLD), "PID", "USER", "STATE",
	       "BUFFERS", "BYTES", "REGISTERED", "GREW", "COMMAND", colour(RESET));
	for (int i = 0; i < now->count && i < rows; i++)
		show_space(&now->spaces[i], grown(before, &now->spaces[i]));
	fflush(stdout);
}

static void show_json(const struct look *now, const struct look *before)
{
	struct json json = { .to = stdout };

	json_object(&json, NULL);
	json_array(&json, "spaces");
	for (int i = 0; i < now->count; i++) {
		json_object(&json, NULL);
		json_space(&json, &now->spaces[i]);
		json_number(&json, "grew", grown(before, &now->spaces[i]));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	fflush(stdout);
}

/* Rows of spaces that the terminal has room for */
static int terminal_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 4)
		return 20;
	return size.ws_row - 3;
}

int cmd_top(int argc, char **argv)
{
	bool json = false, live = isatty(STDOUT_FILENO);
	uint64_t delay = 2, iterations = 0;
	const struct tool_option options[] = {
		{ "delay", 'd', .value = &delay }, { "iterations", 'n', .value = &iterations },
		{ "json", 'j', .flag = &json },
	};
	int ret = no_operands(argc, argv, read_options(argc, argv, options, ARRAY_SIZE(options)));
	struct look before = { NULL, 0 };

	if (ret)
		return ret;
	live = live && !json;
	if (!iterations && !live)
		iterations = 1;
	for (uint64_t i = 0; !iterations || i < iterations; i++) {
		struct look now;

		if (i)
			sleep((unsigned int)delay);
		now.count = spaces_read(&now.spaces, SPACES_PATH);
		if (now.count < 0) {
			complain_spaces(now.count);
			ret = STATUS_FAILED;
			break;
		}
		if (now.count)
			qsort(now.spaces, now.count, sizeof(*now.spaces), by_bytes);
		if (live)
			printf("\033[H\033[J");
		if (json)
			show_json(&now, &before);
		else
			show(&now, &before, live ? terminal_rows() : now.count);
		spaces_free(before.spaces, before.count);
		before = now;
	}
	spaces_free(before.spaces, before.count);
	return ret;
}
