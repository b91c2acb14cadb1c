// SPDX-License-Identifier: MIT
/*
 * kill -9 in the middle of REGISTER and UNREGISTER, whenever that is: nothing
 * is left of the process.
 */
#include "reg.h"

#define LENGTH MiB(16)

static struct sync ready;

static void endless(void *unused)
{
	int fd = svm_start();
	uint32_t gpu = svm_gpu(fd, 0), state = getpid();

	(void)unused;
	sync_post(&ready);
	for (;;) {
		char *p = own_private(LENGTH);
		uint64_t length = rnd(&state) % LENGTH + 1;

		ASSERT_EQ(reg_add(fd, p + length / 2, PAGE), 0);
		ASSERT_EQ(reg_add_mapped(fd, p, length, gpu), 0);
		ASSERT_EQ(reg_end(fd, p + length / 2, PAGE), 0);
		ASSERT_EQ(reg_end(fd, p, length), 0);
		munmap(p, LENGTH);
	}
}

static void test(void)
{
	uint32_t state = 3;

	sync_init(&ready);
	for (unsigned long i = 0; i < scaled(15, 4); i++) {
		pid_t pid = child_start(endless, NULL);
		int status;

		sync_wait(&ready);
		usleep(rnd(&state) % 300000);
		kill(pid, SIGKILL);
		status = child_wait(pid);
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT(svm_all_gone());
	}
}

int main(void)
{
	return test_main(test);
}
