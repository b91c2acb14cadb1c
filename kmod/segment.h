/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments of registered memory: what KFD knows of it.
 */
#ifndef _ROCSVM_SEGMENT_H
#define _ROCSVM_SEGMENT_H

#include <linux/file.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>

#include "rocsvm.h"

/**
 * struct rocsvm_pages - whole pages, inside the SVM range
 * @base: first address
 * @end: behind the last one
 */
struct rocsvm_pages {
	u64 base;
	u64 end;
};

/**
 * struct rocsvm_backing - the files behind memory
 * @file: the first regular one, with a reference, or NULL
 * @end: page of it behind the last one that is needed
 * @look_again: the size of @file does not tell all: there is another regular
 *	one, or its pages may go before its size does
 */
struct rocsvm_backing {
	struct file *file;
	pgoff_t end;
	bool look_again;
};

/**
 * struct rocsvm_segment - pages that KFD has as one object
 * @buf: as others see it. Its handle is 0 while KFD has none of it: after the
 *	program has unmapped some of it, or an UNREGISTER that failed halfway
 * @notifier: watches the mapping
 * @watch: of the space
 * @suspect: in rocsvm_watch.suspects, under its lock; else empty
 * @backing: while KFD has it, what may be truncated; under the same lock
 * @gone: some of it was no memory at a time since KFD was given it, whatever is
 *	there now; under the same lock
 * @has_file: whether @backing has one, without the lock
 * @added: GPUs that the call in progress has given access; 0 between calls
 *
 * buf.registrations is 0 only while the call that makes it is in progress, or
 * if KFD may have it for good (buf.lost): nobody gets to see it then.
 */
struct rocsvm_segment {
	struct rocsvm_buffer buf;
	struct mmu_interval_notifier notifier;
	struct rocsvm_watch *watch;
	struct list_head suspect;
	struct rocsvm_backing backing;
	bool gone;
	bool has_file;
	u64 added;
};

static inline u64 rocsvm_segment_base(const struct rocsvm_segment *seg)
{
	return rocsvm_range_base(&seg->buf.range);
}

static inline u64 rocsvm_segment_end(const struct rocsvm_segment *seg)
{
	return rocsvm_segment_base(seg) + rocsvm_range_length(&seg->buf.range);
}

struct rocsvm_segment *rocsvm_segment_next(struct rocsvm_space *space,
					   u64 from, u64 end);

/* All segments that meet some pages, in ascending order: the first ... */
static inline struct rocsvm_segment *
rocsvm_segment_first(struct rocsvm_space *space,
		     const struct rocsvm_pages *pages)
{
	return rocsvm_segment_next(space, pages->base, pages->end);
}

/* ... and the one after @seg, which must still be there. There can be many. */
static inline struct rocsvm_segment *
rocsvm_segment_after(struct rocsvm_space *space,
		     const struct rocsvm_pages *pages,
		     const struct rocsvm_segment *seg)
{
	cond_resched();
	return rocsvm_segment_next(space, rocsvm_segment_end(seg), pages->end);
}

static inline pgoff_t rocsvm_file_pages(const struct file *file)
{
	return DIV_ROUND_UP(i_size_read(file_inode(file)), PAGE_SIZE);
}

static inline void rocsvm_backing_drop(const struct rocsvm_backing *backing)
{
	if (backing->file)
		fput(backing->file);
}

/* memory.c */
int rocsvm_memory_check(struct mm_struct *mm, const struct rocsvm_pages *pages,
			struct rocsvm_backing *backing);
int rocsvm_memory_populate(const struct rocsvm_pages *pages);

/* segment.c */
int rocsvm_segment_create(struct rocsvm_space *space,
			  const struct rocsvm_pages *pages,
			  const struct rocsvm_register *cmd, unsigned int gpu);
int rocsvm_segment_fill(struct rocsvm_space *space, struct rocsvm_segment *seg,
			u64 gpus);
int rocsvm_segment_drain(struct rocsvm_space *space,
			 struct rocsvm_segment *seg);
void rocsvm_segment_retire(struct rocsvm_segment *seg);
void rocsvm_segment_release(struct rocsvm_segment *seg);
void rocsvm_segments_drain_suspects(struct rocsvm_space *space);

#endif /* _ROCSVM_SEGMENT_H */
