/* SPDX-License-Identifier: MIT */
/*
 * librocsvm: one virtual address for CPU and GPU.
 *
 * A thin library over /dev/rocsvm. It owns one open file and nothing else:
 * the shared-virtual-memory (SVM) space belongs to the process, is kept by
 * the kernel, and is shared by all contexts of the process.
 *
 * Every function that can fail returns 0 (or a count) or a negative errno
 * value. The library never prints, never exits, and has no global state. A
 * context may be used by any number of threads at once. A call that a signal
 * interrupts is repeated, so -EINTR is never returned.
 *
 * Structures of <linux/rocsvm.h> begin with their size, which the caller
 * sets: struct rocsvm_info info = { .size = sizeof(info) }. That is how a
 * program built with one version works with another version of the library
 * and of the module. What their members and errors mean is written there.
 *
 * A forked child can't use the space of its parent: every call in it is
 * -EBADF. It may unref the context and open its own.
 */
#ifndef ROCSVM_H
#define ROCSVM_H

#include <stddef.h>
#include <stdint.h>

#include <linux/rocsvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** ROCSVM_VERSION - version of the library that this header belongs to */
#define ROCSVM_VERSION	"0.1.0"

/**
 * struct rocsvm_ctx - a reference to the process's SVM space
 *
 * Opaque, reference counted.
 */
struct rocsvm_ctx;

/**
 * enum rocsvm_open_flags - what rocsvm_open() does besides
 * @ROCSVM_OPEN_ACQUIRE: acquire the VM of every GPU, as rocsvm_acquire_all()
 */
enum rocsvm_open_flags {
	ROCSVM_OPEN_ACQUIRE = 1 << 0
};

/**
 * struct rocsvm_open_options - how rocsvm_open() opens
 * @size: sizeof(struct rocsvm_open_options)
 * @flags: enum rocsvm_open_flags
 * @reserved: must be 0
 * @device: path of the device node, NULL for /dev/rocsvm
 * @topology: directory of KFD's topology, NULL for
 *	/sys/class/kfd/kfd/topology
 * @base: where the window shall begin, NULL for anywhere
 * @length: the window's length in bytes, 0 for the module's choice
 *
 * Members not set are zero. With @base or @length the window that the module
 * has reserved is given up for another one, see rocsvm_reserve().
 *
 * Since: 0.1
 */
struct rocsvm_open_options {
	size_t size;
	uint32_t flags;
	uint32_t reserved;
	const char *device;
	const char *topology;
	void *base;
	uint64_t length;
};

/**
 * rocsvm_version() - version of the library in use
 *
 * Returns: a constant string, as ROCSVM_VERSION.
 *
 * Since: 0.1
 */
const char *rocsvm_version(void);

/**
 * rocsvm_open() - open the process's SVM space
 * @ctx: out: the context, with one reference; NULL on failure
 * @options: NULL for the defaults
 *
 * The first open in a process reserves the window. Further ones share it.
 *
 * Returns: 0, or
 * -ENOENT, -ENXIO: no such device node, the module is not loaded;
 * -EACCES: no permission for it or for /dev/kfd;
 * -ENOMEM: no room in the address space for the window, or no memory;
 * -EINVAL, -E2BIG, -EOPNOTSUPP: bad @options;
 * or what rocsvm_reserve() and rocsvm_acquire_all() return. Nothing is left
 * open on failure.
 *
 * Since: 0.1
 */
int rocsvm_open(struct rocsvm_ctx **ctx, const struct rocsvm_open_options *options);

/**
 * rocsvm_ref() - take a reference
 * @ctx: the context, may be NULL
 *
 * Returns: @ctx.
 *
 * Since: 0.1
 */
struct rocsvm_ctx *rocsvm_ref(struct rocsvm_ctx *ctx);

/**
 * rocsvm_unref() - give a reference back
 * @ctx: the context, may be NULL
 *
 * The last one closes the file. When that was the last open file of the
 * process's space, all buffers are freed and the window is unmapped.
 *
 * Returns: NULL, so that "ctx = rocsvm_unref(ctx)" leaves no stale pointer.
 *
 * Since: 0.1
 */
