// SPDX-License-Identifier: MIT
/*
 * Two GPUs: the window lies inside both apertures, and one address means the
 * same bytes to the CPU and to both of them.
 */
#include "pagetable.h"

#define GPUS 2
#define LENGTH KiB(256)

static int fd;
static uint32_t gpu_id[GPUS];
static struct gpuqueue queue[GPUS];
static struct pagetable pt[GPUS];

static void check_apertures(void)
{
	struct rocsvm_gpu_info gpu;
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_EQ(info.num_gpus, GPUS);
	EXPECT_EQ(info.num_acquired, GPUS);
	for (int i = 0; i < GPUS; i++) {
		ASSERT_EQ(svm_gpu_info(fd, i, &gpu), 0);
		gpu_id[i] = gpu.gpu_id;
		EXPECT_GE(info.window_base, gpu.gpuvm_base);
		EXPECT_LE(info.window_limit, gpu.gpuvm_limit);
	}
	EXPECT_NE(gpu_id[0], gpu_id[1]);
}

/* Mapped to both, walked on both, and QUERY knows it. */
static void check_shared(uint32_t kind, enum place place)
{
	char *buffer = svm_alloc(fd, kind, LENGTH);
	uint32_t ids[GPUS] = { 0 };
	struct rocsvm_query query = {
		.va = (uintptr_t)buffer,
		.gpu_ids = (uintptr_t)ids,
		.num_gpus = GPUS,
	};
	struct identity seen;

	ASSERT_EQ(svm_map_all(fd, buffer), 0);
	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.num_gpus, GPUS);
	EXPECT(ids[0] != ids[1]);
	for (int i = 0; i < GPUS; i++) {
		EXPECT(ids[i] == gpu_id[0] || ids[i] == gpu_id[1]);
		EXPECT_EQ(identity_check(&pt[i], "on one of two", buffer, LENGTH,
					 place, &seen), 0);
	}
	/* taken from one, it stays with the other */
	EXPECT_EQ(svm_unmap(fd, buffer, &gpu_id[0], 1), 0);
	EXPECT_EQ(pages_mapped(&pt[0], buffer, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&pt[1], buffer, LENGTH), LENGTH / PAGE);
	EXPECT_EQ(svm_unmap(fd, buffer, gpu_id, GPUS), -EINVAL);
	EXPECT_EQ(pages_mapped(&pt[1], buffer, LENGTH), LENGTH / PAGE);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(pages_mapped(&pt[1], buffer, LENGTH), 0);
}

static void *vram_of(int gpu)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_VRAM,
		.gpu_id = gpu_id[gpu],
		.length = LENGTH,
		.gpu_ids = (uintptr_t)&gpu_id[gpu],
		.num_gpus = 1,
	};
	struct identity seen;

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	EXPECT_EQ(identity_check(&pt[gpu], "VRAM of one of two",
				 (void *)(uintptr_t)args.va, LENGTH, PLACE_VRAM,
				 &seen), 0);
	EXPECT_EQ(pages_mapped(&pt[!gpu], (void *)(uintptr_t)args.va, LENGTH), 0);
	return (void *)(uintptr_t)args.va;
}

/* host -> VRAM of GPU 0 -> host' -> VRAM of GPU 1 -> host, by its own engine. */
static void check_copies(void)
{
	char *from = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	char *to = svm_alloc(fd, ROCSVM_KIND_GTT, LENGTH);
	char *vram[GPUS] = { vram_of(0), vram_of(1) };

	ASSERT_EQ(svm_map_all(fd, from), 0);
	ASSERT_EQ(svm_map_all(fd, to), 0);
	pattern_fill(from, LENGTH, 5);
	EXPECT_EQ(gpuqueue_copy(&queue[0], vram[0], from, LENGTH), 0);
	EXPECT_EQ(gpuqueue_copy(&queue[0], to, vram[0], LENGTH), 0);
	memset(from, 0, LENGTH);
	EXPECT_EQ(gpuqueue_copy(&queue[1], vram[1], to, LENGTH), 0);
	EXPECT_EQ(gpuqueue_copy(&queue[1], from, vram[1], LENGTH), 0);
	EXPECT_EQ(pattern_differs(from, LENGTH, 5), -1);
	EXPECT_EQ(svm_free(fd, from), 0);
	EXPECT_EQ(svm_free(fd, to), 0);
	EXPECT_EQ(svm_free(fd, vram[0]), 0);
	EXPECT_EQ(svm_free(fd, vram[1]), 0);
}

/* A render file is one GPU's VM. */
static void check_acquire(void *arg)
{
	int own = svm_open(), drm;

	(void)arg;
	ASSERT_GE(own, 0);
	drm = render_open(svm_gpu(own, 1));
	ASSERT_GE(drm, 0);
	EXPECT_EQ(svm_acquire(own, svm_gpu(own, 1), drm), 0);
	EXPECT_EQ(svm_acquire(own, svm_gpu(own, 0), drm), -EINVAL);
	EXPECT_EQ(svm_acquire(own, svm_gpu(own, 1), drm), 0);
}

static void test(void)
{
	fd = svm_start();
	check_apertures();
	for (int i = 0; i < GPUS; i++) {
		gpuqueue_open(&queue[i], fd, gpu_id[i]);
		pagetable_open(&pt[i], &queue[i]);
	}
	check_shared(ROCSVM_KIND_HOST, PLACE_HOST);
	check_shared(ROCSVM_KIND_GTT, PLACE_GTT);
	check_copies();
	for (int i = 0; i < GPUS; i++) {
		pagetable_close(&pt[i]);
		gpuqueue_close(&queue[i]);
	}
	close(fd);
	EXPECT_EQ(run_child(check_acquire, NULL), 0);
}

int main(void)
{
	return test_main(test);
}
