// SPDX-License-Identifier: MIT
/*
 * ALLOC can't tell its caller the address, and KFD does not take the buffer back,
 * as the program has mapped it by KFD's own ioctl meanwhile: the call fails, and
 * nothing is ever placed at the addresses that KFD has something at.
 */
#include "aperture.h"
#include "stalled.h"

#define LENGTH KiB(64)

static struct rocsvm_alloc *args;
static int result;

static void call_alloc(struct staller *s)
{
	result = svm_ioctl(s->fd, ROCSVM_ALLOC, args);
}

static int kfd_map(int kfd, uint64_t handle, uint32_t gpu, unsigned long cmd)
{
	struct kfd_ioctl_map_memory_to_gpu_args map = {
		.handle = handle, .device_ids_array_ptr = (uintptr_t)&gpu,
		.n_devices = 1,
	};

	return svm_ioctl(kfd, cmd, &map);
}

static void lose(void *unused)
{
	struct window w = window_open();
	struct staller caller = { .fd = w.fd, .call = call_alloc };
	struct stalled answer;
	int kfd = kfd_open();
	uint64_t handle;
	char *va;

	(void)unused;
	/* The next one gets the same address and the same handle. */
	va = svm_alloc(w.fd, ROCSVM_KIND_GTT, LENGTH);
	handle = query_at(w.fd, va).handle;
	EXPECT_EQ(svm_free(w.fd, va), 0);

	/* It can be read, and who writes there stalls. */
	stalled_open_writes(&answer, 1);
	args = (void *)answer.pages;
	*args = (struct rocsvm_alloc){
		.size = sizeof(*args), .kind = ROCSVM_KIND_GTT, .length = LENGTH,
	};
	stalled_protect(&answer);
	staller_start(&caller);
	stalled_wait(&answer, 1);
	ASSERT_EQ(kfd_map(kfd, handle, w.gpu, AMDKFD_IOC_MAP_MEMORY_TO_GPU), 0);
	ASSERT_EQ(SYS(munmap(answer.pages, PAGE)), 0);
	close(answer.uffd);
	ASSERT(EVENTUALLY(caller.back, 20000));
	EXPECT_EQ(result, -EFAULT);

	EXPECT_EQ(info_buffers(w.fd), 0);
	EXPECT_EQ(info_quarantined(w.fd), LENGTH);
	EXPECT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_GTT, LENGTH, (uintptr_t)va),
		  -EEXIST);
	EXPECT_EQ(svm_free(w.fd, va), -ENOENT);
	/* For good: what KFD has there the module has no name for. */
	ASSERT_EQ(kfd_map(kfd, handle, w.gpu, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU),
		  0);
	neighbour_rounds = &(unsigned long){ 0 };
	neighbour_round(w.fd);
	EXPECT_EQ(info_quarantined(w.fd), LENGTH);

	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(svm_counter("quarantined_bytes"), 0);
	close(kfd);
}

static void test(void)
{
	int fd = window_start(), kfd;
	uint32_t gpu = svm_gpu(fd, 0);
	uint64_t available;

	close(fd);
	kfd = kfd_open();
	available = kfd_available(kfd, gpu);
	EXPECT_EQ(run_child_bounded(lose, NULL, 60), 0);
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu) == available, 20000));
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
