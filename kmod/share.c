// SPDX-License-Identifier: GPL-2.0-only
/*
 * EXPORT and IMPORT: buffers as dma-bufs.
 *
 * An object of amdgpu's must never have two dma-bufs that a program can get at:
 * DRM warns of it when both are imported. So a buffer keeps the one that it was
 * exported or imported with for as long as it lives. As any other buffer of the
 * same memory, in whatever process, was made of that dma-buf, it has the same.
 */
#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <drm/drm.h>
#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_vma_manager.h>

#include "kfd.h"

MODULE_IMPORT_NS(DMA_BUF);

/* Where KFD makes dma-bufs: it gives a descriptor, which is not kept. */
static struct dma_buf *export_by_kfd(struct rocsvm_space *space,
				     const struct rocsvm_buffer *buf)
{
	int fd = rocsvm_kfd_export(space, buf->handle);
	struct dma_buf *dmabuf;

	if (fd < 0)
		return ERR_PTR(fd);
	dmabuf = dma_buf_get(fd);
	/*
	 * The number came through the program's memory. Closing must not hit
	 * the file that this ioctl is on: it is no dma-buf, and who shares the
	 * descriptors and could swap them now makes ioctl() hold the file.
	 */
	if (!IS_ERR(dmabuf))
		close_fd(fd);
	return dmabuf;
}

/*
 * A reference to the object at a buffer's offset in the render file, as that
 * file's mmap() would find it.
 */
static struct drm_gem_object *gem_object_get(const struct rocsvm_space *space,
					     const struct rocsvm_buffer *buf)
{
	struct drm_file *drm = space->gpus[buf->gpu].drm->private_data;
	struct drm_vma_offset_manager *manager =
		drm->minor->dev->vma_offset_manager;
	u64 length = rocsvm_range_length(&buf->range);
	struct drm_gem_object *obj = NULL;
	struct drm_vma_offset_node *node;

	drm_vma_offset_lock_lookup(manager);
	node = drm_vma_offset_exact_lookup_locked(manager, buf->mmap_pgoff,
						  length >> PAGE_SHIFT);
	if (node) {
		obj = container_of(node, struct drm_gem_object, vma_node);
		/* On its way out it stays in the tree for a while. */
		if (!kref_get_unless_zero(&obj->refcount))
			obj = NULL;
	}
	drm_vma_offset_unlock_lookup(manager);
	if (!obj || (drm_vma_node_is_allowed(&obj->vma_node, drm) &&
		     obj->size == length))
		return obj;
	drm_gem_object_put(obj);
	return NULL;
}

/*
 * What is known of an object is written into it, where amdgpu has no use for
 * it: that it had no dma-buf when it was noted, and that it has been given one.
 */
static char object_is_new, object_is_exported;

/*
 * A new object of KFD's has one reference, KFD's own, and no GEM handle. One
 * with a dma-buf has one more, and DRM makes none without a handle.
 *
 * KFD's IMPORT allows the render file an object before it takes its reference.
 * A program that is at that point with an old object, in one thread, and puts
 * its offset where KFD has just put the new one's, in another, would have it
 * noted: two instants to hit at once, for a warning of DRM's.
 */
static void gem_object_note(struct drm_gem_object *obj)
{
	struct drm_device *dev = obj->dev;

	mutex_lock(&dev->object_name_lock);
	/* KFD's reference, and the caller's. */
	if (kref_read(&obj->refcount) == 2 && !obj->handle_count &&
	    !obj->vma_node.driver_private)
		obj->vma_node.driver_private = &object_is_new;
	mutex_unlock(&dev->object_name_lock);
}

/* Once only, so that it is the only one. */
static struct dma_buf *gem_object_export(struct drm_gem_object *obj, int flags)
{
	struct drm_device *dev = obj->dev;
	struct dma_buf *dmabuf;

	mutex_lock(&dev->object_name_lock);
	if (obj->vma_node.driver_private != &object_is_new ||
	    obj->handle_count || !obj->funcs || !obj->funcs->export) {
		dmabuf = ERR_PTR(-EINVAL);
	} else {
		dmabuf = obj->funcs->export(obj, flags);
		if (!IS_ERR(dmabuf))
			obj->vma_node.driver_private = &object_is_exported;
	}
	mutex_unlock(&dev->object_name_lock);
	return dmabuf;
}

