// SPDX-License-Identifier: GPL-2.0-only
/*
 * BATCH: many calls in one. Each entry is the call that its ioctl would make;
 * nothing is kept from one to the next but how many are done.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "rocsvm.h"

#define ROCSVM_MAX_BATCH	65536

static int batch_check(const struct rocsvm_batch *cmd)
{
	if (cmd->flags & ~ROCSVM_BATCH_CONTINUE)
		return -EOPNOTSUPP;
	if (cmd->num_entries > ROCSVM_MAX_BATCH ||
	    cmd->num_done > cmd->num_entries)
		return -EINVAL;
	return 0;
}

/* Each takes a structure of its own and ends soon: no ioctl of KFD's, no BATCH. */
static bool batch_takes(u32 cmd)
{
	switch (cmd) {
	case ROCSVM_ALLOC:
	case ROCSVM_FREE:
	case ROCSVM_MAP:
	case ROCSVM_UNMAP:
		return true;
	default:
		return false;
	}
}

/* Returns an errno of the batch's own; what the call says is in @result. */
static int batch_one(struct rocsvm_space *space,
		     struct rocsvm_batch_entry __user *uentry, int *result)
{
	struct rocsvm_batch_entry entry;

	if (copy_from_user(&entry, uentry, sizeof(entry)))
		return -EFAULT;
	if (!batch_takes(entry.cmd))
		return -EINVAL;
	*result = rocsvm_ioctl(space, entry.cmd, u64_to_user_ptr(entry.arg));
	return put_user(*result, &uentry->result);
}

static int batch_run(struct rocsvm_space *space, struct rocsvm_batch *cmd)
{
	struct rocsvm_batch_entry __user *entries =
		u64_to_user_ptr(cmd->entries);
	int err, result;

	while (cmd->num_done < cmd->num_entries) {
		err = batch_one(space, &entries[cmd->num_done], &result);
		if (err)
			return err;
		if (result && !(cmd->flags & ROCSVM_BATCH_CONTINUE))
			return result;
		cmd->num_done++;
		/* After one entry at least: a batch gets to its end. */
		if (cmd->num_done < cmd->num_entries && signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
	return 0;
}

/* ioctl(ROCSVM_BATCH) */
int rocsvm_batch(struct rocsvm_ucmd *ucmd)
{
	struct rocsvm_batch *cmd = ucmd->cmd;
	int err;

	err = batch_check(cmd);
	if (err)
		return err;
	/* How far it got must not be what can't be told: nothing is undone. */
	if (rocsvm_ucmd_respond(ucmd))
		return -EFAULT;
	err = batch_run(ucmd->space, cmd);
	if (rocsvm_ucmd_respond(ucmd))
		return -EFAULT;
	return err;
}
