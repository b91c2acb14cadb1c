// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a buffer once it has its addresses: memory, mapping to GPUs, the
 * end.
 *
 * Memory is a host buffer's pages and its opening in the gate, then KFD's
 * object at the same address, then the CPU's mapping where that is the
 * driver's. Freed in this order: UNMAP, KFD FREE, and only then the CPU's
 * side, as a GPU must never reach what is no longer the buffer's.
 */
#include <linux/dma-buf.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "kfd.h"
#include "view.h"

/* Addresses and lengths as the window's functions take them. */
static unsigned long buffer_base(const struct rocsvm_buffer *buf)
{
	return rocsvm_range_base(&buf->range);
}

static bool is_canonical(const struct rocsvm_space *space,
			 const struct rocsvm_buffer *buf)
{
	return space->gpus[buf->gpu].canonical;
}

/**
 * rocsvm_buffer_file - the driver's file that maps a buffer for the CPU
 * @space: the space
 * @buf: a buffer of a kind that has one
 *
 * Return: the file; no reference is taken.
 */
struct file *rocsvm_buffer_file(const struct rocsvm_space *space,
				const struct rocsvm_buffer *buf)
{
	if (buf->flags & ROCSVM_ALLOC_IMPORTED)
		return buf->dmabuf->file;
	if (buf->kind == ROCSVM_KIND_DOORBELL ||
	    buf->kind == ROCSVM_KIND_MMIO_REMAP)
		return space->kfd;
	return space->gpus[buf->gpu].drm;
}

/* Whether the driver's mapping takes the place of the window's. */
static bool is_carved_kind(u32 kind)
{
	return kind == ROCSVM_KIND_GTT || kind == ROCSVM_KIND_VRAM ||
	       kind == ROCSVM_KIND_DOORBELL || kind == ROCSVM_KIND_MMIO_REMAP;
}

/* The ring of an AQL queue has its memory twice, side by side. */
static unsigned int num_parts(const struct rocsvm_buffer *buf)
{
	return buf->flags & ROCSVM_ALLOC_AQL_QUEUE ? 2 : 1;
}

static int buffer_carve(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	unsigned long length = rocsvm_range_length(&buf->range) / num_parts(buf);
	pgoff_t pgoff = buf->mmap_pgoff;
	unsigned int i;
	int err = 0;

	/* From here on there may be a hole or the driver's mapping. */
	buf->carved = true;
	for (i = 0; i < num_parts(buf) && !err; i++) {
		pgoff = buf->mmap_pgoff;
		err = rocsvm_window_carve(space, buffer_base(buf) + i * length,
					  length, rocsvm_buffer_file(space, buf),
					  &pgoff);
	}
	buf->mmap_pgoff = pgoff;
	return err;
}

typedef int (*carve_fn)(struct rocsvm_space *space, unsigned long addr,
			unsigned long length, struct file *file, pgoff_t pgoff);

/* One of rocsvm_window_restore() and rocsvm_window_heal(), for all parts. */
static int buffer_uncarve(struct rocsvm_space *space,
			  const struct rocsvm_buffer *buf, carve_fn fn)
{
	unsigned long length = rocsvm_range_length(&buf->range) / num_parts(buf);
	int one, err = 0;
	unsigned int i;

	for (i = 0; i < num_parts(buf); i++) {
		one = fn(space, buffer_base(buf) + i * length, length,
			 rocsvm_buffer_file(space, buf), buf->mmap_pgoff);
		if (one)
			err = one;
	}
	return err;
}

/* Addresses that can't be given out: KFD or the program may be using them. */
static void buffer_quarantine(struct rocsvm_space *space,
			      struct rocsvm_buffer *buf)
{
	buf->quarantined = true;
	/* What is lost is not tried again, however many there are. */
	if (buf->lost)
		INIT_LIST_HEAD(&buf->link);
	else
		list_add_tail(&buf->link, &space->quarantine);
	rocsvm_show(space, buf);
	rocsvm_stat_inc(space->view, ROCSVM_STAT_QUARANTINED);
}

