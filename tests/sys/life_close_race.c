// SPDX-License-Identifier: MIT
/*
 * The file is closed while threads are in the middle of allocating, mapping
 * and freeing through it: all of it is given back once the last call is done.
 */
#include "harness.h"

#include <pthread.h>

#define THREADS 3

static int fd;
static uint32_t gpu_id;
static unsigned long calls;

/* Go on until the descriptor is gone; buffers are left to the close. */
static void *worker(void *arg)
{
	uint32_t state = 1 + (uintptr_t)arg;
	unsigned long n = 0;
	int r = 0;

	while (r != -EBADF) {
		struct rocsvm_alloc args = {
			.kind = 1 + rnd(&state) % 4,
			.gpu_id = gpu_id,
			.length = PAGE * (1 + rnd(&state) % 8),
			.gpu_ids = (uintptr_t)&gpu_id,
			.num_gpus = rnd(&state) % 2,
		};

		r = svm_alloc_args(fd, &args);
		EXPECT(r == 0 || r == -EBADF);
		if (!r && rnd(&state) % 4)
			r = svm_free(fd, (void *)(uintptr_t)args.va);
		EXPECT(r == 0 || r == -EBADF);
		n++;
	}
	__atomic_fetch_add(&calls, n, __ATOMIC_RELAXED);
	return NULL;
}

static void test(void)
{
	unsigned long rounds = scaled(20, 5);
	uint32_t state = 3;

	for (unsigned long i = 0; i < rounds; i++) {
		pthread_t thread[THREADS];
		struct rocsvm_info info;

		fd = svm_start();
		gpu_id = svm_gpu(fd, 0);
		ASSERT_EQ(svm_info(fd, &info), 0);
		for (uintptr_t t = 0; t < THREADS; t++)
			ASSERT_EQ(pthread_create(&thread[t], NULL, worker,
						 (void *)(i * THREADS + t)), 0);
		usleep(rnd(&state) % 100000);
		close(fd);
		for (int t = 0; t < THREADS; t++)
			pthread_join(thread[t], NULL);
		EXPECT(svm_all_gone());
		EXPECT_EQ(maps_read(0, info.window_base, info.window_limit + 1,
				    NULL, 0), 0);
	}
	say("%lu rounds, %lu calls", rounds, calls);
}

int main(void)
{
	return test_main(test);
}
