// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM_ATTR: KFD's SVM ranges, for ordinary memory. They are KFD's own; what is
 * done here is to keep them apart from buffers and registered memory.
 */
#include <linux/kfd_ioctl.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kfd.h"

#define ROCSVM_MAX_SVM_ATTRS	256

/* They go through the control page together with their header. */
static_assert(sizeof(struct kfd_ioctl_svm_args) + ROCSVM_MAX_SVM_ATTRS *
	      sizeof(struct kfd_ioctl_svm_attribute) <= PAGE_SIZE);

static int svm_attr_check(const struct rocsvm_svm_attr *cmd)
{
	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->op != KFD_IOCTL_SVM_OP_SET_ATTR &&
	    cmd->op != KFD_IOCTL_SVM_OP_GET_ATTR)
		return -EINVAL;
	if (!cmd->num_attrs || cmd->num_attrs > ROCSVM_MAX_SVM_ATTRS)
		return -EINVAL;
	if (!cmd->length || !IS_ALIGNED(cmd->va | cmd->length, PAGE_SIZE))
		return -EINVAL;
	return 0;
}

static bool in_svm_range(const struct rocsvm_space *space, u64 va, u64 length)
{
	const struct rocsvm_aperture *svm = &space->svm;

	return va >= svm->base && va <= svm->limit &&
	       length - 1 <= svm->limit - va;
}

static bool ranges_meet(u64 a, u64 a_length, u64 b, u64 b_length)
{
	return a < b + b_length && b < a + a_length;
}

static int svm_attr_locked(struct rocsvm_space *space,
			   const struct rocsvm_svm_attr *cmd, void *attrs)
{
	const struct rocsvm_window *window = &space->window;

	if (!in_svm_range(space, cmd->va, cmd->length))
		return -ERANGE;
	/* In free addresses of the window no ALLOC could succeed any more. */
	if (ranges_meet(cmd->va, cmd->length, window->start,
			window->end - window->start) ||
	    rocsvm_buffers_overlap(space, cmd->va, cmd->length) ||
	    rocsvm_registered_overlap(space, cmd->va, cmd->length))
		return -EADDRINUSE;
	return rocsvm_kfd_svm_attr(space, cmd->op, cmd->va, cmd->length,
				   cmd->num_attrs, attrs);
}

/* ioctl(ROCSVM_SVM_ATTR) */
int rocsvm_svm_attr(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_svm_attr *cmd = ucmd->cmd;
	void __user *uattrs = u64_to_user_ptr(cmd->attrs);
	size_t size;
	void *attrs;
	int err;

	err = svm_attr_check(cmd);
	if (err)
		return err;
	size = cmd->num_attrs * sizeof(struct kfd_ioctl_svm_attribute);
	attrs = memdup_user(uattrs, size);
	if (IS_ERR(attrs))
		return PTR_ERR(attrs);

	err = mutex_lock_killable(&space->lock) ? -EINTR : 0;
	if (!err) {
		err = svm_attr_locked(space, cmd, attrs);
		mutex_unlock(&space->lock);
	}
	if (!err && cmd->op == KFD_IOCTL_SVM_OP_GET_ATTR &&
	    copy_to_user(uattrs, attrs, size))
		err = -EFAULT;
	kfree(attrs);
	return err;
}
