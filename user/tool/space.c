// SPDX-License-Identifier: MIT
/*
 * Reading SVM spaces. Keys, columns and kinds that are not known here are no
 * error: a later module may have more of them.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "module.h"
#include "space.h"
#include "tool.h"

/* ---- the file "space": lines "key:<tab>value" ---- */

static const struct key {
	const char *name;
	size_t offset;
	bool is_text;
} keys[] = {
#define NUMBER(key, member)	{ key, offsetof(struct space, member), false }
#define TEXT(key)		{ #key, offsetof(struct space, key), true }
	NUMBER("pid", pid), NUMBER("uid", uid), TEXT(state), TEXT(aperture),
	TEXT(gpus), TEXT(gpus_acquired), NUMBER("fallback", fallback),
	NUMBER("svm_base", svm_base), NUMBER("svm_limit", svm_limit),
	NUMBER("base", base), NUMBER("limit", limit), NUMBER("huge_base", huge_base),
	NUMBER("coherent_base", coherent_base), NUMBER("coherent_limit", coherent_limit),
	NUMBER("guard", guard), NUMBER("max_alignment", max_alignment),
	NUMBER("opens", opens), NUMBER("buffers", num_buffers),
	NUMBER("buffer_bytes", buffer_bytes), NUMBER("reserved_bytes", reserved_bytes),
	NUMBER("quarantined_bytes", quarantined_bytes),
	NUMBER("registered_segments", registered_segments),
	NUMBER("registered_bytes", registered_bytes),
	NUMBER("kfd_buffers", kfd_buffers), NUMBER("kfd_bytes", kfd_bytes),
};

/* As the kernel's seq_escape() has written it: \ooo for what it would not */
static void unescape(const char *from, char *to, size_t size)
{
	size_t n = 0;

	while (*from && n + 1 < size) {
		unsigned int byte;
		int length = 0;

		if (sscanf(from, "\\%3o%n", &byte, &length) == 1 && length == 4) {
			to[n++] = (char)byte;
			from += 4;
		} else {
			to[n++] = *from++;
		}
	}
	to[n] = '\0';
}

static void set_key(struct space *space, const char *name, const char *value)
{
	if (!strcmp(name, "comm")) {
		unescape(value, space->comm, sizeof(space->comm));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		void *member = (char *)space + keys[i].offset;

		if (strcmp(name, keys[i].name))
			continue;
		if (keys[i].is_text)
			*(const char **)member = value;
		else
			*(uint64_t *)member = strtoull(value, NULL, 0);
		return;
	}
}

void space_parse(struct space *space, char *text)
{
	char *line;

	space->state = space->aperture = "?";
	space->gpus = space->gpus_acquired = "-";
	free(space->space_text);
	space->space_text = text;
	while ((line = strsep(&text, "\n"))) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		set_key(space, line, value + (*value == '\t'));
	}
}

/* ---- the file "buffers": a line of titles, then a line for each ---- */

enum column { VA, LENGTH, KIND, FLAGS, GPUS, GUARD, AGE_MS, TAG, NUM_COLUMNS };

static const char *const titles[NUM_COLUMNS] = {
	"va", "length", "kind", "flags", "gpus", "guard", "age_ms", "tag",
};

#define MAX_COLUMNS	32

/* Which column is where in a line: without titles as they have always been */
struct layout {
	enum column columns[MAX_COLUMNS];
};

static void read_titles(struct layout *layout, char *line)
{
	const char *title;
	size_t i = 0;

	while (i < MAX_COLUMNS && (title = strsep(&line, " "))) {
		enum column column = 0;

		if (!*title || !strcmp(title, "#"))
			continue;
		while (column < NUM_COLUMNS && strcmp(title, titles[column]))
			column++;
		layout->columns[i++] = column;
	}
	while (i < MAX_COLUMNS)
		layout->columns[i++] = NUM_COLUMNS;
}

