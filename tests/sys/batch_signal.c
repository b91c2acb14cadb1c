// SPDX-License-Identifier: MIT
/*
 * A signal ends a BATCH between two entries, and the same structure goes on
 * from there: no entry is lost, none happens twice. With SA_RESTART the program
 * does not even notice.
 */
#include "batch.h"

#include <sys/time.h>

static volatile sig_atomic_t signals;

static void count(int signal)
{
	(void)signal;
	signals++;
}

static void timer(long microseconds, int flags)
{
	struct sigaction action = { .sa_handler = count, .sa_flags = flags };
	struct itimerval value = {
		.it_interval.tv_usec = microseconds,
		.it_value.tv_usec = microseconds,
	};

	ASSERT_EQ(SYS(sigaction(SIGALRM, &action, NULL)), 0);
	ASSERT_EQ(SYS(setitimer(ITIMER_REAL, &value, NULL)), 0);
}

/*
 * ALLOC and FREE of one address by turns: one that is lost, or that happens
 * twice, makes the next one fail.
 */
static void fill(struct batch *b, uint64_t va)
{
	b->count = 0;
	while (b->count < b->room) {
		batch_alloc(b, ROCSVM_KIND_HOST, va, PAGE);
		batch_free(b, va);
	}
}

/* Returns how often it was interrupted. */
static int interrupted(struct batch *b)
{
	uint32_t done = 0, before;
	int r, n = 0;

	do {
		before = done;
		r = batch_run(b, 0, &done);
		ASSERT(!r || r == -EINTR);
		ASSERT_GT(done, before);
		ASSERT_EQ(batch_not(b, 0, done, 0), 0);
		ASSERT_EQ(batch_not(b, done, b->count, NO_RESULT), 0);
		n += !!r;
	} while (r);
	EXPECT_EQ(done, b->count);
	return n;
}

static void test(void)
{
	int fd = svm_start(), n = 0, rounds = 0, before;
	uint32_t done = 0;
	struct batch b;
	uint64_t va;

	batch_open(&b, fd, scaled(4000, 100));
	va = free_room(fd, 2);

	timer(2000, 0);
	/* whether a signal falls into a batch is up to the scheduler */
	for (; n < 3 && rounds < 100; rounds++) {
		fill(&b, va);
		n += interrupted(&b);
	}
	say("%d interruptions in %d batches of %u", n, rounds, b.count);
	EXPECT_GE(n, 3);

	timer(2000, SA_RESTART);
	before = signals;
	for (rounds = 0; signals < before + 3 && rounds < 100; rounds++) {
		fill(&b, va);
		done = 0;
		ASSERT_EQ(batch_run(&b, 0, &done), 0);
		ASSERT_EQ(done, b.count);
		ASSERT_EQ(batch_not(&b, 0, b.count, 0), 0);
	}
	say("%d signals in %d batches", signals - before, rounds);
	EXPECT_GE(signals - before, 3);

	timer(0, 0);
	batch_close(&b);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