static void buffer_release(struct rocsvm_space *space,
			   struct rocsvm_buffer *buf)
{
	struct rocsvm_region *region = rocsvm_buffer_region(space, buf);

	rocsvm_uncharge(space, ROCSVM_LIMIT_BUFFERS);
	rocsvm_view_lock(space);
	rocsvm_range_remove(region, &buf->range);
	rocsvm_view_unlock(space);
	if (rocsvm_buffer_inside(buf))
		rocsvm_region_fini(buf->inside);
	if (buf->kind == ROCSVM_KIND_HOST)
		rocsvm_buffer_destroy_rcu(buf);
	else
		rocsvm_buffer_destroy(buf);
}

/* In the mmap aperture, what has a piece of its own. */
static bool has_piece(const struct rocsvm_space *space,
		      const struct rocsvm_buffer *buf)
{
	return space->window.pieces && !buf->nested && is_canonical(space, buf);
}

/**
 * rocsvm_buffers_retry - take back from quarantine what can be taken back now
 * @space: the space
 */
void rocsvm_buffers_retry(struct rocsvm_space *space)
{
	struct rocsvm_buffer *buf, *next;
	int err;

	list_for_each_entry_safe(buf, next, &space->quarantine, link) {
		if (fatal_signal_pending(current))
			return;
		cond_resched();
		if (has_piece(space, buf))
			err = rocsvm_piece_unmap(space, buf);
		else
			err = buffer_uncarve(space, buf, rocsvm_window_heal);
		if (err)
			continue;
		list_del(&buf->link);
		rocsvm_hide(space, buf);
		buffer_release(space, buf);
	}
}

/* Memory of the window's own, behind an open gate. */
static int host_get_pages(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	int huge;

	huge = rocsvm_window_fill(space, buf);
	if (huge < 0) {
		rocsvm_window_punch(space, buf);
		return huge;
	}
	rocsvm_window_open(space, buf);
	rocsvm_window_prefault(buf, huge);
	return 0;
}

static void host_put_pages(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	rocsvm_window_close(space, buf);
	rocsvm_window_punch(space, buf);
}

/* The addresses of a buffer that has no memory any more. Never fails. */
static void buffer_give_back(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf)
{
	int err = 0;

	if (has_piece(space, buf))
		err = rocsvm_piece_unmap(space, buf);
	else if (buf->carved)
		err = buffer_uncarve(space, buf, rocsvm_window_restore);
	if (err)
		buffer_quarantine(space, buf);
	else
		buffer_release(space, buf);
}

/*
 * The CPU's side of a buffer that KFD has forgotten, and its addresses. Never
 * fails: what can't be taken back goes into quarantine.
 */
static void buffer_retire(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	if (buf->kind == ROCSVM_KIND_HOST)
		host_put_pages(space, buf);
	if (space->gpus[buf->gpu].scratch_buf == buf)
		space->gpus[buf->gpu].scratch_buf = NULL;
	buffer_give_back(space, buf);
}

/*
 * KFD may have a buffer there that can't be named: not to be used again. A host
 * buffer's pages stay, behind an open gate, as GPUs may have them.
 */
static void buffer_lose(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	buf->lost = true;
	buffer_quarantine(space, buf);
}

