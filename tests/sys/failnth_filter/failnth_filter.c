// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which points fail-nth counts: a test's, and by where they are.
 *
 * The kernel counts every allocation and every copy that a task makes. What the
 * n-th one is changes with caches, and some of amdgpu's are not survived by it.
 * So a point is judged by its stack, before the kernel counts it: one that is
 * not asked for does not exist for fail-nth. The numbers that are left can shift
 * as they like.
 */
#include <linux/debugfs.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/stacktrace.h>

/* As in tests/sys/failnth.h. */
enum site {
	SITE_OURS,	/* rocsvm, or the kernel for it */
	SITE_CONTROL,	/* a copy between KFD and the control page */
	SITE_KFD,	/* KFD's own */
	SITE_AMDGPU,	/* what KFD calls in amdgpu, TTM, DRM */
	SITE_FATAL,	/* not survived by amdgpu, or by the kernel */
	SITE_CHECKS,	/* the kernel's checks of itself */
	SITE_FAILNTH,	/* fail-nth's own file */
	NUM_SITES,
};

/* What a name on the stack says. */
#define IS_AMDGPU	BIT(0)
#define IS_KFD		BIT(1)
#define IS_FATAL	BIT(2)
#define IS_CHECK	BIT(3)
#define IS_COPY		BIT(4)
#define IS_TALKER	BIT(5)	/* with KFD through the control page */
#define IS_FAILNTH	BIT(6)

#define MAX_FRAMES	64
#define CACHE_BITS	12

/*
 * amdgpu of 6.1: an error between two buffers leaves the second one locked; an
 * error of FREE after it has unlinked the buffer has it unlinked again when the
 * process ends; VRAM's allocator uses freed memory. The kernel of 6.1, when a
 * module is loaded: a tracepoint without its fields is a WARNING; a slab without
 * its folder in sysfs leaks its name.
 */
static const char * const fatal_names[] = {
	"ttm_eu_reserve_buffers", "amdgpu_amdkfd_gpuvm_free_memory_of_gpu",
	"amdgpu_vram_mgr_new", "event_define_fields", "sysfs_slab_add",
};

static const char * const check_names[] = {
	"create_object", "__create_object", "kmemleak", "fill_pool",
	"debug_object_", "__debug_object_", "stack_depot", "__stack_depot",
	"kasan_save", "lock_acquire",
};

static const char * const kfd_names[] = {
	"kfd_", "amdgpu_amdkfd_", "pqm_", "svm_", "init_user_pages",
};

static const char * const talker_names[] = {
	"kfd_ioctl+", "rocsvm_kfd_", "put_gpu_ids", "kfd_read_apertures",
};

/* Without a lock: the probe is like an NMI, and one task at a time has fail-nth. */
static struct {
	unsigned long address;
	unsigned int flags;
} cache[1 << CACHE_BITS];
static u32 allowed = BIT(SITE_OURS) | BIT(SITE_CONTROL);
static unsigned long counts[NUM_SITES];
static enum site last_site;
static unsigned long last_stack[MAX_FRAMES];
static unsigned int last_depth;

static bool begins(const char *symbol, const char * const *names, size_t n)
{
	while (n--)
		if (!strncmp(symbol, names[n], strlen(names[n])))
			return true;
	return false;
}

static unsigned int name_flags(const char *symbol)
{
	unsigned int flags = 0;

	if (strstr(symbol, "[amdgpu]")) {
		flags |= IS_AMDGPU;
		if (begins(symbol, kfd_names, ARRAY_SIZE(kfd_names)))
			flags |= IS_KFD;
	}
	if (strstr(symbol, "[drm_buddy]") ||
	    begins(symbol, fatal_names, ARRAY_SIZE(fatal_names)))
		flags |= IS_FATAL;
	if (begins(symbol, check_names, ARRAY_SIZE(check_names)))
		flags |= IS_CHECK;
	if (!strncmp(symbol, "_copy_", 6))
		flags |= IS_COPY;
	if (begins(symbol, talker_names, ARRAY_SIZE(talker_names)))
		flags |= IS_TALKER;
	if (!strncmp(symbol, "proc_fail_nth_", 14))
		flags |= IS_FAILNTH;
	return flags;
}

