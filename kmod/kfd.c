// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking to KFD: opening it, and its calls for GPUs and buffers. The others that
 * know it are kfd_share.c and kfd_forward.c.
 *
 * amdgpu exports nothing, so KFD is reached through its file, by the ioctls
 * of its user ABI, in the context of the process that it belongs to. It keeps
 * one kfd_process for an mm, whoever opened it, and serves only the thread
 * group that did.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/kfd_ioctl.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/sched/clock.h>
#include <linux/security.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>

#include "kfd.h"
#include "trace.h"
#include "view.h"

#define KFD_PATH	"/dev/kfd"

/*
 * Room in the control page, behind the arguments of a call, for arrays that those
 * point to; and where it begins.
 */
#define CONTROL_ARRAY_SIZE	3840
#define CONTROL_ARRAY		(PAGE_SIZE - CONTROL_ARRAY_SIZE)

static_assert(ROCSVM_MAX_GPUS * sizeof(struct kfd_process_device_apertures) <=
	      CONTROL_ARRAY_SIZE);

/* A character device of amdgpu's, which has two kinds: KFD and DRM nodes. */
static bool is_amdgpu_file(const struct file *file, bool drm)
{
	const struct inode *inode = file_inode(file);

	if (!S_ISCHR(inode->i_mode) ||
	    (imajor(inode) == DRM_MAJOR) != drm)
		return false;
	if (IS_BUILTIN(CONFIG_DRM_AMDGPU))
		return !file->f_op->owner;
	return file->f_op->owner &&
	       !strcmp(module_name(file->f_op->owner), "amdgpu");
}

/**
 * rocsvm_kfd_open - open KFD for the current process
 *
 * With the caller's credentials, so that who may not open KFD gets nothing
 * here; but looked up from init's root, so that no chroot, mount or user
 * namespace of the caller's can put something else in its place.
 *
 * Return: the file, or an ERR_PTR(): -ENODEV if there is no KFD.
 */
struct file *rocsvm_kfd_open(void)
{
	struct file *file;
	struct path root;

	task_lock(&init_task);
	get_fs_root(init_task.fs, &root);
	task_unlock(&init_task);
	file = file_open_root(&root, KFD_PATH, O_RDWR | O_CLOEXEC, 0);
	path_put(&root);

	if (file == ERR_PTR(-ENOENT) || file == ERR_PTR(-ENXIO))
		return ERR_PTR(-ENODEV);
	if (IS_ERR(file))
		return file;

	if (!is_amdgpu_file(file, false)) {
		pr_warn_ratelimited("%s is not amdgpu's KFD\n", KFD_PATH);
		fput(file);
		return ERR_PTR(-ENODEV);
	}
	return file;
}

/**
 * rocsvm_kfd_render_file - get the render file behind a descriptor
 * @fd: descriptor of the current process
 *
 * Return: the file with a reference, or an ERR_PTR().
 */
