/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module share: the SVM space and what it is made of.
 *
 * Lock order, outermost first:
 *
 *   space->lock              a mutex, held over whole calls into KFD
 *     KFD's and DRM's locks  taken inside vfs_ioctl(), and by EXPORT
 *       mm->mmap_lock        taken by vm_mmap(), by KFD, by user accesses
 *         gate->lock         a seqlock; writers under space->lock only,
 *                            readers in page faults, without the lock
 *           page lock        a fault asks the gate again under it
 *
 * The list of dormant spaces has a spinlock of its own, a leaf; so have the list
 * of segments that a notifier's callback has found unmapped (segment.c) and the
 * table of users (limits.c).
 *
 * view->lock, a spinlock and a leaf as well, is taken under space->lock by who
 * changes what others may look at, and without it by those others (view.h).
 * Folders of debugfs are made and removed by a worker that holds nothing, and
 * nobody waits for it with a lock: whoever lists a folder has it locked, and can
 * be in a page fault that takes for ever.
 *
 * The end of a segment waits for callbacks of its notifier, which run under
 * mmap_lock, or under locks of pages, and take no lock but the segments' own. A
 * trigger's ->release takes space->lock on a task's way back to user mode, when
 * it holds nothing.
 *
 * space->lock is never taken in a page fault, in the mmu_notifier's callback,
 * in ->mmap() or in ->get_unmapped_area(), and a KFD ioctl is never forwarded
 * under mmap_lock.
 */
#ifndef _ROCSVM_H
#define _ROCSVM_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <linux/rocsvm.h>

#include "placement.h"
#include "window.h"

#define ROCSVM_VERSION		"0.3.0"

/* GPUs in one space: what fits a list in the control page, and one word. */
#define ROCSVM_MAX_GPUS		64

/* KFD's ids: what fits its mmap offsets, and a handle beside other positions. */
#define ROCSVM_MAX_GPU_ID	U16_MAX

#define ROCSVM_MAX_ALIGNMENT	SZ_1G

/*
 * For what a program can have made again and again: it is charged to its memory
 * cgroup, and where there is none left the program is told so. Nobody is killed
 * for it.
 */
#define ROCSVM_GFP		(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

struct dma_buf;
struct rocsvm_user;
struct rocsvm_view;

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
 * @scratch_buf: the reservation that is its scratch backing, or NULL
 * @apart: placement in @gpuvm; only of a GPU that is not canonical, else a
 *	region without room
 */
struct rocsvm_gpu {
	u32 gpu_id;
	bool canonical;
	bool acquired;
	struct rocsvm_aperture gpuvm;
	struct rocsvm_aperture lds;
	struct rocsvm_aperture scratch;
	struct file *drm;
	struct rocsvm_buffer *scratch_buf;
	struct rocsvm_region apart;
};

/**
 * struct rocsvm_buffer - a buffer, a segment of registered memory, or
 *	addresses in quarantine
 * @range: its addresses
 * @opening: host buffers, and only those: what the gate lets through
 * @mmap_pgoff: where the CPU's mapping is the driver's: the offset in
 *	rocsvm_buffer_file(), in pages
 * @dmabuf: imported, or exported: its dma-buf; a reference, or NULL
 * @inside: address reservations: placement of the buffers in it. Ask
 *	rocsvm_buffer_inside()
 * @handle: KFD's handle, 0 for the kinds without memory
 * @mapped: GPUs (by index in the space) it is mapped to
 * @tag: the user's number
 * @link: in rocsvm_space.quarantine, if it is quarantined and not lost
 * @rcu: for what is left of a host buffer: a fault may be looking at @opening
 * @flags: enum rocsvm_alloc_flags
 * @registrations: registered memory: how many registrations meet it
 * @born: when it came to be what it is, by rocsvm_clock(); 0 while it is made or
 *	ended, and nobody gets to see it
 * @kind: enum rocsvm_kind
 * @gpu: index of the GPU that KFD keeps it for
 * @nested: it is inside an address reservation
 * @huge: its pages are the huge file's
 * @carved: the driver's mapping stands in place of the window's
 * @quarantined: not a buffer any more; its addresses can't be given out
 * @lost: quarantined for good: KFD may still have a buffer there
 *
 * There can be a million of them: rocsvm_buffer_new() has a slab of their own.
 * Under space->lock, all of it.
 */
