/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The user ABI of /dev/rocsvm, and the only text of it.
 *
 * Two sets of ioctls live on one node: rocsvm's own, below, and KFD's
 * (linux/kfd_ioctl.h, type 'K'), which are handed to KFD as they are, as is
 * mmap().
 */
#ifndef _UAPI_LINUX_ROCSVM_H
#define _UAPI_LINUX_ROCSVM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General ioctl format
 *
 * The ioctls follow one format so that they can be extended. Every one takes
 * a pointer to a structure, and the structure's first member is its size in
 * bytes as the caller knows it:
 *
 *  - a size below the first version of the structure is -EINVAL;
 *  - a size below the kernel's means zeros for the members that the caller
 *    does not know, and only the members it knows are written back;
 *  - a size above the kernel's is accepted if all bytes that the kernel does
 *    not know are zero, else, or above 4096, it is -E2BIG;
 *  - unknown flags are -EOPNOTSUPP, non-zero reserved members -EOPNOTSUPP.
 *
 * Addresses and lengths are in bytes. A range is [base, limit] with an
 * inclusive limit, or [base, base + length).
 *
 * A buffer's name is its address: the address that ALLOC returned is what
 * MAP, UNMAP and FREE take.
 *
 * A call either happens as a whole or not at all; what ALLOC or MAP had done
 * before it failed is undone. No signal but a fatal one interrupts a call.
 *
 * The general meaning of errors:
 *
 *  ========  ============================================================
 *  EBADF     the caller is not the process (mm and thread group) that
 *            opened the file: a forked child, another process that was
 *            handed the file, a program after exec
 *  EBUSY     the SVM space is in use in a way that excludes the call
 *  EEXIST    a fixed address is occupied
 *  EFAULT    a pointer inside the structure is bad
 *  EINVAL    a value is out of its documented range
 *  ENODEV    no such GPU, or its VM is not acquired
 *  ENOENT    no live buffer begins at this address
 *  ENOMEM    out of memory, of VRAM, or of address space
 *  EOPNOTSUPP  an unknown flag, or a reserved member that is not zero
 *  EPERM     a 32-bit caller
 *  ERANGE    an address or length outside the window
 *  ENOTTY    no such ioctl
 *  ========  ============================================================
 *
 * What KFD answers beyond that is handed on unchanged.
 */
#define ROCSVM_TYPE	0xC5

/** ROCSVM_ABI - version of this ABI; grows when something is added */
#define ROCSVM_ABI	1

enum {
	ROCSVM_CMD_BASE = 0x80,
	ROCSVM_CMD_INFO = ROCSVM_CMD_BASE,
	ROCSVM_CMD_GPU_INFO,
	ROCSVM_CMD_RESERVE,
	ROCSVM_CMD_ACQUIRE_VM,
	ROCSVM_CMD_ALLOC,
	ROCSVM_CMD_FREE,
	ROCSVM_CMD_MAP,
	ROCSVM_CMD_UNMAP,
	ROCSVM_CMD_QUERY,
	ROCSVM_CMD_END,
};

/**
 * struct rocsvm_info - ioctl(ROCSVM_INFO)
 * @size: sizeof(struct rocsvm_info)
 * @flags: must be 0
 * @abi: out: ROCSVM_ABI of the module
 * @num_gpus: out: GPUs that KFD reports, canonical or not
 * @num_acquired: out: GPUs whose VM is acquired through this file's space
 * @__reserved: must be 0
 * @svm_base: out: first address of the SVM range, the intersection of the
 *	gpuvm apertures of all canonical GPUs
 * @svm_limit: out: last address of the SVM range, inclusive
 * @svm_alignment: out: alignment in bytes that all GPUs need
 * @window_base: out: first address of the reserved window
 * @window_limit: out: last address of the reserved window, inclusive
 * @huge_base: out: where the window's huge region begins: below it buffers
 *	are placed by pages, from it on host buffers are placed in units of
 *	2 MiB and use huge pages
 * @num_buffers: out: live buffers
 * @buffer_bytes: out: sum of the lengths of the live buffers
 * @quarantined_bytes: out: address space that could not be taken back into
 *	the window after a buffer was freed. Retried at each ALLOC and FREE,
 *	except where KFD may still have a buffer
 *
 * Describe the SVM space of the calling process.
 *
 * Since: 1
 */
