// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/rocsvm: the device node and the table of its ioctls. Read this first.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cdev.h>
#include <linux/compat.h>
#include <linux/kfd_ioctl.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "kfd.h"
#include "view.h"

union rocsvm_args {
	struct rocsvm_info info;
	struct rocsvm_gpu_info gpu_info;
	struct rocsvm_reserve reserve;
	struct rocsvm_acquire_vm acquire_vm;
	struct rocsvm_alloc alloc;
	struct rocsvm_free free;
	struct rocsvm_map map;
	struct rocsvm_query query;
	struct rocsvm_set_tag set_tag;
	struct rocsvm_register reg;
	struct rocsvm_unregister unreg;
	struct rocsvm_batch batch;
	struct rocsvm_export export;
	struct rocsvm_import import;
	struct rocsvm_svm_attr svm_attr;
};

struct rocsvm_ioctl_op {
	unsigned int size;
	unsigned int min_size;
	int (*execute)(struct rocsvm_ucmd *ucmd);
};

#define IOCTL_OP(_cmd, _execute, _struct, _last)			\
	[_IOC_NR(_cmd) - ROCSVM_CMD_BASE] = {				\
		.size = sizeof(_struct),				\
		.min_size = offsetofend(_struct, _last),		\
		.execute = _execute,					\
	}

/* _last: the last member of the structure's first version */
static const struct rocsvm_ioctl_op rocsvm_ioctl_ops[] = {
	IOCTL_OP(ROCSVM_INFO, rocsvm_info, struct rocsvm_info,
		 quarantined_bytes),
	IOCTL_OP(ROCSVM_GPU_INFO, rocsvm_gpu_info, struct rocsvm_gpu_info,
		 scratch_limit),
	IOCTL_OP(ROCSVM_RESERVE, rocsvm_reserve, struct rocsvm_reserve, length),
	IOCTL_OP(ROCSVM_ACQUIRE_VM, rocsvm_acquire_vm,
		 struct rocsvm_acquire_vm, drm_fd),
	IOCTL_OP(ROCSVM_ALLOC, rocsvm_alloc, struct rocsvm_alloc, __reserved),
	IOCTL_OP(ROCSVM_FREE, rocsvm_free, struct rocsvm_free, va),
	IOCTL_OP(ROCSVM_MAP, rocsvm_map, struct rocsvm_map, __reserved),
	IOCTL_OP(ROCSVM_UNMAP, rocsvm_unmap, struct rocsvm_map, __reserved),
	IOCTL_OP(ROCSVM_QUERY, rocsvm_query, struct rocsvm_query, gpu_ids),
	IOCTL_OP(ROCSVM_SET_TAG, rocsvm_set_tag, struct rocsvm_set_tag, tag),
	IOCTL_OP(ROCSVM_REGISTER, rocsvm_register, struct rocsvm_register,
		 tag),
	IOCTL_OP(ROCSVM_UNREGISTER, rocsvm_unregister,
		 struct rocsvm_unregister, length),
	IOCTL_OP(ROCSVM_BATCH, rocsvm_batch, struct rocsvm_batch, num_done),
	IOCTL_OP(ROCSVM_EXPORT, rocsvm_export, struct rocsvm_export,
		 __reserved),
	IOCTL_OP(ROCSVM_IMPORT, rocsvm_import, struct rocsvm_import, tag),
	IOCTL_OP(ROCSVM_SVM_ATTR, rocsvm_svm_attr, struct rocsvm_svm_attr,
		 attrs),
};

/**
 * rocsvm_ucmd_respond - copy the structure back to the caller
 * @ucmd: the ioctl
 *
 * Return: 0 or -EFAULT.
 */
int rocsvm_ucmd_respond(const struct rocsvm_ucmd *ucmd)
{
	size_t size = min(ucmd->user_size, ucmd->size);

	return copy_to_user(ucmd->arg, ucmd->cmd, size) ? -EFAULT : 0;
}

/**
 * rocsvm_ioctl - execute one of the ioctls above
 * @space: the caller's space
 * @cmd: its number
 * @arg: its structure
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_ioctl(struct rocsvm_space *space, unsigned int cmd,
		 void __user *arg)
{
	struct rocsvm_ucmd ucmd = { .space = space, .arg = arg };
	const struct rocsvm_ioctl_op *op;
	union rocsvm_args args;
	unsigned int nr;
	int err;

	nr = _IOC_NR(cmd) - ROCSVM_CMD_BASE;
	if (nr >= ARRAY_SIZE(rocsvm_ioctl_ops) ||
	    cmd != _IO(ROCSVM_TYPE, _IOC_NR(cmd)))
		return -ENOTTY;
	nr = array_index_nospec(nr, ARRAY_SIZE(rocsvm_ioctl_ops));
	op = &rocsvm_ioctl_ops[nr];

	if (get_user(ucmd.user_size, (u32 __user *)ucmd.arg))
		return -EFAULT;
	if (ucmd.user_size < op->min_size)
		return -EINVAL;
	/* No version of a structure is that large; don't look for its zeros. */
	if (ucmd.user_size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&args, op->size, ucmd.arg, ucmd.user_size);
	if (err)
		return err;

	ucmd.size = op->size;
	ucmd.cmd = &args;
	err = op->execute(&ucmd);
	atomic64_inc(&space->view->calls[nr]);
	if (err)
		atomic64_inc(&space->view->failures[nr]);
	rocsvm_trace_call(&ucmd, _IOC_NR(cmd), err);
	return err;
}

