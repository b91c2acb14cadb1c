/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The window in a process's address space: its files with their gates, what
 * takes the place of pieces of it, and the control page.
 */
#ifndef _ROCSVM_WINDOW_H
#define _ROCSVM_WINDOW_H

#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/rbtree_types.h>
#include <linux/seqlock.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "placement.h"

/* Granule of the huge region, and the margins before and behind the window. */
#define ROCSVM_HUGE_SIZE	SZ_2M
#define ROCSVM_MIN_WINDOW	SZ_4G

/* How the window's files are mapped. */
#define ROCSVM_WINDOW_PROT	(PROT_READ | PROT_WRITE)
#define ROCSVM_WINDOW_FLAGS	(MAP_SHARED | MAP_NORESERVE)

struct rocsvm_buffer;
struct rocsvm_space;
struct rocsvm_view;

/**
 * struct rocsvm_work - the module's licence to change the window's mappings
 * @ref: held by every gate that refers to it
 * @mm: the mm that the window belongs to; a reference (mmgrab)
 * @view: where faults that are refused are counted; a reference
 * @task: who is at work, or NULL. Written under space->lock; a task that
 *	reads its own pointer here wrote it itself, so the members below are
 *	its own as well
 * @search: where a new window may go, when an address is asked for
 * @expect: the file whose mappings may be replaced by a fixed mapping
 * @expect_pgoff: the offset in it that belongs to @expect_start
 * @expect_start: see @expect_pgoff; both unused (0) where any offset will do
 * @file: carve: the driver's file that is to be mapped instead of the window
 * @file_pgoff: carve: the offset in it, in pages; what the mapping has got
 *	when the driver is done
 *
 * The window's files and mappings can outlive the space, so what their
 * callbacks need is here and refers to nothing else.
 */
struct rocsvm_work {
	refcount_t ref;
	struct mm_struct *mm;
	struct rocsvm_view *view;
	struct task_struct *task;
	struct rocsvm_search *search;
	struct file *expect;
	unsigned long expect_start;
	pgoff_t expect_pgoff;
	struct file *file;
	pgoff_t file_pgoff;
};

/**
 * struct rocsvm_gate - which pages of one window file may be accessed
 * @work: see there; a reference
 * @lock: writers exclude each other and make readers look again
 * @openings: live, CPU-accessible host buffers by page offset
 * @flags: VM_* flags that the window's mappings get
 * @pgoff: first offset in the file that is used, in pages
 * @inherited: another process has, or had, a mapping of the file
 * @leftovers: a fault was refused late, so that there may be pages where no
 *	opening is; never false again
 * @truncate: takes the pages out of @file when the space is gone
 * @file: for @truncate only; a reference
 *
 * Belongs to the window file (its private_data) and dies with it.
 */
struct rocsvm_gate {
	struct rocsvm_work *work;
	seqlock_t lock;
	struct rb_root openings;
	vm_flags_t flags;
	pgoff_t pgoff;
	bool inherited;
	bool leftovers;
	struct work_struct truncate;
	struct file *file;
};

/**
 * struct rocsvm_opening - pages that a gate lets through
 * @node: in rocsvm_gate.openings
 * @first: first page offset in the window file
 * @last: last page offset, inclusive
 *
 * Read under RCU: while the mm has users the owner frees it after a
 * grace period.
 */
struct rocsvm_opening {
	struct rb_node node;
	pgoff_t first;
	pgoff_t last;
};

/**
 * struct rocsvm_window - where buffers are in a process's address space
 * @work: see there; a reference
 * @page_file: backs [start, huge_base)
 * @huge_file: backs [huge_base, end)
 * @start: first address that is reserved, a margin before @base
 * @base: first address that buffers can have
 * @huge_base: where the huge region begins
 * @limit: last address that buffers can have
 * @end: behind the last address that is reserved, a margin behind @limit;
 *	the control page lies here
 * @pieces: the mmap aperture: nothing is reserved, each buffer has a piece of
 *	one of the files, and the addresses above are 0
 *
 * All zeros if the space has no window.
 */
struct rocsvm_window {
	struct rocsvm_work *work;
	struct file *page_file;
	struct file *huge_file;
	unsigned long start;
	unsigned long base;
	unsigned long huge_base;
	unsigned long limit;
	unsigned long end;
	bool pieces;
};

/**
 * struct rocsvm_piece - what a buffer in the mmap aperture asks for
 * @length: bytes that can be accessed
 * @alignment: a power of two that divides the address of the first of them
 * @guard: bytes before them and behind them
 * @low: first address that may be taken
 * @end: behind the last one
 */
