// SPDX-License-Identifier: MIT
/*
 * What does a call cost as an entry of a BATCH? A thousand buffers of 4 KiB are
 * allocated, mapped, unmapped and freed: by KFD, by single calls of rocsvm's, and
 * by a BATCH for each step. What is recorded is a call's share. Not VRAM, which the
 * GPU clears meanwhile: MAP would wait for it.
 *
 * usage: batch [KIND]
 */
#include "bench.h"
#include "tests/sys/batch.h"

#define COUNT	1000
#define REPEATS	5

enum { ALLOC, MAP, UNMAP, FREE, TOTAL, NUM_STEPS };

static const char * const step_names[NUM_STEPS] = {
	"alloc", "map", "unmap", "free", "cycle",
};

struct job {
	const struct peer *peer;
	enum kind kind;
	bool batch;
	unsigned int mark;	/* with what is between the calls */
};

static void single(const struct job *job, uint64_t took[NUM_STEPS])
{
	static struct buffer bufs[COUNT];
	const struct peer *peer = job->peer;
	int (*const calls[])(struct buffer *buf) = {
		peer->alloc, peer->map, peer->unmap, peer->free,
	};

	for (int i = 0; i < COUNT; i++)
		bufs[i] = (struct buffer){ .kind = job->kind, .length = PAGE };
	for (int step = 0; step < TOTAL; step++) {
		uint64_t start = ticks();

		for (int i = 0; i < COUNT; i++)
			ASSERT_EQ(calls[step](&bufs[i]), 0);
		took[step] = ticks() - start;
	}
}

/* Filling it in is not counted: a program has its structures ready. */
static void batched(const struct job *job, uint64_t took[NUM_STEPS])
{
	static const uint32_t kinds[NUM_KINDS] = {
		[HOST] = ROCSVM_KIND_HOST,
		[GTT] = ROCSVM_KIND_GTT,
	};
	static struct batch batches[TOTAL];

	for (int step = 0; step < TOTAL; step++) {
		struct batch *b = &batches[step];
		uint32_t done = 0;
		uint64_t start;

		if (!b->room)
			batch_open(b, job->peer->fd(), COUNT);
		b->count = 0;
		for (int i = 0; i < COUNT; i++) {
			uint64_t va = batches[ALLOC].args[i].alloc.va;

			if (step == ALLOC)
				batch_alloc(b, kinds[job->kind], 0, PAGE);
			else if (step == FREE)
				batch_free(b, va);
			else
				batch_map(b, step == MAP ? ROCSVM_MAP : ROCSVM_UNMAP, va);
		}
		start = ticks();
		ASSERT_EQ(batch_run(b, 0, &done), 0);
		took[step] = ticks() - start;
		ASSERT_EQ(done, COUNT);
	}
}

static void measure(void *arg)
{
	const struct job *job = arg;
	uint64_t took[NUM_STEPS][REPEATS], one[NUM_STEPS];
	const char *name = job->batch ? "rocsvm, BATCH" : job->peer->name;

	printf("# %s, %s\n", name, kind_names[job->kind]);
	job->peer->start();
	/* The first round warms up. */
	for (int i = -1; i < REPEATS; i++) {
		if (i >= 0)
			mark(job->mark);
		(job->batch ? batched : single)(job, one);
		mark(0);
		one[TOTAL] = one[ALLOC] + one[MAP] + one[UNMAP] + one[FREE];
		for (int step = 0; i >= 0 && step < NUM_STEPS; step++)
			took[step][i] = one[step] / COUNT;
	}
	for (int step = 0; step < NUM_STEPS; step++)
		record("batch", kind_names[job->kind], name, step_names[step], took[step],
		       REPEATS);
}

int main(int argc, char **argv)
{
	static const struct job jobs[] = {
		{ &peers[KFD_CALLS], HOST, false, KFD_CALLS + 1 },
		{ &peers[KFD], HOST, false, KFD + 1 },
		{ &peers[ROCSVM], HOST, false, ROCSVM + 1 },
		{ &peers[ROCSVM], HOST, true, ROCSVM_AT_ONCE + 1 },
		{ &peers[KFD_CALLS], GTT, false, KFD_CALLS + 1 },
		{ &peers[KFD], GTT, false, KFD + 1 },
		{ &peers[ROCSVM], GTT, false, ROCSVM + 1 },
		{ &peers[ROCSVM], GTT, true, ROCSVM_AT_ONCE + 1 },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		if (argc > 1 && strcmp(argv[1], kind_names[jobs[i].kind]))
			continue;
		EXPECT_EQ(run_child(measure, (void *)&jobs[i]), 0);
	}
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
