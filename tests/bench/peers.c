// SPDX-License-Identifier: MIT
/*
 * The peers: KFD's ioctls by hand, libhsakmt, and rocsvm by its library.
 *
 * By hand means as little as a program can do: it has reserved addresses once,
 * and knows which one comes next. Its host buffers are anonymous memory without
 * huge pages, given back after use; GTT and VRAM are mapped over the reservation,
 * which is restored after use.
 */
#include "bench.h"

#include <hsakmt.h>
#include <rocsvm.h>

#define ARENA_LENGTH GiB(64)

/* ---- KFD, by hand ------------------------------------------------------- */

static struct {
	int fd, render;
	uint32_t gpu;
	char *host, *device;	/* where the next buffer goes */
} kfd;

static uint32_t first_gpu(void)
{
	char path[80], text[32];

	for (int node = 0; node < 64; node++) {
		snprintf(path, sizeof(path), "/sys/class/kfd/kfd/topology/nodes/%d/gpu_id",
			 node);
		if (file_read(path, text, sizeof(text)) > 0 && atoi(text))
			return strtoul(text, NULL, 10);
	}
	test_die();
}

static char *reserve(int prot)
{
	char *p = mmap(NULL, ARENA_LENGTH + HUGE_PAGE, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT(p != MAP_FAILED);
	ASSERT_EQ(madvise(p, ARENA_LENGTH + HUGE_PAGE, MADV_NOHUGEPAGE), 0);
	return (char *)(((uintptr_t)p + HUGE_PAGE - 1) & -HUGE_PAGE);
}

static void kfd_start(void)
{
	struct kfd_ioctl_acquire_vm_args acquire;

	kfd.fd = kfd_open();
	kfd.gpu = first_gpu();
	kfd.render = render_open(kfd.gpu);
	acquire = (struct kfd_ioctl_acquire_vm_args){
		.drm_fd = kfd.render, .gpu_id = kfd.gpu,
	};
	ASSERT_EQ(svm_ioctl(kfd.fd, AMDKFD_IOC_ACQUIRE_VM, &acquire), 0);
	kfd.host = reserve(PROT_READ | PROT_WRITE);
	kfd.device = reserve(PROT_NONE);
}

static int kfd_fd(void)
{
	return kfd.fd;
}

static char **kfd_arena(const struct buffer *buf)
{
	return buf->kind == HOST ? &kfd.host : &kfd.device;
}

static int kfd_alloc_args(struct buffer *buf, struct kfd_ioctl_alloc_memory_of_gpu_args *args)
{
	static const uint32_t flags[NUM_KINDS] = {
		[HOST] = KFD_IOC_ALLOC_MEM_FLAGS_USERPTR,
		[GTT] = KFD_IOC_ALLOC_MEM_FLAGS_GTT,
		[VRAM] = KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC,
		[PRIVATE_VRAM] = KFD_IOC_ALLOC_MEM_FLAGS_VRAM,
	};
	char **next = kfd_arena(buf);
	int err;

	/* A page between two, as the others have. */
	buf->va = __atomic_fetch_add(next, buf->length + PAGE, __ATOMIC_RELAXED);
	*args = (struct kfd_ioctl_alloc_memory_of_gpu_args){
		.va_addr = (uintptr_t)buf->va,
		.size = buf->length,
		.mmap_offset = buf->kind == HOST ? (uintptr_t)buf->va : 0,
		.gpu_id = kfd.gpu,
		.flags = flags[buf->kind] | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	err = svm_ioctl(kfd.fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, args);
	if (err)
		return err;
	buf->handle = args->handle;
	return 0;
}

/* The last one's addresses are the next one's. */
static void kfd_arena_return(const struct buffer *buf)
{
	char *end = buf->va + buf->length + PAGE;

	__atomic_compare_exchange_n(kfd_arena(buf), &end, buf->va, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static int kfd_alloc_only(struct buffer *buf)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args;

	return kfd_alloc_args(buf, &args);
}

static int kfd_alloc(struct buffer *buf)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args;
	int err = kfd_alloc_args(buf, &args);

	if (err || (buf->kind != GTT && buf->kind != VRAM))
		return err;
	return mmap(buf->va, buf->length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    kfd.render, args.mmap_offset) == buf->va ? 0 : -errno;
}

static int kfd_map(struct buffer *buf)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = buf->handle,
		.device_ids_array_ptr = (uintptr_t)&kfd.gpu,
		.n_devices = 1,
	};

	return svm_ioctl(kfd.fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args);
}

