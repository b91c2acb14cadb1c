// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of host buffers: filled, let through by the gate, mapped, and in
 * the end punched out.
 *
 * All calls need space->lock, the current task's mm being the space's.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/uaccess.h>

#include "rocsvm.h"

/* How much is mapped by one fault for reading, unless set otherwise. */
#define FAULT_AROUND	SZ_64K

/**
 * rocsvm_window_fill - give a host buffer all its pages
 * @space: the space
 * @buf: the buffer; has its range
 *
 * Outside every KFD lock, and with an eye on kill -9 and on the memory
 * cgroup's limit, neither of which KFD has when it faults the pages in. Other
 * signals wait: to start anew after each of them could take for ever.
 *
 * All pages are dirty from the beginning: what GPUs write is seen in no page
 * table of the CPU's, and reclaim drops what is clean.
 *
 * Return: 1 if all are huge, and can be mapped so, else 0; -ENOMEM, or -EINTR.
 * On failure the caller punches.
 */
int rocsvm_window_fill(struct rocsvm_space *space,
		       const struct rocsvm_buffer *buf)
{
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	const struct rocsvm_gate *gate;
	struct folio *folio;
	pgoff_t pgoff, end;
	struct file *file;
	struct page *page;
	bool huge = buf->huge;
	loff_t offset;

	file = rocsvm_window_file(&space->window, buf->huge,
				  rocsvm_range_base(&buf->range), &offset);
	gate = file->private_data;
	if (READ_ONCE(gate->leftovers))
		rocsvm_window_punch(space, buf);

	pgoff = offset >> PAGE_SHIFT;
	end = pgoff + (rocsvm_range_length(&buf->range) >> PAGE_SHIFT);

	while (pgoff < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		page = shmem_read_mapping_page_gfp(file->f_mapping, pgoff, gfp);
		/* -ENOSPC: vm.overcommit_memory=2 and its limit. */
		if (IS_ERR(page))
			return PTR_ERR(page) == -ENOSPC ? -ENOMEM : PTR_ERR(page);
		/* A huge page brings all its neighbours. */
		folio = page_folio(page);
		pgoff = max(folio_next_index(folio), pgoff + 1);
		huge &= folio_size(folio) >= PMD_SIZE;
		set_page_dirty(page);
		put_page(page);
		cond_resched();
	}
	return huge;
}

/**
 * rocsvm_window_prefault - let a host buffer's pages be mapped
 * @buf: the buffer; it is filled, and its gate open
 * @huge: all its pages are huge
 *
 * KFD asks for its pages for writing, and gets them by one fault each where they
 * are not mapped. Reading maps many at once, ready to be written to. Where the
 * program lets nobody read, KFD has the last word.
 */
void rocsvm_window_prefault(const struct rocsvm_buffer *buf, bool huge)
{
	unsigned long addr = rocsvm_range_base(&buf->range);
	unsigned long end = addr + rocsvm_range_length(&buf->range);
	unsigned long step = huge ? PMD_SIZE : FAULT_AROUND;

	for (; addr < end; addr += step) {
		if (fatal_signal_pending(current) ||
		    fault_in_readable((char __user *)addr, 1))
			return;
		cond_resched();
	}
}

/**
 * rocsvm_window_punch - take a host buffer's pages away
 * @space: the space
 * @buf: the buffer
 *
 * The gate is closed, and no GPU is mapped to the pages.
 */
void rocsvm_window_punch(struct rocsvm_space *space,
			 const struct rocsvm_buffer *buf)
{
	struct file *file;
	loff_t offset;

	file = rocsvm_window_file(&space->window, buf->huge,
				  rocsvm_range_base(&buf->range), &offset);
	/* All at once: truncation would do it page by page. */
	unmap_mapping_pages(file->f_mapping, offset >> PAGE_SHIFT,
			    rocsvm_range_length(&buf->range) >> PAGE_SHIFT, false);
	shmem_truncate_range(file_inode(file), offset,
			     offset + rocsvm_range_length(&buf->range) - 1);
}

/**
 * rocsvm_window_open - open the gate for a host buffer
 * @space: the space
 * @buf: the buffer; has its range
 */
void rocsvm_window_open(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	struct file *file;
	loff_t offset;

	lockdep_assert_held(&space->lock);

	file = rocsvm_window_file(&space->window, buf->huge,
				  rocsvm_range_base(&buf->range), &offset);
	buf->opening.first = offset >> PAGE_SHIFT;
	buf->opening.last = buf->opening.first +
			    (rocsvm_range_length(&buf->range) >> PAGE_SHIFT) - 1;
	rocsvm_gate_open(file->private_data, &buf->opening);
}

/**
 * rocsvm_window_close - close the gate for a host buffer
 * @space: the space
 * @buf: the buffer; from now on it is freed after a grace period of RCU
 */
void rocsvm_window_close(struct rocsvm_space *space, struct rocsvm_buffer *buf)
{
	const struct rocsvm_window *window = &space->window;
	struct file *file = buf->huge ? window->huge_file : window->page_file;

	lockdep_assert_held(&space->lock);

	rocsvm_gate_close(file->private_data, &buf->opening);
}
