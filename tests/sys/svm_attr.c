// SPDX-License-Identifier: MIT
/*
 * Memory as malloc() gives it becomes an SVM range: what is set is what is got,
 * the GPU finds the CPU's pages at the CPU's addresses, copies from them and to
 * them, and loses them when they are unmapped.
 *
 * Linux 6.1's KFD makes lockdep complain of its locks if it moves an SVM range
 * to VRAM, or allocates a page table for one. So nothing is moved here, and the
 * tables are there before, for registered memory close by.
 */
#include "reg.h"
#include "svmrange.h"

#define LENGTH KiB(256)

static int fd;
static uint32_t gpu_id;

/* Memory in one page table of the GPU's, the first page of it registered. */
static char *memory_with_tables(void)
{
	uintptr_t p = (uintptr_t)svm_memory(2 * HUGE_PAGE);

	p = (p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	ASSERT_EQ(reg_add_mapped(fd, (void *)p, PAGE, gpu_id), 0);
	return (char *)p;
}

static void set_and_get(const char *memory)
{
	struct kfd_ioctl_svm_attribute set[] = {
		{ KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, gpu_id },
		{ KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, 0 },
		{ KFD_IOCTL_SVM_ATTR_ACCESS, gpu_id },
		{ KFD_IOCTL_SVM_ATTR_SET_FLAGS,
		  KFD_IOCTL_SVM_FLAG_GPU_EXEC |
		  KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED },
		{ KFD_IOCTL_SVM_ATTR_GRANULARITY, 7 },
	};
	struct kfd_ioctl_svm_attribute get[] = {
		{ KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, 1 },
		{ KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, 1 },
		{ KFD_IOCTL_SVM_ATTR_ACCESS, gpu_id },
		{ KFD_IOCTL_SVM_ATTR_SET_FLAGS, 0 },
		{ KFD_IOCTL_SVM_ATTR_GRANULARITY, 0 },
	};

	EXPECT_EQ(svm_attr(fd, KFD_IOCTL_SVM_OP_SET_ATTR, memory, LENGTH, set,
			   ARRAY_SIZE(set)), 0);
	EXPECT_EQ(svm_attr(fd, KFD_IOCTL_SVM_OP_GET_ATTR, memory, LENGTH, get,
			   ARRAY_SIZE(get)), 0);
	EXPECT_EQ(get[0].value, gpu_id);
	EXPECT_EQ(get[1].value, 0);
	EXPECT_EQ(get[2].type, KFD_IOCTL_SVM_ATTR_ACCESS);
	EXPECT_EQ(get[2].value, gpu_id);
	EXPECT_EQ(get[3].value & set[3].value, set[3].value);
	EXPECT_EQ(get[4].value, 7);
}

/* As many as there may be, the last of which counts. */
static void many(const char *memory)
{
	struct kfd_ioctl_svm_attribute attrs[256];

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		attrs[i] = (struct kfd_ioctl_svm_attribute){
			KFD_IOCTL_SVM_ATTR_GRANULARITY, i == 255 ? 5 : 8,
		};
	EXPECT_EQ(svm_attr(fd, KFD_IOCTL_SVM_OP_SET_ATTR, memory, LENGTH, attrs,
			   ARRAY_SIZE(attrs)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		attrs[i].value = 99;
	EXPECT_EQ(svm_attr(fd, KFD_IOCTL_SVM_OP_GET_ATTR, memory, LENGTH, attrs,
			   ARRAY_SIZE(attrs)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		EXPECT_EQ(attrs[i].value, 5);
}

/* KFD's errors are KFD's. */
static void refused(const char *memory)
{
	char *gone = svm_memory(LENGTH);

	EXPECT_EQ(SYS(munmap(gone, LENGTH)), 0);
	EXPECT_EQ(svm_set(fd, memory, LENGTH, 99, 0), -EINVAL);
	EXPECT_EQ(svm_set(fd, memory, LENGTH, KFD_IOCTL_SVM_ATTR_ACCESS, 1),
		  -EINVAL);
	EXPECT_EQ(svm_set(fd, gone, LENGTH, KFD_IOCTL_SVM_ATTR_GRANULARITY, 9),
		  -EFAULT);
}

static void test(void)
{
	struct identity seen;
	char *memory, *other;
	struct reg r;

	if (!svm_ranges_supported())
		test_skip("this kernel's KFD has no SVM ranges");
	reg_open(&r);
	fd = r.fd;
	gpu_id = r.gpu;
	memory = memory_with_tables() + LENGTH;
	other = memory + 2 * LENGTH;
	refused(memory);
	set_and_get(memory);
	many(other);
	EXPECT_EQ(svm_set(fd, other, LENGTH, KFD_IOCTL_SVM_ATTR_ACCESS, gpu_id),
		  0);
	EXPECT_EQ(svm_set(fd, other, LENGTH, KFD_IOCTL_SVM_ATTR_SET_FLAGS,
			  KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED), 0);

	EXPECT_EQ(identity_check(&r.pt, "SVM range", memory, LENGTH, PLACE_HOST,
				 &seen), 0);
	EXPECT_EQ(seen.pages, LENGTH / PAGE);
	EXPECT_EQ(identity_check(&r.pt, "the other", other, LENGTH, PLACE_HOST,
				 &seen), 0);
	pattern_fill(memory, LENGTH, 1);
	EXPECT_EQ(gpuqueue_copy(&r.queue, other, memory, LENGTH), 0);
	EXPECT_EQ(pattern_differs(other, LENGTH, 1), -1);

	EXPECT_EQ(SYS(munmap(memory, LENGTH)), 0);
	EXPECT(EVENTUALLY(pages_mapped(&r.pt, memory, LENGTH) == 0, 10000));
	EXPECT_EQ(pages_mapped(&r.pt, other, LENGTH), LENGTH / PAGE);
	EXPECT_EQ(SYS(munmap(other, LENGTH)), 0);
	EXPECT(EVENTUALLY(pages_mapped(&r.pt, other, LENGTH) == 0, 10000));
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