/* KFD's object, or what stands for it. */
static int buffer_get_object(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf, int dmabuf_fd)
{
	struct rocsvm_gpu *gpu = &space->gpus[buf->gpu];
	int err;

	switch (buf->kind) {
	case ROCSVM_KIND_ADDRESS:
		return 0;
	case ROCSVM_KIND_SCRATCH:
		err = rocsvm_kfd_set_scratch(space, gpu->gpu_id,
					     buffer_base(buf));
		if (!err)
			gpu->scratch_buf = buf;
		return err;
	default:
		if (rocsvm_kfd_gpu_is_gone(space, buf->gpu))
			return -ENODEV;
		if (buf->flags & ROCSVM_ALLOC_IMPORTED)
			return rocsvm_kfd_import(space, buf, dmabuf_fd);
		err = rocsvm_kfd_alloc(space, buf);
		/* The program has made the window read-only there. */
		if (err == -EPERM && buf->kind == ROCSVM_KIND_HOST)
			err = -EFAULT;
		if (!err)
			rocsvm_share_note(space, buf);
		return err;
	}
}

/* And the end of it. */
static int buffer_put_object(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf)
{
	switch (buf->kind) {
	case ROCSVM_KIND_ADDRESS:
		return 0;
	case ROCSVM_KIND_SCRATCH:
		return rocsvm_kfd_set_scratch(space,
					      space->gpus[buf->gpu].gpu_id, 0);
	default:
		return rocsvm_kfd_free(space, buf->handle);
	}
}

/**
 * rocsvm_buffer_populate - memory and mapping for a buffer with addresses
 * @space: the space
 * @buf: the buffer; gone on failure
 * @dmabuf_fd: where to import it from, if it has ROCSVM_ALLOC_IMPORTED
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_buffer_populate(struct rocsvm_space *space,
			   struct rocsvm_buffer *buf, int dmabuf_fd)
{
	int err;

	if (is_canonical(space, buf) && !rocsvm_window_covers(space, buf)) {
		buffer_give_back(space, buf);
		return -EFAULT;
	}
	if (buf->kind == ROCSVM_KIND_HOST) {
		err = host_get_pages(space, buf);
		if (err) {
			buffer_give_back(space, buf);
			return err;
		}
	}

	err = buffer_get_object(space, buf, dmabuf_fd);
	if (err) {
		if (buf->lost)
			buffer_lose(space, buf);
		else
			buffer_retire(space, buf);
		return err;
	}

	if (!is_carved_kind(buf->kind) || !is_canonical(space, buf))
		return 0;
	err = buffer_carve(space, buf);
	if (!err)
		return 0;
	if (rocsvm_kfd_free(space, buf->handle))
		buffer_lose(space, buf);
	else
		buffer_retire(space, buf);
	return err;
}

static int buffer_unmap(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			u64 gpus)
{
	u64 done;
	int err;

	err = rocsvm_kfd_unmap(space, buf->handle, gpus, &done);
	buf->mapped &= ~done;
	return err;
}

/* One by one: KFD says -EINVAL of one that is not mapped, and stops there. */
static int buffer_unmap_each(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf, u64 gpus)
{
	int one, err = 0;
	u64 bit;

	for (; gpus; gpus &= ~bit) {
		bit = gpus & -gpus;
		one = buffer_unmap(space, buf, bit);
		if (one == -EINVAL)
			buf->mapped &= ~bit;
		else if (one)
			err = one;
	}
	return err;
}

/**
 * rocsvm_buffer_unmap - take access away from GPUs
 * @space: the space
 * @buf: the buffer, or the segment of registered memory
 * @gpus: bit mask of GPUs by index, not 0
 *
 * The program may have used KFD's own ioctls on it, or have kept KFD from
 * saying that it was done: then it is no error.
 *
 * Return: 0 or KFD's errno; buf->mapped is what is left in either case.
 */
int rocsvm_buffer_unmap(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			u64 gpus)
{
	int err = buffer_unmap(space, buf, gpus);

	if (err == -EINVAL)
		err = buffer_unmap_each(space, buf, gpus & buf->mapped);
	return err;
}

/* A GPU that is managed apart has its own buffers only, and no other's. */
static bool gpus_fit(const struct rocsvm_space *space,
		     const struct rocsvm_buffer *buf, u64 gpus)
{
	unsigned int i;

	if (!is_canonical(space, buf))
		return gpus == BIT_ULL(buf->gpu);
	for (i = 0; i < space->num_gpus; i++)
		if (gpus & BIT_ULL(i) && !space->gpus[i].canonical)
			return false;
	return true;
}

