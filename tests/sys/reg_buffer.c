// SPDX-License-Identifier: MIT
/*
 * Registered memory and buffers keep apart: what meets a buffer, of any kind
 * and by any byte, is -EEXIST; the window without a buffer is no memory. Lists
 * and counts of the two do not mix.
 */
#include "reg.h"

static struct reg r;

static const uint32_t kinds[] = {
	ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
	ROCSVM_KIND_PRIVATE_VRAM,
};

static void check_kind(uint32_t kind, uint64_t length)
{
	char *p = svm_alloc(r.fd, kind, length);

	EXPECT_EQ(reg_add(r.fd, p, length), -EEXIST);
	EXPECT_EQ(reg_add(r.fd, p, 1), -EEXIST);
	EXPECT_EQ(reg_add(r.fd, p + length - 1, 1), -EEXIST);
	EXPECT_EQ(reg_add(r.fd, p - PAGE, PAGE + 1), -EEXIST);
	EXPECT_EQ(reg_add(r.fd, p + length - 1, PAGE), -EEXIST);
	EXPECT_EQ(reg_add(r.fd, p + length, PAGE), -EFAULT);	/* guard */
	EXPECT_EQ(svm_free(r.fd, p), 0);
	EXPECT_EQ(reg_add(r.fd, p, length), -EFAULT);
}

/* QUERY by address and NEXT, tags, counts: of both. */
static void check_lists(void)
{
	char *memory = own_private(KiB(64));
	char *buffer = svm_alloc(r.fd, ROCSVM_KIND_HOST, KiB(16));
	struct rocsvm_query q = { .flags = ROCSVM_QUERY_NEXT };
	struct rocsvm_info before, after;
	size_t buffers = 0, segments = 0;
	uint64_t last = 0;

	ASSERT_EQ(svm_info(r.fd, &before), 0);
	ASSERT_EQ(reg_add(r.fd, memory, PAGE), 0);
	ASSERT_EQ(reg_add(r.fd, memory + 4 * PAGE, 2 * PAGE), 0);
	ASSERT_EQ(svm_info(r.fd, &after), 0);
	EXPECT_EQ(after.num_buffers, before.num_buffers);
	EXPECT_EQ(after.buffer_bytes, before.buffer_bytes);
	EXPECT_EQ(svm_counter("buffers"), before.num_buffers);
	EXPECT_REGISTERED(r.fd, 2, 3 * PAGE);

	while (!svm_query(r.fd, &q)) {
		EXPECT_GT(q.va, last);
		last = q.va;
		if (q.kind == ROCSVM_KIND_REGISTERED)
			segments++;
		else
			buffers++;
		EXPECT_EQ(q.num_registrations,
			  q.kind == ROCSVM_KIND_REGISTERED ? 1 : 0);
		q = (struct rocsvm_query){
			.flags = ROCSVM_QUERY_NEXT, .va = q.va + q.length,
		};
	}
	EXPECT_EQ(segments, 2);
	EXPECT_EQ(buffers, before.num_buffers);
	/* a registration is no buffer */
	EXPECT_EQ(svm_free(r.fd, memory), -ENOENT);
	EXPECT_EQ(reg_end(r.fd, buffer, KiB(16)), -ENOENT);
	EXPECT_EQ(reg_end(r.fd, memory, PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, memory + 4 * PAGE, 2 * PAGE), 0);
	EXPECT_EQ(svm_free(r.fd, buffer), 0);
	munmap(memory, KiB(64));
}

/*
 * KFD's own ALLOC may not meet registered memory. The other way round KFD is
 * not asked, and has the memory twice.
 */
static void check_kfd(void)
{
	char *memory = own_private(KiB(16));
	struct kfd_ioctl_alloc_memory_of_gpu_args alloc = {
		.va_addr = (uintptr_t)memory,
		.mmap_offset = (uintptr_t)memory,
		.size = KiB(16),
		.gpu_id = r.gpu,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_USERPTR |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	struct kfd_ioctl_free_memory_of_gpu_args release = { 0 };

	ASSERT_EQ(reg_add(r.fd, memory + PAGE, PAGE), 0);
	EXPECT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc),
		  -EEXIST);
	ASSERT_EQ(reg_end(r.fd, memory + PAGE, PAGE), 0);

	ASSERT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc), 0);
	ASSERT_EQ(reg_add_mapped(r.fd, memory, KiB(16), r.gpu), 0);
	reg_check_identity(&r, "KFD has it twice", memory, KiB(16));
	release.handle = alloc.handle;
	ASSERT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &release), 0);
	reg_check_identity(&r, "KFD has it once", memory, KiB(16));

	/* Freed behind our back, UNREGISTER has nothing left to free. */
	release.handle = reg_segment(r.fd, memory).handle;
	EXPECT_EQ(svm_unmap_all(r.fd, memory), 0);
	EXPECT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &release), 0);
	EXPECT_EQ(reg_end(r.fd, memory, KiB(16)), 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
	munmap(memory, KiB(16));
}

static void test(void)
{
	struct rocsvm_info info;

	reg_open(&r);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		check_kind(kinds[i], KiB(16));
	check_kind(ROCSVM_KIND_HOST, HUGE_PAGE);

	ASSERT_EQ(svm_info(r.fd, &info), 0);
	EXPECT_EQ(reg_add(r.fd, (char *)info.window_limit - PAGE, 2), -EFAULT);
	EXPECT_EQ(reg_add(r.fd, (char *)info.window_limit + 1, PAGE), -EFAULT);
	/* gaps, too, are beyond what a program may touch */
	EXPECT_EQ(reg_add(r.fd, (char *)info.window_base,
			  info.window_limit + 1 - info.window_base), -EEXIST);
	EXPECT_REGISTERED(r.fd, 0, 0);
	check_lists();
	check_kfd();
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
