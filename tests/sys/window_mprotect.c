// SPDX-License-Identifier: MIT
/*
 * mprotect() of a part of the window is refused, and nothing in it can be
 * made executable, not even by the READ_IMPLIES_EXEC personality. Protection
 * of whole VMAs is the program's own affair: the module's calls then fail
 * cleanly or work, and work again when it is taken back.
 */
#include "window.h"

#include <sys/personality.h>

static void part_refused(const char *what, char *p, size_t length)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};

	for (size_t i = 0; i < ARRAY_SIZE(prots); i++) {
		long r = SYS(mprotect(p, length, prots[i]));
		/* Which of the two refusals comes first is the kernel's choice. */
		bool refused = r == -EBUSY ||
			       (prots[i] & PROT_EXEC && r == -EACCES);

		if (!refused)
			say("%s: %p + 0x%zx, prot %d: %ld", what, p, length,
			    prots[i], r);
		EXPECT(refused);
	}
}

static void parts(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	char *before = maps_text(0, w.page_vma.start, w.control_vma.end);

	(void)unused;
	pattern_fill(host, MiB(1), 1);
	pattern_fill(huge, HUGE_PAGE, 2);
	part_refused("first page", at(w.base), PAGE);
	part_refused("margin", at(w.base - WINDOW_MARGIN), WINDOW_MARGIN);
	part_refused("host buffer", host, MiB(1));
	part_refused("page of a host buffer", host + PAGE, PAGE);
	part_refused("guard page", host + MiB(1), PAGE);
	part_refused("huge host buffer", huge, HUGE_PAGE);
	part_refused("page of a huge host buffer", huge + PAGE, PAGE);
	part_refused("page region", at(w.base), w.huge - w.base);
	part_refused("huge region", at(w.huge), w.end - w.huge);
	part_refused("the window", at(w.base), w.end - w.base);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_EQ(pattern_differs(host, MiB(1), 1), -1);
	EXPECT_EQ(pattern_differs(huge, HUGE_PAGE, 2), -1);
	free(before);
}

static void expect_no_exec(const struct window *w)
{
	const struct vma *vmas[] = {
		&w->page_vma, &w->huge_vma, &w->control_vma
	};

	for (size_t i = 0; i < ARRAY_SIZE(vmas); i++) {
		char *start = at(vmas[i]->start);
		size_t length = vmas[i]->end - vmas[i]->start;
		struct vma v;

		EXPECT_NE(vmas[i]->perms[2], 'x');
		EXPECT_EQ(SYS(mprotect(start, length, PROT_READ | PROT_EXEC)),
			  -EACCES);
		EXPECT_EQ(SYS(mprotect(start, length, PROT_READ | PROT_WRITE |
				       PROT_EXEC)), -EACCES);
		EXPECT_EQ(SYS(mprotect(start, length, PROT_EXEC)), -EACCES);
		EXPECT_EQ(SYS(mprotect(start, length, PROT_READ | PROT_WRITE)),
			  0);
		ASSERT(maps_find(start, &v));
		EXPECT_EQ(v.perms[2], '-');
		EXPECT(!smaps_flag(start, "me"));
	}
	EXPECT_WHOLE(w);
}

static void exec(void *unused)
{
	struct window w = window_open();

	(void)unused;
	expect_no_exec(&w);
}

static void implied_exec(void *unused)
{
	struct window w;

	(void)unused;
	ASSERT_GE(SYS(personality(READ_IMPLIES_EXEC)), 0);
	w = window_open();
	expect_no_exec(&w);
	/* The restored piece must be none either. */
	EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd, ROCSVM_KIND_GTT, PAGE)), 0);
	EXPECT_WHOLE(&w);
}

static void set_both(const struct window *w, int prot)
{
	ASSERT_EQ(SYS(mprotect(at(w->page_vma.start),
			       w->page_vma.end - w->page_vma.start, prot)), 0);
	ASSERT_EQ(SYS(mprotect(at(w->huge_vma.start),
			       w->huge_vma.end - w->huge_vma.start, prot)), 0);
}

/* Whole VMAs without access: errors or success, but nothing half done. */
static void whole(void *unused)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	static const uint64_t lengths[] = { KiB(64), HUGE_PAGE };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(prots); i++) {
		struct window w = window_open();
		char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));

		memset(host, 0x11, KiB(64));
		set_both(&w, prots[i]);
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			void *va;
			int r = svm_try_alloc(w.fd, ROCSVM_KIND_HOST,
					      lengths[j], &va);

			say("prot %d, host buffer of %" PRIu64 ": %d", prots[i],
			    lengths[j], r);
			if (!r)
				EXPECT_EQ(svm_free(w.fd, va), 0);
			EXPECT_EQ(info_buffers(w.fd), 1);
		}
		set_both(&w, PROT_READ | PROT_WRITE);
		EXPECT_EQ(find_not(host, 0x11, KiB(64)), -1);
		EXPECT_EQ(svm_free(w.fd, host), 0);
		for (size_t j = 0; j < ARRAY_SIZE(cpu_kinds); j++) {
			char *p = svm_alloc(w.fd, cpu_kinds[j], KiB(64));

			EXPECT_EQ(find_not(p, 0, KiB(64)), -1);
			EXPECT_ALIVE(p);
			EXPECT_EQ(svm_free(w.fd, p), 0);
		}
		EXPECT_WHOLE(&w);
		close(w.fd);
	}
}

/* A carve and its restoring while the rest of the window is read-only. */
static void carve_in_readonly(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));
	char *gtt;

	(void)unused;
	set_both(&w, PROT_READ);
	gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, KiB(64));
	EXPECT_ALIVE(gtt);
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT_DEAD(gtt);
	EXPECT_EQ(probe_read(host), 0);
	EXPECT_EQ(probe_write(host), PROBE_ACCERR);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* amdgpu's own VMA may be split; FREE still makes the window whole. */
static void carved_part(void *unused)
{
	struct window w = window_open();
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, KiB(64));

	(void)unused;
	EXPECT_EQ(SYS(mprotect(gtt + PAGE, PAGE, PROT_READ)), 0);
	EXPECT_EQ(probe_write(gtt + PAGE), PROBE_ACCERR);
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT_DEAD(gtt);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
}

static void test(void)
{
	static const struct {
		const char *name;
		void (*run)(void *unused);
	} cases[] = {
		{ "parts are refused", parts },
		{ "nothing becomes executable", exec },
		{ "READ_IMPLIES_EXEC", implied_exec },
		{ "whole VMAs", whole },
		{ "carve while read-only", carve_in_readonly },
		{ "part of a carved buffer", carved_part },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		say("%s", cases[i].name);
		EXPECT_EQ(run_child(cases[i].run, NULL), 0);
		EXPECT(svm_all_gone());
	}
}

int main(void)
{
	return test_main(test);
}
