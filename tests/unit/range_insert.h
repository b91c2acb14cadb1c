/* SPDX-License-Identifier: MIT */
#ifndef RANGE_INSERT_H
#define RANGE_INSERT_H

#include "placement.h"

/* Place a range where it fits, as ALLOC does. */
static inline int range_insert(struct rocsvm_region *region,
			       struct rocsvm_range *range, u64 length,
			       u64 alignment, u64 guard)
{
	u64 base;
	int err;

	err = rocsvm_range_choose(region, length, alignment, guard, &base);
	if (err)
		return err;
	return rocsvm_range_insert_fixed(region, range, base, length, 0, guard);
}

#endif /* RANGE_INSERT_H */
