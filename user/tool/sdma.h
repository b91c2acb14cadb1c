/* SPDX-License-Identifier: MIT */
/*
 * A GPU's SDMA copy engine, driven from user space: a KFD user queue with
 * its doorbell. Stands alone on KFD's ABI; tests use it too.
 *
 * All memory is the caller's, mapped to the GPU at its CPU address, and stays
 * so until sdma_destroy(). The ring has to be a buffer of exactly ring_size,
 * and the read and the write pointer need a buffer of one page each: newer
 * kernels check that. GTT, coherent and uncached, is right for all three.
 *
 * Functions return 0 or a negative errno value. A queue belongs to one thread
 * at a time.
 */
#ifndef ROCSVM_SDMA_H
#define ROCSVM_SDMA_H

#include <stddef.h>
#include <stdint.h>

struct sdma {
	int fd;
	uint32_t gpu_id;
	uint32_t queue_id;
	uint32_t *ring;
	size_t ring_size;
	uint64_t *rptr;			/* written by the GPU */
	uint64_t *wptr;			/* read by the GPU */
	uint64_t next;			/* bytes put into the ring since its creation */
	volatile uint64_t *doorbell;
	void *doorbell_page;
};

/**
 * sdma_create() - create a queue
 * @q: the queue
 * @fd: an open /dev/kfd or /dev/rocsvm, kept open by the caller
 * @gpu_id: which GPU
 * @ring: the ring buffer
 * @ring_size: its size in bytes, a power of two, at least 1024
 * @rptr: where the GPU reports how far it has read
 * @wptr: where the GPU looks how far it may read
 *
 * Returns: 0, -EINVAL for a bad size, -ENOMEM if the GPU has no queue left, or
 * what KFD returned. -EINVAL from a GPU older than gfx9, whose doorbells
 * differ.
 */
int sdma_create(struct sdma *q, int fd, uint32_t gpu_id, void *ring, size_t ring_size,
		uint64_t *rptr, uint64_t *wptr);

/**
 * sdma_copy() - put a copy into the ring
 * @q: the queue
 * @dst: to where, a GPU address
 * @src: from where, a GPU address
 * @bytes: how many
 *
 * Where the ring is full, what is in it is submitted and waited for.
 *
 * Returns: 0, or -ETIMEDOUT if the GPU does not take anything any more.
 */
int sdma_copy(struct sdma *q, void *dst, const void *src, size_t bytes);

/**
 * sdma_fence() - put the writing of a value into the ring
 * @q: the queue
 * @addr: to where, a GPU address
 * @value: what, once all that was put in before is done
 *
 * Returns: as sdma_copy().
 */
int sdma_fence(struct sdma *q, volatile uint32_t *addr, uint32_t value);

/**
 * sdma_submit() - let the GPU execute what is in the ring
 * @q: the queue
 */
void sdma_submit(struct sdma *q);

/**
 * sdma_wait() - wait for the value of a fence
 * @q: the queue
 * @addr: the fence's address, readable by the CPU
 * @value: the fence's value
 * @timeout_ms: how long
 *
 * Returns: 0 or -ETIMEDOUT.
 */
int sdma_wait(struct sdma *q, const volatile uint32_t *addr, uint32_t value,
	      unsigned int timeout_ms);

/**
 * sdma_destroy() - destroy a queue, whatever it is doing
 * @q: the queue; one that was never created is left alone if its @ring is NULL
 *
 * Returns: 0, or what KFD returned.
 */
int sdma_destroy(struct sdma *q);

#endif /* ROCSVM_SDMA_H */