static int kfd_unmap(struct buffer *buf)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args args = {
		.handle = buf->handle,
		.device_ids_array_ptr = (uintptr_t)&kfd.gpu,
		.n_devices = 1,
	};

	return svm_ioctl(kfd.fd, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &args);
}

/* Host memory stays as it is, and the next buffer gets pages never used. */
static int kfd_free_only(struct buffer *buf)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = buf->handle };

	if (buf->kind != HOST)
		kfd_arena_return(buf);
	return svm_ioctl(kfd.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);
}

static int kfd_free(struct buffer *buf)
{
	int err = kfd_free_only(buf);

	if (err)
		return err;
	switch (buf->kind) {
	case HOST:
		kfd_arena_return(buf);
		return SYS(madvise(buf->va, buf->length, MADV_DONTNEED));
	case GTT:
	case VRAM:
		return mmap(buf->va, buf->length, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
			    -1, 0) == buf->va ? 0 : -errno;
	default:
		return 0;
	}
}

/* ---- libhsakmt ---------------------------------------------------------- */

static HSAuint32 hsakmt_node;

static void hsakmt_start(void)
{
	HsaSystemProperties system;

	ASSERT_EQ(hsaKmtOpenKFD(), HSAKMT_STATUS_SUCCESS);
	ASSERT_EQ(hsaKmtAcquireSystemProperties(&system), HSAKMT_STATUS_SUCCESS);
	for (HSAuint32 node = 0; node < system.NumNodes; node++) {
		HsaNodeProperties properties;

		ASSERT_EQ(hsaKmtGetNodeProperties(node, &properties), HSAKMT_STATUS_SUCCESS);
		if (properties.NumFComputeCores) {
			hsakmt_node = node;
			return;
		}
	}
	test_die();
}

static void hsakmt_start_reserved(void)
{
	ASSERT_EQ(setenv("HSA_RESERVE_SVM", "1", 1), 0);
	hsakmt_start();
}

static int hsakmt_alloc(struct buffer *buf)
{
	bool vram = buf->kind == VRAM || buf->kind == PRIVATE_VRAM;
	HsaMemFlags flags = { .Value = 0 };
	void *va = NULL;

	flags.ui32.HostAccess = buf->kind != PRIVATE_VRAM;
	flags.ui32.NonPaged = buf->kind != HOST;
	flags.ui32.CoarseGrain = 1;
	flags.ui32.NoSubstitute = vram;
	if (hsaKmtAllocMemory(vram ? hsakmt_node : 0, buf->length, flags, &va))
		return -1;
	buf->va = va;
	return 0;
}

static int hsakmt_map(struct buffer *buf)
{
	HsaMemMapFlags flags = { .Value = 0 };
	HSAuint64 va;

	flags.ui32.HostAccess = 1;
	return -(int)hsaKmtMapMemoryToGPUNodes(buf->va, buf->length, &va, flags, 1,
					       &hsakmt_node);
}

static int hsakmt_unmap(struct buffer *buf)
{
	return -(int)hsaKmtUnmapMemoryToGPU(buf->va);
}

static int hsakmt_free(struct buffer *buf)
{
	return -(int)hsaKmtFreeMemory(buf->va, buf->length);
}

static int hsakmt_query(struct buffer *buf)
{
	HsaPointerInfo info;

	return -(int)hsaKmtQueryPointerInfo(buf->va + buf->length / 2, &info);
}

/* ---- rocsvm ------------------------------------------------------------- */

static struct rocsvm_ctx *svm;
static uint32_t space_gpu;

