// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVM space: what is kept for one mm, from its first open to its end.
 *
 * It is tied to the mm by an mmu_notifier and found by it, so every open in
 * the process has the same one. It ends in one of two ways:
 *
 *  - the process itself closes its last file: buffers go back to KFD, the
 *    window is unmapped;
 *  - the mm goes (exit, kill, exec): the notifier's ->release, the first thing
 *    in exit_mmap(), drops every reference, so that memory goes with its owner
 *    even while another process holds an inherited file. KFD has a notifier of
 *    its own.
 *
 * A last close in any other context (another process, a kernel thread, an
 * exiting task without an mm) can't call KFD and must not touch the mm it
 * finds itself in. The space then lives on without a file, until the process
 * opens it again or ends.
 *
 * What outlasts a close in the process is KFD's binding of its GPUs' VMs, which
 * ends with the mm: the space lies dormant then and keeps the render files, so
 * that the program can open and acquire again.
 *
 * References (mmu_notifier users): one for each file, one while the space is
 * live or dormant. A live one keeps the module as well.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "kfd.h"
#include "trace.h"
#include "view.h"

static LIST_HEAD(dormant_spaces);
static DEFINE_SPINLOCK(dormant_lock);

static atomic_t num_allocated = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(spaces_freed);

/*
 * Let go of everything but the GPUs, touching no mapping. There are no buffers
 * any more.
 */
static void space_drop(struct rocsvm_space *space)
{
	unsigned int i;

	rocsvm_kfd_buffers_forget(space);
	rocsvm_space_fini_regions(space);
	rocsvm_view_lock(space);
	rocsvm_region_fini(&space->registered);
	rocsvm_view_unlock(space);
	rocsvm_window_drop(&space->window);
	rocsvm_control_drop(&space->control);
	for (i = 0; i < space->num_gpus; i++)
		space->gpus[i].acquired = false;
	if (space->kfd)
		fput(space->kfd);
	space->kfd = NULL;
}

static bool space_is_bound(const struct rocsvm_space *space)
{
	unsigned int i;

	for (i = 0; i < space->num_gpus; i++)
		if (space->gpus[i].drm)
			return true;
	return false;
}

/**
 * rocsvm_space_set_gpus - replace what is known of the GPUs
 * @space: the space
 * @gpus: what is known, the space's from now on; or NULL
 * @num_gpus: how many
 */
void rocsvm_space_set_gpus(struct rocsvm_space *space, struct rocsvm_gpu *gpus,
			   unsigned int num_gpus)
{
	struct rocsvm_gpu *old = space->gpus;
	unsigned int i, n = space->num_gpus;

	rocsvm_view_lock(space);
	space->gpus = gpus;
	space->num_gpus = num_gpus;
	rocsvm_view_unlock(space);

	for (i = 0; i < n; i++) {
		rocsvm_region_fini(&old[i].apart);
		if (old[i].drm)
			fput(old[i].drm);
	}
	kfree(old);
}

/* As space_drop(), and give the addresses back. */
static void space_unmap_and_drop(struct rocsvm_space *space)
{
	rocsvm_space_fini_regions(space);
	rocsvm_window_unmap(space);
	rocsvm_control_unmap(&space->control);
	/* The window's layout is gone: nothing is finalised twice. */
	rocsvm_window_drop(&space->window);
	space_drop(space);
}

static int space_find_svm_range(struct rocsvm_space *space)
{
	struct rocsvm_aperture *gpuvm;
	unsigned int i;
	int err;

	gpuvm = kcalloc(space->num_gpus, sizeof(*gpuvm), GFP_KERNEL_ACCOUNT);
	if (!gpuvm)
		return -ENOMEM;
	for (i = 0; i < space->num_gpus; i++)
		gpuvm[i] = space->gpus[i].gpuvm;
	err = rocsvm_intersect(gpuvm, space->num_gpus, &space->svm);
	kfree(gpuvm);
	if (err)
		pr_warn_ratelimited("%u GPUs, but no SVM range common to all that have a canonical gpuvm aperture\n",
				    space->num_gpus);
	return err;
}

static int space_setup(struct rocsvm_space *space)
{
	struct file *kfd;
	int err;

	WRITE_ONCE(space->setup_task, current);
	kfd = rocsvm_kfd_open();
	WRITE_ONCE(space->setup_task, NULL);
	if (IS_ERR(kfd))
		return PTR_ERR(kfd);
	space->kfd = kfd;

	err = rocsvm_control_create(&space->control);
	if (err)
		goto err_drop;
	err = rocsvm_kfd_apertures(space);
	if (err)
		goto err_drop;
	err = space_find_svm_range(space);
	if (err)
		goto err_drop;
	err = rocsvm_space_choose_aperture(space);
	if (err)
		goto err_drop;
	rocsvm_view_lock(space);
	rocsvm_region_init(&space->registered,
			   round_up(space->svm.base, PAGE_SIZE),
			   round_down(space->svm.limit + 1, PAGE_SIZE),
			   PAGE_SIZE);
	rocsvm_view_unlock(space);
	return 0;

err_drop:
	space_unmap_and_drop(space);
	return err;
}

