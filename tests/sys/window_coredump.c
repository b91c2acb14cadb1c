// SPDX-License-Identifier: MIT
/*
 * Neither the window nor a buffer goes into a core dump: the VMAs say so, and
 * the core of a process that died with much in its window is small.
 */
#include "window.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define CORE "/tmp/rocsvm-core"
#define PATTERN "/proc/sys/kernel/core_pattern"

static void remove_core(void)
{
	unlink(CORE);
}

static void flags(void *unused)
{
	struct window w = window_open();
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	char *vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(1));
	char *small = at(w.base + GiB(1));
	char *const vmas[] = {
		small, at(w.huge), at(w.control_vma.start), gtt, vram,
		gtt + MiB(1),	/* the window's piece behind a carve */
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(vmas); i++) {
		if (!smaps_flag(vmas[i], "dd") || !smaps_flag(vmas[i], "dc"))
			say("VMA %zu", i);
		EXPECT(smaps_flag(vmas[i], "dd"));
		EXPECT(smaps_flag(vmas[i], "dc"));
	}
	/* Small pages only, and not the flags that hinder a merge. */
	EXPECT(smaps_flag(small, "nh"));
	EXPECT(smaps_flag(small, "nr"));
	EXPECT(!smaps_flag(small, "io"));
	EXPECT(!smaps_flag(small, "pf"));
	EXPECT(!smaps_flag(small, "mm"));
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT(smaps_flag(gtt, "dd"));
	EXPECT(smaps_flag(gtt, "dc"));
}

static void die(void *unused)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	struct window w = window_open();

	(void)unused;
	memset(svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(64)), 0x11, MiB(64));
	memset(svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1)), 0x11, MiB(1));
	memset(svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(8)), 0x11, MiB(8));
	ASSERT_EQ(SYS(setrlimit(RLIMIT_CORE, &limit)), 0);
	abort();
}

static void test(void)
{
	struct stat core;
	int status;

	EXPECT_EQ(run_child(flags, NULL), 0);
	EXPECT(svm_all_gone());
	/* Dumping a window that says it may be dumped fills the machine. */
	if (test_failures)
		return;

	at_end(remove_core);
	ASSERT_EQ(knob_set(PATTERN, CORE), 0);
	ASSERT_EQ(knob_set("/proc/sys/kernel/core_uses_pid", "0"), 0);
	status = run_child_bounded(die, NULL, debug_kernel() ? 60 : 20);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	EXPECT(WCOREDUMP(status));
	EXPECT_EQ(SYS(stat(CORE, &core)), 0);
	say("core of %lld KiB", (long long)core.st_blocks / 2);
	EXPECT_LT(core.st_size, (off_t)MiB(8));
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
