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

#include "module.h"
#include "tool.h"

#define CLASS		"/sys/class/rocsvm/rocsvm/"
#define PARAMETERS	"/sys/module/rocsvm/parameters/"

static void show(const char *name, const char *value)
{
	printf("%-15s %s\n", name, value);
}

static bool show_module(void)
{
	enum module_state state = module_state("rocsvm");
	char line[64];

	switch (state) {
	case MODULE_LOADED:
		show("module", "loaded");
		if (!read_line(CLASS "version", line, sizeof(line)))
			show("version", line);
		if (!read_line(CLASS "abi", line, sizeof(line)))
			show("abi", line);
		return true;
	case MODULE_NOT_LOADED:
		show("module", "not loaded (rocsvm load)");
		return false;
	case MODULE_NOT_INSTALLED:
		show("module", "not installed for the running kernel (make install)");
		return false;
	case MODULE_UNKNOWN:
		break;
	}
	show("module", "not loaded (rocsvm load)");
	return false;
}

static void show_parameters(void)
{
	char line[64];
	glob_t found;

	if (glob(PARAMETERS "*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + sizeof(PARAMETERS) - 1;

		if (!read_line(found.gl_pathv[i], line, sizeof(line)))
			printf("%-15s %s (parameter)\n", name, line);
	}
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
	char path[128], text[24];
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		snprintf(path, sizeof(path), CLASS "%s", counters[i].name);
		if (read_number(path, &value))
			continue;
		if (counters[i].bytes)
			printf("%-15s %" PRIu64 " (%s)\n", counters[i].name, value,
			       size_text(value, text));
		else
			printf("%-15s %" PRIu64 "\n", counters[i].name, value);
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

	printf("%-15s %s, %s\n", name, path,
	       allowed ? "accessible" : exists ? "no permission (group render)" : "missing");
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
		show("aperture", explain_open(ret));
		return;
	}
	ret = rocsvm_get_info(ctx, &info);
	rocsvm_unref(ctx);
	if (ret)
		return;
	if (info.aperture == ROCSVM_APERTURE_MMAP)
		printf("%-15s mmap", "aperture");
	else
		printf("%-15s reserved, %s", "aperture",
		       size_text(info.window_limit - info.window_base + 1, size));
	printf("%s\n", info.space_flags & ROCSVM_SPACE_FALLBACK ? " (fallback: see dmesg)" : "");
}

int cmd_status(int argc, char **argv)
{
	int ret = no_arguments(argc, argv);
	bool usable;
	unsigned int gpus;

	if (ret)
		return ret;
	show("tool", rocsvm_version());
	usable = show_module();
	show_parameters();
	usable &= show_access("device", "/dev/rocsvm");
	usable &= show_access("kfd", "/dev/kfd");
	gpus = count_gpus();
	printf("%-15s %u\n", "gpus", gpus);
	show_counters();
	if (usable)
		show_aperture();
	return usable && gpus ? STATUS_OK : STATUS_FAILED;
}
