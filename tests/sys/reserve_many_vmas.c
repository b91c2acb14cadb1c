// SPDX-License-Identifier: MIT
/*
 * 30,000 VMAs where the window would go: open finds another place of full
 * size at once.
 */
#include "harness.h"

#define SPACING MiB(64)

static void block(uint64_t base, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		char *at = (char *)base + i * SPACING;
		void *p = mmap(at, PAGE, i & 1 ? PROT_READ : PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE |
			       MAP_NORESERVE, -1, 0);

		ASSERT_EQ((uintptr_t)p, (uintptr_t)at);
	}
}

static void test(void)
{
	uint64_t size = file_u64("/sys/module/rocsvm/parameters/svm_size");
	unsigned long count = scaled(30000, 1000);
	struct rocsvm_info preferred, info;
	size_t before;
	void *buffer;
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &preferred), 0);
	close(fd);
	block(preferred.window_base, count);
	before = maps_count(0);
	EXPECT_GE(before, count);

	fd = svm_start();
	ASSERT_EQ(svm_info(fd, &info), 0);
	say("%zu VMAs, window at %llx instead of %llx", before, info.window_base,
	    preferred.window_base);
	EXPECT_EQ(maps_count(0), before + 3);
	EXPECT_NE(info.window_base, preferred.window_base);
	EXPECT_EQ(info.window_limit - info.window_base + 1, size);
	EXPECT_GE(info.window_base, info.svm_base);
	EXPECT_LE(info.window_limit, info.svm_limit);
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_EQ(probe_write(buffer), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	close(fd);
	EXPECT_EQ(maps_count(0), before);
}

int main(void)
{
	return test_main(test);
}
