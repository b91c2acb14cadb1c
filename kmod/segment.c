// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments of registered memory: given to KFD, taken from it, and watched.
 *
 * KFD follows the program's mapping while there is memory. Where it finds none
 * it goes on with the pages that it had last (Linux 6.1): the GPUs get at what
 * is no longer the program's. So each segment has a notifier of its own, and
 * what is no memory any more is taken from KFD. That it was none is remembered,
 * as KFD may have looked in between: what has come in its place meanwhile is
 * given to KFD anew.
 *
 * A notifier can't do that: KFD wants to be called by the process, and not with
 * mmap_lock held. But when a task drops the last reference of a file, the file's
 * ->release is called by that task on its way back to user mode. So the space
 * keeps files for this purpose alone, the triggers: the notifier drops one, and
 * before munmap() returns the trigger's ->release has called KFD. The next
 * REGISTER or MAP does it where another process has taken the memory away, or
 * KFD has refused; and it, or one of the triggers that are on their way, where
 * there is none left: TRIGGERS threads wait at a time, or no file could be made.
 *
 * What is still mapped, but has lost its pages and can't have others (memory
 * that nobody brings, userfaultfd(2); a hole in a file, with no room to fill it)
 * is not told from reclaim, and left to KFD.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "kfd.h"
#include "segment.h"

/*
 * How many threads at a time can each wait for KFD when they unmap registered
 * memory. What one more takes away one of them takes from KFD: its munmap() may
 * have returned by then. Each costs an open file, made anew after it was used.
 */
#define TRIGGERS	4

/**
 * struct rocsvm_watch - what the notifiers of a space's segments share
 * @ref: held by each segment and by each trigger
 * @segments: how many there are; under space->lock
 * @lock: see below; a leaf
 * @suspects: segments of which something may have been unmapped
 * @puller: the last task that was to drop a trigger since suspects was emptied;
 *	only compared
 * @triggers: the files to be dropped, NULL where one is on its way; each holds
 *	a reference to the space
 * @space: the space
 *
 * Made with the first segment, ended with the last.
 */
struct rocsvm_watch {
	refcount_t ref;
	unsigned long segments;
	/* protects suspects, puller, and segments' gone and backing */
	spinlock_t lock;
	struct list_head suspects;
	struct task_struct *puller;
	struct file *triggers[TRIGGERS];
	struct rocsvm_space *space;
};

/* ---- the watch ---- */

static void watch_put(struct rocsvm_watch *watch)
{
	if (refcount_dec_and_test(&watch->ref))
		kfree(watch);
}

static int trigger_release(struct inode *inode, struct file *file);

static const struct file_operations trigger_fops = {
	.owner = THIS_MODULE,
	.release = trigger_release,
};

static struct file *trigger_create(struct rocsvm_watch *watch)
{
	struct file *file;

	if (rocsvm_space_get(watch->space))
		return NULL;
	refcount_inc(&watch->ref);
	file = anon_inode_getfile("[rocsvm-watch]", &trigger_fops, watch, 0);
	if (!IS_ERR(file))
		return file;
	rocsvm_space_put(watch->space);
	watch_put(watch);
	return NULL;
}

/*
 * Without a trigger nothing is lost but time. Under space->lock: nobody else
 * fills what is empty.
 */
static void watch_arm(struct rocsvm_watch *watch)
{
	struct file *file;
	int i;

	for (i = 0; i < TRIGGERS; i++) {
		if (READ_ONCE(watch->triggers[i]))
			continue;
		file = trigger_create(watch);
		if (!file)
			return;
		/* The file is whole before a notifier finds it. */
		smp_store_release(&watch->triggers[i], file);
	}
}

/* Drop one of the triggers: false if there is none. */
static bool watch_pull(struct rocsvm_watch *watch)
{
	struct file *file;
	int i;

	for (i = 0; i < TRIGGERS; i++) {
		if (!READ_ONCE(watch->triggers[i]))
			continue;
		file = xchg(&watch->triggers[i], NULL);
		if (!file)
			continue;
		fput(file);
		return true;
	}
	return false;
}

/* The watch of a space, with a reference for one more segment. */
static struct rocsvm_watch *watch_get(struct rocsvm_space *space)
{
	struct rocsvm_segment *any = rocsvm_segment_next(space, 0, U64_MAX);
	struct rocsvm_watch *watch;

	if (any) {
		watch = any->watch;
		refcount_inc(&watch->ref);
	} else {
		watch = kzalloc(sizeof(*watch), ROCSVM_GFP);
		if (!watch)
			return NULL;
		refcount_set(&watch->ref, 1);
		spin_lock_init(&watch->lock);
		INIT_LIST_HEAD(&watch->suspects);
		watch->space = space;
	}
	WRITE_ONCE(watch->segments, watch->segments + 1);
	watch_arm(watch);
	return watch;
}

