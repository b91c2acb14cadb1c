// SPDX-License-Identifier: MIT
/*
 * One child of the fuzzer: what its seed stands for, and its threads.
 */
#include "model.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/time.h>

struct fuzz fz;

void report(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fz.reported = true;
	report_text("%s (%s), step %lu: %s", fz.name, fuzz_mode_text(fz.mode),
		    tally->steps, text);
}

uint32_t fuzz_mode_of(uint64_t seed)
{
	static const uint32_t some[] = {
		MODE_TEAR, MODE_SCRIBBLE, MODE_KILL, MODE_SIGNALS, MODE_REOPEN,
		MODE_KFD,
	};
	struct rng r = { seed * 1000003, NULL };
	uint32_t mode = one_in(&r, 3) ? MODE_MMAP : 0;

	if (one_in(&r, 2)) {
		mode |= MODE_MODEL;
		return one_in(&r, 3) ? mode | MODE_SIGNALS : mode;
	}
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		if (one_in(&r, 3))
			mode |= some[i];
	return mode;
}

const char *fuzz_mode_text(uint32_t mode)
{
	static const char *const names[] = {
		"model", "mmap", "tear", "scribble", "kill", "signals",
		"reopen", "kfd",
	};
	static char text[80];

	snprintf(text, sizeof(text), "%s", mode & MODE_MODEL ? "model" : "race");
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		if (mode & 1 << i) {
			strcat(text, " ");
			strcat(text, names[i]);
		}
	return text;
}

/* ---- threads -------------------------------------------------------------- */

/* New addresses into the table; what was there is freed, to keep few alive. */
void remember(struct worker *w, const struct call *c)
{
	uint64_t va = 0, old;

	if (c->result)
		return;
	if (c->cmd == ROCSVM_ALLOC)
		va = c->out.alloc.va;
	else if (c->cmd == ROCSVM_IMPORT)
		va = c->out.import.va;
	else if (c->cmd == ROCSVM_REGISTER)
		va = c->out.reg.va;
	else if (c->cmd == ROCSVM_EXPORT)
		dmabuf_put(&w->rng, c->out.export.fd, 0);
	if (!va)
		return;
	old = known_put(&w->rng, va);
	if (old)
		svm_free(fz.fd, (void *)(uintptr_t)old);
	if (c->cmd == ROCSVM_ALLOC && c->in.alloc.kind <= ROCSVM_KIND_VRAM)
		probe_write((void *)(uintptr_t)(va + below(&w->rng, c->out.alloc.length)));
}

static void remember_batch(struct worker *w, const struct call *c)
{
	uint64_t old;

	for (uint32_t i = 0; i < c->list_length / sizeof(*c->entries); i++) {
		if (c->entries[i].cmd != ROCSVM_ALLOC || c->entries[i].result)
			continue;
		old = known_put(&w->rng, c->sub[i].alloc.va);
		if (old)
			svm_free(fz.fd, (void *)(uintptr_t)old);
	}
}

void spoil(struct worker *w, struct call *c)
{
	if (one_in(&w->rng, 4)) {
		mutate_call(w, c);
	} else if (one_in(&w->rng, 16)) {
		c->place = PLACE_STALLED;
	} else if (one_in(&w->rng, 12)) {
		/* A good call whose answer can't be written, say. */
		c->place = below(&w->rng, PLACE_WILD + 1);
		c->mutated = true;
	}
}

static void race_step(struct worker *w)
{
	struct call *c = &w->call;
	uint32_t pick = below(&w->rng, 100);

	if (pick < 15) {
		disturb(w);
	} else if (pick < 25 && (fz.mode & MODE_KFD)) {
		kfd_call(w);
	} else {
		grammar_call(w, c);
		spoil(w, c);
		call_send(w, c);
		if (c->cmd == ROCSVM_BATCH)
			remember_batch(w, c);
		else
			remember(w, c);
	}
}

