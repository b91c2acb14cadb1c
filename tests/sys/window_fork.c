// SPDX-License-Identifier: MIT
/*
 * fork() copies nothing of the window: no VMA, no buffer of any kind. What the
 * parent frees is free, although a child is alive.
 */
#include "window.h"

#define VRAM_LENGTH MiB(16)

static struct window w;
static char *buffers[ARRAY_SIZE(cpu_kinds)];
static char *huge, *hidden;
static struct sync looked, go;

static void child(void *unused)
{
	uint32_t kind;

	(void)unused;
	EXPECT_EQ(maps_read(0, w.page_vma.start, w.control_vma.end, NULL, 0), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(maps_named(0, "renderD"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		EXPECT_DEAD(buffers[i]);
	EXPECT_DEAD(huge);
	EXPECT_DEAD(w.control_vma.start);
	for (kind = ROCSVM_KIND_HOST; kind <= ROCSVM_KIND_PRIVATE_VRAM; kind++) {
		struct rocsvm_alloc args = {
			.kind = kind, .length = PAGE, .gpu_id = w.gpu
		};

		EXPECT_EQ(svm_alloc_args(w.fd, &args), -EBADF);
	}
	EXPECT_EQ(svm_free(w.fd, buffers[0]), -EBADF);
	/* Memory of its own may take the place; it is nobody's but its. */
	own_mapping(w.base, MiB(1), 0x5a);
	sync_post(&looked);
	sync_wait(&go);
	EXPECT_EQ(find_not(at(w.base), 0x5a, MiB(1)), -1);
}

static void test(void)
{
	uint64_t empty, full;
	char *vram;
	pid_t pid;

	w = window_open();
	sync_init(&looked);
	sync_init(&go);
	empty = kfd_available(w.fd, w.gpu);
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		buffers[i] = svm_alloc(w.fd, cpu_kinds[i], VRAM_LENGTH / 16);
		memset(buffers[i], 0x11 + i, VRAM_LENGTH / 16);
	}
	vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, VRAM_LENGTH);
	memset(vram, 0x22, PAGE);
	huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	hidden = svm_alloc(w.fd, ROCSVM_KIND_PRIVATE_VRAM, VRAM_LENGTH);
	full = kfd_available(w.fd, w.gpu);
	EXPECT_LE(full + 2 * VRAM_LENGTH, empty);

	pid = child_start(child, NULL);
	sync_wait(&looked);
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		EXPECT_EQ(find_not(buffers[i], 0x11 + i, VRAM_LENGTH / 16), -1);
		EXPECT_EQ(svm_free(w.fd, buffers[i]), 0);
	}
	EXPECT_EQ(svm_free(w.fd, vram), 0);
	EXPECT_EQ(svm_free(w.fd, huge), 0);
	EXPECT_EQ(svm_free(w.fd, hidden), 0);
	EXPECT(EVENTUALLY(kfd_available(w.fd, w.gpu) == empty, 10000));
	EXPECT_EQ(kfd_available(w.fd, w.gpu), empty);
	EXPECT_WHOLE(&w);
	sync_post(&go);
	EXPECT_EQ(child_wait(pid), 0);
}

int main(void)
{
	return test_main(test);
}
