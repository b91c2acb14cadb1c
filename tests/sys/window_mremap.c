// SPDX-License-Identifier: MIT
/*
 * mremap() can't move, copy, grow or shrink the window, and can't put another
 * mapping over it. What outgrows or outlives the window is inaccessible and
 * pins the module.
 */
#include "window.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void refused(const char *what, char *old, size_t old_length,
		    size_t length, int flags, void *target)
{
	long r = SYS(mremap(old, old_length, length, flags, target));

	if (r >= 0 || r < -4095)
		say("%s: moved to 0x%lx", what, r);
	EXPECT(r < 0 && r >= -4095);
}

/* Every variant, on a whole VMA. */
static void whole_vma(const struct vma *v, char *target)
{
	char *start = at(v->start);
	size_t length = v->end - v->start;

	refused("grow in place", start, length, length + MiB(64), 0, NULL);
	refused("grow by a page", start, length, length + PAGE, 0, NULL);
	refused("grow anywhere", start, length, length + MiB(64),
		MREMAP_MAYMOVE, NULL);
	refused("shrink", start, length, length - PAGE, 0, NULL);
	refused("copy by old_len 0", start, 0, PAGE, MREMAP_MAYMOVE, NULL);
	refused("copy all by old_len 0", start, 0, length, MREMAP_MAYMOVE, NULL);
	refused("copy to a place by old_len 0", start, 0, length,
		MREMAP_MAYMOVE | MREMAP_FIXED, target);
	refused("move", start, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
		target);
	refused("move and shrink", start, length, length / 2,
		MREMAP_MAYMOVE | MREMAP_FIXED, target);
	refused("DONTUNMAP", start, length, length,
		MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	refused("DONTUNMAP to a place", start, length, length,
		MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, target);
}

static void part(char *p, size_t length, char *target)
{
	refused("part: move", p, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
		target);
	refused("part: grow", p, length, length + PAGE, MREMAP_MAYMOVE, NULL);
	refused("part: shrink", p, length, length - PAGE, 0, NULL);
	refused("part: copy", p, 0, length, MREMAP_MAYMOVE, NULL);
	refused("part: copy to a place", p, 0, length,
		MREMAP_MAYMOVE | MREMAP_FIXED, target);
	refused("part: DONTUNMAP", p, length, length,
		MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
}

static void window(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, 2 * HUGE_PAGE);
	/* A free place that is large enough for any of it. */
	char *target = at(w.control_vma.end + GiB(64));
	char *before, *own;

	(void)unused;
	ASSERT_EQ(maps_read(0, (uintptr_t)target, (uintptr_t)target +
			    (w.end - w.base), NULL, 0), 0);
	pattern_fill(host, MiB(1), 1);
	pattern_fill(huge, 2 * HUGE_PAGE, 2);
	own = own_mapping((uintptr_t)target - PAGE, PAGE, 0x5a);
	before = maps_text(0, 0, UINT64_MAX);

	whole_vma(&w.page_vma, target);
	whole_vma(&w.huge_vma, target);
	part(host, MiB(1), target);
	part(huge, 2 * HUGE_PAGE, target);
	part(at(w.base), MiB(1), target);
	refused("own page over a buffer", own, PAGE, PAGE,
		MREMAP_MAYMOVE | MREMAP_FIXED, host);
	refused("own page over a free page", own, PAGE, PAGE,
		MREMAP_MAYMOVE | MREMAP_FIXED, at(w.end) - PAGE);
	refused("control page: grow", at(w.control_vma.start), PAGE, 2 * PAGE,
		MREMAP_MAYMOVE, NULL);
	refused("control page: copy", at(w.control_vma.start), 0, PAGE,
		MREMAP_MAYMOVE, NULL);

	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	EXPECT_EQ(find_not(own, 0x5a, PAGE), -1);
	EXPECT_EQ(pattern_differs(host, MiB(1), 1), -1);
	EXPECT_EQ(pattern_differs(huge, 2 * HUGE_PAGE, 2), -1);
	EXPECT_DEAD(host + MiB(1));
	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_EQ(svm_free(w.fd, huge), 0);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	free(before);
}

/* A carved buffer's VMA is amdgpu's and may be moved; the window heals. */
static void carved(void *unused)
{
	struct window w = window_open();
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	char *target = at(w.control_vma.end + GiB(1));
	long r;

	(void)unused;
	r = SYS(mremap(gtt, MiB(1), MiB(1), MREMAP_MAYMOVE | MREMAP_FIXED,
		       target));
	say("moving a GTT buffer's VMA: 0x%lx", r);
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
	EXPECT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, KiB(64), (uintptr_t)gtt),
		  0);
	EXPECT_EQ(find_not(gtt, 0, KiB(64)), -1);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/*
 * With the control page out of the way a VMA can grow in place. Its tail lies
 * outside of the window: no access, and none after the window's end either.
 */
static void grown_tail(void *unused)
{
	struct window w = window_open();
	size_t length = w.huge_vma.end - w.huge_vma.start;
	char *tail = at(w.huge_vma.end);
	bool grown;

	(void)unused;
	ASSERT_EQ(SYS(munmap(tail, PAGE)), 0);
	grown = SYS(mremap(at(w.huge_vma.start), length, length + MiB(64), 0,
			   NULL)) >= 0;
	say("huge region %s in place", grown ? "grew" : "did not grow");
	if (grown) {
		EXPECT_NE(probe_read(tail + PAGE), 0);
		EXPECT_NE(probe_write(tail + MiB(32)), 0);
	}
	EXPECT_EQ(close(w.fd), 0);
	if (maps_named(0, "rocsvm")) {
		EXPECT_NE(module_unload(), 0);
		EXPECT_NE(probe_read(tail + PAGE), 0);
		EXPECT_NE(probe_write(tail + MiB(32)), 0);
	}
	EXPECT_EQ(SYS(munmap(tail, MiB(64))), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

static void test(void)
{
	EXPECT_EQ(run_child(window, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(carved, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(grown_tail, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
