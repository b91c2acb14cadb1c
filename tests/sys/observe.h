/* SPDX-License-Identifier: MIT */
/*
 * What the tests of looking on share: the files of a space in debugfs, read as
 * a whole and taken apart.
 */
#ifndef ROCSVM_TESTS_OBSERVE_H
#define ROCSVM_TESTS_OBSERVE_H

#include "harness.h"

#include <ctype.h>

#define VIEW_ROOT "/sys/kernel/debug/rocsvm"

/* A process's folder in debugfs; @number as in PID.number, 0 for none. */
static inline void view_path(char *path, size_t size, pid_t pid,
			     unsigned int number, const char *file)
{
	char suffix[16] = "";

	if (number)
		snprintf(suffix, sizeof(suffix), ".%u", number);
	snprintf(path, size, VIEW_ROOT "/%d%s/%s", pid, suffix, file);
}

/* All of a file, by reads of @step bytes, to be freed; NULL if it is not there. */
static inline char *read_whole(const char *path, size_t step)
{
	size_t length = 0, room = step + 1;
	char *text = malloc(room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long r;

	ASSERT(text);
	if (fd < 0) {
		free(text);
		return NULL;
	}
	while ((r = SYS(read(fd, text + length, step))) > 0) {
		length += r;
		if (room < length + step + 1) {
			room = 2 * (length + step + 1);
			text = realloc(text, room);
			ASSERT(text);
		}
	}
	ASSERT_EQ(r, 0);
	close(fd);
	text[length] = '\0';
	return text;
}

/* A file of a process's space. */
static inline char *view_text(pid_t pid, const char *file)
{
	char path[128];

	view_path(path, sizeof(path), pid, 0, file);
	return read_whole(path, 65536);
}

static inline bool view_exists(pid_t pid)
{
	char path[128];

	view_path(path, sizeof(path), pid, 0, "");
	return access(path, F_OK) == 0;
}

/* The value of "key:<white space>value" in @text; "" if there is none. */
static inline const char *text_value(const char *text, const char *key)
{
	static char value[256];
	size_t length = strlen(key);
	const char *line;

	value[0] = '\0';
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == ':') {
			line += length + 1;
			while (*line == '\t' || *line == ' ')
				line++;
			snprintf(value, sizeof(value), "%.*s",
				 (int)strcspn(line, "\n"), line);
			break;
		}
	}
	return value;
}

/* The same as a number; all ones if there is none. */
static inline uint64_t text_number(const char *text, const char *key)
{
	const char *value = text_value(text, key);

	return isdigit(*value) ? strtoull(value, NULL, 0) : UINT64_MAX;
}

/* A field of the file "space"; the text is valid until the next one. */
static inline const char *space_value(pid_t pid, const char *key)
{
	char *text = view_text(pid, "space");
	const char *value = text ? text_value(text, key) : "no file";

	free(text);
	return value;
}

static inline uint64_t space_number(pid_t pid, const char *key)
{
	char *text = view_text(pid, "space");
	uint64_t value = text ? text_number(text, key) : UINT64_MAX;

	free(text);
	return value;
}

/* A line "name value" of the file "stats"; all ones if there is none. */
static inline uint64_t stat_number(pid_t pid, const char *name)
{
	char *text = view_text(pid, "stats"), *line = text;
	size_t length = strlen(name);
	uint64_t value = UINT64_MAX;

	while (line && *line) {
		if (!strncmp(line, name, length) && line[length] == ' ')
			value = strtoull(line + length, NULL, 10);
		line = strchr(line, '\n');
		line += !!line;
	}
	free(text);
	return value;
}

/* Take a line apart: sscanf() looks for the end of the whole text, each time. */
#define LINE_SCAN(line, ...) ({						\
	char copy_[512];						\
	const char *end_ = strchr(line, '\n');				\
									\
	ASSERT(end_);							\
	snprintf(copy_, sizeof(copy_), "%.*s", (int)(end_ - (line)), line); \
	sscanf(copy_, __VA_ARGS__);					\
})

/* A line of the file "buffers". */
struct view_buffer {
	uint64_t va, length, guard, age_ms, tag;
	char kind[16], flags[96], gpus[64];
};

/*
 * All of them, to be freed. They must be in order, those of KFD's own behind all
 * others.
 */
static inline struct view_buffer *buffers_parse(const char *text, size_t *count)
{
	struct view_buffer *list = NULL, *b;
	size_t n = 0, room = 0;
	const char *line;

	ASSERT(text);
	ASSERT(!strncmp(text, "# va length kind flags gpus guard age_ms tag\n", 45));
	for (line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		if (n == room) {
			room = 2 * room + 16;
			list = realloc(list, room * sizeof(*list));
			ASSERT(list);
		}
		b = &list[n++];
		ASSERT_EQ(LINE_SCAN(line, "0x%lx %lu %15s %95s %63s %lu %lu 0x%lx",
				    &b->va, &b->length, b->kind, b->flags,
				    b->gpus, &b->guard, &b->age_ms, &b->tag), 8);
		if (n > 1 && strcmp(b->kind, "kfd")) {
			ASSERT_GE(b->va, b[-1].va);
			ASSERT(strcmp(b[-1].kind, "kfd"));
		}
	}
	*count = n;
	return list;
}

static inline struct view_buffer *view_buffers(pid_t pid, size_t *count)
{
	char *text = view_text(pid, "buffers");
	struct view_buffer *list = buffers_parse(text, count);

	free(text);
	return list;
}

/* The buffer at an address of one kind; its kind is "" if there is none. */
static inline struct view_buffer view_buffer(pid_t pid, uint64_t va,
					     const char *kind)
{
	struct view_buffer found = { .kind = "" }, *list;
	size_t count;

	list = view_buffers(pid, &count);
	for (size_t i = 0; i < count; i++)
		if (list[i].va == va && !strcmp(list[i].kind, kind))
			found = list[i];
	free(list);
	return found;
}

/* How many lines there are of a kind. */
static inline size_t view_count(pid_t pid, const char *kind)
{
	struct view_buffer *list;
	size_t count, n = 0;

	list = view_buffers(pid, &count);
	for (size_t i = 0; i < count; i++)
		n += !strcmp(list[i].kind, kind);
	free(list);
	return n;
}

/* A line of the file "gaps". */
struct view_gap {
	char region[16];
	uint64_t start, length;
};

static inline struct view_gap *view_gaps(pid_t pid, size_t *count)
{
	struct view_gap *list = NULL, *g;
	char *text = view_text(pid, "gaps");
	size_t n = 0, room = 0;
	const char *line;

	ASSERT(text);
	for (line = text; *line; line = strchr(line, '\n') + 1) {
		if (n == room) {
			room = 2 * room + 16;
			list = realloc(list, room * sizeof(*list));
			ASSERT(list);
		}
		g = &list[n++];
		ASSERT_EQ(LINE_SCAN(line, "%15s 0x%lx %lu", g->region,
				    &g->start, &g->length), 3);
		ASSERT_GT(g->length, 0);
		if (n > 1)
			ASSERT_GE(g->start, g[-1].start + g[-1].length);
	}
	free(text);
	*count = n;
	return list;
}

#endif /* ROCSVM_TESTS_OBSERVE_H */
