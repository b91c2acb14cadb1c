// SPDX-License-Identifier: MIT
/*
 * The grammar: calls that make sense, of values that make sense together.
 */
#include "fuzz.h"

uint64_t known_put(struct rng *r, uint64_t va)
{
	return atomic_exchange(&fz.known[below(r, fz.room)], va);
}

/* A program has few addresses, so that it takes the next there is. */
uint64_t known_get(struct rng *r)
{
	uint32_t at = below(r, fz.room);
	uint64_t va = fz.known[at];

	for (uint32_t tries = 1; !va && tries < (r->tape ? fz.room : 4); tries++) {
		at = r->tape ? (at + 1) % fz.room : below(r, fz.room);
		va = fz.known[at];
	}
	return va;
}

void dmabuf_put(struct rng *r, int fd, uint32_t object)
{
	struct dmabuf *slot = &fz.dmabufs[below(r, DMABUFS / fz.narrow)];
	struct dmabuf old = *slot;

	*slot = (struct dmabuf){ fd, object };
	if (old.fd > 0)
		close(old.fd);
}

/* An address that is something, or near to it. */
static uint64_t some_address(struct rng *r)
{
	uint64_t va = known_get(r);

	if (one_in(r, 8))
		va += PAGE * (below(r, 64) - 8);
	else if (one_in(r, 24))
		va += below(r, PAGE);
	return va;
}

/* GPUs to map to: a list, all of them, or none. */
static void some_gpus(struct rng *r, __u64 *ids, uint32_t *num,
		      bool may_be_none)
{
	*ids = (uintptr_t)&fz.gpu;
	*num = 1;
	if (may_be_none && one_in(r, 2))
		*num = 0;
	else if (one_in(r, 3))
		*num = ROCSVM_ALL_GPUS;
}

/* ---- ALLOC --------------------------------------------------------------- */

static uint64_t some_length(struct rng *r, uint32_t kind)
{
	switch (kind) {
	case ROCSVM_KIND_DOORBELL:
		return KiB(8);
	case ROCSVM_KIND_MMIO_REMAP:
		return PAGE;
	case ROCSVM_KIND_ADDRESS:
		return KiB(64) * (1 + below(r, 32));
	case ROCSVM_KIND_SCRATCH:
		return KiB(64) * (1 + below(r, 4));
	case ROCSVM_KIND_HOST:
		if (one_in(r, 5))
			return HUGE_PAGE * (1 + below(r, 2)) - below(r, 2);
	}
	if (one_in(r, 6))
		return 1 + below(r, KiB(64));
	return PAGE * (1 + below(r, 16));
}

static void gen_alloc(struct worker *w, struct rocsvm_alloc *a)
{
	static const uint8_t kinds[] = { 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 7, 8 };
	struct rng *r = &w->rng;

	*a = (struct rocsvm_alloc){ .size = sizeof(*a), .tag = rnd64(r) };
	a->kind = kinds[below(r, ARRAY_SIZE(kinds))];
	a->length = some_length(r, a->kind);
	if ((a->kind > 2 && a->kind != ROCSVM_KIND_ADDRESS) || one_in(r, 3))
		a->gpu_id = fz.gpu;
	if (a->kind < ROCSVM_KIND_ADDRESS) {
		some_gpus(r, &a->gpu_ids, &a->num_gpus, true);
		if (one_in(r, 3))
			a->flags |= rnd64(r) & (ROCSVM_ALLOC_READONLY |
						ROCSVM_ALLOC_EXECUTABLE |
						ROCSVM_ALLOC_COHERENT |
						ROCSVM_ALLOC_UNCACHED);
	}
	if ((a->kind == ROCSVM_KIND_GTT || a->kind == ROCSVM_KIND_VRAM) &&
	    one_in(r, 4)) {
		a->flags |= ROCSVM_ALLOC_AQL_QUEUE;
		a->length = 2 * PAGE * (1 + below(r, 4));
	}
	if (one_in(r, 3)) {
		a->flags |= ROCSVM_ALLOC_FIXED;
		a->va = some_address(r) & ~(PAGE - 1);
		/* As far as alignment goes, most shall succeed. */
		if (a->kind == ROCSVM_KIND_HOST && a->length > HUGE_PAGE / 2 &&
		    one_in(r, 2))
			a->va &= ~(HUGE_PAGE - 1);
		if (a->kind == ROCSVM_KIND_SCRATCH)
			a->va &= ~(KiB(64) - 1);
		return;
	}
	if (one_in(r, 4))
		a->guard = PAGE * below(r, 5);
	if (one_in(r, 4))
		a->alignment = PAGE << below(r, 10);
}

/* ---- the others ---------------------------------------------------------- */

static void gen_free(struct worker *w, struct rocsvm_free *a)
{
	*a = (struct rocsvm_free){
		.size = sizeof(*a), .va = some_address(&w->rng),
	};
}

static void gen_map(struct worker *w, struct rocsvm_map *a, bool unmap)
{
	*a = (struct rocsvm_map){
		.size = sizeof(*a), .va = some_address(&w->rng),
	};
	some_gpus(&w->rng, &a->gpu_ids, &a->num_gpus, unmap);
}

