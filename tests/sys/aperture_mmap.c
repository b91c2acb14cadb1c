// SPDX-License-Identifier: MIT
/*
 * The mmap aperture: every kind of memory is at an address that the kernel's
 * mmap() chose, aligned, between guards on both sides; the GPU finds the
 * CPU's bytes at that address; and what was freed leaves the process as it was.
 */
#include "aperture.h"
#include "pagetable.h"

static int fd;
static struct gpuqueue queue;
static struct pagetable pt;

static enum place place_of(uint32_t kind)
{
	return kind == ROCSVM_KIND_HOST ? PLACE_HOST :
	       kind == ROCSVM_KIND_GTT ? PLACE_GTT : PLACE_VRAM;
}

/* Where mmap() would put something just now. */
static bool near_mmap(uint64_t va)
{
	void *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t here = (uintptr_t)p;

	ASSERT_NE(here, (uintptr_t)MAP_FAILED);
	munmap(p, PAGE);
	return (here > va ? here - va : va - here) < GiB(16);
}

static void check_guards(const struct rocsvm_alloc *args, bool cpu)
{
	char *va = at(args->va), *end = va + args->length;
	struct rocsvm_query query = query_at(fd, va);
	uint64_t guard = args->guard ? args->guard : info_of(fd).guard;

	EXPECT_EQ(query.va, args->va);
	EXPECT_EQ(query.length, args->length);
	EXPECT_GE(query.guard, guard);
	if (cpu) {
		EXPECT_ALIVE(va);
		EXPECT_ALIVE(end - 1);
	} else {
		EXPECT_DEAD(va);
		EXPECT_DEAD(end - 1);
	}
	EXPECT_DEAD(va - 1);
	EXPECT_DEAD(va - guard);
	EXPECT_DEAD(end);
	EXPECT_DEAD(end + guard - 1);
}

