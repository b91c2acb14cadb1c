// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: how much one space, and one user, can have the module keep memory
 * for. That memory is charged to memory cgroups as well; but not everybody is
 * in one, and KFD's own memory for each buffer is not.
 *
 * A space, and with it all that is in it, is charged to the user who opened it
 * first, whoever its process becomes later. What is charged stays so for as
 * long as its memory is kept: addresses in quarantine are.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "rocsvm.h"

/* Half of the processes that KFD has PASIDs for. */
#define DEFAULT_SPACES		16384
#define DEFAULT_PER_SPACE	1048576UL

/*
 * Of buffers and registrations a user may have one for so many bytes of the
 * machine's memory: about a tenth of it, as with open files (fs.file-max).
 */
#define MEMORY_PER_OBJECT	(10 * SZ_1K)

/* To be computed when the module is loaded. */
#define COMPUTED		ULONG_MAX

static unsigned long max_spaces_per_user = DEFAULT_SPACES;
module_param(max_spaces_per_user, ulong, 0644);
MODULE_PARM_DESC(max_spaces_per_user, "Processes of one user that may have /dev/rocsvm open (default 16384)");

static unsigned long max_buffers_per_space = DEFAULT_PER_SPACE;
module_param(max_buffers_per_space, ulong, 0644);
MODULE_PARM_DESC(max_buffers_per_space, "Buffers, address reservations and imports in one space (default 1048576)");

static unsigned long max_buffers_per_user = COMPUTED;
module_param(max_buffers_per_user, ulong, 0644);
MODULE_PARM_DESC(max_buffers_per_user, "The same, in all spaces of one user (default: one for 10 KiB of memory, at least 1048576)");

static unsigned long max_registrations_per_space = DEFAULT_PER_SPACE;
module_param(max_registrations_per_space, ulong, 0644);
MODULE_PARM_DESC(max_registrations_per_space, "Registrations and segments of registered memory in one space (default 1048576)");

static unsigned long max_registrations_per_user = COMPUTED;
module_param(max_registrations_per_user, ulong, 0644);
MODULE_PARM_DESC(max_registrations_per_user, "The same, in all spaces of one user (default: one for 10 KiB of memory, at least 1048576)");

struct limit {
	const unsigned long *per_space;
	const unsigned long *per_user;
	const char *space_param;
	const char *user_param;
};

static const struct limit limits[ROCSVM_NUM_LIMITS] = {
	[ROCSVM_LIMIT_SPACES] = {
		.per_user = &max_spaces_per_user,
		.user_param = "max_spaces_per_user",
	},
	[ROCSVM_LIMIT_BUFFERS] = {
		.per_space = &max_buffers_per_space,
		.per_user = &max_buffers_per_user,
		.space_param = "max_buffers_per_space",
		.user_param = "max_buffers_per_user",
	},
	[ROCSVM_LIMIT_REGISTRATIONS] = {
		.per_space = &max_registrations_per_space,
		.per_user = &max_registrations_per_user,
		.space_param = "max_registrations_per_space",
		.user_param = "max_registrations_per_user",
	},
};

/**
 * struct rocsvm_user - a user who has spaces
 * @node: in users, under users_lock
 * @uid: who it is
 * @ref: one for each space
 * @used: what is charged, by enum rocsvm_limit
 */
struct rocsvm_user {
	struct hlist_node node;
	kuid_t uid;
	refcount_t ref;
	atomic_long_t used[ROCSVM_NUM_LIMITS];
};

static DEFINE_HASHTABLE(users, 7);
static DEFINE_SPINLOCK(users_lock);

/**
 * rocsvm_limits_init - compute the defaults that depend on the machine
 */
void __init rocsvm_limits_init(void)
{
	unsigned long n = totalram_pages() * (PAGE_SIZE / SZ_1K) /
			  (MEMORY_PER_OBJECT / SZ_1K);

	n = max_t(unsigned long, n, DEFAULT_PER_SPACE);
	if (max_buffers_per_user == COMPUTED)
		max_buffers_per_user = n;
	if (max_registrations_per_user == COMPUTED)
		max_registrations_per_user = n;
}

/*
 * Who answers for the current process. Not always its own user: who makes a
 * user namespace can have many there. So it is who made the outermost one,
 * unless that is root, which makes them for others.
 */