struct rocsvm_buffer {
	struct rocsvm_range range;
	union {
		struct rocsvm_opening opening;
		struct {
			pgoff_t mmap_pgoff;
			struct dma_buf *dmabuf;
			struct rocsvm_region *inside;
		};
	};
	u64 handle;
	u64 mapped;
	u64 tag;
	union {
		struct list_head link;
		struct rcu_head rcu;
	};
	u32 flags;
	u32 registrations;
	u32 born;
	u8 kind;
	u8 gpu;
	u8 nested:1;
	u8 huge:1;
	u8 carved:1;
	u8 quarantined:1;
	u8 lost:1;
};

static_assert(sizeof(struct rocsvm_buffer) <= 160);
static_assert(ROCSVM_MAX_GPUS <= U8_MAX);

/* The kinds without memory: an address reservation. */
static inline bool rocsvm_is_reservation(u32 kind)
{
	return kind == ROCSVM_KIND_ADDRESS || kind == ROCSVM_KIND_SCRATCH;
}

/**
 * rocsvm_buffer_inside - what is inside an address reservation
 * @buf: any buffer
 *
 * Return: its region, or NULL for the other kinds.
 */
static inline struct rocsvm_region *
rocsvm_buffer_inside(const struct rocsvm_buffer *buf)
{
	return rocsvm_is_reservation(buf->kind) ? buf->inside : NULL;
}

/* The regions of a space. The mmap aperture has the first only. */
enum rocsvm_region_index {
	ROCSVM_REGION_PAGES,
	ROCSVM_REGION_COHERENT_PAGES,
	ROCSVM_REGION_COHERENT_HUGE,
	ROCSVM_REGION_HUGE,
	ROCSVM_NUM_REGIONS,
};

/**
 * enum rocsvm_limit - what there may be only so many of
 * @ROCSVM_LIMIT_SPACES: spaces of one user
 * @ROCSVM_LIMIT_BUFFERS: buffers of every kind, and what was one and is still
 *	in quarantine
 * @ROCSVM_LIMIT_REGISTRATIONS: registrations and segments
 * @ROCSVM_NUM_LIMITS: how many there are
 */
enum rocsvm_limit {
	ROCSVM_LIMIT_SPACES,
	ROCSVM_LIMIT_BUFFERS,
	ROCSVM_LIMIT_REGISTRATIONS,
	ROCSVM_NUM_LIMITS,
};

/* What those who look on are told a buffer is: finer than enum rocsvm_kind. */
enum rocsvm_shown_kind {
	ROCSVM_SHOWN_HOST,
	ROCSVM_SHOWN_GTT,
	ROCSVM_SHOWN_VRAM,
	ROCSVM_SHOWN_PRIVATE,
	ROCSVM_SHOWN_DOORBELL,
	ROCSVM_SHOWN_MMIO,
	ROCSVM_SHOWN_AQL,
	ROCSVM_SHOWN_IMPORTED,
	ROCSVM_SHOWN_ADDRESS,
	ROCSVM_SHOWN_SCRATCH,
	ROCSVM_SHOWN_REGISTERED,
	ROCSVM_SHOWN_KFD,
	ROCSVM_SHOWN_QUARANTINE,
	ROCSVM_NUM_SHOWN_KINDS,
};

/**
 * struct rocsvm_tally - how much there is of something
 * @count: how many
 * @bytes: the sum of their lengths
 */
struct rocsvm_tally {
	u64 count;
	u64 bytes;
};

/* What is asked once. */
enum rocsvm_answer {
	ROCSVM_UNKNOWN,
	ROCSVM_YES,
	ROCSVM_NO,
};

/**
 * struct rocsvm_space - everything that is kept for one mm
 * @mn: ties the space to its mm; one user a file, one while it is live or
 *	dormant
 * @user: who is charged for it
 * @view: where it can be looked at; a reference
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
 * @regions: placement, in ascending addresses
 * @registered: segments of registered memory, in the SVM range
 * @registrations: what was registered, by address and length
 * @guard: bytes of guard where a buffer asks for none, 0 for one granule
 * @no_guard: none at all where a buffer asks for none
 * @max_alignment: largest alignment where a buffer asks for none
 * @fallback: not the aperture that the module parameter asks for
 * @num_gpus: valid elements of @gpus
 * @gpus: all GPUs that KFD reports; while not live those bound
 * @quarantine: buffers whose addresses could not be taken back yet
 * @num_buffers: live buffers
 * @buffer_bytes: sum of their lengths
 * @num_registrations: live registrations
 * @tally: what there is, by enum rocsvm_shown_kind
 * @kfd_buffers: those that the program made over KFD's own ioctls, by handle
 * @used: what is charged to @user, by enum rocsvm_limit
 * @kfd_export: whether KFD makes dma-bufs
 *
 * Found by its mm: every open in the process has the same space.
 */
