// SPDX-License-Identifier: MIT
/*
 * fdinfo of /dev/rocsvm: what becomes of the space, and how much memory of each
 * kind there is; in another process, too, and when the owner is gone.
 */
#include "observe.h"

#include <sys/socket.h>

static struct sync ready, look;
static int pair[2];

static void text_of(pid_t pid, int fd, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	ASSERT_GT(file_read(path, text, size), 0);
}

/* A size: a number and its unit. */
static uint64_t kib(const char *text, const char *kind)
{
	char key[64], unit[8] = "";
	uint64_t value;

	snprintf(key, sizeof(key), "rocsvm-memory-%s", kind);
	ASSERT_EQ(sscanf(text_value(text, key), "%lu %7s", &value, unit), 2);
	EXPECT_EQ(strcmp(unit, "KiB"), 0);
	return value;
}

static void owner(void *arg)
{
	char text[4096];
	int fd = svm_start();

	(void)arg;
	text_of(getpid(), fd, text, sizeof(text));
	EXPECT_EQ(strcmp(text_value(text, "rocsvm-state"), "open"), 0);
	EXPECT_EQ(strcmp(text_value(text, "rocsvm-aperture"), "reserved"), 0);
	EXPECT_EQ(text_number(text, "rocsvm-buffers"), 0);
	EXPECT_EQ(kib(text, "host"), 0);

	svm_alloc(fd, ROCSVM_KIND_HOST, KiB(12));
	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(2));
	svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	svm_alloc(fd, ROCSVM_KIND_VRAM, KiB(128));
	svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, KiB(256));
	text_of(getpid(), fd, text, sizeof(text));
	EXPECT_EQ(text_number(text, "rocsvm-buffers"), 5);
	EXPECT_EQ(kib(text, "host"), 2048 + 12);
	EXPECT_EQ(kib(text, "gtt"), 64);
	EXPECT_EQ(kib(text, "vram"), 128);
	EXPECT_EQ(kib(text, "private"), 256);
	EXPECT_EQ(kib(text, "registered"), 0);
	EXPECT_EQ(kib(text, "kfd"), 0);

	fd_send(pair[0], fd);
	ASSERT_EQ(SYS(write(pair[0], &fd, sizeof(fd))), sizeof(fd));
	sync_post(&ready);
	sync_wait(&look);
}

static void test(void)
{
	char text[4096];
	int fd, number;
	pid_t pid;

	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	sync_init(&ready);
	sync_init(&look);
	pid = child_start(owner, NULL);
	sync_wait(&ready);
	fd = fd_recv(pair[1]);
	ASSERT_EQ(SYS(read(pair[1], &number, sizeof(number))), sizeof(number));

	/* By the one descriptor and by the other. */
	text_of(pid, number, text, sizeof(text));
	EXPECT_EQ(text_number(text, "rocsvm-buffers"), 5);
	text_of(getpid(), fd, text, sizeof(text));
	EXPECT_EQ(text_number(text, "rocsvm-buffers"), 5);
	EXPECT_EQ(kib(text, "host"), 2048 + 12);

	sync_post(&look);
	EXPECT_EQ(child_wait(pid), 0);
	text_of(getpid(), fd, text, sizeof(text));
	EXPECT_EQ(strcmp(text_value(text, "rocsvm-state"), "ended"), 0);
	EXPECT_EQ(text_number(text, "rocsvm-buffers"), 0);
	EXPECT_EQ(kib(text, "host"), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