struct file *rocsvm_kfd_render_file(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (!is_amdgpu_file(file, true) ||
	    !drm_is_render_client(file->private_data)) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

static __always_inline long kfd_call(struct rocsvm_space *space,
				     unsigned int cmd, unsigned long arg)
{
	long ret = security_file_ioctl(space->kfd, cmd, arg);

	return ret ? ret : vfs_ioctl(space->kfd, cmd, arg);
}

/* local_clock() is cheap, and may differ a little between CPUs. */
static noinline long kfd_call_traced(struct rocsvm_space *space,
				     unsigned int cmd, unsigned long arg,
				     bool passed)
{
	u64 start = local_clock();
	long ret = kfd_call(space, cmd, arg);
	s64 duration = local_clock() - start;

	trace_kfd_ioctl(space->view->pid, _IOC_NR(cmd), passed, ret,
			max_t(s64, duration, 0));
	return ret;
}

/* Inlined, as it is what a call that is handed on costs. */
static __always_inline long kfd_ioctl(struct rocsvm_space *space,
				      unsigned int cmd, unsigned long arg,
				      bool passed)
{
	long ret;

	if (trace_kfd_ioctl_enabled())
		ret = kfd_call_traced(space, cmd, arg, passed);
	else
		ret = kfd_call(space, cmd, arg);

	rocsvm_stat_inc(space->view, passed ? ROCSVM_STAT_PASSED_CALLS :
					      ROCSVM_STAT_KFD_CALLS);
	if (ret < 0)
		rocsvm_stat_inc(space->view,
				passed ? ROCSVM_STAT_PASSED_FAILURES :
					 ROCSVM_STAT_KFD_FAILURES);
	return ret;
}

/**
 * rocsvm_kfd_pass - hand the program's own ioctl on to KFD
 * @space: the space
 * @cmd: the ioctl
 * @arg: its argument
 *
 * Return: what KFD says.
 */
long rocsvm_kfd_pass(struct rocsvm_space *space, unsigned int cmd,
		     unsigned long arg)
{
	return kfd_ioctl(space, cmd, arg, true);
}

/* Where KFD's arguments may point to: CONTROL_ARRAY_SIZE bytes. */
static void __user *control_array(const struct rocsvm_space *space)
{
	return (void __user *)space->control.addr + CONTROL_ARRAY;
}

/**
 * rocsvm_kfd_call_page - call KFD with what is in the control page
 * @space: the space
 * @cmd: the ioctl
 *
 * Only a fatal signal interrupts: KFD returns from an interrupted UNMAP before
 * it has flushed TLBs, and an ALLOC or MAP would start from nothing again.
 *
 * Return: what KFD says.
 */
int rocsvm_kfd_call_page(struct rocsvm_space *space, unsigned int cmd)
{
	sigset_t old;
	int err;

	lockdep_assert_held(&space->lock);

	rocsvm_block_signals(&old);
	err = kfd_ioctl(space, cmd, space->control.addr, false);
	rocsvm_restore_signals(&old);
	return err;
}

static int kfd_read_apertures(struct rocsvm_space *space, unsigned int n,
			      struct kfd_process_device_apertures *apertures)
{
	struct kfd_ioctl_get_process_apertures_new_args args = {
		.kfd_process_device_apertures_ptr =
			(unsigned long)control_array(space),
		.num_of_nodes = n,
	};
	unsigned int i;
	bool called;
	int err;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW,
			      &args, &called);
	if (err)
		return err;
	/* Asked for none, KFD answers how many there are; not trusted. */
	if (!n)
		return min_t(u32, args.num_of_nodes, ROCSVM_MAX_GPUS + 1);
	if (args.num_of_nodes != n)
		return -EAGAIN;
	if (copy_from_user(apertures, control_array(space),
			   n * sizeof(*apertures)))
		return -EFAULT;
	for (i = 0; i < n; i++) {
		if (apertures[i].gpu_id <= ROCSVM_MAX_GPU_ID)
			continue;
		pr_warn_ratelimited("KFD has a GPU of the id 0x%x\n",
				    apertures[i].gpu_id);
		return -EOPNOTSUPP;
	}
	return n;
}

/*
 * A buffer's name is its address, so an address can be only one GPU's: of two
 * apertures that meet, the second has no room. They come through the program's
 * memory, and can be anything.
 */
static void init_apart(struct rocsvm_gpu *gpus, unsigned int index)
{
	struct rocsvm_region *region = &gpus[index].apart;
	unsigned int i;

	rocsvm_region_init_apart(region, &gpus[index].gpuvm);
	for (i = 0; i < index; i++)
		if (region->base < gpus[i].apart.end &&
		    gpus[i].apart.base < region->end)
			rocsvm_region_fini(region);
}

/**
 * rocsvm_kfd_apertures - read the GPUs and their apertures
 * @space: the space; its gpus are set on success
 *
 * Return: 0; -ENODEV without a GPU.
 */
