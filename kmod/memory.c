// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller's own memory: whether it can be registered, which files are behind
 * it, and its pages.
 */
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "segment.h"

/* How many pages are faulted in between two looks for a fatal signal. */
#define POPULATE_BATCH	512

/* Whether there is a file behind a mapping that can be truncated. */
static bool has_regular_file(const struct vm_area_struct *vma)
{
	return vma->vm_file && S_ISREG(file_inode(vma->vm_file)->i_mode);
}

static pgoff_t file_offset(const struct vm_area_struct *vma, u64 addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

/* Whether the file behind a mapping has ended before a page of it. */
static bool behind_end_of_file(const struct vm_area_struct *vma, u64 addr)
{
	return has_regular_file(vma) &&
	       file_offset(vma, addr) >= rocsvm_file_pages(vma->vm_file);
}

/*
 * Whether a file has its new size before its pages are taken out of mappings.
 * Of ext4, for one, fallocate(FALLOC_FL_COLLAPSE_RANGE) does it the other way.
 */
static bool shrinks_before_zap(const struct file *file)
{
	unsigned long magic = file_inode(file)->i_sb->s_magic;

	return magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC;
}

/* The program has memory up to page @last of a mapping. */
static void backing_add(struct rocsvm_backing *backing,
			const struct vm_area_struct *vma, u64 last)
{
	if (!has_regular_file(vma))
		return;
	if (!backing->file)
		backing->file = get_file(vma->vm_file);
	if (file_inode(backing->file) == file_inode(vma->vm_file))
		backing->end = max(backing->end, file_offset(vma, last) + 1);
	else
		backing->look_again = true;
	backing->look_again |= !shrinks_before_zap(vma->vm_file);
}

/**
 * rocsvm_memory_check - whether memory can be registered
 * @mm: current->mm
 * @pages: the memory
 * @backing: out, on success: the files; the reference is the caller's. Or NULL
 *
 * What KFD would say, without its lines in the kernel log.
 *
 * Return: 0; -EFAULT if nothing is mapped somewhere, or a device; -EPERM if the
 * program may not write somewhere; -EINTR.
 */
int rocsvm_memory_check(struct mm_struct *mm, const struct rocsvm_pages *pages,
			struct rocsvm_backing *backing)
{
	VMA_ITERATOR(vmi, mm, pages->base);
	struct rocsvm_backing found = {};
	struct vm_area_struct *vma;
	u64 addr = pages->base;
	int err = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for_each_vma_range(vmi, vma, pages->end) {
		u64 last = min_t(u64, vma->vm_end, pages->end) - PAGE_SIZE;

		if (vma->vm_start > addr ||
		    vma->vm_flags & (VM_IO | VM_PFNMAP) ||
		    !(vma->vm_flags & VM_READ) ||
		    behind_end_of_file(vma, last))
			err = -EFAULT;
		else if (!(vma->vm_flags & VM_WRITE))
			err = -EPERM;
		if (err)
			break;
		if (backing)
			backing_add(&found, vma, last);
		addr = vma->vm_end;
	}
	if (!err && addr < pages->end)
		err = -EFAULT;
	mmap_read_unlock(mm);

	if (err)
		rocsvm_backing_drop(&found);
	else if (backing)
		*backing = found;
	return err;
}

/**
 * rocsvm_memory_populate - let memory have its pages, all of them writable
 * @pages: the memory
 *
 * KFD would do it, but under its locks, whatever signal is pending, and also
 * for memory that nobody but the program may get at (memfd_secret()): that can't
 * be registered. If the program maps it over registered memory later on KFD
 * follows nevertheless.
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_memory_populate(const struct rocsvm_pages *pages)
{
	u64 addr = pages->base;
	struct page **batch;
	int i, n = 0;

	batch = kmalloc_array(POPULATE_BATCH, sizeof(*batch), ROCSVM_GFP);
	if (!batch)
		return -ENOMEM;

	while (addr < pages->end) {
		n = min_t(u64, (pages->end - addr) >> PAGE_SHIFT,
			  POPULATE_BATCH);
		n = get_user_pages_fast(addr, n, FOLL_WRITE, batch);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++)
			put_page(batch[i]);
		addr += (u64)n << PAGE_SHIFT;
		if (fatal_signal_pending(current)) {
			n = -EINTR;
			break;
		}
		cond_resched();
	}
	kfree(batch);

	if (n < 0)
		return n;
	return addr < pages->end ? -EFAULT : 0;
}
