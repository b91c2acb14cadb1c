// SPDX-License-Identifier: MIT
/*
 * Only what lies wholly inside the SVM range can be registered: GPUs with 40
 * address bits reach neither stacks nor heaps nor what mmap() gives out. The
 * range is INFO's, to the byte.
 */
#include "reg.h"

static struct reg r;

static char *fixed(uint64_t at, uint64_t length)
{
	return own((void *)at, length, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
}

static void check_end(uint64_t end)
{
	char *p = fixed(end - 2 * PAGE, 4 * PAGE);

	EXPECT_EQ(reg_add(r.fd, p, 2 * PAGE + 1), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, p, 4 * PAGE), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, p + 2 * PAGE, 1), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, p + 2 * PAGE - 1, 2), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, p, -(uint64_t)(uintptr_t)p), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, p, UINT64_MAX), -ERANGE);
	EXPECT_REGISTERED(r.fd, 0, 0);
	ASSERT_EQ(reg_add_mapped(r.fd, p, 2 * PAGE, r.gpu), 0);
	reg_check_identity(&r, "the last two pages", p, 2 * PAGE);
	EXPECT_EQ(reg_end(r.fd, p, 2 * PAGE), 0);
	munmap(p, 4 * PAGE);
}

static void check_base(uint64_t base)
{
	char *p;

	if (base < 2 * PAGE) {
		say("the range begins at 0x%lx", base);
		return;
	}
	p = fixed(base - PAGE, 2 * PAGE);
	EXPECT_EQ(reg_add(r.fd, p, PAGE), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, p + PAGE - 1, 2), -ERANGE);
	ASSERT_EQ(reg_add(r.fd, p + PAGE, PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, p + PAGE, PAGE), 0);
	munmap(p, 2 * PAGE);
}

static void test(void)
{
	struct rocsvm_info info;
	char here[64] = "", *heap = malloc(PAGE), *mapped = own_private(PAGE), *low;

	reg_open(&r);
	ASSERT_EQ(svm_info(r.fd, &info), 0);
	say("SVM range 0x%lx..0x%lx, stack %p, heap %p, mmap %p",
	    (long)info.svm_base, (long)info.svm_limit, here, heap, mapped);
	ASSERT_EQ(info.svm_limit, TiB(1) - 1);
	EXPECT_EQ(reg_add(r.fd, here, sizeof(here)), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, heap, PAGE), -ERANGE);
	EXPECT_EQ(reg_add(r.fd, mapped, PAGE), -ERANGE);
	check_end(info.svm_limit + 1);
	check_base(info.svm_base);

	low = fixed(GiB(2), KiB(64));
	ASSERT_EQ(reg_add_mapped(r.fd, low + 5, KiB(40), r.gpu), 0);
	reg_check_identity(&r, "in the range", low + 5, KiB(40));
	EXPECT_EQ(reg_end(r.fd, low + 5, KiB(40)), 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
