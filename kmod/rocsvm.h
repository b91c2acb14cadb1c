/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module share: the SVM space and what it is made of.
 *
 * Lock order, outermost first:
 *
 *   space->lock              a mutex, held over whole calls into KFD
 *     KFD's own locks        taken inside vfs_ioctl()
 *       mm->mmap_lock        taken by vm_mmap(), by KFD, by user accesses
 *         gate->lock         a seqlock; writers under space->lock only,
 *                            readers in page faults, without the lock
 *           page lock        a fault asks the gate again under it
 *
 * The list of dormant spaces has a spinlock of its own, a leaf.
 *
 * space->lock is never taken in a page fault, in the mmu_notifier's callback,
 * in ->mmap() or in ->get_unmapped_area(), and a KFD ioctl is never forwarded
 * under mmap_lock.
 */
#ifndef _ROCSVM_H
#define _ROCSVM_H

#include <linux/fs.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/seqlock.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/rocsvm.h>

#include "placement.h"

#define ROCSVM_VERSION		"0.1.0"

/* GPUs in one space: what fits a list in the control page, and one word. */
#define ROCSVM_MAX_GPUS		64

/* Granule of the huge region, and the margins before and behind the window. */
#define ROCSVM_HUGE_SIZE	SZ_2M
#define ROCSVM_MIN_WINDOW	SZ_4G

/**
 * struct rocsvm_work - the module's licence to change the window's mappings
 * @ref: held by every gate that refers to it
 * @mm: the mm that the window belongs to; a reference (mmgrab)
 * @task: who is at work, or NULL. Written under space->lock; a task that
 *	reads its own pointer here wrote it itself, so the members below are
 *	its own as well
 * @search: where a new window may go, when an address is asked for
 * @expect: the file whose mappings may be replaced by a fixed mapping
 * @expect_pgoff: the offset in it that belongs to @expect_start
 * @expect_start: see @expect_pgoff; both unused (0) where any offset will do
 * @drm: carve: the render file that is to be mapped instead of the window
 * @drm_pgoff: its offset in pages
 *
 * The window's files and mappings can outlive the space, so what their
 * callbacks need is here and refers to nothing else.
 */
struct rocsvm_work {
	refcount_t ref;
	struct mm_struct *mm;
	struct task_struct *task;
	struct rocsvm_search *search;
	struct file *expect;
	unsigned long expect_start;
	pgoff_t expect_pgoff;
	struct file *drm;
	pgoff_t drm_pgoff;
};

/**
 * struct rocsvm_gate - which pages of one window file may be accessed
 * @work: see there; a reference
 * @lock: writers exclude each other and make readers look again
 * @openings: live, CPU-accessible host buffers by page offset
 * @flags: VM_* flags that the window's mappings get
 * @inherited: another process has, or had, a mapping of the file
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
	bool inherited;
	struct work_struct truncate;
	struct file *file;
};

/**
 * struct rocsvm_opening - pages that a gate lets through
 * @node: in rocsvm_gate.openings
 * @first: first page offset in the window file
 * @last: last page offset, inclusive
 *
 * Read under RCU: the owner frees it with kfree_rcu().
 */
struct rocsvm_opening {
	struct rb_node node;
	pgoff_t first;
	pgoff_t last;
};

/**
 * struct rocsvm_window - the reserved range of a process's address space
 * @work: see there; a reference
 * @page_file: backs [start, huge_base)
 * @huge_file: backs [huge_base, end)
 * @start: first address that is reserved, a margin before @base
 * @base: first address that buffers can have
 * @huge_base: where the huge region begins
 * @limit: last address that buffers can have
 * @end: behind the last address that is reserved, a margin behind @limit;
 *	the control page lies here
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

/**
 * struct rocsvm_gpu - a GPU as KFD reports it
 * @gpu_id: KFD's id
 * @canonical: its gpuvm aperture takes part in the SVM range
 * @gpuvm: gpuvm aperture
 * @lds: LDS aperture
 * @scratch: scratch aperture
 * @acquired: by a file of the space that is open
 * @drm: the render file that KFD has bound the process to; a reference, or
 *	NULL. KFD never unbinds it before the mm goes, so it outlasts a close
 */
struct rocsvm_gpu {
	u32 gpu_id;
	bool canonical;
	bool acquired;
	struct rocsvm_aperture gpuvm;
	struct rocsvm_aperture lds;
	struct rocsvm_aperture scratch;
	struct file *drm;
};

