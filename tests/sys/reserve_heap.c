// SPDX-License-Identifier: MIT
/*
 * The window keeps a distance from where the heap may grow, wherever the heap
 * is: in the window's usual place, and above everything else that is mapped.
 */
#include "harness.h"
#include "window.h"

#include <sys/prctl.h>

/* As the module's. */
#define HEAP_DISTANCE GiB(16)

static void move_heap(uint64_t to)
{
	/* Its end is never before its begin, whichever way it goes. */
	SYS(prctl(PR_SET_MM, PR_SET_MM_BRK, to, 0, 0));
	ASSERT_EQ(SYS(prctl(PR_SET_MM, PR_SET_MM_START_BRK, to, 0, 0)), 0);
	ASSERT_EQ(SYS(prctl(PR_SET_MM, PR_SET_MM_BRK, to, 0, 0)), 0);
}

static void with_heap_at(void *arg)
{
	uint64_t heap = *(uint64_t *)arg;
	struct window w;

	move_heap(heap);
	w = window_open();
	say("heap at %#" PRIx64 ", window %#" PRIx64 "..%#" PRIx64, heap, w.base,
	    w.end);
	EXPECT(w.end <= heap || w.base >= heap + HEAP_DISTANCE);
	EXPECT_ALIVE(svm_alloc(w.fd, ROCSVM_KIND_HOST, PAGE));
	EXPECT_WHOLE(&w);
	close(w.fd);
}

static void test(void)
{
	struct window w = window_open();
	struct vma last = { 0 }, v[256];
	size_t n = maps_read(0, 0, UINT64_MAX, v, ARRAY_SIZE(v));
	uint64_t heap;

	close(w.fd);
	/* Where the window has been: it has to give way. */
	heap = w.base + GiB(1);
	EXPECT_EQ(run_child(with_heap_at, &heap), 0);

	ASSERT_LE(n, ARRAY_SIZE(v));
	for (size_t i = 0; i < n; i++)
		if (v[i].end > last.end && v[i].end < 1ull << 47)
			last = v[i];
	heap = last.end + PAGE;
	if (heap >= (1ull << 47) - PAGE)
		test_skip("the stack is at the very top");
	EXPECT_EQ(run_child(with_heap_at, &heap), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
