// SPDX-License-Identifier: MIT
/*
 * A program changes what ALLOC of the MMIO-remap page tells KFD, and what KFD
 * answers, so that the page would be "reserved memory" of KFD's own, which must
 * not be mapped a second time. What is mapped is registers, or nothing.
 */
#include "toctou.h"

#define MMAP_TYPE_RESERVED_MEM	(1ull << 62)
#define MMAP_GPU_ID(gpu)	((uint64_t)(uint16_t)(gpu) << 46)

/* KFD's "reserved memory" has two pages, the registers one. */
#define LENGTH	(2 * PAGE)

static struct window w;

static void flip(void *arg, uint32_t random)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args *args = arg;

	(void)random;
	args->size = PAGE;
	args->mmap_offset = MMAP_TYPE_RESERVED_MEM | MMAP_GPU_ID(w.gpu);
}

static int alloc(uint64_t length, void **va)
{
	struct rocsvm_alloc args = {
		.size = sizeof(args), .kind = ROCSVM_KIND_MMIO_REMAP,
		.gpu_id = w.gpu, .length = length,
	};
	int err = svm_alloc_args(w.fd, &args);

	*va = at(args.va);
	return err;
}

static void attacker(void *unused)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args *args;
	unsigned long calls = scaled(200, 50);
	struct flipper f;
	void *va;

	(void)unused;
	w = window_open();
	args = (void *)at(w.control_vma.start);
	flipper_start(&f, flip, args, 4711, &args->mmap_offset, 8);
	for (unsigned long i = 0; i < calls; i++)
		EXPECT_LT(FLIPPED(&f, alloc(LENGTH, &va)), 0);
	flipper_stop(&f);
	say("%lu calls, %lu of them flipped in, %lu flips", calls, f.hit, f.flips);
	EXPECT_GT(f.hit, 0);
	/* and what is right is let through */
	EXPECT_EQ(alloc(PAGE, &va), 0);
	EXPECT_EQ(svm_free(w.fd, va), 0);
	EXPECT_EQ(close(w.fd), 0);
}

static void attack(void)
{
	toctou_attacker("MMIO remap", attacker, NULL);
}

static void test(void)
{
	at_end(toctou_settings_back);
	toctou_settings();
	toctou_beside(attack);
}

int main(void)
{
	return window_main(test);
}
