// SPDX-License-Identifier: MIT
/*
 * A host buffer's pages are swapped out under the GPU: its page tables follow,
 * and neither side sees another byte.
 */
#include "pagetable.h"

#include <sys/swap.h>

#define LENGTH MiB(1)
#define ROUNDS 3

/* A counter of /proc/vmstat. */
static uint64_t vmstat(const char *name)
{
	static char text[65536];
	char key[64], *found;

	ASSERT_GT(file_read("/proc/vmstat", text, sizeof(text)), 0);
	snprintf(key, sizeof(key), "\n%s ", name);
	found = strstr(text, key);
	ASSERT(found);
	return strtoull(found + strlen(key), NULL, 10);
}

static void swap_round(struct gpuqueue *queue, struct pagetable *pt,
		       char *buffer, char *copy, uint32_t seed)
{
	uint64_t before = vmstat("pswpout"), physical[LENGTH / PAGE];
	struct identity seen;
	size_t moved = 0;

	pattern_fill(buffer, LENGTH, seed);
	for (size_t i = 0; i < LENGTH / PAGE; i++)
		physical[i] = cpu_physical(pt, buffer + i * PAGE);
	ASSERT_EQ(SYS(madvise(buffer, LENGTH, MADV_PAGEOUT)), 0);
	EXPECT_GT(vmstat("pswpout"), before);

	/* the queue runs again once KFD has brought the pages back */
	memset(copy, 0, LENGTH);
	EXPECT_EQ(gpuqueue_copy(queue, copy, buffer, LENGTH), 0);
	EXPECT_EQ(pattern_differs(copy, LENGTH, seed), -1);
	EXPECT_EQ(identity_check(pt, "after swapping", buffer, LENGTH,
				 PLACE_HOST, &seen), 0);
	EXPECT_EQ(pattern_differs(buffer, LENGTH, seed), -1);
	for (size_t i = 0; i < LENGTH / PAGE; i++)
		moved += cpu_physical(pt, buffer + i * PAGE) != physical[i];
	say("%lu pages swapped out, %zu of %lu at a new place",
	    vmstat("pswpout") - before, moved, LENGTH / PAGE);
}

static void test(void)
{
	const char *device = getenv("ROCSVM_SWAP");
	struct gpuqueue queue;
	struct pagetable pt;
	char *buffer, *copy;
	int fd;

	if (!device)
		test_skip("ROCSVM_SWAP names no swap device");
	ASSERT_EQ(SYS(swapon(device, 0)), 0);
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	copy = svm_alloc(fd, ROCSVM_KIND_GTT, LENGTH);
	ASSERT_EQ(svm_map_all(fd, buffer), 0);
	ASSERT_EQ(svm_map_all(fd, copy), 0);
	for (uint32_t i = 0; i < ROUNDS; i++)
		swap_round(&queue, &pt, buffer, copy, i);

	/* swapped out while no GPU has it, then mapped */
	ASSERT_EQ(svm_unmap_all(fd, buffer), 0);
	pattern_fill(buffer, LENGTH, 77);
	ASSERT_EQ(SYS(madvise(buffer, LENGTH, MADV_PAGEOUT)), 0);
	ASSERT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(gpuqueue_copy(&queue, copy, buffer, LENGTH), 0);
	EXPECT_EQ(pattern_differs(copy, LENGTH, 77), -1);

	/* a GPU's writing survives it as well */
	pattern_fill(copy, LENGTH, 78);
	EXPECT_EQ(gpuqueue_copy(&queue, buffer, copy, LENGTH), 0);
	ASSERT_EQ(SYS(madvise(buffer, LENGTH, MADV_PAGEOUT)), 0);
	EXPECT_EQ(pattern_differs(buffer, LENGTH, 78), -1);

	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, copy), 0);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
	EXPECT_EQ(SYS(swapoff(device)), 0);
}

int main(void)
{
	return test_main(test);
}
