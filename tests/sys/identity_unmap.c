// SPDX-License-Identifier: MIT
/*
 * After UNMAP, and after FREE of a buffer that was still mapped, the page
 * tables hold nothing for its addresses; in between MAP brings it back.
 */
#include "pagetable.h"

static void check(struct pagetable *pt, int fd, uint32_t kind, uint64_t length)
{
	void *buffer = svm_alloc(fd, kind, length);
	size_t pages = length / PAGE;

	EXPECT_EQ(pages_mapped(pt, buffer, length), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(pages_mapped(pt, buffer, length), pages);
	EXPECT_EQ(svm_unmap_all(fd, buffer), 0);
	EXPECT_EQ(pages_mapped(pt, buffer, length), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(pages_mapped(pt, buffer, length), pages);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(pages_mapped(pt, buffer, length), 0);
	say("kind %u, %zu pages at %p", kind, pages, buffer);
}

static void test(void)
{
	int fd = svm_start();
	struct gpuqueue queue;
	struct pagetable pt;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	check(&pt, fd, ROCSVM_KIND_HOST, KiB(64));
	check(&pt, fd, ROCSVM_KIND_HOST, MiB(2));
	check(&pt, fd, ROCSVM_KIND_GTT, KiB(64));
	check(&pt, fd, ROCSVM_KIND_VRAM, MiB(2));
	check(&pt, fd, ROCSVM_KIND_PRIVATE_VRAM, KiB(64));
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
