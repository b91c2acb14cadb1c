// SPDX-License-Identifier: MIT
/*
 * rocsvm top, where standard output is no terminal: the processes by bytes, and
 * from the second look on how much each has grown.
 */
#include "tool.h"

static int fd;

static void prepare_small(void)
{
	ASSERT_EQ(prctl(PR_SET_NAME, "small"), 0);
	fd = svm_start();
	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1));
}

static void prepare_large(void)
{
	ASSERT_EQ(prctl(PR_SET_NAME, "large"), 0);
	fd = svm_start();
	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(2));
}

static void grow(void)
{
	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(8));
}

/* It grows once the tool has looked, and the tool looks until it sees that. */
static void growth(struct holder *h)
{
	FILE *f = popen("exec rocsvm top --delay 1 --iterations 60", "r");
	bool looked = false, seen = false;
	char line[128];

	ASSERT(f);
	while (!seen && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "large"))
			continue;
		EXPECT(looked || !strchr(line, '+'));
		seen = strstr(line, "+8 MiB");
		if (!looked)
			holder_next(h);
		looked = true;
	}
	EXPECT(seen);
	/* It ends with what reads it. */
	pclose(f);
}

static void test(void)
{
	struct holder small = { .prepare = prepare_small }, large = { .prepare = prepare_large, .next = grow };
	const char *first, *second;
	char line[64];

	/* What was before goes from debugfs a moment later. */
	EXPECT(EVENTUALLY(tool("top") == 0 && strstr(tool_out, "0 spaces, 0 B\n"), 5000));
	holder_start(&small);
	holder_start(&large);
	EXPECT_EQ(tool("top"), 0);
	fputs(tool_out, stdout);
	EXPECT_OUT("2 spaces, 3 MiB\n");
	EXPECT(!strchr(tool_out, '\033'));
	EXPECT_LE(widest_line(), 80);
	first = strstr(tool_out, "large");
	second = strstr(tool_out, "small");
	EXPECT(first && second && first < second);
	snprintf(line, sizeof(line), "%7d root     open            1      2 MiB        0 B", large.pid);
	EXPECT_OUT(line);

	EXPECT_EQ(tool("top --json"), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"buffer_bytes\": 2097152,");
	EXPECT_OUT("\"grew\": 0");
	expect_complaint(tool("top -n x"), 2);
	expect_complaint(tool("top 1"), 2);
	growth(&large);
	holder_end(&large);
	holder_end(&small);
}

int main(void)
{
	return test_main(test);
}
