// SPDX-License-Identifier: MIT
/*
 * VRAM runs out: -ENOMEM, what was allocated before stays, and what is freed
 * can be had again.
 */
#include "harness.h"

#define PIECE MiB(16)
#define MOST 64

static void test(void)
{
	int fd = svm_start();
	uint32_t gpu_id = svm_gpu(fd, 0);
	uint64_t before = kfd_available(fd, gpu_id);
	struct rocsvm_info info;
	char *piece[MOST];
	void *more;
	int n = 0, r = 0;

	while (n < MOST) {
		void *va;

		r = svm_try_alloc(fd, ROCSVM_KIND_VRAM, PIECE, &va);
		if (r)
			break;
		piece[n] = va;
		*(int *)va = n;
		n++;
	}
	say("%lu MiB available, %d pieces of 16 MiB, then %s", before >> 20, n,
	    strerror(-r));
	if (n == MOST) {
		close(fd);
		test_skip("this GPU has more VRAM than this test wants");
	}
	EXPECT_EQ(r, -ENOMEM);
	EXPECT_GE(n, 2);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, n);
	EXPECT_EQ(info.quarantined_bytes, 0);
	for (int i = 0; i < n; i++)
		EXPECT_EQ(*(int *)piece[i], i);
	EXPECT_EQ(svm_free(fd, piece[0]), 0);
	EXPECT(EVENTUALLY(!svm_try_alloc(fd, ROCSVM_KIND_VRAM, PIECE, &more),
			  5000));
	close(fd);
}

int main(void)
{
	return test_main(test);
}
