// SPDX-License-Identifier: MIT
/*
 * Tests of the SDMA ring without a GPU: a thread reads the ring as the engine
 * does, and copies by the addresses in the packets.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdma.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define RING_SIZE	1024
#define FENCE		0xfeed

static uint32_t ring[RING_SIZE / sizeof(uint32_t)];
static uint64_t rptr, wptr, doorbell;
static struct sdma q;
static atomic_bool stop;
static bool wrapping_rptr;	/* the engine reports its pointer modulo the size */
static uint64_t copies, largest_copy, straddling, unknown;
static bool ok;

#define CHECK_EQ(got, want) check_eq((got), (want), #got, __LINE__)

static void check_eq(long long got, long long want, const char *text, int line)
{
	if (got == want)
		return;
	ok = false;
	printf("# line %d: %s is %lld, not %lld\n", line, text, got, want);
}

static void *pointer(uint32_t low, uint32_t high)
{
	return (void *)((uintptr_t)high << 32 | low);
}

/* One packet; its length in dwords */
static size_t execute(const uint32_t *p, size_t to_end)
{
	size_t dwords = p[0] == 1 ? 7 : p[0] == 5 ? 4 : 1;
	uint64_t bytes;

	if (dwords > to_end) {
		straddling++;
		return to_end;
	}
	switch (p[0]) {
	case 0:
		break;
	case 1:
		bytes = (uint64_t)p[1] + 1;
		memmove(pointer(p[5], p[6]), pointer(p[3], p[4]), bytes);
		copies++;
		if (bytes > largest_copy)
			largest_copy = bytes;
		break;
	case 5:
		__atomic_store_n((uint32_t *)pointer(p[1], p[2]), p[3], __ATOMIC_RELEASE);
		break;
	default:
		unknown++;
	}
	return dwords;
}

static void *engine(void *unused)
{
	const struct timespec nap = { .tv_nsec = 20000 };
	uint64_t at = 0;

	while (!atomic_load(&stop)) {
		uint64_t end = __atomic_load_n(&doorbell, __ATOMIC_ACQUIRE);

		if (at == end) {
			nanosleep(&nap, NULL);
			continue;
		}
		while (at < end) {
			size_t offset = at % RING_SIZE;

			at += 4 * execute((uint32_t *)((char *)ring + offset),
					  (RING_SIZE - offset) / 4);
			__atomic_store_n(&rptr, wrapping_rptr ? at % RING_SIZE : at,
					 __ATOMIC_RELEASE);
		}
	}
	return unused;
}

static void set_up(bool wrapping)
{
	memset(ring, 0xff, sizeof(ring));
	rptr = wptr = doorbell = 0;
	copies = largest_copy = straddling = unknown = 0;
	wrapping_rptr = wrapping;
	atomic_store(&stop, false);
	q = (struct sdma){
		.fd = -1,
		.ring = ring,
		.ring_size = RING_SIZE,
		.rptr = &rptr,
		.wptr = &wptr,
		.doorbell = &doorbell,
	};
}

/* Many more packets than the ring holds, so it wraps and is waited for */
static void many_copies(bool wrapping)
{
	enum { COUNT = 1000 };
	static uint64_t from[COUNT], to[COUNT];
	volatile uint32_t fence = 0;
	pthread_t thread;
	long long wrong = 0;

	set_up(wrapping);
	memset(to, 0, sizeof(to));
	for (int i = 0; i < COUNT; i++)
		from[i] = i + 1;
	CHECK_EQ(pthread_create(&thread, NULL, engine, NULL), 0);
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQ(sdma_copy(&q, &to[i], &from[i], sizeof(from[i])), 0);
		if (i % 7 == 0)
			sdma_submit(&q);
	}
	CHECK_EQ(sdma_fence(&q, &fence, FENCE), 0);
	CHECK_EQ(sdma_wait(&q, &fence, FENCE, 20), -ETIMEDOUT);	/* not submitted */
	sdma_submit(&q);
	CHECK_EQ(sdma_wait(&q, &fence, FENCE, 10000), 0);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	for (int i = 0; i < COUNT; i++)
		wrong += to[i] != (uint64_t)i + 1;
	CHECK_EQ(wrong, 0);
	CHECK_EQ(copies, COUNT);
	CHECK_EQ(straddling, 0);
	CHECK_EQ(unknown, 0);
	CHECK_EQ(wptr, q.next);
}

static void test_growing_rptr(void)
{
	many_copies(false);
}

static void test_wrapping_rptr(void)
{
	many_copies(true);
}

static void test_large_copy(void)
{
	const size_t bytes = (9 << 20) + 12345;
	unsigned char *from = malloc(bytes), *to = calloc(1, bytes + 1);
	volatile uint32_t fence = 0;
	pthread_t thread;

	set_up(false);
	for (size_t i = 0; i < bytes; i++)
		from[i] = i * 7 + (i >> 12);
	CHECK_EQ(pthread_create(&thread, NULL, engine, NULL), 0);
	CHECK_EQ(sdma_copy(&q, to, from, bytes), 0);
	CHECK_EQ(sdma_copy(&q, to, from, 0), 0);
	CHECK_EQ(sdma_fence(&q, &fence, FENCE), 0);
	sdma_submit(&q);
	CHECK_EQ(sdma_wait(&q, &fence, FENCE, 10000), 0);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	CHECK_EQ(memcmp(to, from, bytes), 0);
	CHECK_EQ(to[bytes], 0);
	CHECK_EQ(copies, 3);
	CHECK_EQ(largest_copy <= 1 << 22, 1);	/* what 22 bits hold */
	free(from);
	free(to);
}

static void test_create_arguments(void)
{
	struct sdma queue;

	CHECK_EQ(sdma_create(&queue, -1, 1, NULL, RING_SIZE, &rptr, &wptr), -EINVAL);
	CHECK_EQ(sdma_create(&queue, -1, 1, ring, RING_SIZE, NULL, &wptr), -EINVAL);
	CHECK_EQ(sdma_create(&queue, -1, 1, ring, RING_SIZE, &rptr, NULL), -EINVAL);
	CHECK_EQ(sdma_create(&queue, -1, 1, ring, RING_SIZE - 4, &rptr, &wptr), -EINVAL);
	CHECK_EQ(sdma_create(&queue, -1, 1, ring, RING_SIZE / 2, &rptr, &wptr), -EINVAL);
	CHECK_EQ(sdma_create(&queue, -1, 1, ring, RING_SIZE, &rptr, &wptr), -EBADF);
	CHECK_EQ(sdma_destroy(&queue), 0);
}

static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "a ring that wraps many times", test_growing_rptr },
	{ "the same, with a read pointer that wraps", test_wrapping_rptr },
	{ "a copy larger than a packet can say", test_large_copy },
	{ "arguments of sdma_create", test_create_arguments },
};

int main(void)
{
	int failures = 0;

	printf("TAP version 13\n1..%zu\n", ARRAY_SIZE(tests));
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		ok = true;
		tests[i].run();
		printf("%sok %zu - %s\n", ok ? "" : "not ", i + 1, tests[i].name);
		failures += !ok;
	}
	return failures ? 1 : 0;
}