/**
 * struct rocsvm_buffer - a buffer, or addresses in quarantine
 * @range: its addresses
 * @opening: host buffers: what the gate lets through
 * @handle: KFD's handle
 * @mmap_pgoff: GTT and VRAM: offset in the render file, in pages
 * @mapped: GPUs (by index in the space) it is mapped to
 * @link: in rocsvm_space.quarantine
 * @rcu: for kfree_rcu()
 * @kind: enum rocsvm_kind
 * @flags: enum rocsvm_alloc_flags
 * @gpu: index of the GPU that KFD keeps it for
 * @carved: the render file's mapping stands in the window
 * @quarantined: not a buffer any more; its addresses can't be given out
 * @lost: quarantined for good: KFD may still have a buffer there
 */
struct rocsvm_buffer {
	struct rocsvm_range range;
	struct rocsvm_opening opening;
	u64 handle;
	pgoff_t mmap_pgoff;
	u64 mapped;
	struct list_head link;
	struct rcu_head rcu;
	u32 kind;
	u32 flags;
	unsigned int gpu;
	bool carved;
	bool quarantined;
	bool lost;
};

/**
 * struct rocsvm_space - everything that is kept for one mm
 * @mn: ties the space to its mm; one user a file, one while it is live or
 *	dormant
 * @lock: protects all below
 * @tgid: the thread group that opened it: KFD serves no other
 * @setup_task: who is opening KFD for the space, under @lock; others may look
 *	whether it is they
 * @files: open files of the space, in whatever process; counted up under @lock,
 *	down without
 * @live: the window stands (or stood), KFD is open
 * @dormant: in the list of the spaces that are not live and have a GPU bound
 * @kfd: /dev/kfd; a reference
 * @control: see there
 * @window: see there
 * @svm: SVM range
 * @pages: placement in the window below huge_base
 * @huge: placement from huge_base on
 * @num_gpus: valid elements of @gpus
 * @gpus: all GPUs that KFD reports; while not live those bound
 * @quarantine: buffers whose addresses could not be taken back yet
 * @num_buffers: live buffers
 * @buffer_bytes: sum of their lengths
 * @quarantined_bytes: sum of the lengths in quarantine
 *
 * Found by its mm: every open in the process has the same space.
 */
struct rocsvm_space {
	struct mmu_notifier mn;
	struct mutex lock;	/* outermost; protects all below */
	struct pid *tgid;
	struct task_struct *setup_task;
	atomic_t files;
	bool live;
	struct list_head dormant;
	struct file *kfd;
	struct rocsvm_control control;
	struct rocsvm_window window;
	struct rocsvm_aperture svm;
	struct rocsvm_region pages;
	struct rocsvm_region huge;
	unsigned int num_gpus;
	struct rocsvm_gpu *gpus;
	struct list_head quarantine;
	u64 num_buffers;
	u64 buffer_bytes;
	u64 quarantined_bytes;
};

/**
 * struct rocsvm_ucmd - an ioctl in progress
 * @space: the caller's space
 * @arg: the caller's structure
 * @user_size: its size as the caller said
 * @size: its size as the kernel knows it
 * @cmd: the kernel's copy of it
 */
struct rocsvm_ucmd {
	struct rocsvm_space *space;
	void __user *arg;
	u32 user_size;
	u32 size;
	void *cmd;
};

int rocsvm_ucmd_respond(const struct rocsvm_ucmd *ucmd);

/* space.c */
void rocsvm_space_exit(void);
struct rocsvm_space *rocsvm_space_open(void);
void rocsvm_space_close(struct rocsvm_space *space);
bool rocsvm_space_is_current(const struct rocsvm_space *space);
void rocsvm_space_drop_gpus(struct rocsvm_space *space);
int rocsvm_reserve(struct rocsvm_ucmd *ucmd);

/* gpu.c */
int rocsvm_space_gpu(const struct rocsvm_space *space, u32 gpu_id);
int rocsvm_info(struct rocsvm_ucmd *ucmd);
int rocsvm_gpu_info(struct rocsvm_ucmd *ucmd);
int rocsvm_acquire_vm(struct rocsvm_ucmd *ucmd);

/* buffer.c */
int rocsvm_alloc(struct rocsvm_ucmd *ucmd);
int rocsvm_free(struct rocsvm_ucmd *ucmd);
int rocsvm_map(struct rocsvm_ucmd *ucmd);
int rocsvm_unmap(struct rocsvm_ucmd *ucmd);
int rocsvm_query(struct rocsvm_ucmd *ucmd);
bool rocsvm_buffers_overlap(struct rocsvm_space *space, u64 base, u64 length);
void rocsvm_buffers_retry(struct rocsvm_space *space);
void rocsvm_buffers_free_all(struct rocsvm_space *space);
void rocsvm_buffers_forget(struct rocsvm_space *space);

