// SPDX-License-Identifier: MIT
/*
 * remap_file_pages() can't replace the window, whole or in part, by a mapping
 * of the same file that has no gate.
 */
#include "window.h"

static int rfp(const void *start, size_t size, size_t pgoff, int flags)
{
	return SYS(syscall(SYS_remap_file_pages, start, size, 0, pgoff, flags));
}

static void refused(const char *what, const void *start, size_t size)
{
	static const size_t pgoffs[] = { 0, 1, 512, 1 << 20 };

	for (size_t i = 0; i < ARRAY_SIZE(pgoffs); i++) {
		int r = rfp(start, size, pgoffs[i], MAP_NONBLOCK);

		if (r >= 0)
			say("%s: let through, pgoff 0x%zx", what, pgoffs[i]);
		EXPECT_LT(r, 0);
		EXPECT_LT(rfp(start, size, pgoffs[i], 0), 0);
	}
}

static void window(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	char *before = maps_text(0, w.page_vma.start, w.control_vma.end);

	(void)unused;
	pattern_fill(host, MiB(1), 1);
	pattern_fill(huge, HUGE_PAGE, 2);
	refused("page region's VMA", at(w.page_vma.start),
		w.page_vma.end - w.page_vma.start);
	refused("huge region's VMA", at(w.huge_vma.start),
		w.huge_vma.end - w.huge_vma.start);
	refused("both", at(w.page_vma.start),
		w.huge_vma.end - w.page_vma.start);
	refused("the window", at(w.base), w.end - w.base);
	refused("first page", at(w.base), PAGE);
	refused("free page", at(w.base) + GiB(10), PAGE);
	refused("host buffer", host, MiB(1));
	refused("page of a host buffer", host + PAGE, PAGE);
	refused("guard page", host + MiB(1), PAGE);
	refused("huge host buffer", huge, HUGE_PAGE);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));

	/* The gate is still the one that answers. */
	EXPECT_DEAD(w.base + GiB(10));
	EXPECT_DEAD(host + MiB(1));
	EXPECT_DEAD(huge + HUGE_PAGE);
	EXPECT_EQ(pattern_differs(host, MiB(1), 1), -1);
	EXPECT_EQ(pattern_differs(huge, HUGE_PAGE, 2), -1);
	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_DEAD(host);
	EXPECT_WHOLE(&w);
	free(before);
}

/* The control page may be remapped to itself; it must stay what it is. */
static void control(void *unused)
{
	struct window w = window_open();
	char *host;

	(void)unused;
	say("control page: %d, %d", rfp(at(w.control_vma.start), PAGE, 0, 0),
	    rfp(at(w.control_vma.start), PAGE, 1, 0));
	if (window_whole(&w)) {
		host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
		EXPECT_ALIVE(host);
		EXPECT_EQ(svm_free(w.fd, host), 0);
	}
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* A carved buffer's VMA is amdgpu's; whatever comes of it, FREE mends it. */
static void carved(void *unused)
{
	struct window w = window_open();
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	struct vma v;

	(void)unused;
	ASSERT(maps_find(gtt, &v));
	say("GTT buffer: %d, %d", rfp(gtt, MiB(1), v.offset / PAGE, 0),
	    rfp(gtt, PAGE, v.offset / PAGE, 0));
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT_DEAD(gtt);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
}

static void test(void)
{
	struct window w = window_open();

	if (rfp(at(w.base), PAGE, 0, 0) == -ENOSYS)
		test_skip("no remap_file_pages()");
	close(w.fd);
	EXPECT_EQ(run_child(window, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(control, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(carved, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
