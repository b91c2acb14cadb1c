// SPDX-License-Identifier: MIT
/*
 * rocsvm leaks: buffers that are old enough, by kind; and whatever their age
 * those of a process that is a zombie, whose space is orphaned, or dormant.
 */
#include "tool.h"

#include <pthread.h>
#include <sys/syscall.h>

static struct sync thread_ready, thread_go;

static void prepare_alive(void)
{
	int fd = svm_start();

	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1));
	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(2));
}

static void prepare_orphaned(void)
{
	struct sync closed;
	int fd = svm_start();
	pid_t pid;

	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(4));
	sync_init(&closed);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		sync_wait(&closed);
		close(fd);
		_exit(0);
	}
	close(fd);
	sync_post(&closed);
	ASSERT_EQ(child_wait(pid), 0);
}

static void prepare_dormant(void)
{
	close(svm_start());
}

static void *outlive(void *unused)
{
	(void)unused;
	sync_post(&thread_ready);
	sync_wait(&thread_go);
	_exit(0);
}

/* The first thread ends, and leaves what is open to another one. */
static void zombie(void *unused)
{
	pthread_t thread;

	(void)unused;
	prepare_alive();
	ASSERT_EQ(pthread_create(&thread, NULL, outlive, NULL), 0);
	syscall(SYS_exit, 0);
}

static void expect_line(pid_t pid, const char *rest)
{
	char line[128];

	snprintf(line, sizeof(line), "%7d %s", pid, rest);
	EXPECT_OUT(line);
}

static void look_at(void (*prepare)(void), const char *arguments, const char *line)
{
	struct holder h = { .prepare = prepare };

	holder_start(&h);
	EXPECT_EQ(tool("leaks %s", arguments), 3);
	expect_line(h.pid, line);
	EXPECT_LE(widest_line(), 80);
	holder_end(&h);
	EXPECT(svm_all_gone());
}

static void old_enough(void)
{
	struct holder h = { .prepare = prepare_alive };

	holder_start(&h);
	EXPECT_EQ(tool("leaks"), 0);
	EXPECT_EQ(strlen(tool_out), 0);
	EXPECT_EQ(tool("leaks --age 0 --json"), 3);
	EXPECT_JSON();
	EXPECT_OUT("\"holder\": \"alive\"");
	EXPECT_OUT("\"bytes\": 3145728,");
	EXPECT_EQ(tool("leaks --json"), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"leaks\": []");
	holder_end(&h);
}

static char process_state_of(pid_t pid)
{
	char path[64], text[512], state = '?';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	ASSERT_GT(file_read(path, text, sizeof(text)), 0);
	sscanf(strrchr(text, ')'), ") %c", &state);
	return state;
}

static void of_zombie(void)
{
	pid_t pid;

	sync_init(&thread_ready);
	sync_init(&thread_go);
	pid = child_start(zombie, NULL);
	sync_wait(&thread_ready);
	ASSERT(EVENTUALLY(process_state_of(pid) == 'Z', 10000));
	EXPECT_EQ(tool("leaks"), 3);
	expect_line(pid, "zombie   host                2      3 MiB");
	sync_post(&thread_go);
	EXPECT_EQ(child_wait(pid), 0);
}

static void test(void)
{
	EXPECT(EVENTUALLY(tool("leaks") == 0, 5000));
	old_enough();
	look_at(prepare_alive, "--age 0", "alive    host                2      3 MiB");
	look_at(prepare_orphaned, "", "orphaned host                1      4 MiB");
	look_at(prepare_dormant, "", "dormant  -                   0        0 B");
	of_zombie();
	expect_complaint(tool("leaks --age"), 2);
}

int main(void)
{
	return test_main(test);
}
