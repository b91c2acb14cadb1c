// SPDX-License-Identifier: MIT
/*
 * fork() under a registration: the GPU stays with the parent, through every
 * page that copy-on-write gives it or the child. The child's memory is its own,
 * and it has nothing registered.
 */
#include "reg.h"

#define LENGTH KiB(64)
#define HALF (LENGTH / 2)

static struct reg r;
static char *memory;
static struct sync written, looked;

static void child(void *unused)
{
	(void)unused;
	EXPECT_EQ(find_not(memory, 0x11, LENGTH), -1);
	/* the first write to the second half is the child's */
	memset(memory + HALF, 0xcc, HALF);
	sync_post(&written);
	sync_wait(&looked);
	/* Neither the parent nor the GPU has written here. */
	EXPECT_EQ(find_not(memory, 0x11, HALF), -1);
	EXPECT_EQ(find_not(memory + HALF, 0xcc, HALF), -1);
	EXPECT_EQ(reg_add(r.fd, memory, LENGTH), -EBADF);
	EXPECT_EQ(reg_end(r.fd, memory, LENGTH), -EBADF);
}

static void test(void)
{
	char *copy;
	pid_t pid;

	sync_init(&written);
	sync_init(&looked);
	reg_open(&r);
	memory = own_private(LENGTH);
	copy = svm_alloc(r.fd, ROCSVM_KIND_GTT, LENGTH);
	ASSERT_EQ(svm_map_all(r.fd, copy), 0);
	memset(memory, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, memory, LENGTH, r.gpu), 0);

	pid = child_start(child, NULL);
	sync_wait(&written);
	memset(memory, 0x22, LENGTH);
	EXPECT_EQ(gpuqueue_copy(&r.queue, copy, memory, LENGTH), 0);
	EXPECT_EQ(find_not(copy, 0x22, LENGTH), -1);
	reg_check_identity(&r, "after fork", memory, LENGTH);
	memset(copy, 0x33, LENGTH);
	EXPECT_EQ(gpuqueue_copy(&r.queue, memory, copy, LENGTH), 0);
	EXPECT_EQ(find_not(memory, 0x33, LENGTH), -1);
	sync_post(&looked);
	EXPECT_EQ(child_wait(pid), 0);

	EXPECT_REGISTERED(r.fd, 1, LENGTH);
	reg_check_identity(&r, "after the child's end", memory, LENGTH);
	EXPECT_EQ(reg_end(r.fd, memory, LENGTH), 0);
	EXPECT_EQ(svm_free(r.fd, copy), 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
