// SPDX-License-Identifier: MIT
/*
 * A new buffer reads as zeros, also where another one was before, and for the
 * GPU as for the CPU.
 */
#include "gpuqueue.h"
#include "harness.h"

static int fd;
static struct gpuqueue queue;

static void check(uint32_t kind, uint64_t length, bool by_gpu)
{
	uint64_t va = 0;

	for (int round = 0; round < 3; round++) {
		char *buffer = svm_alloc(fd, kind, length);

		if (round)
			EXPECT_EQ((uintptr_t)buffer, va);
		va = (uintptr_t)buffer;
		EXPECT_EQ(find_not(buffer, 0, length), -1);
		EXPECT_EQ(svm_map_all(fd, buffer), 0);
		memset(buffer, 0xa5, length);
		if (by_gpu)
			EXPECT_EQ(gpuqueue_copy(&queue, buffer, buffer + length / 2,
						length / 2), 0);
		EXPECT_EQ(svm_free(fd, buffer), 0);
	}
	say("kind %u, %lu bytes at %lx", kind, length, va);
}

/* The GPU is the first to look at it. */
static void first_by_gpu(uint64_t length)
{
	char *copy = svm_alloc(fd, ROCSVM_KIND_GTT, length), *buffer;

	memset(copy, 0xa5, length);
	buffer = svm_alloc(fd, ROCSVM_KIND_HOST, length);
	EXPECT_EQ(svm_map_all(fd, copy), 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(gpuqueue_copy(&queue, copy, buffer, length), 0);
	EXPECT_EQ(find_not(copy, 0, length), -1);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, copy), 0);
}

static void test(void)
{
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	for (uint32_t kind = 1; kind <= 3; kind++) {
		check(kind, PAGE, false);
		check(kind, KiB(256), true);
	}
	check(ROCSVM_KIND_HOST, MiB(2), true);
	first_by_gpu(KiB(64));
	first_by_gpu(MiB(2));
	gpuqueue_close(&queue);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
