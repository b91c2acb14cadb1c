/* SPDX-License-Identifier: MIT */
/*
 * What the tests of very many live objects share: making them, and ending them
 * in each way there is, while the kernel watches for a CPU that nobody else
 * gets.
 */
#ifndef ROCSVM_TESTS_LIMIT_MANY_H
#define ROCSVM_TESTS_LIMIT_MANY_H

#include "batch.h"
#include "limit.h"

/* Most that one BATCH takes. */
#define MANY_BATCH 65536U

/* A lockup is what lasts for twice as long. */
#define MANY_WATCHDOG_S "4"

/* How many of each sort. */
struct many {
	unsigned long reservations, hosts, registrations;
	/* Made by the child before it is ended. */
	struct sync ready;
};

static inline void many_watch(void)
{
	ASSERT_EQ(knob_set("/proc/sys/kernel/watchdog_thresh", MANY_WATCHDOG_S), 0);
	ASSERT_EQ(file_u64("/proc/sys/kernel/soft_watchdog"), 1);
}

static inline void many_alloc(struct batch *b, uint32_t kind, unsigned long n)
{
	while (n) {
		uint32_t room = n < b->room ? n : b->room, done = 0;

		b->count = 0;
		for (uint32_t i = 0; i < room; i++)
			batch_alloc(b, kind, 0, PAGE);
		ASSERT_EQ(batch_run(b, 0, &done), 0);
		ASSERT_EQ(done, room);
		n -= room;
	}
}

/* All of them, in a space that is opened for it. */
static inline int many_make(const struct many *m)
{
	unsigned long buffers = m->reservations + m->hosts;
	struct rocsvm_info info;
	long slab = meminfo_kb("SUnreclaim");
	int fd = window_start();
	struct batch b;
	char *memory;

	batch_open(&b, fd, MANY_BATCH);
	many_alloc(&b, ROCSVM_KIND_ADDRESS, m->reservations);
	many_alloc(&b, ROCSVM_KIND_HOST, m->hosts);
	batch_close(&b);
	if (m->registrations) {
		memory = own_private(2 * m->registrations * PAGE);
		for (unsigned long i = 0; i < m->registrations; i++)
			ASSERT_EQ(reg_add(fd, memory + 2 * i * PAGE, PAGE), 0);
	}
	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_EQ(info.num_buffers, buffers);
	ASSERT_EQ(info.num_registrations, m->registrations);
	EXPECT_EQ(limit_usage("buffers"), buffers);
	EXPECT_EQ(limit_usage("registrations"), 2 * m->registrations);
	say("%lu reservations, %lu host buffers, %lu registrations: %ld kB of kernel memory",
	    m->reservations, m->hosts, m->registrations,
	    meminfo_kb("SUnreclaim") - slab);
	fflush(stdout);
	return fd;
}

static inline void many_wait(void *arg)
{
	struct many *m = arg;

	many_make(m);
	sync_post(&m->ready);
	for (;;)
		pause();
}

/* By the death of the process, and of all of its memory. */
static inline void many_kill(struct many *m)
{
	pid_t pid;
	char c;

	sync_init(&m->ready);
	pid = child_start(many_wait, m);
	/* For as long as it takes: with an end, if the child fails. */
	close(m->ready.fd[1]);
	ASSERT_EQ(read(m->ready.fd[0], &c, 1), 1);
	close(m->ready.fd[0]);
	ASSERT_EQ(SYS(kill(pid, SIGKILL)), 0);
	EXPECT_EQ(WTERMSIG(child_wait(pid)), SIGKILL);
}

/* By an exec, which ends the memory and not the process. */
static inline void many_exec_child(void *arg)
{
	many_make(arg);
	execl("/bin/true", "true", NULL);
	test_die();
}

static inline void many_exec(struct many *m)
{
	EXPECT_EQ(run_child(many_exec_child, m), 0);
}

/* By the last close, which asks KFD for each. */
static inline void many_close(void *arg)
{
	int fd = many_make(arg);

	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(limit_usage("buffers"), 0);
	EXPECT_EQ(limit_usage("registrations"), 0);
}

/* By FREE, in batches, found by QUERY. */
static inline void many_free(void *arg)
{
	struct rocsvm_query q = { .flags = ROCSVM_QUERY_NEXT };
	int fd = many_make(arg);
	struct batch b;
	uint32_t done;

	batch_open(&b, fd, MANY_BATCH);
	while (!svm_query(fd, &q) && q.kind != ROCSVM_KIND_REGISTERED) {
		batch_free(&b, q.va);
		if (b.count == b.room) {
			done = 0;
			ASSERT_EQ(batch_run(&b, 0, &done), 0);
			b.count = 0;
		}
		q = (struct rocsvm_query){
			.flags = ROCSVM_QUERY_NEXT, .va = q.va + q.length,
		};
	}
	done = 0;
	ASSERT_EQ(batch_run(&b, 0, &done), 0);
	EXPECT_EQ(limit_usage("buffers"), 0);
	batch_close(&b);
	close(fd);
}

/* Nothing is left, and no CPU was stuck. */
static inline void many_expect_gone(int log)
{
	EXPECT(svm_all_gone());
	EXPECT_EQ(limit_usage("buffers"), 0);
	EXPECT_EQ(limit_usage("registrations"), 0);
	/* A stall that RCU has seen is found by the runner. */
	EXPECT_EQ(klog_count(log, "lockup"), 0);
}

#endif /* ROCSVM_TESTS_LIMIT_MANY_H */
