// SPDX-License-Identifier: MIT
/*
 * What SVM_ATTR refuses by itself, on any kernel: values that are out of range,
 * and addresses that are not ordinary memory's.
 */
#include "svmrange.h"

#define LENGTH KiB(64)

static void bad_values(int fd, char *memory)
{
	struct kfd_ioctl_svm_attribute attrs[257] = { { 0 } };
	const struct rocsvm_svm_attr good = {
		.size = sizeof(good),
		.op = KFD_IOCTL_SVM_OP_SET_ATTR,
		.num_attrs = 1,
		.va = (uintptr_t)memory,
		.length = LENGTH,
		.attrs = (uintptr_t)attrs,
	};
	struct rocsvm_svm_attr args;

#define REFUSED(member, value, result) do {				\
	args = good;							\
	args.member = value;						\
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_SVM_ATTR, &args), result);	\
} while (0)
	REFUSED(flags, 1, -EOPNOTSUPP);
	REFUSED(size, 8, -EINVAL);
	REFUSED(op, 2, -EINVAL);
	REFUSED(num_attrs, 0, -EINVAL);
	REFUSED(num_attrs, 257, -EINVAL);
	REFUSED(num_attrs, 0xffffffff, -EINVAL);
	REFUSED(va, good.va + 1, -EINVAL);
	REFUSED(length, 0, -EINVAL);
	REFUSED(length, LENGTH + 1, -EINVAL);
	REFUSED(attrs, 8, -EFAULT);
	REFUSED(attrs, ~0ull - 7, -EFAULT);
	REFUSED(va, 0, -ERANGE);
	REFUSED(va, 1ull << 47, -ERANGE);
	REFUSED(length, 1ull << 47, -ERANGE);
	REFUSED(length, -PAGE, -ERANGE);
#undef REFUSED
}

/* Memory that is a buffer's can't be an SVM range as well. */
static void buffers(int fd)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_PRIVATE_VRAM,
		ROCSVM_KIND_ADDRESS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *va = svm_alloc(fd, kinds[i], LENGTH);
		uint32_t type = KFD_IOCTL_SVM_ATTR_GRANULARITY;

		EXPECT_EQ(svm_set(fd, va, LENGTH, type, 9), -EADDRINUSE);
		EXPECT_EQ(svm_set(fd, va + LENGTH - PAGE, PAGE, type, 9),
			  -EADDRINUSE);
		EXPECT_EQ(svm_set(fd, va - LENGTH, LENGTH + PAGE, type, 9),
			  -EADDRINUSE);
		EXPECT_EQ(svm_set(fd, va - PAGE, GiB(1), type, 9), -EADDRINUSE);
		EXPECT_EQ(svm_free(fd, va), 0);
	}
}

static void not_acquired(char *memory)
{
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_set(fd, memory, LENGTH, KFD_IOCTL_SVM_ATTR_GRANULARITY, 9),
		  -ENODEV);
	close(fd);
}

static void test(void)
{
	char *memory = svm_memory(LENGTH);
	int fd;

	not_acquired(memory);
	fd = svm_start();
	bad_values(fd, memory);
	buffers(fd);
	munmap(memory, LENGTH);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
