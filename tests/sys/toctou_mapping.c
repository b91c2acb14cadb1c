// SPDX-License-Identifier: MIT
/*
 * A program changes the mapping of the control page while calls are on their
 * way through it: takes it away and puts it back, protects it, and replaces it
 * by memory of its own, by a file, by a buffer of the window, by doorbells. Only
 * its own calls fail.
 */
#include "share.h"
#include "toctou.h"

struct attacker {
	struct window w;
	struct flipper flipper;
	bool flipping;
	char *away;		/* where the page is put meanwhile */
	bool is_away;
	unsigned long calls, failed;
	int error;		/* of the last that failed */
};

/* Shared with the attackers. */
static struct counts {
	unsigned long calls, hit, failed;
	int error;
} *counts;

/* ---- for a moment ------------------------------------------------------- */

static char *page_of(const struct attacker *a)
{
	return at(a->w.control_vma.start);
}

static void move(struct attacker *a)
{
	char *from = a->is_away ? a->away : page_of(a);
	char *to = a->is_away ? page_of(a) : a->away;

	if (mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to)
		a->is_away = !a->is_away;
}

/* As it was, for the next call. */
static void settle(struct attacker *a)
{
	if (a->is_away)
		move(a);
	mprotect(page_of(a), PAGE, PROT_READ | PROT_WRITE);
}

/* Away, and back at the next flip. */
static void flip_away(void *arg, uint32_t random)
{
	(void)random;
	move(arg);
}

static void flip_prot(void *arg, uint32_t random)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
	};

	mprotect(page_of(arg), PAGE, prots[random % ARRAY_SIZE(prots)]);
}

/* Another page at each look; the own one is away. */
static void flip_own(void *arg, uint32_t random)
{
	struct attacker *a = arg;
	int type = random & 1 ? MAP_SHARED : MAP_PRIVATE;

	move(a);
	if (a->is_away)
		mmap(page_of(a), PAGE, PROT_READ | PROT_WRITE,
		     type | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/*
 * Not a byte stays as it is. But two of KFD's numbers are sizes: of a buffer,
 * and of an array, of which the kernel would warn.
 */
static void flip_bytes(void *arg, uint32_t random)
{
	volatile uint64_t *page = (void *)page_of(arg);

	for (unsigned int i = 0; i < PAGE / sizeof(*page); i++)
		page[i] = random * (i + 1ull);
	page[1] = random & 0xff000;
	page[2] = random & 0xff;
}

static const struct {
	const char *name;
	void (*flip)(void *arg, uint32_t random);
} flips[] = {
	{ "away and back", flip_away },
	{ "all bytes", flip_bytes },
	{ "protected", flip_prot },
	{ "memory of its own", flip_own },
};

/* ---- the calls ---------------------------------------------------------- */

#define CALL(a, call) ({						\
	long r_ = (a)->flipping ? FLIPPED(&(a)->flipper, call) : (call); \
									\
	if ((a)->flipping)						\
		settle(a);						\
	(a)->calls++;							\
	if (r_ < 0) {							\
		(a)->failed++;						\
		(a)->error = r_;					\
	}								\
	r_;								\
})

/* Each call that needs KFD, with what is there; results are as they are. */
static void storm(struct attacker *a, uint32_t kind)
{
	struct rocsvm_import import = { .fd = -1 };
	static char *memory;
	int fd = a->w.fd;
	void *va = NULL;

	if (!memory) {
		memory = own_private(PAGE);
		*memory = 1;
	}
	CALL(a, svm_try_alloc(fd, kind, POSSESSION, &va));
	if (va) {
		CALL(a, svm_map_all(fd, va));
		if (kind != ROCSVM_KIND_HOST)
			import.fd = CALL(a, svm_export(fd, va));
		if (import.fd >= 0) {
			CALL(a, svm_import_args(fd, &import));
			close(import.fd);
		}
		probe_write(va);
		CALL(a, svm_unmap_all(fd, va));
		CALL(a, svm_free(fd, va));
	}
	if (import.va)
		CALL(a, svm_free(fd, at(import.va)));
	CALL(a, reg_add_mapped(fd, memory, PAGE, a->w.gpu));
	reg_end(fd, memory, PAGE);
}

static void storms(struct attacker *a)
{
	unsigned long rounds = scaled(40, 5);

	for (unsigned long i = 0; i < rounds; i++)
		storm(a, cpu_kinds[i % ARRAY_SIZE(cpu_kinds)]);
}

