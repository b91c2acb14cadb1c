// SPDX-License-Identifier: MIT
/*
 * What does it cost to reserve the range, and does it matter what is in the way?
 * The program's own mappings are put where the range would go, then it is opened:
 * /dev/rocsvm, whose open(2) opens KFD and reserves; KFD alone; and libhsakmt, with
 * and without its own reservation, as what it does besides costs far more. A start
 * that has not ended after LIMIT_S guest seconds, under icount as many thousand
 * million instructions, is given up.
 *
 * usage: open [COUNT...]     how many mappings; default 0 1000 30000
 */
#include "bench.h"

#include <sys/time.h>

#define REPEATS	5
#define SPACING	MiB(64)
#define WHAT	"by mappings in the way"
#define LIMIT_S	3
#define LONG	1000000000

#if defined(__SANITIZE_ADDRESS__)
#define BINARY "ASan, "
#else
#define BINARY ""
#endif

static int node;

static void node_start(void)
{
	node = svm_open();
	ASSERT_GE(node, 0);
}

static void kfd_node_start(void)
{
	node = kfd_open();
}

struct job {
	const struct peer *peer;
	unsigned long count;	/* mappings in the way, 0 for none */
	uint64_t where;		/* of the first of them */
	int report;		/* pipe that is told what was seen */
	unsigned int mark;
};

/* Where is the largest mapping that start() makes, if any is large? */
static void find_range(void *arg)
{
	static struct vma before[4096], after[4096];
	const struct job *job = arg;
	size_t n = maps_read(0, 0, -PAGE, before, ARRAY_SIZE(before)), m;
	uint64_t largest = GiB(4), where = 0;

	job->peer->start();
	m = maps_read(0, 0, -PAGE, after, ARRAY_SIZE(after));
	ASSERT_LT(n, ARRAY_SIZE(before));
	ASSERT_LT(m, ARRAY_SIZE(after));
	for (size_t i = 0; i < m; i++) {
		bool old = false;

		for (size_t j = 0; j < n && !old; j++)
			old = after[i].start == before[j].start;
		if (!old && after[i].end - after[i].start > largest) {
			largest = after[i].end - after[i].start;
			where = after[i].start;
		}
	}
	ASSERT_EQ(write(job->report, &where, sizeof(where)), sizeof(where));
}

static void block(uint64_t base, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		char *at = (char *)base + i * SPACING;

		/* Two beside each other would be one, were they alike. */
		if (mmap(at, PAGE, i & 1 ? PROT_READ : PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE,
			 -1, 0) != at)
			ASSERT_EQ(errno, EEXIST);
	}
}

static void start_once(void *arg)
{
	static const struct itimerval limit = { .it_value.tv_sec = LIMIT_S };
	const struct job *job = arg;
	uint64_t took;

	block(job->where, job->count);
	ASSERT_EQ(setitimer(ITIMER_REAL, &limit, NULL), 0);
	mark(job->mark);
	took = ticks();
	job->peer->start();
	took = ticks() - took;
	mark(0);
	ASSERT_EQ(write(job->report, &took, sizeof(took)), sizeof(took));
}

/* Run it in a child: what it reports, or 0 if the child was ended. */
static uint64_t ask(void (*fn)(void *arg), struct job *job)
{
	int pipes[2], status;
	uint64_t answer = 0;

	ASSERT_EQ(pipe(pipes), 0);
	job->report = pipes[1];
	status = run_child(fn, job);
	close(pipes[1]);
	if (!status)
		ASSERT_EQ(read(pipes[0], &answer, sizeof(answer)), sizeof(answer));
	else
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	close(pipes[0]);
	return answer;
}

static void measure(struct job *job)
{
	uint64_t took[REPEATS];
	size_t n = 0;
	char name[64];

	snprintf(name, sizeof(name), BINARY "%lu", job->count);
	printf("# %s, %s in the way\n", job->peer->name, name);
	/* What takes so long need not be repeated. */
	do {
		took[n] = ask(start_once, job);
		if (!took[n]) {
			record_text("open", WHAT, job->peer->name, name, "> 3e9");
			return;
		}
	} while (took[n++] < LONG && n < REPEATS);
	record("open", WHAT, job->peer->name, name, took, n);
}

int main(int argc, char **argv)
{
	static char *defaults[] = { "0", "1000", "30000", NULL };
	static const struct peer open_node = { .name = "rocsvm", .start = node_start };
	static const struct peer open_kfd = { .name = "KFD", .start = kfd_node_start };
	const struct peer *compared[] = {
		&open_kfd, &open_node, &peers[LIBHSAKMT], &peers[LIBHSAKMT_RESERVED],
	};
	/* As those of the same peers in cycle.c. */
	static const unsigned int marks[] = {
		KFD + 1, ROCSVM_AT_ONCE + 1, LIBHSAKMT + 1, LIBHSAKMT_RESERVED + 1,
	};
	char **counts = argc > 1 ? argv + 1 : defaults;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(compared); i++) {
		struct job job = { .peer = compared[i], .mark = marks[i] };
		uint64_t where = 0;

		for (char **count = counts; *count; count++) {
			job.count = strtoul(*count, NULL, 0);
			/* Without a range of its own, in rocsvm's place. */
			if (job.count && !where)
				where = ask(find_range, &job);
			job.where = where ? where : TiB(64);
			measure(&job);
		}
	}
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
