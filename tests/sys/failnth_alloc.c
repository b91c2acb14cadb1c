// SPDX-License-Identifier: MIT
/*
 * ALLOC of each kind, in both apertures, that runs out of memory leaves nothing
 * behind.
 */
#include "aperture.h"
#include "failnth.h"

struct allocation {
	int fd;
	uint32_t kind, gpu;
	uint64_t length;
	void *p;
};

static int call(void *arg)
{
	struct allocation *a = arg;
	struct rocsvm_alloc args = {
		.kind = a->kind, .length = a->length, .gpu_id = a->gpu,
	};
	int r = svm_alloc_args(a->fd, &args);

	a->p = (void *)(uintptr_t)args.va;
	return r;
}

static void after(void *arg, int result)
{
	struct allocation *a = arg;
	int r;

	if (result) {
		/* It can be had the next time. */
		r = call(a);
		EXPECT_EQ(r, 0);
		if (r)
			return;
	}
	if (a->kind <= ROCSVM_KIND_VRAM)
		EXPECT_EQ(find_not(a->p, 0, PAGE), -1);
	EXPECT_EQ(svm_free(a->fd, a->p), 0);
}

static const struct {
	const char *name;
	uint32_t kind;
	uint64_t length;
	bool pages;
	bool once;	/* in one aperture: another kind goes the same way */
} kinds[] = {
	{ "host", ROCSVM_KIND_HOST, 2 * PAGE, false, false },
	{ "host, pages too", ROCSVM_KIND_HOST, 2 * PAGE, true, false },
	{ "host, huge", ROCSVM_KIND_HOST, HUGE_PAGE, false, true },
	{ "GTT", ROCSVM_KIND_GTT, 2 * PAGE, false, false },
	{ "VRAM", ROCSVM_KIND_VRAM, 2 * PAGE, false, true },
	{ "private VRAM", ROCSVM_KIND_PRIVATE_VRAM, 2 * PAGE, false, false },
	{ "doorbell", ROCSVM_KIND_DOORBELL, 2 * PAGE, false, true },
	{ "MMIO remap", ROCSVM_KIND_MMIO_REMAP, PAGE, false, true },
	{ "addresses", ROCSVM_KIND_ADDRESS, KiB(64), false, false },
	{ "scratch", ROCSVM_KIND_SCRATCH, KiB(64), false, true },
};

static void test(void)
{
	struct allocation a = { .fd = svm_start() };
	struct failnth_case c = {
		.call = call, .after = after, .fd = &a.fd,
	};

	a.gpu = svm_gpu(a.fd, 0);
	for (int aperture = 0; aperture < 2; aperture++) {
		if (aperture)
			ASSERT_EQ(aperture_choose_mmap(a.fd), 0);
		say("%s aperture:", aperture ? "mmap" : "reserved");
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (aperture && kinds[i].once)
				continue;
			a.kind = kinds[i].kind;
			a.length = kinds[i].length;
			c.name = kinds[i].name;
			c.pages = kinds[i].pages;
			/* KFD's word for a page of a GPU's that can't be pinned. */
			c.also = a.kind == ROCSVM_KIND_DOORBELL ||
				 a.kind == ROCSVM_KIND_MMIO_REMAP ? -EINVAL : 0;
			failnth_sweep(&c, &a);
		}
	}
	close(a.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