int rocsvm_kfd_apertures(struct rocsvm_space *space)
{
	struct kfd_process_device_apertures *apertures;
	struct rocsvm_gpu *gpus;
	int i, n, bound;

	n = kfd_read_apertures(space, 0, NULL);
	if (n <= 0)
		return n ? n : -ENODEV;
	if (n > ROCSVM_MAX_GPUS) {
		pr_warn_ratelimited("KFD has more than %d GPUs\n",
				    ROCSVM_MAX_GPUS);
		return -EOPNOTSUPP;
	}

	apertures = kcalloc(n, sizeof(*apertures), GFP_KERNEL_ACCOUNT);
	gpus = kcalloc(n, sizeof(*gpus), GFP_KERNEL_ACCOUNT);
	if (!apertures || !gpus) {
		n = -ENOMEM;
		goto out;
	}
	n = kfd_read_apertures(space, n, apertures);
	if (n < 0)
		goto out;

	for (i = 0; i < n; i++) {
		const struct kfd_process_device_apertures *a = &apertures[i];

		gpus[i] = (struct rocsvm_gpu){
			.gpu_id = a->gpu_id,
			.canonical = a->gpuvm_limit < ROCSVM_CANONICAL_END,
			.gpuvm = { a->gpuvm_base, a->gpuvm_limit },
			.lds = { a->lds_base, a->lds_limit },
			.scratch = { a->scratch_base, a->scratch_limit },
		};
		init_apart(gpus, i);
		/* Bound by an earlier life of the space. */
		bound = rocsvm_space_gpu(space, a->gpu_id);
		if (bound >= 0)
			swap(gpus[i].drm, space->gpus[bound].drm);
	}
	rocsvm_space_set_gpus(space, no_free_ptr(gpus), n);
	n = 0;
out:
	kfree(gpus);
	kfree(apertures);
	return n;
}

/**
 * rocsvm_kfd_acquire_vm - bind the process to a GPU's VM
 * @space: the space
 * @gpu_id: the GPU
 * @drm_fd: descriptor of its render node
 *
 * Return: 0 or KFD's errno.
 */
int rocsvm_kfd_acquire_vm(struct rocsvm_space *space, u32 gpu_id, int drm_fd)
{
	struct kfd_ioctl_acquire_vm_args args = {
		.drm_fd = drm_fd,
		.gpu_id = gpu_id,
	};
	bool called;

	return rocsvm_kfd_call(space, AMDKFD_IOC_ACQUIRE_VM, &args, &called);
}

/**
 * rocsvm_kfd_set_memory_policy - tell a GPU where the coherent region is
 * @space: the space
 * @gpu_id: the GPU
 * @coherent_base: first address
 * @coherent_length: bytes, a multiple of 64 KiB, 0 for none
 *
 * Return: 0 or KFD's errno.
 */
int rocsvm_kfd_set_memory_policy(struct rocsvm_space *space, u32 gpu_id,
				 u64 coherent_base, u64 coherent_length)
{
	struct kfd_ioctl_set_memory_policy_args args = {
		.alternate_aperture_base = coherent_base,
		.alternate_aperture_size = coherent_length,
		.gpu_id = gpu_id,
		.default_policy = KFD_IOC_CACHE_POLICY_NONCOHERENT,
		.alternate_policy = KFD_IOC_CACHE_POLICY_COHERENT,
	};
	bool called;

	return rocsvm_kfd_call(space, AMDKFD_IOC_SET_MEMORY_POLICY, &args,
			       &called);
}

/**
 * rocsvm_kfd_set_scratch - tell a GPU where its scratch backing is
 * @space: the space
 * @gpu_id: the GPU
 * @va: its address, or 0
 *
 * Return: 0 or KFD's errno.
 */
int rocsvm_kfd_set_scratch(struct rocsvm_space *space, u32 gpu_id, u64 va)
{
	struct kfd_ioctl_set_scratch_backing_va_args args = {
		.va_addr = va,
		.gpu_id = gpu_id,
	};
	bool called;

	return rocsvm_kfd_call(space, AMDKFD_IOC_SET_SCRATCH_BACKING_VA, &args,
			       &called);
}

/*
 * Offsets of mappings through KFD's own file: a type in bits 63..62, the GPU's
 * id from bit 46 on. Not in its user header, but what its users do.
 */
#define KFD_MMAP_MMIO		0ULL
#define KFD_MMAP_DOORBELLS	3ULL

