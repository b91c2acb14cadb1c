/* SPDX-License-Identifier: MIT */
/*
 * What the tests of values that change between two looks at them share: a
 * thread that changes something while a call is on its way, wider windows for
 * it, and a neighbour that must not notice.
 *
 * The thread has the caller's CPU and a higher priority, and a timer wakes it at
 * a random time during the call: with preemption inside the kernel it runs
 * there and then. A probe with a stack trace at the begin and at the end of
 * KFD's ioctl makes the time long that arguments spend in the program's memory,
 * on their way to KFD and back.
 */
#ifndef ROCSVM_TESTS_TOCTOU_H
#define ROCSVM_TESTS_TOCTOU_H

#include "reg.h"
#include "window.h"

#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

/* ---- the neighbour ------------------------------------------------------ */

static struct sync neighbour_ready, neighbour_over;
/* Shared memory: how many rounds of calls he has done. */
static volatile unsigned long *neighbour_rounds;
static pid_t neighbour_pid;

struct possession {
	uint32_t kind;
	enum place place;
	char *va;
};

#define POSSESSION KiB(64)

static inline void neighbour_look(struct reg *r, struct possession *all,
				  size_t count)
{
	struct identity seen;

	for (size_t i = 0; i < count; i++) {
		EXPECT_EQ(pattern_differs(all[i].va, POSSESSION, 50 + i), -1);
		EXPECT_EQ(identity_check(&r->pt, "a neighbour's", all[i].va,
					 POSSESSION, all[i].place, &seen), 0);
		pattern_fill(all[i].va, POSSESSION, 50 + i);
	}
}

/* Everything that needs KFD; each call a success. */
static inline void neighbour_round(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++) {
		char *va = svm_alloc(fd, cpu_kinds[i], POSSESSION);

		EXPECT_EQ(svm_map_all(fd, va), 0);
		EXPECT_EQ(find_not(va, 0, POSSESSION), -1);
		*va = 1;
		EXPECT_EQ(svm_unmap_all(fd, va), 0);
		EXPECT_EQ(svm_free(fd, va), 0);
	}
	EXPECT(svm_counter("spaces") > 0);
	++*neighbour_rounds;
}

static inline void neighbour(void *unused)
{
	struct possession all[] = {
		{ ROCSVM_KIND_HOST, PLACE_HOST, NULL },
		{ ROCSVM_KIND_GTT, PLACE_GTT, NULL },
		{ ROCSVM_KIND_VRAM, PLACE_VRAM, NULL },
	};
	struct pollfd over = { .fd = neighbour_over.fd[0], .events = POLLIN };
	struct reg r;

	(void)unused;
	reg_open(&r);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		all[i].va = svm_alloc(r.fd, all[i].kind, POSSESSION);
		ASSERT_EQ(svm_map_all(r.fd, all[i].va), 0);
		pattern_fill(all[i].va, POSSESSION, 50 + i);
	}
	neighbour_look(&r, all, ARRAY_SIZE(all));
	sync_post(&neighbour_ready);
	while (!poll(&over, 1, scaled(20, 2000)))
		neighbour_round(r.fd);
	neighbour_look(&r, all, ARRAY_SIZE(all));
	reg_close(&r);
}

static inline void neighbour_start(void)
{
	neighbour_rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(neighbour_rounds != MAP_FAILED);
	sync_init(&neighbour_ready);
	sync_init(&neighbour_over);
	neighbour_pid = child_start(neighbour, NULL);
	sync_wait(&neighbour_ready);
}

/* He gets on with his work, whatever else is going on. */
static inline void neighbour_progress(const char *what)
{
	unsigned long before = *neighbour_rounds;

	if (EVENTUALLY(*neighbour_rounds >= before + 2, 60000))
		return;
	say("the neighbour hangs: %s", what);
	test_failures++;
}

static inline void neighbour_end(void)
{
	sync_post(&neighbour_over);
	EXPECT_EQ(child_wait(neighbour_pid), 0);
	say("the neighbour did %lu rounds", *neighbour_rounds);
	EXPECT_GT(*neighbour_rounds, 0);
}

/* ---- preemption inside the kernel, and slow ways ------------------------ */

#define PREEMPT "/sys/kernel/debug/sched/preempt"
#define TOCTOU_TRACE "/sys/kernel/tracing/instances/rocsvm_toctou"
#define TOCTOU_EVENTS "/sys/kernel/tracing/kprobe_events"

/* The more probes in one place, the longer it takes. */
#define TOCTOU_PROBES 6

static char toctou_preempt[16];

static inline int toctou_command(const char *format, int i)
{
	int fd = open(TOCTOU_EVENTS, O_WRONLY | O_APPEND | O_CLOEXEC);
	char text[96];
	long r;

	snprintf(text, sizeof(text), format, i);
	r = fd < 0 ? -errno : SYS(write(fd, text, strlen(text)));
	if (fd >= 0)
		close(fd);
	return r < 0 ? r : 0;
}

static inline void toctou_settings_back(void)
{
	file_write(TOCTOU_TRACE "/events/rocsvm_toctou/enable", "0");
	rmdir(TOCTOU_TRACE);
	for (int i = 0; i < TOCTOU_PROBES; i++) {
		toctou_command("-:rocsvm_toctou/enter%d", i);
		toctou_command("-:rocsvm_toctou/leave%d", i);
	}
	if (*toctou_preempt)
		file_write(PREEMPT, toctou_preempt);
}

/*
 * Where the kernel can be told it is told to be preemptible everywhere; the
 * debug kernel is by itself.
 */