struct rocsvm_ctx *rocsvm_unref(struct rocsvm_ctx *ctx);

/**
 * rocsvm_fd() - the open file of the context
 * @ctx: the context
 *
 * For mmap() of what KFD hands out (doorbells, events) and for poll loops.
 * It stays the context's: don't close it.
 *
 * Returns: the file descriptor, or -EINVAL.
 *
 * Since: 0.1
 */
int rocsvm_fd(const struct rocsvm_ctx *ctx);

/**
 * rocsvm_get_info() - describe the SVM space
 * @ctx: the context
 * @info: in: its size; out: all else
 *
 * Returns: 0 or a negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_get_info(struct rocsvm_ctx *ctx, struct rocsvm_info *info);

/**
 * rocsvm_num_gpus() - number of GPUs that KFD reports
 * @ctx: the context
 *
 * Returns: the number, or a negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_num_gpus(struct rocsvm_ctx *ctx);

/**
 * rocsvm_gpu() - describe one GPU
 * @ctx: the context
 * @index: 0 to rocsvm_num_gpus() - 1
 * @info: in: its size; out: all else
 *
 * Returns: 0, -ENODEV for an @index beyond the last, or another negative
 * errno value.
 *
 * Since: 0.1
 */
int rocsvm_gpu(struct rocsvm_ctx *ctx, unsigned int index, struct rocsvm_gpu_info *info);

/**
 * rocsvm_gpu_property() - read a property of a GPU from KFD's topology
 * @ctx: the context
 * @gpu_id: KFD's id of the GPU
 * @name: the property, such as "drm_render_minor" or "gfx_target_version"
 * @value: out: its value
 *
 * Returns: 0, -ENODEV if the topology has no such GPU, -ENOENT if the GPU has
 * no such property, or another negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_gpu_property(struct rocsvm_ctx *ctx, uint32_t gpu_id, const char *name,
			uint64_t *value);

/**
 * rocsvm_acquire() - acquire a GPU's VM
 * @ctx: the context
 * @gpu_id: KFD's id of the GPU
 *
 * Finds the GPU's render node in KFD's topology and opens it. The space keeps
 * the file, the library does not. A GPU acquired before is a success.
 *
 * Returns: 0, -ENODEV if there is no such GPU, -EACCES without permission for
 * the render node, -EBUSY if the process has acquired the VM over /dev/kfd with
 * a file of its own (hand that file to ROCSVM_ACQUIRE_VM), or another negative
 * errno value.
 *
 * Since: 0.1
 */
int rocsvm_acquire(struct rocsvm_ctx *ctx, uint32_t gpu_id);

/**
 * rocsvm_acquire_all() - acquire the VM of every GPU of the SVM range
 * @ctx: the context
 *
 * GPUs whose gpuvm aperture is not canonical are passed over. Stops at the
 * first error; what was acquired stays so.
 *
 * Returns: 0, -ENODEV if there is no GPU to acquire, or as rocsvm_acquire().
 *
 * Since: 0.1
 */
int rocsvm_acquire_all(struct rocsvm_ctx *ctx);

/**
 * rocsvm_reserve() - reserve another window
 * @ctx: the context
 * @base: exactly where, a multiple of 2 MiB; NULL for anywhere
 * @length: bytes, a multiple of 4 MiB, at least 4 GiB; 0 for the module's
 *	choice
 *
 * Returns: 0, -EBUSY while there is any buffer, -EEXIST if the place is
 * occupied, -ERANGE if it is outside the SVM range, -ENOMEM if there is no
 * gap of that length, -EINVAL for a bad @base or @length.
 *
 * Since: 0.1
 */
int rocsvm_reserve(struct rocsvm_ctx *ctx, void *base, uint64_t length);

