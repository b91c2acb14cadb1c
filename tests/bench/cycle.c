// SPDX-License-Identifier: MIT
/*
 * What does a buffer cost? One cycle is ALLOC, MAP, UNMAP and FREE of 64 KiB. And
 * what does it cost to make a call of KFD's through /dev/rocsvm? Last, how many
 * system calls a cycle makes, counted by a tracer.
 *
 * usage: cycle [-r REPEATS] [KIND...]     KIND is host, GTT, VRAM or "private VRAM"
 */
#include "bench.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>

#define LENGTH		KiB(64)
#define WARM_UP		20
#define TRACED		8

/* A tick of the guest's, by which it has been idle, is four times as much. */
#define WAITED		1000000

enum { ALLOC, MAP, UNMAP, FREE, TOTAL, NUM_STEPS };

static const char * const step_names[NUM_STEPS] = {
	"alloc", "map", "unmap", "free", "cycle",
};

static size_t repeats = 101;

struct job {
	const struct peer *peer;
	enum kind kind;
};

static void cycle(const struct peer *peer, enum kind kind, uint64_t took[NUM_STEPS])
{
	struct buffer buf = { .kind = kind, .length = LENGTH };
	uint64_t t[NUM_STEPS];
	int err;

	t[ALLOC] = ticks();
	err = peer->alloc(&buf);
	t[MAP] = ticks();
	err = err ? err : peer->map(&buf);
	t[UNMAP] = ticks();
	err = err ? err : peer->unmap(&buf);
	t[FREE] = ticks();
	err = err ? err : peer->free(&buf);
	t[TOTAL] = ticks();
	ASSERT_EQ(err, 0);
	for (int i = 0; i < TOTAL; i++)
		took[i] = t[i + 1] - t[i];
	took[TOTAL] = t[TOTAL] - t[ALLOC];
}

static void measure(void *arg)
{
	const struct job *job = arg;
	uint64_t took[NUM_STEPS][repeats], one[NUM_STEPS];
	size_t again = 0;

	job->peer->start();
	for (int i = 0; i < WARM_UP; i++)
		cycle(job->peer, job->kind, one);
	for (size_t i = 0; i < repeats; i++) {
		/* VRAM is cleared meanwhile, and MAP may wait for the GPU. */
		do {
			mark(job->peer - peers + 1);
			cycle(job->peer, job->kind, one);
			mark(0);
		} while (one[TOTAL] > WAITED && again++ < 20 * repeats);
		for (int step = 0; step < NUM_STEPS; step++)
			took[step][i] = one[step];
	}
	for (int step = 0; step < NUM_STEPS; step++)
		record("cycle", kind_names[job->kind], job->peer->name, step_names[step],
		       took[step], repeats);
}

/* ---- calls that are handed on ------------------------------------------- */

static void measure_forward(void *arg)
{
	const struct peer *peer = arg;
	uint64_t version[repeats], clock[repeats];
	int fd;

	peer->start();
	fd = peer->fd();
	for (size_t i = 0; i < repeats; i++) {
		struct kfd_ioctl_get_version_args args;
		uint64_t start = ticks();

		ioctl(fd, AMDKFD_IOC_GET_VERSION, &args);
		version[i] = ticks() - start;
		ASSERT_EQ(args.major_version, KFD_IOCTL_MAJOR_VERSION);
	}
	for (size_t i = 0; i < repeats; i++) {
		struct kfd_ioctl_get_process_apertures_new_args args = { 0 };
		uint64_t start = ticks();

		ioctl(fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args);
		clock[i] = ticks() - start;
		ASSERT_EQ(args.num_of_nodes, 1);
	}
	record("forward", "GET_VERSION", peer->name, "call", version, repeats);
	record("forward", "GET_PROCESS_APERTURES_NEW", peer->name, "call", clock, repeats);
}

/* ---- system calls ------------------------------------------------------- */

static void traced(void *arg)
{
	const struct job *job = arg;
	uint64_t took[NUM_STEPS];

	job->peer->start();
	for (int i = 0; i < WARM_UP; i++)
		cycle(job->peer, job->kind, took);
	ASSERT_EQ(SYS(ptrace(PTRACE_TRACEME, 0, 0, 0)), 0);
	raise(SIGSTOP);
	for (int i = 0; i < TRACED; i++)
		cycle(job->peer, job->kind, took);
	/* The mark of the end. */
	syscall(SYS_getppid);
	while (true)
		pause();
}

static void count_system_calls(struct job *job)
{
	pid_t pid = child_start(traced, job);
	unsigned long count = 0;
	int status;

	ASSERT_EQ(waitpid(pid, &status, WUNTRACED), pid);
	ASSERT(WIFSTOPPED(status));
	ASSERT_EQ(SYS(ptrace(PTRACE_SETOPTIONS, pid, 0,
			     PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)), 0);
	while (true) {
		struct __ptrace_syscall_info info;

		ASSERT_EQ(SYS(ptrace(PTRACE_SYSCALL, pid, 0, 0)), 0);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		ASSERT(WIFSTOPPED(status));
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		ASSERT_GT(SYS(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info)), 0);
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == SYS_getppid)
			break;
		count++;
	}
	kill(pid, SIGKILL);
	child_wait(pid);
	record_one("cycle", kind_names[job->kind], job->peer->name, "system calls",
		   (double)count / TRACED);
}

static void compare(enum kind kind)
{
	for (int i = 0; i < NUM_PEERS; i++) {
		struct job job = { &peers[i], kind };

		EXPECT_EQ(run_child(measure, &job), 0);
		count_system_calls(&job);
	}
}

static bool wanted(enum kind kind, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], kind_names[kind]))
			return true;
	return !argc;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option != 'r')
			return 2;
		repeats = strtoul(optarg, NULL, 0);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	EXPECT_EQ(run_child(measure_forward, (void *)&peers[KFD]), 0);
	EXPECT_EQ(run_child(measure_forward, (void *)&peers[ROCSVM]), 0);
	for (int kind = 0; kind < NUM_KINDS; kind++)
		if (wanted(kind, argc - optind, argv + optind))
			compare(kind);
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
