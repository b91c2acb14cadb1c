// SPDX-License-Identifier: MIT
/*
 * The file is closed last by the kernel's garbage collector of Unix sockets,
 * in a kernel thread: the owner keeps its memory, its next open takes over.
 */
#include "harness.h"

#include <sys/socket.h>

/* Send a file into a socket that is itself in flight to nobody, and let go. */
static void bury(int fd)
{
	int pair[2], other[2];

	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	fd_send(pair[0], fd);
	fd_send(pair[0], pair[1]);
	close(fd);
	close(pair[0]);
	close(pair[1]);
	/* closing any Unix socket starts the collector */
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, other)), 0);
	close(other[0]);
	close(other[1]);
}

static void test(void)
{
	struct rocsvm_info info, again;
	char *buffer;
	int fd = svm_start();

	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	pattern_fill(buffer, KiB(64), 4);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	bury(fd);
	usleep(500000);
	EXPECT_EQ(pattern_differs(buffer, KiB(64), 4), -1);
	EXPECT_GE(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0),
		  2);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &again), 0);
	EXPECT_EQ(again.window_base, info.window_base);
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	close(fd);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
