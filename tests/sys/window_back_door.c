// SPDX-License-Identifier: MIT
/*
 * The window's file can be opened through /proc/PID/map_files by a process
 * with the privileges of a checkpointer, and by no other. What such a process
 * does to the file hurts the owner's data, never the kernel.
 */
#include "window.h"

static void unprivileged(void *unused)
{
	char path[96];
	struct window w = window_open();

	(void)unused;
	drop_capabilities(~0ULL);
	snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIx64 "-%" PRIx64,
		 w.page_vma.start, w.page_vma.end);
	EXPECT_EQ(SYS(open(path, O_RDWR | O_CLOEXEC)), -EPERM);
	EXPECT_EQ(SYS(open(path, O_RDONLY | O_CLOEXEC)), -EPERM);
	EXPECT_EQ(SYS(open(path, O_PATH | O_CLOEXEC)), -EPERM);
}

/* Cut the file off under live buffers. */
static void truncated(void *region)
{
	struct window w = window_open();
	bool huge = *(bool *)region;
	uint64_t length = huge ? HUGE_PAGE : MiB(1);
	char *p = svm_alloc(w.fd, ROCSVM_KIND_HOST, length);
	int back = window_back_door(p);
	void *va;

	if (back < 0)
		test_skip("map_files: %s", strerror(-back));
	ASSERT_EQ(svm_map_all(w.fd, p), 0);
	memset(p, 0x11, length);
	if (ftruncate(back, 0)) {
		say("ftruncate: %s", strerror(errno));
	} else {
		EXPECT_EQ(probe_read(p), PROBE_ADRERR);
		EXPECT_EQ(probe_write(p), PROBE_ADRERR);
	}
	/* Whatever it answers: neither a hang nor a page of somebody else's. */
	if (!svm_try_alloc(w.fd, ROCSVM_KIND_HOST, length, &va)) {
		probe_read(va);
		EXPECT_EQ(svm_free(w.fd, va), 0);
	}
	EXPECT_EQ(svm_free(w.fd, p), 0);
	EXPECT_EQ(info_buffers(w.fd), 0);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	close(back);
}

/* An open back door does not keep the memory when the window goes. */
static void outlived(void *unused)
{
	struct window w = window_open();
	long shmem = shmem_kb();
	char *p = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(32));
	int back = window_back_door(p);

	(void)unused;
	if (back < 0)
		test_skip("map_files: %s", strerror(-back));
	memset(p, 0x11, MiB(32));
	EXPECT_GE(shmem_kb() - shmem, (long)(MiB(32) >> 10) - 1024);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT(EVENTUALLY(shmem_kb() - shmem < 1024, 10000));
	close(back);
}

static void test(void)
{
	static bool regions[] = { false, true };

	EXPECT_EQ(run_child(unprivileged, NULL), 0);
	EXPECT(svm_all_gone());
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		EXPECT_EQ(run_child(truncated, &regions[i]), 0);
		EXPECT(svm_all_gone());
	}
	EXPECT_EQ(run_child(outlived, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
