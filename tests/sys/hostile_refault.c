// SPDX-License-Identifier: MIT
/*
 * Pages of a host buffer that the GPU has are swapped out, and can't be brought
 * back because the memory cgroup is at its limit: the GPU waits. It never gets
 * at what used to be the buffer's pages, and goes on once there is memory.
 *
 * KFD takes a fault that fails for success, and would map the pages that it had
 * last.
 */
#include <sys/stat.h>

#include "pagetable.h"
#include "window.h"

#define CGROUP "/sys/fs/cgroup/rocsvm-refault"
#define LENGTH MiB(1)

/* Shared by the one who sets the limit and the one who feels it. */
static struct stage {
	volatile bool ready, limited, seen;
} *stage;

static void remove_cgroup(void)
{
	rmdir(CGROUP);
}

/* A number behind a word in memory.events. */
static long event(const char *name)
{
	char text[512], *found;

	ASSERT_GT(file_read(CGROUP "/memory.events", text, sizeof(text)), 0);
	found = strstr(text, name);
	ASSERT(found);
	return atol(found + strlen(name));
}

/* All of the program itself, so that nothing but the buffer can be missing. */
static void lock_program(void)
{
	static struct vma v[128];
	size_t n = maps_read(0, 0, UINT64_MAX, v, ARRAY_SIZE(v));

	ASSERT_LE(n, ARRAY_SIZE(v));
	for (size_t i = 0; i < n; i++)
		if (!strstr(v[i].name, "rocsvm") && !strstr(v[i].name, "/dev/"))
			mlock(at(v[i].start), v[i].end - v[i].start);
}

/* Pages that the GPU has, by its tables, and the CPU has not. */
static size_t count_stale(struct pagetable *pt, int vmid, char *p)
{
	struct gpu_pte pte;
	size_t stale = 0;

	for (size_t i = 0; i < LENGTH / PAGE; i++)
		stale += pagetable_walk(pt, vmid, (uintptr_t)p + i * PAGE,
					&pte) &&
			 cpu_physical(pt, p + i * PAGE) != pte.address;
	return stale;
}

static void limited(void *unused)
{
	struct gpuqueue queue;
	struct identity seen;
	struct pagetable pt;
	struct window w;
	char *p, *copy;
	size_t stale;
	int vmid, r;

	(void)unused;
	ASSERT_EQ(file_write("/proc/self/oom_score_adj", "-1000"), 0);
	ASSERT_EQ(file_write(CGROUP "/cgroup.procs", "0"), 0);
	w = window_open();
	gpuqueue_open(&queue, w.fd, w.gpu);
	pagetable_open(&pt, &queue);
	p = svm_alloc(w.fd, ROCSVM_KIND_HOST, LENGTH);
	copy = svm_alloc(w.fd, ROCSVM_KIND_GTT, LENGTH);
	pattern_fill(p, LENGTH, 5);
	memset(copy, 0, LENGTH);
	ASSERT_EQ(svm_map_all(w.fd, p), 0);
	ASSERT_EQ(svm_map_all(w.fd, copy), 0);
	EXPECT_EQ(gpuqueue_copy(&queue, copy, p, PAGE), 0);
	vmid = pagetable_vmid(&pt);
	EXPECT_EQ(count_stale(&pt, vmid, p), 0);
	lock_program();
	/* More than the limit will be: not one page can come in. */
	ASSERT(mmap(NULL, MiB(4), PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_LOCKED, -1, 0) != MAP_FAILED);

	stage->ready = true;
	while (!stage->limited)
		usleep(1000);
	r = gpuqueue_copy_within(&queue, copy, p, LENGTH, 1000);
	stale = count_stale(&pt, vmid, p);
	stage->seen = true;
	while (stage->limited)
		usleep(1000);
	say("at the limit: copy %d, %zu pages that were the buffer's", r, stale);
	EXPECT_GT(stale, 0);
	EXPECT_EQ(r, -ETIMEDOUT);

	EXPECT_EQ(gpuqueue_copy(&queue, copy, p, LENGTH), 0);
	EXPECT_EQ(pattern_differs(copy, LENGTH, 5), -1);
	EXPECT_EQ(pattern_differs(p, LENGTH, 5), -1);
	EXPECT_EQ(identity_check(&pt, "after it", p, LENGTH, PLACE_HOST, &seen),
		  0);
	EXPECT_EQ(svm_free(w.fd, p), 0);
	EXPECT_EQ(svm_free(w.fd, copy), 0);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	close(w.fd);
}

static void test(void)
{
	pid_t pid;

	if (!swap_on())
		test_skip("no swap");
	stage = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(stage != MAP_FAILED);
	at_end(remove_cgroup);
	ASSERT_EQ(SYS(mkdir(CGROUP, 0755)), 0);
	pid = child_start(limited, NULL);
	ASSERT(EVENTUALLY(stage->ready, 60000));
	ASSERT_EQ(file_write(CGROUP "/memory.max", "1M"), 0);
	/* A charge has failed, nobody can be killed. */
	EXPECT(EVENTUALLY(event("oom ") > 0, 20000));
	stage->limited = true;
	ASSERT(EVENTUALLY(stage->seen, 60000));
	ASSERT_EQ(file_write(CGROUP "/memory.max", "max"), 0);
	stage->limited = false;
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
