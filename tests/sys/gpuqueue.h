/* SPDX-License-Identifier: MIT */
/*
 * An SDMA queue with its memory, made through /dev/rocsvm: what a test needs
 * to have the GPU copy something.
 */
#ifndef ROCSVM_TESTS_GPUQUEUE_H
#define ROCSVM_TESTS_GPUQUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "user/tool/sdma.h"

struct gpuqueue {
	int fd;
	uint32_t gpu_id;
	struct sdma sdma;
	void *ring;
	uint64_t *read_pointer;
	uint64_t *write_pointer;
	volatile uint32_t *fence;	/* page that the GPU writes to */
	volatile uint64_t *beacon;	/* unused by the GPU, mapped to it */
	uint32_t sequence;
};

/* Ends the test on failure. The GPU's VM must be acquired through @fd. */
void gpuqueue_open(struct gpuqueue *q, int fd, uint32_t gpu_id);

/* The same, but the queue itself is made through @queue_fd, KFD's or ours. */
void gpuqueue_open_through(struct gpuqueue *q, int fd, uint32_t gpu_id,
			   int queue_fd);
void gpuqueue_close(struct gpuqueue *q);

/* Have the GPU copy, and wait for it: 0, or -ETIMEDOUT if it never ends. */
int gpuqueue_copy(struct gpuqueue *q, void *to, const void *from, size_t length);

/* The same, waiting @ms milliseconds at most. */
int gpuqueue_copy_within(struct gpuqueue *q, void *to, const void *from,
			 size_t length, int ms);

/* Have the GPU do nothing but write its fence. */
int gpuqueue_nop(struct gpuqueue *q);

#endif /* ROCSVM_TESTS_GPUQUEUE_H */
