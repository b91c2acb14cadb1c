// SPDX-License-Identifier: MIT
/*
 * A piece is cut out of a registered file, fallocate(FALLOC_FL_COLLAPSE_RANGE):
 * ext4 takes the pages out of the mapping while the file still has its old size.
 * Before the call returns GPUs have lost what is behind the new end.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "reg.h"
#include "window.h"

#define MKE2FS "/lib/mke2fs"
#define IMAGE "/tmp/reg_collapse.img"
#define DIRECTORY "/tmp/reg_collapse"
#define LENGTH MiB(1)

static void unmount(void)
{
	umount2(DIRECTORY, MNT_DETACH);
	rmdir(DIRECTORY);
	unlink(IMAGE);
}

static int make_file(void)
{
	int file;

	if (access(MKE2FS, X_OK) || system("modprobe -q ext4 && modprobe -q loop"))
		test_skip("no ext4 here, or nothing to make one with");
	at_end(unmount);
	ASSERT_EQ(system("truncate -s 16M " IMAGE " && " MKE2FS " -q -F -t ext4 " IMAGE), 0);
	ASSERT_EQ(SYS(mkdir(DIRECTORY, 0700)), 0);
	ASSERT_EQ(system("mount -t ext4 -o loop " IMAGE " " DIRECTORY), 0);
	file = SYS(open(DIRECTORY "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	ASSERT_GE(file, 0);
	ASSERT_EQ(SYS(fallocate(file, 0, 0, LENGTH)), 0);
	return file;
}

static void collapse(void *arg)
{
	int file = *(int *)arg;
	struct reg r;
	char *p;

	reg_open(&r);
	p = own(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	pattern_fill(p, LENGTH, 1);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	reg_check_identity(&r, "before", p, LENGTH);

	ASSERT_EQ(SYS(fallocate(file, FALLOC_FL_COLLAPSE_RANGE, 0, LENGTH / 2)), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	/* KFD would have looked by now. */
	usleep(100000);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	EXPECT_REGISTERED(r.fd, 1, LENGTH);

	/* As long as it was: there is memory again. */
	ASSERT_EQ(SYS(ftruncate(file, LENGTH)), 0);
	EXPECT_EQ(svm_map_all(r.fd, p), 0);
	reg_check_identity(&r, "after", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	munmap(p, LENGTH);
	reg_close(&r);
}

static void test(void)
{
	int file = make_file();

	EXPECT_EQ(run_child(collapse, &file), 0);
	EXPECT(svm_all_gone());
	close(file);
}

int main(void)
{
	return window_main(test);
}
