// SPDX-License-Identifier: MIT
/*
 * A program for libhsakmt, as Debian has it, that knows nothing of rocsvm: each
 * kind of memory, registered memory, a dma-buf, a queue, an event. By rocsvm run
 * its buffers are seen in debugfs while they live, and no longer.
 *
 * usage: thunk [fork]    fork: a child of a process that has KFD open does it
 */
#include "harness.h"
#include "observe.h"
#include "share.h"
#include "user/tool/sdma.h"

#include <pthread.h>
#include <sys/stat.h>

#include <hsakmt.h>

#define LENGTH		MiB(3)
#define RING_SIZE	KiB(64)
#define WAIT_MS		30000

#define HSA(call) do {							\
	int status_ = (call);						\
	if (status_)							\
		say("%s: status %d", #call, status_);			\
	ASSERT_EQ(status_, HSAKMT_STATUS_SUCCESS);			\
} while (0)

struct gpu {
	HSAuint32 node;
	int render_minor;
	struct sdma sdma;
	HsaQueueResource queue;
	HsaEvent *event;
	volatile uint32_t *fence;
	uint32_t sequence;
};

/* ---- what rocsvm shows -------------------------------------------------- */

static bool by_rocsvm(void)
{
	struct stat kfd, node;

	ASSERT_EQ(SYS(stat("/dev/kfd", &kfd)), 0);
	ASSERT_EQ(SYS(stat("/dev/rocsvm", &node)), 0);
	return kfd.st_rdev == node.st_rdev;
}

static bool is_seen(const void *p)
{
	return !strcmp(view_buffer(getpid(), (uintptr_t)p, "kfd").kind, "kfd");
}

/* ---- memory ------------------------------------------------------------- */

static void *allocate(HSAuint32 node, HsaMemFlags flags, uint64_t length)
{
	void *p = NULL;

	HSA(hsaKmtAllocMemory(node, length, flags, &p));
	return p;
}

static uint64_t map_to(struct gpu *gpu, void *p, uint64_t length)
{
	HsaMemMapFlags flags = { .Value = 0 };
	HSAuint64 va = 0;

	flags.ui32.HostAccess = 1;
	HSA(hsaKmtMapMemoryToGPUNodes(p, length, &va, flags, 1, &gpu->node));
	return va ? va : (uintptr_t)p;
}

static void *host_memory(uint64_t length)
{
	HsaMemFlags flags = { .Value = 0 };

	flags.ui32.HostAccess = 1;
	flags.ui32.NonPaged = 1;
	flags.ui32.ExecuteAccess = 1;
	flags.ui32.Uncached = 1;
	return allocate(0, flags, length);
}

static void give_back(void *p, uint64_t length)
{
	HSA(hsaKmtUnmapMemoryToGPU(p));
	HSA(hsaKmtFreeMemory(p, length));
}

/* ---- the queue ---------------------------------------------------------- */

static void open_queue(struct gpu *gpu)
{
	HsaEventDescriptor descriptor = {
		.EventType = HSA_EVENTTYPE_SIGNAL,
		.NodeId = gpu->node,
	};
	struct sdma *q = &gpu->sdma;

	q->ring_size = RING_SIZE;
	q->ring = host_memory(RING_SIZE);
	map_to(gpu, q->ring, RING_SIZE);
	gpu->fence = host_memory(PAGE);
	map_to(gpu, (void *)gpu->fence, PAGE);
	*gpu->fence = 0;
	HSA(hsaKmtCreateEvent(&descriptor, false, false, &gpu->event));
	HSA(hsaKmtCreateQueue(gpu->node, HSA_QUEUE_SDMA, 100, HSA_QUEUE_PRIORITY_NORMAL,
			      q->ring, RING_SIZE, NULL, &gpu->queue));
	q->rptr = gpu->queue.Queue_read_ptr_aql;
	q->wptr = gpu->queue.Queue_write_ptr_aql;
	q->doorbell = gpu->queue.Queue_DoorBell_aql;
}

static void close_queue(struct gpu *gpu)
{
	HSA(hsaKmtDestroyQueue(gpu->queue.QueueId));
	HSA(hsaKmtDestroyEvent(gpu->event));
	give_back((void *)gpu->fence, PAGE);
	give_back(gpu->sdma.ring, RING_SIZE);
}

