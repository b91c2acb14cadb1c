// SPDX-License-Identifier: MIT
/*
 * rocsvm map: the picture of another process's space has each of its buffers
 * and is 80 columns wide; so has the list, and the JSON. A name that a program
 * has given itself does nothing to the terminal.
 */
#include "aperture.h"
#include "tool.h"

static void *host, *vram, *reservation, *own;
static int fd;

static void prepare(void)
{
	struct rocsvm_register reg = { .length = KiB(256) };

	ASSERT_EQ(prctl(PR_SET_NAME, "a\"b\\\033[31m\n\xc3\xa9\xff"), 0);
	fd = svm_start();
	host = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(64));
	ASSERT_EQ(svm_map_all(fd, host), 0);
	vram = svm_alloc(fd, ROCSVM_KIND_VRAM, MiB(4));
	svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, MiB(8));
	svm_alloc(fd, ROCSVM_KIND_GTT, MiB(1));
	svm_alloc(fd, ROCSVM_KIND_HOST, MiB(16));
	reservation = svm_alloc(fd, ROCSVM_KIND_ADDRESS, MiB(32));
	ASSERT_EQ(svm_alloc_at(fd, ROCSVM_KIND_GTT, MiB(2), (uintptr_t)reservation + MiB(4)), 0);
	own = mmap(NULL, KiB(256), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(own, MAP_FAILED);
	reg.va = (uintptr_t)own;
	reg.size = sizeof(reg);
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &reg), 0);
}

static void many(void)
{
	for (unsigned long i = 0; i < scaled(3000, 300); i++)
		svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
}

static size_t lines(void)
{
	size_t count = 0;

	for (const char *c = tool_out; *c; c++)
		count += *c == '\n';
	return count;
}

static void picture(pid_t pid)
{
	EXPECT_EQ(tool("map %d", pid), 0);
	fputs(tool_out, stdout);
	EXPECT_LE(widest_line(), 80);
	EXPECT(!strchr(tool_out, '\033'));
	EXPECT_OUT("a\"b\\\\\\x1b[31m\\x0a\\xc3\\xa9\\xff");
	EXPECT_OUT("window, small pages: ");
	EXPECT_OUT("0x400000000000 | #####        host            64 KiB  GPU 0x");
	EXPECT_OUT("|>==========   GTT              2 MiB");
	EXPECT_OUT("registered");
	EXPECT_OUT("host               2    16.1 MiB");
}

static void colours(pid_t pid)
{
	setenv("CLICOLOR_FORCE", "1", 1);
	EXPECT_EQ(tool("map %d", pid), 0);
	unsetenv("CLICOLOR_FORCE");
	EXPECT_OUT("\033[32m");
	EXPECT(!strstr(tool_out, "\033[31m\\x0a"));
}

static void lists(pid_t pid)
{
	EXPECT_EQ(tool("map --list %d", pid), 0);
	EXPECT_EQ(lines(), 1 + 8);
	EXPECT_OUT(" 4194304 vram ");
	EXPECT_OUT(" fixed,inside ");
	EXPECT_EQ(tool("map --json %d", pid), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"comm\": \"a\\\"b\\\\\\u001b[31m\\u000a\xc3\xa9\\ufffd\"");
	EXPECT_OUT("\"buffers\": 7,");
	EXPECT_OUT("\"kind\": \"private\"");
}

/* The picture stays small, the lists have them all. */
static void folded(pid_t pid)
{
	EXPECT_EQ(tool("map %d", pid), 0);
	EXPECT_LT(lines(), 80);
	EXPECT_LE(widest_line(), 80);
	EXPECT_OUT(" more buffers, ");
	EXPECT_EQ(tool("map --all %d", pid), 0);
	EXPECT_GT(lines(), scaled(3000, 300));
	EXPECT_LE(widest_line(), 80);
	EXPECT_EQ(tool("map --list %d", pid), 0);
	EXPECT_EQ(lines(), 1 + 8 + scaled(3000, 300));
}

static void errors(pid_t pid)
{
	expect_complaint(tool("map 1"), 1);
	EXPECT_ERR("no process 1 uses rocsvm; those that do: ");
	expect_complaint(tool("map"), 2);
	expect_complaint(tool("map ../1"), 2);
	expect_complaint(tool("map --wrong %d", pid), 2);
}

static void as_nobody(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	ASSERT_EQ(setgid(65534), 0);
	ASSERT_EQ(setuid(65534), 0);
	expect_complaint(tool("map %d", pid), 1);
	EXPECT_ERR("be root");
}

static void test(void)
{
	struct holder h = { .prepare = prepare, .next = many };

	holder_start(&h);
	picture(h.pid);
	colours(h.pid);
	lists(h.pid);
	errors(h.pid);
	EXPECT_EQ(run_child(as_nobody, &h.pid), 0);
	holder_next(&h);
	folded(h.pid);
	holder_end(&h);
	expect_complaint(tool("map %d", h.pid), 1);
}

int main(void)
{
	return test_main(test);
}
