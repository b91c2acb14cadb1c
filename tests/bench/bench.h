/* SPDX-License-Identifier: MIT */
/*
 * What the measurements share: the peers that are compared, each with the same
 * few operations; the clock; records of what was measured.
 *
 * Under icount (tests/vm/run --icount) a tick of the clock is an instruction of
 * the guest's. A process is one peer for its life: KFD keeps
 * what it is for the process until that ends.
 */
#ifndef ROCSVM_BENCH_H
#define ROCSVM_BENCH_H

#include "harness.h"
#include "mark.h"

#include <x86intrin.h>

/* The kinds of memory; ADDRESS has none, and only rocsvm has it. */
enum kind { HOST, GTT, VRAM, PRIVATE_VRAM, NUM_KINDS, ADDRESS = NUM_KINDS };

extern const char * const kind_names[NUM_KINDS + 1];

struct buffer {
	enum kind kind;
	uint64_t length;
	char *va;
	uint64_t handle;	/* KFD's, where the peer needs it */
};

/*
 * The operations return 0 or a negative number. start() is for a process that has
 * not called another peer's. fd() is what takes KFD's ioctls, for peers that
 * have one.
 */
struct peer {
	const char *name;
	void (*start)(void);
	int (*fd)(void);
	int (*alloc)(struct buffer *buf);
	int (*map)(struct buffer *buf);
	int (*unmap)(struct buffer *buf);
	int (*free)(struct buffer *buf);
	/* What is at an address in the middle of it? NULL where nobody can say. */
	int (*query)(struct buffer *buf);
};

enum {
	KFD_CALLS,		/* KFD's ioctls, and nothing for the CPU */
	KFD,			/* and the mmaps that make the CPU see it */
	LIBHSAKMT,
	LIBHSAKMT_RESERVED,	/* with HSA_RESERVE_SVM=1 */
	ROCSVM,
	ROCSVM_AT_ONCE,		/* ALLOC maps, FREE unmaps */
	NUM_PEERS,
};

extern const struct peer peers[NUM_PEERS];

/* ROCSVM without a guard behind each buffer. */
extern const struct peer peer_no_guard;

static inline uint64_t ticks(void)
{
	return __rdtsc();
}

/*
 * Print what was measured: its median and its 10th and 90th percentile. Sorts
 * the values.
 */
void record(const char *subject, const char *what, const char *peer,
	    const char *step, uint64_t *values, size_t n);

/* The same of one number that does not vary. */
void record_one(const char *subject, const char *what, const char *peer,
		const char *step, double value);

/* And of what is no number. */
void record_text(const char *subject, const char *what, const char *peer,
		 const char *step, const char *text);

#endif /* ROCSVM_BENCH_H */