/* To look a name up takes long, in a module of amdgpu's size. */
static unsigned int frame_flags(unsigned long address)
{
	unsigned int slot = hash_long(address, CACHE_BITS);
	char symbol[KSYM_SYMBOL_LEN];

	if (cache[slot].address != address) {
		sprint_symbol(symbol, address);
		cache[slot].address = address;
		cache[slot].flags = name_flags(symbol);
	}
	return cache[slot].flags;
}

/* From the innermost function on. */
static enum site judge(const unsigned long *stack, unsigned int depth)
{
	unsigned int i, flags, seen = 0, innermost = 0;
	bool control = false, copy = false;

	for (i = 0; i < depth; i++) {
		flags = frame_flags(stack[i]);
		control |= copy && flags & IS_TALKER;
		copy = flags & IS_COPY;
		if (!(seen & IS_AMDGPU))
			innermost = flags;
		seen |= flags;
	}
	if (seen & IS_FAILNTH)
		return SITE_FAILNTH;
	if (seen & IS_CHECK)
		return SITE_CHECKS;
	if (seen & IS_FATAL)
		return SITE_FATAL;
	if (control)
		return SITE_CONTROL;
	if (seen & IS_AMDGPU)
		return innermost & IS_KFD ? SITE_KFD : SITE_AMDGPU;
	return SITE_OURS;
}

/* Whether the point counts. */
static bool consider(void)
{
	static unsigned long stack[MAX_FRAMES];
	unsigned int depth;
	enum site site;
	bool wanted;

	depth = stack_trace_save(stack, MAX_FRAMES, 0);
	site = judge(stack, depth);
	wanted = allowed & BIT(site);
	counts[site]++;
	if (wanted && current->fail_nth == 1) {
		last_site = site;
		memcpy(last_stack, stack, sizeof(stack));
		last_depth = depth;
	}
	return wanted;
}

/* As in_task() was before the probe, whose exception counts as an NMI. */
static bool was_task(void)
{
	return hardirq_count() <= HARDIRQ_OFFSET &&
	       (preempt_count() & NMI_MASK) <= NMI_OFFSET &&
	       !in_serving_softirq();
}

/* Instead of should_fail_ex(): return false to its caller. */
static int before_should_fail(struct kprobe *probe, struct pt_regs *regs)
{
	if (!current->fail_nth || !was_task() || consider())
		return 0;
	regs->ax = 0;
	regs->ip = *(unsigned long *)regs->sp;
	regs->sp += sizeof(unsigned long);
	return 1;
}

/* With one the probe is not made a jump, which could not change the way. */
static void after_should_fail(struct kprobe *probe, struct pt_regs *regs,
			      unsigned long flags)
{
}

static struct kprobe should_fail_probe = {
	.symbol_name = "should_fail_ex",
	.pre_handler = before_should_fail,
	.post_handler = after_should_fail,
};

/* "last: SITE", "counts: ...", and the stack of the last failure. */
static int state_show(struct seq_file *file, void *unused)
{
	unsigned int i;

	seq_printf(file, "last: %d\ncounts:", last_site);
	for (i = 0; i < NUM_SITES; i++)
		seq_printf(file, " %lu", counts[i]);
	seq_puts(file, "\n");
	for (i = 0; i < last_depth; i++)
		seq_printf(file, " %pS\n", (void *)last_stack[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int allow_get(void *unused, u64 *value)
{
	*value = allowed;
	return 0;
}

/* Also begins to count anew. */
static int allow_set(void *unused, u64 value)
{
	allowed = value;
	memset(counts, 0, sizeof(counts));
	last_depth = 0;
	last_site = NUM_SITES;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(allow_fops, allow_get, allow_set, "%llu\n");

static struct dentry *directory;

static int __init failnth_filter_init(void)
{
	int err = register_kprobe(&should_fail_probe);

	if (err)
		return err;
	directory = debugfs_create_dir("failnth_filter", NULL);
	debugfs_create_file("state", 0400, directory, NULL, &state_fops);
	debugfs_create_file_unsafe("allow", 0600, directory, NULL, &allow_fops);
	return 0;
}

static void __exit failnth_filter_exit(void)
{
	debugfs_remove(directory);
	unregister_kprobe(&should_fail_probe);
}

module_init(failnth_filter_init);
module_exit(failnth_filter_exit);

MODULE_DESCRIPTION("Points of fault injection by where they are");
MODULE_LICENSE("GPL");
