// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mmap aperture: buffers wherever the kernel's own mmap() places them.
 *
 * Nothing is reserved. Each buffer, or address reservation, has a piece: a
 * mapping of one of the window's files, with guard before and behind, that
 * lives as long as it does. An offset in the files is the address itself, so
 * gate, carving and punching work as they do in the window, and pieces of the
 * page file that stand side by side are one mapping. mmap() has to be told the
 * offset, so the address is looked for first.
 *
 * All calls need space->lock, the current task's mm being the space's.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "rocsvm.h"

/* How often registered memory that was unmapped may be in the way. */
#define ROCSVM_PIECE_TRIES	8

static struct file *piece_file(const struct rocsvm_window *window, bool huge)
{
	return huge ? window->huge_file : window->page_file;
}

/*
 * Where the kernel's own mmap() would place it, less what the alignment needs.
 * From the top of what it found, as it searches downwards.
 */
static unsigned long piece_search(struct file *file,
				  const struct rocsvm_piece *piece,
				  unsigned long hint)
{
	unsigned long total = piece->length + 2 * piece->guard;
	unsigned long pad = piece->alignment - PAGE_SIZE;
	unsigned long addr, first;

	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	addr = rocsvm_mm_get_unmapped_area(file, hint, total + pad,
					   ROCSVM_WINDOW_FLAGS);
	mmap_read_unlock(current->mm);
	if (IS_ERR_VALUE(addr))
		return addr;

	first = ALIGN_DOWN(addr + pad + piece->guard, piece->alignment);
	if (first < piece->low || first > piece->end ||
	    piece->length > piece->end - first)
		return -ENOMEM;
	return first - piece->guard;
}

static unsigned long piece_mmap(const struct rocsvm_window *window,
				struct file *file, unsigned long start,
				unsigned long length)
{
	const struct rocsvm_gate *gate = file->private_data;
	unsigned long ret;

	rocsvm_work_begin(window->work);
	ret = vm_mmap(file, start, length, ROCSVM_WINDOW_PROT,
		      ROCSVM_WINDOW_FLAGS | MAP_FIXED_NOREPLACE,
		      start + (gate->pgoff << PAGE_SHIFT));
	rocsvm_work_end(window->work);
	return ret;
}

/*
 * Map a piece where it fits, preferably at @hint; or at @fixed. What mmap()
 * says of RLIMIT_MEMLOCK and of the lowest address is said in ALLOC's words.
 */
