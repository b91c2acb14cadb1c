// SPDX-License-Identifier: MIT
/*
 * KFD's own ioctls and mmap through /dev/rocsvm do what they do through
 * /dev/kfd; memory allocated that way can't take the place of a live buffer.
 */
#include "gpuqueue.h"
#include "harness.h"

static int fd, kfd;
static uint32_t gpu_id;

static void same_version(void)
{
	struct kfd_ioctl_get_version_args a = { 0 }, b = { 0 };

	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &a), 0);
	EXPECT_EQ(svm_ioctl(kfd, AMDKFD_IOC_GET_VERSION, &b), 0);
	say("KFD %u.%u", a.major_version, a.minor_version);
	EXPECT_EQ(a.major_version, b.major_version);
	EXPECT_EQ(a.minor_version, b.minor_version);
	EXPECT_GT(a.major_version, 0);
}

static void same_apertures(void)
{
	struct kfd_process_device_apertures a[SVM_MAX_GPUS], b[SVM_MAX_GPUS];
	struct kfd_ioctl_get_process_apertures_new_args args = { 0 };
	uint32_t n;

	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args), 0);
	n = args.num_of_nodes;
	ASSERT(n >= 1 && n <= SVM_MAX_GPUS);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	args.kfd_process_device_apertures_ptr = (uintptr_t)a;
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args), 0);
	args.kfd_process_device_apertures_ptr = (uintptr_t)b;
	args.num_of_nodes = n;
	EXPECT_EQ(svm_ioctl(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args), 0);
	EXPECT_EQ(memcmp(a, b, sizeof(a)), 0);
	EXPECT_EQ(a[0].gpu_id, gpu_id);
}

/* Errors are KFD's own as well. */
static void same_errors(void)
{
	static const unsigned long cmds[] = {
		_IO('K', 0x82), _IO('K', 0), AMDKFD_IOC_ALLOC_MEMORY_OF_GPU,
		AMDKFD_IOC_FREE_MEMORY_OF_GPU, AMDKFD_IOC_MAP_MEMORY_TO_GPU,
		AMDKFD_IOC_CREATE_QUEUE, AMDKFD_IOC_DESTROY_QUEUE,
		AMDKFD_IOC_ACQUIRE_VM, AMDKFD_IOC_SET_EVENT,
	};
	char zeros[256];

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		int r;

		memset(zeros, 0, sizeof(zeros));
		r = svm_ioctl(kfd, cmds[i], zeros);
		EXPECT_LT(r, 0);
		memset(zeros, 0, sizeof(zeros));
		EXPECT_EQ(svm_ioctl(fd, cmds[i], zeros), r);
	}
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, NULL), -EFAULT);
}

/* An event made through one file, signalled through the other. */
static void events(int create, int set, int wait)
{
	struct kfd_ioctl_create_event_args event = {
		.event_type = KFD_IOC_EVENT_SIGNAL,
	};
	struct kfd_ioctl_set_event_args signal = { 0 };
	struct kfd_ioctl_destroy_event_args destroy = { 0 };
	struct kfd_event_data data = { 0 };
	struct kfd_ioctl_wait_events_args args = {
		.events_ptr = (uintptr_t)&data,
		.num_events = 1,
	};

	ASSERT_EQ(svm_ioctl(create, AMDKFD_IOC_CREATE_EVENT, &event), 0);
	data.event_id = event.event_id;
	EXPECT_EQ(svm_ioctl(wait, AMDKFD_IOC_WAIT_EVENTS, &args), 0);
	EXPECT_EQ(args.wait_result, KFD_IOC_WAIT_RESULT_TIMEOUT);
	signal.event_id = event.event_id;
	EXPECT_EQ(svm_ioctl(set, AMDKFD_IOC_SET_EVENT, &signal), 0);
	args.timeout = 10000;
	EXPECT_EQ(svm_ioctl(wait, AMDKFD_IOC_WAIT_EVENTS, &args), 0);
	EXPECT_EQ(args.wait_result, KFD_IOC_WAIT_RESULT_COMPLETE);
	destroy.event_id = event.event_id;
	EXPECT_EQ(svm_ioctl(create, AMDKFD_IOC_DESTROY_EVENT, &destroy), 0);
}

