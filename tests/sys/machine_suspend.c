// SPDX-License-Identifier: MIT
/*
 * Suspend with live buffers, as far as the kernel's own test of it can go here:
 * tasks are frozen, in the middle of calls too, and thawed; the CPU's bytes and
 * the GPU's are there afterwards, and the queue runs.
 */
#include "hostile.h"
#include "pagetable.h"

static volatile bool stop;
static int fd;

static void *worker(void *arg)
{
	while (!stop) {
		use_all_kinds(fd, KiB(64));
		++*(unsigned long *)arg;
	}
	return NULL;
}

static int suspend(void)
{
	ASSERT_EQ(file_write("/sys/power/pm_test", "freezer"), 0);
	return file_write("/sys/power/state", "mem");
}

static void test(void)
{
	struct account a = account_open();
	unsigned long rounds = 0;
	struct gpuqueue queue;
	char *host, *vram, *copy;
	pthread_t thread;

	if (access("/sys/power/pm_test", W_OK))
		test_skip("no test of suspend");
	ASSERT_EQ(knob_set("/sys/power/pm_test", "none"), 0);
	if (!access("/sys/module/suspend/parameters/pm_test_delay", W_OK))
		ASSERT_EQ(knob_set("/sys/module/suspend/parameters/pm_test_delay",
				   "1"), 0);
	fd = svm_start();
	gpuqueue_open(&queue, fd, a.gpu);
	host = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	vram = svm_alloc(fd, ROCSVM_KIND_VRAM, KiB(64));
	copy = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	pattern_fill(host, KiB(64), 1);
	pattern_fill(vram, KiB(64), 2);
	EXPECT_EQ(svm_map_all(fd, host), 0);
	EXPECT_EQ(svm_map_all(fd, vram), 0);
	EXPECT_EQ(svm_map_all(fd, copy), 0);
	EXPECT_EQ(gpuqueue_copy(&queue, copy, host, KiB(64)), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, worker, &rounds), 0);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(suspend(), 0);
	stop = true;
	pthread_join(thread, NULL);
	say("%lu rounds of calls beside it", rounds);
	EXPECT_EQ(pattern_differs(host, KiB(64), 1), -1);
	EXPECT_EQ(pattern_differs(vram, KiB(64), 2), -1);
	EXPECT_EQ(gpuqueue_copy(&queue, copy, host, KiB(64)), 0);
	EXPECT_EQ(pattern_differs(copy, KiB(64), 1), -1);
	EXPECT_EQ(gpuqueue_copy(&queue, copy, vram, KiB(64)), 0);
	EXPECT_EQ(pattern_differs(copy, KiB(64), 2), -1);
	gpuqueue_close(&queue);
	close(fd);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return window_main(test);
}
