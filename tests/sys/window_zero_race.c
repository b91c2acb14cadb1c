// SPDX-License-Identifier: MIT
/*
 * A new buffer reads as zeros, also when other threads were writing to the old
 * one at the same address while it was freed. Writers end before the new
 * buffer is allocated, so whatever it holds came in by a fault that began
 * before FREE and was finished after it.
 */
#include "window.h"

#define LENGTH KiB(64)
#define WRITERS 3

static struct window w;
static char *place;

/* Writers run between the two barriers of a life, until they are to rest. */
static pthread_barrier_t begin, end;
static volatile bool rest, stop;

/* How often a writer was refused: the race was there to be lost. */
static unsigned long refused[WRITERS];

static void *writer(void *arg)
{
	size_t me = (size_t)arg;
	uint32_t seed = me + 1;

	for (;;) {
		pthread_barrier_wait(&begin);
		if (stop)
			return NULL;
		while (!rest) {
			char *p = place + rnd(&seed) % LENGTH / PAGE * PAGE;

			/* Without its PTE the next write is a fault. */
			madvise(p, PAGE, MADV_DONTNEED);
			if (probe_write(p))
				refused[me]++;
		}
		pthread_barrier_wait(&end);
	}
}

/* One life of the buffer; @swapped: its pages are out when the race begins. */
static void life(bool swapped, uint32_t *seed)
{
	ASSERT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, LENGTH,
			       (uintptr_t)place), 0);
	EXPECT_EQ(find_not(place, 0, LENGTH), -1);
	memset(place, 0x77, LENGTH);
	if (swapped)
		madvise(place, LENGTH, MADV_PAGEOUT);
	rest = false;
	pthread_barrier_wait(&begin);
	for (uint32_t i = rnd(seed) % 8; i > 0; i--)
		sched_yield();
	ASSERT_EQ(svm_free(w.fd, place), 0);
	rest = true;
	pthread_barrier_wait(&end);
	/* No stale PTE is left, nor can one be had now. */
	for (uint64_t off = 0; off < LENGTH; off += PAGE)
		EXPECT_EQ(probe_read(place + off), PROBE_MAPERR);
}

static void test(void)
{
	bool swap = swap_on();
	unsigned long loops = scaled(500, 60);
	unsigned long caught = 0;
	uint32_t seed = 1;
	pthread_t thread[WRITERS];

	w = window_open();
	place = at(w.base + GiB(1));
	ASSERT_EQ(pthread_barrier_init(&begin, NULL, WRITERS + 1), 0);
	ASSERT_EQ(pthread_barrier_init(&end, NULL, WRITERS + 1), 0);
	for (size_t i = 0; i < WRITERS; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, writer, (void *)i),
			  0);
	for (unsigned long i = 0; i < loops && test_failures < 10; i++)
		life(false, &seed);
	for (unsigned long i = 0; swap && i < loops / 5 && test_failures < 10;
	     i++)
		life(true, &seed);
	stop = true;
	pthread_barrier_wait(&begin);
	for (size_t i = 0; i < WRITERS; i++) {
		pthread_join(thread[i], NULL);
		caught += refused[i];
	}
	say("%s, %lu stray writes refused", swap ? "with swap" : "no swap",
	    caught);
	EXPECT_GT(caught, 0);
	EXPECT_EQ(info_buffers(w.fd), 0);
	EXPECT_WHOLE(&w);
}

int main(void)
{
	return window_main(test);
}
