// SPDX-License-Identifier: MIT
/*
 * Whoever may not open KFD may not open rocsvm: the caller's own rights decide,
 * whatever those of the node are.
 */
#include "harness.h"

#include <grp.h>
#include <sys/stat.h>

#define NOBODY 65534

static void become_nobody(void)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setgid(NOBODY), 0);
	ASSERT_EQ(setuid(NOBODY), 0);
}

static void refused(void *arg)
{
	size_t vmas;

	(void)arg;
	become_nobody();
	vmas = maps_count(0);
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR)), -EACCES);
	EXPECT_EQ(svm_open(), -EACCES);
	EXPECT_EQ(maps_count(0), vmas);
}

static void refused_node(void *arg)
{
	(void)arg;
	become_nobody();
	EXPECT_EQ(svm_open(), -EACCES);
}

static void allowed(void *arg)
{
	struct rocsvm_info info;
	int fd;

	(void)arg;
	become_nobody();
	fd = svm_open();
	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_info(fd, &info), 0);
}

static void test(void)
{
	struct stat kfd, node;

	ASSERT_EQ(stat("/dev/kfd", &kfd), 0);
	ASSERT_EQ(stat("/dev/rocsvm", &node), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", 0666), 0);
	ASSERT_EQ(chmod("/dev/kfd", 0600), 0);
	EXPECT_EQ(run_child(refused, NULL), 0);
	EXPECT_EQ(svm_counter("spaces"), 0);
	ASSERT_EQ(chmod("/dev/kfd", 0666), 0);
	EXPECT_EQ(run_child(allowed, NULL), 0);
	/* and the node's own rights count as well */
	ASSERT_EQ(chmod("/dev/rocsvm", 0600), 0);
	EXPECT_EQ(run_child(refused_node, NULL), 0);
	ASSERT_EQ(chmod("/dev/kfd", kfd.st_mode & 07777), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", node.st_mode & 07777), 0);
}

int main(void)
{
	return test_main(test);
}
