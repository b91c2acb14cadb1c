// SPDX-License-Identifier: MIT
/*
 * A file of debugfs that is open keeps the module, for who has it open alone:
 * unloading fails at once, then succeeds. It keeps neither the space nor its
 * process: the folder goes, and what was open reads as ended.
 */
#include "observe.h"

#include <sys/syscall.h>

static struct sync used, go_on;

static int unload(void)
{
	return SYS(syscall(SYS_delete_module, "rocsvm", O_NONBLOCK));
}

static int load(void)
{
	int file = open(getenv("ROCSVM_KO"), O_RDONLY | O_CLOEXEC);
	int r;

	ASSERT_GE(file, 0);
	r = SYS(syscall(SYS_finit_module, file, "", 0));
	close(file);
	return r;
}

static void user(void *arg)
{
	int fd = svm_start();

	(void)arg;
	for (int i = 0; i < 200; i++)
		svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	sync_post(&used);
	sync_wait(&go_on);
}

static void test(void)
{
	static const char * const files[] = {
		"space", "buffers", "gaps", "stats",
	};
	char path[128], text[8192];
	int open_file[ARRAY_SIZE(files)];
	pid_t pid;
	int fd;

	if (!getenv("ROCSVM_KO"))
		test_skip("ROCSVM_KO names no module");
	sync_init(&used);
	sync_init(&go_on);
	pid = child_start(user, NULL);
	sync_wait(&used);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		view_path(path, sizeof(path), pid, 0, files[i]);
		open_file[i] = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_GE(open_file[i], 0);
		/* In the middle of it. */
		ASSERT_GT(SYS(read(open_file[i], text, 40)), 0);
	}
	sync_post(&go_on);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT(EVENTUALLY(!view_exists(pid), 10000));
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(unload(), -EAGAIN);

	ASSERT_EQ(SYS(pread(open_file[0], text, sizeof(text) - 1, 0)) > 0, 1);
	EXPECT_EQ(strcmp(text_value(text, "state"), "ended"), 0);
	memset(text, 0, sizeof(text));
	EXPECT_EQ(SYS(pread(open_file[1], text, sizeof(text) - 1, 0)), 45);
	EXPECT_EQ(SYS(pread(open_file[2], text, sizeof(text) - 1, 0)), 0);
	EXPECT_GT(SYS(pread(open_file[3], text, sizeof(text) - 1, 0)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		EXPECT_EQ(unload(), -EAGAIN);
		close(open_file[i]);
	}
	EXPECT(EVENTUALLY(unload() == 0, 10000));
	EXPECT_EQ(access(VIEW_ROOT, F_OK), -1);

	ASSERT_EQ(load(), 0);
	EXPECT(EVENTUALLY(access("/dev/rocsvm", F_OK) == 0, 5000));
	fd = svm_start();
	EXPECT(view_exists(getpid()));
	/* Dormant from here on: that does not keep the module. */
	close(fd);
	EXPECT(view_exists(getpid()));
	EXPECT(EVENTUALLY(unload() == 0, 10000));
	EXPECT_EQ(access(VIEW_ROOT, F_OK), -1);
	ASSERT_EQ(load(), 0);
	EXPECT(EVENTUALLY(access("/dev/rocsvm", F_OK) == 0, 5000));
}

int main(void)
{
	return test_main(test);
}
