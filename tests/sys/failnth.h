/* SPDX-License-Identifier: MIT */
/*
 * Failures on order: every allocation, and every copy from or to user memory,
 * that one call makes is made to fail once, and the world has to be as before.
 *
 * The kernel counts such points for a task from what is written to its
 * fail-nth on, and has the n-th one fail; n goes up until the call has fewer.
 *
 * What fails first decides what can be seen. A probe of should_fail_ex()
 * records the stack of each point of the call before the sweep, without any
 * failure, and these points are passed over:
 *
 *  - those of the kernel's own checks (kmemleak, debug objects, KASAN): the
 *    call does not notice;
 *  - those inside amdgpu. Some of them it does not survive, their neighbours
 *    are passed over, too; and where VRAM is allocated the sweep ends, as
 *    what follows has no number that can be relied on.
 *
 * The output says how many those are. For the numbers to be the same from call
 * to call, a case without @pages has no failing pages: a slab needs a new page
 * at times only.
 */
#ifndef ROCSVM_TESTS_FAILNTH_H
#define ROCSVM_TESTS_FAILNTH_H

#include "harness.h"
#include "kprobe.h"

#define FAILNTH_TRACE "/sys/kernel/tracing/instances/rocsvm_tests"
#define FAILNTH_SITES 4096
#define FAILNTH_ERRORS 134
/* So near to a point that is fatal to amdgpu nothing is made to fail. */
#define FAILNTH_MARGIN 4
/* A racy call that has fewer points than this has had them done by others. */
#define FAILNTH_RACY 12

/* A call to be made to fail. All functions get @arg of the sweep. */
struct failnth_case {
	const char *name;
	/* What the call needs; may be NULL. */
	void (*before)(void *arg);
	/* The call: 0 or -errno. */
	int (*call)(void *arg);
	/* Take it back if it was a success, check that it is none if not. */
	void (*after)(void *arg, int result);
	/* The space to look at after each call; NULL: none. */
	int *fd;
	/* Pages fail, too. */
	bool pages;
	/* Each call in a child process of its own. */
	bool forked;
	/* Others do a part of it at times: its points are not always the same. */
	bool racy;
	/*
	 * What comes before amdgpu has now more points, now fewer, as the
	 * process's mappings are: the sweep ends well before the first fatal one.
	 */
	bool varying;
	/* One more error that the call may have, beside the usual ones. */
	int also;
};

enum failnth_site {
	FAILNTH_OURS,		/* rocsvm, or the kernel for it */
	FAILNTH_CONTROL,	/* a copy between KFD and the control page */
	FAILNTH_AMDGPU,
	FAILNTH_FATAL,		/* not survived by amdgpu */
	FAILNTH_VARYING,	/* fatal, and not always as many: ends a sweep */
	FAILNTH_CHECKS,		/* the kernel's checks of itself */
	FAILNTH_NUM_SITES,
};

/* What is known after a call; shared with a child. */
struct failnth_result {
	int result;
	bool fired;
	size_t num_sites;
	uint8_t sites[FAILNTH_SITES];
};

struct failnth_state {
	struct rocsvm_info info;
	uint64_t available;
};

/* Of all sweeps; and which one fails in the present call. */
static unsigned int failnth_injected;
static enum failnth_site failnth_now __attribute__((unused));

/* ---- settings ----------------------------------------------------------- */

static inline void failnth_set(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", file);
	ASSERT_EQ(file_write(path, text), 0);
}

static inline void failnth_settings(bool on, bool pages)
{
	failnth_set("failslab/verbose", on ? "0" : "2");
	failnth_set("fail_page_alloc/verbose", on ? "0" : "2");
	failnth_set("fail_usercopy/verbose", on ? "0" : "2");
	/* What may wait for memory is what fails here. */
	failnth_set("failslab/ignore-gfp-wait", on ? "N" : "Y");
	failnth_set("fail_page_alloc/ignore-gfp-wait", on ? "N" : "Y");
	failnth_set("fail_page_alloc/ignore-gfp-highmem", on ? "N" : "Y");
	failnth_set("fail_page_alloc/min-order", !on ? "1" : pages ? "0" : "64");
}

