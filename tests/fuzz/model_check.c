// SPDX-License-Identifier: MIT
/*
 * The model against the kernel: INFO, both walks of QUERY, bytes, and addresses
 * where nothing may be.
 */
#include "model.h"

/* ---- INFO ----------------------------------------------------------------- */

#define SAME(what, seen, wanted) do {					\
	uint64_t seen_ = (seen), wanted_ = (wanted);			\
	if (seen_ != wanted_)						\
		report("%s: %#llx, not %#llx", what, (long long)seen_,	\
		       (long long)wanted_);				\
} while (0)

static void check_info(void)
{
	uint64_t bytes = 0, registered = 0, registrations = 0;
	const struct rocsvm_info *old = &model.info;
	struct rocsvm_info info;
	int err = svm_info(fz.fd, &info);

	if (err) {
		report("INFO: %s", strerror(-err));
		return;
	}
	for (uint32_t i = 0; i < model.num_items; i++)
		if (!is_reservation(model.items[i].kind))
			bytes += model.items[i].length;
	for (uint32_t i = 0; i < model.num_segments; i++)
		registered += model.segments[i].end - model.segments[i].base;
	for (uint32_t i = 0; i < model.num_registrations; i++)
		registrations += model.registrations[i].count;
	SAME("buffers", info.num_buffers, model.num_items);
	SAME("buffer bytes", info.buffer_bytes, bytes);
	SAME("registrations", info.num_registrations, registrations);
	SAME("registered bytes", info.registered_bytes, registered);
	SAME("quarantine", info.quarantined_bytes, 0);
	SAME("window base", info.window_base, old->window_base);
	SAME("window limit", info.window_limit, old->window_limit);
	SAME("huge base", info.huge_base, old->huge_base);
	SAME("aperture", info.aperture, old->aperture);
	SAME("guard", info.guard, old->guard);
	SAME("alignment", info.max_alignment, old->max_alignment);
}

/* ---- QUERY ---------------------------------------------------------------- */

/* What a walk should bring, in its order. */
struct expected {
	uint64_t va;
	const struct item *item;
	const struct segment *segment;
};

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct expected *)a)->va;
	uint64_t y = ((const struct expected *)b)->va;

	return x < y ? -1 : x > y;
}

static uint32_t expect_walk(struct expected *list, bool outer)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < model.num_items; i++) {
		const struct item *item = &model.items[i];

		if (outer ? item->nested :
			    is_reservation(item->kind) && model_backed(item))
			continue;
		list[n++] = (struct expected){ item->va, item, NULL };
	}
	for (uint32_t i = 0; i < model.num_segments; i++)
		list[n++] = (struct expected){ model.segments[i].base, NULL,
					       &model.segments[i] };
	qsort(list, n, sizeof(*list), by_address);
	return n;
}

static void check_dead(const char *what, uint64_t va)
{
	if (!probe_read((void *)(uintptr_t)va))
		report("%s %#llx can be read", what, (long long)va);
}

static void check_item(const struct item *item, const struct rocsvm_query *q)
{
	SAME("length", q->length, item->length);
	SAME("kind", q->kind, item->kind);
	SAME("flags", q->alloc_flags, item->flags);
	SAME("tag", q->tag, item->tag);
	SAME("GPUs", q->num_gpus, item->mapped);
	SAME("registrations of a buffer", q->num_registrations, 0);
	if (q->guard < item->guard)
		report("guard: %#llx, not %#llx", (long long)q->guard,
		       (long long)item->guard);
	if (item->nested)
		SAME("guard inside a reservation", q->guard, 0);
	if (!q->guard)
		return;
	check_dead("guard", item->va + item->length);
	check_dead("guard's end", item->va + item->length + q->guard - 1);
}

static void check_walk(bool outer)
{
	static struct expected list[2 * MODEL_ROOM];
	uint32_t count = expect_walk(list, outer), i = 0;
	struct rocsvm_query q;
	uint64_t va = 0;
	int err;

	for (;;) {
		q = (struct rocsvm_query){
			.va = va,
			.flags = ROCSVM_QUERY_NEXT | (outer ? ROCSVM_QUERY_OUTER : 0),
		};
		err = svm_query(fz.fd, &q);
		if (err || i == count)
			break;
		if (q.va != list[i].va) {
			report("walk: %#llx, not %#llx", (long long)q.va,
			       (long long)list[i].va);
			return;
		}
		if (list[i].item) {
			check_item(list[i].item, &q);
		} else {
			SAME("segment", q.va + q.length, list[i].segment->end);
			SAME("segment's kind", q.kind, ROCSVM_KIND_REGISTERED);
			SAME("segment's flags", q.alloc_flags, list[i].segment->flags);
			SAME("segment's tag", q.tag, list[i].segment->tag);
			SAME("segment's GPUs", q.num_gpus, list[i].segment->mapped);
			SAME("segment's registrations", q.num_registrations,
			     list[i].segment->count);
		}
		va = q.va + q.length;
		i++;
	}
	if (err != -ENOENT || i != count)
		report("walk: ended after %u of %u with %s", i, count,
		       strerror(-err));
}

/* ---- bytes and addresses -------------------------------------------------- */

static void check_memory(struct rng *r)
{
	uint64_t va;

	for (uint32_t i = 0; i < model.num_items; i++) {
		const struct item *item = &model.items[i];

		if (has_bytes(item->kind))
			model_expect_bytes(item);
		else if (item->kind == ROCSVM_KIND_PRIVATE_VRAM ||
			 (is_reservation(item->kind) && !model_backed(item)))
			check_dead("what the CPU has no mapping of,", item->va);
	}
	if (model.info.aperture != ROCSVM_APERTURE_RESERVED)
		return;
	for (int i = 0; i < 4; i++) {
		va = known_get(r) + PAGE * (below(r, 64) - 32);
		if (va >= model.info.window_base && va <= model.info.window_limit &&
		    !model_find(va))
			check_dead("free address", va);
	}
}

void model_check(struct worker *w)
{
	tally->checks++;
	check_info();
	check_walk(false);
	check_walk(true);
	check_memory(&w->rng);
	/* Nothing after the first difference means anything. */
	if (fz.reported)
		test_die();
}

void model_end(struct worker *w)
{
	int err;

	/* What is inside a reservation was made after it. */
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = model.num_items; i-- > 0;) {
			const struct item *item = &model.items[i];
			struct call c = { .cmd = ROCSVM_FREE };

			if (!pass && !item->nested)
				continue;
			c.in.free = (struct rocsvm_free){
				.size = sizeof(c.in.free), .va = item->va,
			};
			c.length = sizeof(c.in.free);
			err = svm_free(fz.fd, (void *)(uintptr_t)item->va);
			if (err)
				report("the last FREE of %#llx: %s",
				       (long long)item->va, strerror(-err));
			model_apply(w, &c);
		}
	while (model.num_registrations) {
		const struct registration *reg = &model.registrations[0];
		struct call c = { .cmd = ROCSVM_UNREGISTER };

		c.in.unreg = (struct rocsvm_unregister){
			.size = sizeof(c.in.unreg), .va = reg->va,
			.length = reg->length,
		};
		c.length = sizeof(c.in.unreg);
		err = svm_ioctl(fz.fd, ROCSVM_UNREGISTER, &c.in.unreg);
		if (err)
			report("the last UNREGISTER: %s", strerror(-err));
		model_apply(w, &c);
	}
	model_check(w);
}
