// SPDX-License-Identifier: MIT
/*
 * SDMA user queues. Packets as of SDMA 4.0 (gfx9).
 *
 * Pointers into the ring are counted in bytes and never wrap; the offset in
 * the ring is the count modulo its size. A packet never straddles the ring's
 * end: the rest is filled with NOPs, which are zero.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/kfd_ioctl.h>

#include "sdma.h"

#define SDMA_OP_NOP		0
#define SDMA_OP_COPY		1	/* sub-operation 0: linear */
#define SDMA_OP_FENCE		5

#define COPY_DWORDS		7
#define FENCE_DWORDS		4

/* The count has 22 bits; ROCm's runtime stays 32 bytes below, and so do we. */
#define COPY_MAX_BYTES		0x3fffe0

#define RING_SIZE_MIN		1024

/* A process's doorbells of one GPU: 1024 of 8 bytes, as gfx9 has them. */
#define DOORBELL_PAGE_SIZE	8192

/* How long a full ring may stay full before the GPU is given up on */
#define RING_TIMEOUT_MS		10000

static int kfd_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 50000 };

	nanosleep(&t, NULL);
}

int sdma_create(struct sdma *q, int fd, uint32_t gpu_id, void *ring, size_t ring_size,
		uint64_t *rptr, uint64_t *wptr)
{
	struct kfd_ioctl_create_queue_args args = {
		.ring_base_address = (uintptr_t)ring,
		.ring_size = ring_size,
		.read_pointer_address = (uintptr_t)rptr,
		.write_pointer_address = (uintptr_t)wptr,
		.gpu_id = gpu_id,
		.queue_type = KFD_IOC_QUEUE_TYPE_SDMA,
		.queue_percentage = KFD_MAX_QUEUE_PERCENTAGE,
		.queue_priority = 7,
	};
	int ret;

	memset(q, 0, sizeof(*q));
	if (!ring || !rptr || !wptr || ring_size < RING_SIZE_MIN || ring_size > UINT32_MAX ||
	    ring_size & (ring_size - 1))
		return -EINVAL;
	memset(ring, 0, ring_size);
	*rptr = 0;
	*wptr = 0;
	ret = kfd_ioctl(fd, AMDKFD_IOC_CREATE_QUEUE, &args);
	if (ret)
		return ret;

	q->fd = fd;
	q->gpu_id = gpu_id;
	q->queue_id = args.queue_id;
	q->ring = ring;
	q->ring_size = ring_size;
	q->rptr = rptr;
	q->wptr = wptr;
	q->doorbell_page = mmap(NULL, DOORBELL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				args.doorbell_offset & ~(DOORBELL_PAGE_SIZE - 1ull));
	if (q->doorbell_page == MAP_FAILED) {
		ret = -errno;
		q->doorbell_page = NULL;
		sdma_destroy(q);
		return ret;
	}
	q->doorbell = (volatile uint64_t *)((char *)q->doorbell_page +
					    (args.doorbell_offset & (DOORBELL_PAGE_SIZE - 1)));
	return 0;
}

/*
 * Bytes that may be put in. One dword always stays free, or a full ring would
 * look like an empty one to a GPU that reports its read pointer modulo size.
 */
static size_t ring_room(const struct sdma *q)
{
	uint64_t read = __atomic_load_n(q->rptr, __ATOMIC_ACQUIRE);

	return q->ring_size - sizeof(uint32_t) - ((q->next - read) & (q->ring_size - 1));
}

static int wait_for_room(struct sdma *q, size_t bytes)
{
	uint64_t deadline;

	if (ring_room(q) >= bytes)
		return 0;
	sdma_submit(q);
	deadline = now_ms() + RING_TIMEOUT_MS;
	while (ring_room(q) < bytes) {
		if (now_ms() > deadline)
			return -ETIMEDOUT;
		nap();
	}
	return 0;
}

static int put_packet(struct sdma *q, const uint32_t *packet, size_t dwords)
{
	size_t bytes = dwords * sizeof(*packet);
	size_t offset = q->next & (q->ring_size - 1);
	size_t to_end = q->ring_size - offset;
	int ret;

	if (bytes > to_end) {
		ret = wait_for_room(q, to_end);
		if (ret)
			return ret;
		for (size_t i = 0; i < to_end / sizeof(*packet); i++)
			q->ring[offset / sizeof(*packet) + i] = SDMA_OP_NOP;
		q->next += to_end;
		offset = 0;
	}
	ret = wait_for_room(q, bytes);
	if (ret)
		return ret;
	memcpy((char *)q->ring + offset, packet, bytes);
	q->next += bytes;
	return 0;
}

static uint32_t low(const volatile void *addr)
{
	return (uint32_t)(uintptr_t)addr;
}

static uint32_t high(const volatile void *addr)
{
	return (uint32_t)((uint64_t)(uintptr_t)addr >> 32);
}

int sdma_copy(struct sdma *q, void *dst, const void *src, size_t bytes)
{
	while (bytes) {
		size_t part = bytes < COPY_MAX_BYTES ? bytes : COPY_MAX_BYTES;
		const uint32_t packet[COPY_DWORDS] = {
			SDMA_OP_COPY, (uint32_t)part - 1, 0,
			low(src), high(src), low(dst), high(dst),
		};
		int ret = put_packet(q, packet, COPY_DWORDS);

		if (ret)
			return ret;
		src = (const char *)src + part;
		dst = (char *)dst + part;
		bytes -= part;
	}
	return 0;
}

int sdma_fence(struct sdma *q, volatile uint32_t *addr, uint32_t value)
{
	const uint32_t packet[FENCE_DWORDS] = { SDMA_OP_FENCE, low(addr), high(addr), value };

	return put_packet(q, packet, FENCE_DWORDS);
}

void sdma_submit(struct sdma *q)
{
	/* The packets before the pointer, the pointer before the doorbell. */
	__atomic_store_n(q->wptr, q->next, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	*q->doorbell = q->next;
}

int sdma_wait(struct sdma *q, const volatile uint32_t *addr, uint32_t value,
	      unsigned int timeout_ms)
{
	uint64_t deadline = now_ms() + timeout_ms;
	bool late = false;

	(void)q;
	for (;;) {
		if (__atomic_load_n(addr, __ATOMIC_ACQUIRE) == value)
			return 0;
		/* One more look after the deadline: the nap may have been long. */
		if (late)
			return -ETIMEDOUT;
		nap();
		late = now_ms() >= deadline;
	}
}

int sdma_destroy(struct sdma *q)
{
	struct kfd_ioctl_destroy_queue_args args = { .queue_id = q->queue_id };
	int ret;

	if (!q->ring)
		return 0;
	ret = kfd_ioctl(q->fd, AMDKFD_IOC_DESTROY_QUEUE, &args);
	if (q->doorbell_page)
		munmap(q->doorbell_page, DOORBELL_PAGE_SIZE);
	memset(q, 0, sizeof(*q));
	return ret;
}
