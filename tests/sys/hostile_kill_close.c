// SPDX-License-Identifier: MIT
/*
 * kill -9 while a process closes its last file. KFD is not asked any more to take
 * buffers and registered memory from the GPUs, as it could be interrupted halfway: so they keep their
 * memory until KFD has stopped the process's queues, which is when the mm ends.
 *
 * Were the window unmapped before, KFD would stop the queues for a moment only,
 * find no memory, take that for success, and go on with the pages that a buffer
 * had last (update_invalid_user_pages()): somebody else's by then.
 */
#include "hostile.h"
#include "kprobe.h"
#include "reg.h"

#define COUNT 2000
#define MOST_ROUNDS 20

static struct sync ready, go_on;

static void have_buffers(int fd)
{
	for (int i = 0; i < COUNT; i++)
		EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
}

/* Every other page. */
static void have_registrations(int fd)
{
	uint32_t gpu = svm_gpu(fd, 0);
	char *memory = own(at(GiB(64)), 2 * COUNT * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);

	for (int i = 0; i < COUNT; i++)
		EXPECT_EQ(reg_add_mapped(fd, memory + 2 * i * PAGE, PAGE, gpu), 0);
}

static const struct have {
	void (*make)(int fd);
	const char *counter;
} haves[] = {
	{ have_buffers, "host_bytes" },
	{ have_registrations, "registered_bytes" },
};

static void victim(void *arg)
{
	const struct have *have = arg;
	int fd = svm_start();

	have->make(fd);
	sync_post(&ready);
	sync_wait(&go_on);
	close(fd);
}

/* How often the window was unmapped by a victim, which is killed or not. */
static size_t unmapped(struct kprobe *probe, const struct have *have, bool killed,
		       uint64_t *left)
{
	pid_t pid = child_start(victim, (void *)have);
	int status;

	sync_wait(&ready);
	kprobe_thread(probe, pid);
	EXPECT_EQ(svm_counter(have->counter), COUNT * PAGE);
	sync_post(&go_on);
	if (killed) {
		while (svm_counter(have->counter) > COUNT * PAGE * 3 / 4)
			;
		ASSERT_EQ(SYS(kill(pid, SIGKILL)), 0);
		*left = svm_counter(have->counter) / PAGE;
	}
	status = child_wait(pid);
	EXPECT_EQ(status, killed ? SIGKILL : 0);
	EXPECT(svm_all_gone());
	return kprobe_read(probe, NULL, 0);
}

static void test(void)
{
	struct account a = account_open();
	struct kprobe probe;

	sync_init(&ready);
	sync_init(&go_on);
	kprobe_open(&probe, "rocsvm:rocsvm_window_unmap", "");
	for (size_t i = 0; i < ARRAY_SIZE(haves); i++) {
		uint64_t left = 0;
		size_t n = 0;

		EXPECT_EQ(unmapped(&probe, &haves[i], false, NULL), 1);
		/* Until it was in the middle. */
		for (int round = 0; round < MOST_ROUNDS && !left; round++)
			n = unmapped(&probe, &haves[i], true, &left);
		say("%s: %lu pages left as it was killed", haves[i].counter, left);
		EXPECT_GT(left, 0);
		EXPECT_EQ(n, 0);
	}
	kprobe_close(&probe);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return test_main(test);
}