static const struct mmu_notifier_ops space_notifier_ops;

static struct rocsvm_space *to_space(struct mmu_notifier *mn)
{
	return container_of(mn, struct rocsvm_space, mn);
}

/* A space that is live keeps the module, and itself. */
static int space_keep(struct rocsvm_space *space)
{
	struct mmu_notifier *mn;

	mn = mmu_notifier_get(&space_notifier_ops, space->mn.mm);
	if (IS_ERR(mn))
		return PTR_ERR(mn);
	__module_get(THIS_MODULE);
	return 0;
}

static void space_unkeep(struct rocsvm_space *space)
{
	rocsvm_view_detach(space);
	rocsvm_space_set_gpus(space, NULL, 0);
	mmu_notifier_put(&space->mn);
	module_put(THIS_MODULE);
}

/* Whoever takes a space off the list ends it, or makes it live again. */
static bool space_wake(struct rocsvm_space *space)
{
	bool dormant;

	spin_lock(&dormant_lock);
	dormant = !list_empty(&space->dormant);
	list_del_init(&space->dormant);
	spin_unlock(&dormant_lock);
	return dormant;
}

/*
 * From live to dormant: KFD keeps a bound VM until the mm goes, and refuses
 * another render file. It may not keep the module from being unloaded.
 */
static void space_sleep(struct rocsvm_space *space)
{
	spin_lock(&dormant_lock);
	list_add(&space->dormant, &dormant_spaces);
	spin_unlock(&dormant_lock);
	module_put(THIS_MODULE);
}

static void space_end_dormant(struct rocsvm_space *space)
{
	rocsvm_view_detach(space);
	rocsvm_space_set_gpus(space, NULL, 0);
	mmu_notifier_put(&space->mn);
}

/**
 * rocsvm_space_exit - end what is left of spaces when the module goes
 *
 * No file is open and no space is live: only the dormant ones are left, and
 * spaces whose memory is yet to be freed, by callbacks of the module's.
 */
void rocsvm_space_exit(void)
{
	struct rocsvm_space *space;

	do {
		spin_lock(&dormant_lock);
		space = list_first_entry_or_null(&dormant_spaces,
						 struct rocsvm_space, dormant);
		if (space)
			list_del_init(&space->dormant);
		spin_unlock(&dormant_lock);
		if (space)
			space_end_dormant(space);
	} while (space);

	/*
	 * Notifier callbacks that run, then those that free: the last of them
	 * is out of the module's text when it is given back, as SRCU's
	 * callbacks run with bottom halves off and that waits for RCU.
	 */
	mmu_notifier_synchronize();
	wait_event(spaces_freed, !atomic_read(&num_allocated));
}

/*
 * The mm ends. No task runs in it any more, so nobody is in a call; a last
 * file may be closed elsewhere at the same time, which touches only the count
 * of files. Called in contexts that may hold KFD's locks: space->lock is
 * neither needed nor allowed here.
 */
static void space_notifier_release(struct mmu_notifier *mn,
				   struct mm_struct *mm)
{
	struct rocsvm_space *space = to_space(mn);

	if (space->live) {
		rocsvm_view_detach(space);
		rocsvm_registrations_forget(space);
		rocsvm_buffers_forget(space);
		space_drop(space);
		space->live = false;
		rocsvm_count_space(-1, 0);
		/* Module exit waits for notifier callbacks. */
		space_unkeep(space);
	} else if (space_wake(space)) {
		space_end_dormant(space);
	}
}

static struct mmu_notifier *space_notifier_alloc(struct mm_struct *mm)
{
	struct rocsvm_space *space;
	int err;

	space = kzalloc(sizeof(*space), ROCSVM_GFP);
	if (!space)
		return ERR_PTR(-ENOMEM);
	err = rocsvm_view_create(space);
	if (err)
		goto err_free;
	err = rocsvm_limits_attach(space);
	if (err)
		goto err_view;
	atomic_inc(&num_allocated);
	mutex_init(&space->lock);
	INIT_LIST_HEAD(&space->quarantine);
	INIT_LIST_HEAD(&space->dormant);
	space->registrations = RB_ROOT;
	xa_init_flags(&space->kfd_buffers, XA_FLAGS_ACCOUNT);
	space->tgid = get_pid(task_tgid(current));
	return &space->mn;

err_view:
	rocsvm_view_put(space->view);
err_free:
	kfree(space);
	return ERR_PTR(err);
}

static void space_notifier_free(struct mmu_notifier *mn)
{
	struct rocsvm_space *space = to_space(mn);

	mutex_destroy(&space->lock);
	put_pid(space->tgid);
	rocsvm_limits_detach(space);
	rocsvm_view_put(space->view);
	kfree(space);
	if (atomic_dec_and_test(&num_allocated))
		wake_up(&spaces_freed);
}

