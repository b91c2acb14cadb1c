// SPDX-License-Identifier: MIT
/*
 * 100,000 live host buffers of a page each, some of them mapped to the GPU:
 * the process has not one VMA more than with none, each buffer has its own
 * bytes, and QUERY finds each.
 */
#include "harness.h"

#define MAP_EVERY 100

static int fd;
static unsigned long count;
static uint64_t **buffer;

static void allocate(void)
{
	for (unsigned long i = 0; i < count; i++) {
		buffer[i] = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
		if (i % MAP_EVERY == 0)
			ASSERT_EQ(svm_map_all(fd, buffer[i]), 0);
		/* the last word of the page, so that overlaps show as well */
		buffer[i][0] = i;
		buffer[i][PAGE / 8 - 1] = ~i;
	}
}

static void query(void)
{
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < count; i++) {
		struct rocsvm_query q = { .va = (uintptr_t)buffer[i] + i % PAGE };

		ASSERT_EQ(svm_query(fd, &q), 0);
		wrong += q.va != (uintptr_t)buffer[i] || q.length != PAGE ||
			 q.guard < PAGE || q.kind != ROCSVM_KIND_HOST ||
			 q.num_gpus != (i % MAP_EVERY == 0);
	}
	EXPECT_EQ(wrong, 0);
}

/* Walk them all by QUERY_NEXT: as many as there are, in rising order. */
static unsigned long walk(void)
{
	struct rocsvm_query q = { .flags = ROCSVM_QUERY_NEXT };
	unsigned long n = 0;
	uint64_t last = 0;

	while (!svm_query(fd, &q)) {
		EXPECT_GT(q.va, last);
		last = q.va;
		q = (struct rocsvm_query){
			.flags = ROCSVM_QUERY_NEXT,
			.va = q.va + q.length,
		};
		n++;
	}
	return n;
}

static void test(void)
{
	struct rocsvm_info info;
	unsigned long wrong = 0;
	size_t vmas;

	count = scaled(100000, 3000);
	buffer = calloc(count, sizeof(*buffer));
	ASSERT(buffer);
	fd = svm_start();
	maps_count(0);
	vmas = maps_count(0);
	allocate();
	EXPECT_EQ(maps_count(0), vmas);
	say("%lu buffers, %zu VMAs before and %zu with them", count, vmas,
	    maps_count(0));
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, count);
	EXPECT_EQ(info.buffer_bytes, count * PAGE);
	EXPECT_EQ(svm_counter("buffers"), count);
	for (unsigned long i = 0; i < count; i++)
		wrong += buffer[i][0] != i || buffer[i][PAGE / 8 - 1] != ~i;
	EXPECT_EQ(wrong, 0);
	query();
	EXPECT_EQ(walk(), count);

	/* half of them by FREE, the rest by the close */
	for (unsigned long i = 0; i < count; i += 2)
		ASSERT_EQ(svm_free(fd, buffer[i]), 0);
	wrong = 0;
	for (unsigned long i = 1; i < count; i += 2)
		wrong += buffer[i][0] != i || buffer[i][PAGE / 8 - 1] != ~i;
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(probe_read(buffer[count / 2 & ~1ul]), PROBE_MAPERR);
	EXPECT_EQ(maps_count(0), vmas);
	close(fd);
	EXPECT_EQ(svm_counter("buffers"), 0);
}

int main(void)
{
	return test_main(test);
}
