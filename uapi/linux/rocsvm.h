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
 * MAP, UNMAP and FREE take. Where a buffer stands inside an address
 * reservation (ROCSVM_KIND_ADDRESS) the name is the inner one's.
 *
 * A call either happens as a whole or not at all; what ALLOC or MAP had done
 * before it failed is undone. No signal but a fatal one interrupts a call,
 * except BATCH between two entries.
 *
 * The general meaning of errors:
 *
 *  ========  ============================================================
 *  EAGAIN    other threads have changed the memory all the time that KFD has
 *            looked for it, a second or more: as of Linux 6.12, EBUSY before
 *  EBADF     the caller is not the process (mm and thread group) that
 *            opened the file: a forked child, another process that was
 *            handed the file, a program after exec
 *  EADDRINUSE  KFD's SVM ranges (ROCSVM_SVM_ATTR) hold an address
 *  EBUSY     the SVM space is in use in a way that excludes the call
 *  EDQUOT    a limit of the module's on buffers or registrations, for one
 *            space or one user; open(2): on spaces. The module parameters
 *            max_*; the kernel log names the one
 *  EEXIST    a fixed address is occupied
 *  EFAULT    a pointer inside the structure is bad
 *  EINVAL    a value is out of its documented range
 *  ENODEV    no such GPU, or its VM is not acquired
 *  ENOENT    no live buffer begins at this address
 *  ENOMEM    out of memory, of VRAM, or of address space
 *  EOPNOTSUPP  an unknown flag, or a reserved member that is not zero
 *  EPERM     a 32-bit caller
 *  ERANGE    an address or length outside the window, or the SVM range
 *  ENOTTY    no such ioctl
 *  ========  ============================================================
 *
 * What KFD answers beyond that is handed on unchanged.
 */
#define ROCSVM_TYPE	0xC5

/** ROCSVM_ABI - version of this ABI; grows when something is added */
#define ROCSVM_ABI	2

/**
 * ROCSVM_ALL_GPUS - in place of a number of GPUs: all acquired GPUs that take
 * part in the SVM range, and no list is read. Since: 2
 */
#define ROCSVM_ALL_GPUS	0xffffffffU

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
	ROCSVM_CMD_SET_TAG,
	ROCSVM_CMD_REGISTER,
	ROCSVM_CMD_UNREGISTER,
	ROCSVM_CMD_BATCH,
	ROCSVM_CMD_EXPORT,
	ROCSVM_CMD_IMPORT,
	ROCSVM_CMD_SVM_ATTR,
	ROCSVM_CMD_END,
};

/**
 * enum rocsvm_aperture_mode - where buffers are placed
 * @ROCSVM_APERTURE_RESERVED: the reserved aperture: inside the window, by
 *	rocsvm
 * @ROCSVM_APERTURE_MMAP: the mmap aperture: anywhere in the process's address
 *	space, by the kernel's mmap(); nothing is reserved. Needs an SVM range
 *	that covers all canonical user addresses
 *
 * Since: 2
 */
enum rocsvm_aperture_mode {
	ROCSVM_APERTURE_RESERVED = 0,
	ROCSVM_APERTURE_MMAP = 1,
};

/**
 * enum rocsvm_space_flags - what is so of a space
 * @ROCSVM_SPACE_FALLBACK: the aperture is not the one that the module
 *	parameter "reserve" asks for, because that could not be had
 *
 * Since: 2
 */
