// SPDX-License-Identifier: MIT
/*
 * A program changes what KFD tells of its GPUs while it opens the device: more of
 * them than there are, two with the same aperture, which is not canonical, and one
 * of these a GPU that it can acquire. An address is one GPU's, so the second has
 * no room; and what is allocated there is found again when it goes.
 */
#include "openlie.h"

#define APART	(1ull << 47)

enum { CANONICAL, FIRST, SECOND, GPUS };

struct forger {
	char *page;
	struct kfd_process_device_apertures gpus[GPUS];
	struct flipper flipper;
};

static uint32_t real_gpu;

static char *num_of_nodes(const struct forger *f)
{
	return f->page + offsetof(struct kfd_ioctl_get_process_apertures_new_args,
				  num_of_nodes);
}

static void forge(void *arg, uint32_t random)
{
	struct forger *f = arg;
	uint32_t num = GPUS;
	struct iovec from[] = { { &num, 4 }, { f->gpus, sizeof(f->gpus) } };
	struct iovec to[] = {
		{ num_of_nodes(f), 4 }, { f->page + ARRAYS, sizeof(f->gpus) },
	};

	(void)random;
	process_vm_writev(getpid(), from, 2, to, 2, 0);
}

static bool is_forged(int fd)
{
	struct rocsvm_gpu_info gpu;

	return info_of(fd).num_gpus == GPUS &&
	       !svm_gpu_info(fd, FIRST, &gpu) && gpu.gpuvm_base == APART &&
	       !svm_gpu_info(fd, SECOND, &gpu) && gpu.gpuvm_base == APART &&
	       gpu.gpu_id == real_gpu;
}

/* Open until the module believes it. */
static int open_forged(struct forger *f)
{
	for (int i = 0; i < 1000; i++) {
		int fd = FLIPPED(&f->flipper, svm_open());

		if (fd >= 0 && is_forged(fd)) {
			say("the module believes it at open number %d", i + 1);
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static void attacker(void *unused)
{
	struct forger f = {
		.gpus = {
			[CANONICAL] = { .gpu_id = 1, .gpuvm_base = MiB(1),
					.gpuvm_limit = APART - 1 },
			[FIRST] = { .gpu_id = 2, .gpuvm_base = APART,
				    .gpuvm_limit = 2 * APART },
			[SECOND] = { .gpu_id = real_gpu, .gpuvm_base = APART,
				     .gpuvm_limit = 2 * APART },
		},
	};
	int drm = render_open(real_gpu), fd;

	(void)unused;
	ASSERT_GE(drm, 0);
	f.page = openlie_hole();
	flipper_start(&f.flipper, forge, &f, 4711, num_of_nodes(&f), 4);
	fd = open_forged(&f);
	flipper_stop(&f.flipper);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_acquire(fd, real_gpu, drm), 0);
	for (int i = 0; i < 3; i++) {
		struct rocsvm_alloc args = {
			.kind = ROCSVM_KIND_GTT, .gpu_id = real_gpu, .length = PAGE,
		};

		EXPECT_EQ(svm_alloc_args(fd, &args), -ENOMEM);
	}
	EXPECT_EQ(close(fd), 0);
	close(drm);
}

static void test(void)
{
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	real_gpu = svm_gpu(fd, 0);
	close(fd);
	at_end(toctou_settings_back);
	toctou_settings();
	EXPECT_EQ(run_child_bounded(attacker, NULL, 120), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
