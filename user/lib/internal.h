/* SPDX-License-Identifier: MIT */
/*
 * What the library's files share. Nothing of it is exported.
 */
#ifndef ROCSVM_INTERNAL_H
#define ROCSVM_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "rocsvm.h"

/* Immutable after rocsvm_open() but for the count, so it needs no lock. */
struct rocsvm_ctx {
	atomic_uint refs;
	int fd;
	char *topology;
};

/* A pointer where there has to be one: not for no GPU, and not for all */
static inline bool gpu_list_is_bad(const uint32_t *gpu_ids, unsigned int num_gpus)
{
	return !gpu_ids && num_gpus && num_gpus != ROCSVM_ALL_GPUS;
}

/* ioctl(2) on the context's file, repeated while signals interrupt it */
int rocsvm_ioctl(const struct rocsvm_ctx *ctx, unsigned long cmd, void *arg);

/*
 * Look @name up among the properties of the node of @gpu_id in the topology
 * at @root. -ENODEV: no such node. -ENOENT: no such property.
 */
int rocsvm_topology_property(const char *root, uint32_t gpu_id, const char *name,
			     uint64_t *value);

#endif /* ROCSVM_INTERNAL_H */
