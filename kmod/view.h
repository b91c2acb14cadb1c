/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lets others look at a space, and what is counted of it.
 *
 * Who holds a space's mutex can be in KFD for long, so nobody who looks on takes
 * it. Instead, what is walked by them (regions and the ranges in them, the array
 * of GPUs) is changed under the mutex *and*, for that moment, the view's spinlock;
 * to look is to hold the spinlock alone. (The list of KFD's buffers is an XArray,
 * which can be added to meanwhile; what is taken out of it is so as well.) What
 * the holder of the mutex changes besides is read by rocsvm_peek(): it is shown,
 * and nothing depends on it.
 *
 * A view outlasts its space for as long as somebody has one of its files open.
 */
#ifndef _ROCSVM_VIEW_H
#define _ROCSVM_VIEW_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "rocsvm.h"

/* What is counted besides the calls of each ioctl. */
enum rocsvm_stat {
	ROCSVM_STAT_KFD_CALLS,
	ROCSVM_STAT_KFD_FAILURES,
	ROCSVM_STAT_PASSED_CALLS,
	ROCSVM_STAT_PASSED_FAILURES,
	ROCSVM_STAT_FAULTS_REFUSED,
	ROCSVM_STAT_CARVES,
	ROCSVM_STAT_HEALS,
	ROCSVM_STAT_QUARANTINED,
	ROCSVM_STAT_KFD_UNLISTED,
	ROCSVM_NUM_STATS,
};

#define ROCSVM_NUM_CALLS	(ROCSVM_CMD_END - ROCSVM_CMD_BASE)

#define ROCSVM_CLOCK_SHIFT	26

/* What the holder of the mutex may be changing. */
#define rocsvm_peek(x)		data_race(READ_ONCE(x))

/**
 * rocsvm_clock - what is stamped on a buffer
 *
 * Return: CLOCK_MONOTONIC in units of 67 ms: 9 years in 32 bits.
 */
static inline u32 rocsvm_clock(void)
{
	return ktime_get_coarse_ns() >> ROCSVM_CLOCK_SHIFT;
}

/**
 * struct rocsvm_view - where a space can be looked at
 * @ref: held by the space, by the licence of each of its windows (for faults),
 *	by each open file of @dir, and by @update while that is on its way
 * @pid: of the process, in the initial namespace
 * @uid: its user when it opened the device first
 * @comm: its name, then
 * @dir: its folder in debugfs, or NULL; @update's
 * @update: makes the folder, or takes it away, as @space is set or not
 * @settled: @update has done what it could since the view was attached
 * @stats: counters
 * @calls: calls of each of our ioctls
 * @failures: those that failed
 * @lock: see above; a leaf
 * @space: the space while it is live or dormant, or NULL; under @lock
 */
struct rocsvm_view {
	refcount_t ref;
	pid_t pid;
	kuid_t uid;
	char comm[TASK_COMM_LEN];
	struct dentry *dir;
	struct work_struct update;
	struct completion settled;
	atomic64_t stats[ROCSVM_NUM_STATS];
	atomic64_t calls[ROCSVM_NUM_CALLS];
	atomic64_t failures[ROCSVM_NUM_CALLS];
	spinlock_t lock;	/* see above */
	struct rocsvm_space *space;
};

/**
 * struct rocsvm_kfd_buffer - a buffer that the program has made over KFD's own
 *	ioctl, as far as it can be told
 * @va: its address
 * @length: bytes
 * @born: when it came to be, by rocsvm_clock()
 * @flags: KFD_IOC_ALLOC_MEM_FLAGS_*
 * @imported: from a dma-buf
 */
struct rocsvm_kfd_buffer {
	u64 va;
	u64 length;
	u32 born;
	u32 flags;
	bool imported;
};

static inline void rocsvm_stat_inc(struct rocsvm_view *view,
				   enum rocsvm_stat stat)
{
	atomic64_inc(&view->stats[stat]);
}

/* view.c */
int rocsvm_view_create(struct rocsvm_space *space);
struct rocsvm_view *rocsvm_view_get(struct rocsvm_view *view);
void rocsvm_view_put(struct rocsvm_view *view);
void rocsvm_view_attach(struct rocsvm_space *space);
void rocsvm_view_detach(struct rocsvm_space *space);
struct rocsvm_buffer *rocsvm_view_next(struct rocsvm_space *space, u64 addr,
				       bool inside);
enum rocsvm_shown_kind rocsvm_shown_kind(const struct rocsvm_buffer *buf);

/* A window has all regions, the mmap aperture the first of them. */
static inline bool rocsvm_view_has_window(const struct rocsvm_space *space)
{
	return space && space->regions[ROCSVM_REGION_HUGE].end;
}

/* lists.c */
extern const char * const rocsvm_kind_names[ROCSVM_NUM_SHOWN_KINDS];
extern const struct seq_operations rocsvm_buffers_ops;
extern const struct seq_operations rocsvm_gaps_ops;
void rocsvm_show_gpus(struct seq_file *m, const struct rocsvm_space *space,
		      u64 mask);

/* trace.c */
void rocsvm_trace_call(const struct rocsvm_ucmd *ucmd, unsigned int nr,
		       int err);

/* debugfs.c */
int rocsvm_debugfs_init(void);
void rocsvm_debugfs_exit(void);
void rocsvm_debugfs_update(struct rocsvm_view *view);
void rocsvm_debugfs_wait(struct rocsvm_view *view);
void rocsvm_debugfs_work(struct work_struct *work);
void rocsvm_show_fdinfo(struct seq_file *m, struct file *file);

#endif /* _ROCSVM_VIEW_H */