/* A queue through each file: doorbells work, so mmap leads to the same page. */
static void doorbells(int through)
{
	char *from = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	char *to = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	struct gpuqueue queue;

	EXPECT_EQ(svm_map_all(fd, from), 0);
	EXPECT_EQ(svm_map_all(fd, to), 0);
	pattern_fill(from, KiB(64), through);
	gpuqueue_open_through(&queue, fd, gpu_id, through);
	EXPECT_EQ(gpuqueue_copy(&queue, to, from, KiB(64)), 0);
	EXPECT_EQ(pattern_differs(to, KiB(64), through), -1);
	gpuqueue_close(&queue);
	EXPECT_EQ(svm_free(fd, from), 0);
	EXPECT_EQ(svm_free(fd, to), 0);
}

/* mmap offsets that are nothing are refused alike, and leave nothing. */
static void same_mmap_errors(void)
{
	static const uint64_t offsets[] = { 0, PAGE, 2ull << 62 };
	size_t vmas = maps_count(0);

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		void *a, *b;
		int r;

		errno = 0;
		a = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, kfd, offsets[i]);
		r = errno;
		errno = 0;
		b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, offsets[i]);
		EXPECT_EQ(errno, r);
		EXPECT_EQ(a == MAP_FAILED, b == MAP_FAILED);
		if (a != MAP_FAILED)
			munmap(a, PAGE);
		if (b != MAP_FAILED)
			munmap(b, PAGE);
	}
	EXPECT_EQ(maps_count(0), vmas);
}

/* Reserved memory: KFD falls over it when the process ends, so it is refused. */
static void reserved_memory(void)
{
	uint64_t offset = 1ull << 62 | (uint64_t)(gpu_id & 0xffff) << 46;

	errno = 0;
	EXPECT(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    offset) == MAP_FAILED);
	EXPECT_EQ(errno, EPERM);
}

static int kfd_alloc(int through, uint64_t va, uint64_t *handle)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = va,
		.size = KiB(64),
		.gpu_id = gpu_id,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	int r = svm_ioctl(through, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);

	*handle = args.handle;
	return r;
}

static void alloc(void)
{
	char *buffer = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	void *room = mmap(NULL, KiB(64), PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct kfd_ioctl_free_memory_of_gpu_args args = { 0 };
	uint64_t va = (uintptr_t)buffer, handle;

	EXPECT_EQ(kfd_alloc(fd, va, &handle), -EEXIST);
	EXPECT_EQ(kfd_alloc(fd, va + KiB(32), &handle), -EEXIST);
	EXPECT_EQ(kfd_alloc(fd, va + KiB(60), &handle), -EEXIST);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(probe_write(buffer), 0);

	/* outside the window it is KFD's business alone */
	ASSERT_EQ(kfd_alloc(fd, (uintptr_t)room, &handle), 0);
	EXPECT_EQ(handle >> 32, gpu_id);
	args.handle = handle;
	EXPECT_EQ(svm_ioctl(kfd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args), 0);
	munmap(room, KiB(64));
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

static void test(void)
{
	fd = svm_start();
	kfd = kfd_open();
	gpu_id = svm_gpu(fd, 0);
	same_version();
	same_apertures();
	same_errors();
	events(fd, fd, fd);
	events(fd, kfd, fd);
	events(kfd, fd, kfd);
	doorbells(fd);
	doorbells(kfd);
	same_mmap_errors();
	reserved_memory();
	alloc();
	EXPECT_EQ(kfd_available(fd, gpu_id), kfd_available(kfd, gpu_id));
	close(kfd);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