struct rocsvm_space {
	struct mmu_notifier mn;
	struct rocsvm_user *user;
	struct rocsvm_view *view;
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
	struct rocsvm_region regions[ROCSVM_NUM_REGIONS];
	struct rocsvm_region registered;
	struct rb_root registrations;
	u64 guard;
	u64 max_alignment;
	bool no_guard;
	bool fallback;
	unsigned int num_gpus;
	struct rocsvm_gpu *gpus;
	struct list_head quarantine;
	u64 num_buffers;
	u64 buffer_bytes;
	u64 num_registrations;
	struct rocsvm_tally tally[ROCSVM_NUM_SHOWN_KINDS];
	struct xarray kfd_buffers;
	unsigned long used[ROCSVM_NUM_LIMITS];
	enum rocsvm_answer kfd_export;
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

/* What may take long is interrupted by a fatal signal, and by no other. */
static inline void rocsvm_block_signals(sigset_t *old)
{
	sigset_t set;

	siginitsetinv(&set, sigmask(SIGKILL));
	sigprocmask(SIG_BLOCK, &set, old);
}

static inline void rocsvm_restore_signals(sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}

int rocsvm_ucmd_respond(const struct rocsvm_ucmd *ucmd);

/* main.c */
int rocsvm_ioctl(struct rocsvm_space *space, unsigned int cmd,
		 void __user *arg);

/**
 * rocsvm_space_is_current - whether the caller may use a space
 * @space: the space
 *
 * The mm alone is not enough: KFD serves one thread group.
 *
 * Return: true for the process that opened it.
 */
static inline bool rocsvm_space_is_current(const struct rocsvm_space *space)
{
	return current->mm == space->mn.mm &&
	       task_tgid(current) == space->tgid;
}

/* space.c */
void rocsvm_space_exit(void);
struct rocsvm_space *rocsvm_space_open(void);
void rocsvm_space_close(struct rocsvm_space *space);
int rocsvm_space_get(struct rocsvm_space *space);
void rocsvm_space_put(struct rocsvm_space *space);
void rocsvm_space_set_gpus(struct rocsvm_space *space, struct rocsvm_gpu *gpus,
			   unsigned int num_gpus);
void rocsvm_space_init_regions(struct rocsvm_space *space);
void rocsvm_space_fini_regions(struct rocsvm_space *space);

/* reserve.c */
int rocsvm_space_choose_aperture(struct rocsvm_space *space);
int rocsvm_reserve(struct rocsvm_ucmd *ucmd);

/* gpu.c */
int rocsvm_space_gpu(const struct rocsvm_space *space, u32 gpu_id);
int rocsvm_space_choose_gpu(const struct rocsvm_space *space, u32 kind,
			    u32 gpu_id);
int rocsvm_space_gpu_mask(const struct rocsvm_space *space, const u32 *ids,
			  unsigned int n, u64 *mask);
int rocsvm_copy_gpu_ids(u32 *ids, u64 uptr, unsigned int n);
int rocsvm_space_set_policy(struct rocsvm_space *space);
void rocsvm_space_note_vm(struct rocsvm_space *space, u32 gpu_id,
			  struct file *drm);
int rocsvm_info(struct rocsvm_ucmd *ucmd);
int rocsvm_gpu_info(struct rocsvm_ucmd *ucmd);
int rocsvm_acquire_vm(struct rocsvm_ucmd *ucmd);

/* alloc.c */
int rocsvm_buffers_init(void);
void rocsvm_buffers_exit(void);
struct rocsvm_buffer *rocsvm_buffer_new(void);
void rocsvm_buffer_destroy(struct rocsvm_buffer *buf);
void rocsvm_buffer_destroy_rcu(struct rocsvm_buffer *buf);
int rocsvm_buffer_create(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			 const struct rocsvm_alloc *cmd, const u32 *ids,
			 int dmabuf_fd);
int rocsvm_alloc_check(const struct rocsvm_alloc *cmd, u32 flags);
int rocsvm_alloc(struct rocsvm_ucmd *ucmd);
int rocsvm_free(struct rocsvm_ucmd *ucmd);
int rocsvm_map(struct rocsvm_ucmd *ucmd);
int rocsvm_unmap(struct rocsvm_ucmd *ucmd);

/* buffer.c */
struct file *rocsvm_buffer_file(const struct rocsvm_space *space,
				const struct rocsvm_buffer *buf);
int rocsvm_buffer_populate(struct rocsvm_space *space,
			   struct rocsvm_buffer *buf, int dmabuf_fd);
int rocsvm_buffer_map(struct rocsvm_space *space, struct rocsvm_buffer *buf,
		      u64 gpus);
int rocsvm_buffer_unmap(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			u64 gpus);
int rocsvm_buffer_kfd_free(struct rocsvm_space *space,
			   struct rocsvm_buffer *buf);
int rocsvm_buffer_free(struct rocsvm_space *space, struct rocsvm_buffer *buf);
void rocsvm_buffer_abort(struct rocsvm_space *space, struct rocsvm_buffer *buf);
void rocsvm_buffer_count(struct rocsvm_space *space, struct rocsvm_buffer *buf,
			 int n);
void rocsvm_buffers_retry(struct rocsvm_space *space);
void rocsvm_buffers_free_all(struct rocsvm_space *space);
void rocsvm_buffers_forget(struct rocsvm_space *space);

/* lookup.c */
struct rocsvm_region *rocsvm_buffer_region(struct rocsvm_space *space,
					   const struct rocsvm_buffer *buf);
struct rocsvm_buffer *rocsvm_buffer_find(struct rocsvm_space *space, u64 addr);
struct rocsvm_buffer *rocsvm_buffer_at(struct rocsvm_space *space, u64 addr);
struct rocsvm_buffer *rocsvm_reservation_at(struct rocsvm_space *space,
					    u64 addr);
bool rocsvm_buffers_overlap(struct rocsvm_space *space, u64 base, u64 length);
bool rocsvm_registered_overlap(struct rocsvm_space *space, u64 base,
			       u64 length);
int rocsvm_query(struct rocsvm_ucmd *ucmd);
int rocsvm_set_tag(struct rocsvm_ucmd *ucmd);

/* register.c */
int rocsvm_registration_map(struct rocsvm_space *space, u64 va, u64 gpus);
int rocsvm_registration_unmap(struct rocsvm_space *space, u64 va, u64 gpus);
void rocsvm_registrations_free_all(struct rocsvm_space *space);
void rocsvm_registrations_forget(struct rocsvm_space *space);
int rocsvm_register(struct rocsvm_ucmd *ucmd);
int rocsvm_unregister(struct rocsvm_ucmd *ucmd);

/* batch.c */
int rocsvm_batch(struct rocsvm_ucmd *ucmd);

/* share.c */
void rocsvm_share_note(struct rocsvm_space *space,
		       const struct rocsvm_buffer *buf);
int rocsvm_export(struct rocsvm_ucmd *ucmd);
int rocsvm_import(struct rocsvm_ucmd *ucmd);

/* svm.c */
int rocsvm_svm_attr(struct rocsvm_ucmd *ucmd);

/* limits.c */
void rocsvm_limits_init(void);
int rocsvm_limits_attach(struct rocsvm_space *space);
void rocsvm_limits_detach(struct rocsvm_space *space);
int rocsvm_charge(struct rocsvm_space *space, enum rocsvm_limit what);
void rocsvm_uncharge(struct rocsvm_space *space, enum rocsvm_limit what);
long rocsvm_user_usage(enum rocsvm_limit what);

/* observe.c: counters over all spaces */
extern const struct attribute_group *rocsvm_groups[];
void rocsvm_count_space(int n, s64 reserved_bytes);
void rocsvm_count_buffer(int n, s64 bytes);
void rocsvm_count_kind(enum rocsvm_shown_kind kind, s64 bytes);

/* view.c */
void rocsvm_view_lock(struct rocsvm_space *space);
void rocsvm_view_unlock(struct rocsvm_space *space);
void rocsvm_show(struct rocsvm_space *space, struct rocsvm_buffer *buf);
void rocsvm_hide(struct rocsvm_space *space, struct rocsvm_buffer *buf);
void rocsvm_tally(struct rocsvm_space *space, enum rocsvm_shown_kind kind,
		  int n, u64 length);

#endif /* _ROCSVM_H */