static void gen_query(struct worker *w, struct call *c)
{
	c->in.query = (struct rocsvm_query){
		.size = sizeof(c->in.query),
		.flags = below(&w->rng, 4),
		.va = some_address(&w->rng),
		.num_gpus = below(&w->rng, 3),
	};
	c->list_at = offsetof(struct rocsvm_query, gpu_ids);
	c->list_length = 2 * sizeof(uint32_t);
}

static void some_range(struct rng *r, uint64_t *va, uint64_t *length)
{
	/* Where few others are, so that registrations are met again. */
	*va = (uintptr_t)fz.arena + PAGE * below(r, ARENA_PAGES - 16);
	*length = PAGE * (1 + below(r, 12));
	if (one_in(r, 2)) {
		*va &= ~(8 * PAGE - 1);
		*length = 4 * PAGE * (1 + below(r, 3));
	}
	if (*va < (uintptr_t)fz.arena)	/* rounded down */
		*va += 8 * PAGE;
	if (one_in(r, 6)) {
		*va += below(r, PAGE);
		*length -= below(r, PAGE);
	}
}

static void gen_register(struct worker *w, struct rocsvm_register *a)
{
	struct rng *r = &w->rng;
	uint64_t va, length;

	some_range(r, &va, &length);
	*a = (struct rocsvm_register){
		.size = sizeof(*a), .va = va, .length = length, .tag = rnd64(r),
	};
	if (one_in(r, 8))
		a->flags = ROCSVM_ALLOC_READONLY;
	some_gpus(r, &a->gpu_ids, &a->num_gpus, true);
}

static void gen_unregister(struct worker *w, struct rocsvm_unregister *a)
{
	uint32_t at = below(&w->rng, REGISTERED / fz.narrow);
	struct range range = w->registered[at];

	if (!range.va && w->rng.tape)
		range = w->registered[!at];
	if (!range.va || one_in(&w->rng, 8))
		some_range(&w->rng, &range.va, &range.length);
	*a = (struct rocsvm_unregister){
		.size = sizeof(*a), .va = range.va, .length = range.length,
	};
}

static void gen_reserve(struct worker *w, struct rocsvm_reserve *a)
{
	struct rng *r = &w->rng;

	*a = (struct rocsvm_reserve){ .size = sizeof(*a) };
	switch (below(r, 5)) {
	case 0:
		a->aperture = ROCSVM_APERTURE_MMAP;
		break;
	case 1:
		a->flags = ROCSVM_RESERVE_FIXED;
		a->base = 0x500000000000 + GiB(1) * below(r, 16);
		a->length = GiB(4) * (1 + below(r, 4));
		break;
	case 2:
		a->flags = ROCSVM_RESERVE_KEEP;
		a->guard = PAGE * below(r, 4);
		a->max_alignment = one_in(r, 2) ? 0 : PAGE << below(r, 10);
		break;
	case 3:
		a->flags = ROCSVM_RESERVE_KEEP | ROCSVM_RESERVE_NO_GUARD;
		break;
	}
}

static void gen_batch(struct worker *w, struct call *c)
{
	static const unsigned long cmds[] = {
		ROCSVM_ALLOC, ROCSVM_FREE, ROCSVM_MAP, ROCSVM_UNMAP,
	};
	struct rng *r = &w->rng;
	uint32_t count = 1 + below(r, BATCH_ENTRIES);

	c->entries = (struct rocsvm_batch_entry *)c->list;
	for (uint32_t i = 0; i < count; i++) {
		unsigned long cmd = cmds[below(r, 4)];

		memset(&c->sub[i], 0, sizeof(c->sub[i]));
		if (cmd == ROCSVM_ALLOC)
			gen_alloc(w, &c->sub[i].alloc);
		else if (cmd == ROCSVM_FREE)
			gen_free(w, &c->sub[i].free);
		else
			gen_map(w, &c->sub[i].map, cmd == ROCSVM_UNMAP);
		c->entries[i] = (struct rocsvm_batch_entry){
			.cmd = cmd, .result = 1, .arg = (uintptr_t)&c->sub[i],
		};
	}
	c->in.batch = (struct rocsvm_batch){
		.size = sizeof(c->in.batch),
		.flags = one_in(r, 3) ? 0 : ROCSVM_BATCH_CONTINUE,
		.num_entries = count,
	};
	c->list_at = offsetof(struct rocsvm_batch, entries);
	c->list_length = count * sizeof(*c->entries);
}

static void gen_import(struct worker *w, struct rocsvm_import *a)
{
	struct rng *r = &w->rng;
	uint32_t at;

	*a = (struct rocsvm_import){ .size = sizeof(*a), .tag = rnd64(r) };
	at = below(r, DMABUFS / fz.narrow);
	for (int tries = 0; a->fd <= 0 && tries < 8; tries++)
		a->fd = fz.dmabufs[at++ % (DMABUFS / fz.narrow)].fd;
	if (one_in(r, 3)) {
		a->flags = ROCSVM_ALLOC_FIXED;
		a->va = some_address(r) & ~(PAGE - 1);
	}
	some_gpus(r, &a->gpu_ids, &a->num_gpus, true);
}