static pgoff_t kfd_pgoff(u64 type, u32 gpu_id)
{
	return (type << 62 | (u64)(u16)gpu_id << 46) >> PAGE_SHIFT;
}

static u32 kfd_alloc_flags(const struct rocsvm_buffer *buf)
{
	u32 flags = 0;

	switch (buf->kind) {
	case ROCSVM_KIND_DOORBELL:
		flags = KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL;
		break;
	case ROCSVM_KIND_MMIO_REMAP:
		flags = KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP;
		break;
	case ROCSVM_KIND_HOST:
	case ROCSVM_KIND_REGISTERED:
		flags = KFD_IOC_ALLOC_MEM_FLAGS_USERPTR;
		break;
	case ROCSVM_KIND_GTT:
		flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT;
		break;
	case ROCSVM_KIND_VRAM:
		flags = KFD_IOC_ALLOC_MEM_FLAGS_VRAM |
			KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC;
		break;
	case ROCSVM_KIND_PRIVATE_VRAM:
		flags = KFD_IOC_ALLOC_MEM_FLAGS_VRAM;
		break;
	}

	if (!(buf->flags & ROCSVM_ALLOC_READONLY))
		flags |= KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE;
	if (buf->flags & ROCSVM_ALLOC_EXECUTABLE)
		flags |= KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE;
	if (buf->flags & ROCSVM_ALLOC_COHERENT)
		flags |= KFD_IOC_ALLOC_MEM_FLAGS_COHERENT;
	if (buf->flags & ROCSVM_ALLOC_UNCACHED)
		flags |= KFD_IOC_ALLOC_MEM_FLAGS_UNCACHED;
	if (buf->flags & ROCSVM_ALLOC_AQL_QUEUE)
		flags |= KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM;
	return flags;
}

/**
 * rocsvm_kfd_is_lost - whether KFD may have made something in spite of an error
 * @space: the space
 * @called: as set by rocsvm_kfd_call()
 * @err: what it has returned
 *
 * KFD says -EFAULT of the program's memory, too, and has made nothing then: so
 * it is asked whether the control page can be written.
 *
 * Return: true if it can have.
 */
bool rocsvm_kfd_is_lost(const struct rocsvm_space *space, bool called, int err)
{
	return called && err == -EFAULT &&
	       put_user(0, (u32 __user *)space->control.addr);
}

/**
 * rocsvm_kfd_gpu_is_gone - whether a GPU has no driver any more
 * @space: the space
 * @gpu: index of a GPU that is acquired
 *
 * KFD does not know it: Linux 6.12 oopses when it is asked for a buffer then, and
 * uses what has been freed when it is asked for a dma-buf, or to map it elsewhere.
 * Not held off while KFD is at work, as that could last as long as the program
 * likes.
 *
 * Return: true after amdgpu was unbound from the device.
 */
bool rocsvm_kfd_gpu_is_gone(const struct rocsvm_space *space, unsigned int gpu)
{
	const struct drm_file *drm = space->gpus[gpu].drm->private_data;

	return drm_dev_is_unplugged(drm->minor->dev);
}

/**
 * rocsvm_kfd_alloc - allocate a buffer at its address
 * @space: the space
 * @buf: has its range, kind, flags and GPU; gets its handle and mmap offset
 *
 * Return: 0 or KFD's errno. With buf->lost set KFD may have a buffer there
 * that nobody knows the handle of.
 */
int rocsvm_kfd_alloc(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = rocsvm_range_base(&buf->range),
		.size = rocsvm_range_length(&buf->range),
		.gpu_id = space->gpus[buf->gpu].gpu_id,
		.flags = kfd_alloc_flags(buf),
	};
	bool is_userptr = buf->kind == ROCSVM_KIND_HOST ||
			  buf->kind == ROCSVM_KIND_REGISTERED;
	u32 gpu_id = args.gpu_id;
	bool called;
	int err;

	/* A userptr's CPU address: the same. */
	if (is_userptr)
		args.mmap_offset = args.va_addr;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args, &called);
	if (err) {
		buf->lost = rocsvm_kfd_is_lost(space, called, err);
		return err;
	}
	buf->handle = args.handle;
	if (is_userptr)
		return 0;
	/* KFD's own file maps more than buffers: not what the program says. */
	if (buf->kind == ROCSVM_KIND_DOORBELL)
		buf->mmap_pgoff = kfd_pgoff(KFD_MMAP_DOORBELLS, gpu_id);
	else if (buf->kind == ROCSVM_KIND_MMIO_REMAP)
		buf->mmap_pgoff = kfd_pgoff(KFD_MMAP_MMIO, gpu_id);
	else
		buf->mmap_pgoff = args.mmap_offset >> PAGE_SHIFT;
	return 0;
}

