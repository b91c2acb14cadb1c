/* SPDX-License-Identifier: MIT */
/*
 * What a region should do, said as plainly as can be: a sorted array of
 * intervals, searched from end to end, with arithmetic that can't overflow.
 * front and guard are free addresses before base and behind base + length.
 */
#ifndef MODEL_H
#define MODEL_H

#include "placement.h"

#define MODEL_MAX 512

struct model_range {
	u64 base;
	u64 length;
	u64 front;
	u64 guard;
	struct rocsvm_range *range;
};

struct model {
	u64 base;
	u64 end;
	u64 granule;
	unsigned int n;
	struct model_range ranges[MODEL_MAX];
};

/*
 * What an insert must answer: 0 and in *answer what it must have placed, or
 * the negative errno. Changes nothing.
 */
int model_place(const struct model *model, u64 length, u64 alignment,
		u64 guard, struct model_range *answer);
int model_place_fixed(const struct model *model, u64 base, u64 length,
		      u64 front, u64 guard, struct model_range *answer);

void model_add(struct model *model, const struct model_range *range);
void model_del(struct model *model, unsigned int index);

/* What find and next must answer. */
struct rocsvm_range *model_find(const struct model *model, u64 addr);
struct rocsvm_range *model_next(const struct model *model, u64 addr);

/*
 * Walk the region and its tree: it must hold what the model holds, keep all
 * rules, and know its holes.
 */
void model_compare(const struct model *model, struct rocsvm_region *region);

#endif /* MODEL_H */
