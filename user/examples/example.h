/* SPDX-License-Identifier: MIT */
/*
 * What the examples share: checks that end the program with a message, a start
 * with all GPUs acquired, and copies made by a GPU, so that an example can
 * show that a GPU sees the very bytes that the CPU sees.
 */
#ifndef ROCSVM_EXAMPLE_H
#define ROCSVM_EXAMPLE_H

#include <err.h>
#include <rocsvm.h>
#include <stdio.h>
#include <string.h>

#include "sdma.h"

/* Exit status where this machine can't show it, as tests of the kernel have it */
#define EXIT_SKIP	4

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The result of a call that must not fail */
#define CALL(call) ({							\
	int result_ = (call);						\
	if (result_ < 0)						\
		errx(1, "%s: %s", #call, strerror(-result_));		\
	result_;							\
})

/* What must be so */
#define EXPECT(condition) do {						\
	if (!(condition))						\
		errx(1, "%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
} while (0)

/* Open the space, acquire all GPUs; the id of the first one goes to @gpu_id. */
struct rocsvm_ctx *start(uint32_t *gpu_id);

/* A queue of a GPU's copy engine, with the memory it needs */
struct queue {
	struct rocsvm_ctx *ctx;
	struct sdma sdma;
	void *memory[4];	/* ring, read pointer, write pointer, fence */
};

void queue_open(struct queue *q, struct rocsvm_ctx *ctx, uint32_t gpu_id);
/* Have the GPU copy, and wait until it has */
void queue_copy(struct queue *q, void *to, const void *from, size_t length);
void queue_close(struct queue *q);

/* All of that for one copy */
void gpu_copy(struct rocsvm_ctx *ctx, uint32_t gpu_id, void *to, const void *from, size_t length);

#endif /* ROCSVM_EXAMPLE_H */