enum rocsvm_space_flags {
	ROCSVM_SPACE_FALLBACK = 1 << 0,
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
 * @num_buffers: out: live buffers; registered memory is not counted
 * @buffer_bytes: out: sum of the lengths of the live buffers; address
 *	reservations count as 0
 * @quarantined_bytes: out: address space that could not be taken back into
 *	the window after a buffer was freed. Retried at each ALLOC and FREE,
 *	except where KFD may still have a buffer
 * @aperture: out: enum rocsvm_aperture_mode. In the mmap aperture there is no
 *	window: its members and @huge_base are 0
 * @space_flags: out: enum rocsvm_space_flags
 * @coherent_base: out: first address of the coherent region, where buffers
 *	with ROCSVM_ALLOC_COHERENT are placed: the quarter of the window round
 *	@huge_base. The GPUs are told with KFD's SET_MEMORY_POLICY
 * @coherent_limit: out: last address of it, inclusive; 0 in the mmap aperture
 * @guard: out: bytes of guard that a buffer gets which asks for none; rounded
 *	up to 2 MiB in the huge region
 * @max_alignment: out: largest alignment in bytes that a buffer gets which
 *	asks for none
 * @num_registrations: out: registrations of the caller's own memory
 * @registered_bytes: out: bytes that they make accessible, each byte counted
 *	once
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
	__u32 aperture;
	__u32 space_flags;
	__aligned_u64 coherent_base;
	__aligned_u64 coherent_limit;
	__aligned_u64 guard;
	__aligned_u64 max_alignment;
	__aligned_u64 num_registrations;
	__aligned_u64 registered_bytes;
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
 * enum rocsvm_reserve_flags - what to change of the space
 * @ROCSVM_RESERVE_FIXED: the window at exactly @base, or not at all
 * @ROCSVM_RESERVE_KEEP: keep aperture and window, set only the guard and the
 *	alignment; at any time. Since: 2
 * @ROCSVM_RESERVE_NO_GUARD: buffers that ask for no guard get none.
 *	Since: 2
 */
enum rocsvm_reserve_flags {
	ROCSVM_RESERVE_FIXED = 1 << 0,
	ROCSVM_RESERVE_KEEP = 1 << 1,
	ROCSVM_RESERVE_NO_GUARD = 1 << 2,
};

/**
 * struct rocsvm_reserve - ioctl(ROCSVM_RESERVE)
 * @size: sizeof(struct rocsvm_reserve)
 * @flags: enum rocsvm_reserve_flags
 * @base: in: with ROCSVM_RESERVE_FIXED the window's first address, a multiple
 *	of 2 MiB; without it 0. out: the window's first address
 * @length: in: the window's length, a multiple of 4 MiB and at least 4 GiB,
 *	or 0: with ROCSVM_RESERVE_FIXED that of the present window, 1 TiB if
 *	there is none; else what open(2) would choose (module parameter
 *	svm_size). out: the window's length
 * @aperture: in: enum rocsvm_aperture_mode; for the mmap aperture @base and
 *	@length must be 0, and are 0 on return
 * @__reserved: must be 0
 * @guard: in: bytes of guard for buffers that ask for none, a multiple of the
 *	page size up to 1 GiB, or 0 for one page (2 MiB in the huge region);
 *	with ROCSVM_RESERVE_NO_GUARD it must be 0
 * @max_alignment: in: the largest alignment in bytes for buffers that ask for
 *	none, a power of two from the page size to 1 GiB, or 0 for 2 MiB
 *
 * Choose where buffers are placed, in place of what open(2) chose: give up the
 * window that it reserved and reserve another one, or use the mmap aperture.
 * Only while the space has no buffer, no registered memory and nothing in
 * quarantine: -EBUSY. On
 * failure everything stands as it did (if a new window was to overlap the old
 * one, and another thread took its place meanwhile, the space is left without
 * a window: INFO then shows a window_limit of 0 and ALLOC is -ENOMEM until
 * RESERVE succeeds). Only if KFD can't be told of the coherent region, whose
 * error is returned, the new window stands: to be repeated.
 *
 * -EEXIST: the fixed range is occupied. -ERANGE: it is not inside the SVM
 * range. -ENOMEM: no gap of that length. -EOPNOTSUPP: a GPU can't address all
 * that mmap() can return, so there is no mmap aperture.
 *
 * Since: 1; @aperture and what follows it: 2
 */
struct rocsvm_reserve {
	__u32 size;
	__u32 flags;
	__aligned_u64 base;
	__aligned_u64 length;
	__u32 aperture;
	__u32 __reserved;
	__aligned_u64 guard;
	__aligned_u64 max_alignment;
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
 * the space was closed and opened again, or the program has called KFD's own
 * ACQUIRE_VM on this device, any file of the same node is a success, and the VM
 * is still the first file's.
 *
 * KFD of Linux 6.1 oopses when it restores the queues of a process that has
 * acquired some of several GPUs only; it does so after memory pressure, and
 * after close(2) of a render file. So acquire every GPU, and close no render
 * file before that is done.
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
 * @ROCSVM_KIND_DOORBELL: the process's doorbell pages of a GPU. @length must
 *	be what KFD says they are: 8 KiB on GPUs with 64-bit doorbells, else
 *	4 KiB. Since: 2
 * @ROCSVM_KIND_MMIO_REMAP: the page of a GPU's registers that may be given to
 *	programs (HDP flush). @length must be 4096. Since: 2
 * @ROCSVM_KIND_ADDRESS: addresses without memory, which nothing else gets.
 *	ALLOC or IMPORT with ROCSVM_ALLOC_FIXED backs any part of them; once
 *	all such buffers are freed the whole can be freed. Since: 2
 * @ROCSVM_KIND_SCRATCH: like ROCSVM_KIND_ADDRESS, and where @gpu_id's scratch
 *	memory is: KFD's SET_SCRATCH_BACKING_VA. A multiple of 64 KiB; one for
 *	a GPU. Since: 2
 * @ROCSVM_KIND_REGISTERED: in QUERY only: memory that the caller registered.
 *	Since: 2
 */
enum rocsvm_kind {
	ROCSVM_KIND_HOST = 1,
	ROCSVM_KIND_GTT = 2,
	ROCSVM_KIND_VRAM = 3,
	ROCSVM_KIND_PRIVATE_VRAM = 4,
	ROCSVM_KIND_DOORBELL = 5,
	ROCSVM_KIND_MMIO_REMAP = 6,
	ROCSVM_KIND_ADDRESS = 7,
	ROCSVM_KIND_SCRATCH = 8,
	ROCSVM_KIND_REGISTERED = 9,
};

/**
 * enum rocsvm_alloc_flags - how to allocate
 * @ROCSVM_ALLOC_FIXED: at exactly @va, or not at all
 * @ROCSVM_ALLOC_READONLY: GPUs may only read
 * @ROCSVM_ALLOC_EXECUTABLE: GPUs may fetch instructions
 * @ROCSVM_ALLOC_COHERENT: fine-grained coherence (KFD's COHERENT)
 * @ROCSVM_ALLOC_UNCACHED: not cached by the GPU (KFD's UNCACHED)
 * @ROCSVM_ALLOC_AQL_QUEUE: memory of an AQL queue's ring (GTT and VRAM): there
 *	is memory for half of @length, and the second half of the addresses
 *	shows the first half's memory again, on the CPU as on GPUs, so that a
 *	ring can be written past its end. Since: 2
 * @ROCSVM_ALLOC_IMPORTED: in QUERY only: from ROCSVM_IMPORT. Since: 2
 */
enum rocsvm_alloc_flags {
	ROCSVM_ALLOC_FIXED = 1 << 0,
	ROCSVM_ALLOC_READONLY = 1 << 1,
	ROCSVM_ALLOC_EXECUTABLE = 1 << 2,
	ROCSVM_ALLOC_COHERENT = 1 << 3,
	ROCSVM_ALLOC_UNCACHED = 1 << 4,
	ROCSVM_ALLOC_AQL_QUEUE = 1 << 5,
	ROCSVM_ALLOC_IMPORTED = 1 << 6,
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
 *	of two at or above @length, but the space's max_alignment at most
 *	(2 MiB if RESERVE has not set another)
 * @guard: in: bytes after the buffer that stay inaccessible, a multiple of
 *	the page size up to 1 GiB, or 0 for the space's guard (if RESERVE has
 *	not set another: one page, 2 MiB in the huge region). In the mmap
 *	aperture there are as many before the buffer
 * @gpu_ids: in: pointer to @num_gpus __u32: map the buffer to these GPUs too
 * @num_gpus: in: 0 to allocate only, 64 at most, or ROCSVM_ALL_GPUS
 * @__reserved: must be 0
 * @tag: in: any number, the caller's own; see ROCSVM_SET_TAG. Since: 2
 *
 * Allocate a buffer. Its bytes read as zeros where the CPU can read them. A
 * host buffer has all its pages when the call returns; -ENOMEM is the answer
 * to a memory cgroup's limit.
 *
 * In the window, buffers are in one of four regions: those with
 * ROCSVM_ALLOC_COHERENT in the coherent region, all others outside; and host
 * buffers of 2 MiB or more from huge_base on, all others below it. The kinds
 * without memory, ROCSVM_KIND_ADDRESS and ROCSVM_KIND_SCRATCH, are outside the
 * coherent region, below huge_base.
 *
 * With ROCSVM_ALLOC_FIXED: -EEXIST if the address range and its guard are not
 * free, -ERANGE if they are not inside that region of the window (in the mmap
 * aperture: inside the SVM range), -EINVAL if the address is not aligned.
 *
 * With ROCSVM_ALLOC_FIXED and an address in an address reservation: only the
 * reservation's bounds matter, there is no guard (@guard must be 0), host
 * buffers of any length are placed by pages, and the other kinds without
 * memory are -EINVAL.
 *
 * A GPU whose gpuvm aperture is not canonical is managed apart: its buffers
 * are ROCSVM_KIND_GTT or ROCSVM_KIND_PRIVATE_VRAM in its own gpuvm aperture,
 * without a CPU mapping, and can be mapped to no other GPU.
 *
 * -ENODEV: @gpu_id (or, where it is 0, every GPU) is unknown, its VM is not
 * acquired, or its gpuvm aperture is not canonical where it has to be; amdgpu was
 * unbound from it.
 * -ENOMEM: no memory, or no gap in the window. -EDQUOT: the process or the user
 * has as many buffers as there may be; addresses in quarantine count, too
 * (max_buffers_per_space, max_buffers_per_user). -EFAULT: the program has
 * unmapped the window there, or @gpu_ids is bad. -EBUSY: the GPU has a scratch
 * reservation already. -EADDRINUSE: a KFD SVM range is in the way.
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
	__aligned_u64 tag;
};
#define ROCSVM_ALLOC _IO(ROCSVM_TYPE, ROCSVM_CMD_ALLOC)

/**
 * struct rocsvm_free - ioctl(ROCSVM_FREE)
 * @size: sizeof(struct rocsvm_free)
 * @flags: must be 0
 * @va: in: a buffer's address
 *
 * Unmap the buffer from all GPUs, then free it. -ENOENT: no buffer begins at
 * @va. -EBUSY: it is an address reservation with a buffer in it. If KFD can't
 * unmap, its error is returned and the buffer stays as it was.
 *
 * Of an imported buffer, and of one that was exported, the memory itself lives
 * on with the dma-buf.
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
 * @va: in: a buffer's address, or that of a registration
 * @gpu_ids: in: pointer to @num_gpus __u32
 * @num_gpus: in: 1 to 64, or ROCSVM_ALL_GPUS; UNMAP also takes 0: from every
 *	GPU it is mapped to
 * @__reserved: must be 0
 *
 * MAP: let the GPUs access the buffer, at its address. A GPU that can already
 * is passed over. If one can't be given access, those that this call had
 * given it lose it again: all or nothing.
 *
 * UNMAP: take the access away. A GPU that has none is -EINVAL, and nothing
 * is unmapped then. If KFD fails halfway, what it has unmapped stays so, and
 * QUERY says what is left.
 *
 * For registered memory see ROCSVM_REGISTER.
 *
 * -ENOENT: no buffer and no registration begins at @va. -ENODEV: a GPU is
 * unknown, its VM is not acquired, or its gpuvm aperture is not canonical.
 * -EINVAL: an address reservation has nothing to map; KFD, of another GPU's
 * VRAM on a kernel without peer-to-peer DMA.
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
 * @ROCSVM_QUERY_OUTER: of address reservations the reservation itself, never
 *	a buffer in it. Since: 2
 */
enum rocsvm_query_flags {
	ROCSVM_QUERY_NEXT = 1 << 0,
	ROCSVM_QUERY_OUTER = 1 << 1,
};

/**
 * struct rocsvm_query - ioctl(ROCSVM_QUERY)
 * @size: sizeof(struct rocsvm_query)
 * @flags: enum rocsvm_query_flags
 * @va: in: any address inside a buffer. out: the buffer's address
 * @length: out: its length
 * @guard: out: the length of its guard
 * @handle: out: KFD's handle, 0 for the kinds without memory, and for
 *	registered memory that was taken away
 * @kind: out: enum rocsvm_kind
 * @gpu_id: out: the GPU that KFD keeps it for, 0 for ROCSVM_KIND_ADDRESS
 * @alloc_flags: out: the flags it was allocated with
 * @num_gpus: in: room at @gpu_ids, may be 0. out: GPUs it is mapped to
 * @gpu_ids: in: pointer to @num_gpus __u32, filled with the GPUs it is mapped
 *	to, as many as there is room for
 * @tag: out: the caller's number. Since: 2
 * @num_registrations: out: of registered memory, how many registrations meet
 *	it; else 0. Since: 2
 * @__reserved: must be 0
 *
 * Describe a buffer, or a segment of registered memory. -ENOENT: @va lies in
 * none (with ROCSVM_QUERY_NEXT: none lies at or above it either).
 *
 * An address reservation is described where no buffer in it has the address;
 * with ROCSVM_QUERY_NEXT it is passed over if it has buffers, unless
 * ROCSVM_QUERY_OUTER is given too.
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
	__aligned_u64 tag;
	__u32 num_registrations;
	__u32 __reserved;
};
#define ROCSVM_QUERY _IO(ROCSVM_TYPE, ROCSVM_CMD_QUERY)

/**
 * struct rocsvm_set_tag - ioctl(ROCSVM_SET_TAG)
 * @size: sizeof(struct rocsvm_set_tag)
 * @flags: must be 0
 * @va: in: any address inside a buffer, or inside registered memory
 * @tag: in: any number; QUERY returns it
 *
 * Give a buffer, or a segment of registered memory, a number of the caller's
 * own: a pointer to what a runtime knows about it, say. -ENOENT: @va lies in
 * none.
 *
 * Since: 2
 */
struct rocsvm_set_tag {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 tag;
};
#define ROCSVM_SET_TAG _IO(ROCSVM_TYPE, ROCSVM_CMD_SET_TAG)

/**
 * struct rocsvm_register - ioctl(ROCSVM_REGISTER)
 * @size: sizeof(struct rocsvm_register)
 * @flags: of enum rocsvm_alloc_flags: READONLY, EXECUTABLE, COHERENT, UNCACHED
 * @va: in: first address, aligned or not
 * @length: in: bytes, not 0
 * @gpu_ids: in: pointer to @num_gpus __u32: map it to these GPUs too
 * @num_gpus: in: 0 to register only, 64 at most, or ROCSVM_ALL_GPUS
 * @gpu_id: in: the GPU that KFD keeps it for, or 0 for any
 * @tag: in: the caller's number for what this call registers first
 *
 * Let GPUs access the caller's own memory, whatever it is: malloc'ed, on the
 * stack, a file's. Each GPU sees it at the address it has. All pages that
 * [@va, @va + @length) touches are registered.
 *
 * Registrations overlap freely. Every page is registered with KFD once, in
 * segments: a call makes segments of what no earlier registration covers. A
 * segment lives until the last registration that meets it has ended, and with
 * it the access of GPUs to all of it. A registration's flags apply to the
 * segments it makes; it is -EEXIST if it meets a segment with other flags.
 *
 * MAP and UNMAP with a registration's @va act on all segments that any
 * registration with that @va meets. QUERY describes the segment.
 *
 * GPUs follow the program's mapping. Where the program takes memory away
 * (munmap, mremap, mprotect, ftruncate), GPUs lose the whole segment before
 * that call returns. The registration stands, and QUERY shows no GPU and no
 * handle; REGISTER or MAP gives the segment back once there is memory in all of
 * it, and is -EFAULT before. What is replaced in one step (MAP_FIXED) they have
 * anew. If another process takes the memory away (ftruncate of a shared file),
 * they lose it with the next REGISTER or MAP: end registrations before that.
 * A forked child's memory is its own.
 *
 * -ERANGE: not wholly inside the SVM range that INFO names. -EEXIST: it meets
 * a buffer. -EFAULT: nothing is mapped somewhere in it, or a device's memory.
 * -EPERM: a part of it may not be written by the program; KFD needs that even
 * for READONLY. -EBUSY: KFD may have something there for good. -EDQUOT: the
 * process or the user has as many registrations and segments as there may be
 * (max_registrations_per_space, max_registrations_per_user). -EADDRINUSE: a
 * KFD SVM range is in the way.
 *
 * Since: 2
 */
struct rocsvm_register {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 length;
	__aligned_u64 gpu_ids;
	__u32 num_gpus;
	__u32 gpu_id;
	__aligned_u64 tag;
};
#define ROCSVM_REGISTER _IO(ROCSVM_TYPE, ROCSVM_CMD_REGISTER)

/**
 * struct rocsvm_unregister - ioctl(ROCSVM_UNREGISTER)
 * @size: sizeof(struct rocsvm_unregister)
 * @flags: must be 0
 * @va: in: as registered
 * @length: in: as registered
 *
 * End one registration of exactly this range, as it was given. -ENOENT: there
 * is none. If KFD can't let go, its error is returned, the registration stands
 * and GPUs have access as before, or get it back with the next REGISTER or MAP.
 *
 * Since: 2
 */
struct rocsvm_unregister {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__aligned_u64 length;
};
#define ROCSVM_UNREGISTER _IO(ROCSVM_TYPE, ROCSVM_CMD_UNREGISTER)

/**
 * struct rocsvm_batch_entry - one call of a batch
 * @cmd: in: ROCSVM_ALLOC, ROCSVM_FREE, ROCSVM_MAP or ROCSVM_UNMAP
 * @result: out: 0 or a negative errno, as the call by itself would return
 * @arg: in: pointer to the call's structure, read and written as by the call
 *	itself
 */
struct rocsvm_batch_entry {
	__u32 cmd;
	__s32 result;
	__aligned_u64 arg;
};

/**
 * enum rocsvm_batch_flags - what to do when an entry fails
 * @ROCSVM_BATCH_CONTINUE: go on with the next one
 */
enum rocsvm_batch_flags {
	ROCSVM_BATCH_CONTINUE = 1 << 0,
};

/**
 * struct rocsvm_batch - ioctl(ROCSVM_BATCH)
 * @size: sizeof(struct rocsvm_batch)
 * @flags: enum rocsvm_batch_flags
 * @entries: in: pointer to @num_entries struct rocsvm_batch_entry
 * @num_entries: in: how many, 0 to 65536
 * @num_done: in: how many are to be passed over, 0 at first. out: how many
 *	are done with
 *
 * Make many calls in their order, in one. Each entry happens as a whole or not
 * at all; the batch as a whole may stop in the middle, and nothing that is
 * done is undone. After each entry its result is written, then the next one is
 * read.
 *
 * The first entry that fails ends the batch with its error: @num_done is that
 * entry's index, and the same structure passed again begins with it. With
 * ROCSVM_BATCH_CONTINUE failures are results like any other, and the batch
 * returns 0.
 *
 * A signal ends the batch between two entries: -EINTR, @num_done is right for
 * passing the same structure again. (With SA_RESTART the kernel does that.)
 *
 * -EINVAL: too many entries, @num_done above @num_entries, or an entry with
 * another @cmd, which ends the batch in any case. -EFAULT: this structure can't
 * be written, and nothing has happened; or an entry can't be read, or its
 * result not written: @num_done is that entry's index, and a call whose result
 * could not be written has happened.
 *
 * Since: 2
 */
struct rocsvm_batch {
	__u32 size;
	__u32 flags;
	__aligned_u64 entries;
	__u32 num_entries;
	__u32 num_done;
};
#define ROCSVM_BATCH _IO(ROCSVM_TYPE, ROCSVM_CMD_BATCH)

/**
 * struct rocsvm_export - ioctl(ROCSVM_EXPORT)
 * @size: sizeof(struct rocsvm_export)
 * @flags: must be 0
 * @va: in: a buffer's address
 * @fd: out: a new file descriptor (O_CLOEXEC) of the buffer's dma-buf
 * @__reserved: must be 0
 *
 * Make a buffer's memory available to others: another process, which gets the
 * descriptor over a UNIX socket and hands it to IMPORT, or another driver.
 * Each call gives a descriptor of the same dma-buf. The memory lives as long
 * as the buffer, the dma-buf, or an import of it. The space keeps no
 * descriptor. That of a buffer with ROCSVM_ALLOC_READONLY can't be written, nor
 * imported.
 *
 * -ENOENT: no buffer begins at @va. -EOPNOTSUPP: only GTT and VRAM can be
 * shared (without ROCSVM_ALLOC_AQL_QUEUE). -EMFILE: no free descriptor.
 * -EINVAL: the program has freed it over KFD's own ioctls. -ENODEV: amdgpu was
 * unbound from its GPU.
 *
 * Since: 2
 */
struct rocsvm_export {
	__u32 size;
	__u32 flags;
	__aligned_u64 va;
	__s32 fd;
	__u32 __reserved;
};
#define ROCSVM_EXPORT _IO(ROCSVM_TYPE, ROCSVM_CMD_EXPORT)

/**
 * struct rocsvm_import - ioctl(ROCSVM_IMPORT)
 * @size: sizeof(struct rocsvm_import)
 * @flags: 0 or ROCSVM_ALLOC_FIXED
 * @fd: in: descriptor of a dma-buf of amdgpu's; not kept
 * @gpu_id: out: the GPU whose memory it is
 * @va: as in struct rocsvm_alloc
 * @length: out: bytes
 * @alignment: as in struct rocsvm_alloc
 * @guard: as in struct rocsvm_alloc
 * @gpu_ids: in: pointer to @num_gpus __u32: map the buffer to these GPUs too
 * @num_gpus: in: 0 to import only, 64 at most, or ROCSVM_ALL_GPUS
 * @kind: out: ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM, or ROCSVM_KIND_PRIVATE_VRAM
 *	if amdgpu does not let the CPU map it
 * @tag: as in struct rocsvm_alloc
 *
 * Make the memory of a dma-buf a buffer at an address of the window. It is
 * used and freed like any other, and is one more reference to the memory.
 * GPUs may read, write and execute it.
 *
 * -EBADF: @fd is not open. -EINVAL: no dma-buf, or none of amdgpu's GTT or
 * VRAM. -EACCES: the dma-buf can't be written. -ENODEV: its GPU's VM is not
 * acquired. What ALLOC says of addresses, and of the number of buffers.
 *
 * Since: 2
 */
struct rocsvm_import {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 gpu_id;
	__aligned_u64 va;
	__aligned_u64 length;
	__aligned_u64 alignment;
	__aligned_u64 guard;
	__aligned_u64 gpu_ids;
	__u32 num_gpus;
	__u32 kind;
	__aligned_u64 tag;
};
#define ROCSVM_IMPORT _IO(ROCSVM_TYPE, ROCSVM_CMD_IMPORT)

/**
 * struct rocsvm_svm_attr - ioctl(ROCSVM_SVM_ATTR)
 * @size: sizeof(struct rocsvm_svm_attr)
 * @flags: must be 0
 * @op: in: KFD_IOCTL_SVM_OP_SET_ATTR or KFD_IOCTL_SVM_OP_GET_ATTR
 * @num_attrs: in: number of attributes, 1 to 256
 * @va: in: first address, a multiple of the page size
 * @length: in: bytes, a multiple of the page size
 * @attrs: in, and out for GET: pointer to @num_attrs struct
 *	kfd_ioctl_svm_attribute
 *
 * Advise and prefetch ordinary memory of the process: KFD's SVM ioctl, whose
 * attributes these are. The memory needs no registration and no buffer, and
 * may be neither.
 *
 * -EOPNOTSUPP: this kernel's KFD has no SVM ranges (CONFIG_HSA_AMD_SVM), or no
 * GPU supports them. -ENODEV: no GPU is acquired. -EADDRINUSE: the range meets
 * the window, a buffer or registered memory; the other way round, ALLOC and
 * REGISTER are -EADDRINUSE where there is an SVM range. -ERANGE: not inside the
 * SVM range.
 *
 * Since: 2
 */
struct rocsvm_svm_attr {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 num_attrs;
	__aligned_u64 va;
	__aligned_u64 length;
	__aligned_u64 attrs;
};
#define ROCSVM_SVM_ATTR _IO(ROCSVM_TYPE, ROCSVM_CMD_SVM_ATTR)

#endif /* _UAPI_LINUX_ROCSVM_H */