/* Nothing else may come to lie where a buffer or its guards are. */
static void check_taken(const struct rocsvm_alloc *args)
{
	uint64_t guard = query_at(fd, at(args->va)).guard;
	uint64_t first = args->va - guard, end = args->va + args->length + guard;

	for (int i = 0; i < 8; i++) {
		uint64_t va = (uintptr_t)mmap(NULL, PAGE, PROT_NONE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		EXPECT(va + PAGE <= first || va >= end);
		/* left there until the end, so that the next one is elsewhere */
	}
	EXPECT_EQ(SYS(mmap(at(first), PAGE, PROT_READ, MAP_PRIVATE |
			   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)), -EEXIST);
	EXPECT_EQ(SYS(mmap(at(end - PAGE), PAGE, PROT_READ, MAP_PRIVATE |
			   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)), -EEXIST);
}

static void check(int i, uint64_t length, uint64_t alignment, uint64_t guard)
{
	struct rocsvm_alloc args = {
		.kind = memory_kinds[i].kind,
		.gpu_id = queue.gpu_id,
		.length = length,
		.alignment = alignment,
		.guard = guard,
	};
	size_t before = maps_count(0);
	struct identity seen;
	struct vma vma;

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	say("%s, 0x%lx bytes aligned to 0x%lx, guard 0x%lx: at 0x%llx",
	    memory_kinds[i].name, length, alignment, guard, args.va);
	EXPECT_GE(args.length, length);
	EXPECT(near_mmap(args.va));
	if (alignment)
		EXPECT_EQ(args.va % alignment, 0);
	else if (length >= HUGE_PAGE)
		EXPECT_EQ(args.va % HUGE_PAGE, 0);
	if (memory_kinds[i].cpu)
		EXPECT_EQ(find_not(at(args.va), 0, args.length), -1);
	check_guards(&args, memory_kinds[i].cpu);
	ASSERT_EQ(svm_map_all(fd, at(args.va)), 0);
	if (memory_kinds[i].cpu)
		EXPECT_EQ(identity_check(&pt, memory_kinds[i].name, at(args.va),
					 args.length, place_of(args.kind), &seen),
			  0);
	else
		EXPECT_EQ(pages_mapped(&pt, at(args.va), args.length),
			  args.length / PAGE);
	/* no GPU reaches the guards */
	EXPECT_EQ(pages_mapped(&pt, at(args.va) - PAGE, PAGE), 0);
	EXPECT_EQ(pages_mapped(&pt, at(args.va) + args.length, PAGE), 0);
	EXPECT_EQ(svm_free(fd, at(args.va)), 0);
	EXPECT_DEAD(args.va);
	EXPECT(!maps_find(at(args.va), &vma));
	EXPECT(!maps_find(at(args.va) - PAGE, &vma));
	EXPECT(!maps_find(at(args.va) + args.length, &vma));
	EXPECT_EQ(maps_count(0), before);
	EXPECT_EQ(pages_mapped(&pt, at(args.va), args.length), 0);
}

/* The same pointers for CPU and GPU, from one kind to the next. */
static void copies(uint64_t length)
{
	char *va[ARRAY_SIZE(memory_kinds)];
	static const int order[] = { 0, 2, 3, 1, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		va[i] = svm_alloc(fd, memory_kinds[i].kind, length);
		ASSERT_EQ(svm_map_all(fd, va[i]), 0);
	}
	pattern_fill(va[0], length, 77);
	for (size_t i = 1; i < ARRAY_SIZE(order); i++) {
		EXPECT_EQ(gpuqueue_copy(&queue, va[order[i]], va[order[i - 1]],
					length), 0);
		memset(va[0], 0, length);
	}
	EXPECT_EQ(gpuqueue_copy(&queue, va[0], va[1], length), 0);
	EXPECT_EQ(pattern_differs(va[0], length, 77), -1);
	EXPECT_EQ(pattern_differs(va[2], length, 77), -1);
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
}

static void huge_pages(void)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST, .length = 3 * HUGE_PAGE + 1,
	};
	struct identity seen;
	char *va;

	file_write("/proc/sys/vm/compact_memory", "1");
	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	va = at(args.va);
	EXPECT_EQ(args.va % HUGE_PAGE, 0);
	EXPECT_EQ(args.length, 4 * HUGE_PAGE);
	EXPECT_EQ(find_not(va, 0, args.length), -1);
	EXPECT_EQ(smaps_kb(va, "ShmemPmdMapped"), 4 * 2048);
	check_guards(&args, true);
	ASSERT_EQ(svm_map_all(fd, va), 0);
	EXPECT_EQ(identity_check(&pt, "huge host buffer", va, args.length,
				 PLACE_HOST, &seen), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
}

static void test(void)
{
	static const uint64_t lengths[] = {
		PAGE, 3 * PAGE, KiB(64), MiB(1) + PAGE, HUGE_PAGE,
	};
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST, .length = KiB(64),
	};
	char *idle;
	void *va;

	fd = aperture_mmap_start();
	EXPECT_EQ(info_of(fd).coherent_limit, 0);
	EXPECT_EQ(info_of(fd).space_flags & ROCSVM_SPACE_FALLBACK, 0);
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	copies(PAGE);
	idle = maps_text(0, 0, UINT64_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(lengths); k++)
			check(i, lengths[k], 0, 0);
		check(i, PAGE, MiB(16), 0);
		check(i, 3 * PAGE, PAGE, KiB(64));
		check(i, KiB(64), GiB(1), MiB(32));
	}
	/* More than there is. */
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_ADDRESS, TiB(127), &va),
		  -ENOMEM);
	copies(KiB(64));
	copies(HUGE_PAGE);
	huge_pages();
	EXPECT(maps_same(0, 0, UINT64_MAX, idle));

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	check_taken(&args);
	EXPECT_EQ(svm_free(fd, at(args.va)), 0);
	free(idle);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	close(fd);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(maps_named(0, "renderD"), 0);
}

int main(void)
{
	return test_main(test);
}