/* ---- fail-nth ----------------------------------------------------------- */

static inline int failnth_open(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	return fd;
}

static inline void failnth_arm(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	ASSERT_EQ(SYS(pwrite(fd, text, length, 0)), length);
}

/* What is left to count: 0 if it has failed. */
static inline unsigned int failnth_disarm(int fd)
{
	char text[16] = "";
	/* These two can be what fails. */
	long r = SYS(pread(fd, text, sizeof(text) - 1, 0));
	unsigned int left = r > 0 ? atoi(text) : 1;

	r = SYS(pwrite(fd, "0", 1, 0));
	if (r == -EFAULT) {
		left = 2;
		r = SYS(pwrite(fd, "0", 1, 0));
	}
	ASSERT_EQ(r, 1);
	return left;
}

/* ---- where the points are ----------------------------------------------- */

/*
 * amdgpu of 6.1: an error between two buffers leaves the second one locked;
 * an error of FREE after it has unlinked the buffer has it unlinked again when
 * the process ends.
 */
static const char *const failnth_fatal[] = {
	"ttm_eu_reserve_buffers", "amdgpu_amdkfd_gpuvm_free_memory_of_gpu",
};

/*
 * VRAM's allocator of 6.1 uses freed memory then. How often it splits a block
 * depends on what was freed by then, so that no number behind it can be relied
 * on.
 */
static const char *const failnth_varying[] = {
	"[drm_buddy]", "amdgpu_vram_mgr_new",
};

/* Copies to and from the control page. */
static const char *const failnth_control[] = {
	" kfd_ioctl+", " rocsvm_kfd_", " put_gpu_ids+", " kfd_read_apertures+",
};

static const char *const failnth_checks[] = {
	"create_object", "kmemleak", "fill_pool", "debug_object_",
	"stack_depot", "kasan_save", "lock_acquire",
};

static const char *const failnth_interrupts[] = {
	" sysvec_", " asm_sysvec_", " common_interrupt+", "__do_softirq",
};

/* A point's stack as it is read, from the innermost function on. */
struct failnth_stack {
	bool seen[FAILNTH_NUM_SITES];
	bool copy;
	bool begin, end;	/* it is fail-nth itself that is written, read */
	bool interrupt;		/* on top of the task: not counted */
};

static inline bool failnth_names(const char *line, const char *const *names,
				 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(line, names[i]))
			return true;
	return false;
}

static inline void failnth_frame(struct failnth_stack *stack, const char *line)
{
	if (strstr(line, "[amdgpu]"))
		stack->seen[FAILNTH_AMDGPU] = true;
	if (failnth_names(line, failnth_fatal, ARRAY_SIZE(failnth_fatal)))
		stack->seen[FAILNTH_FATAL] = true;
	if (failnth_names(line, failnth_varying, ARRAY_SIZE(failnth_varying)))
		stack->seen[FAILNTH_VARYING] = true;
	if (failnth_names(line, failnth_checks, ARRAY_SIZE(failnth_checks)))
		stack->seen[FAILNTH_CHECKS] = true;
	/* Who calls these two directly. */
	if (strstr(line, "_copy_to_user") || strstr(line, "_copy_from_user"))
		stack->copy = true;
	else if (stack->copy) {
		stack->seen[FAILNTH_CONTROL] |=
			failnth_names(line, failnth_control,
				      ARRAY_SIZE(failnth_control));
		stack->copy = false;
	}
	if (failnth_names(line, failnth_interrupts, ARRAY_SIZE(failnth_interrupts)))
		stack->interrupt = true;
	stack->begin |= !!strstr(line, " proc_fail_nth_write+");
	stack->end |= !!strstr(line, " proc_fail_nth_read+");
}