struct rocsvm_info {
	__u32 size;
	__u32 flags;
	__u32 abi;
	__u32 num_gpus;
	__u32 num_acquired;
	__u32 __reserved;
	__aligned_u64 svm_base;
	__aligned_u64 svm_limit;
	__aligned_u64 svm_alignment;
	__aligned_u64 window_base;
	__aligned_u64 window_limit;
	__aligned_u64 huge_base;
	__aligned_u64 num_buffers;
	__aligned_u64 buffer_bytes;
	__aligned_u64 quarantined_bytes;
};
#define ROCSVM_INFO _IO(ROCSVM_TYPE, ROCSVM_CMD_INFO)

/**
 * enum rocsvm_gpu_flags - what is so of a GPU
 * @ROCSVM_GPU_CANONICAL: its gpuvm aperture ends below 2^47, it takes part in
 *	the SVM range
 * @ROCSVM_GPU_ACQUIRED: its VM is acquired
 */
enum rocsvm_gpu_flags {
	ROCSVM_GPU_CANONICAL = 1 << 0,
	ROCSVM_GPU_ACQUIRED = 1 << 1,
};

/**
 * struct rocsvm_gpu_info - ioctl(ROCSVM_GPU_INFO)
 * @size: sizeof(struct rocsvm_gpu_info)
 * @flags: must be 0
 * @index: in: which GPU, 0 to num_gpus - 1 of ROCSVM_INFO
 * @gpu_id: out: KFD's id of the GPU
 * @gpu_flags: out: enum rocsvm_gpu_flags
 * @__reserved: must be 0
 * @gpuvm_base: out: first address of the gpuvm aperture
 * @gpuvm_limit: out: last address of it, inclusive
 * @lds_base: out: first address of the LDS aperture
 * @lds_limit: out: last address of it, inclusive
 * @scratch_base: out: first address of the scratch aperture
 * @scratch_limit: out: last address of it, inclusive
 *
 * Describe one GPU as KFD reported it when the space was set up. -ENODEV: no
 * GPU of that index.
 *
 * Since: 1
 */
struct rocsvm_gpu_info {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 gpu_id;
	__u32 gpu_flags;
	__u32 __reserved;
	__aligned_u64 gpuvm_base;
	__aligned_u64 gpuvm_limit;
	__aligned_u64 lds_base;
	__aligned_u64 lds_limit;
	__aligned_u64 scratch_base;
	__aligned_u64 scratch_limit;
};
#define ROCSVM_GPU_INFO _IO(ROCSVM_TYPE, ROCSVM_CMD_GPU_INFO)

/**
 * enum rocsvm_reserve_flags - how to place the window
 * @ROCSVM_RESERVE_FIXED: at exactly @base, or not at all
 */
enum rocsvm_reserve_flags {
	ROCSVM_RESERVE_FIXED = 1 << 0,
};

/**
 * struct rocsvm_reserve - ioctl(ROCSVM_RESERVE)
 * @size: sizeof(struct rocsvm_reserve)
 * @flags: enum rocsvm_reserve_flags
 * @base: in: with ROCSVM_RESERVE_FIXED the window's first address, a multiple
 *	of 2 MiB; without it 0. out: the window's first address
 * @length: in: the window's length, a multiple of 4 MiB and at least 4 GiB,
 *	or 0 for the one that open(2) chose (module parameter svm_size).
 *	out: the window's length
 *
 * Give up the window that open(2) reserved and reserve another one. Only
 * while the space has no buffer, and nothing in quarantine: -EBUSY. On
 * failure the old window stands (if the new one was to overlap it, and another
 * thread took its place meanwhile, the space is left without a window: INFO
 * then shows a window_limit of 0 and ALLOC is -ENOMEM until RESERVE succeeds).
 *
 * -EEXIST: the fixed range is occupied. -ERANGE: it is not inside the SVM
 * range. -ENOMEM: no gap of that length.
 *
 * Since: 1
 */
struct rocsvm_reserve {
	__u32 size;
	__u32 flags;
	__aligned_u64 base;
	__aligned_u64 length;
};
#define ROCSVM_RESERVE _IO(ROCSVM_TYPE, ROCSVM_CMD_RESERVE)