static unsigned long piece_map(const struct rocsvm_window *window, bool huge,
			       const struct rocsvm_piece *piece,
			       unsigned long hint, unsigned long fixed)
{
	unsigned long total = piece->length + 2 * piece->guard;
	struct file *file = piece_file(window, huge);
	unsigned long start, ret;

	for (;;) {
		start = fixed ? fixed - piece->guard :
				piece_search(file, piece, hint);
		if (IS_ERR_VALUE(start))
			return start;
		ret = piece_mmap(window, file, start, total);
		if (fixed || ret != -EEXIST)
			break;
		/* A mmap() of another thread came between. */
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (ret == -EAGAIN)
		return -ENOMEM;
	if (ret == -EPERM)
		return -ERANGE;
	return IS_ERR_VALUE(ret) ? ret : ret + piece->guard;
}

static int piece_munmap(const struct rocsvm_window *window, unsigned long start,
			unsigned long length)
{
	int err;

	rocsvm_work_begin(window->work);
	err = rocsvm_munmap(start, length);
	rocsvm_work_end(window->work);
	return err;
}

/**
 * rocsvm_pieces_create - make a window for the mmap aperture
 * @space: the space
 * @window: all zeros; filled in on success, all zeros again on failure
 *
 * With the trial of one page: what mmap() returns must be what GPUs can use.
 *
 * Return: 0, -EOPNOTSUPP if the GPUs can't address all that mmap() may return,
 * another negative errno if the trial fails.
 */
int rocsvm_pieces_create(const struct rocsvm_space *space,
			 struct rocsvm_window *window)
{
	struct rocsvm_piece trial = {
		.length = PAGE_SIZE,
		.alignment = PAGE_SIZE,
		.low = space->svm.base,
		.end = ROCSVM_CANONICAL_END,
	};
	unsigned long addr;
	int err;

	if (space->svm.limit < ROCSVM_CANONICAL_END - 1)
		return -EOPNOTSUPP;

	window->pieces = true;
	err = rocsvm_window_create_files(space, window, ROCSVM_CANONICAL_END);
	if (err)
		goto err_drop;
	addr = piece_map(window, false, &trial, 0, 0);
	if (IS_ERR_VALUE(addr)) {
		err = addr;
		goto err_drop;
	}
	err = piece_munmap(window, addr, PAGE_SIZE);
	if (err)
		goto err_drop;
	return 0;

err_drop:
	rocsvm_window_drop(window);
	return err;
}

/*
 * Take the addresses in the books as well. What the program has unmapped may
 * still be in the way: registered memory, which KFD has there, or addresses in
 * quarantine for good. Then -EEXIST, and *stale is where that begins.
 */
static int piece_insert(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			unsigned long addr, u64 length, u64 guard,
			unsigned long *stale)
{
	struct rocsvm_region *region = &space->regions[ROCSVM_REGION_PAGES];
	struct rocsvm_range *range;
	int err;

	range = rocsvm_range_next(&space->registered, addr);
	if (range && rocsvm_range_base(range) < addr + length) {
		*stale = rocsvm_range_base(range);
		return -EEXIST;
	}
	*stale = addr - guard;
	rocsvm_view_lock(space);
	err = rocsvm_range_insert_fixed(region, &buf->range, addr, length,
					guard, guard);
	rocsvm_view_unlock(space);
	return err;
}

/* The kernel's search would find the same hole again: look below it. */
static unsigned long piece_hint_below(const struct rocsvm_space *space,
				      const struct rocsvm_piece *piece,
				      unsigned long end)
{
	struct rocsvm_search search = {
		.low = piece->low,
		.end = end,
		.length = piece->length + 2 * piece->guard +
			  piece->alignment - PAGE_SIZE,
		.align = PAGE_SIZE,
	};
	struct mm_struct *mm = space->mn.mm;
	unsigned long hint;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	hint = rocsvm_search_mm(mm, &search, search.length);
	mmap_read_unlock(mm);
	return hint;
}

/**
 * rocsvm_piece_place - give a buffer addresses in the mmap aperture
 * @space: the space
 * @buf: the buffer; gets its range; @buf->huge is set
 * @length: bytes, a multiple of the page size
 * @alignment: a power of two, at least the page size
 * @guard: bytes before and behind it, a multiple of the page size
 *
 * Return: 0, -ENOMEM, or what mmap() says.
 */
int rocsvm_piece_place(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		       u64 length, u64 alignment, u64 guard)
{
	struct rocsvm_piece piece = {
		.length = length,
		.alignment = alignment,
		.guard = guard,
		.low = space->svm.base,
		.end = ROCSVM_CANONICAL_END,
	};
	unsigned long addr, stale, hint = 0;
	int tries, err;

	lockdep_assert_held(&space->lock);

	for (tries = 0; tries < ROCSVM_PIECE_TRIES; tries++) {
		addr = piece_map(&space->window, buf->huge, &piece, hint, 0);
		if (IS_ERR_VALUE(addr))
			return addr;
		err = piece_insert(space, buf, addr, length, guard, &stale);
		if (!err)
			return 0;
		piece_munmap(&space->window, addr - guard, length + 2 * guard);
		if (err != -EEXIST)
			return err;
		hint = piece_hint_below(space, &piece, stale);
		if (IS_ERR_VALUE(hint))
			return hint;
	}
	return -ENOMEM;
}

/**
 * rocsvm_piece_place_fixed - give a buffer given addresses
 * @space: as for rocsvm_piece_place()
 * @buf: as for rocsvm_piece_place()
 * @va: the address
 * @length: as for rocsvm_piece_place()
 * @guard: as for rocsvm_piece_place()
 *
 * Return: 0, -EEXIST if something is mapped there, -ERANGE if it is outside
 * the SVM range, or what mmap() says.
 */
int rocsvm_piece_place_fixed(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf, u64 va, u64 length,
			     u64 guard)
{
	struct rocsvm_piece piece = { .length = length, .guard = guard };
	unsigned long addr, stale;
	int err;

	lockdep_assert_held(&space->lock);

	if (va < space->svm.base || va <= guard || va > space->svm.limit ||
	    length + guard > space->svm.limit - va)
		return -ERANGE;

	addr = piece_map(&space->window, buf->huge, &piece, 0, va);
	/* The very last pages of the SVM range are not the program's. */
	if (addr == -ENOMEM && va + length + guard > TASK_SIZE_MAX)
		return -ERANGE;
	if (IS_ERR_VALUE(addr))
		return addr;
	err = piece_insert(space, buf, addr, length, guard, &stale);
	if (err)
		piece_munmap(&space->window, addr - guard, length + 2 * guard);
	return err;
}

/* The window's mapping, or the driver's of this buffer. */
static bool piece_is_ours(const struct rocsvm_space *space,
			  const struct rocsvm_buffer *buf,
			  const struct vm_area_struct *vma)
{
	pgoff_t diff = (vma->vm_start >> PAGE_SHIFT) - vma->vm_pgoff;
	unsigned long base = rocsvm_range_base(&buf->range);

	if (vma->vm_file == piece_file(&space->window, buf->huge))
		return true;
	if (!buf->carved || vma->vm_file != rocsvm_buffer_file(space, buf))
		return false;
	if (diff == (base >> PAGE_SHIFT) - buf->mmap_pgoff)
		return true;
	base += rocsvm_range_length(&buf->range) / 2;
	return (buf->flags & ROCSVM_ALLOC_AQL_QUEUE) &&
	       diff == (base >> PAGE_SHIFT) - buf->mmap_pgoff;
}

/**
 * rocsvm_piece_unmap - give a buffer's addresses back to the process
 * @space: the space
 * @buf: the buffer, or addresses in quarantine
 *
 * What the program has mapped there itself stays.
 *
 * Return: 0, or a negative errno (-ENOMEM: at the limit of mappings) if
 * something of it still stands. Can be repeated.
 */
int rocsvm_piece_unmap(struct rocsvm_space *space,
		       const struct rocsvm_buffer *buf)
{
	unsigned long addr = buf->range.start;
	unsigned long last = addr + buf->range.size;
	struct mm_struct *mm = space->mn.mm;
	struct vm_area_struct *vma;
	unsigned long end;
	bool ours;
	int err;

	lockdep_assert_held(&space->lock);

	for (; addr < last; addr = end) {
		mmap_read_lock(mm);
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start >= last) {
			mmap_read_unlock(mm);
			return 0;
		}
		addr = max(addr, vma->vm_start);
		end = min(last, vma->vm_end);
		ours = piece_is_ours(space, buf, vma);
		mmap_read_unlock(mm);

		err = ours ? piece_munmap(&space->window, addr, end - addr) : 0;
		if (err)
			return err;
	}
	return 0;
}
