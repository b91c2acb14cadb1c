// SPDX-License-Identifier: MIT
/*
 * The fuzzer of the ABI: starts one child after another, each with a seed from
 * which follows all that it does (as far as its threads and signals allow), and
 * looks after each at what it has left behind.
 *
 * usage: fuzz [--seed N] [--count N | --seconds N] [--steps N] [--trace]
 *   --seed N      the first child's seed (1); the next one's is one more
 *   --count N     that many children (1)
 *   --seconds N   as many as there is time for
 *   --steps N     steps of each thread (300)
 *   --trace       print each call
 */
#include "fuzz.h"

#include <dirent.h>
#include <getopt.h>
#include <regex.h>
#include <stdarg.h>
#include <sys/personality.h>
#include <time.h>

struct tally *tally;

void report_text(const char *format, ...)
{
	unsigned long n = tally->reports++;
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say("%s", text);
	if (n < ARRAY_SIZE(tally->texts))
		memcpy(tally->texts[n], text, sizeof(text));
}

/* ---- the kernel log ------------------------------------------------------- */

static regex_t bad_line;
static int kernel_log;

/* The runner's patterns, so that a line has the seed that it belongs to. */
static void log_open(void)
{
	static char file[8192], pattern[8192];
	char *line, *rest = file;
	long n = file_read("/etc/log-patterns", file, sizeof(file));

	ASSERT_GT(n, 0);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#')
			continue;
		if (*pattern)
			strcat(pattern, "|");
		strcat(pattern, line);
	}
	ASSERT_EQ(regcomp(&bad_line, pattern, REG_EXTENDED | REG_NOSUB), 0);
	kernel_log = SYS(open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC));
	ASSERT_GE(kernel_log, 0);
	ASSERT_GE(SYS(lseek(kernel_log, 0, SEEK_END)), 0);
}

/* Each record since the last call. */
static void log_scan(uint64_t seed)
{
	char record[4096], *text;
	long n;

	while ((n = SYS(read(kernel_log, record, sizeof(record) - 1))) != -EAGAIN) {
		/* Overwritten before they were read: the runner says so. */
		if (n < 0)
			continue;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || regexec(&bad_line, text + 1, 0, NULL, 0))
			continue;
		report_text("seed %llu: kernel log: %s", (unsigned long long)seed, text + 1);
	}
}

/* ---- children ------------------------------------------------------------- */

/* Where each thread of a process is in the kernel. */
static void show_stacks(pid_t pid)
{
	char path[64], text[4096];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stack", pid,
			 entry->d_name);
		if (file_read(path, text, sizeof(text)) > 0)
			say("%s:\n%s", path, text);
	}
	if (dir)
		closedir(dir);
}

/* Wait for as long as it gets on; its wait status, or -1. */
static int wait_for(pid_t pid, uint32_t patience)
{
	unsigned long seen = tally->steps;
	time_t since = time(NULL);
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (tally->steps != seen) {
			seen = tally->steps;
			since = time(NULL);
		} else if (time(NULL) - since > patience) {
			return -1;
		}
		usleep(20000);
	}
	return status;
}

static void run_one(uint64_t seed, uint32_t steps, bool trace)
{
	uint32_t mode = fuzz_mode_of(seed), patience = scaled(60, 200);
	char line[128];
	int status;
	pid_t pid;

	snprintf(line, sizeof(line), "fuzz: seed %llu, %s\n",
		 (unsigned long long)seed, fuzz_mode_text(mode));
	if (write(kernel_log, line, strlen(line)) < 0)
		say("%s", line);
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		child_main(seed, steps, trace);

	status = wait_for(pid, patience);
	if (status < 0) {
		report_text("seed %llu (%s) hangs", (unsigned long long)seed,
		    fuzz_mode_text(mode));
		show_stacks(pid);
		kill(pid, SIGKILL);
		status = wait_for(pid, patience);
		if (status < 0) {
			say("seed %llu can't be killed", (unsigned long long)seed);
			test_die();
		}
	}
	if (status && !((mode & MODE_KILL) && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGKILL)) {
		report_text("seed %llu (%s) ended with status %#x",
		    (unsigned long long)seed, fuzz_mode_text(mode), status);
	}
	if (!svm_all_gone()) {
		report_text("seed %llu (%s) left %llu spaces and %llu buffers behind",
		    (unsigned long long)seed, fuzz_mode_text(mode),
		    (unsigned long long)svm_counter("spaces"),
		    (unsigned long long)svm_counter("buffers"));
	}
	log_scan(seed);
}

/* ---- the whole ------------------------------------------------------------ */

static struct {
	uint64_t seed, count, seconds, steps;
	bool trace;
} options = { 1, 1, 0, 300, false };

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
	    tally->disturbances, tally->checks, tally->reports);
}

static void test(void)
{
	time_t start = time(NULL);
	uint64_t n = 0;

	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(tally != MAP_FAILED);
	log_open();
	for (;;) {
		if (options.seconds ? time(NULL) - start >= (time_t)options.seconds :
				      n >= options.count)
			break;
		run_one(options.seed + n++, options.steps, options.trace);
		/* More would only hide the first ones. */
		if (tally->reports > 20)
			break;
	}
	/* The runner shows the end of the kernel's log below all this. */
	for (size_t i = 0; i < ARRAY_SIZE(tally->texts); i++)
		if (*tally->texts[i])
			dprintf(kernel_log, "fuzz: found: %s\n", tally->texts[i]);
	summary(n);
	EXPECT_EQ(tally->reports, 0);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "steps", required_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 's': options.seed = strtoull(optarg, NULL, 0); break;
		case 'c': options.count = strtoull(optarg, NULL, 0); break;
		case 't': options.seconds = strtoull(optarg, NULL, 0); break;
		case 'n': options.steps = strtoull(optarg, NULL, 0); break;
		case 'v': options.trace = true; break;
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