static void copy(struct gpu *gpu, uint64_t to, uint64_t from, uint64_t length)
{
	ASSERT_EQ(sdma_copy(&gpu->sdma, (void *)(uintptr_t)to, (void *)(uintptr_t)from, length),
		  0);
	ASSERT_EQ(sdma_fence(&gpu->sdma, gpu->fence, ++gpu->sequence), 0);
	sdma_submit(&gpu->sdma);
	ASSERT_EQ(sdma_wait(&gpu->sdma, gpu->fence, gpu->sequence, WAIT_MS), 0);
}

/* ---- what is tested ----------------------------------------------------- */

/* The CPU writes, the GPU copies there and back, the CPU reads. */
static void round_trip(struct gpu *gpu, const char *what, uint64_t va, uint64_t length,
		       uint32_t seed)
{
	char *from = host_memory(length), *back = host_memory(length);

	map_to(gpu, from, length);
	map_to(gpu, back, length);
	pattern_fill(from, length, seed);
	memset(back, 0, length);
	copy(gpu, va, (uintptr_t)from, length);
	copy(gpu, (uintptr_t)back, va, length);
	EXPECT_EQ(pattern_differs(back, length, seed), -1);
	say("%s: the GPU has copied %lu KiB there and back", what, length >> 10);
	give_back(from, length);
	give_back(back, length);
}

static const struct kind {
	const char *name;
	bool vram, non_paged, host_access, aql, uncached;
} kinds[] = {
	{ "host, paged", .host_access = true },
	{ "host, not paged", .host_access = true, .non_paged = true },
	{ "host, uncached", .host_access = true, .non_paged = true, .uncached = true },
	{ "AQL ring", .host_access = true, .non_paged = true, .aql = true },
	{ "VRAM, visible", .vram = true, .non_paged = true, .host_access = true },
	{ "VRAM, private", .vram = true, .non_paged = true },
};

static void test_kind(struct gpu *gpu, const struct kind *kind, uint32_t seed)
{
	/* Half of an AQL ring is the other half again. */
	uint64_t length = kind->aql ? KiB(256) : LENGTH;
	HsaMemFlags flags = { .Value = 0 };
	HsaPointerInfo info;
	char *p;

	flags.ui32.NonPaged = kind->non_paged;
	flags.ui32.HostAccess = kind->host_access;
	flags.ui32.AQLQueueMemory = kind->aql;
	flags.ui32.ExecuteAccess = kind->aql;
	flags.ui32.Uncached = kind->uncached;
	flags.ui32.NoSubstitute = kind->vram;
	p = allocate(kind->vram ? gpu->node : 0, flags, length);
	EXPECT_EQ(map_to(gpu, p, length), (uintptr_t)p);
	if (by_rocsvm())
		EXPECT(is_seen(p));
	HSA(hsaKmtQueryPointerInfo(p, &info));
	EXPECT_EQ(info.Type, HSA_POINTER_ALLOCATED);
	EXPECT_EQ(info.GPUAddress, (uintptr_t)p);
	round_trip(gpu, kind->name, (uintptr_t)p, length, seed);
	if (kind->host_access)
		EXPECT_EQ(pattern_differs(p, length, seed), -1);
	give_back(p, length);
	if (by_rocsvm())
		EXPECT(!is_seen(p));
}

/* Scratch: an address that KFD is told of, and its backing. */
static void test_scratch(struct gpu *gpu)
{
	HsaMemFlags flags = { .Value = 0 };
	void *p;

	flags.ui32.Scratch = 1;
	flags.ui32.HostAccess = 1;
	p = allocate(gpu->node, flags, MiB(1));
	HSA(hsaKmtMapMemoryToGPU(p, KiB(64), &(HSAuint64){ 0 }));
	HSA(hsaKmtUnmapMemoryToGPU(p));
	HSA(hsaKmtFreeMemory(p, MiB(1)));
	say("scratch: mapped and unmapped");
}

