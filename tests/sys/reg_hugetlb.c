// SPDX-License-Identifier: MIT
/*
 * Memory of huge pages (MAP_HUGETLB): registered whole, the GPU has it under
 * larger leaves than 4 KiB; registered in part, it has that part.
 */
#include "reg.h"

#define POOL "/proc/sys/vm/nr_hugepages"
#define LENGTH (2 * HUGE_PAGE)

static struct reg r;

static void check(void)
{
	char *p = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	char *part = p + HUGE_PAGE - PAGE;
	struct identity seen;

	if (p == MAP_FAILED) {
		EXPECT_EQ(file_write(POOL, "0"), 0);
		test_skip("no huge pages to be had");
	}
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	EXPECT_EQ(identity_check(&r.pt, "whole", p, LENGTH, PLACE_HOST, &seen), 0);
	EXPECT_GT(seen.huge_leaves, 0);
	reg_check_identity(&r, "whole", p, LENGTH);
	ASSERT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);

	/* the last page of one, the first of the other */
	ASSERT_EQ(reg_add_mapped(r.fd, part, 2 * PAGE, r.gpu), 0);
	reg_check_identity(&r, "a part", part, 2 * PAGE);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 2);
	ASSERT_EQ(reg_end(r.fd, part, 2 * PAGE), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	munmap(p, LENGTH);
}

static void test(void)
{
	EXPECT_EQ(file_write(POOL, "2"), 0);
	reg_open(&r);
	check();
	reg_close(&r);
	EXPECT_EQ(file_write(POOL, "0"), 0);
	EXPECT_EQ(file_u64(POOL), 0);
}

int main(void)
{
	return test_main(test);
}
