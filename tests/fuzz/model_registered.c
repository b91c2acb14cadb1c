// SPDX-License-Identifier: MIT
/*
 * The model of registered memory: registrations, and the segments that they
 * share.
 */
#include "model.h"

struct segment *model_segment(uint64_t va)
{
	for (uint32_t i = 0; i < model.num_segments; i++)
		if (va >= model.segments[i].base && va < model.segments[i].end)
			return &model.segments[i];
	return NULL;
}

struct pages {
	uint64_t base, end;
};

static struct pages pages_of(uint64_t va, uint64_t length)
{
	return (struct pages){ va & ~(PAGE - 1), (va + length + PAGE - 1) & ~(PAGE - 1) };
}

#define FOR_SEGMENTS(segment, pages)					\
	for (struct segment *segment = model.segments;			\
	     segment < model.segments + model.num_segments; segment++)	\
		if (segment->base < (pages).end && segment->end > (pages).base)

static void segments_make(struct pages gap, const struct rocsvm_register *in)
{
	uint64_t base = gap.base, end;

	while (base < gap.end) {
		struct segment *met = model_segment(base);

		if (met) {
			base = met->end;
			continue;
		}
		end = base + PAGE;
		while (end < gap.end && !model_segment(end))
			end += PAGE;
		ASSERT_LT(model.num_segments, MODEL_ROOM);
		model.segments[model.num_segments++] = (struct segment){
			.base = base, .end = end, .tag = in->tag, .flags = in->flags,
		};
		base = end;
	}
}

static struct registration *registration_of(uint64_t va, uint64_t length)
{
	for (uint32_t i = 0; i < model.num_registrations; i++)
		if (model.registrations[i].va == va &&
		    model.registrations[i].length == length)
			return &model.registrations[i];
	return NULL;
}

void model_register(struct worker *w, const struct rocsvm_register *in)
{
	struct registration *reg = registration_of(in->va, in->length);
	struct pages pages = pages_of(in->va, in->length);

	segments_make(pages, in);
	FOR_SEGMENTS(segment, pages) {
		if (segment->flags != in->flags)
			report("REGISTER with other flags at %#llx", (long long)in->va);
		segment->count++;
		segment->mapped |= !!in->num_gpus;
	}
	if (!reg) {
		ASSERT_LT(model.num_registrations, MODEL_ROOM);
		reg = &model.registrations[model.num_registrations++];
		*reg = (struct registration){ in->va, in->length, 0 };
	}
	reg->count++;
	known_put(&w->rng, in->va);
}

void model_unregister(const struct rocsvm_unregister *in)
{
	struct registration *reg = registration_of(in->va, in->length);
	struct pages pages = pages_of(in->va, in->length);
	uint32_t kept = 0;

	if (!reg) {
		report("UNREGISTER of what is not registered: %#llx", (long long)in->va);
		return;
	}
	if (!--reg->count)
		*reg = model.registrations[--model.num_registrations];
	FOR_SEGMENTS(segment, pages)
		segment->count--;
	for (uint32_t i = 0; i < model.num_segments; i++)
		if (model.segments[i].count)
			model.segments[kept++] = model.segments[i];
	model.num_segments = kept;
}

void model_map_registered(uint64_t va, bool mapped)
{
	struct registration *longest = NULL;
	struct pages pages;

	for (uint32_t i = 0; i < model.num_registrations; i++)
		if (model.registrations[i].va == va &&
		    (!longest || model.registrations[i].length > longest->length))
			longest = &model.registrations[i];
	if (!longest) {
		report("MAP or UNMAP of nothing: %#llx", (long long)va);
		return;
	}
	pages = pages_of(longest->va, longest->length);
	FOR_SEGMENTS(segment, pages)
		segment->mapped = mapped;
}
