// SPDX-License-Identifier: MIT
/*
 * RLIMIT_AS: a window that fits under it, or -ENOMEM and nothing left; also
 * where KFD still has the VM of an earlier open.
 */
#include "harness.h"
#include "window.h"

#include <sys/resource.h>

static uint64_t address_space(void)
{
	char text[4096], *found;

	ASSERT_GT(file_read("/proc/self/status", text, sizeof(text)), 0);
	found = strstr(text, "VmSize:");
	ASSERT(found);
	return KiB(strtoull(found + strlen("VmSize:"), NULL, 10));
}

static void limit(uint64_t bytes)
{
	struct rlimit r = { bytes, RLIM_INFINITY };

	ASSERT_EQ(setrlimit(RLIMIT_AS, &r), 0);
}

static void small(void *arg)
{
	size_t before;
	uint64_t size;
	int fd;

	(void)arg;
	maps_count(0);
	limit(address_space() + GiB(1));
	before = maps_count(0);
	size = address_space();
	EXPECT_EQ(svm_open(), -ENOMEM);
	EXPECT_EQ(maps_count(0), before);
	EXPECT_EQ(address_space(), size);
	EXPECT_EQ(svm_counter("spaces"), 0);

	/* the failure has broken nothing */
	limit(RLIM_INFINITY);
	fd = svm_open();
	EXPECT_GE(fd, 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
}

static void medium(void *arg)
{
	struct rocsvm_info info;
	uint64_t size;
	void *buffer;
	int fd;

	(void)arg;
	limit(address_space() + GiB(64));
	fd = svm_open();
	ASSERT_GE(fd, 0);
	svm_acquire_all(fd);
	ASSERT_EQ(svm_info(fd, &info), 0);
	size = info.window_limit - info.window_base + 1;
	say("limit of 64 GiB more: window of %lu MiB", size >> 20);
	/* some of it must be left to the program, not nearly all of it */
	EXPECT_GE(size, GiB(16));
	EXPECT_LE(size, GiB(63));
	EXPECT_EQ(size % MiB(4), 0);
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(probe_write(buffer), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

static void again(void *arg)
{
	void *buffer;
	int fd = svm_start();

	(void)arg;
	EXPECT_EQ(close(fd), 0);
	limit(address_space() + GiB(1));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(svm_open(), -ENOMEM);
		EXPECT_EQ(maps_named(0, "rocsvm"), 0);
		EXPECT_EQ(svm_counter("spaces"), 0);
	}

	/* KFD takes no file but the one that it knows: it is not forgotten */
	limit(RLIM_INFINITY);
	fd = svm_start();
	buffer = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	EXPECT_EQ(probe_write(buffer), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(close(fd), 0);
}

static void test(void)
{
	/* what is tested is a window, not the way round it */
	ASSERT_EQ(knob_set("/sys/module/rocsvm/parameters/reserve",
			   "always"), 0);
	EXPECT_EQ(run_child(small, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(medium, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(again, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
