// SPDX-License-Identifier: MIT
/*
 * The memory cgroup's OOM killer takes the owner of a space: while GPUs have its
 * buffers, and while one of its threads is in ALLOC. All of it is given back.
 */
#include <sys/stat.h>

#include "hostile.h"

#define CGROUP "/sys/fs/cgroup/rocsvm-oom"

static struct sync ready;

static void remove_cgroup(void)
{
	EVENTUALLY(!rmdir(CGROUP) || errno == ENOENT, 5000);
}

static void join_cgroup(void)
{
	ASSERT_EQ(file_write(CGROUP "/cgroup.procs", "0"), 0);
}

/* Memory until somebody is killed. */
static void hog(void)
{
	for (;;) {
		char *p = mmap(NULL, MiB(1), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ASSERT(p != MAP_FAILED);
		memset(p, 1, MiB(1));
	}
}

static void owner(void *unused)
{
	int fd;

	(void)unused;
	ASSERT_EQ(file_write("/proc/self/oom_score_adj", "1000"), 0);
	join_cgroup();
	fd = svm_start();
	for (int i = 0; i < 8; i++) {
		char *host = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1) << i % 2);

		memset(host, 1, MiB(1));
		EXPECT_EQ(svm_map_all(fd, host), 0);
	}
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(4))), 0);
	ASSERT_EQ(test_failures, 0);
	sync_post(&ready);
	for (;;)
		pause();
}

static void greedy(void *unused)
{
	(void)unused;
	join_cgroup();
	hog();
}

static void *allocate(void *arg)
{
	int fd = (intptr_t)arg;

	for (;;) {
		void *va;

		if (!svm_try_alloc(fd, ROCSVM_KIND_HOST, MiB(4), &va)) {
			svm_map_all(fd, va);
			svm_free(fd, va);
		}
	}
	return NULL;
}

/* One thread wants more than there is, others are in ALLOC, MAP and FREE. */
static void greedy_owner(void *unused)
{
	pthread_t thread;
	int fd;

	(void)unused;
	join_cgroup();
	fd = svm_start();
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&thread, NULL, allocate,
					 (void *)(intptr_t)fd), 0);
	usleep(100000);
	hog();
}

static void expect_killed(pid_t pid)
{
	int status = child_wait(pid);

	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test(void)
{
	struct account a = account_open();
	pid_t pid, other;

	sync_init(&ready);
	at_end(remove_cgroup);
	ASSERT_EQ(SYS(mkdir(CGROUP, 0755)), 0);
	ASSERT_EQ(file_write(CGROUP "/memory.max", "64M"), 0);
	file_write(CGROUP "/memory.swap.max", "0");
	for (unsigned long i = 0; i < scaled(3, 1); i++) {
		pid = child_start(owner, NULL);
		sync_wait(&ready);
		other = child_start(greedy, NULL);
		expect_killed(pid);
		kill(other, SIGKILL);
		child_wait(other);
		EXPECT_SETTLED(&a);
	}
	for (unsigned long i = 0; i < scaled(6, 2); i++) {
		expect_killed(child_start(greedy_owner, NULL));
		EXPECT_SETTLED(&a);
	}
	EXPECT(EVENTUALLY(file_u64(CGROUP "/memory.current") < MiB(4), 10000));
}

int main(void)
{
	return window_main(test);
}
