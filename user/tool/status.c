// SPDX-License-Identifier: MIT
/*
 * rocsvm status: what sysfs knows, and what a process that opens the device
 * gets.
 */
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "module.h"
#include "tool.h"

#define CLASS		"/sys/class/rocsvm/rocsvm/"
#define PARAMETERS	"/sys/module/rocsvm/parameters/"

/* Where it goes: NULL for people */
static struct json *json;

static void show(const char *name, const char *value, const char *hint)
{
	if (json)
		json_text(json, name, value);
	else
		printf("%-15s %s%s%s%s\n", name, value, hint ? " (" : "", hint ?: "",
		       hint ? ")" : "");
}

static void show_number(const char *name, uint64_t value, bool bytes)
{
	char text[24];

	if (json)
		json_number(json, name, (int64_t)value);
	else if (bytes)
		printf("%-15s %" PRIu64 " (%s)\n", name, value, size_text(value, text));
	else
		printf("%-15s %" PRIu64 "\n", name, value);
}

static bool show_module(void)
{
	enum module_state state = module_state("rocsvm");
	char line[64];

	switch (state) {
	case MODULE_LOADED:
		show("module", "loaded", NULL);
		if (!read_line(CLASS "version", line, sizeof(line)))
			show("version", line, NULL);
		if (!read_line(CLASS "abi", line, sizeof(line)))
			show("abi", line, NULL);
		return true;
	case MODULE_NOT_INSTALLED:
		show("module", "not installed for the running kernel", "make install");
		return false;
	case MODULE_NOT_LOADED:
	case MODULE_UNKNOWN:
		break;
	}
	show("module", "not loaded", "rocsvm load");
	return false;
}

static void show_parameters(void)
{
	char line[64];
	glob_t found;

	if (glob(PARAMETERS "*", 0, NULL, &found))
		return;
	if (json)
		json_object(json, "parameters");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + sizeof(PARAMETERS) - 1;

		if (!read_line(found.gl_pathv[i], line, sizeof(line)))
			show(name, line, "parameter");
	}
	if (json)
		json_end_object(json);
	globfree(&found);
}

static void show_counters(void)
{
	static const struct {
		const char *name;
		bool bytes;
	} counters[] = {
		{ "spaces", false }, { "buffers", false },
		{ "buffer_bytes", true }, { "reserved_bytes", true },
	};
	char path[128];
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		snprintf(path, sizeof(path), CLASS "%s", counters[i].name);
		if (!read_number(path, &value))
			show_number(counters[i].name, value, counters[i].bytes);
	}
}

/* Nodes of KFD's topology whose gpu_id is not 0 */
static unsigned int count_gpus(void)
{
	unsigned int count = 0;
	uint64_t gpu_id;
	glob_t found;

	if (glob("/sys/class/kfd/kfd/topology/nodes/*/gpu_id", 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!read_number(found.gl_pathv[i], &gpu_id) && gpu_id)
			count++;
	globfree(&found);
	return count;
}

static bool show_access(const char *name, const char *path)
{
	bool exists = !access(path, F_OK);
	bool allowed = !access(path, R_OK | W_OK);
	const char *state = allowed ? "accessible" : exists ? "no permission" : "missing";

	if (json)
		json_text(json, name, state);
	else
		printf("%-15s %s, %s\n", name, path,
		       exists && !allowed ? "no permission (group render)" : state);
	return allowed;
}

/* Where the buffers of a new process are placed */
static void show_aperture(void)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	struct rocsvm_ctx *ctx;
	char size[24];
	int ret;

	ret = rocsvm_open(&ctx, NULL);
	if (ret) {
		show("aperture", explain_open(ret), NULL);
		return;
	}
	ret = rocsvm_get_info(ctx, &info);
	rocsvm_unref(ctx);
	if (ret)
		return;
	size_text(info.window_limit - info.window_base + 1, size);
	if (json) {
		json_text(json, "aperture",
			  info.aperture == ROCSVM_APERTURE_MMAP ? "mmap" : "reserved");
		json_bool(json, "fallback", info.space_flags & ROCSVM_SPACE_FALLBACK);
		return;
	}
	if (info.aperture == ROCSVM_APERTURE_MMAP)
		printf("%-15s mmap", "aperture");
	else
		printf("%-15s reserved, %s", "aperture", size);
	printf("%s\n", info.space_flags & ROCSVM_SPACE_FALLBACK ? " (fallback: see dmesg)" : "");
}

int cmd_status(int argc, char **argv)
{
	bool as_json = false, usable;
	const struct tool_option options[] = { { "json", 'j', .flag = &as_json } };
	int ret = no_operands(argc, argv, read_options(argc, argv, options, ARRAY_SIZE(options)));
	struct json out = { .to = stdout };
	unsigned int gpus;

	if (ret)
		return ret;
	if (as_json) {
		json = &out;
		json_object(json, NULL);
	}
	show("tool", rocsvm_version(), NULL);
	usable = show_module();
	show_parameters();
	usable &= show_access("device", "/dev/rocsvm");
	usable &= show_access("kfd", "/dev/kfd");
	gpus = count_gpus();
	show_number("gpus", gpus, false);
	show_counters();
	if (usable)
		show_aperture();
	if (as_json)
		json_end_object(json);
	return usable && gpus ? STATUS_OK : STATUS_FAILED;
}