static long rocsvm_fops_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	struct rocsvm_space *space = file->private_data;

	if (!rocsvm_space_is_current(space))
		return -EBADF;
	if (_IOC_TYPE(cmd) == AMDKFD_IOCTL_BASE)
		return rocsvm_kfd_forward(space, cmd, arg);
	return rocsvm_ioctl(space, cmd, (void __user *)arg);
}

static long rocsvm_fops_compat_ioctl(struct file *file, unsigned int cmd,
				     unsigned long arg)
{
	return -EPERM;
}

static int rocsvm_fops_open(struct inode *inode, struct file *file)
{
	struct rocsvm_space *space;

	/* KFD refuses them too: their addresses are not canonical for a GPU. */
	if (in_compat_syscall())
		return -EPERM;

	space = rocsvm_space_open();
	if (IS_ERR(space))
		return PTR_ERR(space);
	file->private_data = space;
	return 0;
}

static int rocsvm_fops_release(struct inode *inode, struct file *file)
{
	rocsvm_space_close(file->private_data);
	return 0;
}

static int rocsvm_fops_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct rocsvm_space *space = file->private_data;

	if (!rocsvm_space_is_current(space))
		return -EBADF;
	return rocsvm_kfd_mmap(space, vma);
}

static const struct file_operations rocsvm_fops = {
	.owner = THIS_MODULE,
	.open = rocsvm_fops_open,
	.release = rocsvm_fops_release,
	.unlocked_ioctl = rocsvm_fops_ioctl,
	.compat_ioctl = rocsvm_fops_compat_ioctl,
	.mmap = rocsvm_fops_mmap,
	.llseek = noop_llseek,
	.show_fdinfo = rocsvm_show_fdinfo,
};

/*
 * A character device of its own: a misc device's ->open runs under a mutex of
 * all misc devices, and this one opens another file.
 */
static struct class *rocsvm_class;
static struct cdev rocsvm_cdev;
static dev_t rocsvm_devt;

static char *rocsvm_devnode(rocsvm_devnode_device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return NULL;
}

static int rocsvm_device_init(void)
{
	struct device *dev;
	int err;

	err = alloc_chrdev_region(&rocsvm_devt, 0, 1, KBUILD_MODNAME);
	if (err)
		return err;

	rocsvm_class = rocsvm_class_create(KBUILD_MODNAME);
	if (IS_ERR(rocsvm_class)) {
		err = PTR_ERR(rocsvm_class);
		goto err_region;
	}
	rocsvm_class->devnode = rocsvm_devnode;

	cdev_init(&rocsvm_cdev, &rocsvm_fops);
	rocsvm_cdev.owner = THIS_MODULE;
	err = cdev_add(&rocsvm_cdev, rocsvm_devt, 1);
	if (err)
		goto err_class;

	dev = device_create_with_groups(rocsvm_class, NULL, rocsvm_devt, NULL,
					rocsvm_groups, KBUILD_MODNAME);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto err_cdev;
	}
	return 0;

err_cdev:
	cdev_del(&rocsvm_cdev);
err_class:
	class_destroy(rocsvm_class);
err_region:
	unregister_chrdev_region(rocsvm_devt, 1);
	return err;
}

static void rocsvm_device_exit(void)
{
	device_destroy(rocsvm_class, rocsvm_devt);
	cdev_del(&rocsvm_cdev);
	class_destroy(rocsvm_class);
	unregister_chrdev_region(rocsvm_devt, 1);
}

static int __init rocsvm_init(void)
{
	int err;

	rocsvm_limits_init();
	err = rocsvm_buffers_init();
	if (err)
		return err;
	err = rocsvm_window_init();
	if (err)
		goto err_buffers;
	err = rocsvm_debugfs_init();
	if (err)
		goto err_window;
	err = rocsvm_device_init();
	if (err)
		goto err_debugfs;
	return 0;

err_debugfs:
	rocsvm_debugfs_exit();
err_window:
	rocsvm_window_exit();
err_buffers:
	rocsvm_buffers_exit();
	return err;
}

static void __exit rocsvm_exit(void)
{
	rocsvm_device_exit();
	rocsvm_space_exit();
	rocsvm_debugfs_exit();
	rocsvm_window_exit();
	rocsvm_buffers_exit();
}

module_init(rocsvm_init);
module_exit(rocsvm_exit);

MODULE_DESCRIPTION("One virtual address for CPU and GPU, kept by the kernel");
MODULE_AUTHOR("The rocsvm maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION(ROCSVM_VERSION);
MODULE_SOFTDEP("pre: amdgpu");
