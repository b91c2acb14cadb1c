/* SPDX-License-Identifier: MIT */
/*
 * Programs: sequences of calls and of what goes on beside them, of up to three
 * threads, as data that can be kept, changed and run again.
 *
 * A step has a kind and a tape. Whatever code makes the step's call asks for
 * choices (below(), rnd64()), and the tape is the list of the answers: so each
 * number stands for one decision, and changing one number changes one decision.
 * Where a tape ends, choices follow from the step's seed, and are added to it.
 *
 * As text, one step a line, numbers in hexadecimal:
 *
 *	program mmap
 *	alloc 1f3a: 3 0 2
 *	| free 77: 0		a step of the second thread
 *
 * Lines that begin with # and empty lines are passed over.
 */
#ifndef ROCSVM_FUZZ_PROGRAM_H
#define ROCSVM_FUZZ_PROGRAM_H

#include "fuzz.h"

#define MAX_CHOICES 100
#define MAX_OPS 48
#define MAX_RACERS 3
#define OP_TEXT 1200		/* of one step, at most */
#define PROGRAM_KNOWN 8		/* few addresses, so that they meet again */

struct tape {
	uint16_t count, at;
	uint64_t choices[MAX_CHOICES];
};

struct op {
	uint8_t kind, thread;
	uint32_t seed;
	struct tape tape;
};

enum program_mode {
	PROGRAM_MMAP = 1 << 0,		/* in the mmap aperture */
	PROGRAM_BARE = 1 << 1,		/* nothing is open at first */
	PROGRAM_SIGNALS = 1 << 2,	/* an interval timer runs */
	PROGRAM_MODES = 1 << 3,
};

struct program {
	uint32_t mode, num_ops;
	uint32_t number;	/* of the run, for reports */
	struct op ops[MAX_OPS];
};

/* What is so of a kind of step. */
enum op_flags {
	OP_MODEL = 1 << 0,	/* changes nothing of what the model knows */
	OP_KILLS = 1 << 1,	/* the process may end by SIGKILL */
};

struct op_kind {
	const char *name;
	uint32_t weight, flags;
	uint32_t mode;		/* of enum fuzz_mode, that follows from it */
	void (*run)(struct worker *w);
};

/* The calls of the ABI come first: their index is the grammar's. */
extern const struct op_kind op_kinds[];
extern const uint32_t num_op_kinds;

/* @flags of all steps that have it; how many threads there are. */
bool program_any(const struct program *p, uint32_t flag);
uint32_t program_threads(const struct program *p);

/* Does the model follow it? */
bool program_modelled(const struct program *p);

/* One step as a line, without its end. */
void op_write(const struct op *op, char *text, size_t room);
void program_head(const struct program *p, char *text, size_t room);

/* The next program of a text, or NULL if there is no more: what follows it. */
const char *program_read(struct program *p, const char *text);

/* Run it in a child; tapes that end too soon grow. Does not return. */
void program_main(void *program) __attribute__((noreturn));

/* The program that a program's exec step starts. */
int after_exec(void);

/* ---- coverage (cover.c) --------------------------------------------------- */

/* false: this kernel or this module has none. */
bool cover_init(void);

/* In each thread of a child. */
void cover_begin(uint32_t thread);

/* Leave out what is done between these two. */
uint64_t cover_pause(uint32_t thread);
void cover_resume(uint32_t thread, uint64_t at);

/* In the parent, before and after a child has run. */
void cover_clear(void);

/*
 * What was reached and never before: how many edges. @list: the edges of this
 * run, new or not, each once, if it is not NULL.
 */
uint32_t cover_collect(uint64_t *list, uint32_t room, uint32_t *count);

/* Begin again; take over a list, true if an edge of it is new. */
void cover_forget(void);
bool cover_add(const uint64_t *list, uint32_t count);

/* Points and edges reached so far. */
uint32_t cover_points(void);
uint32_t cover_edges(void);

/* All points into the kernel log, as offsets in .text. */
void cover_log(void);

/* ---- guided fuzzing (guided.c) -------------------------------------------- */

struct guided {
	const char *corpus;	/* a file of programs, or NULL */
	uint64_t seed, seconds;
	bool minimize;
};

/* How many programs have run. */
uint64_t guided_run(const struct guided *options);
/* @count programs of a file, from its @first one on. */
uint64_t guided_replay(const char *corpus, uint64_t first, uint64_t count);

#endif /* ROCSVM_FUZZ_PROGRAM_H */
