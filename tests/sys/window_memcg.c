// SPDX-License-Identifier: MIT
/*
 * A host buffer larger than the memory cgroup allows is -ENOMEM: nobody is
 * killed, and nothing of it is left. What fits goes on working.
 */
#include "window.h"

#include <sys/stat.h>

#define CGROUP "/sys/fs/cgroup/rocsvm-window"
#define LIMIT MiB(48)

static void remove_cgroup(void)
{
	rmdir(CGROUP);
}

/* A number behind a word in memory.events. */
static long event(const char *name)
{
	char text[512], *found;

	ASSERT_GT(file_read(CGROUP "/memory.events", text, sizeof(text)), 0);
	found = strstr(text, name);
	ASSERT(found);
	return atol(found + strlen(name));
}

static void expect_given_back(uint64_t usage)
{
	/* Freed pages are uncharged in batches. */
	EXPECT(EVENTUALLY(file_u64(CGROUP "/memory.current") <
			  usage + MiB(4), 10000));
}

static void too_large(struct window *w, uint64_t length)
{
	uint64_t usage = file_u64(CGROUP "/memory.current");
	uint64_t buffers = info_buffers(w->fd);
	void *va;

	say("%" PRIu64 " MiB", length >> 20);
	EXPECT_EQ(svm_try_alloc(w->fd, ROCSVM_KIND_HOST, length, &va), -ENOMEM);
	EXPECT_EQ(info_buffers(w->fd), buffers);
	expect_given_back(usage);
}

/* Many small ones, until there is no more. */
static void too_many(struct window *w)
{
	uint64_t usage = file_u64(CGROUP "/memory.current");
	char *p[LIMIT / MiB(1) + 1];
	size_t n = 0;
	void *va;
	int r = 0;

	while (n < ARRAY_SIZE(p)) {
		r = svm_try_alloc(w->fd, ROCSVM_KIND_HOST, MiB(1), &va);
		if (r)
			break;
		p[n++] = va;
	}
	say("%zu buffers of 1 MiB, then %d", n, r);
	EXPECT_EQ(r, -ENOMEM);
	EXPECT_GT(n, 8);
	EXPECT_EQ(info_buffers(w->fd), n);
	for (size_t i = 0; i < n; i++) {
		memset(p[i], 0x11, MiB(1));
		EXPECT_EQ(svm_free(w->fd, p[i]), 0);
	}
	expect_given_back(usage);
}

static void limited(void *unused)
{
	struct window w;
	char *fits;

	(void)unused;
	ASSERT_EQ(file_write(CGROUP "/cgroup.procs", "0"), 0);
	w = window_open();
	too_large(&w, MiB(128));
	too_large(&w, GiB(64));
	too_many(&w);
	fits = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(16));
	EXPECT_EQ(find_not(fits, 0, MiB(16)), -1);
	too_large(&w, MiB(128));
	memset(fits, 0x11, MiB(16));
	EXPECT_EQ(svm_free(w.fd, fits), 0);
}

static void test(void)
{
	int log = klog_open();
	char limit[32];

	if (access("/sys/fs/cgroup/cgroup.controllers", R_OK))
		test_skip("no cgroup2");
	file_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	at_end(remove_cgroup);
	ASSERT_EQ(SYS(mkdir(CGROUP, 0755)), 0);
	snprintf(limit, sizeof(limit), "%" PRIu64, LIMIT);
	ASSERT_EQ(file_write(CGROUP "/memory.max", limit), 0);
	/* Only there with swap accounting. */
	file_write(CGROUP "/memory.swap.max", "0");
	EXPECT_EQ(run_child(limited, NULL), 0);
	EXPECT_EQ(event("oom_kill "), 0);
	EXPECT_GT(event("max "), 0);
	EXPECT_EQ(klog_count(log, "oom"), 0);
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(file_u64(CGROUP "/memory.current") < MiB(4), 10000));
}

int main(void)
{
	return window_main(test);
}
