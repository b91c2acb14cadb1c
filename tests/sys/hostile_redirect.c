// SPDX-License-Identifier: MIT
/*
 * What stands at /dev/kfd for everybody, init too: a symbolic link, to KFD, to
 * itself or to rocsvm's node; a block device; a character device of another
 * driver. Only the first leads anywhere. Who has a space keeps it.
 */
#include "hostile.h"

#include <sys/stat.h>

#define REAL "/dev/kfd-real"

static void put_back(void)
{
	if (!access(REAL, F_OK))
		rename(REAL, "/dev/kfd");
}

static void expect_open(const char *what, int result)
{
	int fd;

	fd = svm_open();
	say("%s: %d", what, fd);
	if (result < 0) {
		EXPECT_EQ(fd, result);
	} else {
		EXPECT_GE(fd, 0);
	}
	if (fd >= 0)
		close(fd);
}

static void open_it(void *what)
{
	const struct { const char *name; int result; } *w = what;

	expect_open(w->name, w->result);
}

static void linked(const char *name, const char *target, int result)
{
	struct { const char *name; int result; } w = { name, result };

	ASSERT_EQ(SYS(symlink(target, "/dev/kfd")), 0);
	EXPECT_EQ(run_child_bounded(open_it, &w, 60), 0);
	ASSERT_EQ(SYS(unlink("/dev/kfd")), 0);
}

static void device(const char *name, const char *like, int result)
{
	struct { const char *name; int result; } w = { name, result };
	struct stat st;

	ASSERT_EQ(SYS(stat(like, &st)), 0);
	ASSERT_EQ(SYS(mknod("/dev/kfd", st.st_mode, st.st_rdev)), 0);
	EXPECT_EQ(run_child_bounded(open_it, &w, 60), 0);
	ASSERT_EQ(SYS(unlink("/dev/kfd")), 0);
}

static void test(void)
{
	struct account a = account_open();
	const char *swap = getenv("ROCSVM_SWAP");
	int fd = svm_start();

	at_end(put_back);
	ASSERT_EQ(SYS(rename("/dev/kfd", REAL)), 0);
	linked("link to KFD", REAL, 0);
	linked("link to itself", "/dev/kfd", -ELOOP);
	linked("link to rocsvm", "/dev/rocsvm", -ELOOP);
	linked("link to nothing", "/nowhere/at/all", -ENODEV);
	linked("link by /proc", "/proc/self/fd/0", -ENODEV);
	linked("link to a directory", "/tmp", -EISDIR);
	device("null", "/dev/null", -ENODEV);
	device("console", "/dev/console", -ENODEV);
	device("rocsvm", "/dev/rocsvm", -ELOOP);
	if (swap)
		device("block device", swap, -ENODEV);
	use_all_kinds(fd, KiB(64));
	EXPECT_EQ(svm_counter("spaces"), 1);
	ASSERT_EQ(SYS(rename(REAL, "/dev/kfd")), 0);
	close(fd);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return window_main(test);
}
