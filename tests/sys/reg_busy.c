// SPDX-License-Identifier: MIT
/*
 * A program uses KFD's own ioctls on registered memory, so that KFD refuses what
 * the module asks of one segment: the call fails, and the other segments are
 * as they were before it.
 */
#include "reg.h"

#define LENGTH (4 * PAGE)

static struct reg r;

/* A registration over two segments: the first is two pages long. */
static char *two_segments(bool mapped)
{
	char *p = own_private(LENGTH);

	memset(p, 1, LENGTH);
	if (mapped)
		ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH / 2, r.gpu), 0);
	else
		ASSERT_EQ(reg_add(r.fd, p, LENGTH / 2), 0);
	ASSERT_EQ(reg_add(r.fd, p, LENGTH), 0);
	ASSERT_EQ(reg_end(r.fd, p, LENGTH / 2), 0);
	EXPECT_REGISTERED(r.fd, 1, LENGTH);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), mapped ? 2 : 0);
	return p;
}

static void kfd_map(const char *va, unsigned long cmd)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = reg_segment(r.fd, va).handle,
		.device_ids_array_ptr = (uintptr_t)&r.gpu,
		.n_devices = 1,
	};

	ASSERT(args.handle);
	ASSERT_EQ(svm_ioctl(r.fd, cmd, &args), 0);
}

/* KFD does not free what it has mapped behind the module's back. */
static void unregister(void)
{
	char *p = two_segments(true);

	kfd_map(p + LENGTH / 2, AMDKFD_IOC_MAP_MEMORY_TO_GPU);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), -EBUSY);
	EXPECT_REGISTERED(r.fd, 1, LENGTH);
	EXPECT_EQ(reg_segment(r.fd, p).num_gpus, 1);
	EXPECT_EQ(reg_segment(r.fd, p + LENGTH / 2).num_gpus, 0);
	reg_check_identity(&r, "as it was", p, LENGTH / 2);

	kfd_map(p + LENGTH / 2, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	munmap(p, LENGTH);
}

/* KFD does not map what it has freed behind the module's back. */
static void map(bool by_register)
{
	char *p = two_segments(false);
	struct kfd_ioctl_free_memory_of_gpu_args args = {
		.handle = reg_segment(r.fd, p + LENGTH / 2).handle,
	};

	ASSERT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args), 0);
	if (by_register)
		EXPECT_LT(reg_add_mapped(r.fd, p, LENGTH - 1, r.gpu), 0);
	else
		EXPECT_LT(svm_map(r.fd, p, &r.gpu, 1), 0);
	EXPECT_REGISTERED(r.fd, 1, LENGTH);
	EXPECT_EQ(reg_segment(r.fd, p).num_gpus, 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);

	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	reg_check_identity(&r, "registered anew", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	munmap(p, LENGTH);
}

/* Memory that is gone, and KFD does not let go of it: the next call tries again. */
static void unmapped(void)
{
	char *p = two_segments(false);

	kfd_map(p + LENGTH / 2, AMDKFD_IOC_MAP_MEMORY_TO_GPU);
	munmap(p, LENGTH);
	EXPECT_EQ(reg_segment(r.fd, p).handle, 0);
	EXPECT_NE(reg_segment(r.fd, p + LENGTH / 2).handle, 0);
	kfd_map(p + LENGTH / 2, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU);
	EXPECT_EQ(svm_map(r.fd, p, &r.gpu, 1), -EFAULT);
	EXPECT_EQ(reg_segment(r.fd, p + LENGTH / 2).handle, 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
}

static void test(void)
{
	reg_open(&r);
	unregister();
	map(true);
	map(false);
	unmapped();
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
