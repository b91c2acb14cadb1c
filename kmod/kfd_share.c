// SPDX-License-Identifier: GPL-2.0-only
/*
 * KFD's calls for memory that is shared, by dma-bufs and by SVM ranges. As in
 * kfd.c, what comes back was in the program's memory and is not trusted.
 */
#include <linux/fcntl.h>
#include <linux/kfd_ioctl.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "kfd.h"

/* KFD has it from Linux 6.3 on. */
#ifndef AMDKFD_IOC_EXPORT_DMABUF
struct kfd_ioctl_export_dmabuf_args {
	__u64 handle;
	__u32 flags;
	__u32 dmabuf_fd;
};

#define AMDKFD_IOC_EXPORT_DMABUF					\
	AMDKFD_IOWR(0x24, struct kfd_ioctl_export_dmabuf_args)
#endif

/* More than a GEM object can have: KFD refuses if it does not fit. */
#define MAX_METADATA	PAGE_SIZE

/**
 * rocsvm_kfd_export - have KFD make a dma-buf
 * @space: the space
 * @handle: KFD's handle
 *
 * Return: a descriptor, the caller's to close; or KFD's errno.
 */
int rocsvm_kfd_export(struct rocsvm_space *space, u64 handle)
{
	struct kfd_ioctl_export_dmabuf_args args = {
		.handle = handle,
		.flags = O_CLOEXEC,
	};
	bool called;
	int err;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_EXPORT_DMABUF, &args, &called);
	if (err)
		return err;
	return args.dmabuf_fd <= INT_MAX ? args.dmabuf_fd : -EBADF;
}

/**
 * rocsvm_kfd_can_export - whether KFD makes dma-bufs of its buffers
 * @space: the space
 *
 * Return: true if it does.
 */
bool rocsvm_kfd_can_export(struct rocsvm_space *space)
{
	int err;

	if (space->kfd_export == ROCSVM_UNKNOWN) {
		/* A handle that is none, of no GPU. */
		err = rocsvm_kfd_export(space, 0);
		if (err == -ENOTTY)
			space->kfd_export = ROCSVM_NO;
		else if (err != -EFAULT)
			space->kfd_export = ROCSVM_YES;
	}
	return space->kfd_export == ROCSVM_YES;
}

/**
 * rocsvm_kfd_dmabuf_info - what a dma-buf is
 * @space: the space
 * @fd: its descriptor
 * @gpu_id: out: the GPU whose memory it is, by KFD's id
 * @size: out: bytes
 * @kind: out: ROCSVM_KIND_GTT or ROCSVM_KIND_VRAM. KFD's flag PUBLIC says only
 *	whether the CPU has accessed it lately, not whether it may
 *
 * Return: 0; -EINVAL if it is not GTT or VRAM of amdgpu's; KFD's errno.
 */
int rocsvm_kfd_dmabuf_info(struct rocsvm_space *space, int fd, u32 *gpu_id,
			   u64 *size, u32 *kind)
{
	struct kfd_ioctl_get_dmabuf_info_args args = {
		.dmabuf_fd = fd,
		/* Without a pointer they are not copied. */
		.metadata_size = MAX_METADATA,
	};
	bool called;
	int err;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_GET_DMABUF_INFO, &args,
			      &called);
	if (err)
		return err;

	if (args.flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM)
		*kind = ROCSVM_KIND_VRAM;
	else if (args.flags & KFD_IOC_ALLOC_MEM_FLAGS_GTT)
		*kind = ROCSVM_KIND_GTT;
	else
		return -EINVAL;
	*gpu_id = args.gpu_id;
	*size = args.size;
	return 0;
}

/**
 * rocsvm_kfd_import - make a dma-buf a buffer of KFD's, at an address
 * @space: the space
 * @buf: has its range and GPU; gets its handle
 * @fd: the dma-buf's descriptor
 *
 * Return: 0 or KFD's errno. With buf->lost set KFD may have a buffer there
 * that nobody knows the handle of.
 */
int rocsvm_kfd_import(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		      int fd)
{
	struct kfd_ioctl_import_dmabuf_args args = {
		.va_addr = rocsvm_range_base(&buf->range),
		.gpu_id = space->gpus[buf->gpu].gpu_id,
		.dmabuf_fd = fd,
	};
	bool called;
	int err;

	err = rocsvm_kfd_call(space, AMDKFD_IOC_IMPORT_DMABUF, &args, &called);
	if (err) {
		buf->lost = rocsvm_kfd_is_lost(space, called, err);
		return err;
	}
	buf->handle = args.handle;
	return 0;
}

/* The attributes follow the structure; KFD goes by the number's size field. */
static int kfd_svm_call(struct rocsvm_space *space,
			struct kfd_ioctl_svm_args *args)
{
	unsigned int cmd = _IOC(_IOC_READ | _IOC_WRITE, AMDKFD_IOCTL_BASE,
				_IOC_NR(AMDKFD_IOC_SVM),
				struct_size(args, attrs, args->nattr));
	bool called;

	return rocsvm_kfd_call(space, cmd, args, &called);
}

/*
 * KFD does not say whether a GPU can do it. But it looks at the attributes
 * first, and then at the addresses, which no program has.
 */
static int kfd_svm_probe(struct rocsvm_space *space, u32 gpu_id)
{
	struct {
		struct kfd_ioctl_svm_args args;
		struct kfd_ioctl_svm_attribute attr;
	} probe = {
		.args = {
			.start_addr = TASK_SIZE_MAX,
			.size = PAGE_SIZE,
			.op = KFD_IOCTL_SVM_OP_SET_ATTR,
			.nattr = 1,
		},
		.attr = { KFD_IOCTL_SVM_ATTR_ACCESS, gpu_id },
	};

	return kfd_svm_call(space, &probe.args);
}

/* -EFAULT is what KFD says of the addresses, -EPERM that it has no such thing. */
static int kfd_svm_supported(struct rocsvm_space *space)
{
	int err = -ENODEV, ret;
	unsigned int i;

	for (i = 0; i < space->num_gpus; i++) {
		if (!space->gpus[i].acquired)
			continue;
		ret = kfd_svm_probe(space, space->gpus[i].gpu_id);
		if (ret == -EFAULT)
			return 0;
		err = ret == -EINVAL || ret == -EPERM ? -EOPNOTSUPP : ret;
	}
	return err;
}

/**
 * rocsvm_kfd_svm_attr - set or get attributes of a range of memory
 * @space: the space
 * @op: enum kfd_ioctl_svm_op
 * @va: first address
 * @length: bytes
 * @num_attrs: number of attributes
 * @attrs: struct kfd_ioctl_svm_attribute[@num_attrs]; filled in by GET
 *
 * Return: 0 or KFD's errno; -EOPNOTSUPP without SVM ranges.
 */
int rocsvm_kfd_svm_attr(struct rocsvm_space *space, u32 op, u64 va, u64 length,
			u32 num_attrs, void *attrs)
{
	size_t size = num_attrs * sizeof(struct kfd_ioctl_svm_attribute);
	struct kfd_ioctl_svm_args *args;
	int err;

	err = kfd_svm_supported(space);
	if (err)
		return err;
	args = kzalloc(struct_size(args, attrs, num_attrs), GFP_KERNEL_ACCOUNT);
	if (!args)
		return -ENOMEM;
	args->start_addr = va;
	args->size = length;
	args->op = op;
	args->nattr = num_attrs;
	memcpy(args->attrs, attrs, size);

	err = kfd_svm_call(space, args);
	if (!err)
		memcpy(attrs, args->attrs, size);
	kfree(args);
	return err;
}
