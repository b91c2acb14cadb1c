// SPDX-License-Identifier: MIT
/*
 * At the limit of VMAs (vm.max_map_count) an allocation that needs one fails
 * and changes nothing, FREE succeeds, and what could not be taken back into
 * the window is taken back later.
 */
#include "window.h"

#include <malloc.h>

#define MAX_MAP_COUNT "/proc/sys/vm/max_map_count"
#define FILLERS 2000

static struct window w;
static char *filler_base;
static size_t fillers;

/* The limit, relative to what the process has now; vsyscall doesn't count. */
static void set_limit(long above)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", (long)maps_count(0) -
		 (long)maps_named(0, "[vsyscall]") + above);
	ASSERT_EQ(file_write(MAX_MAP_COUNT, text), 0);
}

static void no_limit(void)
{
	ASSERT_EQ(file_write(MAX_MAP_COUNT, "65530"), 0);
}

/* One VMA a page: neighbours differ in protection. */
static void fill(void)
{
	while (fillers < FILLERS) {
		long r = SYS(mmap(filler_base + fillers * PAGE, PAGE,
				  fillers & 1 ? PROT_READ : PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS |
				  MAP_FIXED_NOREPLACE, -1, 0));

		if (r < 0 && r > -4096) {
			ASSERT_EQ(r, -ENOMEM);
			return;
		}
		fillers++;
	}
	say("no end of VMAs");
	ASSERT(false);
}

static void empty(void)
{
	if (fillers)
		munmap(filler_base, fillers * PAGE);
	fillers = 0;
}

/* A call under the limit: 0 or -ENOMEM, and then nothing has changed. */
static bool try_carve(uint32_t kind)
{
	char *before = maps_text(0, w.page_vma.start, w.control_vma.end);
	uint64_t buffers = info_buffers(w.fd);
	uint64_t available = kfd_available(w.fd, w.gpu);
	void *va;
	int r = svm_try_alloc(w.fd, kind, MiB(2), &va);

	if (r) {
		EXPECT_EQ(r, -ENOMEM);
		EXPECT_EQ(info_buffers(w.fd), buffers);
		EXPECT_EQ(info_quarantined(w.fd), 0);
		EXPECT(EVENTUALLY(kfd_available(w.fd, w.gpu) == available,
				  10000));
		EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end,
				 before));
	} else {
		EXPECT_ALIVE(va);
		EXPECT_EQ(svm_free(w.fd, va), 0);
		EXPECT_DEAD(va);
	}
	free(before);
	return r == 0;
}

/* Carves while the process comes ever nearer to the limit. */
static void carve_at_limit(void)
{
	for (long above = 8; above >= -2; above--) {
		bool gtt, vram;

		set_limit(above);
		gtt = try_carve(ROCSVM_KIND_GTT);
		vram = try_carve(ROCSVM_KIND_VRAM);
		say("%+ld VMAs: GTT %s, VRAM %s", above, gtt ? "yes" : "no",
		    vram ? "yes" : "no");
		if (above == 8)
			EXPECT(gtt && vram);
		if (above <= 0)
			EXPECT(!gtt && !vram);
		/* Host buffers need none at all. */
		if (above >= 0)
			EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd,
				  ROCSVM_KIND_HOST, PAGE)), 0);
		no_limit();
		EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd, ROCSVM_KIND_HOST,
						   PAGE)), 0);
		EXPECT_EQ(info_quarantined(w.fd), 0);
		EXPECT_WHOLE(&w);
	}
}

/* The process is full up to the limit when it frees. */
static void free_at_limit(void)
{
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	char *vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(1));

	set_limit(200);
	fill();
	EXPECT_EQ(svm_free(w.fd, gtt), 0);
	EXPECT_DEAD(gtt);
	EXPECT_EQ(svm_free(w.fd, vram), 0);
	EXPECT_DEAD(vram);
	EXPECT_EQ(info_buffers(w.fd), 0);
	empty();
	no_limit();
	EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd, ROCSVM_KIND_GTT, PAGE)), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
}

/* The limit is far below: nothing can be mapped, FREE succeeds all the same. */
static void free_beyond_limit(void)
{
	uint64_t available = kfd_available(w.fd, w.gpu);
	char *p[4];
	void *va;

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = svm_alloc(w.fd, i & 1 ? ROCSVM_KIND_VRAM :
				 ROCSVM_KIND_GTT, MiB(2));
		memset(p[i], 0x77, PAGE);
	}
	set_limit(-8);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		EXPECT_EQ(svm_free(w.fd, p[i]), 0);
		EXPECT_DEAD(p[i]);
	}
	EXPECT_EQ(info_buffers(w.fd), 0);
	EXPECT(EVENTUALLY(kfd_available(w.fd, w.gpu) == available, 10000));
	say("quarantined: %" PRIu64 " bytes", info_quarantined(w.fd));
	EXPECT_GT(info_quarantined(w.fd), 0);
	/* A quarantined address is not handed out. */
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		EXPECT_LT(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, PAGE,
				       (uintptr_t)p[i]), 0);
	EXPECT_LT(svm_try_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1), &va), 0);
	no_limit();
	EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd, ROCSVM_KIND_HOST, PAGE)), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		EXPECT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, PAGE,
				       (uintptr_t)p[i]), 0);
		EXPECT_EQ(find_not(p[i], 0, PAGE), -1);
		EXPECT_EQ(svm_free(w.fd, p[i]), 0);
	}
}

/* Open needs VMAs, too: an errno, and nothing is left. */
static void open_at_limit(void *unused)
{
	char *before = maps_text(0, 0, UINT64_MAX);

	(void)unused;
	for (long above = 4; above >= -2; above--) {
		int fd;

		set_limit(above);
		fd = svm_open();
		no_limit();
		say("%+ld VMAs: open %d", above, fd);
		if (fd >= 0) {
			close(fd);
		} else {
			EXPECT_EQ(fd, -ENOMEM);
		}
		EXPECT(maps_same(0, 0, UINT64_MAX, before));
	}
	free(before);
}

static void carves(void *unused)
{
	(void)unused;
	w = window_open();
	filler_base = at(w.control_vma.end + GiB(1));
	carve_at_limit();
	free_at_limit();
	free_beyond_limit();
	close(w.fd);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* close(2) in place of FREE, far beyond the limit. */
static void close_beyond_limit(void *unused)
{
	(void)unused;
	w = window_open();
	for (int i = 0; i < 8; i++)
		svm_alloc(w.fd, ROCSVM_KIND_GTT, KiB(64));
	set_limit(-16);
	EXPECT_EQ(close(w.fd), 0);
	no_limit();
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(maps_named(0, "renderD"), 0);
}

static void test(void)
{
	/* The test's own heap must not need to grow at the limit. */
	mallopt(M_MMAP_THRESHOLD, MiB(32));
	mallopt(M_TRIM_THRESHOLD, MiB(64));
	free(malloc(MiB(8)));
	ASSERT_EQ(knob_set(MAX_MAP_COUNT, "65530"), 0);
	EXPECT_EQ(run_child(carves, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(close_beyond_limit, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(open_at_limit, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
