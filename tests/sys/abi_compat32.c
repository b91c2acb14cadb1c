// SPDX-License-Identifier: MIT
/*
 * A 32-bit caller is -EPERM, as with KFD. A 64-bit program makes 32-bit system
 * calls by int $0x80, which is all that the kernel looks at.
 */
#include "harness.h"

#define IA32_GETPID 20
#define IA32_OPEN 5
#define IA32_IOCTL 54

static long syscall32(long nr, long a, long b, long c)
{
	long r;

	asm volatile("int $0x80" : "=a"(r)
		     : "a"(nr), "b"(a), "c"(b), "d"(c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

static void try_getpid(void *arg)
{
	(void)arg;
	EXPECT_EQ(syscall32(IA32_GETPID, 0, 0, 0), getpid());
}

static void test(void)
{
	static const unsigned long cmds[] = {
		ROCSVM_INFO, ROCSVM_GPU_INFO, ROCSVM_RESERVE, ROCSVM_ACQUIRE_VM,
		ROCSVM_ALLOC, ROCSVM_FREE, ROCSVM_MAP, ROCSVM_UNMAP,
		ROCSVM_QUERY, AMDKFD_IOC_GET_VERSION,
	};
	struct rocsvm_info *info;
	char *low;
	int fd;

	if (run_child(try_getpid, NULL))
		test_skip("this kernel has no 32-bit system calls");
	low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE((uintptr_t)low, (uintptr_t)MAP_FAILED);
	strcpy(low, "/dev/rocsvm");
	EXPECT_EQ(syscall32(IA32_OPEN, (long)low, O_RDWR, 0), -EPERM);
	EXPECT_EQ(svm_counter("spaces"), 0);
	strcpy(low, "/dev/null");
	EXPECT_GE(syscall32(IA32_OPEN, (long)low, O_RDWR, 0), 0);

	fd = svm_open();
	ASSERT_GE(fd, 0);
	info = (struct rocsvm_info *)low;
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		memset(low, 0, PAGE);
		info->size = sizeof(*info);
		EXPECT_EQ(syscall32(IA32_IOCTL, fd, cmds[i], (long)low), -EPERM);
	}
	/* the very same call is fine from the 64-bit side */
	memset(low, 0, PAGE);
	info->size = sizeof(*info);
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_INFO, info), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
