/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls into KFD.
 */
#ifndef _ROCSVM_KFD_H
#define _ROCSVM_KFD_H

#include <linux/uaccess.h>

#include "rocsvm.h"

/* kfd.c */
struct file *rocsvm_kfd_open(void);
int rocsvm_kfd_apertures(struct rocsvm_space *space);
struct file *rocsvm_kfd_render_file(int fd);
int rocsvm_kfd_acquire_vm(struct rocsvm_space *space, u32 gpu_id, int drm_fd);
int rocsvm_kfd_set_memory_policy(struct rocsvm_space *space, u32 gpu_id,
				 u64 coherent_base, u64 coherent_length);
int rocsvm_kfd_set_scratch(struct rocsvm_space *space, u32 gpu_id, u64 va);
bool rocsvm_kfd_gpu_is_gone(const struct rocsvm_space *space, unsigned int gpu);
int rocsvm_kfd_alloc(struct rocsvm_space *space, struct rocsvm_buffer *buf);
int rocsvm_kfd_free(struct rocsvm_space *space, u64 handle);
int rocsvm_kfd_map(struct rocsvm_space *space, u64 handle, u64 gpus, u64 *done);
int rocsvm_kfd_unmap(struct rocsvm_space *space, u64 handle, u64 gpus,
		     u64 *done);
bool rocsvm_kfd_is_lost(const struct rocsvm_space *space, bool called, int err);
long rocsvm_kfd_pass(struct rocsvm_space *space, unsigned int cmd,
		     unsigned long arg);
int rocsvm_kfd_call_page(struct rocsvm_space *space, unsigned int cmd);

/**
 * rocsvm_kfd_call - call KFD with a struct of ours
 * @space: the space
 * @cmd: the ioctl
 * @args: its argument; KFD copies it back even when it fails
 * @called: out: if false nothing has happened; else, and with -EFAULT, it is
 *	not known what has
 *
 * Inlined, as what is copied has a constant size then: that needs no check of
 * what it is a part of (CONFIG_HARDENED_USERCOPY).
 *
 * Return: what KFD says, or -EFAULT.
 */
static __always_inline int rocsvm_kfd_call(struct rocsvm_space *space,
					   unsigned int cmd, void *args,
					   bool *called)
{
	void __user *uargs = (void __user *)space->control.addr;
	int err;

	*called = false;
	if (copy_to_user(uargs, args, _IOC_SIZE(cmd)))
		return -EFAULT;
	*called = true;
	err = rocsvm_kfd_call_page(space, cmd);
	if (copy_from_user(args, uargs, _IOC_SIZE(cmd)))
		return -EFAULT;
	return err;
}

/* kfd_share.c: KFD's calls for sharing and for SVM ranges */
int rocsvm_kfd_export(struct rocsvm_space *space, u64 handle);
bool rocsvm_kfd_can_export(struct rocsvm_space *space);
int rocsvm_kfd_dmabuf_info(struct rocsvm_space *space, int fd, u32 *gpu_id,
			   u64 *size, u32 *kind);
int rocsvm_kfd_import(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		      int fd);
int rocsvm_kfd_svm_attr(struct rocsvm_space *space, u32 op, u64 va, u64 length,
			u32 num_attrs, void *attrs);

/* kfd_forward.c: what the program asks of KFD itself */
void rocsvm_kfd_buffers_forget(struct rocsvm_space *space);
long rocsvm_kfd_forward(struct rocsvm_space *space, unsigned int cmd,
			unsigned long arg);
int rocsvm_kfd_mmap(struct rocsvm_space *space, struct vm_area_struct *vma);

#endif /* _ROCSVM_KFD_H */
