// SPDX-License-Identifier: MIT
/*
 * Failures on order. See failnth.h.
 */
#include "failnth.h"

#include <sys/syscall.h>

#define FILTER "/sys/kernel/debug/failnth_filter/"
#define FILTER_MODULE "helper/failnth_filter.ko"

/* So many points no call has. */
#define MAX_POINTS 4096
#define NEVER 1000000
#define MAX_ERRNO 134
/* A racy call that has fewer points than this has had them done by others. */
#define RACY_POINTS 12

enum failnth_site failnth_now;

/* Which point of the present call is to fail. */
static unsigned int present_point;

/* Of all sweeps. */
static unsigned int all_injected, all_copies;

/* What is known after a call; shared with a child. */
struct result {
	int result;
	bool fired;
	enum failnth_site site;
	unsigned int counts[FAILNTH_NUM_SITES];
	char stack[4096];
};

struct state {
	struct rocsvm_info info;
	uint64_t available;
};

struct run {
	const struct failnth_case *c;
	void *arg;
	unsigned int n;
	struct result *res;
};

/* ---- settings ----------------------------------------------------------- */

static void set(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", file);
	ASSERT_EQ(file_write(path, text), 0);
}

static void settings(bool on, bool pages)
{
	set("failslab/verbose", on ? "0" : "2");
	set("fail_page_alloc/verbose", on ? "0" : "2");
	set("fail_usercopy/verbose", on ? "0" : "2");
	/* What may wait for memory is what fails here. */
	set("failslab/ignore-gfp-wait", on ? "N" : "Y");
	set("fail_page_alloc/ignore-gfp-wait", on ? "N" : "Y");
	set("fail_page_alloc/ignore-gfp-highmem", on ? "N" : "Y");
	set("fail_page_alloc/min-order", !on ? "1" : pages ? "0" : "64");
}

static void filter_load(void)
{
	int fd = open(FILTER_MODULE, O_RDONLY | O_CLOEXEC);
	long r;

	ASSERT_GE(fd, 0);
	r = SYS(syscall(SYS_finit_module, fd, "", 0));
	/* Left by a test that has died. */
	if (r != -EEXIST)
		ASSERT_EQ(r, 0);
	close(fd);
}

static void filter_unload(void)
{
	EXPECT_EQ(SYS(syscall(SYS_delete_module, "failnth_filter", O_NONBLOCK)), 0);
}

static void filter_begin(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u",
		 1u << FAILNTH_OURS | 1u << FAILNTH_CONTROL);
	ASSERT_EQ(file_write(FILTER "allow", text), 0);
}

/* What was counted since, what has failed, and where. */
static void filter_end(struct result *res)
{
	char text[8192], *p = text;

	ASSERT_GT(file_read(FILTER "state", text, sizeof(text)), 0);
	ASSERT_EQ(sscanf(p, "last: %u", &res->site), 1);
	p = strstr(p, "counts:");
	ASSERT(p);
	p += strlen("counts:");
	for (int i = 0; i < FAILNTH_NUM_SITES; i++)
		res->counts[i] = strtoul(p, &p, 10);
	snprintf(res->stack, sizeof(res->stack), "%s", p);
	res->fired = res->site < FAILNTH_NUM_SITES;
}

/* ---- fail-nth ----------------------------------------------------------- */

static int nth_open(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	return fd;
}

static void nth_write(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	ASSERT_EQ(SYS(pwrite(fd, text, length, 0)), length);
}

void failnth_arm(void)
{
	int fd = nth_open();

	nth_write(fd, present_point);
}

/* ---- the world before and after ----------------------------------------- */

