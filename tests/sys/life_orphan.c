// SPDX-License-Identifier: MIT
/*
 * A space whose last file was closed elsewhere, and whose process then ends
 * without another open, ends with the process. One that the process takes
 * over many times stays one.
 */
#include "harness.h"

/* Close @fd last in a child that only holds it. */
static void close_elsewhere(int fd)
{
	struct sync closed;
	pid_t pid;

	sync_init(&closed);
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		sync_wait(&closed);
		close(fd);
		_exit(0);
	}
	close(fd);
	sync_post(&closed);
	EXPECT_EQ(child_wait(pid), 0);
	close(closed.fd[0]);
	close(closed.fd[1]);
}

static void leave_orphan(void *arg)
{
	int fd = svm_start();

	(void)arg;
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_HOST, MiB(2))), 0);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(2))), 0);
	close_elsewhere(fd);
	say("orphan: %lu spaces, %lu buffers", svm_counter("spaces"),
	    svm_counter("buffers"));
}

static void take_over(void *arg)
{
	struct rocsvm_info info;
	uint64_t base = 0;
	size_t vmas = 0;

	(void)arg;
	for (int i = 0; i < 5; i++) {
		int fd = svm_open();

		ASSERT_GE(fd, 0);
		if (!i)
			svm_acquire_all(fd);
		ASSERT_EQ(svm_info(fd, &info), 0);
		if (!base)
			base = info.window_base;
		EXPECT_EQ(info.window_base, base);
		EXPECT_EQ(svm_counter("spaces"), 1);
		if (!vmas)
			vmas = maps_count(0);
		EXPECT_EQ(maps_count(0), vmas);
		EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
		close_elsewhere(fd);
	}
}

static void test(void)
{
	int kfd = kfd_open(), fd = svm_open();
	uint64_t available;
	uint32_t gpu_id;

	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	close(fd);
	available = kfd_available(kfd, gpu_id);
	EXPECT_EQ(run_child(leave_orphan, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 10000));
	EXPECT_EQ(run_child(take_over, NULL), 0);
	EXPECT(svm_all_gone());
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
