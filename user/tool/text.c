// SPDX-License-Identifier: MIT
/*
 * Sizes and colours.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

const char *size_text(uint64_t bytes, char text[static 24])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	uint64_t unit = 1;
	size_t i = 0;

	/* From 1023.95 on, one decimal would round to 1024.0. */
	while (i + 1 < ARRAY_SIZE(units) && (double)bytes / (double)unit >= 1023.95) {
		unit *= 1024;
		i++;
	}
	if (bytes % unit == 0)
		snprintf(text, 24, "%" PRIu64 " %s", bytes / unit, units[i]);
	else
		snprintf(text, 24, "%.1f %s", (double)bytes / (double)unit, units[i]);
	return text;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value && strcmp(value, "0");
}

const char *colour(const char *sequence)
{
	const char *term = getenv("TERM");

	if (is_set("NO_COLOR"))
		return "";
	if (is_set("CLICOLOR_FORCE"))
		return sequence;
	return isatty(STDOUT_FILENO) && !(term && !strcmp(term, "dumb")) ? sequence : "";
}
