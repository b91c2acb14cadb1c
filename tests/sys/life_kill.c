// SPDX-License-Identifier: MIT
/*
 * kill -9 in the middle of allocating, mapping and freeing, at a different
 * moment each time: nothing stays, by the counters and by KFD's own account.
 */
#include "harness.h"

static struct sync running;

/* Allocate, map, free at random until killed. */
static void victim(void *arg)
{
	uint32_t state = (uintptr_t)arg;
	void *live[16] = { NULL };
	int fd = svm_start();

	sync_post(&running);
	for (;;) {
		unsigned int slot = rnd(&state) % ARRAY_SIZE(live);
		uint32_t kind = 1 + rnd(&state) % 4;
		uint64_t length = PAGE * (1 + rnd(&state) % 700);

		if (live[slot]) {
			EXPECT_EQ(svm_free(fd, live[slot]), 0);
			live[slot] = NULL;
			continue;
		}
		live[slot] = svm_alloc(fd, kind, length);
		EXPECT_EQ(svm_map_all(fd, live[slot]), 0);
	}
}

static void test(void)
{
	unsigned long rounds = scaled(15, 5);
	uint32_t state = 7, gpu_id;
	int fd = svm_open(), kfd = kfd_open();
	uint64_t available;

	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	close(fd);
	available = kfd_available(kfd, gpu_id);
	sync_init(&running);
	for (unsigned long i = 0; i < rounds; i++) {
		pid_t pid = child_start(victim, (void *)(i + 1));
		int status;

		sync_wait(&running);
		usleep(rnd(&state) % 200000);
		ASSERT_EQ(SYS(kill(pid, SIGKILL)), 0);
		status = child_wait(pid);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT(svm_all_gone());
		EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 10000));
	}
	say("%lu rounds, VRAM available %lu before, %lu after", rounds, available,
	    kfd_available(kfd, gpu_id));
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