/*
 * Where KFD does not make dma-bufs: amdgpu itself, of the object that the
 * buffer's mmap offset leads to.
 *
 * The offset came through the program's memory, so it can be that of another
 * object; but of none that the render file may not map, so that nobody gets
 * what he has not got, and of none that may have a dma-buf.
 */
static struct dma_buf *export_by_drm(struct rocsvm_space *space,
				     const struct rocsvm_buffer *buf)
{
	/* As KFD does where it makes them. */
	int flags = buf->flags & ROCSVM_ALLOC_READONLY ? DRM_CLOEXEC :
							 DRM_CLOEXEC | DRM_RDWR;
	struct drm_gem_object *obj = gem_object_get(space, buf);
	struct dma_buf *dmabuf;

	if (!obj)
		return ERR_PTR(-EINVAL);
	dmabuf = gem_object_export(obj, flags);
	drm_gem_object_put(obj);
	return dmabuf;
}

static bool is_shareable(const struct rocsvm_buffer *buf)
{
	return (buf->kind == ROCSVM_KIND_GTT || buf->kind == ROCSVM_KIND_VRAM ||
		buf->kind == ROCSVM_KIND_PRIVATE_VRAM) &&
	       !(buf->flags & ROCSVM_ALLOC_AQL_QUEUE);
}

/**
 * rocsvm_share_note - see a buffer's object while it is new
 * @space: the space
 * @buf: has just been allocated by KFD
 *
 * Only an object that was seen then can be exported without KFD's help: later
 * there is no telling whether it has a dma-buf already.
 */
void rocsvm_share_note(struct rocsvm_space *space,
		       const struct rocsvm_buffer *buf)
{
	struct drm_gem_object *obj;

	if (!is_shareable(buf) || rocsvm_kfd_can_export(space))
		return;
	obj = gem_object_get(space, buf);
	if (!obj)
		return;
	gem_object_note(obj);
	drm_gem_object_put(obj);
}

/* Make sure that the buffer has its dma-buf. */
static int buffer_export(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	struct dma_buf *dmabuf;

	if (!is_shareable(buf))
		return -EOPNOTSUPP;
	if (buf->dmabuf)
		return 0;
	if (rocsvm_kfd_gpu_is_gone(space, buf->gpu))
		return -ENODEV;

	if (rocsvm_kfd_can_export(space))
		dmabuf = export_by_kfd(space, buf);
	else
		dmabuf = export_by_drm(space, buf);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (dmabuf->size != rocsvm_range_length(&buf->range)) {
		dma_buf_put(dmabuf);
		return -EINVAL;
	}
	buf->dmabuf = dmabuf;
	return 0;
}

static int export_locked(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_export *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;
	int fd, err;

	buf = rocsvm_buffer_at(ucmd->space, cmd->va);
	if (!buf)
		return -ENOENT;
	err = buffer_export(ucmd->space, buf);
	if (err)
		return err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	cmd->fd = fd;
	err = rocsvm_ucmd_respond(ucmd);
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	/* From here on it is the program's. */
	get_dma_buf(buf->dmabuf);
	fd_install(fd, buf->dmabuf->file);
	return 0;
}

/* ioctl(ROCSVM_EXPORT) */
int rocsvm_export(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_export *cmd = ucmd->cmd;
	int err;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	err = export_locked(ucmd);
	mutex_unlock(&space->lock);
	return err;
}

/*
 * What the dma-buf is. KFD looks the descriptor up by itself, each time, and
 * another thread can have put something else there: the size that KFD tells,
 * and what it then has at the address, need not be @dmabuf's. The CPU's mapping
 * is of @dmabuf alone and no longer than that; a GPU's mapping can only spoil
 * the program's own GPU addresses, which KFD's ioctls let it do anyway.
 */
static int import_describe(struct rocsvm_space *space, int fd,
			   const struct dma_buf *dmabuf,
			   struct rocsvm_alloc *alloc)
{
	int err, gpu;
	u64 size;

