// SPDX-License-Identifier: MIT
/*
 * Threads that end while others are in open(2), or in the middle of it: the
 * process as a whole, one thread alone, or the first thread before all others.
 * Nothing is left of it.
 */
#include "hostile.h"

enum { EXIT_GROUP, EXIT_THREADS, EXIT_LEADER, EXIT_EXEC, EXIT_WAYS };

static const char *const names[] = {
	"exit_group", "threads end", "the first thread ends", "exec",
};

static void *opener(void *unused)
{
	(void)unused;
	for (;;) {
		int fd = svm_open();

		/* KFD serves no process without its first thread. */
		if (fd < 0)
			return NULL;
		close(fd);
	}
}

/* Opens, and ends with the file open. */
static void *open_once(void *unused)
{
	(void)unused;
	svm_open();
	syscall(SYS_exit, 0);
	return NULL;
}

static void victim(int how, unsigned int us)
{
	pthread_t thread[3];

	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		if (pthread_create(&thread[i], NULL, how == EXIT_THREADS ?
				   open_once : opener, NULL))
			_exit(1);
	usleep(us);
	switch (how) {
	case EXIT_EXEC:
		execl("/proc/self/exe", "hostile_exit_open", "end", NULL);
		_exit(1);
	case EXIT_THREADS:
		/* Not joined: they end by themselves, with the file open. */
		usleep(10000);
		_exit(0);
	case EXIT_LEADER:
		/* The others end when they can't open any more. */
		alarm(60);
		syscall(SYS_exit, 0);
	}
	_exit(0);
}

static void test(void)
{
	struct account a = account_open();
	unsigned long rounds = scaled(30, 6);
	uint32_t state = 5;

	for (int how = 0; how < EXIT_WAYS; how++) {
		for (unsigned long i = 0; i < rounds; i++) {
			unsigned int us = rnd(&state) % 8000;
			pid_t pid = fork();
			int status;

			ASSERT_GE(pid, 0);
			if (!pid)
				victim(how, us);
			status = child_wait(pid);
			EXPECT_EQ(status, 0);
		}
		say("%s: %lu times", names[how], rounds);
		EXPECT_SETTLED(&a);
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	return argc > 1 ? 0 : test_main(test);
}
