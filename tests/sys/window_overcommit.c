// SPDX-License-Identifier: MIT
/*
 * With vm.overcommit_memory=2 the window costs no commit charge, and a host
 * buffer for which there is none is -ENOMEM, without a line of amdgpu's or the
 * module's in the log. (The kernel's own, rate-limited, is not theirs.)
 */
#include "window.h"

#define OVERCOMMIT "/proc/sys/vm/overcommit_memory"
#define KBYTES "/proc/sys/vm/overcommit_kbytes"
#define RATIO "/proc/sys/vm/overcommit_ratio"

static void strict(bool on)
{
	ASSERT_EQ(file_write(OVERCOMMIT, on ? "2" : "0"), 0);
}

static void limited(void *unused)
{
	struct window w = window_open();
	int amdgpu_log = klog_open(), own_log = klog_open(), r[3];
	long charge, shmem;
	void *va;

	(void)unused;
	strict(true);
	shmem = meminfo_kb("Shmem");
	r[0] = svm_try_alloc(w.fd, ROCSVM_KIND_HOST, MiB(256), &va);
	r[1] = svm_try_alloc(w.fd, ROCSVM_KIND_HOST, GiB(64), &va);
	for (int i = 0; i < 200; i++) {
		r[2] = svm_try_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1), &va);
		if (r[2])
			break;
	}
	charge = meminfo_kb("CommitLimit");
	strict(false);
	say("limit %ld kB", charge);
	EXPECT_EQ(r[0], -ENOMEM);
	EXPECT_EQ(r[1], -ENOMEM);
	EXPECT_EQ(r[2], -ENOMEM);
	EXPECT_EQ(klog_count(amdgpu_log, "amdgpu"), 0);
	EXPECT_EQ(klog_count(own_log, "rocsvm:"), 0);
	close(w.fd);
	EXPECT(EVENTUALLY(shmem_kb() - shmem < 1024, 10000));
}

/* Open: the size of the window is not what is charged. */
static void charge_of_open(void *unused)
{
	long before = meminfo_kb("Committed_AS"), after;
	struct window w = window_open();

	(void)unused;
	after = meminfo_kb("Committed_AS");
	say("Committed_AS %+ld kB by open", after - before);
	EXPECT_LT(after - before, 16384);
	close(w.fd);
}

static void strict_open(void *unused)
{
	int fd;

	(void)unused;
	strict(true);
	fd = svm_open();
	strict(false);
	EXPECT_GE(fd, 0);
}

static void test(void)
{
	swapoff(getenv("ROCSVM_SWAP") ?: "");
	ASSERT_EQ(knob_set(OVERCOMMIT, "0"), 0);
	/* Each of these two sets the other to 0. */
	ASSERT_EQ(knob_set(RATIO, "50"), 0);
	EXPECT_EQ(run_child(charge_of_open, NULL), 0);
	/* Enough for the test itself, not for 256 MiB on top. */
	EXPECT_EQ(run_child(strict_open, NULL), 0);
	ASSERT_EQ(file_write(KBYTES, "4096"), 0);
	EXPECT_EQ(run_child(limited, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
