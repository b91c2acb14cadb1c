// SPDX-License-Identifier: MIT
/*
 * Sizes, ages, names and colours.
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

const char *age_text(uint64_t ms, char text[static 24])
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	uint64_t seconds = ms / 1000;
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && seconds < units[i].seconds)
		i++;
	snprintf(text, 24, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].name);
	return text;
}

const char *printable(const char *bytes, char *text, size_t size)
{
	size_t n = 0;

	/* Five: the longest, and the end. */
	for (; *bytes && n + 5 <= size; bytes++) {
		unsigned char c = *bytes;

		if (c == '\\')
			n += sprintf(text + n, "\\\\");
		else if (c < 0x20 || c >= 0x7f)
			n += sprintf(text + n, "\\x%02x", c);
		else
			text[n++] = c;
	}
	text[n] = '\0';
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
