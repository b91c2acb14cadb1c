// SPDX-License-Identifier: MIT
/*
 * debugfs: what is free by the file "gaps" and what is taken by the file
 * "buffers", guard included, make up each region of the window without rest.
 */
#include "observe.h"

struct region {
	const char *name;
	uint64_t base, end;
};

static int fd;

/* One that reads in steps of a few bytes sees the same. */
static void same_in_steps(const char *file)
{
	char path[128], *whole, *steps;

	view_path(path, sizeof(path), getpid(), 0, file);
	whole = read_whole(path, MiB(1));
	steps = read_whole(path, 100);
	ASSERT(whole && steps);
	if (!strcmp(file, "gaps"))
		EXPECT_EQ(strcmp(whole, steps), 0);
	else
		EXPECT_EQ(strlen(whole) > 0, strlen(steps) > 0);
	free(whole);
	free(steps);
}

/* The buffers and the gaps of a region, as two sorted lists. */
static void check_region(const struct region *region,
			 const struct view_buffer *b, size_t buffers,
			 const struct view_gap *g, size_t gaps)
{
	uint64_t at = region->base;
	size_t n = 0;

	while (at < region->end) {
		while (buffers && (b->va < at || strstr(b->flags, "inside"))) {
			b++;
			buffers--;
		}
		while (gaps && g->start < at) {
			g++;
			gaps--;
		}
		if (gaps && g->start == at) {
			EXPECT_EQ(strcmp(g->region, region->name), 0);
			at += g->length;
			n++;
		} else {
			ASSERT(buffers);
			ASSERT_EQ(b->va, at);
			at += b->length + b->guard;
		}
	}
	EXPECT_EQ(at, region->end);
	say("%s: %zu gaps", region->name, n);
}

static void check(size_t wanted)
{
	struct view_buffer *buffers;
	struct view_gap *gaps;
	struct rocsvm_info info;
	size_t num_buffers, num_gaps;

	ASSERT_EQ(svm_info(fd, &info), 0);
	buffers = view_buffers(getpid(), &num_buffers);
	gaps = view_gaps(getpid(), &num_gaps);
	const struct region regions[] = {
		{ "page", info.window_base, info.coherent_base },
		{ "coherent-page", info.coherent_base, info.huge_base },
		{ "coherent-huge", info.huge_base, info.coherent_limit + 1 },
		{ "huge", info.coherent_limit + 1, info.window_limit + 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
		check_region(&regions[i], buffers, num_buffers, gaps, num_gaps);
	EXPECT_EQ(num_gaps, wanted);
	free(buffers);
	free(gaps);
	same_in_steps("gaps");
	same_in_steps("buffers");
}

static void test(void)
{
	struct rocsvm_alloc coherent = {
		.kind = ROCSVM_KIND_HOST, .length = PAGE,
		.flags = ROCSVM_ALLOC_COHERENT,
	};
	unsigned int count = scaled(600, 60);
	void *page[600], *huge[3], *address;

	fd = svm_start();
	check(4);
	for (unsigned int i = 0; i < count; i++)
		page[i] = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE * (1 + i % 3));
	for (int i = 0; i < 3; i++)
		huge[i] = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(2));
	ASSERT_EQ(svm_alloc_args(fd, &coherent), 0);
	coherent.va = 0;
	coherent.length = MiB(3);
	ASSERT_EQ(svm_alloc_args(fd, &coherent), 0);
	for (unsigned int i = 1; i + 1 < count; i += 3)
		ASSERT_EQ(svm_free(fd, page[i]), 0);
	ASSERT_EQ(svm_free(fd, huge[1]), 0);

	/* One that others are inside of, by the hundred. */
	address = svm_alloc(fd, ROCSVM_KIND_ADDRESS, MiB(8));
	for (unsigned int i = 0; i < count; i++)
		ASSERT_EQ(svm_alloc_at(fd, ROCSVM_KIND_HOST, PAGE,
				       (uintptr_t)address + i * 2 * PAGE), 0);
	struct view_gap *gaps;
	size_t num_gaps;

	gaps = view_gaps(getpid(), &num_gaps);
	free(gaps);
	EXPECT_GT(num_gaps, count / 3);
	check(num_gaps);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