static bool number(const char *text, uint64_t *value)
{
	char *end;

	if (!text || !isdigit((unsigned char)*text))
		return false;
	*value = strtoull(text, &end, 0);
	return !*end;
}

static void set_gpus(struct buffer *buffer)
{
	buffer->gpu_id = (uint32_t)strtoul(buffer->gpus, NULL, 10);
	if (isdigit((unsigned char)*buffer->gpus)) {
		buffer->num_gpus = 1;
		for (const char *c = buffer->gpus; *c; c++)
			buffer->num_gpus += *c == ',';
	} else {
		buffer->num_gpus = strcmp(buffer->gpus, "-") ? GPUS_UNKNOWN : 0;
	}
}

static bool read_buffer(struct buffer *buffer, const struct layout *layout, char *line)
{
	const char *values[NUM_COLUMNS + 1] = { NULL };

	for (size_t i = 0; i < MAX_COLUMNS; i++)
		values[layout->columns[i]] = strsep(&line, " ") ?: values[layout->columns[i]];
	*buffer = (struct buffer){
		.kind = values[KIND] ?: "?",
		.flags = values[FLAGS] ?: "?",
		.gpus = values[GPUS] ?: "?",
	};
	if (!number(values[VA], &buffer->va) || !number(values[LENGTH], &buffer->length))
		return false;
	/* The addresses of what programs make with KFD's ioctls are theirs alone. */
	if (buffer->length > UINT64_MAX - buffer->va)
		buffer->length = UINT64_MAX - buffer->va;
	number(values[GUARD], &buffer->guard);
	number(values[AGE_MS], &buffer->age_ms);
	number(values[TAG], &buffer->tag);
	set_gpus(buffer);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct buffer *x = a, *y = b;

	if (x->va != y->va)
		return x->va < y->va ? -1 : 1;
	return (x->length < y->length) - (x->length > y->length);
}

static struct buffer *add_buffer(struct space *space)
{
	size_t count = space->count;

	/* Doubled where it is full: at the powers of two. */
	if (!(count & (count - 1))) {
		void *more = reallocarray(space->buffers, count ? 2 * count : 1,
					  sizeof(*space->buffers));

		if (!more)
			return NULL;
		space->buffers = more;
	}
	return &space->buffers[space->count++];
}

static void sort(struct space *space)
{
	if (space->count)
		qsort(space->buffers, space->count, sizeof(*space->buffers), compare);
}

int space_parse_buffers(struct space *space, char *text)
{
	struct layout layout;
	char *line;

	free(space->buffers_text);
	space->buffers_text = text;
	space->count = 0;
	for (size_t i = 0; i < MAX_COLUMNS; i++)
		layout.columns[i] = i < NUM_COLUMNS ? (enum column)i : NUM_COLUMNS;
	while ((line = strsep(&text, "\n"))) {
		struct buffer buffer, *added;

		if (*line == '#') {
			read_titles(&layout, line + 1);
			continue;
		}
		if (!read_buffer(&buffer, &layout, line))
			continue;
		added = add_buffer(space);
		if (!added)
			return -ENOMEM;
		*added = buffer;
	}
	sort(space);
	return 0;
}

void space_free(struct space *space)
{
	free(space->buffers);
	free(space->space_text);
	free(space->buffers_text);
	*space = (struct space){ .name = "" };
}

/* ---- debugfs ---- */

/* All of it, however long: it has no NUL. */
static int read_text(const char *path, const char *name, const char *file, char **text)
{
	char full[512];
	size_t room = 0;
	int ret = 0;
	FILE *f;

	*text = NULL;
	snprintf(full, sizeof(full), "%s/%s/%s", path, name, file);
	f = fopen(full, "re");
	if (!f)
		return -errno;
	errno = 0;
	if (getdelim(text, &room, '\0', f) < 0) {
		free(*text);
		*text = NULL;
		if (ferror(f) || errno)
			ret = -(errno ?: EIO);
		else if (!(*text = strdup("")))
			ret = -ENOMEM;
	}
	fclose(f);
	return ret;
}