static inline void toctou_settings(void)
{
	char text[128], *mode;

	if (file_read(PREEMPT, text, sizeof(text)) > 0) {
		mode = strchr(text, '(');
		ASSERT(mode);
		mode[strcspn(mode, ")")] = '\0';
		snprintf(toctou_preempt, sizeof(toctou_preempt), "%s", mode + 1);
		ASSERT_EQ(file_write(PREEMPT, "full"), 0);
	}
	for (unsigned long i = 0; i < scaled(1, TOCTOU_PROBES); i++) {
		ASSERT_EQ(toctou_command("p:rocsvm_toctou/enter%d amdgpu:kfd_ioctl",
					 i), 0);
		ASSERT_EQ(toctou_command("r:rocsvm_toctou/leave%d amdgpu:kfd_ioctl",
					 i), 0);
	}
	ASSERT_EQ(SYS(mkdir(TOCTOU_TRACE, 0700)), 0);
	ASSERT_EQ(file_write(TOCTOU_TRACE "/options/stacktrace", "1"), 0);
	ASSERT_EQ(file_write(TOCTOU_TRACE "/events/rocsvm_toctou/enable", "1"), 0);
}

/* ---- the thread that changes things ------------------------------------- */

struct flipper {
	pthread_t thread;
	void (*flip)(void *arg, uint32_t random);
	void *arg;
	uint32_t seed;
	int timer;
	/* How long a call takes, in ns: learnt by watching. */
	uint64_t span;
	volatile bool in_call, stop;
	volatile unsigned long flips;
	/* Calls that were flipped in, and those of them that failed. */
	unsigned long hit, failed;
};

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* After @ns, and then each @again; 0: never. */
static inline void flipper_set(struct flipper *f, uint64_t ns, uint64_t again)
{
	struct itimerspec when = {
		.it_value = { ns / 1000000000, ns % 1000000000 },
		.it_interval = { 0, again },
	};

	ASSERT_EQ(timerfd_settime(f->timer, 0, &when, NULL), 0);
}

static inline void *flipper_thread(void *arg)
{
	struct flipper *f = arg;
	uint64_t ticks;

	while (SYS(read(f->timer, &ticks, sizeof(ticks))) > 0 && !f->stop) {
		if (!f->in_call)
			continue;
		f->flip(f->arg, rnd(&f->seed));
		f->flips++;
	}
	return NULL;
}

/* The calling thread gets a CPU of its own with the flipper. */
static inline void flipper_start(struct flipper *f,
				 void (*flip)(void *arg, uint32_t random),
				 void *arg, uint32_t seed)
{
	struct sched_param high = { .sched_priority = 10 };
	pthread_attr_t attr;
	cpu_set_t cpus;

	*f = (struct flipper){
		.flip = flip, .arg = arg, .seed = seed, .span = 1000000,
	};
	f->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	ASSERT_GE(f->timer, 0);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(SYS(sched_setaffinity(0, sizeof(cpus), &cpus)), 0);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &high);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	ASSERT_EQ(pthread_create(&f->thread, &attr, flipper_thread, f), 0);
}

static inline void flipper_stop(struct flipper *f)
{
	f->stop = true;
	flipper_set(f, 1, 0);
	pthread_join(f->thread, NULL);
	close(f->timer);
}

/*
 * Begin a call that is flipped in: once, at a random time, or over and over, so
 * that it is hit several times on its way.
 */
static inline void flipper_begin(struct flipper *f)
{
	if (rnd(&f->seed) & 1)
		flipper_set(f, 1 + rnd(&f->seed) % f->span, 0);
	else
		flipper_set(f, 1 + rnd(&f->seed) % 100000,
			    20000 + rnd(&f->seed) % 200000);
	f->in_call = true;
}

static inline void flipper_end(struct flipper *f, uint64_t begin,
			       unsigned long flips, long result)
{
	f->in_call = false;
	flipper_set(f, 0, 0);
	/* A moving average of what it has taken. */
	f->span = (f->span * 15 + (now_ns() - begin)) / 16 + 1;
	f->hit += f->flips != flips;
	f->failed += f->flips != flips && result < 0;
}

/* Its result, as a long; a failure is counted as one of a flip. */
#define FLIPPED(f, call) ({						\
	unsigned long flips_ = (f)->flips;				\
	uint64_t begin_ = now_ns();					\
	long result_;							\
									\
	flipper_begin(f);						\
	result_ = (call);						\
	flipper_end(f, begin_, flips_, result_);			\
	result_;							\
})

/* ---- the test ----------------------------------------------------------- */

static uint64_t toctou_available;

/* Run an attacker: nothing of him is left when he is gone. */
static inline void toctou_attacker(const char *what, void (*fn)(void *), void *arg)
{
	unsigned long before = *neighbour_rounds;

	EXPECT_EQ(run_child_bounded(fn, arg, 120), 0);
	EXPECT(EVENTUALLY(svm_counter("spaces") == 1, 20000));
	/* Whatever the attacker has done, the neighbour was not held up. */
	if (*neighbour_rounds == before)
		neighbour_progress(what);
}

/* VRAM as it was before the neighbour came; run @test beside him. */
static inline void toctou_beside(void (*test)(void))
{
	int fd = window_start(), kfd;
	uint32_t gpu = svm_gpu(fd, 0);

	close(fd);
	kfd = kfd_open();
	toctou_available = kfd_available(kfd, gpu);
	neighbour_start();
	test();
	neighbour_end();
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu) == toctou_available, 20000));
	close(kfd);
}

#endif /* ROCSVM_TESTS_TOCTOU_H */
