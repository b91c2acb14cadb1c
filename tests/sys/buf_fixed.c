// SPDX-License-Identifier: MIT
/*
 * A fixed address is honoured or refused, never moved: -EEXIST where buffer or
 * guard would meet another one, -ERANGE outside the region of the kind.
 */
#include "harness.h"

static int fd;
static struct rocsvm_info info;

/* Allocate there and free at once: the result. */
static int try_at(uint32_t kind, uint64_t length, uint64_t va)
{
	int r = svm_alloc_at(fd, kind, length, va);

	if (!r)
		EXPECT_EQ(svm_free(fd, (void *)va), 0);
	return r;
}

static void occupied(uint32_t kind)
{
	uint64_t va = info.window_base + GiB(1);

	ASSERT_EQ(svm_alloc_at(fd, kind, KiB(64), va), 0);
	for (uint32_t other = 1; other <= 4; other++) {
		EXPECT_EQ(try_at(other, KiB(64), va), -EEXIST);
		EXPECT_EQ(try_at(other, PAGE, va + KiB(32)), -EEXIST);
		EXPECT_EQ(try_at(other, KiB(64), va - KiB(32)), -EEXIST);
		EXPECT_EQ(try_at(other, KiB(256), va - KiB(64)), -EEXIST);
		/* its guard, and ours */
		EXPECT_EQ(try_at(other, PAGE, va + KiB(64)), -EEXIST);
		EXPECT_EQ(try_at(other, PAGE, va - PAGE), -EEXIST);
		/* next to them */
		EXPECT_EQ(try_at(other, PAGE, va + KiB(64) + PAGE), 0);
		EXPECT_EQ(try_at(other, PAGE, va - 2 * PAGE), 0);
	}
	if (kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_EQ(probe_write((void *)va), 0);
	EXPECT_EQ(svm_free(fd, (void *)va), 0);
	EXPECT_EQ(try_at(kind, KiB(64), va), 0);
}

static void out_of_range(void)
{
	uint64_t base = info.window_base, limit = info.window_limit;

	for (uint32_t kind = 1; kind <= 4; kind++) {
		EXPECT_EQ(try_at(kind, PAGE, 0), -ERANGE);
		EXPECT_EQ(try_at(kind, PAGE, base - PAGE), -ERANGE);
		EXPECT_EQ(try_at(kind, KiB(64), base - KiB(32)), -ERANGE);
		EXPECT_EQ(try_at(kind, PAGE, limit + 1), -ERANGE);
		EXPECT_EQ(try_at(kind, PAGE, -PAGE), -ERANGE);
		EXPECT_EQ(try_at(kind, PAGE, info.huge_base), -ERANGE);
		EXPECT_EQ(try_at(kind, PAGE, info.coherent_base), -ERANGE);
		EXPECT_EQ(try_at(kind, 2 * PAGE, info.coherent_base - PAGE),
			  -ERANGE);
		EXPECT_EQ(try_at(kind, PAGE, base), 0);
		EXPECT_EQ(try_at(kind, PAGE, info.coherent_base - 2 * PAGE), 0);
	}
	EXPECT_EQ(try_at(ROCSVM_KIND_GTT, MiB(2), info.huge_base), -ERANGE);
	/* large host buffers the other way round */
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(2), base), -ERANGE);
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(4), info.huge_base - MiB(2)),
		  -ERANGE);
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(2), info.huge_base), -ERANGE);
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(2), info.coherent_limit + 1), 0);
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(2),
			 info.coherent_limit + 1 + PAGE), -EINVAL);
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(2), limit + 1 - MiB(4)), 0);
	EXPECT_EQ(try_at(ROCSVM_KIND_HOST, MiB(2), limit + 1), -ERANGE);
}

static void test(void)
{
	fd = svm_start();
	ASSERT_EQ(svm_info(fd, &info), 0);
	for (uint32_t kind = 1; kind <= 4; kind++)
		occupied(kind);
	out_of_range();
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
