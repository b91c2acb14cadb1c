// SPDX-License-Identifier: MIT
/*
 * What a single thread's calls should have led to, kept beside the kernel.
 */
#include "model.h"

struct model model;

uint32_t model_live(void)
{
	return model.num_items;
}

static bool within(uint64_t va, uint64_t base, uint64_t length)
{
	return va >= base && va - base < length;
}

struct item *model_find(uint64_t va)
{
	struct item *found = NULL;

	for (uint32_t i = 0; i < model.num_items; i++) {
		struct item *item = &model.items[i];

		if (within(va, item->va, item->length) && (!found || item->nested))
			found = item;
	}
	return found;
}

/* The one that begins there. */
static struct item *item_at(uint64_t va)
{
	struct item *item = model_find(va);

	return item && item->va == va ? item : NULL;
}

bool model_backed(const struct item *reservation)
{
	for (uint32_t i = 0; i < model.num_items; i++)
		if (model.items[i].nested &&
		    within(model.items[i].va, reservation->va, reservation->length))
			return true;
	return false;
}

bool model_host_buffer(struct rng *r, uint64_t *va, uint64_t *length)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < model.num_items; i++) {
		if (model.items[i].kind != ROCSVM_KIND_HOST || below(r, ++seen))
			continue;
		*va = model.items[i].va;
		*length = model.items[i].length;
	}
	return seen;
}

/* ---- bytes ---------------------------------------------------------------- */

/* A word in each page, in large buffers in each sixteenth. */
#define FOR_WORDS(item, word, value)					\
	for (uint64_t page_ = 0, step_ = (item)->length > 64 * PAGE ? 16 : 1; \
	     page_ < (item)->length / PAGE && (word = item_word(item, page_, &value)); \
	     page_ += step_)

static uint64_t *item_word(const struct item *item, uint64_t page, uint64_t *value)
{
	const struct object *object = &model.objects[item->object];
	struct rng hash = {
		.state = fz.seed + item->object * 7919 +
			 page % (object->length / PAGE),
	};

	*value = rnd64(&hash);
	return (uint64_t *)(uintptr_t)(item->va + page * PAGE) + *value % 512;
}

void model_expect_zeros(const struct item *item)
{
	const char *p = (const char *)(uintptr_t)item->va;
	uint64_t step = item->length > 64 * PAGE ? 16 * PAGE : PAGE;

	tally->checks++;
	for (uint64_t at = 0; at < item->length; at += step)
		if (find_not(p + at, 0, PAGE) >= 0) {
			report("kind %u at %#llx is new and not zero at +%#llx",
			       item->kind, (long long)item->va, (long long)at);
			return;
		}
}

void model_fill(const struct item *item)
{
	uint64_t *word, value;

	FOR_WORDS(item, word, value)
		*(volatile uint64_t *)word = value;
}

void model_expect_bytes(const struct item *item)
{
	uint64_t *word, value, seen;

	tally->checks++;
	FOR_WORDS(item, word, value) {
		seen = *(volatile uint64_t *)word;
		if (seen != value) {
			report("kind %u at %#llx has lost its bytes at %p: %#llx, not %#llx",
			       item->kind, (long long)item->va, (void *)word,
			       (long long)seen, (long long)value);
			return;
		}
	}
}

/* ---- buffers -------------------------------------------------------------- */

static uint32_t object_new(uint32_t kind, uint64_t length)
{
	ASSERT_LT(model.num_objects, ARRAY_SIZE(model.objects));
	model.objects[model.num_objects] = (struct object){ length, kind, false };
	return model.num_objects++;
}

static void item_add(struct worker *w, const struct item *new)
{
	const struct rocsvm_info *info = &model.info;
	struct item *other;
	struct item item = *new;

	if (item.va % PAGE || item.length % PAGE || !item.length)
		report("a buffer at %#llx of %#llx bytes", (long long)item.va,
		       (long long)item.length);
	for (uint32_t i = 0; i < model.num_items; i++) {
		other = &model.items[i];
		if (item.va >= other->va + other->length ||
		    other->va >= item.va + item.length)
			continue;
		if (is_reservation(other->kind) && item.va >= other->va &&
		    item.va + item.length <= other->va + other->length)
			item.nested = true;
		else
			report("a buffer at %#llx meets one at %#llx",
			       (long long)item.va, (long long)other->va);
	}
	if (info->aperture == ROCSVM_APERTURE_RESERVED &&
	    (item.va < info->window_base ||
	     item.va + item.length - 1 > info->window_limit))
		report("a buffer at %#llx is not in the window", (long long)item.va);
	ASSERT_LT(model.num_items, MODEL_ROOM);
	model.items[model.num_items++] = item;
	known_put(&w->rng, item.va);
}

static void apply_alloc(struct worker *w, const struct rocsvm_alloc *in,
			const struct rocsvm_alloc *out)
{
	bool aql = in->flags & ROCSVM_ALLOC_AQL_QUEUE;
	struct item item = {
		.va = out->va, .length = out->length, .guard = in->guard,
		.tag = in->tag, .kind = in->kind, .flags = in->flags,
		.mapped = in->num_gpus,
		.object = object_new(in->kind, out->length >> aql),
	};

	if (in->flags & ROCSVM_ALLOC_FIXED && out->va != in->va)
		report("FIXED at %#llx, got %#llx", (long long)in->va,
		       (long long)out->va);
	if (in->alignment && out->va % in->alignment)
		report("not aligned: %#llx", (long long)out->va);
	if (out->length < in->length)
		report("shorter than asked for: %#llx", (long long)out->length);
	item.fresh = has_bytes(in->kind);
	item_add(w, &item);
}

