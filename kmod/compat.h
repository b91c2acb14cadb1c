/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module compiles on (6.1 to 6.12),
 * and nothing else: the only file that asks for the kernel's version.
 */
#ifndef _ROCSVM_COMPAT_H
#define _ROCSVM_COMPAT_H

#include <linux/device/class.h>
#include <linux/mm.h>
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

#endif /* _ROCSVM_COMPAT_H */
