// SPDX-License-Identifier: MIT
/*
 * Unmapping registered memory takes it from GPUs and does nothing else: a space
 * without an open file, whose last one was closed by a child, lives on, and so
 * do its buffers. While memory is registered RESERVE is -EBUSY.
 */
#include "reg.h"

#define LENGTH (8 * PAGE)

static void close_elsewhere(int fd)
{
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid) {
		/* until the parent has closed its own */
		usleep(300000);
		_exit(0);
	}
	close(fd);
	ASSERT_EQ(SYS(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0))), pid);
	ASSERT_EQ(svm_counter("spaces"), 1);
}

static void test(void)
{
	int fd = svm_start();
	char *buffer = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	char *p = own_private(LENGTH);
	struct rocsvm_info info;
	uint64_t base = 0, length = 0;

	memset(buffer, 0x5a, PAGE);
	memset(p, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(fd, p, LENGTH, svm_gpu(fd, 0)), 0);
	close_elsewhere(fd);

	ASSERT_EQ(SYS(munmap(p, LENGTH)), 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(svm_counter("buffers"), 1);
	EXPECT_EQ(probe_read(buffer), 0);
	EXPECT_EQ(find_not(buffer, 0x5a, PAGE), -1);

	/* the process takes its space over again */
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 1);
	EXPECT_EQ(info.num_registrations, 1);
	EXPECT_EQ(reg_segment(fd, p).handle, 0);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_reserve(fd, 0, &base, &length), -EBUSY);
	EXPECT_EQ(reg_end(fd, p, LENGTH), 0);
	EXPECT_EQ(svm_reserve(fd, 0, &base, &length), 0);
	close(fd);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
