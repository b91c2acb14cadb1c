// SPDX-License-Identifier: MIT
/*
 * Whatever the administrator or the program asks of huge pages, the page
 * region stays one of small pages: guard pages are inaccessible, a buffer
 * costs its own size, FREE gives all of it back.
 */
#include "window.h"

#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define LENGTH KiB(64)
/* What else the machine may have put in its tmpfs meanwhile, in kB. */
#define SLACK_KB 128

static struct window w;

/* The buffer and all of the 2 MiB round it. */
static void expect_guarded(char *p)
{
	uint64_t start = (uintptr_t)p & ~(HUGE_PAGE - 1);

	for (uint64_t off = 0; off < HUGE_PAGE; off += KiB(64)) {
		char *q = at(start + off);

		if (q == p)
			continue;
		EXPECT_DEAD(q);
	}
	EXPECT_DEAD(p + LENGTH);
	EXPECT_DEAD(p - PAGE);
}

static void buffer(bool collapse)
{
	long before = shmem_kb(), grown;
	/* In the middle of 2 MiB that nothing else lies in. */
	char *p = at(w.base + GiB(4) + MiB(1));

	ASSERT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, LENGTH, (uintptr_t)p), 0);
	grown = shmem_kb() - before;
	say("ALLOC of 64 KiB: Shmem %+ld kB", grown);
	EXPECT_LE(grown, 64 + SLACK_KB);
	EXPECT_EQ(find_not(p, 0, LENGTH), -1);
	memset(p, 0x11, LENGTH);
	grown = shmem_kb() - before;
	EXPECT_LE(grown, 64 + SLACK_KB);
	EXPECT_EQ(smaps_kb(p, "ShmemPmdMapped"), 0);
	expect_guarded(p);

	/* Collapsing is refused or must not open anything either. */
	if (collapse) {
		EXPECT_LT(SYS(madvise(at((uintptr_t)p & ~(HUGE_PAGE - 1)),
				      HUGE_PAGE, MADV_COLLAPSE)), 0);
		expect_guarded(p);
	}
	EXPECT_EQ(find_not(p, 0x11, LENGTH), -1);
	EXPECT_LE(shmem_kb() - before, 64 + SLACK_KB);

	EXPECT_EQ(svm_free(w.fd, p), 0);
	EXPECT_DEAD(p);
	grown = shmem_kb() - before;
	say("after FREE: Shmem %+ld kB", grown);
	EXPECT_LE(grown, SLACK_KB);
}

/* Freeing one of two neighbours leaves the other's pages alone. */
static void neighbours(void)
{
	char *a = at(w.base + GiB(5));
	char *b = a + LENGTH + PAGE;
	long before = shmem_kb();

	ASSERT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, LENGTH, (uintptr_t)a), 0);
	ASSERT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, LENGTH, (uintptr_t)b), 0);
	pattern_fill(b, LENGTH, 7);
	EXPECT_EQ(svm_free(w.fd, a), 0);
	EXPECT_EQ(pattern_differs(b, LENGTH, 7), -1);
	EXPECT_DEAD(a);
	EXPECT_EQ(svm_free(w.fd, b), 0);
	EXPECT_LE(shmem_kb() - before, SLACK_KB);
}

static void mode(void *arg)
{
	(void)arg;
	w = window_open();
	buffer(true);
	neighbours();
}

/*
 * As mode(), after the program has asked for huge pages itself. One that asks
 * for the whole region and has it collapsed as well gets what it asked for.
 */
static void advised(void *arg)
{
	(void)arg;
	w = window_open();
	/* A part is refused: it would tear the window. */
	EXPECT_LT(SYS(madvise(at(w.base + GiB(4)), HUGE_PAGE, MADV_HUGEPAGE)),
		  0);
	EXPECT_EQ(SYS(madvise(at(w.page_vma.start), w.page_vma.end -
			      w.page_vma.start, MADV_HUGEPAGE)), 0);
	buffer(false);
	neighbours();
}

static void test(void)
{
	static const char *const modes[] = {
		"never", "deny", "advise", "within_size", "always",
	};

	if (access(SHMEM_ENABLED, W_OK))
		test_skip("no transparent huge pages");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		say("shmem_enabled=%s", modes[i]);
		ASSERT_EQ(knob_set(SHMEM_ENABLED, modes[i]), 0);
		EXPECT_EQ(run_child(mode, NULL), 0);
		EXPECT_EQ(run_child(advised, NULL), 0);
		EXPECT(svm_all_gone());
	}
}

int main(void)
{
	return window_main(test);
}
