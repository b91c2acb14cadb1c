// SPDX-License-Identifier: MIT
/*
 * kill -9 in the middle of the allocation of a large host buffer ends the
 * process there and then: the rest of the buffer is not filled first, and what
 * was filled is given back.
 */
#include "window.h"

static struct sync begun;
static uint64_t length;

static void victim(void *unused)
{
	struct window w = window_open();
	void *va;

	(void)unused;
	sync_post(&begun);
	svm_try_alloc(w.fd, ROCSVM_KIND_HOST, length, &va);
	say("too fast for the test: the buffer was complete");
	exit(2);
}

/* Kill when part of the buffer is there; its highest amount afterwards. */
static bool one(void)
{
	long before = shmem_kb(), total = length >> 10, at_kill, peak;
	int status = 0;
	pid_t pid;

	sync_init(&begun);
	pid = child_start(victim, NULL);
	sync_wait(&begun);
	do {
		at_kill = meminfo_kb("Shmem") - before;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return false;
		usleep(500);
	} while (at_kill < total / 16);
	kill(pid, SIGKILL);
	peak = at_kill;
	while (waitpid(pid, &status, WNOHANG) != pid) {
		long now = meminfo_kb("Shmem") - before;

		if (now > peak)
			peak = now;
		usleep(500);
	}
	say("%ld kB of %ld at kill -9, at most %ld after", at_kill, total, peak);
	if (WIFEXITED(status))
		return false;
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_LT(peak, at_kill + (total - at_kill) / 2);
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(shmem_kb() - before < 1024, 20000));
	return true;
}

static void test(void)
{
	unsigned int killed = 0;

	/* Half of what is free, so that filling it takes a while. */
	length = (uint64_t)meminfo_kb("MemAvailable") * 1024 / 2 & ~(HUGE_PAGE - 1);
	if (length > GiB(1))
		length = GiB(1);
	for (int i = 0; i < 10 && killed < 3; i++)
		killed += one();
	EXPECT_GT(killed, 0);
}

int main(void)
{
	return test_main(test);
}
