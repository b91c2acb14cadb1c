// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carving: replacing a piece of the window by amdgpu's own mapping of a buffer,
 * and taking it back.
 *
 * Pieces are of the page file. All calls need space->lock, the current
 * task's mm being the space's. None of them touches a mapping that is neither
 * the window's nor the buffer's: the program can have put its own memory there.
 */
#include <linux/mman.h>
#include <linux/mm.h>

#include "view.h"

/**
 * rocsvm_window_carve - let the driver's mapping take the place of a piece
 * @space: the space
 * @addr: first address, in the page file's part
 * @length: bytes
 * @file: the driver's file: a render file, KFD's, or a dma-buf's
 * @pgoff: the buffer's offset in it in pages; out: the one the mapping has,
 *	which is another one for a dma-buf
 *
 * On failure the window may have a hole there: rocsvm_window_heal().
 *
 * Return: 0; -EFAULT if the program has put something else there; what the
 * driver's mmap says.
 */
int rocsvm_window_carve(struct rocsvm_space *space, unsigned long addr,
			unsigned long length, struct file *file,
			pgoff_t *pgoff)
{
	struct rocsvm_work *work = space->window.work;
	unsigned long ret;

	lockdep_assert_held(&space->lock);

	rocsvm_stat_inc(space->view, ROCSVM_STAT_CARVES);
	rocsvm_work_begin(work);
	work->expect = space->window.page_file;
	work->file = file;
	work->file_pgoff = *pgoff;
	ret = rocsvm_window_mmap(&space->window, false, addr, length,
				 MAP_FIXED);
	*pgoff = work->file_pgoff;
	rocsvm_work_end(work);
	return IS_ERR_VALUE(ret) ? ret : 0;
}

/**
 * rocsvm_window_restore - put the window back in place of a driver's mapping
 * @space: the space
 * @addr: as for rocsvm_window_carve()
 * @length: as for rocsvm_window_carve()
 * @file: as for rocsvm_window_carve()
 * @pgoff: as for rocsvm_window_carve()
 *
 * Return: 0, or a negative errno if the range is not wholly the window's: it
 * must not be given out, and can be tried again with rocsvm_window_heal().
 */
int rocsvm_window_restore(struct rocsvm_space *space, unsigned long addr,
			  unsigned long length, struct file *file,
			  pgoff_t pgoff)
{
	struct rocsvm_work *work = space->window.work;
	unsigned long ret;

	lockdep_assert_held(&space->lock);

	/* In one step, so that no other thread's mmap() finds a hole. */
	rocsvm_work_begin(work);
	work->expect = file;
	work->expect_start = addr;
	work->expect_pgoff = pgoff;
	ret = rocsvm_window_mmap(&space->window, false, addr, length,
				 MAP_FIXED);
	rocsvm_work_end(work);
	if (!IS_ERR_VALUE(ret))
		return 0;

	return rocsvm_window_heal(space, addr, length, file, pgoff);
}

/* What stands at an address of the page file's part. */
enum window_piece { PIECE_WINDOW, PIECE_HOLE, PIECE_DRIVER, PIECE_FOREIGN };

/*
 * Look at the mapping at @addr and lower *@end to where it ends. A mapping of
 * the driver's file is the buffer's if its offset is what @diff says: the
 * buffer's offset less its address, in pages.
 */
static enum window_piece window_look(struct rocsvm_space *space,
				     unsigned long addr, unsigned long *end,
				     const struct file *file, pgoff_t diff)
{
	struct mm_struct *mm = space->mn.mm;
	enum window_piece piece = PIECE_FOREIGN;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr);
	if (!vma || vma->vm_start > addr) {
		piece = PIECE_HOLE;
		if (vma)
			*end = min(*end, vma->vm_start);
	} else {
		*end = min(*end, vma->vm_end);
		if (vma->vm_file == space->window.page_file)
			piece = PIECE_WINDOW;
		else if (file && vma->vm_file == file &&
			 vma->vm_pgoff - (vma->vm_start >> PAGE_SHIFT) ==
			 diff)
			piece = PIECE_DRIVER;
	}
	mmap_read_unlock(mm);
	return piece;
}

/**
 * rocsvm_window_heal - make a piece of the page file's part whole again
 * @space: the space
 * @addr: first address
 * @length: bytes
 * @file: the file whose mapping there is to go
 * @pgoff: its offset at @addr
 *
 * At the limit of mappings a hole can be filled where a mapping could not be
 * replaced.
 *
 * Return: 0; -EEXIST if the program has mapped something of its own there;
 * another negative errno. Can be repeated.
 */
int rocsvm_window_heal(struct rocsvm_space *space, unsigned long addr,
		       unsigned long length, struct file *file,
		       pgoff_t pgoff)
{
	pgoff_t diff = pgoff - (addr >> PAGE_SHIFT);
	struct rocsvm_work *work = space->window.work;
	unsigned long last = addr + length, end, ret;
	int err = 0;

	lockdep_assert_held(&space->lock);

	rocsvm_stat_inc(space->view, ROCSVM_STAT_HEALS);
	rocsvm_work_begin(work);
	while (addr < last && !err) {
		end = last;
		switch (window_look(space, addr, &end, file, diff)) {
		case PIECE_WINDOW:
			addr = end;
			break;
		case PIECE_DRIVER:
			err = rocsvm_munmap(addr, end - addr);
			break;
		case PIECE_HOLE:
			ret = rocsvm_window_mmap(&space->window, false, addr,
						 end - addr,
						 MAP_FIXED_NOREPLACE);
			err = IS_ERR_VALUE(ret) ? ret : 0;
			break;
		case PIECE_FOREIGN:
			err = -EEXIST;
			break;
		}
	}
	rocsvm_work_end(work);
	return err;
}

/**
 * rocsvm_window_uncarve - unmap a driver's mapping, before the window goes
 * @space: the space
 * @addr: as for rocsvm_window_carve()
 * @length: as for rocsvm_window_carve()
 * @file: as for rocsvm_window_carve()
 * @pgoff: as for rocsvm_window_carve()
 */
void rocsvm_window_uncarve(struct rocsvm_space *space, unsigned long addr,
			   unsigned long length, struct file *file,
			   pgoff_t pgoff)
{
	pgoff_t diff = pgoff - (addr >> PAGE_SHIFT);
	unsigned long last = addr + length, end;

	lockdep_assert_held(&space->lock);

	for (; addr < last; addr = end) {
		end = last;
		if (window_look(space, addr, &end, file, diff) == PIECE_DRIVER)
			rocsvm_munmap(addr, end - addr);
	}
}
