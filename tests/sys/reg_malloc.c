// SPDX-License-Identifier: MIT
/*
 * malloc'ed memory, at odd addresses and of odd lengths: registered, the GPU
 * has every page that it touches, and no other, at the address that the CPU
 * has it at; unregistered, it has none of them.
 */
#include "reg.h"

static struct reg r;

static void check(const char *what, char *va, uint64_t length)
{
	uint64_t bytes;
	char *pages = reg_pages(va, length, &bytes);
	struct rocsvm_query q;

	pattern_fill(va, length, 7);
	EXPECT_EQ(pages_mapped(&r.pt, pages - PAGE, bytes + 2 * PAGE), 0);
	ASSERT_EQ(reg_add_mapped(r.fd, va, length, r.gpu), 0);
	EXPECT_REGISTERED(r.fd, 1, bytes);
	q = reg_segment(r.fd, va + length - 1);
	EXPECT_EQ(q.va, (uintptr_t)pages);
	EXPECT_EQ(q.length, bytes);
	EXPECT_EQ(q.gpu_id, r.gpu);
	EXPECT_EQ(q.num_gpus, 1);
	EXPECT_EQ(q.num_registrations, 1);
	EXPECT_EQ(q.guard, 0);

	reg_check_identity(&r, what, va, length);
	EXPECT_EQ(pages_mapped(&r.pt, pages - PAGE, bytes + 2 * PAGE),
		  bytes / PAGE);
	EXPECT_EQ(pattern_differs(va, length, 7), -1);

	/* UNMAP and MAP take its address, too */
	EXPECT_EQ(svm_unmap(r.fd, va, &r.gpu, 1), 0);
	EXPECT_EQ(pages_mapped(&r.pt, pages, bytes), 0);
	EXPECT_EQ(svm_unmap(r.fd, va, &r.gpu, 1), -EINVAL);
	EXPECT_EQ(svm_map_all(r.fd, va), 0);
	EXPECT_EQ(svm_map_all(r.fd, va), 0);
	EXPECT_EQ(pages_mapped(&r.pt, pages, bytes), bytes / PAGE);

	ASSERT_EQ(reg_end(r.fd, va, length), 0);
	EXPECT_EQ(pages_mapped(&r.pt, pages - PAGE, bytes + 2 * PAGE), 0);
	EXPECT_EQ(pattern_differs(va, length, 7), -1);
	EXPECT_EQ(reg_segment(r.fd, va).length, 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
}

static void test(void)
{
	char *small = malloc(PAGE), *middle = malloc(KiB(64));
	char *large = malloc(MiB(3)), *aligned = aligned_alloc(MiB(2), MiB(2));

	ASSERT(small && middle && large && aligned);
	/* whole pages, so that what is looked at is not used meanwhile */
	reg_open(&r);
	check("one byte", small + 17, 1);
	check("100 bytes", small + 33, 100);
	check("50001 bytes", middle + 3, 50001);
	check("up to a page's end", (char *)(((uintptr_t)middle + PAGE) & ~(PAGE - 1)),
	      PAGE);
	check("3 MiB - 5000", large + 1234, MiB(3) - 5000);
	check("2 MiB", aligned, MiB(2));
	reg_close(&r);
	free(small);
	free(middle);
	free(large);
	free(aligned);
}

int main(void)
{
	return test_main(test);
}