/* What a call that makes sense must have come to. */
void expect_success(const struct call *c)
{
	const struct item *item = NULL;

	if (!c->result || c->mutated)
		return;
	if (c->cmd == ROCSVM_FREE)
		item = model_find(c->in.free.va);
	else if (c->cmd == ROCSVM_MAP)
		item = model_find(c->in.map.va);
	if (item && item->va == (c->cmd == ROCSVM_FREE ? c->in.free.va : c->in.map.va) &&
	    !is_reservation(item->kind))
		report("%s of kind %u at %#llx: %s",
		       c->cmd == ROCSVM_FREE ? "FREE" : "MAP", item->kind,
		       (long long)item->va, strerror(-c->result));
	if (c->cmd == ROCSVM_INFO || c->cmd == ROCSVM_ACQUIRE_VM)
		report("ioctl %#x: %s", (int)_IOC_NR(c->cmd), strerror(-c->result));
}

static void model_step(struct worker *w)
{
	struct call *c = &w->call;
	uint64_t va, length;

	if (one_in(&w->rng, 20)) {
		if (model_host_buffer(&w->rng, &va, &length))
			disturb_gently(w, va, length);
	} else {
		grammar_call(w, c);
		spoil(w, c);
		call_send(w, c);
		expect_success(c);
		model_apply(w, c);
	}
	model_check(w);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint32_t kill_at = below(&w->rng, fz.steps);

	for (uint32_t step = 0; step < fz.steps; step++) {
		if ((fz.mode & MODE_KILL) && !w->index && step == kill_at)
			kill(getpid(), SIGKILL);
		tally->steps++;
		if (fz.mode & MODE_MODEL)
			model_step(w);
		else
			race_step(w);
	}
	return NULL;
}

/* ---- the process ---------------------------------------------------------- */

static void on_alarm(int signal)
{
	(void)signal;
}

void signals_start(struct rng *r)
{
	struct itimerval timer = {
		.it_interval.tv_usec = 500 + below(r, 5000),
		.it_value.tv_usec = 1000,
	};
	struct sigaction action = {
		.sa_handler = on_alarm,
		.sa_flags = one_in(r, 2) ? SA_RESTART : 0,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void space_open(void)
{
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	fz.gpu = svm_gpu(fd, 0);
	if (fz.render <= 0)
		fz.render = render_open(fz.gpu);
	ASSERT_GE(fz.render, 0);
	ASSERT_EQ(svm_acquire(fd, fz.gpu, fz.render), 0);
	fz.fd = SYS(fcntl(fd, F_DUPFD_CLOEXEC, SVM_FD));
	ASSERT_GE(fz.fd, 0);
	close(fd);
	if (fz.mode & MODE_MMAP) {
		struct rocsvm_reserve args = {
			.size = sizeof(args), .aperture = ROCSVM_APERTURE_MMAP,
		};

		ASSERT_EQ(svm_ioctl(fz.fd, ROCSVM_RESERVE, &args), 0);
	}
	ASSERT_EQ(svm_info(fz.fd, &model.info), 0);
}

void arena_init(void)
{
	fz.arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(fz.arena != MAP_FAILED);
}

void child_main(void *arg)
{
	const struct seeded *seeded = arg;
	static struct worker workers[MAX_THREADS];
	pthread_t threads[MAX_THREADS];
	struct rng r = { seeded->seed, NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fz.seed = seeded->seed;
	snprintf(fz.name, sizeof(fz.name), "seed %llu", (unsigned long long)fz.seed);
	fz.mode = fuzz_mode_of(fz.seed);
	fz.steps = seeded->steps;
	fz.trace = seeded->trace;
	fz.room = KNOWN;
	fz.narrow = 1;
	fz.threads = fz.mode & MODE_MODEL ? 1 : 2 + below(&r, MAX_THREADS - 1);
	space_open();
	arena_init();
	for (uint32_t i = 0; i < fz.threads; i++) {
		workers[i].index = i;
		workers[i].rng.state = rnd64(&r);
		zones_init(workers[i].zones, ARRAY_SIZE(workers[i].zones));
	}
	if (fz.mode & MODE_SIGNALS)
		signals_start(&r);
	for (uint32_t i = 1; i < fz.threads; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
	run(&workers[0]);
	for (uint32_t i = 1; i < fz.threads; i++)
		pthread_join(threads[i], NULL);
	if (fz.mode & MODE_MODEL)
		model_end(&workers[0]);
	/* By close() or with the process. */
	if (one_in(&r, 2))
		close(fz.fd);
	fflush(stdout);
	_exit(test_failures ? KSFT_FAIL : KSFT_PASS);
}
