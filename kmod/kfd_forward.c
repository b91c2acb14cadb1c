// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the program asks of KFD itself, handed on: ioctls of type 'K', mmap.
 *
 * What they make is kept apart from what is ours, and listed for those who look
 * on. The list is what the program's memory says, before and after KFD has looked
 * there: it can be made to lie, and nothing depends on it. It ends with the
 * space; KFD has the buffers for as long as there is the process.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/kfd_ioctl.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kfd.h"
#include "view.h"

/* KFD takes the lowest number that is free: no program has so many. */
#define KFD_NUMBERS_END	BIT(24)

/* ---- the list ---- */

static void kfd_buffer_forget(struct rocsvm_space *space, unsigned long handle)
{
	struct rocsvm_kfd_buffer *buf;

	rocsvm_view_lock(space);
	buf = xa_erase(&space->kfd_buffers, handle);
	rocsvm_view_unlock(space);
	if (!buf)
		return;
	rocsvm_tally(space, ROCSVM_SHOWN_KFD, -1, buf->length);
	rocsvm_uncharge(space, ROCSVM_LIMIT_BUFFERS);
	kfree(buf);
}

/**
 * rocsvm_kfd_buffers_forget - empty the list
 * @space: the space; its lock is held, or its mm is going
 */
void rocsvm_kfd_buffers_forget(struct rocsvm_space *space)
{
	unsigned long handle;
	void *buf;

	xa_for_each(&space->kfd_buffers, handle, buf) {
		kfd_buffer_forget(space, handle);
		cond_resched();
	}
}

/*
 * A GPU's id above a number. What else the program's memory may say would make
 * the list larger than what is charged for it.
 */
static bool is_handle(const struct rocsvm_space *space, u64 handle)
{
	return lower_32_bits(handle) < KFD_NUMBERS_END &&
	       upper_32_bits(handle) <= ROCSVM_MAX_GPU_ID &&
	       rocsvm_space_gpu(space, upper_32_bits(handle)) >= 0;
}

static int kfd_buffer_insert(struct rocsvm_space *space, unsigned long handle,
			     const struct rocsvm_kfd_buffer *buf)
{
	struct rocsvm_kfd_buffer *copy;
	int err;

	if (!is_handle(space, handle))
		return -EINVAL;
	/* Freed by other means than this device, and given out again. */
	kfd_buffer_forget(space, handle);
	err = rocsvm_charge(space, ROCSVM_LIMIT_BUFFERS);
	if (err)
		return err;
	copy = kmemdup(buf, sizeof(*buf), ROCSVM_GFP);
	err = copy ? xa_err(xa_store(&space->kfd_buffers, handle, copy,
				     ROCSVM_GFP)) : -ENOMEM;
	if (!err)
		return 0;
	kfree(copy);
	rocsvm_uncharge(space, ROCSVM_LIMIT_BUFFERS);
	return err;
}

/* KFD has made a buffer. Where it can't be listed that is only counted. */
static void kfd_buffer_note(struct rocsvm_space *space, u64 __user *uhandle,
			    const struct rocsvm_kfd_buffer *buf)
{
	u64 handle;

	if (get_user(handle, uhandle) ||
	    kfd_buffer_insert(space, handle, buf))
		rocsvm_stat_inc(space->view, ROCSVM_STAT_KFD_UNLISTED);
	else
		rocsvm_tally(space, ROCSVM_SHOWN_KFD, 1, buf->length);
}

/* ---- ioctls ---- */

/* What they make must not meet anything of ours. */
static long forward_at(struct rocsvm_space *space, unsigned int cmd,
		       unsigned long arg, u64 __user *uhandle,
		       struct rocsvm_kfd_buffer *buf)
{
	long ret;

	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	if (rocsvm_buffers_overlap(space, buf->va, buf->length) ||
	    rocsvm_registered_overlap(space, buf->va, buf->length))
		ret = -EEXIST;
	else
		ret = rocsvm_kfd_pass(space, cmd, arg);
	if (!ret) {
		buf->born = rocsvm_clock();
		kfd_buffer_note(space, uhandle, buf);
	}
	mutex_unlock(&space->lock);
	return ret;
}

/* KFD takes what the number's size field says, and zeros for the rest. */
static int copy_args(void *args, size_t size, unsigned int cmd,
		     unsigned long arg)
{
	memset(args, 0, size);
	return copy_from_user(args, (void __user *)arg,
			      min_t(size_t, _IOC_SIZE(cmd), size)) ?
		       -EFAULT : 0;
}

/* These are not inlined for the sake of all other ioctls, which need no stack. */
static noinline_for_stack long
forward_alloc(struct rocsvm_space *space, unsigned int cmd, unsigned long arg)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args __user *uargs =
		(void __user *)arg;
	struct kfd_ioctl_alloc_memory_of_gpu_args args;
	struct rocsvm_kfd_buffer buf = {};

	if (copy_args(&args, sizeof(args), cmd, arg))
		return -EFAULT;
	buf.va = args.va_addr;
	buf.length = args.size;
	buf.flags = args.flags;
	return forward_at(space, cmd, arg, &uargs->handle, &buf);
}