/**
 * struct rocsvm_acquire_vm - ioctl(ROCSVM_ACQUIRE_VM)
 * @size: sizeof(struct rocsvm_acquire_vm)
 * @flags: must be 0
 * @gpu_id: in: the GPU
 * @drm_fd: in: an open file of the GPU's render node; as KFD does not check
 *	whose node it is, the caller must (drm_render_minor in KFD's topology)
 *
 * Bind the process to the GPU's VM, which is that of the render file, as
 * KFD's ACQUIRE_VM does. The space keeps a reference to the render file for
 * the CPU mappings of buffers; the caller may close its own.
 *
 * The same file again is a success. KFD binds a process for its life: after
 * the space was closed and opened again any file of the same node is a
 * success, and the VM is still the first file's.
 *
 * -EBUSY: acquired with another file. -ENODEV: no such GPU. -EBADF: drm_fd is
 * not open. -EINVAL: not a render node of amdgpu's, or its VM can't be used.
 *
 * Since: 1
 */
struct rocsvm_acquire_vm {
	__u32 size;
	__u32 flags;
	__u32 gpu_id;
	__s32 drm_fd;
};
#define ROCSVM_ACQUIRE_VM _IO(ROCSVM_TYPE, ROCSVM_CMD_ACQUIRE_VM)

/**
 * enum rocsvm_kind - kinds of memory
 * @ROCSVM_KIND_HOST: pageable system memory of the window itself, charged to
 *	the caller's memory cgroup
 * @ROCSVM_KIND_GTT: system memory owned by amdgpu
 * @ROCSVM_KIND_VRAM: VRAM that the CPU can see
 * @ROCSVM_KIND_PRIVATE_VRAM: VRAM that the CPU can't see: it has an address
 *	and no CPU mapping, a CPU access is SIGSEGV
 */
enum rocsvm_kind {
	ROCSVM_KIND_HOST = 1,
	ROCSVM_KIND_GTT = 2,
	ROCSVM_KIND_VRAM = 3,
	ROCSVM_KIND_PRIVATE_VRAM = 4,
};

/**
 * enum rocsvm_alloc_flags - how to allocate
 * @ROCSVM_ALLOC_FIXED: at exactly @va, or not at all
 * @ROCSVM_ALLOC_READONLY: GPUs may only read
 * @ROCSVM_ALLOC_EXECUTABLE: GPUs may fetch instructions
 * @ROCSVM_ALLOC_COHERENT: fine-grained coherence (KFD's COHERENT)
 * @ROCSVM_ALLOC_UNCACHED: not cached by the GPU (KFD's UNCACHED)
 */
enum rocsvm_alloc_flags {
	ROCSVM_ALLOC_FIXED = 1 << 0,
	ROCSVM_ALLOC_READONLY = 1 << 1,
	ROCSVM_ALLOC_EXECUTABLE = 1 << 2,
	ROCSVM_ALLOC_COHERENT = 1 << 3,
	ROCSVM_ALLOC_UNCACHED = 1 << 4,
};

/**
 * struct rocsvm_alloc - ioctl(ROCSVM_ALLOC)
 * @size: sizeof(struct rocsvm_alloc)
 * @flags: enum rocsvm_alloc_flags
 * @kind: in: enum rocsvm_kind
 * @gpu_id: in: the GPU whose memory it is, or 0 for a host or GTT buffer that
 *	is no particular GPU's
 * @va: in: with ROCSVM_ALLOC_FIXED the address, else 0. out: the address of
 *	the buffer, on the CPU and on every GPU it is mapped to
 * @length: in: bytes, not 0; rounded up to pages, and to 2 MiB for a host
 *	buffer of 2 MiB or more. out: the length that can be accessed
 * @alignment: in: a power of two from the page size to 1 GiB, or 0: the power
 *	of two at or above @length, but 2 MiB at most
 * @guard: in: bytes after the buffer that stay inaccessible, a multiple of
 *	the page size up to 1 GiB, or 0 for one page (2 MiB in the huge region)
 * @gpu_ids: in: pointer to @num_gpus __u32: map the buffer to these GPUs too
 * @num_gpus: in: 0 to allocate only, 64 at most
 * @__reserved: must be 0
 *
 * Allocate a buffer. Its bytes read as zeros where the CPU can read them. A
 * host buffer has all its pages when the call returns; -ENOMEM is the answer
 * to a memory cgroup's limit.
 *
 * With ROCSVM_ALLOC_FIXED: -EEXIST if the address range and its guard are not
 * free, -ERANGE if they are not inside the window (for a host buffer of 2 MiB
 * or more: inside the huge region; for all others: below it), -EINVAL if the
 * address is not aligned.
 *
 * -ENODEV: @gpu_id (or, where it is 0, every GPU) is unknown, its VM is not
 * acquired, or its gpuvm aperture is not canonical. -ENOMEM: no memory, or no
 * gap in the window. -EFAULT: the program has unmapped the window there, or
 * @gpu_ids is bad.
 *
 * Since: 1
 */