/* A segment lets go of it. */
static void watch_leave(struct rocsvm_watch *watch)
{
	WRITE_ONCE(watch->segments, watch->segments - 1);
	if (!watch->segments)
		while (watch_pull(watch))
			;
	watch_put(watch);
}

/*
 * Whether the memory may be gone. A change of protection is news only if it may
 * not be read and written any more: NUMA balancing makes many that are none.
 */
static bool is_taken_away(const struct rocsvm_segment *seg,
			  const struct mmu_notifier_range *range)
{
	const vm_flags_t rw = VM_READ | VM_WRITE;
	const struct vm_area_struct *vma;

	switch (range->event) {
	case MMU_NOTIFY_UNMAP:
		return true;
	case MMU_NOTIFY_PROTECTION_VMA:
		/* mmap_lock is held here, and mprotect() has set the flags. */
		vma = find_vma(range->mm, max_t(u64, range->start,
						rocsvm_segment_base(seg)));
		return !vma || (vma->vm_flags & rw) != rw;
	case MMU_NOTIFY_CLEAR:
		/* Reclaim and migration, or the file was truncated. */
		return READ_ONCE(seg->has_file);
	default:
		return false;
	}
}

/*
 * Whether the memory is gone for KFD, whatever comes in its place: KFD may have
 * looked in between, and have kept the pages that it had. Of what
 * is_taken_away().
 *
 * Reclaim and migration take nothing away: KFD finds the pages. If it were made
 * to forget them GPUs would fault. Most files have their new size before their
 * pages are taken out of mappings; see @look_again for the others. Under
 * watch->lock.
 */
static bool is_gone(const struct rocsvm_segment *seg,
		    const struct mmu_notifier_range *range)
{
	return range->event != MMU_NOTIFY_CLEAR ||
	       (seg->backing.file &&
		rocsvm_file_pages(seg->backing.file) < seg->backing.end);
}

/*
 * Called by whoever changes the mapping, or takes a page out of it: with
 * mmap_lock or the page's locks held, in reclaim, too. Takes no lock that a call
 * into KFD is made under, and needs no memory.
 */
static bool segment_invalidate(struct mmu_interval_notifier *notifier,
			       const struct mmu_notifier_range *range,
			       unsigned long seq)
{
	struct rocsvm_segment *seg = container_of(notifier,
						  struct rocsvm_segment,
						  notifier);
	struct rocsvm_watch *watch = seg->watch;
	bool gone;

	mmu_interval_set_seq(notifier, seq);
	if (!is_taken_away(seg, range))
		return true;

	spin_lock(&watch->lock);
	gone = is_gone(seg, range);
	if (!gone && !seg->backing.look_again)
		goto out;
	seg->gone |= gone;
	if (list_empty(&seg->suspect))
		list_add_tail(&seg->suspect, &watch->suspects);
	/*
	 * Anybody else's ->release could not call KFD, nor could that of a task
	 * which has left its mm by then. One is enough for all segments that a
	 * munmap() meets.
	 */
	if (rocsvm_space_is_current(watch->space) &&
	    !(current->flags & PF_EXITING) && watch->puller != current &&
	    watch_pull(watch))
		watch->puller = current;
out:
	spin_unlock(&watch->lock);
	return true;
}

static const struct mmu_interval_notifier_ops segment_notifier_ops = {
	.invalidate = segment_invalidate,
};

static int trigger_release(struct inode *inode, struct file *file)
{
	struct rocsvm_watch *watch = file->private_data;
	struct rocsvm_space *space = watch->space;

	/* Whatever becomes of this one. */
	spin_lock(&watch->lock);
	watch->puller = NULL;
	spin_unlock(&watch->lock);
	/* With the last segment gone there is nothing to look at. */
	if (READ_ONCE(watch->segments) && rocsvm_space_is_current(space) &&
	    !mutex_lock_killable(&space->lock)) {
		rocsvm_segments_drain_suspects(space);
		mutex_unlock(&space->lock);
	}
	watch_put(watch);
	rocsvm_space_put(space);
	return 0;
}

/* ---- segments ---- */

/**
 * rocsvm_segment_next - look a segment up
 * @space: the space
 * @from: first address
 * @end: behind the last one
 *
 * Return: the first segment that has an address in between, or NULL.
 */
