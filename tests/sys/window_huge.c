// SPDX-License-Identifier: MIT
/*
 * A host buffer of 2 MiB is one huge page on the CPU (where tmpfs has any),
 * its guard of 2 MiB is inaccessible, and freeing it gives the page back.
 */
#include "window.h"

#include <sys/mount.h>
#include <sys/stat.h>

#define MOUNT "/tmp/rocsvm-huge"

static struct window w;

/* What one huge page adds to ShmemPmdMapped, in kB: 0 if there are none. */
static long huge_kb;

static void unmount(void)
{
	umount2(MOUNT, MNT_DETACH);
	rmdir(MOUNT);
}

/* Some kernels (CONFIG_BASE_SMALL) have no huge pages in any tmpfs. */
static bool tmpfs_has_huge_pages(void)
{
	static char data[4 << 20];
	long before = meminfo_kb("ShmemHugePages"), grown;
	int fd;

	at_end(unmount);
	ASSERT_EQ(SYS(mkdir(MOUNT, 0700)), 0);
	if (mount("tmpfs", MOUNT, "tmpfs", 0, "huge=always"))
		return false;
	fd = open(MOUNT "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(SYS(write(fd, data, sizeof(data))), sizeof(data));
	grown = meminfo_kb("ShmemHugePages") - before;
	close(fd);
	umount2(MOUNT, 0);
	return grown > 0;
}

/* Huge pages need unbroken memory; ask for it as a program can't. */
static void make_room(void)
{
	file_write("/proc/sys/vm/compact_memory", "1");
}

static void one(bool write_first)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST, .length = HUGE_PAGE
	};
	long mapped = smaps_kb(at(w.huge), "ShmemPmdMapped");
	long shmem = shmem_kb();
	char *p;

	ASSERT_EQ(svm_alloc_args(w.fd, &args), 0);
	p = at(args.va);
	EXPECT_GE(args.va, w.huge);
	EXPECT_EQ(args.va % HUGE_PAGE, 0);
	EXPECT_EQ(args.length, HUGE_PAGE);
	if (write_first)
		EXPECT_EQ(probe_write(p + PAGE), 0);
	else
		EXPECT_EQ(probe_read(p + PAGE), 0);
	EXPECT_EQ(smaps_kb(p, "ShmemPmdMapped") - mapped, huge_kb);
	EXPECT_EQ(find_not(p, 0, PAGE), -1);
	EXPECT_LE(shmem_kb() - shmem, 2048 + 128);

	/* Guards: all units round it, to their last byte. */
	EXPECT_DEAD(p + HUGE_PAGE);
	EXPECT_DEAD(p + HUGE_PAGE + MiB(1));
	EXPECT_DEAD(p + 2 * HUGE_PAGE - 1);
	EXPECT_DEAD(p - 1);
	EXPECT_ALIVE(p + HUGE_PAGE - 1);
	EXPECT_EQ(svm_free(w.fd, p), 0);
	EXPECT_DEAD(p);
	EXPECT_DEAD(p + HUGE_PAGE - 1);
	EXPECT_EQ(smaps_kb(p, "ShmemPmdMapped"), mapped);
	EXPECT_LE(shmem_kb() - shmem, 128);
}

/* A length between two multiples is rounded up, and all of it is there. */
static void rounded(void)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST, .length = HUGE_PAGE + 1
	};
	char *p;

	ASSERT_EQ(svm_alloc_args(w.fd, &args), 0);
	p = at(args.va);
	EXPECT_EQ(args.length, 2 * HUGE_PAGE);
	EXPECT_EQ(find_not(p, 0, 2 * HUGE_PAGE), -1);
	memset(p, 0x11, 2 * HUGE_PAGE);
	EXPECT_EQ(smaps_kb(p, "ShmemPmdMapped"), 2 * huge_kb);
	EXPECT_DEAD(p + 2 * HUGE_PAGE);
	EXPECT_EQ(svm_free(w.fd, p), 0);
}

/* Neighbours come and go without one opening or losing what is the other's. */
static void neighbours(void)
{
	char *p[4];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
		pattern_fill(p[i], HUGE_PAGE, i);
	}
	EXPECT_EQ(svm_free(w.fd, p[1]), 0);
	EXPECT_EQ(svm_free(w.fd, p[2]), 0);
	EXPECT_EQ(pattern_differs(p[0], HUGE_PAGE, 0), -1);
	EXPECT_EQ(pattern_differs(p[3], HUGE_PAGE, 3), -1);
	EXPECT_DEAD(p[1]);
	EXPECT_DEAD(p[2] + HUGE_PAGE - 1);
	EXPECT_EQ(smaps_kb(p[0], "ShmemPmdMapped"), 2 * huge_kb);
	EXPECT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE,
			       (uintptr_t)p[1]), 0);
	EXPECT_EQ(find_not(p[1], 0, HUGE_PAGE), -1);
	EXPECT_EQ(svm_free(w.fd, p[0]), 0);
	EXPECT_EQ(svm_free(w.fd, p[1]), 0);
	EXPECT_EQ(svm_free(w.fd, p[3]), 0);
}

static void test(void)
{
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK))
		test_skip("no transparent huge pages");
	make_room();
	huge_kb = tmpfs_has_huge_pages() ? 2048 : 0;
	say("huge pages of %ld kB", huge_kb);
	w = window_open();
	one(false);
	one(true);
	rounded();
	neighbours();
	EXPECT_WHOLE(&w);
}

int main(void)
{
	return window_main(test);
}