/**
 * rocsvm_kfd_free - free a buffer that is mapped to no GPU
 * @space: the space
 * @handle: KFD's handle
 *
 * KFD takes the buffer apart before the last thing that can fail, and a second
 * FREE of what is left corrupts its lists. So an error that is not a refusal
 * is final.
 *
 * Return: 0 if the handle is not to be used again; else -EBUSY, -EPERM or
 * -EFAULT, and nothing has happened.
 */
int rocsvm_kfd_free(struct rocsvm_space *space, u64 handle)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = handle };
	bool called;
	int err;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args, &called);

	if (err == -EBUSY || err == -EPERM || (err == -EFAULT && !called))
		return err;
	/* -EINVAL: the program has freed it over KFD's own ioctl. */
	if (err && err != -EINVAL)
		pr_warn_ratelimited("%s[%d]: KFD FREE of handle 0x%llx: %d\n",
				    current->comm, task_tgid_nr(current),
				    handle, err);
	return 0;
}

/* Put the GPUs of a bit mask into the control page, in ascending order. */
static int put_gpu_ids(const struct rocsvm_space *space, u64 gpus)
{
	u32 __user *ids = control_array(space);
	unsigned int i, n = 0;

	for (i = 0; i < space->num_gpus; i++)
		if (gpus & BIT_ULL(i) &&
		    put_user(space->gpus[i].gpu_id, &ids[n++]))
			return -EFAULT;
	return n;
}

/* The first n GPUs of a bit mask. */
static u64 first_gpus(u64 gpus, unsigned int n)
{
	u64 rest = gpus;

	while (n--)
		rest &= rest - 1;
	return gpus & ~rest;
}

/**
 * rocsvm_kfd_map - map a buffer to GPUs
 * @space: the space
 * @handle: KFD's handle
 * @gpus: bit mask of GPUs by index, not 0
 * @done: set to those that are mapped now, all of @gpus if it is not known;
 *	also on failure
 *
 * Return: 0 or KFD's errno.
 */
int rocsvm_kfd_map(struct rocsvm_space *space, u64 handle, u64 gpus, u64 *done)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = handle,
		.device_ids_array_ptr = (unsigned long)control_array(space),
	};
	bool called;
	int n, err;

	*done = 0;
	n = put_gpu_ids(space, gpus);
	if (n < 0)
		return n;
	args.n_devices = n;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args, &called);
	if (!err || (err == -EFAULT && called))
		*done = gpus;
	else if (called)
		*done = first_gpus(gpus, min_t(u32, args.n_success, n));
	return err;
}

/**
 * rocsvm_kfd_unmap - unmap a buffer from GPUs
 * @space: the space
 * @handle: KFD's handle
 * @gpus: bit mask of GPUs by index, not 0
 * @done: set to those that are unmapped now; also on failure
 *
 * Return: 0 or KFD's errno.
 */
int rocsvm_kfd_unmap(struct rocsvm_space *space, u64 handle, u64 gpus,
		     u64 *done)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args args = {
		.handle = handle,
		.device_ids_array_ptr = (unsigned long)control_array(space),
	};
	bool called;
	int n, err;

	*done = 0;
	n = put_gpu_ids(space, gpus);
	if (n < 0)
		return n;
	args.n_devices = n;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &args, &called);
	if (!err)
		*done = gpus;
	else if (called && err != -EFAULT)
		*done = first_gpus(gpus, min_t(u32, args.n_success, n));
	return err;
}
