// SPDX-License-Identifier: MIT
/*
 * munmap() of a part of the window is refused; that of the whole reported
 * window is such a part. What a program can unmap, whole VMAs and carved
 * buffers, it may fill with memory of its own: no call of the module then
 * replaces or unmaps that, and the module's own work stays right round it.
 */
#include "window.h"

#define LENGTH MiB(1)

static void part_refused(const char *what, char *p, size_t length)
{
	long r = SYS(munmap(p, length));

	if (r != -EBUSY)
		say("%s: %p + 0x%zx", what, p, length);
	EXPECT_EQ(r, -EBUSY);
}

static void parts(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, LENGTH);
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, LENGTH);
	char *before = maps_text(0, w.page_vma.start, w.control_vma.end);

	(void)unused;
	pattern_fill(host, LENGTH, 1);
	pattern_fill(huge, HUGE_PAGE, 2);
	pattern_fill(gtt, LENGTH, 3);
	part_refused("first page", at(w.base), PAGE);
	part_refused("host buffer", host, LENGTH);
	part_refused("page of a host buffer", host + PAGE, PAGE);
	part_refused("guard page", host + LENGTH, PAGE);
	part_refused("huge host buffer", huge, HUGE_PAGE);
	part_refused("GTT buffer and guard", gtt, LENGTH + PAGE);
	part_refused("last page", at(w.end) - PAGE, PAGE);
	part_refused("margin", at(w.base) - WINDOW_MARGIN, WINDOW_MARGIN);
	part_refused("margin behind", at(w.end), WINDOW_MARGIN);
	part_refused("page region", at(w.base), w.huge - w.base);
	part_refused("huge region", at(w.huge), w.end - w.huge);
	part_refused("the window", at(w.base), w.end - w.base);
	part_refused("across the two regions", at(w.huge) - PAGE, 2 * PAGE);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_EQ(pattern_differs(host, LENGTH, 1), -1);
	EXPECT_EQ(pattern_differs(huge, HUGE_PAGE, 2), -1);
	EXPECT_EQ(pattern_differs(gtt, LENGTH, 3), -1);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	free(before);
}

/* Put own memory in place of the first @length bytes of a carved buffer. */
static char *take_place(char *buffer, size_t length)
{
	EXPECT_EQ(SYS(munmap(buffer, length)), 0);
	EXPECT_DEAD(buffer);
	return own_mapping((uintptr_t)buffer, length, 0x5a);
}

/* A carved buffer whose place (or part of it) the program has taken. */
static void carved_free(uint32_t kind, size_t taken)
{
	struct window w = window_open();
	uint64_t available = kfd_available(w.fd, w.gpu);
	char *buffer = svm_alloc(w.fd, kind, MiB(4));
	char *own = take_place(buffer, taken);
	char *other;

	EXPECT_EQ(svm_free(w.fd, buffer), 0);
	EXPECT_EQ(find_not(own, 0x5a, taken), -1);
	EXPECT_GE(info_quarantined(w.fd), taken);
	EXPECT_EQ(info_buffers(w.fd), 0);

	/* Nobody gets the address, and the rest of the window works. */
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++)
		EXPECT_LT(svm_alloc_at(w.fd, cpu_kinds[i], KiB(64),
				       (uintptr_t)buffer), 0);
	other = svm_alloc(w.fd, kind, MiB(4));
	EXPECT(other + MiB(4) <= own || own + taken <= other);
	EXPECT_EQ(find_not(other, 0, MiB(4)), -1);
	EXPECT_EQ(svm_free(w.fd, other), 0);
	EXPECT_EQ(find_not(own, 0x5a, taken), -1);

	/* When the program's memory is gone the window is made whole. */
	EXPECT_EQ(SYS(munmap(own, taken)), 0);
	EXPECT_EQ(svm_free(w.fd, svm_alloc(w.fd, ROCSVM_KIND_HOST, PAGE)), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
	EXPECT(EVENTUALLY(kfd_available(w.fd, w.gpu) == available, 10000));
	EXPECT_EQ(svm_alloc_at(w.fd, kind, MiB(4), (uintptr_t)buffer), 0);
	EXPECT_EQ(svm_free(w.fd, buffer), 0);
	close(w.fd);
}

static void carved_gtt(void *unused)
{
	(void)unused;
	carved_free(ROCSVM_KIND_GTT, MiB(4));
}

static void carved_gtt_part(void *unused)
{
	(void)unused;
	carved_free(ROCSVM_KIND_GTT, PAGE);
}

static void carved_vram(void *unused)
{
	(void)unused;
	carved_free(ROCSVM_KIND_VRAM, MiB(4));
}

