// SPDX-License-Identifier: MIT
/*
 * Alignment and rounding: the power of two at or above the length, 2 MiB at
 * most, or what the caller asks for; the length in whole pages, or 2 MiB.
 */
#include "harness.h"

static int fd;

static void check(uint32_t kind, uint64_t length, uint64_t alignment,
		  uint64_t wanted_alignment)
{
	uint64_t unit = kind == ROCSVM_KIND_HOST && length >= MiB(2) ? MiB(2) :
								       PAGE;
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = svm_gpu(fd, 0),
		.length = length,
		.alignment = alignment,
	};
	char *va;

	/* something small before it, so that alignment does not come for free */
	svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	say("kind %u, %lu bytes, alignment %lx: %llx, %llu bytes", kind, length,
	    alignment, args.va, args.length);
	EXPECT_EQ(args.va % wanted_alignment, 0);
	EXPECT_EQ(args.length, (length + unit - 1) / unit * unit);
	if (kind == ROCSVM_KIND_PRIVATE_VRAM)
		return;
	va = (char *)(uintptr_t)args.va;
	EXPECT_EQ(probe_write(va), 0);
	EXPECT_EQ(probe_write(va + args.length - 1), 0);
}

static void test(void)
{
	fd = svm_start();
	for (uint32_t kind = 1; kind <= 4; kind++) {
		check(kind, 1, 0, PAGE);
		check(kind, PAGE, 0, PAGE);
		check(kind, PAGE + 1, 0, 2 * PAGE);
		check(kind, KiB(60), 0, KiB(64));
		check(kind, MiB(1), 0, MiB(1));
		check(kind, MiB(1) + 1, 0, MiB(2));
		check(kind, MiB(3), 0, MiB(2));
		check(kind, PAGE, KiB(64), KiB(64));
		check(kind, PAGE, MiB(32), MiB(32));
		check(kind, PAGE, GiB(1), GiB(1));
		check(kind, KiB(64), PAGE, PAGE);
	}
	close(fd);
}

int main(void)
{
	return test_main(test);
}
