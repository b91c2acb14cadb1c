// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a space places its buffers: which aperture, which window, with what
 * guard and alignment. Chosen at open, and anew by RESERVE.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "rocsvm.h"

enum reserve_mode { RESERVE_ALWAYS, RESERVE_AUTO, RESERVE_NEVER };

static const char * const reserve_names[] = { "always", "auto", "never" };
static int reserve_mode = RESERVE_AUTO;

static int reserve_param_set(const char *value, const struct kernel_param *kp)
{
	int mode = sysfs_match_string(reserve_names, value);

	if (mode < 0)
		return mode;
	WRITE_ONCE(reserve_mode, mode);
	return 0;
}

static int reserve_param_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", reserve_names[READ_ONCE(reserve_mode)]);
}

static const struct kernel_param_ops reserve_param_ops = {
	.set = reserve_param_set,
	.get = reserve_param_get,
};

module_param_cb(reserve, &reserve_param_ops, NULL, 0644);
MODULE_PARM_DESC(reserve, "Reserve a window: always, auto (default: use the mmap aperture if there is no room), never (mmap aperture, unless the GPUs' limit forbids)");

/**
 * rocsvm_space_init_regions - from the window to placement
 * @space: the space; its window is set
 *
 * The coherent region is an eighth of the window on either side of huge_base:
 * one range of addresses for KFD, with small pages and with huge ones.
 */
void rocsvm_space_init_regions(struct rocsvm_space *space)
{
	const struct rocsvm_window *window = &space->window;
	u64 length = window->limit + 1 - window->base;
	u64 eighth = round_down(length / 8, ROCSVM_HUGE_SIZE);
	struct rocsvm_region *regions = space->regions;
	u64 huge = window->huge_base;

	if (!window->work)
		return;
	if (window->pieces) {
		rocsvm_view_lock(space);
		rocsvm_region_init(&regions[ROCSVM_REGION_PAGES],
				   round_up(space->svm.base, PAGE_SIZE),
				   round_down(space->svm.limit + 1, PAGE_SIZE),
				   PAGE_SIZE);
		rocsvm_view_unlock(space);
		return;
	}
	rocsvm_view_lock(space);
	rocsvm_region_init(&regions[ROCSVM_REGION_PAGES], window->base,
			   huge - eighth, PAGE_SIZE);
	rocsvm_region_init(&regions[ROCSVM_REGION_COHERENT_PAGES],
			   huge - eighth, huge, PAGE_SIZE);
	rocsvm_region_init(&regions[ROCSVM_REGION_COHERENT_HUGE], huge,
			   huge + eighth, ROCSVM_HUGE_SIZE);
	rocsvm_region_init(&regions[ROCSVM_REGION_HUGE], huge + eighth,
			   window->limit + 1, ROCSVM_HUGE_SIZE);
	rocsvm_view_unlock(space);
	rocsvm_count_space(0, length);
}

/**
 * rocsvm_space_fini_regions - undo rocsvm_space_init_regions()
 * @space: the space; has no buffers, and still its window
 */
void rocsvm_space_fini_regions(struct rocsvm_space *space)
{
	const struct rocsvm_window *window = &space->window;
	unsigned int i;

	if (!window->work)
		return;
	rocsvm_view_lock(space);
	for (i = 0; i < ROCSVM_NUM_REGIONS; i++)
		rocsvm_region_fini(&space->regions[i]);
	rocsvm_view_unlock(space);
	if (!window->pieces)
		rocsvm_count_space(0, -(s64)(window->limit + 1 - window->base));
}

/*
 * Behind the window, where it also stops mremap() from growing it. If another
 * thread's mapping stands there that is as good a stopper, and the page can be
 * anywhere.
 */
static int space_place_control(struct rocsvm_space *space)
{
	struct rocsvm_control *control = &space->control;
	int err = -EEXIST;

	if (space->window.end)
		err = rocsvm_control_place(control, space->window.end);
	if (err == -EEXIST)
		err = control->addr ? 0 : rocsvm_control_place(control, 0);
	return err;
}

