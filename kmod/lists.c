// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lists that debugfs has of a space: its buffers, and what is free between
 * them.
 *
 * A position in a list says which address, or handle, comes next, so there is
 * nothing to be kept of a reader. What is not shown takes a step, too: the lock
 * is never held for more than one.
 */
#include <linux/kfd_ioctl.h>
#include <linux/seq_file.h>

#include "view.h"

/* ---- buffers ---- */

const char * const rocsvm_kind_names[ROCSVM_NUM_SHOWN_KINDS] = {
	[ROCSVM_SHOWN_HOST] = "host",
	[ROCSVM_SHOWN_GTT] = "gtt",
	[ROCSVM_SHOWN_VRAM] = "vram",
	[ROCSVM_SHOWN_PRIVATE] = "private",
	[ROCSVM_SHOWN_DOORBELL] = "doorbell",
	[ROCSVM_SHOWN_MMIO] = "mmio",
	[ROCSVM_SHOWN_AQL] = "aql",
	[ROCSVM_SHOWN_IMPORTED] = "imported",
	[ROCSVM_SHOWN_ADDRESS] = "address",
	[ROCSVM_SHOWN_SCRATCH] = "scratch",
	[ROCSVM_SHOWN_REGISTERED] = "registered",
	[ROCSVM_SHOWN_KFD] = "kfd",
	[ROCSVM_SHOWN_QUARANTINE] = "quarantine",
};

/**
 * rocsvm_show_gpus - write the ids of some GPUs with commas, or "-"
 * @m: where to write
 * @space: the space; its view's spinlock is held
 * @mask: which ones, by index
 */
void rocsvm_show_gpus(struct seq_file *m, const struct rocsvm_space *space,
		      u64 mask)
{
	const char *separator = "";
	unsigned int i;

	for (i = 0; i < space->num_gpus; i++) {
		if (!(mask & BIT_ULL(i)))
			continue;
		seq_printf(m, "%s%u", separator, space->gpus[i].gpu_id);
		separator = ",";
	}
	if (!*separator)
		seq_putc(m, '-');
}

/*
 * Position in the file: 0 is the line of titles. Then addresses, in half pages:
 * the odd one is what begins there inside an address reservation. KFD's own
 * come last, by handle.
 */
#define HALF_PAGE_SHIFT		(PAGE_SHIFT - 1)
#define POS_KFD			((loff_t)BIT_ULL(62))

/* A handle is a GPU's id above 32 bits: no sum is negative, or below POS_KFD. */
static_assert(!((u64)ROCSVM_MAX_GPU_ID << 32 >> 62));

/* A bit, beside others that the holder of the mutex may be changing. */
static bool is_nested(const struct rocsvm_buffer *buf)
{
	/* data_race: this one does not change. */
	return data_race(!!buf->nested);
}

static loff_t buffer_pos(const struct rocsvm_buffer *buf)
{
	return rocsvm_range_base(&buf->range) >> HALF_PAGE_SHIFT |
	       is_nested(buf);
}

/* What is at a position or behind it, and its position. */
static void *buffers_find(struct rocsvm_view *view, loff_t *pos)
{
	struct rocsvm_space *space = view->space;
	struct rocsvm_buffer *buf;
	unsigned long handle;
	void *kfd_buf;

	if (!space)
		return NULL;
	if (*pos < POS_KFD) {
		buf = rocsvm_view_next(space, (u64)(*pos & ~1) << HALF_PAGE_SHIFT,
				       *pos & 1);
		*pos = buf ? buffer_pos(buf) : POS_KFD;
		if (buf)
			return buf;
	}
	handle = *pos - POS_KFD;
	kfd_buf = xa_find(&space->kfd_buffers, &handle, ULONG_MAX, XA_PRESENT);
	*pos = POS_KFD + handle;
	return kfd_buf;
}

static void *buffers_start(struct seq_file *m, loff_t *pos)
	__acquires(view->lock)
{
	struct rocsvm_view *view = m->private;

	spin_lock(&view->lock);
	return *pos ? buffers_find(view, pos) : SEQ_START_TOKEN;
}

/* For each line the lock is taken anew: who reads keeps nobody waiting. */
static void *buffers_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct rocsvm_view *view = m->private;

	++*pos;
	spin_unlock(&view->lock);
	cond_resched();
	spin_lock(&view->lock);
	return buffers_find(view, pos);
}

static void lines_stop(struct seq_file *m, void *v)
	__releases(view->lock)
{
	struct rocsvm_view *view = m->private;

	spin_unlock(&view->lock);
}

struct flag_name {
	u32 flag;
	const char *name;
};

static const struct flag_name alloc_flag_names[] = {
	{ ROCSVM_ALLOC_FIXED, "fixed" },
	{ ROCSVM_ALLOC_READONLY, "readonly" },
	{ ROCSVM_ALLOC_EXECUTABLE, "executable" },
	{ ROCSVM_ALLOC_COHERENT, "coherent" },
	{ ROCSVM_ALLOC_UNCACHED, "uncached" },
	{ ROCSVM_ALLOC_AQL_QUEUE, "aql" },
	{ ROCSVM_ALLOC_IMPORTED, "imported" },
	{}
};