static noinline_for_stack long
forward_import(struct rocsvm_space *space, unsigned int cmd, unsigned long arg)
{
	struct kfd_ioctl_import_dmabuf_args __user *uargs = (void __user *)arg;
	struct rocsvm_kfd_buffer buf = { .imported = true };
	struct kfd_ioctl_import_dmabuf_args args;
	struct dma_buf *dmabuf;

	if (copy_args(&args, sizeof(args), cmd, arg))
		return -EFAULT;
	dmabuf = dma_buf_get(args.dmabuf_fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	buf.va = args.va_addr;
	buf.length = dmabuf->size;
	dma_buf_put(dmabuf);
	return forward_at(space, cmd, arg, &uargs->handle, &buf);
}

/* Under the lock: KFD gives a freed handle to the next who asks. */
static noinline_for_stack long
forward_free(struct rocsvm_space *space, unsigned int cmd, unsigned long arg)
{
	struct kfd_ioctl_free_memory_of_gpu_args args;
	long ret;

	if (copy_args(&args, sizeof(args), cmd, arg))
		return -EFAULT;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	ret = rocsvm_kfd_pass(space, cmd, arg);
	/* -EINVAL: there is none. */
	if (!ret || ret == -EINVAL)
		kfd_buffer_forget(space, args.handle);
	mutex_unlock(&space->lock);
	return ret;
}

/*
 * KFD refuses another file of that GPU from now on, and the CPU's mappings are
 * through this one: it is kept for when the program acquires the GPU for us, too.
 */
static noinline_for_stack long
forward_acquire(struct rocsvm_space *space, unsigned int cmd, unsigned long arg)
{
	struct kfd_ioctl_acquire_vm_args args;
	struct file *drm;
	long ret;

	if (copy_args(&args, sizeof(args), cmd, arg))
		return -EFAULT;
	drm = rocsvm_kfd_render_file(args.drm_fd);
	/* For KFD to say what is wrong with it. */
	if (IS_ERR(drm))
		return rocsvm_kfd_pass(space, cmd, arg);
	if (mutex_lock_killable(&space->lock)) {
		ret = -EINTR;
		goto out_put;
	}
	ret = rocsvm_kfd_pass(space, cmd, arg);
	if (!ret)
		rocsvm_space_note_vm(space, args.gpu_id, drm);
	mutex_unlock(&space->lock);
out_put:
	fput(drm);
	return ret;
}

/**
 * rocsvm_kfd_forward - hand an ioctl of KFD's on
 * @space: the caller's space
 * @cmd: its number, of type 'K'
 * @arg: its argument
 *
 * Without space->lock: some of KFD's ioctls wait for events.
 *
 * Return: what KFD says; -EEXIST for an ALLOC or an import that meets a live
 * buffer or registered memory.
 */
long rocsvm_kfd_forward(struct rocsvm_space *space, unsigned int cmd,
			unsigned long arg)
{
	/* KFD looks at nothing but the number, either. */
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(AMDKFD_IOC_ACQUIRE_VM):
		return forward_acquire(space, cmd, arg);
	case _IOC_NR(AMDKFD_IOC_ALLOC_MEMORY_OF_GPU):
		return forward_alloc(space, cmd, arg);
	case _IOC_NR(AMDKFD_IOC_FREE_MEMORY_OF_GPU):
		return forward_free(space, cmd, arg);
	case _IOC_NR(AMDKFD_IOC_IMPORT_DMABUF):
		return forward_import(space, cmd, arg);
	default:
		return rocsvm_kfd_pass(space, cmd, arg);
	}
}

/* ---- mmap ---- */

/* The two highest bits of an offset; KFD's own header is not for others. */
#define KFD_MMAP_TYPE(vma)		((vma)->vm_pgoff >> (62 - PAGE_SHIFT))
#define KFD_MMAP_TYPE_RESERVED_MEM	1

/**
 * rocsvm_kfd_mmap - hand an mmap of KFD's on: doorbells, events
 * @space: the caller's space
 * @vma: the mapping to be; becomes KFD's
 *
 * Of "reserved memory" KFD itself has one mapping, for an APU, when it is
 * opened. A second one, or one of another GPU, makes it follow a NULL pointer
 * when the process ends.
 *
 * Return: what KFD says, or -EPERM.
 */
int rocsvm_kfd_mmap(struct rocsvm_space *space, struct vm_area_struct *vma)
{
	if (KFD_MMAP_TYPE(vma) == KFD_MMAP_TYPE_RESERVED_MEM)
		return -EPERM;
	vma_set_file(vma, space->kfd);
	return space->kfd->f_op->mmap(space->kfd, vma);
}
