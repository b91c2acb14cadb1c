// SPDX-License-Identifier: MIT
/*
 * How are large host buffers put together? Page faults of ALLOC and of the CPU's
 * first touch, and the entries of the GPU's page tables that MAP writes, for 2 MiB;
 * then ALLOC and MAP of 256 MiB. libhsakmt allocates, with huge pages where the kernel
 * has them for all; and it registers memory of the program's, with and without
 * them, which the program has touched before: that is counted, too.
 *
 * usage: touch
 */
#include "bench.h"

#include <sys/resource.h>

#include <hsakmt.h>

#define LARGE	MiB(256)
#define REPEATS	3

#define UPDATE_PTES "/sys/kernel/tracing/events/amdgpu/amdgpu_vm_update_ptes/enable"
#define TRACE "/sys/kernel/tracing/trace"

struct job {
	const struct peer *peer;
	unsigned int mark;	/* for ALLOC and MAP of 256 MiB */
};

static unsigned long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* What amdgpu says that it has written since the last call. */
static unsigned long entries_written(void)
{
	FILE *f = fopen(TRACE, "re");
	unsigned long entries = 0;
	char line[512];

	ASSERT(f);
	while (fgets(line, sizeof(line), f)) {
		const char *range = strstr(line, "start:");
		unsigned long start, end, flags, span;

		if (range && sscanf(range, "start:%lx end:%lx, flags:%lx, incr:%lu", &start, &end,
				    &flags, &span) == 4)
			entries += (end - start) * PAGE / span;
	}
	fclose(f);
	/* To open it so empties it. */
	f = fopen(TRACE, "we");
	ASSERT(f);
	fclose(f);
	return entries;
}

static void touch(char *va, uint64_t length)
{
	for (uint64_t i = 0; i < length; i += PAGE)
		((volatile char *)va)[i] = 1;
}

/* ---- libhsakmt, with anonymous memory ------------------------------------ */

static int own_alloc(struct buffer *buf, int advice)
{
	char *p = mmap(NULL, buf->length + HUGE_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	buf->va = (char *)(((uintptr_t)p + HUGE_PAGE - 1) & -HUGE_PAGE);
	ASSERT_EQ(madvise(buf->va, buf->length, advice), 0);
	touch(buf->va, buf->length);
	return -(int)hsaKmtRegisterMemory(buf->va, buf->length);
}

static int own_alloc_huge(struct buffer *buf)
{
	return own_alloc(buf, MADV_HUGEPAGE);
}

static int own_alloc_small(struct buffer *buf)
{
	return own_alloc(buf, MADV_NOHUGEPAGE);
}

static int own_free(struct buffer *buf)
{
	int err = -(int)hsaKmtDeregisterMemory(buf->va);

	munmap(buf->va, buf->length);
	return err;
}

/* ---- measuring ------------------------------------------------------------ */

static void measure_faults(const struct peer *peer)
{
	struct buffer buf = { .kind = HOST, .length = HUGE_PAGE };
	unsigned long before;

	/* The first one brings page tables. */
	ASSERT_EQ(peer->alloc(&buf), 0);
	before = faults();
	buf = (struct buffer){ .kind = HOST, .length = HUGE_PAGE };
	ASSERT_EQ(peer->alloc(&buf), 0);
	record_one("touch", "2 MiB", peer->name, "faults: alloc", faults() - before);
	ASSERT_EQ(file_write(UPDATE_PTES, "1"), 0);
	entries_written();
	before = faults();
	ASSERT_EQ(peer->map(&buf), 0);
	record_one("touch", "2 MiB", peer->name, "map", faults() - before);
	record_one("touch", "2 MiB", peer->name, "GPU entries", entries_written());
	ASSERT_EQ(file_write(UPDATE_PTES, "0"), 0);
	before = faults();
	touch(buf.va, buf.length);
	record_one("touch", "2 MiB", peer->name, "first touch", faults() - before);
	ASSERT_EQ(peer->unmap(&buf), 0);
	ASSERT_EQ(peer->free(&buf), 0);
}

static void measure_large(const struct job *job)
{
	const struct peer *peer = job->peer;
	uint64_t alloc[REPEATS], map[REPEATS], sum[REPEATS], give_back[REPEATS];

	for (int i = 0; i < REPEATS; i++) {
		struct buffer buf = { .kind = HOST, .length = LARGE };
		uint64_t t[4];

		mark(job->mark);
		t[0] = ticks();
		ASSERT_EQ(peer->alloc(&buf), 0);
		t[1] = ticks();
		ASSERT_EQ(peer->map(&buf), 0);
		t[2] = ticks();
		mark(0);
		ASSERT_EQ(peer->unmap(&buf), 0);
		ASSERT_EQ(peer->free(&buf), 0);
		t[3] = ticks();
		alloc[i] = t[1] - t[0];
		map[i] = t[2] - t[1];
		sum[i] = t[2] - t[0];
		give_back[i] = t[3] - t[2];
	}
	record("touch", "256 MiB", peer->name, "alloc", alloc, REPEATS);
	record("touch", "256 MiB", peer->name, "map", map, REPEATS);
	record("touch", "256 MiB", peer->name, "alloc + map", sum, REPEATS);
	record("touch", "256 MiB", peer->name, "unmap + free", give_back, REPEATS);
}

static void measure(void *arg)
{
	const struct job *job = arg;

	printf("# %s\n", job->peer->name);
	job->peer->start();
	measure_faults(job->peer);
	measure_large(job);
}

int main(void)
{
	const struct peer *hsakmt = &peers[LIBHSAKMT];
	struct peer huge = *hsakmt, small = *hsakmt;
	/* The one that rocsvm is compared with has KFD's mark. */
	struct job jobs[] = {
		{ &peers[KFD], KFD_CALLS + 1 },
		{ hsakmt, LIBHSAKMT + 1 },
		{ &peers[LIBHSAKMT_RESERVED], LIBHSAKMT_RESERVED + 1 },
		{ &small, ROCSVM + 1 },
		{ &huge, KFD + 1 },
		{ &peers[ROCSVM], ROCSVM_AT_ONCE + 1 },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	small.name = "libhsakmt, own, 4 KiB";
	small.alloc = own_alloc_small;
	small.free = own_free;
	huge.name = "libhsakmt, own, THP";
	huge.alloc = own_alloc_huge;
	huge.free = own_free;
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		EXPECT_EQ(run_child(measure, &jobs[i]), 0);
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
