// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views as files: /sys/kernel/debug/rocsvm/PID/, for root as they tell
 * addresses, and fdinfo of /dev/rocsvm.
 *
 * An aid, never needed: nothing is said where there is no debugfs. A file that
 * is open keeps its view, and the module; it keeps neither the space nor the
 * process.
 */
#include <linux/cred.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "view.h"

static struct dentry *debugfs_root;
static struct workqueue_struct *workqueue;

/* ---- space ---- */

static const char *state_name(const struct rocsvm_space *space)
{
	if (!space)
		return "ended";
	if (!rocsvm_peek(space->live))
		return "dormant";
	return atomic_read(&space->files) > 0 ? "open" : "orphaned";
}

static const char *aperture_name(const struct rocsvm_space *space)
{
	if (rocsvm_view_has_window(space))
		return "reserved";
	return space && space->regions[ROCSVM_REGION_PAGES].end ? "mmap" :
								  "none";
}

static void show_window(struct seq_file *m, const struct rocsvm_space *space)
{
	const struct rocsvm_region *regions = space->regions;
	u64 base = 0, end = 0, huge = 0, coherent = 0, coherent_end = 0;

	if (rocsvm_view_has_window(space)) {
		base = regions[ROCSVM_REGION_PAGES].base;
		end = regions[ROCSVM_REGION_HUGE].end;
		coherent = regions[ROCSVM_REGION_COHERENT_PAGES].base;
		huge = regions[ROCSVM_REGION_COHERENT_HUGE].base;
		coherent_end = regions[ROCSVM_REGION_COHERENT_HUGE].end;
	}
	seq_printf(m, "base:\t0x%llx\n", base);
	seq_printf(m, "limit:\t0x%llx\n", end ? end - 1 : 0);
	seq_printf(m, "huge_base:\t0x%llx\n", huge);
	seq_printf(m, "coherent_base:\t0x%llx\n", coherent);
	seq_printf(m, "coherent_limit:\t0x%llx\n",
		   coherent_end ? coherent_end - 1 : 0);
	seq_printf(m, "reserved_bytes:\t%llu\n", end - base);
}

static void show_tallies(struct seq_file *m, const struct rocsvm_space *space)
{
	const struct rocsvm_tally *tally = space->tally;

	seq_printf(m, "buffers:\t%llu\n", rocsvm_peek(space->num_buffers));
	seq_printf(m, "buffer_bytes:\t%llu\n",
		   rocsvm_peek(space->buffer_bytes));
	seq_printf(m, "quarantined_bytes:\t%llu\n",
		   rocsvm_peek(tally[ROCSVM_SHOWN_QUARANTINE].bytes));
	seq_printf(m, "registered_segments:\t%llu\n",
		   rocsvm_peek(tally[ROCSVM_SHOWN_REGISTERED].count));
	seq_printf(m, "registered_bytes:\t%llu\n",
		   rocsvm_peek(tally[ROCSVM_SHOWN_REGISTERED].bytes));
	seq_printf(m, "kfd_buffers:\t%llu\n",
		   rocsvm_peek(tally[ROCSVM_SHOWN_KFD].count));
	seq_printf(m, "kfd_bytes:\t%llu\n",
		   rocsvm_peek(tally[ROCSVM_SHOWN_KFD].bytes));
}

static void show_space(struct seq_file *m, const struct rocsvm_space *space)
{
	u64 acquired = 0;
	unsigned int i;

	for (i = 0; i < space->num_gpus; i++)
		if (rocsvm_peek(space->gpus[i].acquired))
			acquired |= BIT_ULL(i);

	seq_printf(m, "aperture:\t%s\n", aperture_name(space));
	seq_printf(m, "fallback:\t%d\n", rocsvm_peek(space->fallback));
	seq_printf(m, "svm_base:\t0x%llx\n", rocsvm_peek(space->svm.base));
	seq_printf(m, "svm_limit:\t0x%llx\n", rocsvm_peek(space->svm.limit));
	show_window(m, space);
	seq_printf(m, "guard:\t%llu\n", rocsvm_peek(space->no_guard) ? 0 :
		   rocsvm_peek(space->guard) ?: PAGE_SIZE);
	seq_printf(m, "max_alignment:\t%llu\n",
		   rocsvm_peek(space->max_alignment));
	seq_printf(m, "opens:\t%d\n", atomic_read(&space->files));
	seq_puts(m, "gpus:\t");
	rocsvm_show_gpus(m, space, U64_MAX);
	seq_puts(m, "\ngpus_acquired:\t");
	rocsvm_show_gpus(m, space, acquired);
	seq_putc(m, '\n');
	show_tallies(m, space);
}

