// SPDX-License-Identifier: MIT
/*
 * Private VRAM: it has an address, which the CPU can't touch; what the GPU
 * writes there lies in the VRAM that the page tables name for it.
 */
#include "pagetable.h"

static void test(void)
{
	const uint64_t length = MiB(1);
	int fd = svm_start();
	struct gpuqueue queue;
	struct pagetable pt;
	struct identity seen;
	char *tags, *private;

	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	private = svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, length);
	tags = svm_alloc(fd, ROCSVM_KIND_HOST, length);
	ASSERT_EQ(svm_map_all(fd, private), 0);
	ASSERT_EQ(svm_map_all(fd, tags), 0);

	/* before the copy the tags are nowhere: the check must see that */
	EXPECT_EQ(identity_check_private(&pt, "not yet filled",
					 (uintptr_t)private, length, 0x1234,
					 &seen), length / PAGE);
	EXPECT_EQ(seen.different, length / PAGE);

	identity_tags(tags, (uintptr_t)private, length, 0x1234);
	ASSERT_EQ(gpuqueue_copy(&queue, private, tags, length), 0);
	EXPECT_EQ(identity_check_private(&pt, "private VRAM",
					 (uintptr_t)private, length, 0x1234,
					 &seen), 0);

	EXPECT_EQ(probe_read(private), PROBE_MAPERR);
	EXPECT_EQ(probe_write(private), PROBE_MAPERR);
	EXPECT_EQ(probe_read(private + length - 1), PROBE_MAPERR);
	EXPECT_EQ(svm_free(fd, private), 0);
	EXPECT_EQ(svm_free(fd, tags), 0);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
