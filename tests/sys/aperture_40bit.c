// SPDX-License-Identifier: MIT
/*
 * A GPU that can't address all that mmap() returns has no mmap aperture. Asked
 * for by the module parameter there is a window all the same, which INFO and
 * the kernel log tell; asked for by RESERVE it is -EOPNOTSUPP, and the window
 * stands.
 */
#include "aperture.h"

static int log_fd;

static void expect_window(int fd, uint32_t fallback)
{
	struct rocsvm_info info = info_of(fd);

	EXPECT_EQ(info.aperture, ROCSVM_APERTURE_RESERVED);
	EXPECT_EQ(info.space_flags & ROCSVM_SPACE_FALLBACK, fallback);
	EXPECT_LE(info.window_limit, info.svm_limit);
	EXPECT_GE(info.window_limit - info.window_base + 1, GiB(4));
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		void *va = svm_alloc(fd, memory_kinds[i].kind, KiB(64));

		EXPECT_GE((uintptr_t)va, info.window_base);
		EXPECT_LT((uintptr_t)va, info.window_limit);
		EXPECT_EQ(svm_map_all(fd, va), 0);
		EXPECT_EQ(svm_free(fd, va), 0);
	}
}

static void refused(int fd)
{
	struct rocsvm_reserve args = {
		.aperture = ROCSVM_APERTURE_MMAP, .guard = KiB(64),
	};
	char *before = maps_text(0, 0, UINT64_MAX);
	struct rocsvm_info info = info_of(fd), after;

	EXPECT_EQ(aperture_choose_mmap(fd), -EOPNOTSUPP);
	EXPECT_EQ(svm_reserve_args(fd, &args), -EOPNOTSUPP);
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	after = info_of(fd);
	EXPECT_EQ(memcmp(&info, &after, sizeof(info)), 0);
	free(before);
}

static void test(void)
{
	struct rocsvm_reserve args = {
		.flags = ROCSVM_RESERVE_FIXED, .length = GiB(16),
	};
	int fd;

	log_fd = klog_open();
	ASSERT_EQ(knob_set(PARAM_RESERVE, "never"), 0);
	fd = window_start();
	ASSERT_LT(info_of(fd).svm_limit, 1ull << 46);
	EXPECT_GE(klog_count(log_fd, "rocsvm"), 1);
	expect_window(fd, ROCSVM_SPACE_FALLBACK);
	refused(fd);
	expect_window(fd, ROCSVM_SPACE_FALLBACK);
	/* what the program itself chose is no substitute for anything */
	args.base = info_of(fd).window_base;
	ASSERT_EQ(svm_reserve_args(fd, &args), 0);
	EXPECT_EQ(info_of(fd).space_flags & ROCSVM_SPACE_FALLBACK, 0);
	close(fd);

	ASSERT_EQ(file_write(PARAM_RESERVE, "auto"), 0);
	klog_count(log_fd, "");
	fd = window_start();
	EXPECT_EQ(klog_count(log_fd, "rocsvm"), 0);
	expect_window(fd, 0);
	refused(fd);
	expect_window(fd, 0);
	close(fd);
}

int main(void)
{
	return window_main(test);
}
