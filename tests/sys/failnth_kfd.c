// SPDX-License-Identifier: MIT
/*
 * KFD's own ALLOC and FREE through /dev/rocsvm while there is no memory to list
 * the buffer: it is there all the same, and only counted as one that is not
 * listed.
 */
#include "failnth.h"
#include "observe.h"

struct passed {
	int fd;
	uint32_t gpu;
	char *va;
	uint64_t handle, unlisted;
	size_t listed;
};

static void before(void *arg)
{
	struct passed *p = arg;

	/* What a call that fails leaves with KFD is not in the next one's way. */
	p->va += PAGE;
	p->listed = view_count(getpid(), "kfd");
	p->unlisted = stat_number(getpid(), "kfd_unlisted");
}

static int call_alloc(void *arg)
{
	struct passed *p = arg;
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = (uintptr_t)p->va, .size = PAGE, .gpu_id = p->gpu,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	int r = svm_ioctl(p->fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);

	p->handle = args.handle;
	return r;
}

static int call_free(void *arg)
{
	struct passed *p = arg;
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = p->handle };

	return svm_ioctl(p->fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);
}

static void after_alloc(void *arg, int result)
{
	struct passed *p = arg;
	uint64_t unlisted = stat_number(getpid(), "kfd_unlisted") - p->unlisted;

	EXPECT_LE(unlisted, !result);
	EXPECT_EQ(view_count(getpid(), "kfd"), p->listed + !result - unlisted);
	if (!result)
		EXPECT_EQ(call_free(arg), 0);
	EXPECT_EQ(view_count(getpid(), "kfd"), p->listed);
}

static void test(void)
{
	struct passed p = { .fd = svm_start() };
	struct failnth_case c = {
		.name = "KFD's ALLOC", .before = before, .call = call_alloc,
		.after = after_alloc, .fd = &p.fd,
	};

	p.gpu = svm_gpu(p.fd, 0);
	p.va = mmap(NULL, MiB(16), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		    MAP_NORESERVE, -1, 0);
	ASSERT(p.va != MAP_FAILED);
	failnth_sweep(&c, &p);
	EXPECT_GT(stat_number(getpid(), "kfd_unlisted"), 0);
	close(p.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
