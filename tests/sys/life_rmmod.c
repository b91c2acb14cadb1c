// SPDX-License-Identifier: MIT
/*
 * The module can't be unloaded while a file is open or a window stands; once
 * the process is gone it can, leaves neither node nor sysfs, and can be loaded again.
 */
#include "harness.h"

#include <dirent.h>
#include <sys/syscall.h>

static char parameters[1024];

/* The parameters that the module has, so that it gets the same ones again. */
static void save_parameters(void)
{
	const char *directory = "/sys/module/rocsvm/parameters";
	struct dirent *entry;
	char path[512], value[256];
	DIR *dir = opendir(directory);

	ASSERT(dir);
	while ((entry = readdir(dir))) {
		size_t length = strlen(parameters);

		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] == '.' ||
		    file_read(path, value, sizeof(value)) <= 0)
			continue;
		value[strcspn(value, "\n")] = '\0';
		snprintf(parameters + length, sizeof(parameters) - length,
			 "%s=%s ", entry->d_name, value);
	}
	closedir(dir);
}

static int unload(void)
{
	return SYS(syscall(SYS_delete_module, "rocsvm", O_NONBLOCK));
}

static int load(void)
{
	int fd = open(getenv("ROCSVM_KO"), O_RDONLY | O_CLOEXEC);
	int r;

	ASSERT_GE(fd, 0);
	r = SYS(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);
	return r;
}

static void close_elsewhere(int fd)
{
	struct sync closed;
	pid_t pid;

	sync_init(&closed);
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		sync_wait(&closed);
		close(fd);
		_exit(0);
	}
	close(fd);
	sync_post(&closed);
	EXPECT_EQ(child_wait(pid), 0);
}

static struct sync used, go_on;

/* A process with a space: first with its file open, then with an orphan. */
static void user(void *arg)
{
	int fd = svm_start();
	char *buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));

	(void)arg;
	pattern_fill(buffer, KiB(64), 1);
	sync_post(&used);
	sync_wait(&go_on);
	close_elsewhere(fd);
	sync_post(&used);
	sync_wait(&go_on);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 1), -1);
	EXPECT_EQ(probe_read(buffer + KiB(64)), PROBE_MAPERR);
}

static void test(void)
{
	pid_t pid;
	int fd;

	if (!getenv("ROCSVM_KO"))
		test_skip("ROCSVM_KO names no module");
	save_parameters();
	sync_init(&used);
	sync_init(&go_on);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	EXPECT_EQ(unload(), -EAGAIN);
	close(fd);

	pid = child_start(user, NULL);
	sync_wait(&used);
	EXPECT_EQ(unload(), -EAGAIN);
	sync_post(&go_on);
	sync_wait(&used);
	/* no file is left, but the window is, with the module's code behind it */
	EXPECT_EQ(unload(), -EAGAIN);
	sync_post(&go_on);
	EXPECT_EQ(child_wait(pid), 0);

	EXPECT(EVENTUALLY(unload() == 0, 10000));
	EXPECT_EQ(access("/dev/rocsvm", F_OK), -1);
	EXPECT_EQ(access("/sys/class/rocsvm", F_OK), -1);
	EXPECT_EQ(access("/sys/module/rocsvm", F_OK), -1);

	say("loading again with \"%s\"", parameters);
	ASSERT_EQ(load(), 0);
	EXPECT(EVENTUALLY(access("/dev/rocsvm", F_OK) == 0, 5000));
	fd = svm_start();
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