int space_read(struct space *space, const char *path, const char *name, bool with_buffers)
{
	char *text;
	int ret;

	*space = (struct space){ .name = "" };
	snprintf(space->name, sizeof(space->name), "%s", name);
	ret = read_text(path, name, "space", &text);
	if (ret)
		return ret;
	space_parse(space, text);
	if (!with_buffers)
		return 0;
	ret = read_text(path, name, "buffers", &text);
	return ret ?: space_parse_buffers(space, text);
}

int spaces_read(struct space **spaces, const char *path)
{
	struct space *more, space;
	const struct dirent *entry;
	int count = 0, ret = 0;
	DIR *dir;

	*spaces = NULL;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		ret = space_read(&space, path, entry->d_name, false);
		if (ret == -ENOENT) {	/* it has just ended */
			space_free(&space);
			ret = 0;
			continue;
		}
		more = ret ? NULL : reallocarray(*spaces, count + 1, sizeof(space));
		if (!more) {
			space_free(&space);
			ret = ret ?: -ENOMEM;
			break;
		}
		*spaces = more;
		more[count++] = space;
	}
	closedir(dir);
	if (!ret)
		return count;
	spaces_free(*spaces, count);
	*spaces = NULL;
	return ret;
}

void spaces_free(struct space *spaces, int count)
{
	for (int i = 0; i < count; i++)
		space_free(&spaces[i]);
	free(spaces);
}

/* ---- INFO and QUERY ---- */

const char *kind_key(uint32_t kind)
{
	static const char *const keys[] = {
		[ROCSVM_KIND_HOST] = "host",
		[ROCSVM_KIND_GTT] = "gtt",
		[ROCSVM_KIND_VRAM] = "vram",
		[ROCSVM_KIND_PRIVATE_VRAM] = "private",
		[ROCSVM_KIND_DOORBELL] = "doorbell",
		[ROCSVM_KIND_MMIO_REMAP] = "mmio",
		[ROCSVM_KIND_ADDRESS] = "address",
		[ROCSVM_KIND_SCRATCH] = "scratch",
		[ROCSVM_KIND_REGISTERED] = "registered",
	};

	return kind < ARRAY_SIZE(keys) && keys[kind] ? keys[kind] : "?";
}

static const char *query_key(const struct rocsvm_query *query)
{
	if (query->flags & ROCSVM_ALLOC_IMPORTED)
		return "imported";
	if (query->flags & ROCSVM_ALLOC_AQL_QUEUE)
		return "aql";
	return kind_key(query->kind);
}

static int read_own_buffers(struct space *space, struct rocsvm_ctx *ctx)
{
	uint64_t at = 0;

	for (;;) {
		uint32_t gpu_ids[1] = { 0 };
		struct rocsvm_query query = {
			.size = sizeof(query),
			.num_gpus = ARRAY_SIZE(gpu_ids),
			.gpu_ids = (uintptr_t)gpu_ids,
		};
		struct buffer *buffer;
		int ret = rocsvm_next(ctx, (void *)(uintptr_t)at, &query);

		if (ret)
			return ret == -ENOENT ? 0 : ret;
		buffer = add_buffer(space);
		if (!buffer)
			return -ENOMEM;
		*buffer = (struct buffer){
			.va = query.va, .length = query.length, .guard = query.guard,
			.tag = query.tag, .kind = query_key(&query), .flags = "?", .gpus = "?",
			.num_gpus = (int)query.num_gpus, .gpu_id = gpu_ids[0],
		};
		at = query.va + query.length;
	}
}

