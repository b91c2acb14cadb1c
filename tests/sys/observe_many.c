// SPDX-License-Identifier: MIT
/*
 * debugfs with 100,000 buffers: each of them has its line, in order, read in
 * one go as in many; who reads half of it and stops keeps nobody from going on.
 */
#include "observe.h"

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void same(const uint64_t *va, size_t count)
{
	struct view_buffer *list;
	size_t n, wrong = 0;

	list = view_buffers(getpid(), &n);
	ASSERT_EQ(n, count);
	for (size_t i = 0; i < n; i++)
		wrong += list[i].va != va[i] || list[i].length != PAGE ||
			 list[i].tag != 0 || strcmp(list[i].kind, "host");
	EXPECT_EQ(wrong, 0);
	free(list);
}

static void test(void)
{
	size_t count = scaled(100000, 1500), left;
	uint64_t *va = calloc(count, sizeof(*va));
	char path[128], text[300];
	struct view_gap *gaps;
	int fd, reader;

	ASSERT(va);
	fd = svm_start();
	for (size_t i = 0; i < count; i++)
		va[i] = (uintptr_t)svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	qsort(va, count, sizeof(*va), compare);
	EXPECT_EQ(space_number(getpid(), "buffers"), count);
	same(va, count);

	view_path(path, sizeof(path), getpid(), 0, "buffers");
	reader = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(reader, 0);
	ASSERT_GT(SYS(read(reader, text, sizeof(text))), 0);

	/* Every other one goes: as many gaps, but for the first of all. */
	for (size_t i = 0; i < count; i += 2)
		ASSERT_EQ(svm_free(fd, (void *)va[i]), 0);
	for (left = 0; 2 * left + 1 < count; left++)
		va[left] = va[2 * left + 1];
	same(va, left);
	gaps = view_gaps(getpid(), &count);
	EXPECT_EQ(count, left + 4);
	free(gaps);

	close(fd);
	EXPECT_EQ(space_number(getpid(), "buffers"), 0);
	/* Where its reader had got to there is nothing any more. */
	ASSERT_GE(SYS(read(reader, text, sizeof(text))), 0);
	ASSERT_EQ(SYS(read(reader, text, sizeof(text))), 0);
	close(reader);
	free(va);
}

int main(void)
{
	return test_main(test);
}
