// SPDX-License-Identifier: MIT
/*
 * Pages of a host buffer are moved to other places in memory, small ones and
 * pieces of a huge one: the GPU's page tables follow, and no byte changes.
 *
 * MADV_SOFT_OFFLINE moves a page at once and for certain; it costs the machine
 * the few pages that were moved from.
 */
#include "pagetable.h"

/* from asm-generic/mman-common.h, which sys/mman.h does not give out */
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define MOVES 8

/* -EBUSY: somebody, KFD's worker as a rule, holds the page for a moment. */
static int soft_offline(char *page)
{
	int r = 0;

	for (int tries = 0; tries < 200; tries++) {
		r = SYS(madvise(page, PAGE, MADV_SOFT_OFFLINE));
		if (r != -EBUSY)
			break;
		usleep(20000);
	}
	return r;
}

static void check(struct gpuqueue *queue, struct pagetable *pt, char *buffer,
		  char *copy, uint64_t length, uint32_t seed)
{
	struct identity seen;

	memset(copy, 0, length);
	EXPECT_EQ(gpuqueue_copy(queue, copy, buffer, length), 0);
	EXPECT_EQ(pattern_differs(copy, length, seed), -1);
	EXPECT_EQ(identity_check(pt, "after moving", buffer, length, PLACE_HOST,
				 &seen), 0);
	EXPECT_EQ(pattern_differs(buffer, length, seed), -1);
}

static void move(struct gpuqueue *queue, struct pagetable *pt, int fd,
		 uint64_t length)
{
	char *buffer = svm_alloc(fd, ROCSVM_KIND_HOST, length);
	char *copy = svm_alloc(fd, ROCSVM_KIND_GTT, length);
	uint64_t step = length / MOVES / PAGE * PAGE;
	size_t moved = 0;

	ASSERT_EQ(svm_map_all(fd, buffer), 0);
	ASSERT_EQ(svm_map_all(fd, copy), 0);
	pattern_fill(buffer, length, 5);
	check(queue, pt, buffer, copy, length, 5);
	for (int i = 0; i < MOVES; i++) {
		char *page = buffer + i * step;
		uint64_t before = cpu_physical(pt, page);
		int r = soft_offline(page);

		if (r == -EINVAL)
			test_skip("this kernel can't soft-offline pages");
		EXPECT_EQ(r, 0);
		(void)*(volatile char *)page;
		moved += cpu_physical(pt, page) != before;
		/* written while KFD may still be at it */
		pattern_fill(buffer, length, 6 + i);
		check(queue, pt, buffer, copy, length, 6 + i);
	}
	say("%lu bytes: %zu pages of %d moved", length, moved, MOVES);
	EXPECT_EQ(moved, MOVES);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, copy), 0);
}

static void test(void)
{
	struct gpuqueue queue;
	struct pagetable pt;
	int fd = svm_start();

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	move(&queue, &pt, fd, KiB(256));
	move(&queue, &pt, fd, MiB(2));
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
