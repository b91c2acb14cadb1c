// SPDX-License-Identifier: MIT
/*
 * EXPORT gives descriptors of one and the same dma-buf, which is the buffer's
 * memory, as long as it is, and which keeps that memory when the buffer goes.
 */
#include "share.h"

#define LENGTH MiB(4)

static int fd;
static uint32_t gpu_id;

/* What the descriptor is, asked without rocsvm. */
static void check_fd(int dmabuf)
{
	struct kfd_ioctl_get_dmabuf_info_args info = { .dmabuf_fd = dmabuf };

	EXPECT_EQ(fcntl(dmabuf, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(fcntl(dmabuf, F_GETFL) & O_ACCMODE, O_RDWR);
	EXPECT_EQ(SYS(lseek(dmabuf, 0, SEEK_END)), LENGTH);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_DMABUF_INFO, &info), 0);
	EXPECT_EQ(info.gpu_id, gpu_id);
	EXPECT_EQ(info.size, LENGTH);
}

static void of_kind(uint32_t kind)
{
	char *buffer = svm_alloc(fd, kind, LENGTH), *view;
	uint64_t inode;
	int one, two;

	if (kind != ROCSVM_KIND_PRIVATE_VRAM)
		pattern_fill(buffer, LENGTH, kind);
	one = svm_export(fd, buffer);
	ASSERT_GE(one, 0);
	check_fd(one);
	two = svm_export(fd, buffer);
	ASSERT_GE(two, 0);
	EXPECT_NE(one, two);
	inode = fd_inode(one);
	EXPECT_EQ(fd_inode(two), inode);
	/* the buffer has it, not the descriptor */
	close(one);
	close(two);
	one = svm_export(fd, buffer);
	ASSERT_GE(one, 0);
	EXPECT_EQ(fd_inode(one), inode);

	view = fd_map(one, LENGTH);
	if (kind != ROCSVM_KIND_PRIVATE_VRAM) {
		EXPECT_EQ(pattern_differs(view, LENGTH, kind), -1);
		pattern_fill(view, LENGTH, kind + 10);
		EXPECT_EQ(pattern_differs(buffer, LENGTH, kind + 10), -1);
	} else {
		pattern_fill(view, LENGTH, kind + 10);
	}
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_NE(probe_read(buffer), 0);
	EXPECT_EQ(pattern_differs(view, LENGTH, kind + 10), -1);
	EXPECT_EQ(SYS(munmap(view, LENGTH)), 0);
	close(one);
}

/* The memory is in use as long as the last that refers to it. */
static void counted(uint32_t kind)
{
	uint64_t before = kfd_available(fd, gpu_id);
	void *buffer = svm_alloc(fd, kind, LENGTH);
	int dmabuf = svm_export(fd, buffer);

	ASSERT_GE(dmabuf, 0);
	EXPECT_LE(kfd_available(fd, gpu_id), before - LENGTH);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_num_buffers(fd), 0);
	EXPECT_LE(kfd_available(fd, gpu_id), before - LENGTH);
	close(dmabuf);
	EXPECT(EVENTUALLY(kfd_available(fd, gpu_id) >= before, 10000));

	/* and no longer: here the buffer is the last */
	buffer = svm_alloc(fd, kind, LENGTH);
	dmabuf = svm_export(fd, buffer);
	ASSERT_GE(dmabuf, 0);
	close(dmabuf);
	EXPECT_LE(kfd_available(fd, gpu_id), before - LENGTH);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT(EVENTUALLY(kfd_available(fd, gpu_id) >= before, 10000));
}

static void test(void)
{
	fd = svm_start();
	gpu_id = svm_gpu(fd, 0);
	of_kind(ROCSVM_KIND_GTT);
	of_kind(ROCSVM_KIND_VRAM);
	of_kind(ROCSVM_KIND_PRIVATE_VRAM);
	counted(ROCSVM_KIND_VRAM);
	counted(ROCSVM_KIND_PRIVATE_VRAM);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
