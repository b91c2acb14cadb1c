// SPDX-License-Identifier: MIT
/*
 * fork(), and a new thread, that run out of memory in a process with buffers of every
 * kind and registered memory have made no child, and changed nothing.
 */
#include "failnth_all.h"

static struct everything all;

static int reap(pid_t pid)
{
	int status;

	if (pid < 0)
		return -errno;
	return waitpid(pid, &status, 0) == pid && !status ? 0 : -ECHILD;
}

static int call_fork(void *unused)
{
	pid_t pid = fork();

	(void)unused;
	if (!pid)
		_exit(0);
	return reap(pid);
}

static void *thread(void *unused)
{
	return unused;
}

static int call_thread(void *unused)
{
	pthread_t id;
	int r = pthread_create(&id, NULL, thread, NULL);

	(void)unused;
	if (r)
		return r == EAGAIN ? -ENOMEM : -r;
	return -pthread_join(id, NULL);
}

static void after(void *unused, int result)
{
	uint32_t gpu = svm_gpu(all.fd, 0);

	(void)unused;
	(void)result;
	for (size_t i = 0; i < all.count; i++) {
		EXPECT_EQ(query_at(all.fd, all.va[i]).num_gpus, 1);
		if (query_at(all.fd, all.va[i]).kind != ROCSVM_KIND_HOST)
			continue;
		EXPECT_EQ(pattern_differs(all.va[i], ALL_BYTES, i), -1);
	}
	EXPECT_EQ(find_not(all.registered, 1, ALL_BYTES), -1);
	EXPECT_EQ(reg_segment(all.fd, all.registered).num_gpus, 1);
	EXPECT_EQ(svm_unmap(all.fd, all.va[0], &gpu, 1), 0);
	EXPECT_EQ(svm_map(all.fd, all.va[0], &gpu, 1), 0);
}

static void test(void)
{
	struct failnth_case c = { .after = after, .fd = &all.fd };

	all_open(&all);
	for (size_t i = 0; i < all.count; i++)
		if (query_at(all.fd, all.va[i]).kind == ROCSVM_KIND_HOST)
			pattern_fill(all.va[i], ALL_BYTES, i);
	c.name = "fork";
	c.call = call_fork;
	failnth_sweep(&c, NULL);
	c.name = "a thread";
	c.call = call_thread;
	failnth_sweep(&c, NULL);
	close(all.dmabuf);
	close(all.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
