// SPDX-License-Identifier: MIT
/*
 * Reading sysfs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

int read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	int ret = 0;

	if (!f)
		return -errno;
	errno = 0;
	if (!fgets(line, size, f))
		ret = errno ? -errno : -ENODATA;
	else
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
	return ret;
}

int read_number(const char *path, uint64_t *value)
{
	char line[64], *end;
	int ret = read_line(path, line, sizeof(line));

	if (ret)
		return ret;
	errno = 0;
	*value = strtoull(line, &end, 10);
	return errno || end == line || *end ? -EINVAL : 0;
}

int read_drm_number(struct rocsvm_ctx *ctx, uint32_t gpu_id, const char *name, uint64_t *value)
{
	char path[128];
	uint64_t minor;
	int ret;

	ret = rocsvm_gpu_property(ctx, gpu_id, "drm_render_minor", &minor);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "/sys/class/drm/renderD%" PRIu64 "/device/%s", minor, name);
	return read_number(path, value);
}

void gfx_name(uint64_t version, char text[static 24])
{
	/* Two decimal digits each; minor and stepping are written as one hex digit. */
	snprintf(text, 24, "gfx%u%x%x", (unsigned int)(version / 10000 % 100),
		 (unsigned int)(version / 100 % 100) & 15, (unsigned int)(version % 100) & 15);
}
