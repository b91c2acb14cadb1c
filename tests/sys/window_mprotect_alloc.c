// SPDX-License-Identifier: MIT
/*
 * A part of the window that the program has made read-only, as far as it can:
 * ALLOC there is -EFAULT, as where the window was unmapped, and leaves nothing
 * behind; once the program may write again, it is a success.
 */
#include "harness.h"

static void test(void)
{
	int fd = svm_start();
	char *host, *below, *above;
	struct rocsvm_info before, after;
	struct vma vma;

	/* The window's mapping between two of amdgpu's stands alone. */
	below = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	ASSERT_EQ(svm_free(fd, below), 0);
	host = below + 4 * PAGE;
	above = below + 8 * PAGE;
	ASSERT_EQ(svm_alloc_at(fd, ROCSVM_KIND_GTT, PAGE, (uintptr_t)below), 0);
	ASSERT_EQ(svm_alloc_at(fd, ROCSVM_KIND_GTT, PAGE, (uintptr_t)above), 0);
	ASSERT(maps_find(host, &vma));
	ASSERT(strstr(vma.name, "rocsvm"));
	ASSERT_EQ(svm_info(fd, &before), 0);

	ASSERT_EQ(SYS(mprotect((void *)vma.start, vma.end - vma.start, PROT_READ)), 0);
	EXPECT_EQ(svm_alloc_at(fd, ROCSVM_KIND_HOST, PAGE, (uintptr_t)host), -EFAULT);
	ASSERT_EQ(svm_info(fd, &after), 0);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);

	ASSERT_EQ(SYS(mprotect((void *)vma.start, vma.end - vma.start,
			       PROT_READ | PROT_WRITE)), 0);
	EXPECT_EQ(svm_alloc_at(fd, ROCSVM_KIND_HOST, PAGE, (uintptr_t)host), 0);
	*host = 1;
	close(fd);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