/*
 * Setting attributes makes KFD of Linux 6.1 allocate page tables in a way that
 * lockdep complains of, so they are only asked for. (Without CONFIG_HSA_AMD_SVM
 * both are refused alike.)
 */
static void gen_svm_attr(struct worker *w, struct call *c)
{
	struct kfd_ioctl_svm_attribute get = { KFD_IOCTL_SVM_ATTR_ACCESS, fz.gpu };
	uint64_t va, length;

	some_range(&w->rng, &va, &length);
	c->in.svm_attr = (struct rocsvm_svm_attr){
		.size = sizeof(c->in.svm_attr),
		.op = KFD_IOCTL_SVM_OP_GET_ATTR,
		.num_attrs = 1,
		.va = va & ~(PAGE - 1),
		.length = PAGE,
	};
	memcpy(c->list, &get, sizeof(get));
	c->list_at = offsetof(struct rocsvm_svm_attr, attrs);
	c->list_length = sizeof(get);
}

static void gen_small(struct worker *w, struct call *c)
{
	switch (c->cmd) {
	case ROCSVM_INFO:
		c->in.info.size = sizeof(c->in.info);
		break;
	case ROCSVM_GPU_INFO:
		c->in.gpu_info.size = sizeof(c->in.gpu_info);
		c->in.gpu_info.index = one_in(&w->rng, 4);
		break;
	case ROCSVM_ACQUIRE_VM:
		c->in.acquire = (struct rocsvm_acquire_vm){
			.size = sizeof(c->in.acquire),
			.gpu_id = fz.gpu, .drm_fd = fz.render,
		};
		break;
	case ROCSVM_SET_TAG:
		c->in.set_tag = (struct rocsvm_set_tag){
			.size = sizeof(c->in.set_tag),
			.va = some_address(&w->rng), .tag = rnd64(&w->rng),
		};
		break;
	case ROCSVM_EXPORT:
		c->in.export = (struct rocsvm_export){
			.size = sizeof(c->in.export),
			.va = some_address(&w->rng), .fd = -1,
		};
		break;
	}
}

#define CALL(nr, weight_, type) { ROCSVM_##nr, weight_, sizeof(struct rocsvm_##type) }
static const struct {
	unsigned long cmd;
	uint32_t weight, length;
} calls[] = {
	CALL(ALLOC, 30, alloc), CALL(FREE, 18, free), CALL(MAP, 8, map),
	CALL(UNMAP, 6, map), CALL(REGISTER, 8, register),
	CALL(UNREGISTER, 6, unregister), CALL(BATCH, 6, batch),
	CALL(EXPORT, 5, export), CALL(IMPORT, 6, import), CALL(QUERY, 6, query),
	CALL(SET_TAG, 3, set_tag), CALL(RESERVE, 3, reserve),
	CALL(INFO, 1, info), CALL(GPU_INFO, 1, gpu_info),
	CALL(ACQUIRE_VM, 1, acquire_vm), CALL(SVM_ATTR, 1, svm_attr),
};

_Static_assert(ARRAY_SIZE(calls) == GRAMMAR_CALLS, "");

void grammar_fill(struct worker *w, struct call *c, uint32_t index)
{
	memset(c, 0, sizeof(*c));
	c->cmd = calls[index].cmd;
	c->length = calls[index].length;
	switch (c->cmd) {
	case ROCSVM_ALLOC: gen_alloc(w, &c->in.alloc); break;
	case ROCSVM_FREE: gen_free(w, &c->in.free); break;
	case ROCSVM_MAP: gen_map(w, &c->in.map, false); break;
	case ROCSVM_UNMAP: gen_map(w, &c->in.map, true); break;
	case ROCSVM_REGISTER: gen_register(w, &c->in.reg); break;
	case ROCSVM_UNREGISTER: gen_unregister(w, &c->in.unreg); break;
	case ROCSVM_BATCH: gen_batch(w, c); break;
	case ROCSVM_IMPORT: gen_import(w, &c->in.import); break;
	case ROCSVM_QUERY: gen_query(w, c); break;
	case ROCSVM_RESERVE: gen_reserve(w, &c->in.reserve); break;
	case ROCSVM_SVM_ATTR: gen_svm_attr(w, c); break;
	default: gen_small(w, c);
	}
}

void grammar_call(struct worker *w, struct call *c)
{
	int32_t pick = below(&w->rng, 109);
	uint32_t i = 0;

	/* A model with much in it takes long to compare. */
	if ((fz.mode & MODE_MODEL) && model_live() > KNOWN / 2 && one_in(&w->rng, 2))
		pick = 30;
	while (i + 1 < ARRAY_SIZE(calls) && (pick -= calls[i].weight) >= 0)
		i++;
	grammar_fill(w, c, i);
}
