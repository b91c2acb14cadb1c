// SPDX-License-Identifier: MIT
/*
 * Host buffers cost no VMA; GTT and VRAM buffers cost theirs while they live.
 * However they were interleaved, the window is whole again when they are
 * freed, at its edges too.
 */
#include "window.h"

static struct window w;
static size_t vmas;	/* of the process, with an empty window */

static void host_buffers(void)
{
	char *p[100];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = svm_alloc(w.fd, ROCSVM_KIND_HOST,
				 i % 10 ? KiB(64) : HUGE_PAGE);
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_WHOLE(&w);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		EXPECT_EQ(svm_free(w.fd, p[i]), 0);
	EXPECT_EQ(maps_count(0), vmas);
}

/* Freed in the order of a step that visits all: every second, third ... */
static void interleaved(uint32_t kind, size_t count, size_t step)
{
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));
	char **p = calloc(count, sizeof(*p));

	ASSERT(p);
	memset(host, 0x11, KiB(64));
	for (size_t i = 0; i < count; i++) {
		p[i] = svm_alloc(w.fd, kind, KiB(16));
		EXPECT_EQ(probe_write(p[i]), 0);
	}
	EXPECT_GE(maps_count(0), vmas + count);
	for (size_t first = 0; first < step; first++)
		for (size_t i = first; i < count; i += step)
			EXPECT_EQ(svm_free(w.fd, p[i]), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_EQ(find_not(host, 0x11, KiB(64)), -1);
	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_WHOLE(&w);
	free(p);
}

static void carve_at(uint64_t va, uint64_t length, uint32_t flags)
{
	for (uint32_t kind = ROCSVM_KIND_GTT; kind <= ROCSVM_KIND_VRAM; kind++) {
		struct rocsvm_alloc args = {
			.flags = flags | ROCSVM_ALLOC_FIXED, .kind = kind,
			.gpu_id = svm_gpu(w.fd, 0), .va = va, .length = length,
		};

		ASSERT_EQ(svm_alloc_args(w.fd, &args), 0);
		EXPECT_ALIVE(va);
		EXPECT_ALIVE(va + length - 1);
		EXPECT_EQ(svm_free(w.fd, at(va)), 0);
		EXPECT_DEAD(va);
		EXPECT_EQ(maps_count(0), vmas);
		EXPECT_WHOLE(&w);
	}
}

/* The same place held by one kind after another. */
static void change_of_kind(void)
{
	uint64_t va = w.base + GiB(1);

	for (unsigned int i = 0; i < 12; i++) {
		uint32_t kind = cpu_kinds[i % 3];

		ASSERT_EQ(svm_alloc_at(w.fd, kind, KiB(64), va), 0);
		EXPECT_EQ(find_not(at(va), 0, KiB(64)), -1);
		memset(at(va), 0x77, KiB(64));
		EXPECT_EQ(svm_free(w.fd, at(va)), 0);
		EXPECT_DEAD(va);
	}
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_WHOLE(&w);
}

static void test(void)
{
	w = window_open();
	/* The C library's own VMAs come with first use. */
	EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd, ROCSVM_KIND_GTT, PAGE)), 0);
	EXPECT_WHOLE(&w);
	vmas = maps_count(0);

	host_buffers();
	interleaved(ROCSVM_KIND_GTT, scaled(200, 40), 2);
	interleaved(ROCSVM_KIND_GTT, scaled(200, 40), 1);
	interleaved(ROCSVM_KIND_VRAM, scaled(60, 20), 3);
	carve_at(w.base, KiB(64), 0);
	/* next to the huge region: coherent */
	carve_at(w.huge - KiB(64) - PAGE, KiB(64), ROCSVM_ALLOC_COHERENT);
	change_of_kind();
	EXPECT_EQ(maps_count(0), vmas);
}

int main(void)
{
	return test_main(test);
}