static inline enum failnth_site failnth_judge(const struct failnth_stack *stack)
{
	static const enum failnth_site order[] = {
		FAILNTH_VARYING, FAILNTH_CHECKS, FAILNTH_FATAL, FAILNTH_CONTROL,
		FAILNTH_AMDGPU,
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (stack->seen[order[i]])
			return order[i];
	return FAILNTH_OURS;
}

/* Put a point down: those of the call are between two of fail-nth itself. */
static inline void failnth_put_site(struct failnth_result *res,
				    const struct failnth_stack *stack, int *part)
{
	if (stack->interrupt)
		return;
	if (stack->begin || stack->end)
		++*part;
	else if (*part == 1 && res->num_sites < FAILNTH_SITES)
		res->sites[res->num_sites++] = failnth_judge(stack);
}

/* Read the points that the probe has recorded. */
static inline void failnth_read_sites(struct failnth_result *res)
{
	FILE *trace = fopen(FAILNTH_TRACE "/trace", "re");
	/* Before the first one there is none. */
	struct failnth_stack stack = { .interrupt = true };
	char line[512];
	int part = 0;

	ASSERT(trace);
	res->num_sites = 0;
	while (part < 2 && fgets(line, sizeof(line), trace)) {
		if (!strncmp(line, " => ", 4)) {
			failnth_frame(&stack, line + 3);
		} else if (strstr(line, " should_fail_ex: (")) {
			failnth_put_site(res, &stack, &part);
			memset(&stack, 0, sizeof(stack));
		}
	}
	fclose(trace);
}

/* ---- the world before and after ----------------------------------------- */

/* No hole, and nothing else, where the window is. */
static inline void failnth_window_whole(const struct rocsvm_info *info)
{
	uint64_t at = info->window_base, end = info->window_limit + 1;
	struct vma vma[16];
	size_t n;

	if (!info->window_limit)
		return;
	n = maps_read(0, at, end, vma, ARRAY_SIZE(vma));
	ASSERT_LE(n, ARRAY_SIZE(vma));
	for (size_t i = 0; i < n; i++) {
		EXPECT_LE(vma[i].start, at);
		EXPECT(strstr(vma[i].name, "rocsvm") ||
		       strstr(vma[i].name, "renderD") ||
		       strstr(vma[i].name, "kfd") || strstr(vma[i].name, "dmabuf"));
		at = vma[i].end;
	}
	EXPECT_GE(at, end);
}

static inline void failnth_look(int fd, struct failnth_state *state)
{
	memset(state, 0, sizeof(*state));
	ASSERT_EQ(svm_info(fd, &state->info), 0);
	if (state->info.num_acquired)
		state->available = kfd_available(fd, svm_gpu(fd, 0));
}

/* A buffer can be had, mapped, used, freed. This also ends quarantine. */
static inline void failnth_usable(int fd)
{
	struct rocsvm_info info;
	char *p;

	ASSERT_EQ(svm_info(fd, &info), 0);
	if (!info.num_acquired)
		return;
	p = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	EXPECT_EQ(svm_map_all(fd, p), 0);
	EXPECT_EQ(find_not(p, 0, PAGE), -1);
	*p = 1;
	EXPECT_EQ(svm_free(fd, p), 0);
}

static inline void failnth_same(int fd, const struct failnth_state *before,
				bool lossy)
{
	struct failnth_state now;

	failnth_usable(fd);
	failnth_look(fd, &now);
	EXPECT_EQ(now.info.num_buffers, before->info.num_buffers);
	EXPECT_EQ(now.info.buffer_bytes, before->info.buffer_bytes);
	EXPECT_EQ(now.info.quarantined_bytes, before->info.quarantined_bytes);
	EXPECT_EQ(now.info.num_registrations, before->info.num_registrations);
	EXPECT_EQ(now.info.registered_bytes, before->info.registered_bytes);
	EXPECT_EQ(memcmp(&now.info, &before->info, sizeof(now.info)), 0);
	if (!lossy)
		EXPECT_EQ(now.available, before->available);
	failnth_window_whole(&now.info);
}

/* ---- one call ----------------------------------------------------------- */

/* So many points no call has. */
#define FAILNTH_NEVER 1000000

struct failnth_run {
	const struct failnth_case *c;
	void *arg;
	unsigned int n;		/* 0: nothing fails, the points are recorded */
	enum failnth_site site;
	struct failnth_result *res;
};

/* One probe for all sweeps of a thread: to set one takes seconds. */
static inline void failnth_set_probe(void)
{
	static struct kprobe probe;
	static pid_t owner;

	if (owner == gettid())
		return;
	owner = gettid();
	kprobe_open(&probe, "should_fail_ex", "flags=%dx");
	ASSERT_EQ(file_write(FAILNTH_TRACE "/options/sym-offset", "1"), 0);
	ASSERT_EQ(file_write(FAILNTH_TRACE "/options/stacktrace", "1"), 0);
}

static inline void failnth_remove_probe(void)
{
	struct kprobe probe = { .event = "should_fail_ex" };

	kprobe_close(&probe);
}

static inline void failnth_record(const struct failnth_run *run, int fd)
{
	struct failnth_result *res = run->res;
	unsigned int left;
	int trace;

	/* Truncated, it is empty. */
	trace = open(FAILNTH_TRACE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	ASSERT_GE(trace, 0);
	close(trace);
	ASSERT_EQ(file_write(FAILNTH_TRACE "/tracing_on", "1"), 0);
	failnth_arm(fd, FAILNTH_NEVER);
	res->result = run->c->call(run->arg);
	left = failnth_disarm(fd);
	ASSERT_EQ(file_write(FAILNTH_TRACE "/tracing_on", "0"), 0);
	failnth_read_sites(res);
	/* The probe has seen what the kernel has counted. */
	ASSERT_EQ(res->num_sites, FAILNTH_NEVER - left);
}

static inline void failnth_once(void *p)
{
	const struct failnth_run *run = p;
	const struct failnth_case *c = run->c;
	struct failnth_state before;
	int fd = failnth_open();

	if (!run->n)
		failnth_set_probe();
	if (c->fd)
		failnth_look(*c->fd, &before);
	if (c->before)
		c->before(run->arg);
	if (run->n) {
		failnth_arm(fd, run->n);
		run->res->result = c->call(run->arg);
		run->res->fired = !failnth_disarm(fd);
	} else {
		failnth_record(run, fd);
	}
	c->after(run->arg, run->res->result);
	if (c->fd)
		failnth_same(*c->fd, &before, run->site == FAILNTH_CONTROL);
	close(fd);
}

static inline void failnth_do(struct failnth_run *run)
{
	int failures = test_failures;

	if (run->c->forked)
		EXPECT_EQ(run_child(failnth_once, run), 0);
	else
		failnth_once(run);
	if (test_failures != failures)
		say("^ %s, point %u, result %d", run->c->name, run->n,
		    run->res->result);
}

/* ---- the sweep ---------------------------------------------------------- */

/* Which points are to fail: each number means what the profile says of it. */
static inline enum failnth_site failnth_site(const struct failnth_result *profile,
					     unsigned int n)
{
	size_t first = n > FAILNTH_MARGIN ? n - FAILNTH_MARGIN : 1;

	if (n > profile->num_sites)
		return FAILNTH_OURS;
	/* A little away from what must not fail, too. */
	for (size_t i = first;
	     i <= n + FAILNTH_MARGIN && i <= profile->num_sites; i++)
		if (profile->sites[i - 1] == FAILNTH_FATAL)
			return FAILNTH_FATAL;
	return profile->sites[n - 1];
}

/* The first point at which the sweep must not go on. */
static inline unsigned int failnth_bound(const struct failnth_case *c,
					 const struct failnth_result *profile)
{
	unsigned int margin = FAILNTH_MARGIN * (c->varying ? 3 : 1);

	for (unsigned int n = 1; n <= profile->num_sites; n++)
		if (profile->sites[n - 1] == FAILNTH_VARYING ||
		    (c->varying && profile->sites[n - 1] == FAILNTH_FATAL))
			return n > margin ? n - margin : 1;
	return FAILNTH_SITES;
}

static inline bool failnth_skips(enum failnth_site site)
{
	return site == FAILNTH_CHECKS || site == FAILNTH_FATAL ||
	       site == FAILNTH_AMDGPU;
}

static inline void failnth_sweep(const struct failnth_case *c, void *arg)
{
	unsigned int errors[FAILNTH_ERRORS] = { 0 }, injected = 0;
	unsigned int skipped[FAILNTH_NUM_SITES] = { 0 };
	struct failnth_result *profile, *res;
	struct failnth_run run = { .c = c, .arg = arg };
	unsigned int bound;
	int r = 0;

	profile = mmap(NULL, 2 * sizeof(*profile), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(profile != MAP_FAILED);
	res = profile + 1;
	failnth_settings(true, c->pages);

	/* The first call does what is done once only. */
	run.res = res;
	run.n = FAILNTH_NEVER;
	failnth_do(&run);
	run.res = profile;
	run.n = 0;
	failnth_do(&run);
	EXPECT_EQ(profile->result, 0);
	bound = failnth_bound(c, profile);

	run.res = res;
	for (run.n = 1; run.n < bound; run.n++) {
		run.site = failnth_site(profile, run.n);
		failnth_now = run.site;
		if (failnth_skips(run.site)) {
			skipped[run.site]++;
			continue;
		}
		failnth_do(&run);
		r = res->result;
		if (!res->fired && c->racy && run.n < FAILNTH_RACY)
			continue;
		if (!res->fired)
			break;
		injected++;
		ASSERT_GT(r, -FAILNTH_ERRORS);
		ASSERT_LE(r, 0);
		errors[-r]++;
		if (r && r != -ENOMEM && r != -EFAULT && r != -EINTR &&
		    r != -c->also) {
			say("%s: point %u: %s", c->name, run.n, strerror(-r));
			test_failures++;
		}
	}
	/* Nothing was left to fail, or to be allowed to. */
	if (bound == FAILNTH_SITES) {
		EXPECT_EQ(r, 0);
		EXPECT_LT(run.n, bound);
	}
	EXPECT(injected || c->racy || c->varying);

	printf("  %-24s %4zu points, %4u failed:", c->name, profile->num_sites,
	       injected);
	for (int i = 0; i < FAILNTH_ERRORS; i++)
		if (errors[i])
			printf(" %u %s", errors[i],
			       i ? strerrorname_np(i) : "unnoticed");
	printf("; passed over: %u of amdgpu, %u fatal to it, %u checks",
	       skipped[FAILNTH_AMDGPU], skipped[FAILNTH_FATAL],
	       skipped[FAILNTH_CHECKS]);
	if (bound < FAILNTH_SITES)
		printf(", all from %u on", bound);
	printf("\n");
	failnth_injected += injected;
	munmap(profile, 2 * sizeof(*profile));
}

/* ---- the test ----------------------------------------------------------- */

static inline void failnth_child(void *test)
{
	((void (*)(void))test)();
	say("%u failures injected", failnth_injected);
	EXPECT_GT(failnth_injected, 0);
}

/*
 * Run @test, which sweeps, in a process of its own: what a copy that fails
 * between KFD and the control page loses is lost for that process's life alone.
 */
static inline void failnth_test(void (*test)(void))
{
	uint64_t available;
	uint32_t gpu;
	int fd, kfd;

	if (access("/proc/self/fail-nth", W_OK))
		test_skip("this kernel has no fail-nth");
	fd = svm_start();
	gpu = svm_gpu(fd, 0);
	close(fd);
	kfd = kfd_open();
	available = kfd_available(kfd, gpu);
	EXPECT_EQ(run_child(failnth_child, (void *)test), 0);
	failnth_remove_probe();
	failnth_settings(false, false);
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu) == available, 20000));
	close(kfd);
	EXPECT(svm_all_gone());
}

#endif /* ROCSVM_TESTS_FAILNTH_H */