int space_read_own(struct space *space, struct rocsvm_ctx *ctx)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	bool mmap;
	int ret;

	*space = (struct space){ .name = "" };
	ret = rocsvm_get_info(ctx, &info);
	if (ret)
		return ret;
	mmap = info.aperture == ROCSVM_APERTURE_MMAP;
	*space = (struct space){
		.pid = getpid(), .uid = getuid(), .state = "open",
		.aperture = mmap ? "mmap" : "reserved", .gpus = "?", .gpus_acquired = "?",
		.svm_base = info.svm_base, .svm_limit = info.svm_limit,
		.base = info.window_base, .limit = info.window_limit,
		.huge_base = info.huge_base,
		.coherent_base = info.coherent_base, .coherent_limit = info.coherent_limit,
		.num_buffers = info.num_buffers, .buffer_bytes = info.buffer_bytes,
	};
	return read_own_buffers(space, ctx);
}

/* ---- what is asked of a space ---- */

bool is_reservation(const struct buffer *buffer)
{
	return !strcmp(buffer->kind, "address") || !strcmp(buffer->kind, "scratch");
}

uint64_t space_bytes(const struct space *space)
{
	return space->buffer_bytes + space->kfd_bytes + space->registered_bytes;
}

size_t sum_kinds(const struct space *space, uint64_t age_ms, struct sum sums[static MAX_KINDS])
{
	size_t num = 0;

	for (size_t i = 0; i < space->count; i++) {
		const struct buffer *buffer = &space->buffers[i];
		size_t k = 0;

		if (buffer->age_ms < age_ms)
			continue;
		while (k < num && strcmp(sums[k].kind, buffer->kind))
			k++;
		if (k == MAX_KINDS)
			continue;
		if (k == num)
			sums[num++] = (struct sum){ .kind = buffer->kind };
		sums[k].count++;
		sums[k].bytes += buffer->length;
		if (buffer->age_ms > sums[k].oldest_ms)
			sums[k].oldest_ms = buffer->age_ms;
	}
	return num;
}

void json_space(struct json *json, const struct space *space)
{
	json_text(json, "name", space->name);
	json_number(json, "pid", (int64_t)space->pid);
	json_text(json, "comm", space->comm);
	json_number(json, "uid", (int64_t)space->uid);
	json_text(json, "state", space->state);
	json_text(json, "aperture", space->aperture);
	json_bool(json, "fallback", space->fallback);
	json_number(json, "opens", (int64_t)space->opens);
	json_list(json, "gpus", space->gpus);
	json_list(json, "gpus_acquired", space->gpus_acquired);
	json_number(json, "buffers", (int64_t)space->num_buffers);
	json_number(json, "buffer_bytes", (int64_t)space->buffer_bytes);
	json_number(json, "reserved_bytes", (int64_t)space->reserved_bytes);
	json_number(json, "quarantined_bytes", (int64_t)space->quarantined_bytes);
	json_number(json, "registered_segments", (int64_t)space->registered_segments);
	json_number(json, "registered_bytes", (int64_t)space->registered_bytes);
	json_number(json, "kfd_buffers", (int64_t)space->kfd_buffers);
	json_number(json, "kfd_bytes", (int64_t)space->kfd_bytes);
}

void complain_spaces(int error)
{
	switch (-error) {
	case EACCES:
		complain("%s is root's alone: be root", SPACES_PATH);
		break;
	case EPERM:
		complain("%s can't be read (kernel lockdown?): see dmesg", SPACES_PATH);
		break;
	case ENOENT:
		if (module_state("rocsvm") != MODULE_LOADED)
			complain("the rocsvm module is not loaded: rocsvm load");
		else if (access("/sys/kernel/debug/.", X_OK) && errno == EACCES)
			complain("%s is root's alone: be root", SPACES_PATH);
		else
			complain("%s is not there: mount -t debugfs debugfs /sys/kernel/debug",
				 SPACES_PATH);
		break;
	default:
		complain("can't read %s: %s", SPACES_PATH, strerror(-error));
	}
}
