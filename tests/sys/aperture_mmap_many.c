// SPDX-License-Identifier: MIT
/*
 * Thousands of buffers in the mmap aperture: host buffers side by side are one
 * VMA, freed in any order; at vm.max_map_count ALLOC is -ENOMEM, and nothing is
 * lost: what lives can be used and freed, then all is as before.
 */
#include "aperture.h"

#define GTT_EVERY 16

/* Where something of the program's own stands between, or ends what is free. */
#define SEAMS 8

static int fd;
static unsigned long count;
static uint64_t **buffer;

static uint32_t kind_of(unsigned long i)
{
	return i % GTT_EVERY == GTT_EVERY - 1 ? ROCSVM_KIND_GTT :
						ROCSVM_KIND_HOST;
}

static int allocate(unsigned long i)
{
	int r = svm_try_alloc(fd, kind_of(i), PAGE, (void **)&buffer[i]);

	if (r)
		return r;
	/* whole pages, so that an overlap would show */
	for (size_t k = 0; k < PAGE / 8; k++)
		buffer[i][k] = i * 1000003 + k;
	return 0;
}

static bool intact(unsigned long i)
{
	for (size_t k = 0; k < PAGE / 8; k++)
		if (buffer[i][k] != i * 1000003 + k)
			return false;
	return true;
}

static void shuffle(unsigned long n)
{
	uint32_t state = 99;

	for (unsigned long i = n - 1; i > 0; i--) {
		unsigned long k = rnd(&state) % (i + 1);
		uint64_t *p = buffer[i];

		buffer[i] = buffer[k];
		buffer[k] = p;
	}
}

static void many(void)
{
	size_t before = maps_count(0), most = SEAMS;
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < count; i++) {
		ASSERT_EQ(allocate(i), 0);
		/* The driver's, and one with its guard and what comes next. */
		most += kind_of(i) == ROCSVM_KIND_GTT ? 2 : 0;
	}
	say("%lu buffers: %zu VMAs more", count, maps_count(0) - before);
	EXPECT_LE(maps_count(0) - before, most);
	EXPECT_EQ(info_buffers(fd), count);
	for (unsigned long i = 0; i < count; i++) {
		struct rocsvm_query q = query_at(fd, (char *)buffer[i] + i % PAGE);

		wrong += !intact(i) || q.va != (uintptr_t)buffer[i] ||
			 q.length != PAGE || q.kind != kind_of(i);
	}
	EXPECT_EQ(wrong, 0);
	shuffle(count);
	for (unsigned long i = 0; i < count; i++)
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	EXPECT_EQ(maps_count(0), before);
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
}

/* Free each second one, allocate again: holes are of use. */
static void holes(void)
{
	size_t before = maps_count(0);
	unsigned long n = count / 4;

	for (unsigned long i = 0; i < n; i++)
		ASSERT_EQ(allocate(i), 0);
	for (unsigned long i = 0; i < n; i += 2)
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	for (unsigned long i = 0; i < n; i += 2)
		ASSERT_EQ(allocate(i), 0);
	for (unsigned long i = 0; i < n; i++)
		EXPECT(intact(i));
	for (unsigned long i = 0; i < n; i++)
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	EXPECT_EQ(maps_count(0), before);
}

/* No VMA left for ALLOC, nor for splitting one that FREE has to. */
static void at_the_limit(void)
{
	size_t before = maps_count(0);
	unsigned long n = 0, wrong = 0;
	char text[32];
	int r;

	snprintf(text, sizeof(text), "%zu", before + scaled(200, 12));
	ASSERT_EQ(knob_set("/proc/sys/vm/max_map_count", text), 0);
	while (n < count && !(r = allocate(n)))
		n++;
	say("limit at %lu buffers: %d", n, r);
	EXPECT_GT(n, 50);
	EXPECT_EQ(r, -ENOMEM);
	EXPECT_EQ(info_buffers(fd), n);
	/* whatever the kind, the refusal has left nothing */
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		void *va;

		while (!svm_try_alloc(fd, memory_kinds[i].kind, PAGE, &va)) {
			ASSERT_LT(n, count);
			buffer[n] = va;
			if (memory_kinds[i].cpu)
				for (size_t k = 0; k < PAGE / 8; k++)
					buffer[n][k] = n * 1000003 + k;
			n++;
		}
		EXPECT_EQ(info_buffers(fd), n);
	}
	for (unsigned long i = 0; i < n; i++) {
		struct rocsvm_query q = query_at(fd, buffer[i]);

		wrong += q.va != (uintptr_t)buffer[i] ||
			 (q.kind != ROCSVM_KIND_PRIVATE_VRAM && !intact(i));
		/* a GPU's page tables are slow: not all of them */
		if (i % 16 == 0)
			EXPECT_EQ(svm_map_all(fd, buffer[i]), 0);
	}
	EXPECT_EQ(wrong, 0);
	shuffle(n);
	for (unsigned long i = 0; i < n; i++)
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	EXPECT_EQ(maps_count(0), before);
	ASSERT_EQ(allocate(0), 0);
	EXPECT_EQ(svm_free(fd, buffer[0]), 0);
}

static void test(void)
{
	count = scaled(4000, 200);
	/* no mapping of malloc's own may come and go while they are counted */
	buffer = mmap(NULL, count * sizeof(*buffer), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE((uintptr_t)buffer, (uintptr_t)MAP_FAILED);
	fd = aperture_mmap_start();
	maps_count(0);
	many();
	holes();
	at_the_limit();
	close(fd);
}

int main(void)
{
	return window_main(test);
}