/* The aperture that the parameter asks for, or else the other one. */
static int space_choose_window(struct rocsvm_space *space)
{
	struct rocsvm_window *window = &space->window;
	int mode = READ_ONCE(reserve_mode);
	int err, pieces_err;

	space->fallback = false;
	if (mode == RESERVE_NEVER) {
		pieces_err = rocsvm_pieces_create(space, window);
		if (!pieces_err)
			return 0;
		pr_info_ratelimited("%s[%d]: no mmap aperture (error %d, GPUs' limit 0x%llx): reserving a window in spite of reserve=never\n",
				    current->comm, task_tgid_nr(current),
				    pieces_err, space->svm.limit);
		space->fallback = true;
	}

	err = rocsvm_window_reserve(space, window, 0, 0);
	if (mode != RESERVE_AUTO || (err != -ENOMEM && err != -EAGAIN))
		return err;

	pieces_err = rocsvm_pieces_create(space, window);
	if (pieces_err)
		return err;
	pr_info_ratelimited("%s[%d]: no window (error %d): using the mmap aperture\n",
			    current->comm, task_tgid_nr(current), err);
	space->fallback = true;
	return 0;
}

/**
 * rocsvm_space_choose_aperture - for open: reserve a window, or don't
 * @space: the space; its GPUs and its control page are set
 *
 * Return: 0 or a negative errno; the caller drops what there is then.
 */
int rocsvm_space_choose_aperture(struct rocsvm_space *space)
{
	int err;

	space->guard = 0;
	space->no_guard = false;
	space->max_alignment = ROCSVM_HUGE_SIZE;
	err = space_choose_window(space);
	if (err)
		return err;
	rocsvm_space_init_regions(space);
	return space_place_control(space);
}

static int reserve_check_options(const struct rocsvm_reserve *cmd)
{
	if (!IS_ALIGNED(cmd->guard, PAGE_SIZE) || cmd->guard > ROCSVM_MAX_GUARD)
		return -EINVAL;
	if (cmd->guard && cmd->flags & ROCSVM_RESERVE_NO_GUARD)
		return -EINVAL;
	if (cmd->max_alignment && (!is_power_of_2(cmd->max_alignment) ||
				   cmd->max_alignment < PAGE_SIZE ||
				   cmd->max_alignment > ROCSVM_MAX_ALIGNMENT))
		return -EINVAL;
	return 0;
}

static int reserve_check(const struct rocsvm_reserve *cmd)
{
	int err;

	if (cmd->flags & ~(ROCSVM_RESERVE_FIXED | ROCSVM_RESERVE_KEEP |
			   ROCSVM_RESERVE_NO_GUARD) || cmd->__reserved)
		return -EOPNOTSUPP;
	err = reserve_check_options(cmd);
	if (err)
		return err;
	if (cmd->aperture > ROCSVM_APERTURE_MMAP)
		return -EINVAL;
	if (cmd->flags & ROCSVM_RESERVE_KEEP ||
	    cmd->aperture == ROCSVM_APERTURE_MMAP)
		return cmd->base || cmd->length ||
		       cmd->flags & ROCSVM_RESERVE_FIXED ||
		       (cmd->flags & ROCSVM_RESERVE_KEEP && cmd->aperture) ?
			       -EINVAL : 0;

	if (!IS_ALIGNED(cmd->base, ROCSVM_HUGE_SIZE) ||
	    (cmd->length && (!IS_ALIGNED(cmd->length, 2 * ROCSVM_HUGE_SIZE) ||
			     cmd->length < ROCSVM_MIN_WINDOW)))
		return -EINVAL;
	if (!(cmd->flags & ROCSVM_RESERVE_FIXED)) {
		if (cmd->base)
			return -EINVAL;
		return cmd->length < ROCSVM_CANONICAL_END ? 0 : -ENOMEM;
	}
	if (!cmd->base || cmd->base >= ROCSVM_CANONICAL_END ||
	    cmd->length >= ROCSVM_CANONICAL_END)
		return -ERANGE;
	return 0;
}

/* Give up the old window in favour of another. */
static void space_replace_window(struct rocsvm_space *space,
				 const struct rocsvm_window *window)
{
	rocsvm_space_fini_regions(space);
	rocsvm_window_unmap(space);
	rocsvm_window_drop(&space->window);
	space->window = *window;
	rocsvm_space_init_regions(space);
}