struct rocsvm_alloc {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 gpu_id;
	__aligned_u64 va;
	__aligned_u64 length;
	__aligned_u64 alignment;
	__aligned_u64 guard;
	__aligned_u64 gpu_ids;
	__u32 num_gpus;
	__u32 __reserved;
};
#define ROCSVM_ALLOC _IO(ROCSVM_TYPE, ROCSVM_CMD_ALLOC)

/**
 * struct rocsvm_free - ioctl(ROCSVM_FREE)
 * @size: sizeof(struct rocsvm_free)
 * @flags: must be 0
 * @va: in: a buffer's address
 *
 * Unmap the buffer from all GPUs, then free it. -ENOENT: no buffer begins at
 * @va. If KFD can't unmap, its error is returned and the buffer stays as it
 * was.
 *
 * Since: 1
 */
struct rocsvm_free {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
};
#define ROCSVM_FREE _IO(ROCSVM_TYPE, ROCSVM_CMD_FREE)

/**
 * struct rocsvm_map - ioctl(ROCSVM_MAP) and ioctl(ROCSVM_UNMAP)
 * @size: sizeof(struct rocsvm_map)
 * @flags: must be 0
 * @va: in: a buffer's address
 * @gpu_ids: in: pointer to @num_gpus __u32
 * @num_gpus: in: 1 to 64; UNMAP also takes 0: from every GPU it is mapped to
 * @__reserved: must be 0
 *
 * MAP: let the GPUs access the buffer, at its address. A GPU that can already
 * is passed over. If one can't be given access, those that this call had
 * given it lose it again.
 *
 * UNMAP: take the access away. A GPU that has none is -EINVAL, and nothing
 * is unmapped then.
 *
 * -ENOENT: no buffer begins at @va. -ENODEV: a GPU is unknown, its VM is not
 * acquired, or its gpuvm aperture is not canonical.
 *
 * Since: 1
 */
struct rocsvm_map {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 gpu_ids;
	__u32 num_gpus;
	__u32 __reserved;
};
#define ROCSVM_MAP _IO(ROCSVM_TYPE, ROCSVM_CMD_MAP)
#define ROCSVM_UNMAP _IO(ROCSVM_TYPE, ROCSVM_CMD_UNMAP)

/**
 * enum rocsvm_query_flags - which buffer to describe
 * @ROCSVM_QUERY_NEXT: the one that contains @va, else the lowest above it
 */
enum rocsvm_query_flags {
	ROCSVM_QUERY_NEXT = 1 << 0,
};

/**
 * struct rocsvm_query - ioctl(ROCSVM_QUERY)
 * @size: sizeof(struct rocsvm_query)
 * @flags: enum rocsvm_query_flags
 * @va: in: any address inside a buffer. out: the buffer's address
 * @length: out: its length
 * @guard: out: the length of its guard
 * @handle: out: KFD's handle
 * @kind: out: enum rocsvm_kind
 * @gpu_id: out: the GPU that KFD keeps it for
 * @alloc_flags: out: the flags it was allocated with
 * @num_gpus: in: room at @gpu_ids, may be 0. out: GPUs it is mapped to
 * @gpu_ids: in: pointer to @num_gpus __u32, filled with the GPUs it is mapped
 *	to, as many as there is room for
 *
 * Describe a buffer. -ENOENT: @va lies in no buffer (with ROCSVM_QUERY_NEXT:
 * none lies at or above it either).
 *
 * Since: 1
 */
struct rocsvm_query {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 length;
	__aligned_u64 guard;
	__aligned_u64 handle;
	__u32 kind;
	__u32 gpu_id;
	__u32 alloc_flags;
	__u32 num_gpus;
	__aligned_u64 gpu_ids;
};
#define ROCSVM_QUERY _IO(ROCSVM_TYPE, ROCSVM_CMD_QUERY)

#endif /* _UAPI_LINUX_ROCSVM_H */
