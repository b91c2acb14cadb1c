// SPDX-License-Identifier: MIT
/*
 * mlockall(MCL_FUTURE) with a small RLIMIT_MEMLOCK leaves no room for a window:
 * open says so and leaves nothing. With the right to lock it is no obstacle,
 * and locks nothing that is not there.
 */
#include "harness.h"
#include "window.h"

#include <sys/resource.h>
#include <sys/stat.h>

static void limited(void *arg)
{
	struct rlimit r = { MiB(64), MiB(64) };
	size_t vmas;
	int error;

	(void)arg;
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &r), 0);
	ASSERT_EQ(setgid(65534), 0);
	ASSERT_EQ(setuid(65534), 0);
	ASSERT_EQ(SYS(mlockall(MCL_FUTURE)), 0);
	maps_count(0);
	vmas = maps_count(0);
	error = svm_open();
	say("open: %s", strerror(-error));
	EXPECT(error == -EAGAIN || error == -ENOMEM);
	EXPECT_EQ(maps_count(0), vmas);
	ASSERT_EQ(munlockall(), 0);
	EXPECT_GE(svm_open(), 0);
}

static void privileged(void *arg)
{
	long before = meminfo_kb("Shmem");
	char *buffer;
	int fd;

	(void)arg;
	ASSERT_EQ(SYS(mlockall(MCL_FUTURE)), 0);
	fd = svm_start();
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(probe_write(buffer), 0);
	EXPECT_EQ(probe_write(buffer + KiB(64)), PROBE_MAPERR);
	EXPECT_LT(meminfo_kb("Shmem"), before + 4096);
	EXPECT_EQ(probe_write(svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64))), 0);
	close(fd);
}

static void test(void)
{
	struct stat kfd, node;

	/* what is tested is a window, not the way round it */
	ASSERT_EQ(knob_set("/sys/module/rocsvm/parameters/reserve", "always"), 0);

	ASSERT_EQ(stat("/dev/kfd", &kfd), 0);
	ASSERT_EQ(stat("/dev/rocsvm", &node), 0);
	ASSERT_EQ(chmod("/dev/kfd", 0666), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", 0666), 0);
	EXPECT_EQ(run_child(limited, NULL), 0);
	EXPECT_EQ(run_child(privileged, NULL), 0);
	ASSERT_EQ(chmod("/dev/kfd", kfd.st_mode & 07777), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", node.st_mode & 07777), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
