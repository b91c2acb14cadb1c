// SPDX-License-Identifier: MIT
/*
 * The parent: collects reports, reads the kernel log, starts a child, waits for
 * it and looks at what it has left behind.
 */
#include "fuzz.h"

#include <dirent.h>
#include <regex.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <time.h>

/* ---- reports -------------------------------------------------------------- */

#define REPORT_FDS 210		/* out of the way of those that come and go */
#define REPORT_LENGTH 512

/*
 * From children to the parent, each in one piece: a child may be killed at any
 * time, and its wild pointers reach whatever memory it has.
 */
static int report_pipe[2];
static pid_t parent;
static unsigned long reports;
static char first_reports[6][REPORT_LENGTH];

static void report_count(const char *text)
{
	say("%s", text);
	watch_log("report: %s", text);
	if (reports < ARRAY_SIZE(first_reports))
		strcpy(first_reports[reports], text);
	reports++;
}

void report_text(const char *format, ...)
{
	char text[REPORT_LENGTH];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (getpid() == parent)
		report_count(text);
	else if (write(report_pipe[1], text, sizeof(text)) != sizeof(text))
		say("one more: %s", text);
}

static void reports_collect(void)
{
	char text[REPORT_LENGTH];

	while (read(report_pipe[0], text, sizeof(text)) == sizeof(text)) {
		text[sizeof(text) - 1] = '\0';
		report_count(text);
	}
}

unsigned long watch_reports(void)
{
	return reports;
}

/* ---- the kernel log ------------------------------------------------------- */

static regex_t bad_line;
static int kernel_log;
static bool log_bad;

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

/*
 * Data races of the kernel's other parts are none of ours, and only the runner
 * can tell, who has the whole report.
 */
static bool is_for_runner(const char *text)
{
	return !strncmp(text, "fuzz: ", 6) || !strncmp(text, "BUG: KCSAN: ", 12);
}

/* Each record since the last call. */
static void log_scan(const char *what)
{
	char record[4096], *text;
	long n;

	while ((n = SYS(read(kernel_log, record, sizeof(record) - 1))) != -EAGAIN) {
		/* Overwritten before they were read: the runner says so. */
		if (n < 0)
			continue;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || is_for_runner(text + 1) ||
		    regexec(&bad_line, text + 1, 0, NULL, 0))
			continue;
		log_bad = true;
		report_text("%s: kernel log: %s", what, text + 1);
	}
}

bool watch_useless(void)
{
	return log_bad || reports > 20;
}

void watch_log(const char *format, ...)
{
	char line[960] = "fuzz: ";
	va_list ap;
	size_t n;

	va_start(ap, format);
	vsnprintf(line + 6, sizeof(line) - 7, format, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	if (write(kernel_log, line, n) < 0)
		say("%s", line);
}

void watch_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(first_reports); i++)
		if (*first_reports[i])
			watch_log("found: %s", first_reports[i]);
}

void watch_init(void)
{
	int fd[2];

	parent = getpid();
	ASSERT_EQ(SYS(pipe2(fd, O_NONBLOCK | O_CLOEXEC)), 0);
	for (int i = 0; i < 2; i++) {
		report_pipe[i] = SYS(fcntl(fd[i], F_DUPFD_CLOEXEC, REPORT_FDS));
		ASSERT_GE(report_pipe[i], 0);
		close(fd[i]);
	}
	log_open();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(tally != MAP_FAILED);
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
static int wait_for(pid_t pid)
{
	uint32_t patience = scaled(60, 200);
	unsigned long seen = tally->steps;
	time_t since = time(NULL);
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		reports_collect();
		if (tally->steps != seen) {
			seen = tally->steps;
			since = time(NULL);
		} else if (time(NULL) - since > patience) {
			return -1;
		}
		usleep(2000);
	}
	return status;
}

bool watch_child(const char *what, void (*main)(void *), void *arg, bool killed)
{
	unsigned long before = reports;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		main(arg);
	}
	status = wait_for(pid);
	if (status < 0) {
		report_text("%s hangs", what);
		show_stacks(pid);
		kill(pid, SIGKILL);
		status = wait_for(pid);
		if (status < 0) {
			say("%s can't be killed", what);
			test_die();
		}
	}
	reports_collect();
	if (status && !(killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		report_text("%s ended with status %#x", what, status);
	if (!svm_all_gone())
		report_text("%s left %llu spaces and %llu buffers behind", what,
			    (unsigned long long)svm_counter("spaces"),
			    (unsigned long long)svm_counter("buffers"));
	log_scan(what);
	return reports == before;
}
