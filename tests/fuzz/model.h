/* SPDX-License-Identifier: MIT */
/*
 * The model's inside: what it holds of buffers, their bytes and registered
 * memory. model.c keeps it, model_check.c compares it with the kernel.
 */
#ifndef ROCSVM_FUZZ_MODEL_H
#define ROCSVM_FUZZ_MODEL_H

#include "fuzz.h"

struct item {
	uint64_t va, length, guard;	/* guard: what was asked for */
	uint64_t tag;
	uint32_t kind, flags;
	bool mapped, nested;
	bool fresh;			/* not filled yet */
	uint32_t object;		/* whose bytes it shows */
};

/* Memory that imports of a buffer share, and its dma-buf keeps. */
struct object {
	uint64_t length;		/* that is different from others */
	uint32_t kind;
	bool filled;			/* with the model's bytes */
};

struct segment {
	uint64_t base, end, tag;
	uint32_t count, flags;
	bool mapped;
};

struct registration {
	uint64_t va, length;
	uint32_t count;
};

#define MODEL_ROOM 1024

struct model {
	struct item items[MODEL_ROOM];
	struct segment segments[MODEL_ROOM];
	struct registration registrations[MODEL_ROOM];
	struct object objects[8 * MODEL_ROOM];
	uint32_t num_items, num_segments, num_registrations, num_objects;
	struct rocsvm_info info;	/* as RESERVE has left it */
};

extern struct model model;

static inline bool is_reservation(uint32_t kind)
{
	return kind == ROCSVM_KIND_ADDRESS || kind == ROCSVM_KIND_SCRATCH;
}

static inline bool has_bytes(uint32_t kind)
{
	return kind == ROCSVM_KIND_HOST || kind == ROCSVM_KIND_GTT ||
	       kind == ROCSVM_KIND_VRAM;
}

/* The innermost buffer that has an address, or NULL. */
struct item *model_find(uint64_t va);
struct segment *model_segment(uint64_t va);

/* Is there a buffer in this reservation? */
bool model_backed(const struct item *reservation);

/* Bytes of a buffer: all zero as they are when new; filled; still the same? */
void model_expect_zeros(const struct item *item);
void model_fill(const struct item *item);
void model_expect_bytes(const struct item *item);

/* What REGISTER, UNREGISTER, MAP and UNMAP have done. */
void model_register(struct worker *w, const struct rocsvm_register *in);
void model_unregister(const struct rocsvm_unregister *in);
void model_map_registered(uint64_t va, bool mapped);

#endif /* ROCSVM_FUZZ_MODEL_H */
