// SPDX-License-Identifier: MIT
/*
 * Every GPU is told which addresses are coherent: KFD's SET_MEMORY_POLICY,
 * with the region that INFO names, when the GPU's VM is acquired and again
 * when RESERVE has moved the window. In the mmap aperture it is no addresses.
 *
 * The calls are watched inside the kernel.
 */
#include "aperture.h"
#include "kprobe.h"

#define ARGS(member) offsetof(struct kfd_ioctl_set_memory_policy_args, member)

enum { BASE, SIZE, GPU, DEFAULT, ALTERNATE };

#define MAX_CALLS 32

static int fd;
static uint32_t num_gpus;
static struct kprobe probe;

/* A call that says what INFO says, for a GPU of ours? Its index, or -1. */
static int right_call(const struct kprobe_call *call)
{
	struct rocsvm_info info = info_of(fd);
	uint64_t size = info.aperture == ROCSVM_APERTURE_MMAP ? 0 :
			info.coherent_limit - info.coherent_base + 1;

	say("GPU %lu: default %lu, alternate %lu for 0x%lx + 0x%lx",
	    call->value[GPU], call->value[DEFAULT], call->value[ALTERNATE],
	    call->value[BASE], call->value[SIZE]);
	if (call->value[SIZE] != size ||
	    (size && call->value[BASE] != info.coherent_base) ||
	    call->value[DEFAULT] != KFD_IOC_CACHE_POLICY_NONCOHERENT ||
	    call->value[ALTERNATE] != KFD_IOC_CACHE_POLICY_COHERENT)
		return -1;
	for (uint32_t i = 0; i < num_gpus; i++)
		if (call->value[GPU] == svm_gpu(fd, i))
			return i;
	return -1;
}

/* One right call for each GPU of the mask, no other call. */
static void expect_calls(const char *what, unsigned int gpus)
{
	struct kprobe_call calls[MAX_CALLS];
	size_t count = kprobe_read(&probe, calls, MAX_CALLS);
	unsigned int told = 0;

	say("%s: %zu calls", what, count);
	EXPECT_EQ(count, __builtin_popcount(gpus));
	for (size_t i = 0; i < count && i < MAX_CALLS; i++) {
		int index = right_call(&calls[i]);

		EXPECT_GE(index, 0);
		if (index >= 0)
			told |= 1u << index;
	}
	EXPECT_EQ(told, gpus);
}

/* The probe itself: a call of our own, with values that can't be mistaken. */
static void check_probe(void)
{
	struct kfd_ioctl_set_memory_policy_args args = {
		.alternate_aperture_base = 0x123456780000,
		.alternate_aperture_size = 0x9abcd0000,
		.gpu_id = svm_gpu(fd, 0),
		.default_policy = KFD_IOC_CACHE_POLICY_COHERENT,
		.alternate_policy = 17,
	};
	struct kprobe_call call;

	EXPECT_LT(svm_ioctl(fd, AMDKFD_IOC_SET_MEMORY_POLICY, &args), 0);
	ASSERT_EQ(kprobe_read(&probe, &call, 1), 1);
	EXPECT_EQ(call.value[BASE], args.alternate_aperture_base);
	EXPECT_EQ(call.value[SIZE], args.alternate_aperture_size);
	EXPECT_EQ(call.value[GPU], args.gpu_id);
	EXPECT_EQ(call.value[DEFAULT], args.default_policy);
	EXPECT_EQ(call.value[ALTERNATE], 17);
	EXPECT_EQ(kprobe_read(&probe, NULL, 0), 0);
}

static void acquire(uint32_t index)
{
	uint32_t gpu_id = svm_gpu(fd, index);
	int drm = render_open(gpu_id);

	ASSERT_GE(drm, 0);
	/* left open: closing it has KFD evict the process, see harness.c */
	EXPECT_EQ(svm_acquire(fd, gpu_id, drm), 0);
}

static void moves(unsigned int gpus)
{
	struct rocsvm_reserve args = { .length = GiB(64) };
	struct rocsvm_info before = info_of(fd);

	ASSERT_EQ(svm_reserve_args(fd, &args), 0);
	expect_calls("a smaller window", gpus);
	EXPECT_EQ(info_of(fd).window_limit + 1 - info_of(fd).window_base, GiB(64));

	args = (struct rocsvm_reserve){
		.flags = ROCSVM_RESERVE_FIXED,
		.base = before.window_base + TiB(3) + MiB(6),
		.length = GiB(4) + MiB(4),
	};
	ASSERT_EQ(svm_reserve_args(fd, &args), 0);
	expect_calls("a window elsewhere", gpus);

	args = (struct rocsvm_reserve){ .aperture = ROCSVM_APERTURE_MMAP };
	ASSERT_EQ(svm_reserve_args(fd, &args), 0);
	expect_calls("the mmap aperture", gpus);

	args = (struct rocsvm_reserve){ .length = 0 };
	ASSERT_EQ(svm_reserve_args(fd, &args), 0);
	expect_calls("the reserved aperture again", gpus);
}

/* A call that fails leaves the GPUs with what holds. */
static void failure(unsigned int gpus)
{
	struct rocsvm_info before = info_of(fd);
	struct kprobe_call calls[MAX_CALLS];
	struct rocsvm_reserve args = {
		.flags = ROCSVM_RESERVE_FIXED,
		.base = before.svm_limit + 1 - GiB(4),
		.length = GiB(8),
	};
	size_t count;

	EXPECT_EQ(svm_reserve_args(fd, &args), -ERANGE);
	EXPECT_EQ(info_of(fd).coherent_base, before.coherent_base);
	EXPECT_EQ(info_of(fd).coherent_limit, before.coherent_limit);
	count = kprobe_read(&probe, calls, MAX_CALLS);
	for (size_t i = 0; i < count && i < MAX_CALLS; i++)
		EXPECT_GE(right_call(&calls[i]), 0);
	(void)gpus;
}

static void test(void)
{
	char fetch[256];

	snprintf(fetch, sizeof(fetch),
		 "base=+%zu(%%dx):x64 size=+%zu(%%dx):x64 gpu=+%zu(%%dx):x32 default=+%zu(%%dx):x32 alternate=+%zu(%%dx):x32",
		 ARGS(alternate_aperture_base), ARGS(alternate_aperture_size),
		 ARGS(gpu_id), ARGS(default_policy), ARGS(alternate_policy));
	kprobe_open(&probe, "amdgpu:kfd_ioctl_set_memory_policy", fetch);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	num_gpus = info_of(fd).num_gpus;
	ASSERT_EQ(num_gpus, 2);
	expect_calls("open", 0);
	check_probe();

	acquire(1);
	expect_calls("the second GPU acquired", 2);
	moves(2);
	acquire(0);
	expect_calls("the first GPU acquired", 1);
	moves(3);
	failure(3);
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	close(fd);
	kprobe_close(&probe);
}

int main(void)
{
	return test_main(test);
}
