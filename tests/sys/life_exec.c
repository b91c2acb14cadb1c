// SPDX-License-Identifier: MIT
/*
 * exec ends the space; a file that survived it answers -EBADF, and the new
 * program may open its own.
 */
#include "harness.h"

static void new_program(int old)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int fd;

	EXPECT(EVENTUALLY(svm_counter("buffers") == 0, 10000));
	EXPECT_EQ(svm_counter("reserved_bytes"), 0);
	EXPECT_EQ(svm_ioctl(old, ROCSVM_INFO, &info), -EBADF);
	fd = svm_start();
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 0);
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	/* the old file, closed here, must not touch the new space */
	close(old);
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 2);
	close(fd);
	EXPECT(svm_all_gone());
}

static void test(void)
{
	char number[16];
	int fd = svm_start();

	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1))), 0);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(1))), 0);
	ASSERT_EQ(SYS(fcntl(fd, F_SETFD, 0)), 0);
	snprintf(number, sizeof(number), "%d", fd);
	fflush(stdout);
	ASSERT_EQ(test_failures, 0);
	execl("/proc/self/exe", "life_exec", number, NULL);
	ASSERT(!"exec returned");
}

static int old_fd;

static void test_after_exec(void)
{
	new_program(old_fd);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return test_main(test);
	old_fd = atoi(argv[1]);
	return test_main(test_after_exec);
}
