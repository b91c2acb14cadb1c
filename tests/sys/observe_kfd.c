// SPDX-License-Identifier: MIT
/*
 * Buffers that a program makes with KFD's own ioctls through /dev/rocsvm are
 * seen in debugfs for as long as they live there: until FREE, or the close; not
 * after a FREE that KFD refuses, nor those made through /dev/kfd.
 */
#include "observe.h"

static int fd, kfd;
static uint32_t gpu;

static int kfd_alloc(int through, void *va, uint64_t length, uint32_t flags,
		     uint64_t *handle)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = (uintptr_t)va, .size = length, .gpu_id = gpu,
		.flags = flags, .mmap_offset = (uintptr_t)va,
	};
	int r = svm_ioctl(through, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);

	*handle = args.handle;
	return r;
}

static int kfd_free(int through, uint64_t handle)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = handle };

	return svm_ioctl(through, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);
}

static int kfd_map(uint64_t handle, bool map)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = handle, .device_ids_array_ptr = (uintptr_t)&gpu,
		.n_devices = 1,
	};

	/* Both structures are the same. */
	return svm_ioctl(fd, map ? AMDKFD_IOC_MAP_MEMORY_TO_GPU :
				   AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &args);
}

static size_t listed(void)
{
	size_t n = view_count(getpid(), "kfd");

	EXPECT_EQ(space_number(getpid(), "kfd_buffers"), n);
	return n;
}

static void test(void)
{
	const uint32_t gtt = KFD_IOC_ALLOC_MEM_FLAGS_GTT |
			     KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE;
	const uint32_t user = KFD_IOC_ALLOC_MEM_FLAGS_USERPTR |
			      KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE |
			      KFD_IOC_ALLOC_MEM_FLAGS_COHERENT;
	uint64_t handle[64], other, again;
	struct kfd_ioctl_import_dmabuf_args import = { .dmabuf_fd = -1 };
	struct view_buffer b;
	char *room;

	fd = svm_start();
	kfd = kfd_open();
	gpu = svm_gpu(fd, 0);
	room = mmap(NULL, MiB(8), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_EQ(listed(), 0);
	ASSERT_EQ(kfd_alloc(fd, room, KiB(64), gtt, &handle[0]), 0);
	b = view_buffer(getpid(), (uintptr_t)room, "kfd");
	EXPECT_EQ(b.length, KiB(64));
	EXPECT_EQ(strcmp(b.flags, "gtt,writable"), 0);
	EXPECT_EQ(strcmp(b.gpus, "?"), 0);
	ASSERT_EQ(kfd_alloc(fd, room + MiB(1), KiB(32), user, &handle[1]), 0);
	b = view_buffer(getpid(), (uintptr_t)room + MiB(1), "kfd");
	EXPECT_EQ(b.length, KiB(32));
	EXPECT_EQ(strcmp(b.flags, "userptr,writable,coherent"), 0);
	EXPECT_EQ(listed(), 2);
	EXPECT_EQ(space_number(getpid(), "kfd_bytes"), KiB(96));
	EXPECT_EQ(svm_counter("kfd_bytes"), KiB(96));
	EXPECT_EQ(space_number(getpid(), "buffers"), 0);

	/* One that KFD does not make, and one that is not our business. */
	EXPECT_LT(kfd_alloc(fd, room, 0, gtt, &other), 0);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_IMPORT_DMABUF, &import), -EBADF);
	ASSERT_EQ(kfd_alloc(kfd, room + MiB(2), KiB(64), gtt, &other), 0);
	EXPECT_EQ(listed(), 2);
	EXPECT_EQ(kfd_free(fd, other), 0);
	EXPECT_EQ(listed(), 2);

	/* KFD does not free what is mapped. */
	ASSERT_EQ(kfd_map(handle[0], true), 0);
	EXPECT_EQ(kfd_free(fd, handle[0]), -EBUSY);
	EXPECT_EQ(listed(), 2);
	ASSERT_EQ(kfd_map(handle[0], false), 0);
	EXPECT_EQ(kfd_free(fd, handle[0]), 0);
	EXPECT_EQ(listed(), 1);
	EXPECT_EQ(kfd_free(fd, handle[0]), -EINVAL);
	EXPECT_EQ(listed(), 1);

	/* Freed elsewhere; its handle is given out again. */
	EXPECT_EQ(kfd_free(kfd, handle[1]), 0);
	EXPECT_EQ(listed(), 1);
	ASSERT_EQ(kfd_alloc(fd, room + MiB(3), KiB(16), gtt, &again), 0);
	if (again == handle[1])
		EXPECT_EQ(listed(), 1);
	else
		EXPECT_EQ(listed(), 2);
	b = view_buffer(getpid(), (uintptr_t)room + MiB(3), "kfd");
	EXPECT_EQ(b.length, KiB(16));
	EXPECT_EQ(kfd_free(fd, again), 0);
	kfd_free(fd, handle[1]);
	EXPECT_EQ(listed(), 0);

	for (size_t i = 0; i < ARRAY_SIZE(handle); i++)
		ASSERT_EQ(kfd_alloc(fd, room + i * KiB(64), KiB(64), gtt,
				    &handle[i]), 0);
	EXPECT_EQ(listed(), ARRAY_SIZE(handle));
	for (size_t i = 0; i < ARRAY_SIZE(handle); i += 2)
		EXPECT_EQ(kfd_free(fd, handle[i]), 0);
	EXPECT_EQ(listed(), ARRAY_SIZE(handle) / 2);
	close(fd);
	EXPECT_EQ(listed(), 0);
	EXPECT_EQ(svm_counter("kfd_bytes"), 0);
	for (size_t i = 1; i < ARRAY_SIZE(handle); i += 2)
		EXPECT_EQ(kfd_free(kfd, handle[i]), 0);
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
