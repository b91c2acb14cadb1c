// SPDX-License-Identifier: MIT
/*
 * Fault-around maps no page beside the buffer that was touched, whatever the
 * window's file holds there, and a freed buffer's bytes are gone from the
 * file. The file is seen through /proc/self/map_files, as only a privileged
 * process can.
 */
#include "window.h"

/* Fault-around takes in the aligned 64 KiB round the address. */
#define AROUND KiB(64)

static struct window w;
static int back;	/* the page region's file */

/* The file's offset of an address in the page region. */
static off_t offset_of(const void *va)
{
	return (uintptr_t)va - w.page_vma.start + w.page_vma.offset;
}

/* Does the file hold a page for that address? */
static bool holds_page(const void *va)
{
	off_t offset = offset_of(va);

	return SYS(lseek(back, offset, SEEK_DATA)) == offset;
}

/* What a read of the file gives for that address: zeros, if it has no page. */
static bool holds_nothing(const void *va)
{
	char data[PAGE];

	return SYS(pread(back, data, PAGE, offset_of(va))) == PAGE &&
	       find_not(data, 0, PAGE) == -1;
}

/* Drop all PTEs of the region, so that the next touch is a fault. */
static void drop_ptes(void)
{
	ASSERT_EQ(SYS(madvise(at(w.page_vma.start), w.page_vma.end -
			      w.page_vma.start, MADV_DONTNEED)), 0);
}

static void *alloc_at(uint64_t va, uint64_t length)
{
	ASSERT_EQ(svm_alloc_at(w.fd, ROCSVM_KIND_HOST, length, va), 0);
	return at(va);
}

/* A page that is in the file but in no buffer stays out of reach. */
static void strange_pages(void)
{
	uint64_t place = w.base + GiB(1);
	char *a = alloc_at(place, PAGE);
	char *c = alloc_at(place + 4 * PAGE, 2 * PAGE);
	char secret[PAGE];

	memset(secret, 0x5e, sizeof(secret));
	for (uint64_t off = 0; off < AROUND; off += PAGE)
		ASSERT_EQ(SYS(pwrite(back, secret, PAGE,
				     offset_of(at(place + off)))), PAGE);
	for (int i = 0; i < 2; i++) {
		drop_ptes();
		EXPECT_EQ(probe_read(i ? a : c), 0);
		for (uint64_t off = 0; off < AROUND; off += PAGE) {
			char *p = at(place + off);

			if (p == a || (p >= c && p < c + 2 * PAGE))
				EXPECT_EQ(probe_read(p), 0);
			else
				EXPECT_DEAD(p);
		}
	}
	EXPECT_EQ(svm_free(w.fd, a), 0);
	EXPECT_EQ(svm_free(w.fd, c), 0);
	EXPECT(!holds_page(a));
	EXPECT(!holds_page(c));
}

/* The neighbour of a live buffer is freed: its bytes are nowhere to be had. */
static void freed_neighbour(void)
{
	uint64_t place = w.base + GiB(2);

	for (unsigned long i = 0; i < scaled(200, 20); i++) {
		char *a = alloc_at(place, PAGE);
		char *b = alloc_at(place + 2 * PAGE, 4 * PAGE);

		memset(a, 0x11, PAGE);
		memset(b, 0x5e, 4 * PAGE);
		EXPECT(holds_page(b));
		EXPECT_EQ(svm_free(w.fd, b), 0);
		EXPECT_EQ(*(volatile char *)a, 0x11);
		for (int j = 0; j < 4; j++)
			EXPECT_DEAD(b + j * PAGE);
		drop_ptes();
		EXPECT_EQ(*(volatile char *)a, 0x11);
		for (int j = 0; j < 4; j++)
			EXPECT_DEAD(b + j * PAGE);
		EXPECT(!holds_page(b));
		EXPECT(!holds_page(b + 3 * PAGE));
		EXPECT_EQ(svm_free(w.fd, a), 0);
	}
}

/* ---- the same with a thread that reads all the time --------------------- */

static char *volatile race_a, *volatile race_b;
static volatile int stop;

static void *reader(void *unused)
{
	(void)unused;
	while (!stop) {
		madvise(race_a, PAGE, MADV_DONTNEED);
		probe_read(race_a);
		probe_read(race_b);
		probe_read(race_b + PAGE);
	}
	return NULL;
}

static void race(void)
{
	uint64_t place = w.base + GiB(3);
	unsigned long loops = scaled(500, 50);
	pthread_t thread[2];
	char *b;

	race_a = alloc_at(place, PAGE);
	race_b = b = at(place + 2 * PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, reader, NULL), 0);
	for (unsigned long i = 0; i < loops && !test_failures; i++) {
		alloc_at((uintptr_t)b, 2 * PAGE);
		memset(b, 0x5e, 2 * PAGE);
		EXPECT_EQ(svm_free(w.fd, b), 0);
		EXPECT_EQ(probe_read(b), PROBE_MAPERR);
		EXPECT_EQ(probe_read(b + PAGE), PROBE_MAPERR);
		EXPECT_EQ(probe_read(b), PROBE_MAPERR);
		/* A fault that came too late may leave a page, never data. */
		EXPECT(holds_nothing(b));
		EXPECT(holds_nothing(b + PAGE));
	}
	stop = 1;
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(svm_free(w.fd, race_a), 0);
}

static void test(void)
{
	w = window_open();
	back = window_back_door(at(w.base));
	if (back < 0)
		test_skip("map_files: %s", strerror(-back));
	strange_pages();
	freed_neighbour();
	race();
	close(back);
	close(w.fd);
}

int main(void)
{
	return test_main(test);
}
