// SPDX-License-Identifier: MIT
/*
 * However many buffers are exported or imported, the space keeps no descriptor:
 * the process has those that it was given and has not closed.
 */
#include "share.h"

static void test(void)
{
	unsigned long count = scaled(500, 50);
	int fd = svm_start(), n = fd_count(), dmabuf = -1;
	char **exported = calloc(count, sizeof(*exported));
	char **imported = calloc(count, sizeof(*imported));
	uint64_t pages;

	ASSERT(exported && imported);
	for (unsigned long i = 0; i < count; i++) {
		exported[i] = svm_alloc(fd, i % 2 ? ROCSVM_KIND_GTT :
						    ROCSVM_KIND_VRAM, PAGE);
		*(volatile uint64_t *)exported[i] = i;
		dmabuf = svm_export(fd, exported[i]);
		ASSERT_EQ(dmabuf, svm_export(fd, exported[i]) - 1);
		ASSERT_EQ(fd_count(), n + 2);
		close(dmabuf + 1);
		imported[i] = svm_import(fd, dmabuf);
		ASSERT_EQ(fd_count(), n + 1);
		close(dmabuf);
	}
	EXPECT_EQ(fd_count(), n);
	pages = maps_named(0, "dmabuf");
	say("%lu exported, %lu imported, %d descriptors, %lu mappings", count,
	    count, fd_count(), pages);
	/* all the same each of them is still what it was */
	for (unsigned long i = 0; i < count; i++) {
		ASSERT_EQ(*(volatile uint64_t *)imported[i], i);
		dmabuf = svm_export(fd, imported[i]);
		ASSERT_GE(dmabuf, 0);
		ASSERT_EQ(fd_count(), n + 1);
		close(dmabuf);
		EXPECT_EQ(svm_free(fd, exported[i]), 0);
		ASSERT_EQ(*(volatile uint64_t *)imported[i], i);
		EXPECT_EQ(svm_free(fd, imported[i]), 0);
	}
	EXPECT_EQ(fd_count(), n);
	EXPECT_EQ(maps_named(0, "dmabuf"), 0);
	EXPECT_EQ(svm_num_buffers(fd), 0);
	free(exported);
	free(imported);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