static void apply_import(struct worker *w, const struct rocsvm_import *in,
			 const struct rocsvm_import *out)
{
	struct item item = {
		.va = out->va, .length = out->length, .guard = in->guard,
		.tag = in->tag, .kind = out->kind,
		.flags = in->flags | ROCSVM_ALLOC_IMPORTED, .mapped = in->num_gpus,
		.object = -1U,
	};

	for (int i = 0; i < DMABUFS; i++)
		if (fz.dmabufs[i].fd == in->fd)
			item.object = fz.dmabufs[i].object;
	/* Linux 6.1 lets the CPU map what was allocated as private. */
	if (item.object == -1U || model.objects[item.object].length != item.length ||
	    (model.objects[item.object].kind != item.kind &&
	     (model.objects[item.object].kind != ROCSVM_KIND_PRIVATE_VRAM ||
	      item.kind != ROCSVM_KIND_VRAM))) {
		report("IMPORT of %d: object %d of kind %u, %#llx bytes", in->fd,
		       (int)item.object, item.kind, (long long)item.length);
		return;
	}
	item.fresh = has_bytes(item.kind);
	item_add(w, &item);
}

static uint64_t freed[BATCH_ENTRIES];
static uint32_t num_freed;

static void apply_free(struct rng *r, uint64_t va)
{
	struct item *item = item_at(va);

	if (!item || (is_reservation(item->kind) && model_backed(item))) {
		report("FREE of what can't be freed: %#llx", (long long)va);
		return;
	}
	ASSERT_LT(num_freed, ARRAY_SIZE(freed));
	freed[num_freed++] = va + rnd64(r) % item->length;
	*item = model.items[--model.num_items];
}

/* What is done at once is looked at when all of it is. */
static void settle(void)
{
	for (uint32_t i = 0; i < num_freed; i++)
		if (!model_find(freed[i]) && !probe_read((void *)(uintptr_t)freed[i]))
			report("%#llx was freed, and can be read",
			       (long long)freed[i]);
	num_freed = 0;
	for (uint32_t i = 0; i < model.num_items; i++) {
		struct item *item = &model.items[i];

		if (!item->fresh)
			continue;
		item->fresh = false;
		if (model.objects[item->object].filled) {
			model_expect_bytes(item);
			continue;
		}
		model_expect_zeros(item);
		model_fill(item);
		model.objects[item->object].filled = true;
	}
}

static void apply_map(const struct rocsvm_map *in, bool mapped)
{
	struct item *item = item_at(in->va);

	if (!item) {
		model_map_registered(in->va, mapped);
		return;
	}
	if (is_reservation(item->kind) && mapped)
		report("MAP of a reservation: %#llx", (long long)in->va);
	item->mapped = mapped;
}

/* ---- all calls ------------------------------------------------------------ */

static void apply_tag(const struct rocsvm_set_tag *in)
{
	struct item *item = model_find(in->va);
	struct segment *segment = model_segment(in->va);

	if (item)
		item->tag = in->tag;
	else if (segment)
		segment->tag = in->tag;
	else
		report("SET_TAG of nothing: %#llx", (long long)in->va);
}

static void apply_reserve(const struct rocsvm_reserve *in)
{
	if (!(in->flags & ROCSVM_RESERVE_KEEP) &&
	    (model.num_items || model.num_segments))
		report("RESERVE with buffers");
	ASSERT_EQ(svm_info(fz.fd, &model.info), 0);
}

static void apply_export(struct worker *w, const struct rocsvm_export *out)
{
	struct item *item = item_at(out->va);

	if (!item || out->fd < 0)
		report("EXPORT of nothing: %#llx", (long long)out->va);
	else
		dmabuf_put(&w->rng, out->fd, item->object);
}

static void apply_one(struct worker *w, unsigned long cmd, const union arg *given,
		      const union arg *out, uint32_t length)
{
	union arg in = *given;

	/* What the caller does not know is zero. */
	if (in.size < length)
		memset(&in.bytes[in.size], 0, length - in.size);
	switch (cmd) {
	case ROCSVM_ALLOC: apply_alloc(w, &in.alloc, &out->alloc); break;
	case ROCSVM_FREE: apply_free(&w->rng, in.free.va); break;
	case ROCSVM_MAP: apply_map(&in.map, true); break;
	case ROCSVM_UNMAP: apply_map(&in.map, false); break;
	case ROCSVM_REGISTER: model_register(w, &in.reg); break;
	case ROCSVM_UNREGISTER: model_unregister(&in.unreg); break;
	case ROCSVM_EXPORT: apply_export(w, &out->export); break;
	case ROCSVM_IMPORT: apply_import(w, &in.import, &out->import); break;
	case ROCSVM_SET_TAG: apply_tag(&in.set_tag); break;
	case ROCSVM_RESERVE: apply_reserve(&in.reserve); break;
	}
}

static void apply_batch(struct worker *w, const struct call *c)
{
	uint32_t from = c->in.batch.num_done, to = c->out.batch.num_done;
	uint32_t count = c->list_length / sizeof(*c->entries);

	for (uint32_t i = from; i < to && i < count; i++) {
		unsigned long cmd = c->entries[i].cmd;
		static const union arg none;
		union arg in = c->sub[i];

		if (c->entries[i].result)
			continue;
		/* Written back over what was asked: what was asked is this. */
		if (cmd == ROCSVM_ALLOC && !(in.alloc.flags & ROCSVM_ALLOC_FIXED))
			in.alloc.va = 0;
		apply_one(w, cmd, &in, cmd == ROCSVM_ALLOC ? &c->sub[i] : &none, 0);
	}
}

void model_apply(struct worker *w, const struct call *c)
{
	if (c->cmd == ROCSVM_BATCH)
		apply_batch(w, c);
	else if (!c->result)
		apply_one(w, c->cmd, &c->in, &c->out, c->length);
	settle();
}
