// SPDX-License-Identifier: MIT
/*
 * KFD's topology in sysfs: nodes/N/gpu_id holds the id (0: a CPU), and
 * nodes/N/properties one "name value" a line.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* A sysfs attribute is a page at most. */
#define ATTRIBUTE_SIZE	4096

static int read_attribute(int nodes, const char *node, const char *name,
			  char text[ATTRIBUTE_SIZE + 1])
{
	char path[300];
	size_t done = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", node, name);
	fd = openat(nodes, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (done < ATTRIBUTE_SIZE) {
		n = read(fd, text + done, ATTRIBUTE_SIZE - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			close(fd);
			return n;
		}
		if (n == 0)
			break;
		done += n;
	}
	text[done] = '\0';
	close(fd);
	return 0;
}

static int parse_u64(const char *text, uint64_t *value)
{
	char *end;

	/* strtoull() would take a sign. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || (*end && *end != '\n'))
		return -EINVAL;
	return 0;
}

static int find_property(const char *text, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	while (text && *text) {
		if (!strncmp(text, name, length) && text[length] == ' ')
			return parse_u64(text + length + 1, value);
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return -ENOENT;
}

/*
 * Nodes that can't be read are passed over: a device cgroup hides GPUs in
 * that way.
 */
static int is_node_of(int nodes, const char *node, uint32_t gpu_id, char *text)
{
	uint64_t id;

	return !read_attribute(nodes, node, "gpu_id", text) && !parse_u64(text, &id) &&
	       id == gpu_id;
}

int rocsvm_topology_property(const char *root, uint32_t gpu_id, const char *name,
			     uint64_t *value)
{
	char text[ATTRIBUTE_SIZE + 1];
	struct dirent *entry;
	int ret = -ENODEV;
	char *path;
	DIR *nodes;

	/* 0 is what KFD calls every CPU. */
	if (!gpu_id)
		return -ENODEV;
	if (asprintf(&path, "%s/nodes", root) < 0)
		return -ENOMEM;
	nodes = opendir(path);
	free(path);
	if (!nodes)
		return errno == ENOENT ? -ENODEV : -errno;

	while ((entry = readdir(nodes))) {
		if (entry->d_name[0] == '.' ||
		    !is_node_of(dirfd(nodes), entry->d_name, gpu_id, text))
			continue;
		ret = read_attribute(dirfd(nodes), entry->d_name, "properties", text);
		if (!ret)
			ret = find_property(text, name, value);
		break;
	}
	closedir(nodes);
	return ret;
}