/* At an address that the caller chooses, where libhsakmt reserves its own range. */
static void test_fixed(struct gpu *gpu)
{
	HsaMemFlags flags = { .Value = 0 };
	void *p, *wanted;
	int status;

	flags.ui32.NonPaged = 1;
	flags.ui32.HostAccess = 1;
	p = wanted = allocate(0, flags, LENGTH);
	HSA(hsaKmtFreeMemory(p, LENGTH));
	flags.ui32.FixedAddress = 1;
	status = hsaKmtAllocMemory(0, LENGTH, flags, &p);
	say("host, at a fixed address: status %d", status);
	if (status && !getenv("HSA_RESERVE_SVM"))
		return;
	ASSERT_EQ(status, HSAKMT_STATUS_SUCCESS);
	EXPECT_EQ((uintptr_t)p, (uintptr_t)wanted);
	map_to(gpu, p, LENGTH);
	round_trip(gpu, "host, at a fixed address", (uintptr_t)p, LENGTH, 77);
	give_back(p, LENGTH);
}

static void test_registered(struct gpu *gpu)
{
	char *p = aligned_alloc(PAGE, LENGTH);
	uint64_t va;

	ASSERT(p);
	memset(p, 0, LENGTH);
	HSA(hsaKmtRegisterMemoryToNodes(p, LENGTH, 1, &gpu->node));
	va = map_to(gpu, p, LENGTH);
	round_trip(gpu, "own memory", va, LENGTH, 78);
	EXPECT_EQ(pattern_differs(p, LENGTH, 78), -1);
	HSA(hsaKmtUnmapMemoryToGPU(p));
	HSA(hsaKmtDeregisterMemory(p));
	free(p);
}

/* A buffer of the graphics driver's, as a dma-buf. */
static void test_dmabuf(struct gpu *gpu)
{
	char path[64];
	HsaGraphicsResourceInfo info;
	int drm, handle, fd;
	uint64_t va;
	char *p;

	snprintf(path, sizeof(path), "/dev/dri/renderD%d", gpu->render_minor);
	drm = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(drm, 0);
	handle = gem_create(drm, LENGTH, AMDGPU_GEM_DOMAIN_GTT, 0);
	ASSERT_GT(handle, 0);
	fd = prime_export(drm, handle, DRM_RDWR);
	ASSERT_GE(fd, 0);
	p = gem_map(drm, handle, LENGTH);
	memset(p, 0, LENGTH);

	HSA(hsaKmtRegisterGraphicsHandleToNodes(fd, &info, 1, &gpu->node));
	EXPECT_EQ(info.SizeInBytes, LENGTH);
	va = map_to(gpu, info.MemoryAddress, LENGTH);
	round_trip(gpu, "imported dma-buf", va, LENGTH, 79);
	EXPECT_EQ(pattern_differs(p, LENGTH, 79), -1);
	HSA(hsaKmtUnmapMemoryToGPU(info.MemoryAddress));
	HSA(hsaKmtDeregisterMemory(info.MemoryAddress));

	munmap(p, LENGTH);
	close(fd);
	gem_close(drm, handle);
	close(drm);
}

/* libhsakmt's handles are by ioctls that no kernel of kernel.org's has. */
static void test_share(struct gpu *gpu)
{
	HsaSharedMemoryHandle handle;
	HsaMemFlags flags = { .Value = 0 };
	void *p;

	flags.ui32.NonPaged = 1;
	flags.ui32.HostAccess = 1;
	p = allocate(gpu->node, flags, LENGTH);
	say("a handle to share: status %d", hsaKmtShareMemory(p, LENGTH, &handle));
	HSA(hsaKmtFreeMemory(p, LENGTH));
}

/* A queue for AQL packets; nothing is put in. */
static void test_aql_queue(struct gpu *gpu)
{
	uint64_t *pointers = host_memory(PAGE);
	HsaQueueResource queue = {
		.Queue_read_ptr_aql = &pointers[0],
		.Queue_write_ptr_aql = &pointers[8],
	};
	HsaMemFlags flags = { .Value = 0 };
	void *ring;

	map_to(gpu, pointers, PAGE);
	memset(pointers, 0, PAGE);
	flags.ui32.HostAccess = 1;
	flags.ui32.NonPaged = 1;
	flags.ui32.ExecuteAccess = 1;
	flags.ui32.AQLQueueMemory = 1;
	ring = allocate(0, flags, RING_SIZE);
	map_to(gpu, ring, RING_SIZE);
	HSA(hsaKmtCreateQueue(gpu->node, HSA_QUEUE_COMPUTE_AQL, 100, HSA_QUEUE_PRIORITY_NORMAL,
			      ring, RING_SIZE, NULL, &queue));
	EXPECT(queue.Queue_DoorBell_aql);
	HSA(hsaKmtUpdateQueue(queue.QueueId, 50, HSA_QUEUE_PRIORITY_LOW, ring, RING_SIZE, NULL));
	HSA(hsaKmtDestroyQueue(queue.QueueId));
	give_back(ring, RING_SIZE);
	give_back(pointers, PAGE);
	say("AQL queue: made, changed and destroyed");
}

