// SPDX-License-Identifier: MIT
/*
 * A program changes what KFD tells of its GPUs while it opens the device: more of
 * them than there are, two with the same aperture, which is not canonical, and one
 * of these a GPU that it can acquire. An address is one GPU's, so the second has
 * no room; and what is allocated there is found again when it goes.
 */
#include "toctou.h"

#include <sys/uio.h>

/* KFD's arrays are here in the control page. */
#define ARRAYS	256

#define CANONICAL_END	(1ull << 47)
#define TRIES		400

enum { CANONICAL, FIRST, SECOND, GPUS };

struct forger {
	char *control;		/* where the control page is going to be */
	struct kfd_process_device_apertures gpus[GPUS];
	struct flipper flipper;
};

static uint32_t real_gpu;

static void forge(void *arg, uint32_t random)
{
	struct forger *f = arg;
	uint32_t num = GPUS;
	struct iovec from[] = {
		{ &num, sizeof(num) }, { f->gpus, sizeof(f->gpus) },
	};
	struct iovec to[] = {
		{ f->control + offsetof(struct kfd_ioctl_get_process_apertures_new_args,
					num_of_nodes), sizeof(num) },
		{ f->control + ARRAYS, sizeof(f->gpus) },
	};

	(void)random;
	process_vm_writev(getpid(), from, 2, to, 2, 0);
}

/* Where mmap() puts a page the next time. */
static char *next_page(void)
{
	char *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT(p != MAP_FAILED);
	ASSERT_EQ(munmap(p, PAGE), 0);
	return p;
}

/* Watch where the control page is going to be. */
static void forger_start(struct forger *f)
{
	const size_t offset = offsetof(struct kfd_ioctl_get_process_apertures_new_args,
				       num_of_nodes);

	/* The first flipper's mappings are where the second one's will be. */
	flipper_start(&f->flipper, forge, f, 4711, next_page() + offset, 4);
	f->control = next_page();
	flipper_stop(&f->flipper);
	flipper_start(&f->flipper, forge, f, 4711, f->control + offset, 4);
	if (next_page() == f->control)
		return;
	flipper_stop(&f->flipper);
	say("the control page is going to be at %p, not at %p", next_page(), f->control);
	test_die();
}

static bool is_forged(int fd)
{
	struct rocsvm_gpu_info gpu;
	struct rocsvm_info info;

	return !svm_info(fd, &info) && info.num_gpus == GPUS &&
	       !svm_gpu_info(fd, FIRST, &gpu) && gpu.gpuvm_base == CANONICAL_END &&
	       !svm_gpu_info(fd, SECOND, &gpu) && gpu.gpuvm_base == CANONICAL_END &&
	       gpu.gpu_id == real_gpu;
}

/* Open until the module believes it. */
static int open_forged(struct forger *f)
{
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = FLIPPED(&f->flipper, svm_open());
		if (fd >= 0 && is_forged(fd)) {
			say("the module believes it at the %d. open", i + 1);
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
					.gpuvm_limit = CANONICAL_END - 1 },
			[FIRST] = { .gpu_id = 2, .gpuvm_base = CANONICAL_END,
				    .gpuvm_limit = 2 * CANONICAL_END },
			[SECOND] = { .gpu_id = real_gpu, .gpuvm_base = CANONICAL_END,
				     .gpuvm_limit = 2 * CANONICAL_END },
		},
	};
	int drm = render_open(real_gpu), fd;

	(void)unused;
	ASSERT_GE(drm, 0);
	forger_start(&f);
	fd = open_forged(&f);
	flipper_stop(&f.flipper);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_acquire(fd, real_gpu, drm), 0);
	for (int i = 0; i < 3; i++) {
		struct rocsvm_alloc args = {
			.size = sizeof(args), .kind = ROCSVM_KIND_GTT,
			.gpu_id = real_gpu, .length = PAGE,
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
