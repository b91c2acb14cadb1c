// SPDX-License-Identifier: MIT
/*
 * The GPU is told to read where nothing is mapped to it: a VM fault, seen as
 * KFD's memory exception with that very address, and nothing is copied.
 */
#include "gpuqueue.h"
#include "harness.h"

static uint32_t create_event(int fd)
{
	struct kfd_ioctl_create_event_args args = {
		.event_type = KFD_IOC_EVENT_MEMORY,
		.auto_reset = 1,
	};

	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_CREATE_EVENT, &args), 0);
	return args.event_id;
}

/* Wait for the event: true and the exception, or false after @ms. */
static bool wait_event(int fd, uint32_t id, uint32_t ms,
		       struct kfd_hsa_memory_exception_data *exception)
{
	struct kfd_event_data event = { .event_id = id };
	struct kfd_ioctl_wait_events_args args = {
		.events_ptr = (uintptr_t)&event,
		.num_events = 1,
		.wait_for_all = 1,
		.timeout = ms,
	};

	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_WAIT_EVENTS, &args), 0);
	*exception = event.memory_exception_data;
	return args.wait_result == KFD_IOC_WAIT_RESULT_COMPLETE;
}

/* @from, at @fault, is not mapped to the GPU. In a process of its own. */
static void fault(bool freed)
{
	int fd = svm_start();
	uint32_t gpu_id = svm_gpu(fd, 0), event = create_event(fd);
	struct kfd_hsa_memory_exception_data exception;
	char *to = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	char *from = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	struct gpuqueue queue;

	gpuqueue_open(&queue, fd, gpu_id);
	ASSERT_EQ(svm_map_all(fd, to), 0);
	memset(to, 0x5a, KiB(64));
	pattern_fill(from, KiB(64), 3);
	if (freed) {
		/* it was mapped once: nothing of that may linger */
		ASSERT_EQ(svm_map_all(fd, from), 0);
		ASSERT_EQ(gpuqueue_copy(&queue, to, from, KiB(64)), 0);
		EXPECT_EQ(pattern_differs(to, KiB(64), 3), -1);
		memset(to, 0x5a, KiB(64));
		ASSERT_EQ(svm_free(fd, from), 0);
	}
	EXPECT(!wait_event(fd, event, 0, &exception));
	/* one page: a longer copy may fault at any of its pages, or at each */
	say("copy %p -> %p: %d", from, to,
	    gpuqueue_copy_within(&queue, to, from, PAGE, 500));
	ASSERT(wait_event(fd, event, 20000, &exception));
	say("memory exception at %llx of GPU %u, NotPresent %u ReadOnly %u",
	    exception.va, exception.gpu_id, exception.failure.NotPresent,
	    exception.failure.ReadOnly);
	EXPECT_EQ(exception.va, (uintptr_t)from);
	EXPECT_EQ(exception.gpu_id, gpu_id);
	EXPECT_EQ(find_not(to, 0x5a, KiB(64)), -1);
	close(fd);
}

static void fault_unmapped(void *arg)
{
	(void)arg;
	fault(false);
}

static void fault_freed(void *arg)
{
	(void)arg;
	fault(true);
}

static void test(void)
{
	EXPECT_EQ(run_child(fault_unmapped, NULL), 0);
	EXPECT_EQ(run_child(fault_freed, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