static int space_show(struct seq_file *m, void *v)
{
	struct rocsvm_view *view = m->private;

	seq_printf(m, "pid:\t%d\n", view->pid);
	seq_puts(m, "comm:\t");
	seq_escape(m, view->comm, "\n\\");
	seq_printf(m, "\nuid:\t%u\n",
		   from_kuid_munged(seq_user_ns(m), view->uid));
	spin_lock(&view->lock);
	seq_printf(m, "state:\t%s\n", state_name(view->space));
	if (view->space)
		show_space(m, view->space);
	spin_unlock(&view->lock);
	return 0;
}

/* ---- stats ---- */

static const char * const call_names[] = {
	"info", "gpu_info", "reserve", "acquire_vm", "alloc", "free", "map",
	"unmap", "query", "set_tag", "register", "unregister", "batch",
	"export", "import", "svm_attr",
};

static_assert(ARRAY_SIZE(call_names) == ROCSVM_NUM_CALLS);

static const char * const stat_names[ROCSVM_NUM_STATS] = {
	[ROCSVM_STAT_KFD_CALLS] = "kfd_calls",
	[ROCSVM_STAT_KFD_FAILURES] = "kfd_failures",
	[ROCSVM_STAT_PASSED_CALLS] = "passed_calls",
	[ROCSVM_STAT_PASSED_FAILURES] = "passed_failures",
	[ROCSVM_STAT_FAULTS_REFUSED] = "faults_refused",
	[ROCSVM_STAT_CARVES] = "carves",
	[ROCSVM_STAT_HEALS] = "heals",
	[ROCSVM_STAT_QUARANTINED] = "quarantined",
	[ROCSVM_STAT_KFD_UNLISTED] = "kfd_unlisted",
};

static int stats_show(struct seq_file *m, void *v)
{
	struct rocsvm_view *view = m->private;
	unsigned int i;

	for (i = 0; i < ROCSVM_NUM_CALLS; i++) {
		seq_printf(m, "%s_calls %lld\n", call_names[i],
			   atomic64_read(&view->calls[i]));
		seq_printf(m, "%s_failures %lld\n", call_names[i],
			   atomic64_read(&view->failures[i]));
	}
	for (i = 0; i < ROCSVM_NUM_STATS; i++)
		seq_printf(m, "%s %lld\n", stat_names[i],
			   atomic64_read(&view->stats[i]));
	return 0;
}

/* ---- files ---- */

/* The folder is there, and with it its reference: debugfs sees to that. */
static int file_opened(struct inode *inode, struct file *file, int err)
{
	struct seq_file *m = file->private_data;

	if (!err)
		m->private = rocsvm_view_get(inode->i_private);
	return err;
}

static int space_open(struct inode *inode, struct file *file)
{
	return file_opened(inode, file, single_open(file, space_show, NULL));
}

static int stats_open(struct inode *inode, struct file *file)
{
	return file_opened(inode, file, single_open(file, stats_show, NULL));
}

static int buffers_open(struct inode *inode, struct file *file)
{
	return file_opened(inode, file, seq_open(file, &rocsvm_buffers_ops));
}

static int gaps_open(struct inode *inode, struct file *file)
{
	return file_opened(inode, file, seq_open(file, &rocsvm_gaps_ops));
}

static int file_release_single(struct inode *inode, struct file *file)
{
	rocsvm_view_put(inode->i_private);
	return single_release(inode, file);
}

static int file_release_lines(struct inode *inode, struct file *file)
{
	rocsvm_view_put(inode->i_private);
	return seq_release(inode, file);
}

#define VIEW_FOPS(_name, _release)					\
static const struct file_operations _name##_fops = {			\
	.owner = THIS_MODULE,						\
	.open = _name##_open,						\
	.read = seq_read,						\
	.llseek = seq_lseek,						\
	.release = _release,						\
}

VIEW_FOPS(space, file_release_single);
VIEW_FOPS(stats, file_release_single);
VIEW_FOPS(buffers, file_release_lines);
VIEW_FOPS(gaps, file_release_lines);

/* ---- folders ---- */

