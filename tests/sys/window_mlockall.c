// SPDX-License-Identifier: MIT
/*
 * mlock() and mlockall() with a window: a part is refused; for root all of it
 * counts as locked although it has no pages; an unprivileged process is over
 * its limit. Everything goes on working, and close takes the lock with it.
 */
#include "window.h"

#include <sys/resource.h>

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

static long locked_kb(void)
{
	char text[4096], *found;

	ASSERT_GT(file_read("/proc/self/status", text, sizeof(text)), 0);
	found = strstr(text, "VmLck:");
	ASSERT(found);
	return atol(found + 6);
}

/* Every kind can be had, used and given back. */
static void use(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++) {
		char *p = svm_alloc(fd, cpu_kinds[i], KiB(64));

		EXPECT_EQ(find_not(p, 0, KiB(64)), -1);
		EXPECT_ALIVE(p);
		EXPECT_DEAD(p + KiB(64));
		EXPECT_EQ(svm_free(fd, p), 0);
		EXPECT_DEAD(p);
	}
	EXPECT_EQ(info_quarantined(fd), 0);
}

static void current(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));
	long shmem = shmem_kb();

	(void)unused;
	EXPECT_EQ(SYS(mlock(host, KiB(64))), -EBUSY);
	EXPECT_EQ(SYS(mlock(host + KiB(64), PAGE)), -EBUSY);
	EXPECT_WHOLE(&w);
	EXPECT_EQ(SYS(mlockall(MCL_CURRENT)), 0);
	say("locked: %ld kB", locked_kb());
	/* The huge region is of the kind that mlockall() passes over. */
	EXPECT_GE(locked_kb(), (long)((w.page_vma.end - w.page_vma.start) >> 10));
	EXPECT_LE(shmem_kb() - shmem, 256);
	EXPECT_ALIVE(host);
	EXPECT_DEAD(host + KiB(64));
	use(w.fd);
	EXPECT_EQ(SYS(munlockall()), 0);
	EXPECT_EQ(locked_kb(), 0);
	use(w.fd);
	EXPECT_EQ(SYS(mlockall(MCL_CURRENT)), 0);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_LT(locked_kb(), (long)(GiB(1) >> 10));
}

/* The process had all its future memory locked when it opened. */
static void future(void *unused)
{
	static const int flags[] = { MCL_FUTURE, MCL_FUTURE | MCL_ONFAULT };

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct window w;

		ASSERT_EQ(SYS(mlockall(MCL_CURRENT | flags[i])), 0);
		w = window_open();
		say("locked: %ld kB", locked_kb());
		use(w.fd);
		EXPECT_EQ(close(w.fd), 0);
		EXPECT_EQ(maps_named(0, "rocsvm"), 0);
		EXPECT_LT(locked_kb(), (long)(GiB(1) >> 10));
		ASSERT_EQ(SYS(munlockall()), 0);
	}
}

static void unprivileged(void *unused)
{
	struct rlimit limit = { MiB(8), MiB(8) };
	struct window w = window_open();
	char *before = maps_text(0, w.page_vma.start, w.control_vma.end);
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));

	(void)unused;
	ASSERT_EQ(SYS(setrlimit(RLIMIT_MEMLOCK, &limit)), 0);
	drop_capabilities(1ULL << CAP_IPC_LOCK);
	EXPECT_EQ(SYS(mlockall(MCL_CURRENT)), -ENOMEM);
	EXPECT_EQ(locked_kb(), 0);
	EXPECT_EQ(SYS(mlock(at(w.page_vma.start), w.page_vma.end -
			    w.page_vma.start)), -ENOMEM);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_ALIVE(host);
	use(w.fd);
	EXPECT_WHOLE(&w);
	free(before);
}

static void test(void)
{
	EXPECT_EQ(run_child(current, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(future, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(unprivileged, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
