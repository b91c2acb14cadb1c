/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module compiles on (6.1 to 6.12),
 * and nothing else: the only file that asks for the kernel's version.
 */
#ifndef _ROCSVM_COMPAT_H
#define _ROCSVM_COMPAT_H

#include <linux/device/class.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/* class_create() lost its module argument, devnode() got a const device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define rocsvm_class_create(name) class_create(THIS_MODULE, name)
#else
#define rocsvm_class_create(name) class_create(name)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define rocsvm_devnode_device struct device
#else
#define rocsvm_devnode_device const struct device
#endif

/*
 * A slab that is not merged with others of its size. Before SLAB_NO_MERGE those
 * were left alone that have something to be copied to user space.
 */
static inline struct kmem_cache *rocsvm_kmem_cache_create(const char *name,
							  unsigned int size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return kmem_cache_create_usercopy(name, size, 0, SLAB_ACCOUNT, 0, 1,
					  NULL);
#else
	return kmem_cache_create(name, size, 0, SLAB_ACCOUNT | SLAB_NO_MERGE,
				 NULL);
#endif
}

/* Where the kernel's own mmap() would place a shared mapping; mmap_lock held. */
static inline unsigned long
rocsvm_mm_get_unmapped_area(struct file *file, unsigned long addr,
			    unsigned long len, unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	return current->mm->get_unmapped_area(file, addr, len, 0, flags);
#else
	return mm_get_unmapped_area(current->mm, file, addr, len, 0, flags);
#endif
}

#endif /* _ROCSVM_COMPAT_H */
