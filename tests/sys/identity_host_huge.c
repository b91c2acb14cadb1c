// SPDX-License-Identifier: MIT
/*
 * Host buffers of the huge region: identical page by page, and 2 MiB at a time
 * on both sides: a huge page for the CPU, one leaf of 2 MiB for the GPU.
 */
#include "pagetable.h"

static void test(void)
{
	static const uint64_t lengths[] = { MiB(2), MiB(6), MiB(3) };
	int fd = svm_start();
	struct gpuqueue queue;
	struct pagetable pt;
	struct rocsvm_info info;
	struct identity seen;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	ASSERT_EQ(svm_info(fd, &info), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct rocsvm_alloc args = {
			.kind = ROCSVM_KIND_HOST,
			.length = lengths[i],
		};
		void *buffer;

		ASSERT_EQ(svm_alloc_args(fd, &args), 0);
		buffer = (void *)(uintptr_t)args.va;
		EXPECT_EQ(args.length, (lengths[i] + HUGE_PAGE - 1) & -HUGE_PAGE);
		EXPECT_GE(args.va, info.huge_base);
		EXPECT_EQ(args.va % HUGE_PAGE, 0);
		EXPECT_EQ(svm_map_all(fd, buffer), 0);
		EXPECT_EQ(identity_check(&pt, "huge host buffer", buffer,
					 args.length, PLACE_HOST, &seen), 0);
		EXPECT_EQ(seen.pages, args.length / PAGE);
		EXPECT_EQ(seen.huge_leaves, seen.pages);
		EXPECT_EQ(smaps_kb(buffer, "ShmemPmdMapped"), args.length / 1024);
		EXPECT_EQ(svm_free(fd, buffer), 0);
	}
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
