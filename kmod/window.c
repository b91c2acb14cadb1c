// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window: reserving it, and giving it back.
 *
 * Layout of the reserved aperture, in ascending addresses:
 *
 *   start      2 MiB margin
 *   base       the page region: buffers placed by pages
 *   huge_base  the huge region: large host buffers, in units of 2 MiB
 *   limit + 1  2 MiB margin
 *   end        the control page
 *
 * [start, huge_base) is one mapping of the page file, [huge_base, end) one of
 * the huge file. The margins make munmap() of the reported window the split
 * of a mapping, which the gate refuses; the mapping behind each window mapping
 * keeps mremap() from growing it in place.
 *
 * In the mmap aperture nothing is reserved: pieces.c.
 *
 * Offsets in the files follow from the address: from @start in the window, from
 * 0 in the mmap aperture, where the files are as large as the address space.
 *
 * All calls need space->lock, the current task's mm being the space's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>

#include "rocsvm.h"

/*
 * Where the window stands if it can: no layout of the kernel's reaches here
 * (PIE at 2/3 of the address space, mmap from the top, or from 1/3 upwards in
 * the legacy layout), nor do the shadows and heaps of ASan and TSan.
 */
#define ROCSVM_PREFERRED_BASE	0x400000000000UL

/* The range below is left to brk(), MAP_32BIT and non-PIE programs. */
#define ROCSVM_LOWEST_BASE	SZ_4G

/*
 * The page file's offsets are odd against 2 MiB, so that no huge page of the
 * page cache can ever be mapped as one: it would open the gate for all its
 * neighbours. (With shmem_enabled=force there are such pages.)
 */
#define ROCSVM_PAGE_FILE_PGOFF	1

/* Margins; and the control page, in a unit that keeps the alignment. */
#define WINDOW_OVERHEAD		(3 * ROCSVM_HUGE_SIZE)

#define ROCSVM_PLACE_TRIES	4
#define ROCSVM_MUNMAP_TRIES	4

static unsigned long svm_size = SZ_1T;
module_param(svm_size, ulong, 0644);
MODULE_PARM_DESC(svm_size, "Bytes of address space to reserve per process (default 1 TiB, at least 4 GiB)");

static struct vfsmount *page_mnt;
static struct vfsmount *huge_mnt;

static struct vfsmount *window_mount(const char *option)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	char data[16];
	struct vfsmount *mnt;

	if (!type)
		return ERR_PTR(-ENODEV);
	strscpy(data, option, sizeof(data));
	/* tmpfs is built in: its file_system_type needs no reference. */
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, type->name, data);
	/* Nothing in the window is ever executed by the CPU. */
	if (!IS_ERR(mnt))
		mnt->mnt_sb->s_iflags |= SB_I_NOEXEC;
	return mnt;
}

/**
 * rocsvm_window_init - mount what the window files live on
 *
 * Mounts of our own, so that the administrator's shmem_enabled says nothing
 * about the window: huge pages in the page region would defeat its gate.
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_window_init(void)
{
	int err;

	err = rocsvm_gate_init();
	if (err)
		return err;

	page_mnt = window_mount("huge=never");
	if (IS_ERR(page_mnt)) {
		err = PTR_ERR(page_mnt);
		goto err_gate;
	}

	huge_mnt = window_mount("huge=always");
	/* No huge pages on this machine: small ones serve as well. */
	if (IS_ERR(huge_mnt))
		huge_mnt = window_mount("huge=never");
	if (IS_ERR(huge_mnt)) {
		err = PTR_ERR(huge_mnt);
		goto err_mnt;
	}
	return 0;

err_mnt:
	kern_unmount(page_mnt);
err_gate:
	rocsvm_gate_exit();
	return err;
}

/**
 * rocsvm_window_exit - undo rocsvm_window_init()
 */
void rocsvm_window_exit(void)
{
	rocsvm_gate_exit();
	kern_unmount(huge_mnt);
	kern_unmount(page_mnt);
}

/**
 * rocsvm_window_file - which file backs an address
 * @window: the window
 * @huge: the huge file, else the page file
 * @addr: the address, in that file's part
 * @offset: out: its offset in the file, in bytes
 *
 * Return: the file; no reference is taken.
 */
struct file *rocsvm_window_file(const struct rocsvm_window *window, bool huge,
				unsigned long addr, loff_t *offset)
{
	struct file *file = huge ? window->huge_file : window->page_file;
	const struct rocsvm_gate *gate = file->private_data;

	*offset = addr - window->start + (gate->pgoff << PAGE_SHIFT);
	return file;
}