static const struct flag_name kfd_flag_names[] = {
	{ KFD_IOC_ALLOC_MEM_FLAGS_VRAM, "vram" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_GTT, "gtt" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_USERPTR, "userptr" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL, "doorbell" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP, "mmio" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC, "public" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE, "writable" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE, "executable" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_COHERENT, "coherent" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_UNCACHED, "uncached" },
	{ KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM, "aql" },
	{}
};

/* @more: another word, or NULL */
static void show_flags(struct seq_file *m, const struct flag_name *names,
		       u32 flags, const char *more)
{
	const char *separator = "";

	for (; names->flag; names++) {
		if (!(flags & names->flag))
			continue;
		seq_printf(m, "%s%s", separator, names->name);
		separator = ",";
	}
	if (more)
		seq_printf(m, "%s%s", separator, more);
	else if (!*separator)
		seq_putc(m, '-');
}

static u64 age_ms(u32 born)
{
	u64 ticks = rocsvm_clock() - born;

	return div_u64(ticks << ROCSVM_CLOCK_SHIFT, NSEC_PER_MSEC);
}

static int kfd_buffer_show(struct seq_file *m,
			   const struct rocsvm_kfd_buffer *buf)
{
	seq_printf(m, "0x%012llx %llu kfd ", buf->va, buf->length);
	show_flags(m, kfd_flag_names, buf->flags,
		   buf->imported ? "imported" : NULL);
	/* Mapped by calls that nobody looks at. */
	seq_printf(m, " ? 0 %llu 0x0\n", age_ms(buf->born));
	return 0;
}

static const char *buffer_more(const struct rocsvm_buffer *buf)
{
	bool exported = buf->kind != ROCSVM_KIND_HOST &&
			!(buf->flags & ROCSVM_ALLOC_IMPORTED) &&
			rocsvm_peek(buf->dmabuf);

	if (is_nested(buf))
		return exported ? "inside,exported" : "inside";
	return exported ? "exported" : NULL;
}

static int buffers_show(struct seq_file *m, void *v)
{
	struct rocsvm_view *view = m->private;
	const struct rocsvm_buffer *buf = v;
	u32 born;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "# va length kind flags gpus guard age_ms tag\n");
		return 0;
	}
	if (m->index >= POS_KFD)
		return kfd_buffer_show(m, v);
	born = rocsvm_peek(buf->born);
	if (!born)
		return SEQ_SKIP;

	seq_printf(m, "0x%012llx %llu %s ", rocsvm_range_base(&buf->range),
		   rocsvm_range_length(&buf->range),
		   rocsvm_kind_names[rocsvm_shown_kind(buf)]);
	show_flags(m, alloc_flag_names, buf->flags, buffer_more(buf));
	seq_putc(m, ' ');
	rocsvm_show_gpus(m, view->space, rocsvm_peek(buf->mapped));
	seq_printf(m, " %u %llu 0x%llx\n", buf->range.guard,
		   age_ms(born), rocsvm_peek(buf->tag));
	return 0;
}

const struct seq_operations rocsvm_buffers_ops = {
	.start = buffers_start,
	.next = buffers_next,
	.stop = lines_stop,
	.show = buffers_show,
};

/* ---- gaps ---- */

static const char * const region_names[ROCSVM_NUM_REGIONS] = {
	[ROCSVM_REGION_PAGES] = "page",
	[ROCSVM_REGION_COHERENT_PAGES] = "coherent-page",
	[ROCSVM_REGION_COHERENT_HUGE] = "coherent-huge",
	[ROCSVM_REGION_HUGE] = "huge",
};

/*
 * Position in the file: an address, where a region begins or a range of it has
 * ended. Regions lie side by side; each has one that the position is below.
 */
static struct rocsvm_region *gaps_find(struct rocsvm_view *view, loff_t *pos)
{
	struct rocsvm_space *space = view->space;
	unsigned int i;

	if (!rocsvm_view_has_window(space))
		return NULL;
	*pos = max_t(u64, *pos, space->regions[0].base);
	for (i = 0; i < ROCSVM_NUM_REGIONS; i++)
		if (*pos < space->regions[i].end)
			return &space->regions[i];
	return NULL;
}

static void *gaps_start(struct seq_file *m, loff_t *pos)
	__acquires(view->lock)
{
	struct rocsvm_view *view = m->private;

	spin_lock(&view->lock);
	return gaps_find(view, pos);
}

static void *gaps_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct rocsvm_view *view = m->private;
	struct rocsvm_region *region = v;
	struct rocsvm_range *range = rocsvm_range_next(region, *pos);

	*pos = range ? rocsvm_range_base(range) + rocsvm_range_length(range) +
		       range->guard : region->end;
	spin_unlock(&view->lock);
	cond_resched();
	spin_lock(&view->lock);
	return gaps_find(view, pos);
}

static int gaps_show(struct seq_file *m, void *v)
{
	struct rocsvm_view *view = m->private;
	struct rocsvm_region *region = v;
	struct rocsvm_range *range = rocsvm_range_next(region, m->index);
	u64 start = m->index;
	u64 end = range ? rocsvm_range_base(range) : region->end;

	if (end <= start)
		return SEQ_SKIP;
	seq_printf(m, "%s 0x%012llx %llu\n",
		   region_names[region - view->space->regions], start,
		   end - start);
	return 0;
}

const struct seq_operations rocsvm_gaps_ops = {
	.start = gaps_start,
	.next = gaps_next,
	.stop = lines_stop,
	.show = gaps_show,
};