static bool name_is_taken(const char *name)
{
	struct dentry *dentry = debugfs_lookup(name, debugfs_root);

	dput(dentry);
	return dentry;
}

static void make_folder(struct rocsvm_view *view)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "%d", view->pid);
	if (name_is_taken(name))
		return;

	dir = debugfs_create_dir(name, debugfs_root);
	if (IS_ERR(dir))
		return;
	WRITE_ONCE(view->dir, dir);
	/* Without protection: they have their own, and may be read for ever. */
	debugfs_create_file_unsafe("space", 0400, dir, view, &space_fops);
	debugfs_create_file_unsafe("buffers", 0400, dir, view, &buffers_fops);
	debugfs_create_file_unsafe("gaps", 0400, dir, view, &gaps_fops);
	debugfs_create_file_unsafe("stats", 0400, dir, view, &stats_fops);
}

/**
 * rocsvm_debugfs_work - make the folder of a view, or take it away
 * @work: of the view; comes with a reference
 *
 * Whoever lists a folder keeps it locked for as long as he likes. So this is
 * the only place where one is waited for, and it holds nothing.
 */
void rocsvm_debugfs_work(struct work_struct *work)
{
	struct rocsvm_view *view = container_of(work, struct rocsvm_view,
						update);
	bool attached;

	spin_lock(&view->lock);
	attached = view->space;
	spin_unlock(&view->lock);

	/* If that changes from here on, this is called once more. */
	if (!attached) {
		debugfs_remove(view->dir);
		WRITE_ONCE(view->dir, NULL);
	} else {
		if (!view->dir)
			make_folder(view);
		complete_all(&view->settled);
	}
	rocsvm_view_put(view);
}

/**
 * rocsvm_debugfs_update - have the folder of a view made, or taken away
 * @view: the view, which was attached or detached
 *
 * In whatever context. What was asked for first is done first, for all views:
 * a folder is gone before the next one of that name is made.
 */
void rocsvm_debugfs_update(struct rocsvm_view *view)
{
	if (IS_ERR_OR_NULL(debugfs_root))
		return;
	rocsvm_view_get(view);
	if (!queue_work(workqueue, &view->update))
		rocsvm_view_put(view);
}

/**
 * rocsvm_debugfs_wait - wait a moment for the folder of a view
 * @view: the view, which was attached; no lock is held
 *
 * So that who has seen a process open the device finds its folder. But nothing
 * depends on it, and somebody may have stopped in the middle of listing one.
 */
void rocsvm_debugfs_wait(struct rocsvm_view *view)
{
	if (!IS_ERR_OR_NULL(debugfs_root))
		wait_for_completion_killable_timeout(&view->settled, HZ / 4);
}

/**
 * rocsvm_debugfs_init - for the module's init
 *
 * Return: 0 or -ENOMEM.
 */
int rocsvm_debugfs_init(void)
{
	workqueue = alloc_ordered_workqueue("rocsvm-debugfs", 0);
	if (!workqueue)
		return -ENOMEM;
	debugfs_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	return 0;
}

/**
 * rocsvm_debugfs_exit - undo rocsvm_debugfs_init(); there is no space any more
 */
void rocsvm_debugfs_exit(void)
{
	destroy_workqueue(workqueue);
	debugfs_remove(debugfs_root);
}

/* ---- fdinfo ---- */

/**
 * rocsvm_show_fdinfo - /proc/PID/fdinfo/FD
 * @m: where to write
 * @file: of /dev/rocsvm
 *
 * In the manner of the kernel's drm-usage-stats. Without addresses: who was
 * handed the file may read it, too.
 */
void rocsvm_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct rocsvm_space *opened = file->private_data;
	struct rocsvm_view *view = opened->view;
	const struct rocsvm_space *space;
	unsigned int i;

	spin_lock(&view->lock);
	space = view->space;
	seq_printf(m, "rocsvm-state:\t%s\n", state_name(space));
	seq_printf(m, "rocsvm-aperture:\t%s\n", aperture_name(space));
	seq_printf(m, "rocsvm-buffers:\t%llu\n",
		   space ? rocsvm_peek(space->num_buffers) : 0);
	for (i = 0; i < ROCSVM_NUM_SHOWN_KINDS; i++)
		seq_printf(m, "rocsvm-memory-%s:\t%llu KiB\n", rocsvm_kind_names[i],
			   space ? rocsvm_peek(space->tally[i].bytes) >> 10 : 0);
	spin_unlock(&view->lock);
}
