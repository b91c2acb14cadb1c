// SPDX-License-Identifier: MIT
/*
 * The file is passed to another process and closed last there. It can do
 * nothing with it, its own memory at the window's address is not touched, the
 * owner's buffers stay as they were, and its next open takes them over.
 */
#include "harness.h"

#include <sys/socket.h>

#define LENGTH KiB(64)

static int pair[2];
static struct sync owner_closed;

static void receiver(void *arg)
{
	struct rocsvm_info info;
	char *own;
	int fd;

	(void)arg;
	fd = fd_recv(pair[1]);
	EXPECT_EQ(svm_info(fd, &info), -EBADF);
	/* something of ours just where the owner has its window */
	ASSERT_EQ(SYS(read(pair[1], &info, sizeof(info))), sizeof(info));
	own = mmap((void *)(uintptr_t)info.window_base, MiB(4),
		   PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	ASSERT_EQ((uintptr_t)own, info.window_base);
	pattern_fill(own, MiB(4), 9);
	sync_wait(&owner_closed);
	EXPECT_EQ(svm_info(fd, &info), -EBADF);
	close(fd);
	EXPECT_EQ(pattern_differs(own, MiB(4), 9), -1);
}

static void test(void)
{
	struct rocsvm_info info, again;
	char *buffer[2];
	pid_t pid;
	int fd;

	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	sync_init(&owner_closed);
	pid = child_start(receiver, NULL);

	fd = svm_start();
	buffer[0] = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	buffer[1] = svm_alloc(fd, ROCSVM_KIND_VRAM, LENGTH);
	for (int i = 0; i < 2; i++) {
		pattern_fill(buffer[i], LENGTH, i);
		EXPECT_EQ(svm_map_all(fd, buffer[i]), 0);
	}
	ASSERT_EQ(svm_info(fd, &info), 0);
	fd_send(pair[0], fd);
	ASSERT_EQ(SYS(write(pair[0], &info, sizeof(info))), sizeof(info));
	close(fd);
	sync_post(&owner_closed);
	EXPECT_EQ(child_wait(pid), 0);

	/* nobody has the file now, but this process still has its memory */
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(pattern_differs(buffer[i], LENGTH, i), -1);
	EXPECT_GE(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0),
		  2);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
	ASSERT_EQ(svm_info(fd, &again), 0);
	EXPECT_EQ(again.window_base, info.window_base);
	say("taken over with %llu buffers", again.num_buffers);
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH)), 0);
	close(fd);
	EXPECT(svm_all_gone());
	EXPECT_EQ(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0), 0);
}

int main(void)
{
	return test_main(test);
}
