// SPDX-License-Identifier: MIT
/*
 * What the module keeps for a program is charged to its memory cgroup: the
 * kernel's account of it grows with buffers and registrations, and where there
 * is no more the call is -ENOMEM. Nobody is killed, everything else goes on,
 * and with the program it is all given back.
 */
#include "limit.h"
#include "batch.h"

#include <sys/stat.h>

#define CGROUP "/sys/fs/cgroup/rocsvm-limit"
#define LIMIT MiB(32)
#define BATCH 1024

/* What an object must cost at least, or it is not charged. */
#define BUFFER_BYTES 256
#define RESERVATION_BYTES 512
#define REGISTRATION_BYTES 512

static void remove_cgroup(void)
{
	rmdir(CGROUP);
}

/* A number behind a word at the beginning of a line. */
static long field(const char *file, const char *name)
{
	char path[128], text[4096], line[64], *found;

	snprintf(path, sizeof(path), CGROUP "/%s", file);
	ASSERT_GT(file_read(path, text, sizeof(text)), 0);
	snprintf(line, sizeof(line), "%s ", name);
	found = strstr(text, line);
	while (found && found != text && found[-1] != '\n')
		found = strstr(found + 1, line);
	ASSERT(found);
	return atol(found + strlen(line));
}

static long slab(void)
{
	return field("memory.stat", "slab");
}

/* As many reservations as there is memory for; the last call's error. */
static int fill(struct batch *b, uint32_t room, uint32_t *n)
{
	int r = 0;

	*n = 0;
	while (!r && *n + BATCH <= room) {
		uint32_t done = 0;

		b->count = 0;
		for (uint32_t i = 0; i < BATCH; i++)
			batch_alloc(b, ROCSVM_KIND_ADDRESS, 0, PAGE);
		r = batch_run(b, 0, &done);
		*n += done;
	}
	return r;
}

/* By as many bytes as there are objects, at least. */
static void expect_charged(const char *what, long before, uint32_t n,
			   uint32_t bytes)
{
	long grown = slab() - before;

	say("%u %s: slab grown by %ld bytes, %ld each", n, what, grown, grown / n);
	EXPECT_GT(grown, (long)n * bytes);
}

static void charged(int fd, struct batch *b, char *memory)
{
	uint32_t n = scaled(4 * BATCH, 2 * BATCH);
	long before = slab();
	uint32_t got;

	EXPECT_EQ(fill(b, n, &got), 0);
	expect_charged("reservations", before, got, RESERVATION_BYTES);

	before = slab();
	for (uint32_t i = 0; i < 1000; i++)
		svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	expect_charged("host buffers", before, 1000, BUFFER_BYTES);

	before = slab();
	for (uint32_t i = 0; i < 500; i++)
		ASSERT_EQ(reg_add(fd, memory + 2 * i * PAGE, PAGE), 0);
	expect_charged("registrations", before, 500, REGISTRATION_BYTES);
}

static void member(void *unused)
{
	char *memory = own_private(1000 * PAGE);
	char limit[32];
	struct batch b;
	uint32_t n;
	void *va;
	int fd, r;

	(void)unused;
	memset(memory, 1, 1000 * PAGE);
	ASSERT_EQ(file_write(CGROUP "/cgroup.procs", "0"), 0);
	fd = svm_start();
	batch_open(&b, fd, BATCH);
	/* So that nothing of the program's own is new from here on. */
	memset(b.entries, 1, BATCH * sizeof(*b.entries));
	memset(b.args, 1, BATCH * sizeof(*b.args));
	charged(fd, &b, memory);

	snprintf(limit, sizeof(limit), "%" PRIu64, LIMIT);
	ASSERT_EQ(file_write(CGROUP "/memory.max", limit), 0);
	r = fill(&b, 1000000, &n);
	say("%u more reservations, then %d", n, r);
	EXPECT_EQ(r, -ENOMEM);
	EXPECT_GT(n, BATCH);
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_HOST, HUGE_PAGE, &va), -ENOMEM);
	/* The space is usable: what is freed can be had again. */
	for (uint32_t i = 0; i < n % BATCH; i++)
		EXPECT_EQ(svm_free(fd, at(b.args[i].alloc.va)), 0);
	if (n % BATCH > 64)
		svm_alloc(fd, ROCSVM_KIND_ADDRESS, PAGE);
	/* All that is left goes with the process. */
	ASSERT_EQ(SYS(raise(SIGKILL)), 0);
}

static void test(void)
{
	int log = klog_open(), status;

	if (access("/sys/fs/cgroup/cgroup.controllers", R_OK))
		test_skip("no cgroup2");
	file_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	at_end(remove_cgroup);
	ASSERT_EQ(SYS(mkdir(CGROUP, 0755)), 0);
	file_write(CGROUP "/memory.swap.max", "0");
	status = run_child(member, NULL);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(field("memory.events", "oom_kill"), 0);
	EXPECT_GT(field("memory.events", "max"), 0);
	EXPECT_EQ(klog_count(log, "oom"), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(limit_usage("buffers"), 0);
	EXPECT(EVENTUALLY(file_u64(CGROUP "/memory.current") < MiB(2), 20000));
	say("left: %" PRIu64 " bytes, slab %ld",
	    file_u64(CGROUP "/memory.current"), slab());
}

int main(void)
{
	return window_main(test);
}