/*
 * The new window is to overlap the old one, so the old one has to go first;
 * if the new one can't be had it is put back.
 */
static int space_move_window(struct rocsvm_space *space, unsigned long base,
			     unsigned long length)
{
	unsigned long old_base = space->window.base;
	unsigned long old_length = space->window.limit + 1 - old_base;
	struct rocsvm_window window = {};
	int err;

	/* The control page stands behind the old window: out of the way. */
	rocsvm_control_unmap(&space->control);
	space_replace_window(space, &window);
	err = rocsvm_window_reserve(space, &window, base, length);
	if (err && rocsvm_window_reserve(space, &window, old_base, old_length))
		return err;
	space->window = window;
	rocsvm_space_init_regions(space);
	return err;
}

static int space_change_window(struct rocsvm_space *space,
			       const struct rocsvm_reserve *cmd)
{
	const struct rocsvm_window *old = &space->window;
	struct rocsvm_window window = {};
	bool has_window = old->work && !old->pieces;
	u64 length = cmd->length, end;
	int err;

	if (cmd->aperture == ROCSVM_APERTURE_MMAP) {
		err = rocsvm_pieces_create(space, &window);
		if (!err)
			space_replace_window(space, &window);
		return err;
	}

	if (cmd->base && !length)
		length = has_window ? old->limit + 1 - old->base : SZ_1T;
	/* Before anything is given up. */
	if (cmd->base) {
		err = rocsvm_window_check(&space->svm, cmd->base, length);
		if (err)
			return err;
	}
	/* Margins and the control page included, on both sides. */
	end = cmd->base + length + 2 * ROCSVM_HUGE_SIZE;
	if (cmd->base && has_window &&
	    cmd->base - ROCSVM_HUGE_SIZE <= old->end && end > old->start)
		return space_move_window(space, cmd->base, length);

	err = rocsvm_window_reserve(space, &window, cmd->base, length);
	if (!err)
		space_replace_window(space, &window);
	/* The old one may be all there is. */
	if (err == -ENOMEM && has_window && length)
		return space_move_window(space, cmd->base, length);
	return err;
}

static bool space_has_buffers(const struct rocsvm_space *space)
{
	unsigned int i;

	for (i = 0; i < ROCSVM_NUM_REGIONS; i++)
		if (!rocsvm_region_empty(&space->regions[i]))
			return true;
	return false;
}

static int reserve_locked(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	struct rocsvm_reserve *cmd = ucmd->cmd;
	int err;

	rocsvm_buffers_retry(space);
	/* Of registered memory that was unmapped KFD may have the addresses. */
	if (!(cmd->flags & ROCSVM_RESERVE_KEEP) &&
	    (space_has_buffers(space) ||
	     !rocsvm_region_empty(&space->registered)))
		return -EBUSY;
	/* What can't be told to the caller must not happen. */
	err = rocsvm_ucmd_respond(ucmd);
	if (err)
		return err;

	if (!(cmd->flags & ROCSVM_RESERVE_KEEP)) {
		err = space_change_window(space, cmd);
		/*
		 * Without a control page every call of KFD is -EFAULT, and
		 * RESERVE tries again.
		 */
		space_place_control(space);
		if (err)
			return err;
		space->fallback = false;
		err = rocsvm_space_set_policy(space);
		if (err)
			return err;
	}
	space->guard = cmd->guard;
	space->no_guard = cmd->flags & ROCSVM_RESERVE_NO_GUARD;
	space->max_alignment = cmd->max_alignment ?: ROCSVM_HUGE_SIZE;

	cmd->base = space->window.base;
	cmd->length = cmd->base ? space->window.limit + 1 - cmd->base : 0;
	return rocsvm_ucmd_respond(ucmd);
}

/* ioctl(ROCSVM_RESERVE) */
int rocsvm_reserve(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_space *space = ucmd->space;
	int err;

	err = reserve_check(ucmd->cmd);
	if (err)
		return err;
	if (mutex_lock_killable(&space->lock))
		return -EINTR;
	err = reserve_locked(ucmd);
	mutex_unlock(&space->lock);
	return err;
}
