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
#define ROCSVM_VERSION	"0.3.0"

/* In <linux/kfd_ioctl.h>; only rocsvm_set_svm_attr() and _get_ need it. */
struct kfd_ioctl_svm_attribute;

/**
 * struct rocsvm_ctx - a reference to the process's SVM space
 *
 * Opaque, reference counted.
 */
struct rocsvm_ctx;

/**
 * enum rocsvm_open_flags - what rocsvm_open() does besides
 * @ROCSVM_OPEN_ACQUIRE: acquire the VM of every GPU, as rocsvm_acquire_all()
 * @ROCSVM_OPEN_RESERVED: use the reserved aperture, whatever the module
 *	parameter "reserve" says. Since: 0.2
 * @ROCSVM_OPEN_MMAP: use the mmap aperture, likewise. Since: 0.2
 * @ROCSVM_OPEN_NO_GUARD: no guard where a buffer asks for none. Since: 0.2
 */
enum rocsvm_open_flags {
	ROCSVM_OPEN_ACQUIRE = 1 << 0,
	ROCSVM_OPEN_RESERVED = 1 << 1,
	ROCSVM_OPEN_MMAP = 1 << 2,
	ROCSVM_OPEN_NO_GUARD = 1 << 3
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
 * @guard: bytes of guard where a buffer asks for none, 0 for the module's
 *	choice. Since: 0.2
 * @max_alignment: largest alignment where a buffer asks for none, 0 for the
 *	module's choice. Since: 0.2
 *
 * Members not set are zero. With @base or @length the window that the module
 * has reserved is given up for another one, see rocsvm_reserve_args(). An
 * aperture that the space has already is left as it is.
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
	uint64_t guard;
	uint64_t max_alignment;
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
 * or what rocsvm_reserve_args() and rocsvm_acquire_all() return. Nothing is
 * left open on failure.
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
 * With several GPUs take rocsvm_acquire_all(): Linux 6.1 does not survive a
 * process that has acquired only some of them, see ROCSVM_ACQUIRE_VM.
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
 * The reserved aperture, with the module's guard and largest alignment.
 *
 * Returns: 0, -EBUSY while there is any buffer, -EEXIST if the place is
 * occupied, -ERANGE if it is outside the SVM range, -ENOMEM if there is no
 * gap of that length, -EINVAL for a bad @base or @length.
 *
 * Since: 0.1
 */
int rocsvm_reserve(struct rocsvm_ctx *ctx, void *base, uint64_t length);

/**
 * rocsvm_reserve_args() - choose where buffers are placed
 * @ctx: the context
 * @args: in and out: aperture, window, guard, largest alignment
 *
 * Returns: as rocsvm_reserve(); -EOPNOTSUPP if a GPU can't address all that
 * the mmap aperture could return.
 *
 * Since: 0.2
 */
int rocsvm_reserve_args(struct rocsvm_ctx *ctx, struct rocsvm_reserve *args);

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
 * @num_gpus: how many of them, or ROCSVM_ALL_GPUS
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
 * num_gpus is how much room there is before the call and how many GPUs there
 * are after it, so set it again if @query is used again. (Where gpu_ids is 0 it
 * does not matter.)
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
 * rocsvm_query_args() - describe a buffer, with everything that can be chosen
 * @ctx: the context
 * @query: in and out: also its va and flags are the caller's
 *
 * With ROCSVM_QUERY_NEXT and ROCSVM_QUERY_OUTER together it walks as
 * rocsvm_next() does, but sees address reservations and not the buffers in
 * them.
 *
 * Returns: as rocsvm_query().
 *
 * Since: 0.2
 */
int rocsvm_query_args(struct rocsvm_ctx *ctx, struct rocsvm_query *query);

/**
 * rocsvm_set_tag() - give a buffer a number of the caller's own
 * @ctx: the context
 * @ptr: any address inside the buffer, or inside registered memory
 * @tag: any number: a pointer to what a program knows about it, say
 *
 * Returns: 0, -ENOENT if @ptr lies in no buffer and no registered memory, or
 * another negative errno value.
 *
 * Since: 0.2
 */
int rocsvm_set_tag(struct rocsvm_ctx *ctx, const void *ptr, uint64_t tag);

/**
 * rocsvm_get_tag() - get that number back
 * @ctx: the context
 * @ptr: any address inside the buffer, or inside registered memory
 * @tag: out: the number, 0 if none was set; unchanged on failure
 *
 * Returns: as rocsvm_set_tag().
 *
 * Since: 0.2
 */
int rocsvm_get_tag(struct rocsvm_ctx *ctx, const void *ptr, uint64_t *tag);

/**
 * rocsvm_register() - let GPUs access the caller's own memory
 * @ctx: the context
 * @ptr: its first byte, aligned or not
 * @length: bytes
 * @gpu_ids: which GPUs; may be NULL if @num_gpus is 0 or ROCSVM_ALL_GPUS
 * @num_gpus: how many of them, or ROCSVM_ALL_GPUS; 0 to map it later, by
 *	rocsvm_map()
 *
 * malloc'ed memory, a stack, a file's: GPUs see it at the address it has, all
 * pages that it touches. Registrations may overlap; each is ended by
 * itself.
 *
 * Returns: 0, -ERANGE if GPUs can't address all of it, -EFAULT if nothing is
 * mapped somewhere in it, -EPERM if the program may not write all of it,
 * -EEXIST if it meets a buffer, or another negative errno value.
 *
 * Since: 0.2
 */
int rocsvm_register(struct rocsvm_ctx *ctx, void *ptr, size_t length, const uint32_t *gpu_ids,
		    unsigned int num_gpus);

/**
 * rocsvm_register_args() - register memory, with everything that can be chosen
 * @ctx: the context
 * @args: in: flags, the GPU that KFD keeps it for, a tag, and more
 *
 * Returns: as rocsvm_register().
 *
 * Since: 0.2
 */
int rocsvm_register_args(struct rocsvm_ctx *ctx, struct rocsvm_register *args);

/**
 * rocsvm_unregister() - end a registration
 * @ctx: the context
 * @ptr: as registered
 * @length: as registered
 *
 * Pages that another registration meets stay accessible.
 *
 * Returns: 0, -ENOENT if there is no such registration, or another negative
 * errno value.
 *
 * Since: 0.2
 */
int rocsvm_unregister(struct rocsvm_ctx *ctx, void *ptr, size_t length);

/**
 * rocsvm_batch() - make many calls in one
 * @ctx: the context
 * @entries: the calls; out: each one's result
 * @num_entries: how many, 65536 at most
 * @flags: enum rocsvm_batch_flags
 * @num_done: out: how many are done with; may be NULL
 *
 * ROCSVM_ALLOC, ROCSVM_FREE, ROCSVM_MAP and ROCSVM_UNMAP, in their order. The
 * first that fails ends the batch, @num_done is its index then; with
 * ROCSVM_BATCH_CONTINUE none does. What is done is not undone. Signals don't
 * end a batch: it goes on behind the entry they came in.
 *
 * Returns: 0, the error of the entry that failed, -EINVAL if there are too
 * many or one is another call, -EFAULT if one can't be read or its result
 * can't be written.
 *
 * Since: 0.2
 */
int rocsvm_batch(struct rocsvm_ctx *ctx, struct rocsvm_batch_entry *entries,
		 unsigned int num_entries, uint32_t flags, unsigned int *num_done);

/**
 * rocsvm_export() - make a buffer's memory available to others
 * @ctx: the context
 * @ptr: its address, as allocated
 *
 * GTT and VRAM, as a dma-buf: for rocsvm_import() in this or, passed over a
 * UNIX socket, in another process, or for another driver. The memory lives as
 * long as a buffer or a descriptor of it does.
 *
 * Returns: a new file descriptor, which is the caller's to close; -ENOENT if
 * no buffer begins there, -EOPNOTSUPP for other kinds of memory, or another
 * negative errno value.
 *
 * Since: 0.2
 */
int rocsvm_export(struct rocsvm_ctx *ctx, const void *ptr);

/**
 * rocsvm_import() - make the memory of a dma-buf a buffer
 * @ctx: the context
 * @fd: a dma-buf of amdgpu's; stays the caller's
 * @ptr: out: the buffer's address; in: with ROCSVM_ALLOC_FIXED, the address it
 *	shall have. Unchanged on failure
 * @length: out: bytes; may be NULL
 * @flags: 0 or ROCSVM_ALLOC_FIXED
 *
 * Returns: 0, -EBADF or -EINVAL for a bad @fd, -ENODEV if the memory's GPU is
 * not acquired, or what rocsvm_alloc() returns.
 *
 * Since: 0.2
 */
int rocsvm_import(struct rocsvm_ctx *ctx, int fd, void **ptr, size_t *length, uint32_t flags);

/**
 * rocsvm_import_args() - import a dma-buf, with everything that can be chosen
 * @ctx: the context
 * @args: in and out: alignment, guard, GPUs to map to at once, and more
 *
 * Returns: as rocsvm_import().
 *
 * Since: 0.2
 */
int rocsvm_import_args(struct rocsvm_ctx *ctx, struct rocsvm_import *args);

/**
 * rocsvm_set_svm_attr() - advise on ordinary memory, or prefetch it
 * @ctx: the context
 * @ptr: its first byte, on a page boundary
 * @length: bytes, whole pages
 * @attrs: KFD's attributes, of <linux/kfd_ioctl.h>
 * @num_attrs: how many, 1 to 256
 *
 * For memory that is neither a buffer nor registered.
 *
 * Returns: 0, -EOPNOTSUPP if this kernel's KFD or the GPUs have no SVM ranges,
 * -EADDRINUSE if it meets a buffer or registered memory, -ERANGE if GPUs can't
 * address all of it, or another negative errno value.
 *
 * Since: 0.2
 */
int rocsvm_set_svm_attr(struct rocsvm_ctx *ctx, void *ptr, size_t length,
			const struct kfd_ioctl_svm_attribute *attrs, unsigned int num_attrs);

/**
 * rocsvm_get_svm_attr() - read what was advised
 * @ctx: the context
 * @ptr: as for rocsvm_set_svm_attr()
 * @length: as for rocsvm_set_svm_attr()
 * @attrs: in: types of attributes, and GPUs where a type is about one; out:
 *	all else
 * @num_attrs: how many, 1 to 256
 *
 * Returns: as rocsvm_set_svm_attr().
 *
 * Since: 0.2
 */
int rocsvm_get_svm_attr(struct rocsvm_ctx *ctx, void *ptr, size_t length,
			struct kfd_ioctl_svm_attribute *attrs, unsigned int num_attrs);

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
