// SPDX-License-Identifier: MIT
/*
 * RESERVE at a fixed base: exactly there or not at all, also where old and new
 * window overlap; the old window stands after every failure.
 */
#include "harness.h"

#include <inttypes.h>
#include <sys/stat.h>

#define MARGIN MiB(2)

static int fd;

static int reserve_at(uint64_t base, uint64_t length)
{
	return svm_reserve(fd, ROCSVM_RESERVE_FIXED, &base, &length);
}

/* INFO and the process's maps say that the window is just there. */
static void expect_window(uint64_t base, uint64_t length)
{
	struct rocsvm_info info;
	struct vma vma[3];
	void *buffer;

	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.window_base, base);
	EXPECT_EQ(info.window_limit, base + length - 1);
	ASSERT_EQ(maps_read(0, base - MARGIN, base + length + MARGIN + PAGE, vma,
			    ARRAY_SIZE(vma)), 3);
	EXPECT_EQ(vma[0].start, base - MARGIN);
	EXPECT_EQ(vma[1].end, base + length + MARGIN);
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(probe_write(buffer), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_GE((uintptr_t)buffer, base);
	EXPECT_LT((uintptr_t)buffer, base + length);
	EXPECT_EQ(reserve_at(base + GiB(64), length), -EBUSY);
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

static void moves(uint64_t base)
{
	size_t vmas = maps_count(0);

	/* a place of its own; the same again; up and down, overlapping */
	EXPECT_EQ(reserve_at(base, GiB(8)), 0);
	expect_window(base, GiB(8));
	EXPECT_EQ(reserve_at(base, GiB(8)), 0);
	expect_window(base, GiB(8));
	EXPECT_EQ(reserve_at(base + GiB(1), GiB(8)), 0);
	expect_window(base + GiB(1), GiB(8));
	EXPECT_EQ(reserve_at(base + MiB(2), GiB(8)), 0);
	expect_window(base + MiB(2), GiB(8));
	EXPECT_EQ(reserve_at(base, GiB(4)), 0);
	expect_window(base, GiB(4));
	EXPECT_EQ(reserve_at(base, GiB(12)), 0);
	expect_window(base, GiB(12));
	EXPECT_EQ(maps_count(0), vmas);
}

/* Another one if the window has been given up and put back meanwhile. */
static uint64_t window_inode(uint64_t base)
{
	struct vma vma;
	struct stat st;
	char path[80];

	ASSERT_EQ(maps_read(0, base, base + PAGE, &vma, 1), 1);
	snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIx64 "-%" PRIx64,
		 vma.start, vma.end);
	ASSERT_EQ(stat(path, &st), 0);
	return st.st_ino;
}

/* What can't be is refused before the old window is touched. */
static void out_of_range(uint64_t base)
{
	uint64_t inode = window_inode(base);

	EXPECT_EQ(reserve_at(base, TiB(100)), -ERANGE);
	EXPECT_EQ(reserve_at(base + GiB(2), TiB(100)), -ERANGE);
	EXPECT_EQ(window_inode(base), inode);
	expect_window(base, GiB(12));
	EXPECT_EQ(reserve_at(base, GiB(12)), 0);
	EXPECT_NE(window_inode(base), inode);
}

static void lengths(uint64_t base)
{
	uint64_t other = 0, length = TiB(70);

	/* an address alone: the length stays */
	EXPECT_EQ(reserve_at(base + GiB(1), 0), 0);
	expect_window(base + GiB(1), GiB(12));
	/* there is room for it where the old one is, and not beside it */
	EXPECT_EQ(svm_reserve(fd, 0, &other, &length), 0);
	EXPECT_EQ(length, TiB(70));
	expect_window(other, TiB(70));
	EXPECT_EQ(reserve_at(base, GiB(12)), 0);
	expect_window(base, GiB(12));
}

static void failures(uint64_t base)
{
	struct rocsvm_info info;
	char *page;

	ASSERT_EQ(svm_info(fd, &info), 0);
	page = mmap((char *)base + GiB(100), PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	ASSERT_EQ((uintptr_t)page, base + GiB(100));
	*page = 42;
	EXPECT_EQ(reserve_at(base + GiB(99), GiB(8)), -EEXIST);
	expect_window(base, GiB(12));
	/* the new one would overlap the old one and the page */
	EXPECT_EQ(reserve_at(base, GiB(104)), -EEXIST);
	expect_window(base, GiB(12));
	EXPECT_EQ(*page, 42);
	EXPECT_EQ(reserve_at(info.svm_limit + 1 - GiB(4), GiB(8)), -ERANGE);
	EXPECT_EQ(reserve_at(0, GiB(8)), -ERANGE);
	expect_window(base, GiB(12));
	munmap(page, PAGE);
	out_of_range(base);
}

static void test(void)
{
	uint64_t size = file_u64("/sys/module/rocsvm/parameters/svm_size");
	uint64_t base = 0, length = 0;
	struct rocsvm_info info;

	fd = svm_start();
	ASSERT_EQ(svm_info(fd, &info), 0);
	moves(info.window_base + TiB(4));
	failures(info.window_base + TiB(4));
	lengths(info.window_base + TiB(4));

	/* the default again: place and size that open(2) would choose */
	EXPECT_EQ(svm_reserve(fd, 0, &base, &length), 0);
	EXPECT_EQ(base, info.window_base);
	EXPECT_EQ(length, size);
	expect_window(base, length);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