static void *ring_later(void *sdma)
{
	usleep(300000);
	sdma_submit(sdma);
	return NULL;
}

/* The GPU's interrupt ends a wait that has begun before. */
static void test_event(struct gpu *gpu)
{
	struct sdma *q = &gpu->sdma;
	volatile uint32_t *mailbox = (void *)(uintptr_t)gpu->event->EventData.HWData2;
	pthread_t thread;

	HSA(hsaKmtSetEvent(gpu->event));
	HSA(hsaKmtWaitOnEvent(gpu->event, WAIT_MS));
	EXPECT_EQ(hsaKmtWaitOnEvent(gpu->event, 0), HSAKMT_STATUS_WAIT_TIMEOUT);

	ASSERT(mailbox);
	ASSERT_EQ(sdma_fence(q, mailbox, gpu->event->EventId), 0);
	ASSERT_LE((q->next & (RING_SIZE - 1)) + 8, RING_SIZE);
	q->ring[(q->next & (RING_SIZE - 1)) / 4] = 6;		/* TRAP */
	q->ring[(q->next & (RING_SIZE - 1)) / 4 + 1] = gpu->event->EventId;
	q->next += 8;
	ASSERT_EQ(pthread_create(&thread, NULL, ring_later, q), 0);
	HSA(hsaKmtWaitOnEvent(gpu->event, WAIT_MS));
	pthread_join(thread, NULL);
	say("event %u: the GPU's interrupt has ended the wait", gpu->event->EventId);
}

/* ---- the session -------------------------------------------------------- */

static void find_gpu(struct gpu *gpu)
{
	HsaSystemProperties system;
	HsaVersionInfo version;
	int found = 0;

	HSA(hsaKmtGetVersion(&version));
	EXPECT_EQ(version.KernelInterfaceMajorVersion, KFD_IOCTL_MAJOR_VERSION);
	HSA(hsaKmtAcquireSystemProperties(&system));
	say("KFD %u.%u, %u nodes", version.KernelInterfaceMajorVersion,
	    version.KernelInterfaceMinorVersion, system.NumNodes);
	for (HSAuint32 node = 0; node < system.NumNodes; node++) {
		HsaNodeProperties properties;

		HSA(hsaKmtGetNodeProperties(node, &properties));
		if (!properties.NumFComputeCores || found++)
			continue;
		*gpu = (struct gpu){
			.node = node,
			.render_minor = properties.DrmRenderMinor,
		};
	}
	ASSERT_GE(found, 1);
}

static void session(void *arg)
{
	HsaClockCounters clocks;
	struct gpu gpu;

	(void)arg;
	HSA(hsaKmtOpenKFD());
	find_gpu(&gpu);
	HSA(hsaKmtGetClockCounters(gpu.node, &clocks));
	open_queue(&gpu);
	if (by_rocsvm())
		EXPECT_EQ(view_buffer(getpid(), (uintptr_t)gpu.sdma.ring, "kfd").length,
			  RING_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		test_kind(&gpu, &kinds[i], i + 1);
	test_scratch(&gpu);
	test_fixed(&gpu);
	test_registered(&gpu);
	test_dmabuf(&gpu);
	test_share(&gpu);
	test_aql_queue(&gpu);
	test_event(&gpu);
	close_queue(&gpu);
	HSA(hsaKmtReleaseSystemProperties());
	HSA(hsaKmtCloseKFD());
}

static bool with_fork;

static void test(void)
{
	if (with_fork) {
		HSA(hsaKmtOpenKFD());
		EXPECT_EQ(run_child(session, NULL), 0);
		HSA(hsaKmtCloseKFD());
	}
	session(NULL);
}

int main(int argc, char **argv)
{
	with_fork = argc > 1 && !strcmp(argv[1], "fork");
	return test_main(test);
}
