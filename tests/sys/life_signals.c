// SPDX-License-Identifier: MIT
/*
 * Signals rain on a process that allocates, maps, unmaps and frees: a call
 * that is interrupted has done nothing, and can be repeated; UNMAP and FREE
 * are not interrupted at all.
 */
#include "harness.h"

#include <sys/time.h>

#define LENGTH MiB(4)

static volatile unsigned long signals;
static unsigned long interrupted;

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
	int r;

	do
		r = svm_info(fd, &info);
	while (r == -EINTR);
	ASSERT_EQ(r, 0);
	return info.num_buffers;
}

/* One cycle; each call is repeated as often as it is interrupted. */
static void cycle(int fd, uint32_t gpu_id, uint32_t kind)
{
	struct rocsvm_alloc args = {
		.kind = kind, .gpu_id = gpu_id, .length = LENGTH,
	};
	char *va;
	int r;

	while ((r = svm_alloc_args(fd, &args)) == -EINTR) {
		interrupted++;
		EXPECT_EQ(live_buffers(fd), 0);
	}
	ASSERT_EQ(r, 0);
	va = (char *)(uintptr_t)args.va;
	EXPECT_EQ(live_buffers(fd), 1);
	if (kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_EQ(probe_write(va + LENGTH - 1), 0);
	while ((r = svm_map(fd, va, &gpu_id, 1)) == -EINTR)
		interrupted++;
	ASSERT_EQ(r, 0);
	EXPECT_EQ(svm_unmap(fd, va, &gpu_id, 1), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(live_buffers(fd), 0);
}

static void test(void)
{
	unsigned long cycles = scaled(30, 4);
	int fd = svm_start();
	uint32_t gpu_id = svm_gpu(fd, 0);
	uint64_t available = kfd_available(fd, gpu_id);

	for (unsigned long i = 0; i < cycles; i++) {
		/* too dense a rain would let nothing through, ever */
		rain(debug_kernel() ? 200000 + 7000 * i : 2000 + 1000 * i);
		for (uint32_t kind = 1; kind <= 4; kind++)
			cycle(fd, gpu_id, kind);
	}
	rain(0);
	say("%lu signals, %lu calls interrupted", signals, interrupted);
	EXPECT_GT(signals, 0);
	EXPECT_EQ(kfd_available(fd, gpu_id), available);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