static const enum rocsvm_kind space_kinds[NUM_KINDS + 1] = {
	[HOST] = ROCSVM_KIND_HOST,
	[GTT] = ROCSVM_KIND_GTT,
	[VRAM] = ROCSVM_KIND_VRAM,
	[PRIVATE_VRAM] = ROCSVM_KIND_PRIVATE_VRAM,
	[ADDRESS] = ROCSVM_KIND_ADDRESS,
};

static void space_start(void)
{
	struct rocsvm_open_options options = {
		.size = sizeof(options), .flags = ROCSVM_OPEN_ACQUIRE,
	};
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };

	ASSERT_EQ(rocsvm_open(&svm, &options), 0);
	ASSERT_EQ(rocsvm_gpu(svm, 0, &gpu), 0);
	space_gpu = gpu.gpu_id;
}

static void space_start_no_guard(void)
{
	struct rocsvm_reserve args = {
		.size = sizeof(args), .flags = ROCSVM_RESERVE_KEEP | ROCSVM_RESERVE_NO_GUARD,
	};

	space_start();
	ASSERT_EQ(rocsvm_reserve_args(svm, &args), 0);
}

static int space_fd(void)
{
	return rocsvm_fd(svm);
}

static int space_alloc(struct buffer *buf)
{
	void *va = NULL;
	int err = rocsvm_alloc(svm, &va, buf->length, space_kinds[buf->kind], space_gpu, 0);

	buf->va = va;
	return err;
}

static int space_alloc_mapped(struct buffer *buf)
{
	struct rocsvm_alloc args = {
		.size = sizeof(args),
		.kind = space_kinds[buf->kind],
		.gpu_id = space_gpu,
		.length = buf->length,
		.num_gpus = ROCSVM_ALL_GPUS,
	};
	int err = rocsvm_alloc_args(svm, &args);

	buf->va = (char *)(uintptr_t)args.va;
	return err;
}

static int space_map(struct buffer *buf)
{
	return rocsvm_map(svm, buf->va, &space_gpu, 1);
}

static int space_unmap(struct buffer *buf)
{
	return rocsvm_unmap(svm, buf->va, &space_gpu, 1);
}

static int space_free(struct buffer *buf)
{
	return rocsvm_free(svm, buf->va);
}

static int space_query(struct buffer *buf)
{
	struct rocsvm_query query = { .size = sizeof(query) };

	return rocsvm_query(svm, buf->va + buf->length / 2, &query);
}

static int nothing(struct buffer *buf)
{
	(void)buf;
	return 0;
}

/* ---- all of them -------------------------------------------------------- */

const struct peer peers[NUM_PEERS] = {
	[KFD_CALLS] = {
		"KFD, calls only", kfd_start, kfd_fd,
		kfd_alloc_only, kfd_map, kfd_unmap, kfd_free_only, NULL,
	},
	[KFD] = {
		"KFD", kfd_start, kfd_fd, kfd_alloc, kfd_map, kfd_unmap, kfd_free,
		NULL,
	},
	[LIBHSAKMT] = {
		"libhsakmt", hsakmt_start, NULL,
		hsakmt_alloc, hsakmt_map, hsakmt_unmap, hsakmt_free, hsakmt_query,
	},
	[LIBHSAKMT_RESERVED] = {
		"libhsakmt, reserved", hsakmt_start_reserved, NULL,
		hsakmt_alloc, hsakmt_map, hsakmt_unmap, hsakmt_free, hsakmt_query,
	},
	[ROCSVM] = {
		"rocsvm", space_start, space_fd,
		space_alloc, space_map, space_unmap, space_free, space_query,
	},
	[ROCSVM_AT_ONCE] = {
		"rocsvm, 2 calls", space_start, space_fd,
		space_alloc_mapped, nothing, nothing, space_free, space_query,
	},
};

const struct peer peer_no_guard = {
	"rocsvm, no guard", space_start_no_guard, space_fd,
	space_alloc, space_map, space_unmap, space_free, space_query,
};