/**
 * rocsvm_buffer_map - give GPUs access, all of them or none
 * @space: the space
 * @buf: the buffer, or the segment of registered memory
 * @gpus: bit mask of GPUs by index
 *
 * Return: 0 or KFD's errno; -ENODEV for a GPU that can't address it, or where
 * KFD's is gone; -EINVAL if there is no memory to map.
 */
int rocsvm_buffer_map(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		      u64 gpus)
{
	u64 done;
	int err;

	gpus &= ~buf->mapped;
	if (!gpus)
		return 0;
	if (rocsvm_buffer_inside(buf))
		return -EINVAL;
	if (!gpus_fit(space, buf, gpus) ||
	    rocsvm_kfd_gpu_is_gone(space, buf->gpu))
		return -ENODEV;

	err = rocsvm_kfd_map(space, buf->handle, gpus, &done);
	buf->mapped |= done;
	if (err)
		buffer_unmap_each(space, buf, done);
	return err;
}

/**
 * rocsvm_buffer_kfd_free - give a buffer back to KFD, unmapped from all GPUs
 * @space: the space
 * @buf: the buffer, or the segment of registered memory
 *
 * Return: 0, or KFD's errno; then KFD still has it.
 */
int rocsvm_buffer_kfd_free(struct rocsvm_space *space,
			   struct rocsvm_buffer *buf)
{
	int unmap_err = 0, err;

	if (buf->mapped)
		unmap_err = rocsvm_buffer_unmap(space, buf, buf->mapped);
	/*
	 * Freed over KFD's own ioctl: -ENOMEM, no such handle. FREE is -EBUSY
	 * if it is mapped anywhere.
	 */
	if (unmap_err && unmap_err != -ENOMEM)
		return unmap_err;

	err = buffer_put_object(space, buf);
	return err && unmap_err ? unmap_err : err;
}

/**
 * rocsvm_buffer_count - count a buffer that comes to life, or ends
 * @space: the space
 * @buf: the buffer
 * @n: 1 or -1
 */
void rocsvm_buffer_count(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			 int n)
{
	/* Addresses are no bytes, and what is inside them is counted itself. */
	s64 bytes = rocsvm_is_reservation(buf->kind) ? 0 :
		    n * (s64)rocsvm_range_length(&buf->range);

	space->num_buffers += n;
	space->buffer_bytes += bytes;
	rocsvm_count_buffer(n, bytes);
	if (n > 0)
		rocsvm_show(space, buf);
	else
		rocsvm_hide(space, buf);
}

/**
 * rocsvm_buffer_free - unmap and free a live buffer
 * @space: the space
 * @buf: the buffer; gone on success, lives on if not
 *
 * Return: 0; -EBUSY for an address reservation with a buffer in it; KFD's
 * errno.
 */
int rocsvm_buffer_free(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	int err;

	if (rocsvm_buffer_inside(buf) && !rocsvm_region_empty(buf->inside))
		return -EBUSY;
	err = rocsvm_buffer_kfd_free(space, buf);
	if (err)
		return err;

	rocsvm_buffer_count(space, buf, -1);
	buffer_retire(space, buf);
	return 0;
}

/**
 * rocsvm_buffer_abort - end a buffer that its caller never got to know
 * @space: the space
 * @buf: a live buffer
 */
void rocsvm_buffer_abort(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	if (!rocsvm_buffer_free(space, buf))
		return;
	/* KFD does not let go: neither do its addresses. */
	rocsvm_buffer_count(space, buf, -1);
	buffer_lose(space, buf);
}

