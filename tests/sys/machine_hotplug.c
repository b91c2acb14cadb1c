// SPDX-License-Identifier: MIT
/*
 * CPUs come and go while a process allocates, maps, touches and frees: what it
 * does succeeds, and its bytes stay.
 */
#include "hostile.h"

#define CPU1 "/sys/devices/system/cpu/cpu1/online"

static volatile bool stop;
static int fd;

static void *worker(void *unused)
{
	(void)unused;
	while (!stop)
		use_all_kinds(fd, KiB(64));
	return NULL;
}

static void *toucher(void *arg)
{
	uint32_t seed = 0;

	while (!stop) {
		char *va = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1));

		pattern_fill(va, MiB(1), ++seed);
		EXPECT_EQ(pattern_differs(va, MiB(1), seed), -1);
		EXPECT_EQ(svm_free(fd, va), 0);
		++*(unsigned long *)arg;
	}
	return NULL;
}

static void test(void)
{
	struct account a = account_open();
	unsigned long rounds = scaled(12, 4), touched = 0;
	pthread_t thread[2];

	if (access(CPU1, W_OK))
		test_skip("no CPU to take away");
	/* Put back whatever happens. */
	ASSERT_EQ(knob_set(CPU1, "1"), 0);
	fd = svm_start();
	ASSERT_EQ(pthread_create(&thread[0], NULL, worker, NULL), 0);
	ASSERT_EQ(pthread_create(&thread[1], NULL, toucher, &touched), 0);
	for (unsigned long i = 0; i < rounds; i++) {
		EXPECT_EQ(file_write(CPU1, "0"), 0);
		usleep(50000);
		EXPECT_EQ(file_write(CPU1, "1"), 0);
		usleep(50000);
	}
	stop = true;
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	say("%lu times a CPU less, %lu buffers meanwhile", rounds, touched);
	EXPECT_GT(touched, 0);
	close(fd);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return window_main(test);
}
