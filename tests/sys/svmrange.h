/* SPDX-License-Identifier: MIT */
/*
 * What the tests of SVM_ATTR share.
 */
#ifndef ROCSVM_TESTS_SVMRANGE_H
#define ROCSVM_TESTS_SVMRANGE_H

#include "harness.h"

static inline int svm_attr(int fd, uint32_t op, const void *va, uint64_t length,
			   struct kfd_ioctl_svm_attribute *attrs, uint32_t n)
{
	struct rocsvm_svm_attr args = {
		.size = sizeof(args),
		.op = op,
		.num_attrs = n,
		.va = (uintptr_t)va,
		.length = length,
		.attrs = (uintptr_t)attrs,
	};

	return svm_ioctl(fd, ROCSVM_SVM_ATTR, &args);
}

/* Set one attribute: 0 or -errno. */
static inline int svm_set(int fd, const void *va, uint64_t length,
			  uint32_t type, uint32_t value)
{
	struct kfd_ioctl_svm_attribute attr = { type, value };

	return svm_attr(fd, KFD_IOCTL_SVM_OP_SET_ATTR, va, length, &attr, 1);
}

/* Anonymous memory of the process, page aligned, all of it present. */
static inline char *svm_memory(uint64_t length)
{
	char *p = mmap(NULL, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ASSERT(p != MAP_FAILED);
	return p;
}

/* Whether this kernel's KFD has SVM ranges; asked of KFD itself. */
static inline bool svm_ranges_supported(void)
{
	struct kfd_ioctl_set_xnack_mode_args args = { .xnack_enabled = -1 };
	int kfd = kfd_open(), r;

	r = svm_ioctl(kfd, AMDKFD_IOC_SET_XNACK_MODE, &args);
	close(kfd);
	/* Both come with CONFIG_HSA_AMD_SVM. */
	ASSERT(!r || r == -EPERM);
	return !r;
}

#endif /* ROCSVM_TESTS_SVMRANGE_H */