struct rocsvm_piece {
	unsigned long length;
	unsigned long alignment;
	unsigned long guard;
	unsigned long low;
	unsigned long end;
};

/**
 * struct rocsvm_control - a page of the process through which KFD is called
 * @file: its mapping's file; owns the page
 * @addr: where it is mapped in the process
 */
struct rocsvm_control {
	struct file *file;
	unsigned long addr;
};

/* window.c */
int rocsvm_window_init(void);
void rocsvm_window_exit(void);
int rocsvm_window_check(const struct rocsvm_aperture *svm, unsigned long base,
			unsigned long length);
int rocsvm_window_reserve(const struct rocsvm_space *space,
			  struct rocsvm_window *window, unsigned long base,
			  unsigned long length);
int rocsvm_window_create_files(const struct rocsvm_space *space,
			       struct rocsvm_window *window,
			       unsigned long length);
struct file *rocsvm_window_file(const struct rocsvm_window *window, bool huge,
				unsigned long addr, loff_t *offset);
unsigned long rocsvm_window_mmap(const struct rocsvm_window *window, bool huge,
				 unsigned long addr, unsigned long length,
				 unsigned long flags);
int rocsvm_munmap(unsigned long addr, unsigned long length);
void rocsvm_window_unmap(struct rocsvm_space *space);
void rocsvm_window_drop(struct rocsvm_window *window);
bool rocsvm_window_covers(struct rocsvm_space *space,
			  const struct rocsvm_buffer *buf);

/* pages.c */
int rocsvm_window_fill(struct rocsvm_space *space,
		       const struct rocsvm_buffer *buf);
void rocsvm_window_prefault(const struct rocsvm_buffer *buf, bool huge);
void rocsvm_window_punch(struct rocsvm_space *space,
			 const struct rocsvm_buffer *buf);
void rocsvm_window_open(struct rocsvm_space *space, struct rocsvm_buffer *buf);
void rocsvm_window_close(struct rocsvm_space *space, struct rocsvm_buffer *buf);

/* pieces.c */
int rocsvm_pieces_create(const struct rocsvm_space *space,
			 struct rocsvm_window *window);
int rocsvm_piece_place(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		       u64 length, u64 alignment, u64 guard);
int rocsvm_piece_place_fixed(struct rocsvm_space *space,
			     struct rocsvm_buffer *buf, u64 va, u64 length,
			     u64 guard);
int rocsvm_piece_unmap(struct rocsvm_space *space,
		       const struct rocsvm_buffer *buf);

/* carve.c */
int rocsvm_window_carve(struct rocsvm_space *space, unsigned long addr,
			unsigned long length, struct file *file,
			pgoff_t *pgoff);
int rocsvm_window_restore(struct rocsvm_space *space, unsigned long addr,
			  unsigned long length, struct file *file,
			  pgoff_t pgoff);
int rocsvm_window_heal(struct rocsvm_space *space, unsigned long addr,
		       unsigned long length, struct file *file,
		       pgoff_t pgoff);
void rocsvm_window_uncarve(struct rocsvm_space *space, unsigned long addr,
			   unsigned long length, struct file *file,
			   pgoff_t pgoff);

/* gate.c */
int rocsvm_gate_init(void);
void rocsvm_gate_exit(void);
struct file *rocsvm_gate_file(struct vfsmount *mnt, const char *name,
			      unsigned long length, pgoff_t pgoff,
			      struct rocsvm_work *work, vm_flags_t flags);
void rocsvm_gate_open(struct rocsvm_gate *gate, struct rocsvm_opening *opening);
void rocsvm_gate_close(struct rocsvm_gate *gate,
		       struct rocsvm_opening *opening);
void rocsvm_gate_shut(struct rocsvm_gate *gate);
void rocsvm_gate_end(struct file *file);
struct rocsvm_work *rocsvm_work_create(const struct rocsvm_space *space);
void rocsvm_work_begin(struct rocsvm_work *work);
void rocsvm_work_end(struct rocsvm_work *work);
void rocsvm_work_put(struct rocsvm_work *work);
unsigned long rocsvm_search_mm(struct mm_struct *mm,
			       struct rocsvm_search *search,
			       unsigned long smallest);

/* control.c */
int rocsvm_control_create(struct rocsvm_control *control);
int rocsvm_control_place(struct rocsvm_control *control, unsigned long addr);
void rocsvm_control_unmap(struct rocsvm_control *control);
void rocsvm_control_drop(struct rocsvm_control *control);

#endif /* _ROCSVM_WINDOW_H */
