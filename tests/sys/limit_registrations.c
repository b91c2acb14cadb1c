// SPDX-License-Identifier: MIT
/*
 * max_registrations_per_space: a registration counts one, each segment that it
 * makes one more, and the same range again nothing. The call that would be
 * above the limit is -EDQUOT, has done nothing, and the log says why.
 */
#include "limit.h"

#define MAX 9

/* A registration with one segment each. */
static void one_by_one(int fd, char *p)
{
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(reg_add(fd, p + 2 * i * PAGE, PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 8);
	/* It takes two, and there is room for one. */
	EXPECT_EQ(reg_add(fd, p + 8 * PAGE, PAGE), -EDQUOT);
	EXPECT_EQ(limit_usage("registrations"), 8);
	EXPECT_REGISTERED(fd, 4, 4 * PAGE);
	/* No segment, nor with the same range a registration. */
	EXPECT_EQ(reg_add(fd, p + 100, 1), 0);
	EXPECT_EQ(limit_usage("registrations"), 9);
	EXPECT_EQ(reg_add(fd, p + 100, 1), 0);
	EXPECT_EQ(limit_usage("registrations"), 9);
	EXPECT_EQ(reg_add(fd, p + 200, 1), -EDQUOT);
	EXPECT_REGISTERED(fd, 6, 4 * PAGE);

	EXPECT_EQ(reg_end(fd, p + 100, 1), 0);
	EXPECT_EQ(limit_usage("registrations"), 9);
	EXPECT_EQ(reg_end(fd, p + 100, 1), 0);
	EXPECT_EQ(limit_usage("registrations"), 8);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(reg_end(fd, p + 2 * i * PAGE, PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 0);
}

/* One call that has many segments to make: all of them or none. */
static void gaps(int fd, char *p)
{
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(reg_add(fd, p + 2 * i * PAGE, PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 6);
	/* A registration, and three gaps. */
	EXPECT_EQ(reg_add(fd, p, 6 * PAGE), -EDQUOT);
	EXPECT_EQ(limit_usage("registrations"), 6);
	EXPECT_REGISTERED(fd, 3, 3 * PAGE);
	EXPECT_EQ(reg_segment(fd, p + PAGE).length, 0);
	/* Two gaps fit. */
	EXPECT_EQ(reg_add(fd, p, 5 * PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 9);
	/* What is left has the segments of those that have ended. */
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(reg_end(fd, p + 2 * i * PAGE, PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 6);
	EXPECT_REGISTERED(fd, 1, 5 * PAGE);
	EXPECT_EQ(reg_end(fd, p, 5 * PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 0);
}

static void failures(int fd, char *p)
{
	ASSERT_EQ(SYS(munmap(p + 15 * PAGE, PAGE)), 0);
	EXPECT_EQ(reg_add(fd, p + 14 * PAGE, 2 * PAGE), -EFAULT);
	ASSERT_EQ(SYS(mprotect(p, PAGE, PROT_READ)), 0);
	EXPECT_EQ(reg_add(fd, p, 3 * PAGE), -EPERM);
	ASSERT_EQ(SYS(mprotect(p, PAGE, PROT_READ | PROT_WRITE)), 0);
	EXPECT_EQ(limit_usage("registrations"), 0);
}

static void test(void)
{
	char *p = own_private(16 * PAGE);
	int log, fd;

	limit_quiet();
	log = klog_open();
	limit_set("max_registrations_per_space", MAX);
	fd = svm_start();
	one_by_one(fd, p);
	limit_expect_named(log, "max_registrations_per_space");
	gaps(fd, p);
	failures(fd, p);
	/* Those that the close ends make room, too. */
	EXPECT_EQ(reg_add(fd, p, PAGE), 0);
	EXPECT_EQ(reg_add(fd, p, 2 * PAGE), 0);
	EXPECT_EQ(limit_usage("registrations"), 4);
	EXPECT_EQ(limit_usage("buffers"), 0);
	close(fd);
	EXPECT_EQ(limit_usage("registrations"), 0);
}

int main(void)
{
	return window_main(test);
}
