// SPDX-License-Identifier: MIT
/*
 * A scratch reservation is addresses that KFD is told of, once for a GPU:
 * SET_SCRATCH_BACKING_VA with its address, with 0 when it is freed. Memory is
 * put into it as into any address reservation. The calls are watched inside
 * the kernel.
 */
#include "kind.h"
#include "kprobe.h"

#define ARGS(member) \
	offsetof(struct kfd_ioctl_set_scratch_backing_va_args, member)

#define LENGTH MiB(64)

enum { VA, GPU };

static int fd;
static uint32_t gpu_id;
static struct kprobe probe;

static void expect_call(const char *what, uint64_t va)
{
	struct kprobe_call calls[4];
	size_t count = kprobe_read(&probe, calls, ARRAY_SIZE(calls));

	say("%s: %zu calls", what, count);
	ASSERT_EQ(count, 1);
	EXPECT_EQ(calls[0].value[VA], va);
	EXPECT_EQ(calls[0].value[GPU], gpu_id);
}

static void expect_no_call(void)
{
	EXPECT_EQ(kprobe_read(&probe, NULL, 0), 0);
}

static char *alloc(uint64_t length)
{
	void *va = NULL;

	ASSERT_EQ(alloc_flags(fd, ROCSVM_KIND_SCRATCH, length, 0, &va), 0);
	return va;
}

static void check_probe(void)
{
	struct kfd_ioctl_set_scratch_backing_va_args args = {
		.va_addr = 0x123456789000, .gpu_id = gpu_id,
	};

	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_SET_SCRATCH_BACKING_VA, &args), 0);
	expect_call("the probe itself", args.va_addr);
	expect_no_call();
}

/* One, and no other until it is freed. */
static void one(void)
{
	struct rocsvm_query query;
	char *va = alloc(LENGTH);
	void *other = NULL;

	expect_call("ALLOC", (uintptr_t)va);
	query = query_at(fd, va + LENGTH / 2);
	EXPECT_EQ(query.va, (uintptr_t)va);
	EXPECT_EQ(query.kind, ROCSVM_KIND_SCRATCH);
	EXPECT_EQ(query.gpu_id, gpu_id);
	EXPECT_EQ(query.handle, 0);
	EXPECT_EQ(query.num_gpus, 0);
	EXPECT_DEAD(va);
	EXPECT_EQ(alloc_flags(fd, ROCSVM_KIND_SCRATCH, PAGE, 0, &other), -EBUSY);
	EXPECT_EQ(svm_map_all(fd, va), -EINVAL);
	expect_no_call();
	EXPECT_EQ(svm_free(fd, va), 0);
	expect_call("FREE", 0);
	va = alloc(PAGE);
	expect_call("ALLOC again", (uintptr_t)va);
	EXPECT_EQ(svm_free(fd, va), 0);
	expect_call("FREE again", 0);
}

/* VRAM for parts of it, as a runtime grows its scratch memory. */
static void backed(void)
{
	struct gpuqueue queue;
	struct pagetable pt;
	char *va = alloc(LENGTH);

	kprobe_read(&probe, NULL, 0);
	gpuqueue_open(&queue, fd, gpu_id);
	pagetable_open(&pt, &queue);
	for (uint64_t offset = 0; offset < MiB(16); offset += MiB(4)) {
		ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_PRIVATE_VRAM, MiB(2), 0,
				      (uintptr_t)va + offset), 0);
		EXPECT_EQ(svm_map_all(fd, va + offset), 0);
		EXPECT_EQ(pages_mapped(&pt, va + offset, MiB(2)), MiB(2) / PAGE);
		EXPECT_EQ(pages_mapped(&pt, va + offset + MiB(2), PAGE), 0);
		EXPECT_EQ(query_at(fd, va + offset).kind,
			  ROCSVM_KIND_PRIVATE_VRAM);
	}
	ASSERT_EQ(alloc_fixed(fd, ROCSVM_KIND_VRAM, KiB(64), 0,
			      (uintptr_t)va + LENGTH - KiB(64)), 0);
	memset(va + LENGTH - KiB(64), 0x5a, KiB(64));
	EXPECT_EQ(query_at(fd, va + MiB(3)).kind, ROCSVM_KIND_SCRATCH);
	EXPECT_EQ(svm_free(fd, va + LENGTH - KiB(64)), 0);
	EXPECT_DEAD(va + LENGTH - KiB(64));
	for (uint64_t offset = MiB(4); offset < MiB(16); offset += MiB(4))
		EXPECT_EQ(svm_free(fd, va + offset), 0);
	expect_no_call();
	/*
	 * The one at its very beginning has its name, too: it goes first, then
	 * the reservation.
	 */
	EXPECT_EQ(svm_free(fd, va), 0);
	expect_no_call();
	EXPECT_EQ(query_at(fd, va).kind, ROCSVM_KIND_SCRATCH);
	EXPECT_EQ(svm_free(fd, va), 0);
	expect_call("FREE", 0);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
}

/* A space that ends takes its scratch from KFD, too. */
static void closed(void)
{
	alloc(LENGTH);
	kprobe_read(&probe, NULL, 0);
	EXPECT_EQ(close(fd), 0);
	expect_call("close", 0);
	fd = window_start();
	kprobe_read(&probe, NULL, 0);
}

static void test(void)
{
	char fetch[128];

	snprintf(fetch, sizeof(fetch), "va=+%zu(%%dx):x64 gpu=+%zu(%%dx):x32",
		 ARGS(va_addr), ARGS(gpu_id));
	kprobe_open(&probe, "amdgpu:kfd_ioctl_set_scratch_backing_va", fetch);
	fd = window_start();
	gpu_id = svm_gpu(fd, 0);
	expect_no_call();
	check_probe();
	for (int i = 0; i < 2; i++) {
		say("%s", i ? "mmap aperture" : "window");
		if (i)
			ASSERT_EQ(aperture_choose_mmap(fd), 0);
		kprobe_read(&probe, NULL, 0);
		one();
		backed();
		EXPECT_EQ(info_buffers(fd), 0);
		closed();
	}
	close(fd);
	kprobe_close(&probe);
}

int main(void)
{
	return test_main(test);
}