/* Unmapped and nothing put there: FREE makes the window whole at once. */
static void carved_hole(void *unused)
{
	struct window w = window_open();
	char *buffer = svm_alloc(w.fd, ROCSVM_KIND_GTT, LENGTH);

	(void)unused;
	EXPECT_EQ(SYS(munmap(buffer, LENGTH)), 0);
	EXPECT_EQ(svm_free(w.fd, buffer), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
	EXPECT_DEAD(buffer);
}

/* The same, ended by close(2) in place of FREE. */
static void carved_close(void *unused)
{
	struct window w = window_open();
	int kfd = kfd_open();
	uint64_t available = kfd_available(kfd, w.gpu);
	char *buffer = svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(4));
	char *own = take_place(buffer, MiB(4));
	struct vma v;

	(void)unused;
	EXPECT_LT(kfd_available(kfd, w.gpu), available);
	EXPECT_EQ(close(w.fd), 0);
	ASSERT(maps_find(own, &v));
	EXPECT_EQ(v.name[0], '\0');
	EXPECT_EQ(find_not(own, 0x5a, MiB(4)), -1);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT(EVENTUALLY(kfd_available(kfd, w.gpu) == available, 10000));
	close(kfd);
}

/* The page region's VMA unmapped, with live buffers in it. */
static void whole_vma(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, LENGTH);
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	uint64_t place = w.base + GiB(1);
	char *own;
	void *va;

	(void)unused;
	memset(host, 0x11, LENGTH);
	ASSERT_EQ(SYS(munmap(at(w.page_vma.start),
			     w.page_vma.end - w.page_vma.start)), 0);
	own = own_mapping(place, LENGTH, 0x5a);

	/* Neither the file's pages nor a carve may come to lie there. */
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++)
		EXPECT_LT(svm_alloc_at(w.fd, cpu_kinds[i], LENGTH, place), 0);
	EXPECT_LT(svm_alloc_at(w.fd, ROCSVM_KIND_GTT, LENGTH,
			       place - LENGTH), 0);
	EXPECT_LT(svm_try_alloc(w.fd, ROCSVM_KIND_HOST, LENGTH, &va), 0);
	EXPECT_EQ(find_not(own, 0x5a, LENGTH), -1);
	EXPECT_EQ(info_buffers(w.fd), 2);

	/* The other region is none the worse. */
	memset(huge, 0x22, HUGE_PAGE);
	EXPECT_EQ(svm_free(w.fd, huge), 0);
	huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	EXPECT_EQ(find_not(huge, 0, HUGE_PAGE), -1);

	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_EQ(find_not(own, 0x5a, LENGTH), -1);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(find_not(own, 0x5a, LENGTH), -1);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* Every VMA of the window replaced by the program's own, then close. */
static void replaced(void *unused)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, LENGTH);
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, LENGTH);
	uint64_t length = w.control_vma.end - w.page_vma.start;
	char *own, *before;

	(void)unused;
	own = mmap(at(w.page_vma.start), length, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		   -1, 0);
	ASSERT_EQ((uintptr_t)own, w.page_vma.start);
	memset(own, 0x5a, PAGE);
	memset(host, 0x5b, LENGTH);
	memset(gtt, 0x5c, LENGTH);
	before = maps_text(0, w.page_vma.start, w.control_vma.end);
	svm_free(w.fd, gtt);	/* without the control page: -EFAULT or 0 */
	EXPECT_EQ(close(w.fd), 0);
	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_EQ(find_not(own, 0x5a, PAGE), -1);
	EXPECT_EQ(find_not(host, 0x5b, LENGTH), -1);
	EXPECT_EQ(find_not(gtt, 0x5c, LENGTH), -1);
	free(before);
}

static void test(void)
{
	static const struct {
		const char *name;
		void (*run)(void *unused);
	} cases[] = {
		{ "parts are refused", parts },
		{ "GTT buffer's place taken, then FREE", carved_gtt },
		{ "a page of a GTT buffer taken, then FREE", carved_gtt_part },
		{ "VRAM buffer's place taken, then FREE", carved_vram },
		{ "GTT buffer unmapped, then FREE", carved_hole },
		{ "VRAM buffer's place taken, then close", carved_close },
		{ "page region unmapped", whole_vma },
		{ "all VMAs replaced", replaced },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		say("%s", cases[i].name);
		EXPECT_EQ(run_child(cases[i].run, NULL), 0);
		EXPECT(svm_all_gone());
	}
}

int main(void)
{
	return test_main(test);
}