void failnth_window_whole(const struct rocsvm_info *info)
{
	uint64_t at = info->window_base, end = info->window_limit + 1;
	struct vma vma[32];
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

static void look(int fd, struct state *state)
{
	memset(state, 0, sizeof(*state));
	ASSERT_EQ(svm_info(fd, &state->info), 0);
	if (state->info.num_acquired)
		state->available = kfd_available(fd, svm_gpu(fd, 0));
}

void failnth_usable(int fd)
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

static void same(int fd, const struct state *before, bool lossy)
{
	struct state now;

	failnth_usable(fd);
	look(fd, &now);
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

static void once(void *p)
{
	const struct run *run = p;
	const struct failnth_case *c = run->c;
	struct state before;
	int fd = nth_open();

	if (c->fd)
		look(*c->fd, &before);
	if (c->before)
		c->before(run->arg);
	filter_begin();
	present_point = run->n;
	if (!c->elsewhere)
		nth_write(fd, run->n);
	run->res->result = c->call(run->arg);
	nth_write(fd, 0);
	filter_end(run->res);
	failnth_now = run->res->fired ? run->res->site : FAILNTH_OURS;
	c->after(run->arg, run->res->result);
	if (c->fd)
		same(*c->fd, &before, failnth_now == FAILNTH_CONTROL);
	close(fd);
}

static void one_call(struct run *run)
{
	int failures = test_failures;

	if (run->c->forked)
		EXPECT_EQ(run_child(once, run), 0);
	else
		once(run);
	if (test_failures != failures)
		say("^ %s, point %u, result %d, of kind %u:%s", run->c->name,
		    run->n, run->res->result, run->res->site, run->res->stack);
}

/* ---- the sweep ---------------------------------------------------------- */

static bool is_usual(const struct failnth_case *c, int result)
{
	return !result || result == -ENOMEM || result == -EFAULT ||
	       result == -EINTR || result == c->also;
}

/* How often which result was seen, and what was left out. */
static void report(const struct failnth_case *c, const struct result *first,
		   const unsigned int *errors, unsigned int injected)
{
	printf("  %-24s %4u failed:", c->name, injected);
	for (int i = 0; i < MAX_ERRNO; i++)
		if (errors[i])
			printf(" %u %s", errors[i],
			       i ? strerrorname_np(i) : "unnoticed");
	printf("; left out: %u of amdgpu, %u of KFD, %u fatal to it, %u checks\n",
	       first->counts[FAILNTH_AMDGPU], first->counts[FAILNTH_KFD],
	       first->counts[FAILNTH_FATAL], first->counts[FAILNTH_CHECKS]);
}

void failnth_sweep(const struct failnth_case *c, void *arg)
{
	unsigned int errors[MAX_ERRNO] = { 0 }, injected = 0;
	struct result *first, *res;
	struct run run = { .c = c, .arg = arg };
	int r;

	first = mmap(NULL, 2 * sizeof(*first), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(first != MAP_FAILED);
	res = first + 1;
	settings(true, c->pages);

	/* The first call does what is done once only. */
	for (int i = 0; i < 2; i++) {
		run.res = first;
		run.n = NEVER;
		one_call(&run);
		EXPECT_EQ(first->result, 0);
		EXPECT(!first->fired);
	}

	run.res = res;
	for (run.n = 1; run.n < MAX_POINTS; run.n++) {
		memset(res, 0, sizeof(*res));
		one_call(&run);
		r = res->result;
		if (!res->fired && c->racy && run.n < RACY_POINTS)
			continue;
		if (!res->fired)
			break;
		injected++;
		all_copies += !!strstr(res->stack, "should_fail_usercopy");
		ASSERT_GT(r, -MAX_ERRNO);
		ASSERT_LE(r, 0);
		errors[-r]++;
		if (!is_usual(c, r)) {
			say("%s: point %u: %s%s", c->name, run.n, strerror(-r),
			    res->stack);
			test_failures++;
		}
	}
	/* Nothing was left to fail. */
	EXPECT_EQ(res->result, 0);
	EXPECT_LT(run.n, MAX_POINTS);
	EXPECT(injected || c->racy);

	report(c, first, errors, injected);
	all_injected += injected;
	munmap(first, 2 * sizeof(*first));
}

/* ---- the test ----------------------------------------------------------- */

static void child(void *test)
{
	((void (*)(void))test)();
	say("%u failures injected, %u of them in copies", all_injected,
	    all_copies);
	EXPECT_GT(all_injected, 0);
}

void failnth_test(void (*test)(void))
{
	uint64_t available;
	uint32_t gpu;
	int fd, kfd;

	if (access("/proc/self/fail-nth", W_OK))
		test_skip("this kernel has no fail-nth");
	filter_load();
	fd = svm_start();
	gpu = svm_gpu(fd, 0);
	close(fd);
	kfd = kfd_open();
	available = kfd_available(kfd, gpu);
	EXPECT_EQ(run_child(child, (void *)test), 0);
	settings(false, false);
	filter_unload();
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu) == available, 20000));
	close(kfd);
	EXPECT(svm_all_gone());
}