/* Whatever is left in the place of the control page is the program's own. */
static void end(struct attacker *a)
{
	EXPECT_EQ(close(a->w.fd), 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_EQ(maps_named(0, "/rocsvm"), 0);
}

static void for_a_moment(void *arg)
{
	size_t which = *(size_t *)arg;
	struct attacker a = { .w = window_open(), .flipping = true };

	a.away = own_private(PAGE);
	flipper_start(&a.flipper, flips[which].flip, &a, 815, page_of(&a),
		      sizeof(uint64_t));
	storms(&a);
	flipper_stop(&a.flipper);
	counts->calls = a.calls;
	counts->hit = a.flipper.hit;
	counts->failed = a.flipper.failed;
	end(&a);
}

/* ---- for good ----------------------------------------------------------- */

static struct attacker replaced;

static void replace(char *with)
{
	ASSERT_EQ((intptr_t)mremap(with, PAGE, PAGE, MREMAP_MAYMOVE |
				   MREMAP_FIXED, page_of(&replaced)),
		  (intptr_t)page_of(&replaced));
}

static void by_file(void)
{
	char path[] = "/tmp/toctou-XXXXXX";
	int file = mkstemp(path);

	ASSERT_GE(file, 0);
	unlink(path);
	ASSERT_EQ(ftruncate(file, PAGE), 0);
	replace(own(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file));
	close(file);
}

static void by_short_file(void)
{
	char path[] = "/tmp/toctou-XXXXXX";
	int file = mkstemp(path);

	ASSERT_GE(file, 0);
	unlink(path);
	replace(own(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file));
	close(file);
}

/* The window's own mapping of a buffer, out of the window. */
static void by_gtt(void)
{
	replace(svm_alloc(replaced.w.fd, ROCSVM_KIND_GTT, PAGE));
}

static void by_vram(void)
{
	replace(svm_alloc(replaced.w.fd, ROCSVM_KIND_VRAM, PAGE));
}

/* Of a buffer that is freed then. */
static void by_freed_gtt(void)
{
	char *va = svm_alloc(replaced.w.fd, ROCSVM_KIND_GTT, PAGE);

	replace(va);
	svm_free(replaced.w.fd, va);
}

static void by_dmabuf(void)
{
	char *va = svm_alloc(replaced.w.fd, ROCSVM_KIND_GTT, PAGE);
	int dmabuf = svm_export(replaced.w.fd, va);

	ASSERT_GE(dmabuf, 0);
	replace(fd_map(dmabuf, PAGE));
	close(dmabuf);
}

/* Each write to it rings a bell of the process's queues, of which it has none. */
static void by_doorbells(void)
{
	uint64_t offset = 3ull << 62 | (uint64_t)replaced.w.gpu << 46;
	char *bells = mmap(NULL, KiB(8), PROT_READ | PROT_WRITE, MAP_SHARED,
			   replaced.w.fd, offset);

	ASSERT(bells != MAP_FAILED);
	ASSERT_EQ((intptr_t)mremap(bells, KiB(8), KiB(8), MREMAP_MAYMOVE |
				   MREMAP_FIXED, page_of(&replaced)),
		  (intptr_t)page_of(&replaced));
}

static void by_hole(void)
{
	ASSERT_EQ(munmap(page_of(&replaced), PAGE), 0);
}

static void by_zeros(void)
{
	replace(own(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

/*
 * The window itself: it can be neither moved nor copied. The kernel has unmapped
 * what is in the way when it says so.
 */
static void by_window(void)
{
	struct attacker *a = &replaced;
	char *host = svm_alloc(a->w.fd, ROCSVM_KIND_HOST, PAGE);
	static const struct { int old, flags; } ways[] = {
		{ PAGE, MREMAP_MAYMOVE | MREMAP_FIXED },
		{ 0, MREMAP_MAYMOVE | MREMAP_FIXED },
		{ PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_LT(SYS(mremap(host, ways[i].old, PAGE, ways[i].flags,
				     page_of(a))), 0);
	EXPECT_EQ(probe_read(page_of(a)), PROBE_MAPERR);
	EXPECT_EQ(probe_write(host), 0);
}

static const struct {
	const char *name;
	void (*replace)(void);
	bool works;		/* all calls succeed as before */
} ways[] = {
	{ "a GTT buffer that is freed", by_freed_gtt, true },
	{ "doorbells", by_doorbells, false },
	{ "a page of the window", by_window, false },
	{ "a GTT buffer", by_gtt, true },
	{ "a VRAM buffer", by_vram, true },
	{ "a dma-buf", by_dmabuf, true },
	{ "a file", by_file, true },
	{ "a file that is empty", by_short_file, false },
	{ "memory that can't be written", by_zeros, false },
	{ "nothing", by_hole, false },
};

static void for_good(void *arg)
{
	size_t which = *(size_t *)arg;
	struct attacker *a = &replaced;
	uint64_t base, length;

	a->w = window_open();
	ways[which].replace();
	storms(a);
	counts->calls = a->calls;
	counts->failed = a->failed;
	counts->error = a->error;

	/* RESERVE makes the control page anew where there is room for it. */
	base = a->w.base;
	length = a->w.end - a->w.base;
	SYS(svm_reserve(a->w.fd, ROCSVM_RESERVE_FIXED, &base, &length));
	end(a);
}

/* ---- the test ----------------------------------------------------------- */

static void all(void)
{
	unsigned long failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flips); i++) {
		memset(counts, 0, sizeof(*counts));
		toctou_attacker(flips[i].name, for_a_moment, &i);
		say("%s: %lu calls, %lu of them flipped in, %lu failed",
		    flips[i].name, counts->calls, counts->hit, counts->failed);
		EXPECT_GT(counts->hit, 0);
		failed += counts->failed;
	}
	EXPECT_GT(failed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		memset(counts, 0, sizeof(*counts));
		toctou_attacker(ways[i].name, for_good, &i);
		say("replaced by %s: %lu calls, %lu failed (%s)", ways[i].name,
		    counts->calls, counts->failed, strerror(-counts->error));
		EXPECT_EQ(counts->failed == 0, ways[i].works);
	}
}

static void test(void)
{
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(counts != MAP_FAILED);
	at_end(toctou_settings_back);
	toctou_settings();
	toctou_beside(all);
}

int main(void)
{
	return window_main(test);
}
