// SPDX-License-Identifier: MIT
/*
 * Do threads stand in each other's way? Two at once do half of the operations
 * each, then one does all of them: what two take, to what one takes. In a guest
 * whose virtual CPUs are run in turn that is the work of locks and of waiting for
 * them, and says nothing of what runs in parallel. Wall time, so not for icount.
 *
 * usage: threads
 */
#include "bench.h"

#include <pthread.h>
#include <time.h>

#define ROUNDS	15
#define LIVE	64

struct operation {
	const char *name;
	int peer;
	enum kind kind;
	unsigned long count;
	void (*run)(const struct peer *peer, struct buffer *bufs, unsigned long i);
};

struct worker {
	const struct operation *operation;
	unsigned long count;
	struct buffer bufs[LIVE];
	pthread_barrier_t *start;
};

static void alloc_and_free(const struct peer *peer, struct buffer *bufs, unsigned long i)
{
	struct buffer *buf = &bufs[i % LIVE];

	ASSERT_EQ(peer->free(buf), 0);
	ASSERT_EQ(peer->alloc(buf), 0);
}

static void query(const struct peer *peer, struct buffer *bufs, unsigned long i)
{
	ASSERT_EQ(peer->query(&bufs[i % LIVE]), 0);
}

/* A page that no page table has any more. */
static void fault(const struct peer *peer, struct buffer *bufs, unsigned long i)
{
	volatile char *page = bufs[i % LIVE].va;

	(void)peer;
	ASSERT_EQ(SYS(madvise((void *)page, PAGE, MADV_DONTNEED)), 0);
	*page = 1;
}

static const struct operation operations[] = {
	{ "addresses, alloc + free", ROCSVM, ADDRESS, 20000, alloc_and_free },
	{ "QUERY", ROCSVM, HOST, 60000, query },
	{ "fault", ROCSVM, HOST, 6000, fault },
	{ "host, alloc + free", ROCSVM, HOST, 1500, alloc_and_free },
	{ "fault", KFD, HOST, 6000, fault },
	{ "host, alloc + free", KFD, HOST, 1500, alloc_and_free },
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(worker->start);
	for (unsigned long i = 0; i < worker->count; i++)
		worker->operation->run(&peers[worker->operation->peer], worker->bufs, i);
	pthread_barrier_wait(worker->start);
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static uint64_t run_threads(struct worker *workers, unsigned int n)
{
	pthread_barrier_t start;
	pthread_t threads[2];
	uint64_t took;

	ASSERT_EQ(pthread_barrier_init(&start, NULL, n + 1), 0);
	for (unsigned int i = 0; i < n; i++) {
		workers[i].count = workers[i].operation->count / n;
		workers[i].start = &start;
		ASSERT_EQ(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	pthread_barrier_wait(&start);
	took = now_ns();
	pthread_barrier_wait(&start);
	took = now_ns() - took;
	for (unsigned int i = 0; i < n; i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&start);
	return took;
}

static void measure(void *arg)
{
	const struct operation *operation = arg;
	const struct peer *peer = &peers[operation->peer];
	uint64_t one[ROUNDS], two[ROUNDS], permille[ROUNDS];
	struct worker workers[2] = { { .operation = operation }, { .operation = operation } };

	printf("# %s, %s\n", peer->name, operation->name);
	peer->start();
	for (int i = 0; i < 2 * LIVE; i++) {
		struct buffer *buf = &workers[i % 2].bufs[i / 2];

		*buf = (struct buffer){ .kind = operation->kind, .length = PAGE };
		ASSERT_EQ(peer->alloc(buf), 0);
	}
	run_threads(workers, 1);
	for (int i = 0; i < ROUNDS; i++) {
		one[i] = run_threads(workers, 1);
		two[i] = run_threads(workers, 2);
		permille[i] = two[i] * 1000 / one[i];
		one[i] /= operation->count;
		two[i] /= operation->count;
	}
	record("threads", operation->name, peer->name, "1 thread, ns", one, ROUNDS);
	record("threads", operation->name, peer->name, "2 threads, ns", two, ROUNDS);
	record("threads", operation->name, peer->name, "ratio", permille, ROUNDS);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		EXPECT_EQ(run_child(measure, (void *)&operations[i]), 0);
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
