// SPDX-License-Identifier: MIT
/*
 * debugfs tells addresses: its files are root's, to read and no more. Of
 * another user's space fdinfo tells nothing; of a file that one has oneself it
 * tells sizes, and no address.
 */
#include "observe.h"

#include <grp.h>
#include <sys/stat.h>

#define NOBODY 65534

static const char * const files[] = { "space", "buffers", "gaps", "stats" };
static int fd;
static pid_t owner;

static void become_nobody(void)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setgid(NOBODY), 0);
	ASSERT_EQ(setuid(NOBODY), 0);
}

static void nobody(void *arg)
{
	char path[128], text[4096];

	(void)arg;
	become_nobody();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		view_path(path, sizeof(path), owner, 0, files[i]);
		EXPECT_EQ(SYS(open(path, O_RDONLY)), -EACCES);
	}
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", owner, fd);
	EXPECT_EQ(SYS(open(path, O_RDONLY)), -EACCES);

	/* Inherited. */
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	ASSERT_GT(file_read(path, text, sizeof(text)), 0);
	EXPECT_EQ(text_number(text, "rocsvm-buffers"), 1);
	EXPECT(!strstr(text, "0x"));
}

/* A user who looks at a process of his own. */
static void self(void *arg)
{
	char path[128];
	int own;

	(void)arg;
	close(fd);
	become_nobody();
	own = svm_open();
	ASSERT_GE(own, 0);
	view_path(path, sizeof(path), getpid(), 0, "space");
	EXPECT_EQ(SYS(open(path, O_RDONLY)), -EACCES);
}

static void test(void)
{
	struct stat kfd, node, st;
	char path[128];

	fd = svm_start();
	owner = getpid();
	svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	/* Debian mounts it for root alone; the files are to be so anyway. */
	ASSERT_EQ(stat("/sys/kernel/debug", &st), 0);
	ASSERT_EQ(chmod("/sys/kernel/debug", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct stat file;

		view_path(path, sizeof(path), owner, 0, files[i]);
		ASSERT_EQ(stat(path, &file), 0);
		EXPECT_EQ(file.st_mode, S_IFREG | 0400);
		EXPECT_EQ(file.st_uid, 0);
	}
	EXPECT_EQ(run_child(nobody, NULL), 0);

	ASSERT_EQ(stat("/dev/kfd", &kfd), 0);
	ASSERT_EQ(stat("/dev/rocsvm", &node), 0);
	ASSERT_EQ(chmod("/dev/kfd", 0666), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", 0666), 0);
	EXPECT_EQ(run_child(self, NULL), 0);
	ASSERT_EQ(chmod("/dev/kfd", kfd.st_mode & 07777), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", node.st_mode & 07777), 0);
	ASSERT_EQ(chmod("/sys/kernel/debug", st.st_mode & 07777), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