static kuid_t current_user_uid(void)
{
	const struct user_namespace *ns;
	kuid_t uid = current_uid();

	for (ns = current_user_ns(); ns != &init_user_ns; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			uid = ns->owner;
	return uid;
}

static struct rocsvm_user *user_find(kuid_t uid)
{
	struct rocsvm_user *user;

	lockdep_assert_held(&users_lock);

	hash_for_each_possible(users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/* The user of the current process with one more reference, or NULL. */
static struct rocsvm_user *user_get(void)
{
	kuid_t uid = current_user_uid();
	struct rocsvm_user *user, *new;

	new = kzalloc(sizeof(*new), ROCSVM_GFP);
	if (!new)
		return NULL;
	new->uid = uid;
	refcount_set(&new->ref, 1);

	spin_lock(&users_lock);
	user = user_find(uid);
	if (user)
		refcount_inc(&user->ref);
	else
		hash_add(users, &new->node, __kuid_val(uid));
	spin_unlock(&users_lock);

	if (!user)
		return new;
	kfree(new);
	return user;
}

static void user_put(struct rocsvm_user *user)
{
	unsigned int i;
	bool last;

	spin_lock(&users_lock);
	last = refcount_dec_and_test(&user->ref);
	if (last)
		hash_del(&user->node);
	spin_unlock(&users_lock);
	if (!last)
		return;

	for (i = 0; i < ROCSVM_NUM_LIMITS; i++)
		WARN_ON_ONCE(atomic_long_read(&user->used[i]));
	kfree(user);
}

/* Count one more, unless there are @max. */
static bool inc_below(atomic_long_t *count, unsigned long max)
{
	long used = atomic_long_read(count);

	do {
		if (used >= max)
			return false;
	} while (!atomic_long_try_cmpxchg(count, &used, used + 1));
	return true;
}

static int user_charge(struct rocsvm_user *user, enum rocsvm_limit what)
{
	unsigned long max = READ_ONCE(*limits[what].per_user);

	if (inc_below(&user->used[what], max))
		return 0;
	if (capable(CAP_SYS_RESOURCE)) {
		atomic_long_inc(&user->used[what]);
		return 0;
	}
	pr_warn_ratelimited("%s[%d]: user %u has reached %s (%lu)\n",
			    current->comm, task_tgid_nr(current),
			    from_kuid(&init_user_ns, user->uid),
			    limits[what].user_param, max);
	return -EDQUOT;
}

/**
 * rocsvm_limits_attach - charge a new space to the current user
 * @space: the space
 *
 * Return: 0, -EDQUOT, or -ENOMEM.
 */
int rocsvm_limits_attach(struct rocsvm_space *space)
{
	struct rocsvm_user *user = user_get();
	int err;

	if (!user)
		return -ENOMEM;
	err = user_charge(user, ROCSVM_LIMIT_SPACES);
	if (err) {
		user_put(user);
		return err;
	}
	space->user = user;
	return 0;
}

/**
 * rocsvm_limits_detach - undo rocsvm_limits_attach(), in whatever context
 * @space: the space; nothing in it is charged any more
 */
void rocsvm_limits_detach(struct rocsvm_space *space)
{
	unsigned int i;

	for (i = 0; i < ROCSVM_NUM_LIMITS; i++)
		WARN_ON_ONCE(space->used[i]);
	atomic_long_dec(&space->user->used[ROCSVM_LIMIT_SPACES]);
	user_put(space->user);
}

/**
 * rocsvm_charge - one more of what memory is kept for
 * @space: the space
 * @what: a buffer, or a registration or segment
 *
 * Return: 0 or -EDQUOT.
 */
int rocsvm_charge(struct rocsvm_space *space, enum rocsvm_limit what)
{
	unsigned long max = READ_ONCE(*limits[what].per_space);
	int err;

	lockdep_assert_held(&space->lock);

	if (space->used[what] >= max) {
		pr_warn_ratelimited("%s[%d]: the process has reached %s (%lu)\n",
				    current->comm, task_tgid_nr(current),
				    limits[what].space_param, max);
		return -EDQUOT;
	}
	err = user_charge(space->user, what);
	if (!err)
		space->used[what]++;
	return err;
}

/**
 * rocsvm_uncharge - undo rocsvm_charge(): the memory is given back
 * @space: the space; its lock is held, or its mm is going
 * @what: as charged
 */
void rocsvm_uncharge(struct rocsvm_space *space, enum rocsvm_limit what)
{
	space->used[what]--;
	atomic_long_dec(&space->user->used[what]);
}

/**
 * rocsvm_user_usage - what is charged to the user of the current process
 * @what: of what
 *
 * Return: how many.
 */
long rocsvm_user_usage(enum rocsvm_limit what)
{
	struct rocsvm_user *user;
	long used = 0;

	spin_lock(&users_lock);
	user = user_find(current_user_uid());
	if (user)
		used = atomic_long_read(&user->used[what]);
	spin_unlock(&users_lock);
	return used;
}