	err = rocsvm_kfd_dmabuf_info(space, fd, &alloc->gpu_id, &size,
				     &alloc->kind);
	if (err)
		return err;
	if (size != dmabuf->size)
		return -EINVAL;
	gpu = rocsvm_space_gpu(space, alloc->gpu_id);
	if (gpu < 0)
		return gpu;
	if (alloc->kind == ROCSVM_KIND_VRAM && !space->gpus[gpu].canonical)
		alloc->kind = ROCSVM_KIND_PRIVATE_VRAM;
	alloc->flags |= ROCSVM_ALLOC_IMPORTED;
	return 0;
}

static int import_as(struct rocsvm_ucmd *ucmd, const struct rocsvm_alloc *alloc,
		     const u32 *ids, struct dma_buf *dmabuf)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_import *cmd = ucmd->cmd;
	struct rocsvm_buffer *buf;
	int err;

	buf = rocsvm_buffer_new();
	if (!buf)
		return -ENOMEM;
	get_dma_buf(dmabuf);
	buf->dmabuf = dmabuf;
	err = rocsvm_buffer_create(space, buf, alloc, ids, cmd->fd);
	if (err)
		return err;

	cmd->gpu_id = alloc->gpu_id;
	cmd->kind = alloc->kind;
	cmd->va = rocsvm_range_base(&buf->range);
	cmd->length = rocsvm_range_length(&buf->range);
	err = rocsvm_ucmd_respond(ucmd);
	if (err)
		rocsvm_buffer_abort(space, buf);
	return err;
}

static int import_locked(struct rocsvm_ucmd *ucmd, struct rocsvm_alloc *alloc,
			 const u32 *ids, struct dma_buf *dmabuf)
{
	const struct rocsvm_import *cmd = ucmd->cmd;
	int err;

	err = import_describe(ucmd->space, cmd->fd, dmabuf, alloc);
	if (err)
		return err;
	err = import_as(ucmd, alloc, ids, dmabuf);
	/* amdgpu's word for an object that was made for no CPU to map. */
	if (err == -EPERM && alloc->kind == ROCSVM_KIND_VRAM) {
		alloc->kind = ROCSVM_KIND_PRIVATE_VRAM;
		err = import_as(ucmd, alloc, ids, dmabuf);
	}
	return err;
}

static int import_dmabuf(struct rocsvm_ucmd *ucmd, struct dma_buf *dmabuf)
{
	struct rocsvm_space *space = ucmd->space;
	const struct rocsvm_import *cmd = ucmd->cmd;
	struct rocsvm_alloc alloc = {
		.flags = cmd->flags,
		.kind = ROCSVM_KIND_GTT,	/* until it is known */
		.va = cmd->va,
		.length = dmabuf->size,
		.alignment = cmd->alignment,
		.guard = cmd->guard,
		.num_gpus = cmd->num_gpus,
		.tag = cmd->tag,
	};
	u32 ids[ROCSVM_MAX_GPUS];
	int err;

	err = rocsvm_alloc_check(&alloc, ROCSVM_ALLOC_FIXED);
	if (err)
		return err;
	err = rocsvm_copy_gpu_ids(ids, cmd->gpu_ids, cmd->num_gpus);
	if (err)
		return err;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	err = import_locked(ucmd, &alloc, ids, dmabuf);
	mutex_unlock(&space->lock);
	return err;
}

/* ioctl(ROCSVM_IMPORT) */
int rocsvm_import(struct rocsvm_ucmd *ucmd)
{
	const struct rocsvm_import *cmd = ucmd->cmd;
	struct dma_buf *dmabuf;
	int err = -EACCES;

	if (cmd->flags & ~ROCSVM_ALLOC_FIXED)
		return -EOPNOTSUPP;
	dmabuf = dma_buf_get(cmd->fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	/* The window's mappings can be written to. */
	if (dmabuf->file->f_mode & FMODE_WRITE)
		err = import_dmabuf(ucmd, dmabuf);
	dma_buf_put(dmabuf);
	return err;
}
