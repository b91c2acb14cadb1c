// SPDX-License-Identifier: MIT
/*
 * mmap(MAP_FIXED) over a part of the window is refused, whatever is mapped
 * there and wherever the range begins and ends, and nothing of what was there
 * is lost, in the window or beside it.
 */
#include "window.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static struct window w;
static char *host, *huge, *gtt, *vram;

/* 6.1 answers every failure to make room with ENOMEM, 6.12 with its cause. */
static bool is_refusal(long r)
{
	return r == -EBUSY || r == -ENOMEM;
}

static void refused(const char *what, char *p, size_t length)
{
	static const int flags[] = {
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		long r = SYS(mmap(p, length, PROT_READ | PROT_WRITE,
				  flags[i] | MAP_FIXED, -1, 0));

		if (!is_refusal(r))
			say("%s: %p + 0x%zx", what, p, length);
		EXPECT(is_refusal(r));
		EXPECT_EQ(SYS(mmap(p, length, PROT_READ,
				   flags[i] | MAP_FIXED_NOREPLACE, -1, 0)),
			  -EEXIST);
	}
}

static void pages_and_ranges(void)
{
	refused("first page", at(w.base), PAGE);
	refused("margin", at(w.base) - PAGE, PAGE);
	refused("free page", at(w.base) + GiB(100), PAGE);
	refused("free range", at(w.base) + GiB(100), GiB(1));
	refused("host buffer", host, MiB(1));
	refused("page of a host buffer", host + PAGE, PAGE);
	refused("guard page", host + MiB(1), PAGE);
	refused("huge host buffer", huge, HUGE_PAGE);
	refused("page of a huge host buffer", huge + PAGE, PAGE);
	refused("guard of a huge host buffer", huge + HUGE_PAGE, PAGE);
	refused("guard page of a GTT buffer", gtt + MiB(1), PAGE);
	refused("GTT buffer and its guard page", gtt, MiB(1) + PAGE);
	refused("visible VRAM and its guard page", vram, MiB(1) + PAGE);
	refused("last page", at(w.end) - PAGE, PAGE);
	refused("margin behind", at(w.end), PAGE);
	refused("across the two regions", at(w.huge) - PAGE, 2 * PAGE);
	refused("page region", at(w.base), w.huge - w.base);
	refused("huge region", at(w.huge), w.end - w.huge);
	refused("the window", at(w.base), w.end - w.base);
}

/* A range that also covers memory of the program's own, on either side. */
static void neighbours(void)
{
	char *below = own_mapping(w.page_vma.start - PAGE, PAGE, 0x5a);
	char *above = own_mapping(w.control_vma.end, PAGE, 0xa5);

	refused("own page and the margin", below, PAGE + PAGE);
	refused("own page and the window", below,
		w.end - w.page_vma.start + PAGE);
	refused("window, control page and own page", at(w.end) - PAGE,
		w.control_vma.end - w.end + 2 * PAGE);
	EXPECT_EQ(find_not(below, 0x5a, PAGE), -1);
	EXPECT_EQ(find_not(above, 0xa5, PAGE), -1);
	munmap(below, PAGE);
	munmap(above, PAGE);
}

/* Others that put a mapping at an address: files, the node itself, shmat. */
static void other_mappers(void)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);

	ASSERT_GE(file, 0);
	EXPECT(is_refusal(SYS(mmap(host, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED,
				   file, 0))));
	/* KFD's event page, mapped through the node as a runtime does it */
	EXPECT_LT(SYS(mmap(host, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, w.fd,
			   2ULL << 62)), 0);
	if (id >= 0) {
		EXPECT_LT(SYS((intptr_t)shmat(id, host, SHM_REMAP)), 0);
		shmctl(id, IPC_RMID, NULL);
	}
	close(file);
}

static void test(void)
{
	char *before;

	w = window_open();
	host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(1));
	pattern_fill(host, MiB(1), 1);
	pattern_fill(huge, HUGE_PAGE, 2);
	pattern_fill(gtt, MiB(1), 3);
	pattern_fill(vram, MiB(1), 4);
	before = maps_text(0, w.page_vma.start, w.control_vma.end);

	pages_and_ranges();
	neighbours();
	other_mappers();

	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_EQ(pattern_differs(host, MiB(1), 1), -1);
	EXPECT_EQ(pattern_differs(huge, HUGE_PAGE, 2), -1);
	EXPECT_EQ(pattern_differs(gtt, MiB(1), 3), -1);
	EXPECT_EQ(pattern_differs(vram, MiB(1), 4), -1);
	EXPECT_DEAD(host + MiB(1));
	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_EQ(svm_free(w.fd, huge), 0);
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT_EQ(svm_free(w.fd, vram), 0);
	EXPECT_WHOLE(&w);
	free(before);
}

int main(void)
{
	return test_main(test);
}
