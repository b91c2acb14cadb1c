// SPDX-License-Identifier: MIT
/*
 * Runs a program in a child: its threads, its steps, the model beside it.
 */
#include "program.h"
#include "model.h"

#include <pthread.h>

/* So often the model compares everything; it takes longer than a call. */
#define STEPS_PER_CHECK 8

static struct program *program;
static struct worker workers[MAX_RACERS];
static pthread_barrier_t start;

static uint32_t program_fuzz_mode(void)
{
	uint32_t mode = program->mode & PROGRAM_MMAP ? MODE_MMAP : 0;

	if (program_modelled(program))
		mode |= MODE_MODEL;
	if (program->mode & PROGRAM_SIGNALS)
		mode |= MODE_SIGNALS;
	for (uint32_t i = 0; i < program->num_ops; i++)
		mode |= op_kinds[program->ops[i].kind].mode;
	return mode;
}

static void compare(struct worker *w)
{
	uint64_t at = cover_pause(w->index);

	model_check(w);
	cover_resume(w->index, at);
}

static void step_call(struct worker *w, uint32_t kind)
{
	struct call *c = &w->call;

	grammar_fill(w, c, kind);
	spoil(w, c);
	call_send(w, c);
	if (!(fz.mode & MODE_MODEL)) {
		remember(w, c);
		return;
	}
	expect_success(c);
	model_apply(w, c);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint32_t steps = 0;

	if (w->index)
		cover_begin(w->index);
	if (program_threads(program) > 1)
		pthread_barrier_wait(&start);
	for (uint32_t i = 0; i < program->num_ops; i++) {
		struct op *op = &program->ops[i];

		if (op->thread != w->index)
			continue;
		tally->steps++;
		op->tape.at = 0;
		w->rng = (struct rng){ op->seed, &op->tape };
		if (op->kind < GRAMMAR_CALLS)
			step_call(w, op->kind);
		else
			op_kinds[op->kind].run(w);
		w->rng.tape = NULL;
		if (fz.mode & MODE_MODEL && ++steps % STEPS_PER_CHECK == 0)
			compare(w);
	}
	return NULL;
}

static void start_threads(void)
{
	uint32_t count = program_threads(program);
	pthread_t threads[MAX_RACERS];

	pthread_barrier_init(&start, NULL, count);
	for (uint32_t i = 0; i < count; i++) {
		workers[i].index = i;
		zones_init(workers[i].zones, ARRAY_SIZE(workers[i].zones));
	}
	for (uint32_t i = 1; i < count; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
	run(&workers[0]);
	for (uint32_t i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
}

void program_main(void *arg)
{
	struct rng r = { 1, NULL };

	program = arg;
	fz.seed = 1;
	snprintf(fz.name, sizeof(fz.name), "program %u", program->number);
	fz.room = PROGRAM_KNOWN;
	fz.narrow = 4;
	fz.mode = program_fuzz_mode();
	cover_begin(0);
	if (program->mode & PROGRAM_BARE)
		fz.fd = SVM_FD;
	else
		space_open();
	arena_init();
	if (program->mode & PROGRAM_SIGNALS)
		signals_start(&r);
	start_threads();
	if (fz.mode & MODE_MODEL) {
		compare(&workers[0]);
		model_end(&workers[0]);
	}
	close(fz.fd);
	fflush(stdout);
	_exit(test_failures ? KSFT_FAIL : KSFT_PASS);
}