/* Any one of the ranges left in a region, or NULL. */
static struct rocsvm_buffer *any_buffer(struct rocsvm_region *region)
{
	struct rocsvm_range *range = rocsvm_range_next(region, region->base);
	struct rocsvm_buffer *buf;

	if (!range)
		return NULL;
	buf = container_of(range, struct rocsvm_buffer, range);
	/* What is inside a reservation goes before it. */
	if (rocsvm_buffer_inside(buf) && !rocsvm_region_empty(buf->inside))
		return any_buffer(buf->inside);
	return buf;
}

/* What a buffer leaves in the books of its space, but for its addresses. */
static void leave_space(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	if (buf->quarantined) {
		list_del(&buf->link);
		rocsvm_hide(space, buf);
	} else {
		rocsvm_buffer_count(space, buf, -1);
	}
	if (space->gpus[buf->gpu].scratch_buf == buf)
		space->gpus[buf->gpu].scratch_buf = NULL;
}

static int window_uncarve(struct rocsvm_space *space, unsigned long addr,
			  unsigned long length, struct file *file,
			  pgoff_t pgoff)
{
	rocsvm_window_uncarve(space, addr, length, file, pgoff);
	return 0;
}

/* In the process itself; its window is unmapped next. */
static void end_buffer(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	if (!buf->quarantined) {
		if (buf->mapped)
			rocsvm_buffer_unmap(space, buf, buf->mapped);
		buffer_put_object(space, buf);
	}
	/* KFD has been interrupted, maybe, and GPUs may have it still. */
	if (fatal_signal_pending(current))
		return;
	if ((!buf->quarantined || buf->lost) && buf->kind == ROCSVM_KIND_HOST)
		rocsvm_window_close(space, buf);
	if (buf->carved)
		buffer_uncarve(space, buf, window_uncarve);
	leave_space(space, buf);
	buffer_release(space, buf);
	cond_resched();
}

static void end_buffers(struct rocsvm_space *space,
			struct rocsvm_region *region)
{
	struct rocsvm_buffer *buf;

	while (!fatal_signal_pending(current) && (buf = any_buffer(region)))
		end_buffer(space, buf);
}

/**
 * rocsvm_buffers_free_all - give all buffers back to KFD
 * @space: the space; its window is unmapped next, unless the caller is killed
 *
 * In the process itself. Where it is being killed nothing more is done.
 */
void rocsvm_buffers_free_all(struct rocsvm_space *space)
{
	unsigned int i;

	for (i = 0; i < ROCSVM_NUM_REGIONS; i++)
		end_buffers(space, &space->regions[i]);
	for (i = 0; i < space->num_gpus; i++)
		end_buffers(space, &space->gpus[i].apart);
}

/* The mm has no user left, nor have its faults: nobody looks at an opening. */
static void forget_buffer(struct rocsvm_range *range, void *data)
{
	struct rocsvm_buffer *buf = container_of(range, struct rocsvm_buffer,
						 range);
	struct rocsvm_space *space = data;

	leave_space(space, buf);
	rocsvm_uncharge(space, ROCSVM_LIMIT_BUFFERS);
	if (rocsvm_buffer_inside(buf))
		rocsvm_region_abandon(buf->inside, forget_buffer, space);
	rocsvm_buffer_destroy(buf);
	cond_resched();
}

/**
 * rocsvm_buffers_forget - drop what is known of all buffers
 * @space: the space, whose mm is going
 */
void rocsvm_buffers_forget(struct rocsvm_space *space)
{
	unsigned int i;

	if (space->window.work) {
		rocsvm_gate_shut(space->window.page_file->private_data);
		rocsvm_gate_shut(space->window.huge_file->private_data);
	}
	for (i = 0; i < ROCSVM_NUM_REGIONS; i++)
		rocsvm_region_abandon(&space->regions[i], forget_buffer, space);
	for (i = 0; i < space->num_gpus; i++)
		rocsvm_region_abandon(&space->gpus[i].apart, forget_buffer,
				      space);
}
