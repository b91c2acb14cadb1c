// SPDX-License-Identifier: MIT
/*
 * No advice, on a part of the window or on whole VMAs, loses a byte of a live
 * buffer, opens a page that is in none, or tears the window. Advice that lets
 * a child inherit the window gives it nothing to use.
 */
#include "window.h"

#include <linux/mempolicy.h>

static const struct advice {
	int value;
	const char *name;
	bool changes_flags;	/* of the VMA: on a part it means a split */
} advices[] = {
	{ MADV_NORMAL, "NORMAL", false },
	{ MADV_RANDOM, "RANDOM", true },
	{ MADV_SEQUENTIAL, "SEQUENTIAL", true },
	{ MADV_WILLNEED, "WILLNEED", false },
	{ MADV_DONTNEED, "DONTNEED", false },
	{ MADV_DONTNEED_LOCKED, "DONTNEED_LOCKED", false },
	{ MADV_FREE, "FREE", false },
	{ MADV_REMOVE, "REMOVE", false },
	{ MADV_DONTFORK, "DONTFORK", false },
	{ MADV_DOFORK, "DOFORK", true },
	{ MADV_MERGEABLE, "MERGEABLE", false },
	{ MADV_UNMERGEABLE, "UNMERGEABLE", false },
	{ MADV_HUGEPAGE, "HUGEPAGE", true },
	{ MADV_NOHUGEPAGE, "NOHUGEPAGE", false },
	{ MADV_DONTDUMP, "DONTDUMP", false },
	{ MADV_DODUMP, "DODUMP", true },
	{ MADV_WIPEONFORK, "WIPEONFORK", false },
	{ MADV_KEEPONFORK, "KEEPONFORK", false },
	{ MADV_COLD, "COLD", false },
	{ MADV_PAGEOUT, "PAGEOUT", false },
	{ MADV_POPULATE_READ, "POPULATE_READ", false },
	{ MADV_POPULATE_WRITE, "POPULATE_WRITE", false },
	{ MADV_COLLAPSE, "COLLAPSE", false },
};

struct buffers {
	struct window w;
	char *host, *huge, *gtt;
};

static struct buffers buffers_open(void)
{
	struct buffers b = { .w = window_open() };

	b.host = svm_alloc(b.w.fd, ROCSVM_KIND_HOST, KiB(64));
	b.huge = svm_alloc(b.w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	b.gtt = svm_alloc(b.w.fd, ROCSVM_KIND_GTT, KiB(64));
	pattern_fill(b.host, KiB(64), 1);
	pattern_fill(b.huge, HUGE_PAGE, 2);
	pattern_fill(b.gtt, KiB(64), 3);
	return b;
}

/* All buffers as they were filled, nothing beside them. */
static void expect_unharmed(const struct buffers *b)
{
	EXPECT_EQ(pattern_differs(b->host, KiB(64), 1), -1);
	EXPECT_EQ(pattern_differs(b->huge, HUGE_PAGE, 2), -1);
	EXPECT_EQ(pattern_differs(b->gtt, KiB(64), 3), -1);
	EXPECT_DEAD(b->host + KiB(64));
	EXPECT_DEAD(b->host + MiB(1));
	EXPECT_DEAD(b->huge + HUGE_PAGE);
	EXPECT_DEAD(b->gtt + KiB(64));
	EXPECT_DEAD(b->w.base + GiB(10));
	EXPECT_DEAD(b->w.end - PAGE);
}

static void on_parts(void *unused)
{
	struct buffers b = buffers_open();
	struct { char *p; size_t length; } parts[] = {
		{ b.host + PAGE, PAGE }, { b.host, KiB(64) },
		{ b.host, MiB(2) }, { b.host + KiB(64), PAGE },
		{ b.huge, HUGE_PAGE }, { b.huge + HUGE_PAGE, HUGE_PAGE },
		{ b.huge + PAGE, PAGE }, { at(b.w.base) + GiB(10), MiB(4) },
	};
	char *before = maps_text(0, b.w.page_vma.start, b.w.control_vma.end);

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		const struct advice *a = &advices[i];

		for (size_t j = 0; j < ARRAY_SIZE(parts); j++) {
			long r = SYS(madvise(parts[j].p, parts[j].length,
					     a->value));
			bool in_huge = (uint64_t)parts[j].p >= b.w.huge;
			bool refused = a->changes_flags ||
				       a->value == MADV_REMOVE ||
				       a->value == MADV_FREE ||
				       (a->value == MADV_COLLAPSE && !in_huge);

			/* The huge region may have that flag already. */
			if (a->value == MADV_HUGEPAGE && in_huge)
				refused = false;
			if (refused && !r)
				say("%s on part %zu was let through", a->name,
				    j);
			EXPECT(!refused || r < 0);
		}
		if (!maps_same(0, b.w.page_vma.start, b.w.control_vma.end,
			       before)) {
			say("window torn by %s", a->name);
			EXPECT(false);
			break;
		}
		expect_unharmed(&b);
	}
	/* The populating advice says what is there and what is not. */
	EXPECT_EQ(SYS(madvise(b.host, KiB(64), MADV_POPULATE_WRITE)), 0);
	EXPECT_EQ(SYS(madvise(b.host, KiB(64) + PAGE, MADV_POPULATE_WRITE)),
		  -EFAULT);
	EXPECT_EQ(SYS(madvise(b.host + KiB(64), PAGE, MADV_POPULATE_READ)),
		  -EFAULT);
	free(before);
}

