// SPDX-License-Identifier: MIT
/*
 * rocsvm map: the SVM space of a process, as a picture or as a list.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "json.h"
#include "tool.h"

static void show_header(const struct space *space)
{
	char comm[4 * sizeof(space->comm)];

	printf("%sprocess %s (%s)%s, user %" PRIu64 ": %s, aperture %s%s\n", colour(BOLD),
	       space->name, printable(space->comm, comm, sizeof(comm)), colour(RESET), space->uid,
	       space->state, space->aperture, space->fallback ? " (fallback)" : "");
}

static void show_sums(const struct space *space)
{
	struct sum sums[MAX_KINDS];
	size_t num = sum_kinds(space, 0, sums);

	for (size_t i = 0; i < num; i++) {
		struct kind kind = kind_look(sums[i].kind);
		char bar[BAR_WIDTH + 1], size[24];

		printf("%15s %s%.4s %-12s %7" PRIu64 "  %10s%s\n", "", colour(kind.colour),
		       kind_bar(&kind, UINT64_MAX, bar), kind.title, sums[i].count,
		       size_text(sums[i].bytes, size), colour(RESET));
	}
	if (!num)
		printf("%15s no buffers\n", "");
}

/* ---- as a list ---- */

/* KFD's ids as everywhere else: hexadecimal */
static const char *gpus_text(const char *gpus, char text[static 64])
{
	size_t used = 0;

	while (isdigit((unsigned char)*gpus) && used < 64) {
		used += snprintf(text + used, 64 - used, "%s0x%04lx", used ? "," : "",
				 strtoul(gpus, NULL, 10));
		gpus += strcspn(gpus, ",");
		gpus += *gpus == ',';
	}
	return used ? text : gpus;
}

static void list_buffers(const struct space *space)
{
	printf("%-14s %12s %-10s %-20s %-11s %8s %8s %s\n", "VA", "LENGTH", "KIND", "FLAGS", "GPUS",
	       "GUARD", "AGE", "TAG");
	for (size_t i = 0; i < space->count; i++) {
		const struct buffer *b = &space->buffers[i];
		char age[24], gpus[64];

		printf("0x%012" PRIx64 " %12" PRIu64 " %-10s %-20s %-11s %8" PRIu64 " %8s 0x%" PRIx64
		       "\n", b->va, b->length, b->kind, b->flags,
		       gpus_text(b->gpus, gpus), b->guard, age_text(b->age_ms, age), b->tag);
	}
}

static void json_buffer(struct json *json, const struct buffer *buffer)
{
	json_object(json, NULL);
	json_hex(json, "va", buffer->va);
	json_number(json, "length", (int64_t)buffer->length);
	json_text(json, "kind", buffer->kind);
	json_list(json, "flags", buffer->flags);
	if (buffer->num_gpus == GPUS_UNKNOWN)
		json_null(json, "gpus");
	else
		json_list(json, "gpus", buffer->gpus);
	json_number(json, "guard", (int64_t)buffer->guard);
	json_number(json, "age_ms", (int64_t)buffer->age_ms);
	json_hex(json, "tag", buffer->tag);
	json_end_object(json);
}

static void print_json(const struct space *space)
{
	struct json json = { .to = stdout };

	json_object(&json, NULL);
	json_space(&json, space);
	json_hex(&json, "svm_base", space->svm_base);
	json_hex(&json, "svm_limit", space->svm_limit);
	json_hex(&json, "window_base", space->base);
	json_hex(&json, "window_limit", space->limit);
	json_hex(&json, "huge_base", space->huge_base);
	json_hex(&json, "coherent_base", space->coherent_base);
	json_hex(&json, "coherent_limit", space->coherent_limit);
	json_number(&json, "guard", (int64_t)space->guard);
	json_number(&json, "max_alignment", (int64_t)space->max_alignment);
	json_array(&json, "map");
	for (size_t i = 0; i < space->count; i++)
		json_buffer(&json, &space->buffers[i]);
	json_end_array(&json);
	json_end_object(&json);
}

/* ---- the command ---- */

/* Say which processes there are */
static void complain_process(const char *name)
{
	struct space *spaces;
	char text[256] = "";
	size_t used = 0;
	int count;

	count = spaces_read(&spaces, SPACES_PATH);
	if (count < 0) {
		complain_spaces(count);
		return;
	}
	for (int i = 0; i < count && used < sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - used, " %s", spaces[i].name);
	if (name)
		complain("no process %s uses rocsvm; those that do:%s", name,
			 count ? text : " none");
	else
		complain("map needs a process; those that use rocsvm:%s", count ? text : " none");
	spaces_free(spaces, count);
}

static bool is_name(const char *name)
{
	return isdigit((unsigned char)*name) && strspn(name, "0123456789.") == strlen(name);
}

int cmd_map(int argc, char **argv)
{
	bool all = false, list = false, json = false;
	const struct tool_option options[] = {
		{ "all", 'a', .flag = &all }, { "list", 'l', .flag = &list },
		{ "json", 'j', .flag = &json },
	};
	int first = read_options(argc, argv, options, ARRAY_SIZE(options));
	struct space space;
	int ret;

	if (first < 0)
		return STATUS_USAGE;
	if (argc != first + 1 || !is_name(argv[first])) {
		complain_process(NULL);
		return STATUS_USAGE;
	}
	ret = space_read(&space, SPACES_PATH, argv[first], true);
	if (ret == -ENOENT) {
		complain_process(argv[first]);
	} else if (ret) {
		complain_spaces(ret);
	} else if (json) {
		print_json(&space);
	} else if (list) {
		list_buffers(&space);
	} else {
		show_header(&space);
		draw_space(&space, all);
		show_sums(&space);
	}
	space_free(&space);
	return ret ? STATUS_FAILED : STATUS_OK;
}
