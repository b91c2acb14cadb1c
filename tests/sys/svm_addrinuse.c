// SPDX-License-Identifier: MIT
/*
 * Addresses are a buffer's, registered memory's or an SVM range's: what comes
 * second is told -EADDRINUSE, whichever it is, and leaves nothing.
 */
#include "reg.h"
#include "svmrange.h"

#define LENGTH KiB(64)
#define TYPE KFD_IOCTL_SVM_ATTR_GRANULARITY

static uint64_t num_buffers(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers + info.num_registrations;
}

static void registered_first(int fd)
{
	char *memory = svm_memory(3 * LENGTH), *middle = memory + LENGTH;

	EXPECT_EQ(reg_add(fd, middle, LENGTH), 0);
	EXPECT_EQ(svm_set(fd, middle, LENGTH, TYPE, 9), -EADDRINUSE);
	EXPECT_EQ(svm_set(fd, memory, LENGTH + PAGE, TYPE, 9), -EADDRINUSE);
	EXPECT_EQ(svm_set(fd, middle + LENGTH - PAGE, 2 * PAGE, TYPE, 9),
		  -EADDRINUSE);
	/* what is beside it may be one */
	EXPECT_EQ(svm_set(fd, memory, LENGTH, TYPE, 9), 0);
	EXPECT_EQ(svm_set(fd, middle + LENGTH, LENGTH, TYPE, 9), 0);
	EXPECT_EQ(reg_end(fd, middle, LENGTH), 0);
	EXPECT_EQ(svm_set(fd, middle, LENGTH, TYPE, 9), 0);
	EXPECT_EQ(SYS(munmap(memory, 3 * LENGTH)), 0);
}

static void range_first(int fd)
{
	char *memory = svm_memory(3 * LENGTH), *middle = memory + LENGTH;

	EXPECT_EQ(svm_set(fd, middle, LENGTH, TYPE, 9), 0);
	EXPECT_EQ(reg_add(fd, middle, LENGTH), -EADDRINUSE);
	EXPECT_EQ(reg_add(fd, memory, 3 * LENGTH), -EADDRINUSE);
	EXPECT_EQ(reg_add(fd, middle + LENGTH - PAGE, 2 * PAGE), -EADDRINUSE);
	EXPECT_EQ(num_buffers(fd), 0);
	EXPECT_EQ(reg_add(fd, memory, LENGTH), 0);
	EXPECT_EQ(reg_end(fd, memory, LENGTH), 0);
	EXPECT_EQ(SYS(munmap(memory, 3 * LENGTH)), 0);
}

/* The same over KFD's own ioctl, which knows of no window. */
static int kfd_svm_set(int fd, void *va, uint64_t length)
{
	uint64_t memory[8] = { 0 };
	struct kfd_ioctl_svm_args *args = (void *)memory;
	const size_t size = sizeof(*args) + sizeof(args->attrs[0]);

	ASSERT_LE(size, sizeof(memory));
	args->start_addr = (uintptr_t)va;
	args->size = length;
	args->op = KFD_IOCTL_SVM_OP_SET_ATTR;
	args->nattr = 1;
	args->attrs[0].type = TYPE;
	args->attrs[0].value = 9;
	return svm_ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'K',
				  _IOC_NR(AMDKFD_IOC_SVM), size), args);
}

/*
 * The window's own addresses are memory, too, as long as no buffer is there:
 * an SVM range would be in the way of every later ALLOC.
 */
static void range_in_window(int fd)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
		ROCSVM_KIND_PRIVATE_VRAM,
	};
	char *va = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);

	EXPECT_EQ(svm_set(fd, va, LENGTH, TYPE, 9), -EADDRINUSE);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(svm_set(fd, va, LENGTH, TYPE, 9), -EADDRINUSE);
	ASSERT_EQ(kfd_svm_set(fd, va, LENGTH), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		EXPECT_EQ(svm_alloc_at(fd, kinds[i], PAGE,
				       (uintptr_t)va + LENGTH - PAGE),
			  -EADDRINUSE);
		EXPECT_EQ(num_buffers(fd), 0);
		EXPECT_EQ(svm_alloc_at(fd, kinds[i], PAGE,
				       (uintptr_t)va + LENGTH), 0);
		EXPECT_EQ(svm_free(fd, va + LENGTH), 0);
	}
}

static void test(void)
{
	int fd;

	if (!svm_ranges_supported())
		test_skip("this kernel's KFD has no SVM ranges");
	fd = svm_start();
	registered_first(fd);
	range_first(fd);
	range_in_window(fd);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
