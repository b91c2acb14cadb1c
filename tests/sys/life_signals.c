// SPDX-License-Identifier: MIT
/*
 * Signals rain on a process that allocates, maps, unmaps and frees, many in
 * every call: no call is interrupted, nor starts anew for ever.
 */
#include "harness.h"

#include <sys/time.h>

#define LENGTH MiB(16)

static volatile unsigned long signals;

static void on_alarm(int signal)
{
	(void)signal;
	signals++;
}

/* Without SA_RESTART, so that an interrupted call shows as -EINTR. */
static void rain(long microseconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_interval = { .tv_usec = microseconds },
		.it_value = { .tv_usec = microseconds },
	};

	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static uint64_t live_buffers(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers;
}

static void cycle(int fd, uint32_t gpu_id, uint32_t kind)
{
	char *va = svm_alloc(fd, kind, LENGTH);

	EXPECT_EQ(live_buffers(fd), 1);
	if (kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_EQ(probe_write(va + LENGTH - 1), 0);
	ASSERT_EQ(svm_map(fd, va, &gpu_id, 1), 0);
	EXPECT_EQ(svm_unmap(fd, va, &gpu_id, 1), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(live_buffers(fd), 0);
}

/*
 * The first open, and the first REGISTER, of a process: the kernel's notifiers
 * are set up then, which any signal would interrupt.
 */
static void fresh(void *arg)
{
	struct rocsvm_register args = {
		.size = sizeof(args), .va = (uintptr_t)&signals, .length = 1,
	};
	int fd;

	(void)arg;
	rain(200);
	while (!signals)
		;
	fd = svm_open();
	ASSERT_GE(fd, 0);
	svm_acquire_all(fd);
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
}

static void test(void)
{
	unsigned long cycles = scaled(10, 2);
	unsigned long processes = scaled(60, 20);
	int fd = svm_start();
	uint32_t gpu_id = svm_gpu(fd, 0);
	uint64_t available = kfd_available(fd, gpu_id);

	for (unsigned long i = 0; i < cycles; i++) {
		rain(scaled(1000, 10000) + 100 * i);
		for (uint32_t kind = 1; kind <= 4; kind++)
			cycle(fd, gpu_id, kind);
	}
	rain(0);
	say("%lu signals in %lu calls", signals, cycles * 4 * 7);
	/* It did rain on the calls, not between them. */
	EXPECT_GT(signals, cycles * 4);
	EXPECT_EQ(kfd_available(fd, gpu_id), available);
	close(fd);

	for (unsigned long i = 0; i < processes; i++)
		ASSERT_EQ(run_child(fresh, NULL), 0);
}

int main(void)
{
	return test_main(test);
}
