// SPDX-License-Identifier: MIT
/* The naive model of a region; see model.h. */
#include "model.h"
#include "tap.h"

typedef unsigned __int128 u128;

#define MODEL_TRIES 8

static u128 round_up(u128 value, u128 unit)
{
	return (value + unit - 1) / unit * unit;
}

/* A hole by its index: what is free before a range, or behind the last. */
static u128 hole_start(const struct model *model, unsigned int i)
{
	const struct model_range *before = &model->ranges[i - 1];

	return i ? (u128)before->base + before->length + before->guard :
		   model->base;
}

static u128 hole_end(const struct model *model, unsigned int i)
{
	return i < model->n ? model->ranges[i].base - model->ranges[i].front :
			      model->end;
}

static bool is_free(const struct model *model, u128 base, u128 size)
{
	unsigned int i;

	for (i = 0; i <= model->n; i++)
		if (base >= hole_start(model, i) &&
		    base + size <= hole_end(model, i))
			return true;
	return false;
}

static bool is_inside(const struct model *model, u128 base, u128 size)
{
	return base >= model->base && base + size <= model->end;
}

/* Length and guard as they will be; false if there are no such numbers. */
static bool round_sizes(const struct model *model, u64 length, u64 guard,
			struct model_range *answer)
{
	u128 whole_length = round_up(length, model->granule);
	u128 whole_guard = round_up(guard, model->granule);

	answer->length = whole_length;
	answer->guard = whole_guard;
	return length && guard <= ROCSVM_MAX_GUARD &&
	       whole_length + whole_guard <= U64_MAX;
}

/*
 * The lowest place that is aligned. Of the holes of that size only the first few
 * are tried, and those in which there is such a place wherever they begin; or all.
 */
static bool place_in_hole(const struct model *model, u128 size, u64 alignment,
			  bool bounded, u128 *base)
{
	unsigned int i, tries = 0;
	u128 length;

	for (i = 0; i <= model->n; i++) {
		length = hole_end(model, i) - hole_start(model, i);
		if (length < size)
			continue;
		if (bounded && tries++ >= MODEL_TRIES &&
		    length < size + alignment - model->granule)
			continue;
		*base = round_up(hole_start(model, i), alignment);
		if (*base + size <= hole_end(model, i))
			return true;
	}
	return false;
}

int model_place(const struct model *model, u64 length, u64 alignment,
		u64 guard, struct model_range *answer)
{
	u128 base, size;

	if (__builtin_popcountll(alignment) > 1)
		return -EINVAL;
	if (!round_sizes(model, length, guard, answer))
		return -EINVAL;
	if (alignment < model->granule)
		alignment = model->granule;

	size = (u128)answer->length + answer->guard;
	answer->front = 0;
	if (!place_in_hole(model, size, alignment, true, &base) &&
	    !place_in_hole(model, size, alignment, false, &base))
		return -ENOMEM;
	answer->base = base;
	return 0;
}

int model_place_fixed(const struct model *model, u64 base, u64 length,
		      u64 front, u64 guard, struct model_range *answer)
{
	u128 start, size;

	if (base % model->granule || front % model->granule ||
	    front > ROCSVM_MAX_GUARD)
		return -EINVAL;
	if (!round_sizes(model, length, guard, answer))
		return -EINVAL;
	start = (u128)base - front;
	size = (u128)front + answer->length + answer->guard;
	if (front > base || !is_inside(model, start, size))
		return -ERANGE;
	if (!is_free(model, start, size))
		return -EEXIST;
	answer->base = base;
	answer->front = front;
	return 0;
}

void model_add(struct model *model, const struct model_range *range)
{
	unsigned int i;

	CHECK(model->n < MODEL_MAX);
	for (i = model->n++; i > 0 && model->ranges[i - 1].base > range->base; i--)
		model->ranges[i] = model->ranges[i - 1];
	model->ranges[i] = *range;
}

void model_del(struct model *model, unsigned int index)
{
	for (model->n--; index < model->n; index++)
		model->ranges[index] = model->ranges[index + 1];
}

struct rocsvm_range *model_find(const struct model *model, u64 addr)
{
	unsigned int i;

	for (i = 0; i < model->n; i++) {
		const struct model_range *r = &model->ranges[i];

		if (addr >= r->base && addr < r->base + r->length)
			return r->range;
	}
	return NULL;
}

struct rocsvm_range *model_next(const struct model *model, u64 addr)
{
	struct rocsvm_range *found = model_find(model, addr);
	unsigned int i;

	for (i = 0; i < model->n && !found; i++)
		if (model->ranges[i].base > addr)
			found = model->ranges[i].range;
	return found;
}

/* In order of address, from the model's range *i on; the largest hole. */
static u64 check_tree(const struct model *model, struct rb_node *node,
		      unsigned int *i)
{
	struct rocsvm_range *range = (struct rocsvm_range *)node;
	u64 largest, right;

	if (!node)
		return 0;
	largest = check_tree(model, node->rb_left, i);
	CHECK(*i < model->n);
	CHECK(range == model->ranges[*i].range);
	CHECK_EQ(range->hole, hole_end(model, *i) - hole_start(model, *i));
	largest = max(largest, range->hole);
	(*i)++;
	right = check_tree(model, node->rb_right, i);
	largest = max(largest, right);
	CHECK_EQ(range->largest_hole, largest);
	return largest;
}

void model_compare(const struct model *model, struct rocsvm_region *region)
{
	u64 addr = 0, used_to = model->base;
	struct rocsvm_range *range;
	unsigned int i = 0;

	while ((range = rocsvm_range_next(region, addr))) {
		u64 base = rocsvm_range_base(range);
		u64 guard = range->guard;

		/* The rules, whatever the model thinks. */
		CHECK(base >= used_to + range->front);
		CHECK_EQ(base % model->granule, 0);
		CHECK(rocsvm_range_length(range) > 0);
		CHECK_EQ(rocsvm_range_length(range) % model->granule, 0);
		CHECK_EQ(guard % model->granule, 0);
		used_to = base + rocsvm_range_length(range) + guard;
		CHECK(used_to <= model->end);

		CHECK(i < model->n);
		CHECK(range == model->ranges[i].range);
		CHECK_EQ(base, model->ranges[i].base);
		CHECK_EQ(rocsvm_range_length(range), model->ranges[i].length);
		CHECK_EQ(range->front, model->ranges[i].front);
		CHECK_EQ(guard, model->ranges[i].guard);
		addr = base + rocsvm_range_length(range);
		i++;
	}
	CHECK_EQ(i, model->n);
	i = 0;
	check_tree(model, region->ranges.rb_node, &i);
	CHECK_EQ(i, model->n);
	CHECK_EQ(region->tail, used_to);
	CHECK_EQ(rocsvm_region_empty(region), model->n == 0);
}