static const struct mmu_notifier_ops space_notifier_ops = {
	.release = space_notifier_release,
	.alloc_notifier = space_notifier_alloc,
	.free_notifier = space_notifier_free,
};

/**
 * rocsvm_space_get - keep a space's memory
 * @space: the space; its lock is held, in the process itself
 *
 * As a file does, but the space is no more live for it.
 *
 * Return: 0 or a negative errno.
 */
int rocsvm_space_get(struct rocsvm_space *space)
{
	struct mmu_notifier *mn;

	mn = mmu_notifier_get(&space_notifier_ops, space->mn.mm);
	return PTR_ERR_OR_ZERO(mn);
}

/**
 * rocsvm_space_put - undo rocsvm_space_get(), in whatever context
 * @space: the space
 */
void rocsvm_space_put(struct rocsvm_space *space)
{
	mmu_notifier_put(&space->mn);
}

static int space_make_live(struct rocsvm_space *space)
{
	int err;

	/* A dormant space has its reference on itself already. */
	if (space_wake(space)) {
		__module_get(THIS_MODULE);
	} else {
		err = space_keep(space);
		if (err)
			return err;
	}
	err = space_setup(space);
	if (err) {
		if (space_is_bound(space))
			space_sleep(space);
		else
			space_unkeep(space);
		return err;
	}
	space->live = true;
	rocsvm_count_space(1, 0);
	rocsvm_view_attach(space);
	return 0;
}

static struct rocsvm_space *space_open(void)
{
	struct rocsvm_space *space;
	struct mmu_notifier *mn;
	bool first;
	int err = 0;

	mn = mmu_notifier_get(&space_notifier_ops, current->mm);
	if (IS_ERR(mn))
		return ERR_CAST(mn);
	space = to_space(mn);

	if (!rocsvm_space_is_current(space)) {
		err = -EBADF;
		goto err_put;
	}
	/* Somebody has made the path of KFD's node lead here. */
	if (READ_ONCE(space->setup_task) == current) {
		err = -ELOOP;
		goto err_put;
	}
	if (mutex_lock_killable(&space->lock)) {
		err = -EINTR;
		goto err_put;
	}
	first = !space->live;
	if (first)
		err = space_make_live(space);
	if (!err)
		atomic_inc(&space->files);
	mutex_unlock(&space->lock);
	if (err)
		goto err_put;
	if (first)
		rocsvm_debugfs_wait(space->view);
	return space;

err_put:
	mmu_notifier_put(mn);
	return ERR_PTR(err);
}

static void space_trace_open(struct rocsvm_space *space)
{
	pid_t pid = task_tgid_nr(current);

	if (IS_ERR(space)) {
		trace_open(pid, 0, 0, 0, PTR_ERR(space));
		return;
	}
	trace_open(pid, atomic_read(&space->files),
		   rocsvm_peek(space->window.base),
		   rocsvm_peek(space->window.limit), 0);
}

/**
 * rocsvm_space_open - get the current process's space for one more file
 *
 * Return: the space, or an ERR_PTR(); nothing is left behind then.
 */
struct rocsvm_space *rocsvm_space_open(void)
{
	struct rocsvm_space *space;
	sigset_t old;

	/* A kernel thread has no address space to reserve. */
	if (!current->mm || (current->flags & PF_KTHREAD))
		return ERR_PTR(-EINVAL);

	/* Any signal interrupts an mm's first notifier, ours as KFD's. */
	rocsvm_block_signals(&old);
	space = space_open();
	rocsvm_restore_signals(&old);
	if (trace_open_enabled())
		space_trace_open(space);
	return space;
}

/*
 * The process has closed its last file. If it is killed before KFD has taken
 * everything from the GPUs, the memory must not go: KFD would stop queues for a
 * moment, not find it, and go on with the pages that it had last. So the space
 * stays live, without a file, until the mm ends, which stops them for good.
 */
static void space_end(struct rocsvm_space *space)
{
	rocsvm_registrations_free_all(space);
	rocsvm_buffers_free_all(space);
	if (fatal_signal_pending(current))
		return;
	space_unmap_and_drop(space);
	space->live = false;
	rocsvm_count_space(-1, 0);
	if (space_is_bound(space))
		space_sleep(space);
	else
		space_unkeep(space);
}

/**
 * rocsvm_space_close - a file of the space is closed, in whatever context
 * @space: the space
 */
void rocsvm_space_close(struct rocsvm_space *space)
{
	int files = atomic_dec_return(&space->files);

	trace_close(space->view->pid, files);
	/*
	 * Elsewhere than in the process itself nothing but the count may be
	 * touched, nor waited for: the process can hold the lock for long.
	 */
	if (!files && rocsvm_space_is_current(space)) {
		mutex_lock(&space->lock);
		/* Unless another thread has opened it again meanwhile. */
		if (!atomic_read(&space->files) && space->live)
			space_end(space);
		mutex_unlock(&space->lock);
	}

	/* The reference of the file; the last one frees the space. */
	mmu_notifier_put(&space->mn);
}
