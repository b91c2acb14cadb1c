// SPDX-License-Identifier: MIT
/*
 * An address space that is nearly full: the largest gap that is left becomes
 * the window; where none has 4 GiB, open is -ENOMEM and leaves nothing, if a
 * window is asked for always, and the log says how large the largest is.
 */
#include "window.h"

/* Map everything there is in pieces of @size, until nothing so large is left. */
static unsigned long fill(uint64_t size)
{
	unsigned long count = 0;

	while (mmap(NULL, size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
	       MAP_FAILED)
		count++;
	return count;
}

static void test(void)
{
	struct rocsvm_info info;
	unsigned long count = 0;
	uint64_t room;
	size_t before;
	char *hole;
	int log_fd = klog_open(), zero_fd = klog_open(), fd;

	/* what is tested is a window, not the way round it */
	ASSERT_EQ(knob_set("/sys/module/rocsvm/parameters/reserve", "always"), 0);

	/* the hole that will be left over, with room for the margins */
	hole = mmap(NULL, GiB(24), PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE((uintptr_t)hole, (uintptr_t)MAP_FAILED);
	for (uint64_t size = TiB(8); size >= MiB(512); size /= 2)
		count += fill(size);
	before = maps_count(0);
	say("%lu mappings, %zu VMAs", count, before);

	EXPECT_EQ(svm_open(), -ENOMEM);
	EXPECT_EQ(klog_count(log_fd, "largest gap"), 1);
	EXPECT_EQ(klog_count(zero_fd, " is 0 MiB"), 0);
	close(log_fd);
	close(zero_fd);
	EXPECT_EQ(maps_count(0), before);
	EXPECT_EQ(svm_counter("spaces"), 0);

	ASSERT_EQ(munmap(hole, GiB(24)), 0);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	room = info.window_limit - info.window_base + 1;
	say("hole at %p, window %llx..%llx", hole, info.window_base,
	    info.window_limit);
	EXPECT_GE(info.window_base, (uintptr_t)hole - MiB(512));
	EXPECT_LT(info.window_limit, (uintptr_t)hole + GiB(24) + MiB(512));
	EXPECT_GE(room, GiB(23));
	EXPECT_EQ(room % MiB(4), 0);
	close(fd);
}

int main(void)
{
	return window_main(test);
}
