/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the fuzzer share: random numbers that follow from a seed,
 * the child process's state, a call on its way into the kernel, and the model.
 */
#ifndef ROCSVM_FUZZ_H
#define ROCSVM_FUZZ_H

#include <stdatomic.h>

#include "../sys/harness.h"

/* ---- random numbers: splitmix64 ----------------------------------------- */

/* The choices of one step of a program: see program.h. */
struct tape;

struct rng {
	uint64_t state;
	struct tape *tape;	/* or NULL: where choices come from, and go to */
};

static inline uint64_t draw(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* The next choice on the tape: of @n, or of any number if @n is 0. */
uint64_t tape_next(struct rng *r, uint32_t n);

static inline uint64_t rnd64(struct rng *r)
{
	return r->tape ? tape_next(r, 0) : draw(r);
}

static inline uint32_t below(struct rng *r, uint32_t n)
{
	return r->tape ? tape_next(r, n) : (draw(r) >> 32) % n;
}

static inline bool one_in(struct rng *r, uint32_t n)
{
	return !below(r, n);
}

struct worker;
struct call;

/* ---- the child ---------------------------------------------------------- */

/* A descriptor out of the way of those that come and go. */
#define SVM_FD 200
#define KNOWN 48		/* addresses that calls name */
#define DMABUFS 12
#define KFD_HANDLES 8
#define MAX_THREADS 4
#define ARENA_PAGES 256
/* The arena's last pages come late: they are userfaultfd's. */
#define ARENA_STALLED 32

enum fuzz_mode {
	MODE_MODEL = 1 << 0,	/* one thread, and a model of what there is */
	MODE_MMAP = 1 << 1,	/* the mmap aperture */
	MODE_TEAR = 1 << 2,	/* whole mappings of the window are unmapped */
	MODE_SCRIBBLE = 1 << 3,	/* the control page is written to */
	MODE_KILL = 1 << 4,	/* SIGKILL in the middle */
	MODE_SIGNALS = 1 << 5,	/* an interval timer runs */
	MODE_REOPEN = 1 << 6,	/* the last file is closed now and then */
	MODE_KFD = 1 << 7,	/* KFD's own memory calls */
};

struct dmabuf {
	int fd;
	uint32_t object;	/* the model's */
};

struct fuzz {
	char name[32];		/* in reports */
	uint64_t seed;
	uint32_t mode, threads, steps;
	uint32_t room;		/* of known, that is used */
	uint32_t narrow;	/* of the other tables only one in so many is */
	bool trace, reported;
	volatile bool never;	/* userfaultfd's pages do not come */
	int fd, render;
	uint32_t gpu;
	_Atomic uint64_t known[KNOWN];
	_Atomic uint64_t handles[KFD_HANDLES];
	struct dmabuf dmabufs[DMABUFS];
	char *arena;
};

extern struct fuzz fz;

/*
 * Shared with the parent: for a summary, and to see that a child gets on. Wild
 * pointers of a child may hit it, so nothing else is in it.
 */
struct tally {
	_Atomic unsigned long ok[32], failed[32];	/* by ioctl number */
	_Atomic unsigned long steps, kfd, disturbances, checks;
};

extern struct tally *tally;

/* Something is wrong: tell the parent, with the seed and the step. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a child's seed stands for; run it. Does not return. */
struct seeded {
	uint64_t seed;
	uint32_t steps;
	bool trace;
};

void child_main(void *seeded) __attribute__((noreturn));
uint32_t fuzz_mode_of(uint64_t seed);
const char *fuzz_mode_text(uint32_t mode);

/* The parts of it that programs use, too. */
void space_open(void);
void arena_init(void);
void signals_start(struct rng *r);
void remember(struct worker *w, const struct call *c);
void spoil(struct worker *w, struct call *c);
void expect_success(const struct call *c);

/* ---- the parent (watch.c) ------------------------------------------------- */

void watch_init(void);

/*
 * Run @main(@arg) in a child and look at what it leaves behind: true if all is
 * well. @what names it in reports; @killed: it may end by SIGKILL.
 */
bool watch_child(const char *what, void (*main)(void *), void *arg, bool killed);

/* A line into the kernel log: what is there survives a panic. */
void watch_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something is wrong: count it, print it. From a child: hand it to the parent. */
void report_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

unsigned long watch_reports(void);

/*
 * Is it of no use to go on? The kernel's checks report once and are off then;
 * and many reports only hide the first ones.
 */
bool watch_useless(void);

/* The first reports once more, at the end of the kernel's log. */
void watch_end(void);

/* ---- memory for arguments ------------------------------------------------ */

enum place {
	PLACE_GOOD,
	PLACE_STALLED,		/* a page that userfaultfd brings late */
	PLACE_HALF,		/* the end is not mapped */
	PLACE_HOLE,		/* nothing is mapped */
	PLACE_READONLY,
	PLACE_WILD,		/* any number */
};

struct zone {
	char *pages;		/* good, hole, read-only, hole, stalled, hole */
	char *staged;		/* what comes into the stalled page */
};

void zones_init(struct zone *zones, int count);

/* Put @length bytes where @how says; where that is. */
char *zone_place(struct zone *z, struct rng *r, enum place how,
		 const void *bytes, size_t length);

/* ---- calls --------------------------------------------------------------- */

#define BATCH_ENTRIES 6

union arg {
	uint32_t size;
	struct rocsvm_info info;
	struct rocsvm_gpu_info gpu_info;
	struct rocsvm_reserve reserve;
	struct rocsvm_acquire_vm acquire;
	struct rocsvm_alloc alloc;
	struct rocsvm_free free;
	struct rocsvm_map map;
	struct rocsvm_query query;
	struct rocsvm_set_tag set_tag;
	struct rocsvm_register reg;
	struct rocsvm_unregister unreg;
	struct rocsvm_batch batch;
	struct rocsvm_export export;
	struct rocsvm_import import;
	struct rocsvm_svm_attr svm_attr;
	uint8_t bytes[512];
};

struct call {
	unsigned long cmd;
	uint32_t length;	/* of its structure */
	union arg in, out;
	bool mutated;
	enum place place, list_place;
	int result;

	/* what its pointer leads to, if it has one */
	uint32_t list_at;	/* offset of the pointer, or 0 */
	uint32_t list_length;
	uint8_t list[256];

	/* of a batch */
	struct rocsvm_batch_entry *entries;	/* in @list */
	union arg sub[BATCH_ENTRIES];
};

#define REGISTERED 8

struct range {
	uint64_t va, length;
};

struct worker {
	struct rng rng;
	uint32_t index;
	struct zone zones[2];
	struct call call;
	struct range registered[REGISTERED];	/* some that the thread has */
};

/* Fill in a call that makes sense: any, or the one of this index. */
void grammar_call(struct worker *w, struct call *c);
void grammar_fill(struct worker *w, struct call *c, uint32_t index);

#define GRAMMAR_CALLS 16

/* Spoil it. */
void mutate_call(struct worker *w, struct call *c);

/* Make it, and look at its errno. */
void call_send(struct worker *w, struct call *c);

/* One of KFD's own, of memory. */
void kfd_call(struct worker *w);

/* The errnos that the ABI names for a call. */
bool errno_allowed(unsigned long cmd, int result);

/* Remember an address that calls may name; what was in its place, or 0. */
uint64_t known_put(struct rng *r, uint64_t va);
uint64_t known_get(struct rng *r);

/* Take a new dma-buf's descriptor into the table, in place of another. */
void dmabuf_put(struct rng *r, int fd, uint32_t object);

/* ---- what else happens --------------------------------------------------- */

/* mmap() and the like, forks, opens: in the arena, the window and round it. */
void disturb(struct worker *w);
void disturb_arena(struct rng *r);
void disturb_window(struct rng *r);
void tear_window(struct rng *r);
void scribble(struct rng *r);
void fork_child(struct rng *r);
void open_and_close(struct rng *r);
void reopen(void);

/* Only what changes nothing of what the model knows. */
void disturb_gently(struct worker *w, uint64_t va, uint64_t length);

/* ---- the model ----------------------------------------------------------- */

/* Take over what a call has done. */
void model_apply(struct worker *w, const struct call *c);

/* Compare all of it with the kernel. */
void model_check(struct worker *w);

/* Free everything, compare again. */
void model_end(struct worker *w);

/* A host buffer of some pages, for disturb_gently(): true if there is one. */
bool model_host_buffer(struct rng *r, uint64_t *va, uint64_t *length);

uint32_t model_live(void);

#endif /* ROCSVM_FUZZ_H */