struct rocsvm_segment *rocsvm_segment_next(struct rocsvm_space *space,
					   u64 from, u64 end)
{
	struct rocsvm_range *range;
	struct rocsvm_segment *seg;

	range = rocsvm_range_next(&space->registered, from);
	if (!range)
		return NULL;
	seg = container_of(range, struct rocsvm_segment, buf.range);
	return rocsvm_segment_base(seg) < end ? seg : NULL;
}

/* What may be truncated, with the reference that @backing has. */
static void segment_set_backing(struct rocsvm_segment *seg,
				const struct rocsvm_backing *backing)
{
	struct rocsvm_backing old;

	spin_lock(&seg->watch->lock);
	old = seg->backing;
	seg->backing = *backing;
	spin_unlock(&seg->watch->lock);
	WRITE_ONCE(seg->has_file, backing->file);
	rocsvm_backing_drop(&old);
}

static void segment_clear_backing(struct rocsvm_segment *seg)
{
	segment_set_backing(seg, &(struct rocsvm_backing){});
}

/**
 * rocsvm_segment_fill - give a segment to KFD, which does not have it
 * @space: the space
 * @seg: the segment
 * @gpus: bit mask of GPUs by index that get access
 *
 * Return: 0 or a negative errno, as of REGISTER. On failure KFD does not have
 * it, or it is lost.
 */
int rocsvm_segment_fill(struct rocsvm_space *space, struct rocsvm_segment *seg,
			u64 gpus)
{
	struct rocsvm_pages pages = {
		rocsvm_segment_base(seg), rocsvm_segment_end(seg),
	};
	struct rocsvm_backing backing;
	int err;

	if (seg->buf.lost)
		return -EBUSY;
	if (rocsvm_buffers_overlap(space, pages.base, pages.end - pages.base))
		return -EEXIST;
	if (rocsvm_kfd_gpu_is_gone(space, seg->buf.gpu))
		return -ENODEV;
	err = rocsvm_memory_check(space->mn.mm, &pages, &backing);
	if (err)
		return err;
	segment_set_backing(seg, &backing);
	err = rocsvm_kfd_alloc(space, &seg->buf);
	if (err) {
		seg->buf.handle = 0;
		segment_clear_backing(seg);
		return err;
	}
	if (!gpus)
		return 0;

	err = rocsvm_buffer_map(space, &seg->buf, gpus);
	if (err && rocsvm_segment_drain(space, seg))
		seg->buf.lost = true;
	return err;
}

static int segment_take(struct rocsvm_space *space, struct rocsvm_segment *seg)
{
	int err;

	if (!seg->buf.handle)
		return 0;
	err = rocsvm_buffer_kfd_free(space, &seg->buf);
	if (err)
		return err;
	seg->buf.handle = 0;
	seg->buf.mapped = 0;
	segment_clear_backing(seg);
	return 0;
}

/**
 * rocsvm_segment_drain - take a segment from KFD
 * @space: the space
 * @seg: the segment
 *
 * Return: 0 or a negative errno; KFD has it as before, then.
 */
int rocsvm_segment_drain(struct rocsvm_space *space, struct rocsvm_segment *seg)
{
	u64 gpus = seg->buf.mapped;
	int err;

	err = segment_take(space, seg);
	if (err)
		rocsvm_buffer_map(space, &seg->buf, gpus);
	return err;
}

/**
 * rocsvm_segment_release - forget a segment
 * @seg: the segment, which KFD does not have, or never gets to hear of
 */
void rocsvm_segment_release(struct rocsvm_segment *seg)
{
	struct rocsvm_watch *watch = seg->watch;

	/* After this nobody else puts it on the list. */
	mmu_interval_notifier_remove(&seg->notifier);
	spin_lock(&watch->lock);
	list_del(&seg->suspect);
	spin_unlock(&watch->lock);
	segment_clear_backing(seg);
	rocsvm_hide(watch->space, &seg->buf);
	rocsvm_view_lock(watch->space);
	rocsvm_range_remove(&watch->space->registered, &seg->buf.range);
	rocsvm_view_unlock(watch->space);
	rocsvm_uncharge(watch->space, ROCSVM_LIMIT_REGISTRATIONS);
	kfree(seg);
	watch_leave(watch);
}

/**
 * rocsvm_segment_retire - end a segment that no registration meets
 * @seg: the segment, drained or lost
 *
 * Where KFD may have something for good nothing else can ever be.
 */
void rocsvm_segment_retire(struct rocsvm_segment *seg)
{
	seg->buf.registrations = 0;
	rocsvm_hide(seg->watch->space, &seg->buf);
	if (!seg->buf.lost)
		rocsvm_segment_release(seg);
}

