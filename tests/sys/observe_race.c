// SPDX-License-Identifier: MIT
/*
 * debugfs is read, again and again, by several readers, while processes
 * allocate, register, reserve anew, close, are killed and begin: every read
 * succeeds or finds nothing, and what is read is well formed and in order.
 */
#include "observe.h"

#include <dirent.h>
#include <pthread.h>

#define WORKERS 3
#define READERS 2

static volatile int stop;

/* Allocates and frees without end. */
static void work(void *arg)
{
	uint32_t state = 1 + (uint32_t)(uintptr_t)arg;
	void *va[64] = { NULL };
	struct rocsvm_register reg = {
		.size = sizeof(reg), .length = KiB(64),
	};
	void *own = mmap(NULL, KiB(64), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (;;) {
		int fd = svm_start();

		memset(va, 0, sizeof(va));
		for (int i = 0; i < 200; i++) {
			uint32_t r = rnd(&state);
			void **slot = &va[r % ARRAY_SIZE(va)];
			uint32_t kind = r & 0x10000 ? ROCSVM_KIND_HOST :
						      ROCSVM_KIND_GTT;

			if (*slot) {
				ASSERT_EQ(svm_free(fd, *slot), 0);
				*slot = NULL;
			} else {
				*slot = svm_alloc(fd, kind, PAGE * (1 + r % 5));
				svm_map_all(fd, *slot);
			}
		}
		reg.va = (uintptr_t)own;
		ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &reg), 0);
		close(fd);
	}
}

/* The files of one folder; a space may end in between. */
static unsigned long read_folder(const char *name)
{
	static const char * const files[] = {
		"space", "buffers", "gaps", "stats",
	};
	unsigned long n = 0;
	char path[512], *text;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		size_t count;

		snprintf(path, sizeof(path), VIEW_ROOT "/%s/%s", name,
			 files[i]);
		text = read_whole(path, i & 1 ? 4096 : 333);
		if (!text)
			continue;
		if (!strcmp(files[i], "buffers"))
			free(buffers_parse(text, &count));
		if (!strcmp(files[i], "space"))
			EXPECT_NE(text_number(text, "pid"), UINT64_MAX);
		free(text);
		n++;
	}
	return n;
}

static void *reader(void *arg)
{
	unsigned long n = 0;

	(void)arg;
	while (!stop) {
		DIR *dir = opendir(VIEW_ROOT);
		struct dirent *entry;

		ASSERT(dir);
		while ((entry = readdir(dir)))
			if (entry->d_name[0] != '.')
				n += read_folder(entry->d_name);
		closedir(dir);
		/* On few CPUs the others are to get on, too. */
		usleep(5000);
	}
	return (void *)n;
}

static void test(void)
{
	pthread_t thread[READERS];
	unsigned int rounds = scaled(40, 8);
	unsigned long total = 0;
	pid_t pid[WORKERS];
	void *n;

	for (uintptr_t i = 0; i < WORKERS; i++)
		pid[i] = child_start(work, (void *)i);
	for (int i = 0; i < READERS; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, reader, NULL), 0);
	for (unsigned int i = 0; i < rounds; i++) {
		int status, which = i % WORKERS;

		usleep(150000);
		/* 0 if it is still at work */
		EXPECT_EQ(waitpid(pid[which], &status, WNOHANG), 0);
		kill(pid[which], SIGKILL);
		EXPECT_EQ(waitpid(pid[which], &status, 0), pid[which]);
		pid[which] = child_start(work, (void *)(uintptr_t)(i + 10));
	}
	for (int i = 0; i < WORKERS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	stop = 1;
	for (int i = 0; i < READERS; i++) {
		pthread_join(thread[i], &n);
		EXPECT_GT((unsigned long)n, 0);
		total += (unsigned long)n;
	}
	say("%lu files read", total);
	EXPECT(svm_all_gone());
	for (int i = 0; i < WORKERS; i++)
		EXPECT(EVENTUALLY(!view_exists(pid[i]), 10000));
}

int main(void)
{
	return test_main(test);
}
