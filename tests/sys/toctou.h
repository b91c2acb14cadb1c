/* SPDX-License-Identifier: MIT */
/*
 * What the tests of values that change between two looks at them share: a
 * thread that changes something while a call is on its way, exactly between the
 * looks, and a neighbour that must not notice.
 *
 * A watchpoint of the caller's is on the value, in the program's memory. Whoever
 * writes there in the caller's context wakes the thread: the module, on the
 * value's way to KFD, and KFD, on its way back. The thread has the caller's CPU
 * and a higher priority, so with preemption inside the kernel it runs there and
 * then, before the value is read.
 */
#ifndef ROCSVM_TESTS_TOCTOU_H
#define ROCSVM_TESTS_TOCTOU_H

#include "reg.h"
#include "window.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>

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

/* ---- preemption inside the kernel --------------------------------------- */

#define PREEMPT "/sys/kernel/debug/sched/preempt"

static char toctou_preempt[16];

static inline void toctou_settings_back(void)
{
	if (*toctou_preempt)
		file_write(PREEMPT, toctou_preempt);
}

/* Where the kernel can be told it is told; the debug kernel is by itself. */
static inline void toctou_settings(void)
{
	char text[128], *mode;

	if (file_read(PREEMPT, text, sizeof(text)) <= 0)
		return;
	mode = strchr(text, '(');
	ASSERT(mode);
	mode[strcspn(mode, ")")] = '\0';
	snprintf(toctou_preempt, sizeof(toctou_preempt), "%s", mode + 1);
	ASSERT_EQ(file_write(PREEMPT, "full"), 0);
}

/* ---- the thread that changes things ------------------------------------- */

struct flipper {
	pthread_t thread;
	void (*flip)(void *arg, uint32_t random);
	void *arg;
	uint32_t seed;
	int watch;		/* readable when the value was written */
	void *ring;		/* what the kernel has to say about it */
	volatile bool in_call, stop;
	volatile unsigned long flips;
	/* Calls that were flipped in, and those of them that failed. */
	unsigned long hit, failed;
};

/* Writes by the calling thread, or by the kernel for it. */
static inline void flipper_watch(struct flipper *f, const void *value,
				 unsigned int size)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W, .bp_addr = (uintptr_t)value,
		.bp_len = size, .sample_period = 1, .wakeup_events = 1,
	};

	f->watch = SYS(syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			       PERF_FLAG_FD_CLOEXEC));
	ASSERT_GE(f->watch, 0);
	/* Not writable: then it is never full. */
	f->ring = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, f->watch, 0);
	ASSERT(f->ring != MAP_FAILED);
}

static inline void *flipper_thread(void *arg)
{
	struct flipper *f = arg;
	struct pollfd p = { .fd = f->watch, .events = POLLIN };
	uint32_t random;

	while (!f->stop) {
		if (SYS(poll(&p, 1, 100)) <= 0 || !f->in_call)
			continue;
		random = rnd(&f->seed);
		/* At times only on the way back, or on the way there. */
		if (random & 1)
			continue;
		f->flip(f->arg, random >> 1);
		f->flips++;
	}
	return NULL;
}

/*
 * From now on @flip(@arg) is called when somebody has written to @value, of
 * @size bytes, in a call of the calling thread. That one gets a CPU of its own
 * with the flipper.
 */
static inline void flipper_start(struct flipper *f,
				 void (*flip)(void *arg, uint32_t random),
				 void *arg, uint32_t seed, const void *value,
				 unsigned int size)
{
	struct sched_param high = { .sched_priority = 10 };
	pthread_attr_t attr;
	cpu_set_t cpus;

	*f = (struct flipper){ .flip = flip, .arg = arg, .seed = seed };
	flipper_watch(f, value, size);
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
	pthread_join(f->thread, NULL);
	munmap(f->ring, 2 * PAGE);
	close(f->watch);
}

static inline void flipper_end(struct flipper *f, unsigned long flips, long result)
{
	f->in_call = false;
	f->hit += f->flips != flips;
	f->failed += f->flips != flips && result < 0;
}

/* Its result, as a long; a failure is counted as one of a flip. */
#define FLIPPED(f, call) ({						\
	unsigned long flips_ = (f)->flips;				\
	long result_;							\
									\
	(f)->in_call = true;						\
	result_ = (call);						\
	flipper_end(f, flips_, result_);				\
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