/**
 * rocsvm_segment_create - make a segment, and give it to KFD
 * @space: the space
 * @pages: where; no other segment is there
 * @cmd: flags and tag
 * @gpu: index of the GPU that KFD keeps it for
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_segment_create(struct rocsvm_space *space,
			  const struct rocsvm_pages *pages,
			  const struct rocsvm_register *cmd, unsigned int gpu)
{
	u64 length = pages->end - pages->base;
	struct rocsvm_segment *seg;
	sigset_t old;
	int err;

	err = rocsvm_charge(space, ROCSVM_LIMIT_REGISTRATIONS);
	if (err)
		return err;
	err = -ENOMEM;
	seg = kzalloc(sizeof(*seg), ROCSVM_GFP);
	if (!seg)
		goto err_uncharge;
	seg->watch = watch_get(space);
	if (!seg->watch)
		goto err_free;
	INIT_LIST_HEAD(&seg->suspect);
	seg->buf.kind = ROCSVM_KIND_REGISTERED;
	seg->buf.flags = cmd->flags;
	seg->buf.tag = cmd->tag;
	seg->buf.gpu = gpu;
	rocsvm_view_lock(space);
	err = rocsvm_range_insert_fixed(&space->registered, &seg->buf.range,
					pages->base, length, 0, 0);
	rocsvm_view_unlock(space);
	if (err)
		goto err_leave;
	/* The first of an mm is interrupted by any signal. */
	rocsvm_block_signals(&old);
	err = mmu_interval_notifier_insert(&seg->notifier, space->mn.mm,
					   pages->base, length,
					   &segment_notifier_ops);
	rocsvm_restore_signals(&old);
	if (err)
		goto err_remove;
	/* On its way into the tree till then, and not told of anything. */
	mmu_interval_read_begin(&seg->notifier);

	err = rocsvm_segment_fill(space, seg, 0);
	if (err)
		rocsvm_segment_retire(seg);
	return err;

err_remove:
	rocsvm_view_lock(space);
	rocsvm_range_remove(&space->registered, &seg->buf.range);
	rocsvm_view_unlock(space);
err_leave:
	watch_leave(seg->watch);
err_free:
	kfree(seg);
err_uncharge:
	rocsvm_uncharge(space, ROCSVM_LIMIT_REGISTRATIONS);
	return err;
}

/*
 * Look at the memory of a suspect, and take it from KFD if it is not all there,
 * or was not at some time. In that case what is there now is given to KFD anew;
 * where that fails the next REGISTER or MAP of it does so.
 */
static int suspect_drain(struct rocsvm_space *space, struct rocsvm_segment *seg,
			 bool gone)
{
	struct rocsvm_pages pages = {
		rocsvm_segment_base(seg), rocsvm_segment_end(seg),
	};
	u64 gpus = seg->buf.mapped;
	bool was_filled = seg->buf.handle;
	int missing, err;

	missing = rocsvm_memory_check(space->mn.mm, &pages, NULL);
	if (!missing && !gone)
		return 0;
	/* Of a process that is being killed KFD takes all of them at once. */
	if (fatal_signal_pending(current))
		return -EINTR;
	/* Not to be given back if KFD lets go of a part only. */
	err = segment_take(space, seg);
	if (!err && !missing && was_filled)
		rocsvm_segment_fill(space, seg, gpus);
	return err;
}

/**
 * rocsvm_segments_drain_suspects - take from KFD what has been unmapped
 * @space: the space
 *
 * What KFD does not let go is tried again the next time.
 */
void rocsvm_segments_drain_suspects(struct rocsvm_space *space)
{
	struct rocsvm_segment *seg = rocsvm_segment_next(space, 0, U64_MAX);
	struct rocsvm_watch *watch;
	LIST_HEAD(todo);
	LIST_HEAD(again);
	bool gone;
	int err;

	lockdep_assert_held(&space->lock);

	if (!seg)
		return;
	watch = seg->watch;
	/* First: what happens from here on is the next one's. */
	watch_arm(watch);
	spin_lock(&watch->lock);
	watch->puller = NULL;
	list_splice_init(&watch->suspects, &todo);
	while (!list_empty(&todo)) {
		seg = list_first_entry(&todo, struct rocsvm_segment, suspect);
		list_del_init(&seg->suspect);
		gone = seg->gone;
		seg->gone = false;
		spin_unlock(&watch->lock);

		err = suspect_drain(space, seg, gone);
		cond_resched();

		spin_lock(&watch->lock);
		if (err) {
			seg->gone |= gone;
			list_move_tail(&seg->suspect, &again);
		}
	}
	list_splice(&again, &watch->suspects);
	spin_unlock(&watch->lock);
}