/* On whole VMAs everything but REMOVE may pass; all must go on working. */
static void on_wholes(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		const struct advice *a = &advices[i];
		struct buffers b;
		char *gtt, *host;
		long r;

		b = buffers_open();
		r = window_advise(&b.w, a->value);
		say("%s: %ld", a->name, r);
		if (a->value == MADV_REMOVE || a->value == MADV_FREE)
			EXPECT_LT(r, 0);
		expect_unharmed(&b);
		/* Restored pieces may not merge now, but must be right. */
		gtt = svm_alloc(b.w.fd, ROCSVM_KIND_GTT, KiB(64));
		EXPECT_EQ(svm_free(b.w.fd, gtt), 0);
		EXPECT_EQ(svm_alloc_at(b.w.fd, ROCSVM_KIND_HOST, KiB(64),
				       (uintptr_t)gtt), 0);
		host = gtt;
		EXPECT_EQ(find_not(host, 0, KiB(64)), -1);
		EXPECT_EQ(svm_free(b.w.fd, host), 0);
		EXPECT_DEAD(host);
		EXPECT_EQ(info_quarantined(b.w.fd), 0);
		expect_unharmed(&b);
		EXPECT_EQ(close(b.w.fd), 0);
		EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	}
}

/* A NUMA policy is advice, too: refused for a part, harmless for the whole. */
static void policy(void *unused)
{
	struct buffers b = buffers_open();
	unsigned long node0 = 1;
	char *gtt;
	long r;

	(void)unused;
	EXPECT_EQ(SYS(syscall(SYS_mbind, b.host, KiB(64), MPOL_BIND, &node0, 2UL,
			      0)), -EBUSY);
	EXPECT_EQ(SYS(syscall(SYS_mbind, b.w.base, b.w.huge - b.w.base,
			      MPOL_BIND, &node0, 2UL, 0)), -EBUSY);
	r = SYS(syscall(SYS_mbind, b.w.page_vma.start, b.w.page_vma.end -
			b.w.page_vma.start, MPOL_BIND, &node0, 2UL, 0));
	say("mbind: %ld", r);
	gtt = svm_alloc(b.w.fd, ROCSVM_KIND_GTT, KiB(64));
	EXPECT_EQ(svm_free(b.w.fd, gtt), 0);
	EXPECT_EQ(svm_alloc_at(b.w.fd, ROCSVM_KIND_HOST, KiB(64),
			       (uintptr_t)gtt), 0);
	EXPECT_EQ(find_not(gtt, 0, KiB(64)), -1);
	expect_unharmed(&b);
	EXPECT_EQ(close(b.w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* ---- DOFORK ------------------------------------------------------------- */

static struct sync child_ready, owner_gone;
static long shmem_before;

static void heir(struct buffers *b)
{
	size_t inherited = maps_named(0, "rocsvm");

	/* Both regions are there, and not a byte in them. */
	EXPECT_GE(inherited, 2);
	EXPECT_EQ(maps_read(0, (uintptr_t)b->gtt, (uintptr_t)b->gtt + PAGE,
			    NULL, 0), 0);
	for (int i = 0; i < 2; i++) {
		EXPECT_DEAD(b->host);
		EXPECT_DEAD(b->host + KiB(64));
		EXPECT_DEAD(b->huge);
		EXPECT_DEAD(b->huge + HUGE_PAGE);
		EXPECT_EQ(maps_named(0, "rocsvm"), inherited);
		if (i)
			break;
		close(b->w.fd);
		sync_post(&child_ready);
		/* The same once the owner is gone. */
		sync_wait(&owner_gone);
		EXPECT(svm_all_gone());
		/* What it can't use it does not keep alive either. */
		EXPECT(EVENTUALLY(shmem_kb() - shmem_before < 1024, 5000));
		EXPECT_EQ(module_unload(), -EWOULDBLOCK);
	}
	/* A space of its own, with the remains in the way. */
	b->w.fd = window_start();
	b->host = svm_alloc(b->w.fd, ROCSVM_KIND_HOST, KiB(64));
	EXPECT_ALIVE(b->host);
	EXPECT_EQ(svm_free(b->w.fd, b->host), 0);
	EXPECT_EQ(close(b->w.fd), 0);
}

static void owner_of_heir(void *arg)
{
	struct buffers b = buffers_open();
	pid_t pid;

	ASSERT_EQ(window_advise(&b.w, MADV_DOFORK), 0);
	EXPECT_EQ(SYS(madvise(b.gtt, KiB(64), MADV_DOFORK)), -EINVAL);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		test_failures = 0;
		heir(&b);
		fflush(stdout);
		_exit(test_failures ? KSFT_FAIL : KSFT_PASS);
	}
	*(pid_t *)arg = pid;
	sync_wait(&child_ready);
	expect_unharmed(&b);
}

static void dofork(void)
{
	pid_t *heir_pid = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT(heir_pid != MAP_FAILED);
	subreaper();
	sync_init(&child_ready);
	sync_init(&owner_gone);
	shmem_before = shmem_kb();
	/* The heir outlives its parent: it becomes ours to wait for. */
	EXPECT_EQ(run_child(owner_of_heir, heir_pid), 0);
	ASSERT_GT(*heir_pid, 0);
	sync_post(&owner_gone);
	EXPECT_EQ(child_wait(*heir_pid), 0);
	EXPECT(svm_all_gone());
}

static void test(void)
{
	say("PAGEOUT has %s", swap_on() ? "swap" : "no swap");
	EXPECT_EQ(run_child(on_parts, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(on_wholes, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(policy, NULL), 0);
	EXPECT(svm_all_gone());
	dofork();
}

int main(void)
{
	return window_main(test);
}
