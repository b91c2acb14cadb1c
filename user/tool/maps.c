// SPDX-License-Identifier: MIT
/*
 * Reading /proc/self/maps.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static bool parse(const char *line, struct mapping *m)
{
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %n", &m->base, &m->end,
		   m->access, &name) < 3 || !name)
		return false;
	snprintf(m->name, sizeof(m->name), "%s", line + name);
	m->name[strcspn(m->name, "\n")] = '\0';
	return true;
}

int read_mappings(uint64_t base, uint64_t limit, struct mapping *mappings, int max)
{
	FILE *f = fopen("/proc/self/maps", "re");
	struct mapping m;
	char line[512];
	int count = 0;

	if (!f)
		return -errno;
	while (count < max && fgets(line, sizeof(line), f))
		if (parse(line, &m) && m.base <= limit && m.end > base)
			mappings[count++] = m;
	fclose(f);
	return count;
}
