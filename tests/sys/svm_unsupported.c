// SPDX-License-Identifier: MIT
/*
 * On a kernel whose KFD is built without SVM ranges SVM_ATTR says so, whatever
 * is asked for, and nothing changes.
 */
#include "svmrange.h"

#define LENGTH KiB(64)

static void test(void)
{
	struct kfd_ioctl_svm_attribute attrs[2] = {
		{ KFD_IOCTL_SVM_ATTR_GRANULARITY, 9 },
		{ KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, 0 },
	};
	int fd = svm_start();
	char *memory = svm_memory(LENGTH);

	if (svm_ranges_supported())
		test_skip("this kernel's KFD has SVM ranges");
	EXPECT_EQ(svm_attr(fd, KFD_IOCTL_SVM_OP_SET_ATTR, memory, LENGTH, attrs,
			   2), -EOPNOTSUPP);
	EXPECT_EQ(svm_attr(fd, KFD_IOCTL_SVM_OP_GET_ATTR, memory, LENGTH, attrs,
			   2), -EOPNOTSUPP);
	EXPECT_EQ(svm_set(fd, memory, LENGTH, KFD_IOCTL_SVM_ATTR_ACCESS,
			  svm_gpu(fd, 0)), -EOPNOTSUPP);
	EXPECT_EQ(svm_set(fd, memory, LENGTH, KFD_IOCTL_SVM_ATTR_ACCESS, 1),
		  -EOPNOTSUPP);
	EXPECT_EQ(svm_set(fd, memory, LENGTH, 99, 99), -EOPNOTSUPP);
	EXPECT_EQ(attrs[0].type, KFD_IOCTL_SVM_ATTR_GRANULARITY);
	EXPECT_EQ(attrs[0].value, 9);
	munmap(memory, LENGTH);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
