// SPDX-License-Identifier: MIT
/*
 * Registered memory on two GPUs: each has it at the program's address, each can
 * lose it alone; calls that name a GPU wrongly change nothing.
 */
#include "reg.h"

#define LENGTH KiB(64)

static int fd;
static uint32_t gpus[2];
static struct gpuqueue queues[2];
static struct pagetable tables[2];
static char *memory;

static void expect(int line, size_t first, size_t second)
{
	size_t seen[2];

	for (int i = 0; i < 2; i++)
		seen[i] = pages_mapped(&tables[i], memory, LENGTH);
	if (seen[0] != first || seen[1] != second)
		say("line %d", line);
	EXPECT_EQ(seen[0], first);
	EXPECT_EQ(seen[1], second);
}

#define EXPECT_PAGES(first, second) expect(__LINE__, first, second)

static int add(const uint32_t *ids, uint32_t n, uint32_t gpu_id)
{
	struct rocsvm_register args = {
		.va = (uintptr_t)memory,
		.length = LENGTH,
		.gpu_ids = (uintptr_t)ids,
		.num_gpus = n,
		.gpu_id = gpu_id,
	};

	return reg_args(fd, &args);
}

static void check(void)
{
	const uint32_t bad[2] = { gpus[0], 0x12345678 };
	uint64_t all = LENGTH / PAGE;
	struct identity seen;

	EXPECT_EQ(add(bad, 2, 0), -ENODEV);
	EXPECT_PAGES(0, 0);
	ASSERT_EQ(add(gpus, 2, gpus[1]), 0);
	EXPECT_EQ(reg_segment(fd, memory).gpu_id, gpus[1]);
	EXPECT_EQ(reg_segment(fd, memory).num_gpus, 2);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(identity_check(&tables[i], "one of two GPUs", memory,
					 LENGTH, PLACE_HOST, &seen), 0);

	/* one GPU copies what the other has written */
	memset(memory, 0, LENGTH);
	pattern_fill(memory, LENGTH / 4, 9);
	EXPECT_EQ(gpuqueue_copy(&queues[0], memory + LENGTH / 4, memory,
				LENGTH / 4), 0);
	EXPECT_EQ(gpuqueue_copy(&queues[1], memory + LENGTH / 2,
				memory + LENGTH / 4, LENGTH / 4), 0);
	EXPECT_EQ(pattern_differs(memory + LENGTH / 2, LENGTH / 4, 9), -1);

	EXPECT_EQ(svm_unmap(fd, memory, bad, 2), -ENODEV);
	EXPECT_PAGES(all, all);
	EXPECT_EQ(svm_unmap(fd, memory, &gpus[1], 1), 0);
	EXPECT_PAGES(all, 0);
	EXPECT_EQ(svm_unmap(fd, memory, gpus, 2), -EINVAL);
	EXPECT_PAGES(all, 0);
	/* another registration brings it back for that GPU, and takes nothing */
	EXPECT_EQ(reg_add_mapped(fd, memory + 5, 10, gpus[1]), 0);
	EXPECT_PAGES(all, all);
	EXPECT_EQ(reg_end(fd, memory + 5, 10), 0);
	EXPECT_PAGES(all, all);
	/* both lose what is unmapped, both get it anew */
	munmap(memory + PAGE, PAGE);
	EXPECT_PAGES(0, 0);
	own(memory + PAGE, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	EXPECT_EQ(svm_map(fd, memory, NULL, ROCSVM_ALL_GPUS), 0);
	EXPECT_PAGES(all, all);
	EXPECT_EQ(reg_end(fd, memory, LENGTH), 0);
	EXPECT_PAGES(0, 0);
	EXPECT_REGISTERED(fd, 0, 0);
	ASSERT_EQ(add(NULL, ROCSVM_ALL_GPUS, 0), 0);
	EXPECT_PAGES(all, all);
	EXPECT_EQ(reg_end(fd, memory, LENGTH), 0);
	EXPECT_PAGES(0, 0);
}

static void test(void)
{
	fd = svm_start();
	memory = own_private(LENGTH);
	for (int i = 0; i < 2; i++) {
		gpus[i] = svm_gpu(fd, i);
		gpuqueue_open(&queues[i], fd, gpus[i]);
		pagetable_open(&tables[i], &queues[i]);
	}
	check();
	for (int i = 0; i < 2; i++) {
		pagetable_close(&tables[i]);
		gpuqueue_close(&queues[i]);
	}
	close(fd);
}

int main(void)
{
	return test_main(test);
}