/**
 * rocsvm_window_mmap - map the file of a part of the window there
 * @window: the window
 * @huge: the huge file, else the page file
 * @addr: first address
 * @length: bytes
 * @flags: MAP_FIXED or MAP_FIXED_NOREPLACE
 *
 * The offset follows from the address. The caller is at work.
 *
 * Return: the address or a negative errno.
 */
unsigned long rocsvm_window_mmap(const struct rocsvm_window *window, bool huge,
				 unsigned long addr, unsigned long length,
				 unsigned long flags)
{
	struct file *file;
	loff_t offset;

	file = rocsvm_window_file(window, huge, addr, &offset);
	return vm_mmap(file, addr, length, ROCSVM_WINDOW_PROT,
		       ROCSVM_WINDOW_FLAGS | flags, offset);
}

/* Why there is no room: for the person who has to make some. */
static void window_explain(struct mm_struct *mm, u64 largest, u64 as_left,
			   const struct rocsvm_aperture *svm)
{
	pr_warn_ratelimited("%s[%d]: no room for the SVM window (at least %llu MiB): largest gap in the SVM range 0x%llx..0x%llx is %llu MiB, %d mappings, RLIMIT_AS leaves %lld MiB\n",
			    current->comm, task_tgid_nr(current),
			    ROCSVM_MIN_WINDOW >> 20, svm->base, svm->limit,
			    largest >> 20, mm->map_count,
			    as_left == U64_MAX ? -1LL : (s64)(as_left >> 20));
}

/* Bytes of address space that RLIMIT_AS still allows. */
static u64 rlimit_as_left(const struct mm_struct *mm)
{
	unsigned long limit = rlimit(RLIMIT_AS);
	u64 used = (u64)mm->total_vm << PAGE_SHIFT;

	if (limit == RLIM_INFINITY)
		return U64_MAX;
	return limit > used ? limit - used : 0;
}

/* Decide on the window's size, and on the bounds of the search for its place. */
static int window_size(struct mm_struct *mm, const struct rocsvm_aperture *svm,
		       struct rocsvm_search *search, u64 *length)
{
	u64 max = ROCSVM_CANONICAL_END, wanted, as_left;

	/*
	 * Where GPUs address less than the CPU, others in the process need room
	 * there, too: libhsakmt reserves half of what they address, or less.
	 */
	if (svm->limit < ROCSVM_CANONICAL_END - 1)
		max = max((svm->limit + 1) / 4, ROCSVM_MIN_WINDOW);
	wanted = clamp_t(u64, READ_ONCE(svm_size), ROCSVM_MIN_WINDOW, max);

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	wanted = round_down(wanted, 2 * ROCSVM_HUGE_SIZE);
	search->length = wanted + WINDOW_OVERHEAD;
	rocsvm_search_mm(mm, search, ROCSVM_MIN_WINDOW);
	as_left = rlimit_as_left(mm);

	/*
	 * Where the wanted size has no place, what there is: the largest gap.
	 * Half of what RLIMIT_AS leaves stays with the program.
	 */
	*length = rocsvm_window_size(wanted,
				     search->found ? U64_MAX : search->largest,
				     as_left, WINDOW_OVERHEAD, ROCSVM_MIN_WINDOW,
				     2 * ROCSVM_HUGE_SIZE);
	/* For the message: the largest that there is. */
	if (!*length)
		rocsvm_search_mm(mm, search, PAGE_SIZE);
	mmap_read_unlock(mm);
	if (*length)
		return 0;
	window_explain(mm, search->largest, as_left, svm);
	return -ENOMEM;
}

/**
 * rocsvm_window_create_files - make the files that back a window
 * @space: the space
 * @window: all zeros but @pieces; its files and its licence are set
 * @length: bytes of address space that they are to back
 *
 * Return: 0 or a negative errno; rocsvm_window_drop() in either case.
 */
