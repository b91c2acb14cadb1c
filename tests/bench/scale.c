// SPDX-License-Identifier: MIT
/*
 * Does a buffer cost more where there are many? With N live ones, one picked at
 * random is freed and allocated anew, one is looked up by an address in it, and
 * one is touched whose page is in no page table: on rocsvm's window the fault goes
 * through the gate. Then what each live buffer costs in VMAs and in slab.
 *
 * Host buffers are of a page each, as many as the guest has memory for; a million
 * are address reservations, which need none and which KFD is not told of.
 *
 * usage: scale [-r REPEATS] [host | addresses | footprint]...
 */
#include "bench.h"

#define WARM_UP 20

static size_t repeats = 101;

static const size_t levels[] = {
	1000, 3000, 10000, 30000, 100000, 300000, 1000000,
};

struct job {
	const struct peer *peer;
	enum kind kind;
	size_t most;
};

struct live {
	const struct job *job;
	struct buffer *bufs;
	size_t count;
	uint32_t random;
};

/* Until there are so many, or no more can be had. */
static bool grow(struct live *live, size_t count)
{
	for (; live->count < count; live->count++) {
		struct buffer *buf = &live->bufs[live->count];

		*buf = (struct buffer){ .kind = live->job->kind, .length = PAGE };
		if (live->job->peer->alloc(buf))
			return false;
	}
	return true;
}

static struct buffer *pick(struct live *live)
{
	return &live->bufs[rnd(&live->random) % live->count];
}

static void record_step(const struct live *live, const char *step, uint64_t *values, size_t n)
{
	char what[64], level[32];

	snprintf(what, sizeof(what), "%s, %s", kind_names[live->job->kind], step);
	snprintf(level, sizeof(level), "%zu", live->count);
	record("scale", what, live->job->peer->name, level, values, n);
}

static void measure_calls(struct live *live)
{
	uint64_t alloc[repeats], free[repeats], query[repeats];
	const struct peer *peer = live->job->peer;
	size_t n = 0;

	for (size_t i = 0; i < WARM_UP + repeats; i++) {
		struct buffer *buf = pick(live), *other = pick(live);
		uint64_t t[4];

		t[0] = ticks();
		ASSERT_EQ(peer->free(buf), 0);
		t[1] = ticks();
		ASSERT_EQ(peer->alloc(buf), 0);
		t[2] = ticks();
		if (peer->query)
			ASSERT_EQ(peer->query(other), 0);
		t[3] = ticks();
		if (i < WARM_UP)
			continue;
		free[n] = t[1] - t[0];
		alloc[n] = t[2] - t[1];
		query[n++] = t[3] - t[2];
	}
	record_step(live, "alloc", alloc, n);
	record_step(live, "free", free, n);
	if (peer->query)
		record_step(live, "query", query, n);
}

/* The page is there, but the page table has lost it. */
static void measure_fault(struct live *live)
{
	uint64_t fault[repeats];

	for (size_t i = 0; i < WARM_UP + repeats; i++) {
		volatile char *page = pick(live)->va;
		uint64_t start;

		ASSERT_EQ(SYS(madvise((void *)page, PAGE, MADV_DONTNEED)), 0);
		start = ticks();
		*page = 1;
		if (i >= WARM_UP)
			fault[i - WARM_UP] = ticks() - start;
		/* KFD looks what has become of the page. */
		usleep(10000);
	}
	record_step(live, "fault", fault, repeats);
}

static void measure(void *arg)
{
	const struct job *job = arg;
	struct live live = {
		.job = job, .bufs = calloc(job->most, sizeof(*live.bufs)), .random = 1,
	};

	ASSERT(live.bufs);
	job->peer->start();
	for (size_t i = 0; i < ARRAY_SIZE(levels) && levels[i] <= job->most; i++) {
		printf("# %s, %s: %zu live\n", job->peer->name, kind_names[job->kind], levels[i]);
		if (!grow(&live, levels[i])) {
			record_one("scale", "most of them", job->peer->name, kind_names[job->kind],
				   live.count);
			return;
		}
		measure_calls(&live);
		if (job->kind == HOST)
			measure_fault(&live);
	}
}

/* ---- what a live buffer takes -------------------------------------------- */

#define LIVE 4000UL

static void measure_footprint(void *arg)
{
	const struct job *job = arg;
	struct live live = { .job = job, .bufs = calloc(2 * LIVE, sizeof(*live.bufs)) };
	const char *name = kind_names[job->kind];
	size_t vmas;
	long slab;

	/* KFD takes the process before this one apart in a worker. */
	sleep(2);
	job->peer->start();
	/* The first ones bring what all of them share. */
	ASSERT(grow(&live, LIVE));
	vmas = maps_count(0);
	slab = meminfo_kb("Slab");
	ASSERT(grow(&live, 2 * LIVE));
	record_one("footprint", name, job->peer->name, "VMAs a buffer",
		   (double)(maps_count(0) - vmas) / LIVE);
	record_one("footprint", name, job->peer->name, "slab bytes",
		   (meminfo_kb("Slab") - slab) * 1024.0 / LIVE);
}

static bool wanted(const char *what, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], what))
			return true;
	return !argc;
}

static const int compared[] = { KFD, LIBHSAKMT, LIBHSAKMT_RESERVED, ROCSVM };

int main(int argc, char **argv)
{
	struct job job;
	int option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option != 'r')
			return 2;
		repeats = strtoul(optarg, NULL, 0);
	}
	argc -= optind;
	argv += optind;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int kind = 0; wanted("footprint", argc, argv) && kind < NUM_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(compared); i++) {
			job = (struct job){ &peers[compared[i]], kind, LIVE };
			EXPECT_EQ(run_child(measure_footprint, &job), 0);
		}
		job = (struct job){ &peer_no_guard, kind, LIVE };
		EXPECT_EQ(run_child(measure_footprint, &job), 0);
	}
	for (size_t i = 0; wanted("host", argc, argv) && i < ARRAY_SIZE(compared); i++) {
		job = (struct job){ &peers[compared[i]], HOST, 100000 };
		EXPECT_EQ(run_child(measure, &job), 0);
	}
	job = (struct job){ &peers[ROCSVM], ADDRESS, 1000000 };
	if (wanted("addresses", argc, argv))
		EXPECT_EQ(run_child(measure, &job), 0);
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
