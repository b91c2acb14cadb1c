// SPDX-License-Identifier: MIT
/*
 * Behind a buffer lies a guard: touching it is SIGSEGV with SEGV_MAPERR, for
 * every kind, of the asked size, and no other buffer is placed there.
 */
#include "harness.h"

static int fd;

static void check(uint32_t kind, uint64_t length, uint64_t guard)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = svm_gpu(fd, 0),
		.length = length,
		.guard = guard,
	};
	bool huge = kind == ROCSVM_KIND_HOST && length >= MiB(2);
	uint64_t least = guard ? guard : huge ? MiB(2) : PAGE;
	struct rocsvm_query query = { 0 };
	char *va, *behind;

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	va = (char *)(uintptr_t)args.va;
	behind = va + args.length;
	query.va = args.va;
	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_GE(query.guard, least);
	if (!huge)
		EXPECT_EQ(query.guard, least);
	if (kind != ROCSVM_KIND_PRIVATE_VRAM) {
		EXPECT_EQ(probe_write(va), 0);
		EXPECT_EQ(probe_write(behind - 1), 0);
	}
	EXPECT_EQ(probe_read(behind), PROBE_MAPERR);
	EXPECT_EQ(probe_write(behind), PROBE_MAPERR);
	EXPECT_EQ(probe_write(behind + least - 1), PROBE_MAPERR);

	/* neighbours do not come into it */
	for (int i = 0; i < 4; i++) {
		struct rocsvm_alloc next = { .kind = kind, .gpu_id = args.gpu_id,
					     .length = PAGE };

		ASSERT_EQ(svm_alloc_args(fd, &next), 0);
		EXPECT(next.va >= args.va + args.length + least ||
		       next.va + next.length <= args.va);
	}
	EXPECT_EQ(probe_write(behind), PROBE_MAPERR);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(probe_read(va), PROBE_MAPERR);
	EXPECT_EQ(probe_write(va), PROBE_MAPERR);
	say("kind %u, %lu bytes at %p, guard %llu", kind, length, va, query.guard);
}

static void test(void)
{
	fd = svm_start();
	for (uint32_t kind = 1; kind <= 4; kind++) {
		check(kind, PAGE, 0);
		check(kind, KiB(60), 0);
		check(kind, KiB(64), KiB(64));
		check(kind, PAGE, MiB(16));
		check(kind, MiB(2), 0);
	}
	check(ROCSVM_KIND_HOST, MiB(2), MiB(8));
	close(fd);
}

int main(void)
{
	return test_main(test);
}