int rocsvm_window_create_files(const struct rocsvm_space *space,
			       struct rocsvm_window *window,
			       unsigned long length)
{
	vm_flags_t flags = VM_DONTCOPY | VM_DONTDUMP | VM_NORESERVE;
	struct file *file;

	window->work = rocsvm_work_create(space);
	if (!window->work)
		return -ENOMEM;

	file = rocsvm_gate_file(page_mnt, "rocsvm", length,
				ROCSVM_PAGE_FILE_PGOFF, window->work,
				flags | VM_NOHUGEPAGE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	window->page_file = file;

	/*
	 * DONTEXPAND keeps khugepaged away: it would look for huge pages to
	 * make through all of the region, for days, and at nothing else.
	 */
	file = rocsvm_gate_file(huge_mnt, "rocsvm-huge", length, 0,
				window->work, flags | VM_DONTEXPAND);
	if (IS_ERR(file))
		return PTR_ERR(file);
	window->huge_file = file;
	return 0;
}

/**
 * rocsvm_munmap - unmap, as far as it depends on us
 * @addr: first address
 * @length: bytes
 *
 * munmap() needs a little memory, which it can be refused once; at the end of a
 * window there is nobody to be told.
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_munmap(unsigned long addr, unsigned long length)
{
	int tries = ROCSVM_MUNMAP_TRIES, err;

	do {
		err = vm_munmap(addr, length);
	} while (err == -ENOMEM && --tries);
	return err;
}

static bool window_is_ours(const struct rocsvm_window *window,
			   const struct vm_area_struct *vma)
{
	return vma->vm_file && (vma->vm_file == window->page_file ||
				vma->vm_file == window->huge_file);
}

/*
 * Unmap what is the window's in [addr, end): the program may have unmapped parts
 * of it and put its own memory there, which stays. (Not if another thread maps
 * it between the look and the unmap, at an address that is the window's at that
 * moment.)
 */
static void window_unmap_ours(struct mm_struct *mm,
			      const struct rocsvm_window *window,
			      unsigned long addr, unsigned long end)
{
	unsigned long from, to = addr;
	struct vm_area_struct *vma;

	while (to < end) {
		mmap_read_lock(mm);
		for (vma = find_vma(mm, to); vma && vma->vm_start < end;
		     vma = find_vma(mm, vma->vm_end))
			if (window_is_ours(window, vma))
				break;
		if (!vma || vma->vm_start >= end) {
			mmap_read_unlock(mm);
			return;
		}
		from = max(vma->vm_start, to);
		to = min(vma->vm_end, end);
		mmap_read_unlock(mm);

		rocsvm_work_begin(window->work);
		rocsvm_munmap(from, to - from);
		rocsvm_work_end(window->work);
	}
}

static void window_set_layout(struct rocsvm_window *window, unsigned long start,
			      unsigned long length)
{
	window->start = start;
	window->base = start + ROCSVM_HUGE_SIZE;
	window->huge_base = window->base + length / 2;
	window->limit = window->base + length - 1;
	window->end = window->limit + 1 + ROCSVM_HUGE_SIZE;
}

static void window_clear_layout(struct rocsvm_window *window)
{
	window->start = 0;
	window->base = 0;
	window->huge_base = 0;
	window->limit = 0;
	window->end = 0;
}

/*
 * Map the page file over everything, in one step, then the huge file over its
 * part. With a search the kernel asks ->get_unmapped_area(), under mmap_lock,
 * for the place; without one @start is where it goes or nowhere.
 */
static int window_map_files(struct rocsvm_window *window, unsigned long start,
			    unsigned long length, struct rocsvm_search *search)
{
	unsigned long total = length + 2 * ROCSVM_HUGE_SIZE;
	unsigned long addr;

	rocsvm_work_begin(window->work);
	window->work->search = search;
	addr = vm_mmap(window->page_file, start, total, ROCSVM_WINDOW_PROT,
		       ROCSVM_WINDOW_FLAGS |
		       (search ? 0 : MAP_FIXED_NOREPLACE),
		       ROCSVM_PAGE_FILE_PGOFF << PAGE_SHIFT);
	if (IS_ERR_VALUE(addr)) {
		rocsvm_work_end(window->work);
		return addr;
	}
	window_set_layout(window, addr, length);

	window->work->expect = window->page_file;
	addr = rocsvm_window_mmap(window, true, window->huge_base,
				  window->end - window->huge_base, MAP_FIXED);
	rocsvm_work_end(window->work);
	if (!IS_ERR_VALUE(addr))
		return 0;
	window_unmap_ours(current->mm, window, window->start,
			  window->start + total);
	window_clear_layout(window);
	/* Another thread has unmapped some of it: as if it had been in time. */
	return addr == -EFAULT ? -ENOMEM : addr;
}

/**
 * rocsvm_window_check - whether a window can be at a given place at all
 * @svm: the SVM range
 * @base: the window's first address
 * @length: its length, not 0
 *
 * Return: 0 or -ERANGE.
 */
int rocsvm_window_check(const struct rocsvm_aperture *svm, unsigned long base,
			unsigned long length)
{
	/* The margin before it may not reach the zero page. */
	if (base < svm->base || base > svm->limit || base < 2 * ROCSVM_HUGE_SIZE)
		return -ERANGE;
	/* Behind it come the other margin and the control page. */
	if (length - 1 > svm->limit - base ||
	    base + length + ROCSVM_HUGE_SIZE + PAGE_SIZE > DEFAULT_MAP_WINDOW)
		return -ERANGE;
	return 0;
}

/**
 * rocsvm_window_reserve - reserve a window in the current mm
 * @space: the space
 * @window: all zeros; filled in on success, all zeros again on failure
 * @base: the window's first address, a multiple of 2 MiB, or 0 for any
 * @length: its length, a multiple of 4 MiB; without @base it can be 0, for what
 *	svm_size says and the address space has
 *
 * The control page is not placed here.
 *
 * Return: 0; -EEXIST or -ERANGE with a @base; -ENOMEM, -EAGAIN (RLIMIT_MEMLOCK
 * with MCL_FUTURE), -EINTR.
 */
int rocsvm_window_reserve(const struct rocsvm_space *space,
			  struct rocsvm_window *window, unsigned long base,
			  unsigned long length)
{
	const struct rocsvm_aperture *svm = &space->svm;
	struct rocsvm_search search = {
		.low = max_t(u64, svm->base, ROCSVM_LOWEST_BASE),
		.end = min_t(u64, svm->limit + 1, DEFAULT_MAP_WINDOW),
		.align = ROCSVM_HUGE_SIZE,
		.preferred = ROCSVM_PREFERRED_BASE - ROCSVM_HUGE_SIZE,
	};
	u64 size = length;
	int tries, err;

	if (base) {
		err = rocsvm_window_check(svm, base, length);
		if (err)
			return err;
	}
	for (tries = 0; tries < ROCSVM_PLACE_TRIES; tries++) {
		if (!length) {
			err = window_size(space->mn.mm, svm, &search, &size);
			if (err)
				return err;
		}
		err = rocsvm_window_create_files(space, window, size +
						 2 * ROCSVM_HUGE_SIZE);
		if (err) {
			rocsvm_window_drop(window);
			return err;
		}
		search.length = size + WINDOW_OVERHEAD;
		err = window_map_files(window,
				       base ? base - ROCSVM_HUGE_SIZE : 0,
				       size, base ? NULL : &search);
		if (!err)
			return 0;
		rocsvm_window_drop(window);
		/* Only a gap that shrank since it was measured is worth a retry. */
		if (err != -ENOMEM || base || length)
			break;
	}

	if (err == -EAGAIN)
		pr_warn_ratelimited("%s[%d]: mlockall(MCL_FUTURE) and RLIMIT_MEMLOCK leave no room for the SVM window\n",
				    current->comm, task_tgid_nr(current));
	return err;
}

/**
 * rocsvm_window_unmap - give the window's addresses back to the process
 * @space: the space; has no buffers any more
 */
void rocsvm_window_unmap(struct rocsvm_space *space)
{
	struct rocsvm_window *window = &space->window;

	lockdep_assert_held(&space->lock);

	/* Of the mmap aperture only what mremap() has made larger is left. */
	window_unmap_ours(space->mn.mm, window, window->start,
			  window->pieces ? TASK_SIZE_MAX : window->end);
	window_clear_layout(window);

	/* The memory goes now, whoever may still hold the files. */
	if (window->page_file)
		shmem_truncate_range(file_inode(window->page_file), 0, -1);
	if (window->huge_file)
		shmem_truncate_range(file_inode(window->huge_file), 0, -1);
}

/**
 * rocsvm_window_drop - let go of the window's files
 * @window: the window; all zeros afterwards
 *
 * Touches no mapping: where one is left, its own reference keeps its file,
 * and its gate is shut.
 */
void rocsvm_window_drop(struct rocsvm_window *window)
{
	if (window->page_file)
		rocsvm_gate_end(window->page_file);
	if (window->huge_file)
		rocsvm_gate_end(window->huge_file);
	if (window->work)
		rocsvm_work_put(window->work);
	memset(window, 0, sizeof(*window));
}

/**
 * rocsvm_window_covers - whether a buffer's addresses are the window's
 * @space: the space
 * @buf: the buffer; has its range
 *
 * The program can unmap a whole mapping of the window, and map its own memory
 * there: that must not become a buffer.
 *
 * Return: true if nothing else is mapped there, nor a hole.
 */
bool rocsvm_window_covers(struct rocsvm_space *space,
			  const struct rocsvm_buffer *buf)
{
	unsigned long addr = rocsvm_range_base(&buf->range);
	unsigned long end = addr + rocsvm_range_length(&buf->range);
	struct mm_struct *mm = space->mn.mm;
	const struct vm_area_struct *vma;
	const struct file *file;
	loff_t offset;

	lockdep_assert_held(&space->lock);

	file = rocsvm_window_file(&space->window, buf->huge, addr, &offset);
	mmap_read_lock(mm);
	while (addr < end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr || vma->vm_file != file)
			break;
		addr = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return addr >= end;
}