/* window.c */
int rocsvm_window_init(void);
void rocsvm_window_exit(void);
int rocsvm_window_reserve(struct rocsvm_window *window, struct mm_struct *mm,
			  const struct rocsvm_aperture *svm,
			  unsigned long base, unsigned long length);
unsigned long rocsvm_window_mmap(const struct rocsvm_window *window,
				 unsigned long addr, unsigned long length,
				 unsigned long flags);
void rocsvm_window_unmap(struct rocsvm_space *space);
void rocsvm_window_drop(struct rocsvm_window *window);
bool rocsvm_window_covers(struct rocsvm_space *space, unsigned long addr,
			  unsigned long length);
int rocsvm_window_fill(struct rocsvm_space *space, unsigned long addr,
		       unsigned long length);
void rocsvm_window_punch(struct rocsvm_space *space, unsigned long addr,
			 unsigned long length);
void rocsvm_window_open(struct rocsvm_space *space, struct rocsvm_buffer *buf);
void rocsvm_window_close(struct rocsvm_space *space, struct rocsvm_buffer *buf);

/* carve.c */
int rocsvm_window_carve(struct rocsvm_space *space, unsigned long addr,
			unsigned long length, struct file *drm,
			pgoff_t drm_pgoff);
int rocsvm_window_restore(struct rocsvm_space *space, unsigned long addr,
			  unsigned long length, struct file *drm,
			  pgoff_t drm_pgoff);
int rocsvm_window_heal(struct rocsvm_space *space, unsigned long addr,
		       unsigned long length, struct file *drm,
		       pgoff_t drm_pgoff);
void rocsvm_window_uncarve(struct rocsvm_space *space, unsigned long addr,
			   unsigned long length, struct file *drm,
			   pgoff_t drm_pgoff);

/* gate.c */
int rocsvm_gate_init(void);
void rocsvm_gate_exit(void);
struct file *rocsvm_gate_file(struct vfsmount *mnt, const char *name,
			      loff_t size, struct rocsvm_work *work,
			      vm_flags_t flags);
void rocsvm_gate_open(struct rocsvm_gate *gate, struct rocsvm_opening *opening);
void rocsvm_gate_close(struct rocsvm_gate *gate,
		       struct rocsvm_opening *opening);
void rocsvm_gate_shut(struct rocsvm_gate *gate);
void rocsvm_gate_end(struct file *file);
struct rocsvm_work *rocsvm_work_create(struct mm_struct *mm);
void rocsvm_work_begin(struct rocsvm_work *work);
void rocsvm_work_end(struct rocsvm_work *work);
void rocsvm_work_put(struct rocsvm_work *work);
unsigned long rocsvm_search_mm(struct mm_struct *mm,
			       struct rocsvm_search *search);

/* control.c */
int rocsvm_control_create(struct rocsvm_control *control);
int rocsvm_control_place(struct rocsvm_control *control, unsigned long addr);
void rocsvm_control_unmap(struct rocsvm_control *control);
void rocsvm_control_drop(struct rocsvm_control *control);

/* kfd.c */
struct file *rocsvm_kfd_open(void);
int rocsvm_kfd_apertures(struct rocsvm_space *space);
struct file *rocsvm_kfd_render_file(int fd);
int rocsvm_kfd_acquire_vm(struct rocsvm_space *space, u32 gpu_id, int drm_fd);
int rocsvm_kfd_alloc(struct rocsvm_space *space, struct rocsvm_buffer *buf);
int rocsvm_kfd_free(struct rocsvm_space *space, u64 handle);
int rocsvm_kfd_map(struct rocsvm_space *space, u64 handle, u64 gpus, u64 *done);
int rocsvm_kfd_unmap(struct rocsvm_space *space, u64 handle, u64 gpus,
		     u64 *done);
long rocsvm_kfd_forward(struct rocsvm_space *space, unsigned int cmd,
			unsigned long arg);
int rocsvm_kfd_mmap(struct rocsvm_space *space, struct vm_area_struct *vma);

/* observe.c: counters over all spaces */
extern const struct attribute_group *rocsvm_groups[];
void rocsvm_count_space(int n, s64 reserved_bytes);
void rocsvm_count_buffer(int n, s64 bytes);

#endif /* _ROCSVM_H */