/**
 * rocsvm_alloc() - allocate a buffer
 * @ctx: the context
 * @ptr: out: its address on the CPU and on every GPU that it is mapped to;
 *	in: with ROCSVM_ALLOC_FIXED, the address it shall have. Unchanged on
 *	failure
 * @length: bytes, rounded up to pages
 * @kind: which memory
 * @gpu_id: the GPU whose memory it is; 0 for host or GTT memory of no
 *	particular one
 * @flags: enum rocsvm_alloc_flags
 *
 * The buffer is accessible to the CPU (but for private VRAM) and to no GPU
 * yet: see rocsvm_map().
 *
 * Returns: 0, -ENOMEM, -ENODEV for a GPU that is not acquired, -EEXIST or
 * -ERANGE for a fixed address, or another negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_alloc(struct rocsvm_ctx *ctx, void **ptr, size_t length, enum rocsvm_kind kind,
		 uint32_t gpu_id, uint32_t flags);

/**
 * rocsvm_alloc_args() - allocate a buffer, with everything that can be chosen
 * @ctx: the context
 * @args: in and out: alignment, guard, GPUs to map to at once, and more
 *
 * Returns: as rocsvm_alloc().
 *
 * Since: 0.1
 */
int rocsvm_alloc_args(struct rocsvm_ctx *ctx, struct rocsvm_alloc *args);

/**
 * rocsvm_free() - free a buffer, after unmapping it from all GPUs
 * @ctx: the context
 * @ptr: its address, as allocated; NULL is a success
 *
 * Returns: 0, -ENOENT if no buffer begins there, or another negative errno
 * value.
 *
 * Since: 0.1
 */
int rocsvm_free(struct rocsvm_ctx *ctx, void *ptr);

/**
 * rocsvm_map() - let GPUs access a buffer, at its address
 * @ctx: the context
 * @ptr: its address, as allocated
 * @gpu_ids: which GPUs
 * @num_gpus: how many of them
 *
 * All of them or none. GPUs that can access it already are passed over.
 *
 * Returns: 0, -ENOENT if no buffer begins there, -ENODEV for a GPU that is not
 * acquired, or another negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_map(struct rocsvm_ctx *ctx, const void *ptr, const uint32_t *gpu_ids,
	       unsigned int num_gpus);

/**
 * rocsvm_unmap() - take access to a buffer away from GPUs
 * @ctx: the context
 * @ptr: its address, as allocated
 * @gpu_ids: which GPUs
 * @num_gpus: how many of them; 0 for all that have access
 *
 * Returns: 0, -EINVAL if one of them has no access, -ENOENT if no buffer begins
 * there, or another negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_unmap(struct rocsvm_ctx *ctx, const void *ptr, const uint32_t *gpu_ids,
		 unsigned int num_gpus);

/**
 * rocsvm_query() - describe the buffer that an address lies in
 * @ctx: the context
 * @ptr: any address
 * @query: in: its size and, where wanted, gpu_ids and num_gpus; out: all else
 *
 * Returns: 0, -ENOENT if it lies in no buffer, or another negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_query(struct rocsvm_ctx *ctx, const void *ptr, struct rocsvm_query *query);

/**
 * rocsvm_next() - describe the buffer at an address, or the next one above it
 * @ctx: the context
 * @from: where to begin; NULL for the lowest buffer, after that the end of
 *	the last one: query->va + query->length
 * @query: as for rocsvm_query()
 *
 * Returns: 0, -ENOENT if there is none, or another negative errno value.
 *
 * Since: 0.1
 */
int rocsvm_next(struct rocsvm_ctx *ctx, const void *from, struct rocsvm_query *query);

/**
 * rocsvm_kfd_ioctl() - make one of KFD's own calls on the space's KFD file
 * @ctx: the context
 * @cmd: an ioctl of <linux/kfd_ioctl.h>
 * @arg: its argument
 *
 * Queues, events and whatever else is not memory. A call interrupted by a
 * signal is repeated with the argument that KFD left, as KFD wants it.
 *
 * Returns: 0, -EINVAL if @cmd is none of KFD's, or the negative errno value
 * that KFD returned.
 *
 * Since: 0.1
 */
int rocsvm_kfd_ioctl(struct rocsvm_ctx *ctx, unsigned long cmd, void *arg);

#ifdef __cplusplus
}
#endif

#endif /* ROCSVM_H */
