// SPDX-License-Identifier: MIT
/*
 * The fuzzer of the ABI, in three ways.
 *
 * usage: fuzz [--seed N] [--count N | --seconds N] [--steps N] [--trace]
 *   starts one child after another, each with a seed from which follows all
 *   that it does (as far as its threads and signals allow)
 *   --seed N      the first child's seed (1); the next one's is one more
 *   --count N     that many children (1)
 *   --seconds N   as many as there is time for
 *   --steps N     steps of each thread (300)
 *   --trace       print each call
 *
 * usage: fuzz --guided --seconds N [--seed N] [--corpus FILE]
 *   makes programs, keeps those that reach what was not reached before, and
 *   makes others of them; starts with those of FILE
 *
 * usage: fuzz --replay FILE [--from N] [--count N]
 *   runs the programs of FILE from the N-th on
 *
 * usage: fuzz --minimize FILE
 *   writes those programs of FILE into the kernel log that reach all that all
 *   of them reach
 *
 * After each child it is looked at what it has left behind.
 */
#include "program.h"

#include <getopt.h>
#include <sys/personality.h>
#include <time.h>

struct tally *tally;

static void run_one(struct seeded *seeded)
{
	uint32_t mode = fuzz_mode_of(seeded->seed);
	char what[128];

	snprintf(what, sizeof(what), "seed %llu (%s)",
		 (unsigned long long)seeded->seed, fuzz_mode_text(mode));
	watch_log("%s", what);
	watch_child(what, child_main, seeded, mode & MODE_KILL);
}

/* ---- the whole ------------------------------------------------------------ */

static struct {
	struct seeded one;
	uint64_t count, seconds, from;
	const char *corpus;
	bool guided, minimize, replay;
} options = { { 1, 300, false }, 0, 0, 1, NULL, false, false, false };

static void summary(uint64_t children)
{
	static const char *const names[] = {
		"INFO", "GPU_INFO", "RESERVE", "ACQUIRE_VM", "ALLOC", "FREE",
		"MAP", "UNMAP", "QUERY", "SET_TAG", "REGISTER", "UNREGISTER",
		"BATCH", "EXPORT", "IMPORT", "SVM_ATTR",
	};
	unsigned long calls = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		say("%-10s %8lu done, %8lu refused", names[i], tally->ok[i],
		    tally->failed[i]);
		calls += tally->ok[i] + tally->failed[i];
	}
	say("%llu children, %lu calls, %lu of KFD's, %lu disturbances, %lu comparisons, %lu reports",
	    (unsigned long long)children, calls, tally->kfd,
	    tally->disturbances, tally->checks, watch_reports());
}

static uint64_t run_seeds(void)
{
	time_t start = time(NULL);
	uint64_t n = 0;

	for (;;) {
		if (options.seconds ? time(NULL) - start >= (time_t)options.seconds :
				      n >= (options.count ?: 1))
			break;
		run_one(&options.one);
		options.one.seed++;
		n++;
		if (watch_useless())
			break;
	}
	return n;
}

static void test(void)
{
	struct guided guided = {
		.corpus = options.corpus, .seed = options.one.seed,
		.seconds = options.seconds, .minimize = options.minimize,
	};
	uint64_t n;

	watch_init();
	if (options.guided || options.minimize)
		n = guided_run(&guided);
	else if (options.replay)
		n = guided_replay(options.corpus, options.from, options.count);
	else
		n = run_seeds();
	/* The runner shows the end of the kernel's log below all this. */
	watch_end();
	summary(n);
	EXPECT_EQ(watch_reports(), 0);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "steps", required_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 'v' },
		{ "guided", no_argument, NULL, 'g' },
		{ "corpus", required_argument, NULL, 'k' },
		{ "replay", required_argument, NULL, 'r' },
		{ "minimize", required_argument, NULL, 'm' },
		{ "from", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	if (argc == 2 && !strcmp(argv[1], "--after-exec"))
		return after_exec();
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's': options.one.seed = strtoull(optarg, NULL, 0); break;
		case 'c': options.count = strtoull(optarg, NULL, 0); break;
		case 't': options.seconds = strtoull(optarg, NULL, 0); break;
		case 'n': options.one.steps = strtoull(optarg, NULL, 0); break;
		case 'v': options.one.trace = true; break;
		case 'g': options.guided = true; break;
		case 'k': options.corpus = optarg; break;
		case 'r': options.corpus = optarg; options.replay = true; break;
		case 'm': options.corpus = optarg; options.minimize = true; break;
		case 'f': options.from = strtoull(optarg, NULL, 0); break;
		default: return 2;
		}
	}
	/* The same addresses in each run, as far as they are mmap()'s. */
	if (!(personality(-1) & ADDR_NO_RANDOMIZE)) {
		personality(personality(-1) | ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
	}
	return test_main(test);
}
