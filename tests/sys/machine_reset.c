// SPDX-License-Identifier: MIT
/*
 * A GPU reset, asked for through amdgpu's debugfs, while rocsvm is in use: to
 * open meanwhile is refused as KFD refuses it, or succeeds; calls in progress
 * end; what was there before can be asked for, unmapped, freed and closed; and
 * a new process finds a GPU that copies.
 *
 * What KFD itself does not promise, over /dev/kfd either: it keeps the queues
 * that were there evicted until their process ends (kfd_device.c,
 * kgd2kfd_post_reset(): "KFD won't be able to resume existing process for
 * now"), so nothing is copied by an old queue, and what was in VRAM may be lost.
 * "Failed to suspend process" in the log is KFD's too: it says so of each
 * process, as the scheduler can't be asked any more.
 *
 * On a kernel with lockdep there are no calls in progress: KFD's own MAP and
 * UNMAP do not take the lock that keeps a reset away, and 6.1 says so, in
 * amdgpu_device_skip_hw_access(), from amdgpu_device_flush_hdp() as
 * amdgpu_vm_update_range() calls it.
 */
#include "newcomer.h"
#include "pagetable.h"

#include <glob.h>

#define RESET "/sys/kernel/debug/dri/0/amdgpu_gpu_recover"
#define DUMPS "/sys/class/devcoredump/devcd*/data"
/* At least so many; more until an open has met one. */
#define RESETS 2
#define MOST_RESETS 10
#define LENGTH KiB(64)
#define WORKERS 2

static const uint32_t kinds[] = {
	ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
	ROCSVM_KIND_PRIVATE_VRAM,
};
enum { HOST, GTT, VRAM, PRIVATE, KINDS };

/* What all processes add to. */
static struct {
	volatile bool stop;
	unsigned long opened, refused, rounds;
	unsigned long errors[256];
} *seen;

static struct sync ready, go_on;
static int fd;

static void count(unsigned long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* amdgpu leaves a dump of each reset, which keeps it loaded for five minutes. */
static void forget_dumps(void)
{
	glob_t found;

	if (glob(DUMPS, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		EXPECT_EQ(file_write(found.gl_pathv[i], "1"), 0);
	globfree(&found);
}

/* Whoever reads the file waits for the reset to end. */
static void reset(void)
{
	char text[32];
	int log = klog_open();

	EXPECT_GE(file_read(RESET, text, sizeof(text)), 0);
	EXPECT_EQ(klog_count(log, ") succeeded!"), 1);
	close(log);
	forget_dumps();
}

static void open_once(void *unused)
{
	int own = svm_open();

	(void)unused;
	if (own == (kernel_since(6, 12) ? -EINVAL : -EAGAIN)) {
		count(&seen->refused);
		return;
	}
	EXPECT_GE(own, 0);
	count(&seen->opened);
	close(own);
}

/* A process that KFD knows already, often: it meets the reset for certain. */
static void opener(void *unused)
{
	while (!seen->stop)
		open_once(unused);
}

/* Processes that are new to KFD. */
static void opener_in_new(void *unused)
{
	while (!seen->stop)
		EXPECT_EQ(run_child(open_once, unused), 0);
}

/* Each call may fail, but for FREE of what is not mapped. */
static void *worker(void *unused)
{
	while (!seen->stop) {
		for (int i = 0; i < KINDS; i++) {
			void *va;
			int r = svm_try_alloc(fd, kinds[i], LENGTH, &va);

			count(&seen->errors[-r & 255]);
			if (r)
				continue;
			count(&seen->errors[-svm_map_all(fd, va) & 255]);
			if (kinds[i] != ROCSVM_KIND_PRIVATE_VRAM)
				memset(va, 1, LENGTH);
			count(&seen->errors[-svm_unmap_all(fd, va) & 255]);
			EXPECT_EQ(svm_free(fd, va), 0);
		}
		count(&seen->rounds);
	}
	return unused;
}

/* The process that is there before: buffers of all kinds, a queue, threads. */
static void user(void *unused)
{
	int workers = debug_kernel() ? 0 : WORKERS;
	pthread_t thread[WORKERS];
	struct gpuqueue queue;
	char *va[KINDS];

	(void)unused;
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	for (int i = 0; i < KINDS; i++) {
		va[i] = svm_alloc(fd, kinds[i], LENGTH);
		EXPECT_EQ(svm_map_all(fd, va[i]), 0);
		if (i != PRIVATE)
			pattern_fill(va[i], LENGTH, i);
	}
	EXPECT_EQ(gpuqueue_copy(&queue, va[PRIVATE], va[HOST], LENGTH), 0);
	for (int i = 0; i < workers; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, worker, NULL), 0);
	sync_post(&ready);
	sync_wait(&go_on);
	for (int i = 0; i < workers; i++)
		pthread_join(thread[i], NULL);

	EXPECT_EQ(pattern_differs(va[HOST], LENGTH, HOST), -1);
	EXPECT_EQ(pattern_differs(va[GTT], LENGTH, GTT), -1);
	memset(va[VRAM], 1, LENGTH);
	for (int i = 0; i < KINDS; i++) {
		struct rocsvm_query query = { .va = (uintptr_t)va[i] };

		EXPECT_EQ(svm_query(fd, &query), 0);
		EXPECT_EQ(query.num_gpus, 1);
		EXPECT_EQ(svm_unmap_all(fd, va[i]), 0);
		/* Half of them go by FREE, mapped or not, the others by close. */
		if (i % 2)
			EXPECT_EQ(svm_free(fd, va[i]), 0);
	}
	use_all_kinds(fd, LENGTH);
	gpuqueue_close(&queue);
	close(fd);
}

static void test(void)
{
	struct account a = account_open();
	pid_t pid[3];

	if (access(RESET, R_OK))
		test_skip("no " RESET);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(seen != MAP_FAILED);
	sync_init(&ready);
	sync_init(&go_on);
	pid[0] = child_start(user, NULL);
	sync_wait(&ready);
	pid[1] = child_start(opener, NULL);
	pid[2] = child_start(opener_in_new, NULL);
	for (int i = 0; i < RESETS || (!seen->refused && i < MOST_RESETS); i++) {
		usleep(200000);
		reset();
	}
	usleep(200000);
	seen->stop = true;
	sync_post(&go_on);
	for (size_t i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(child_wait(pid[i]), 0);
	say("%lu opens, %lu refused; %lu rounds of calls", seen->opened,
	    seen->refused, seen->rounds);
	EXPECT_GT(seen->opened, 0);
	EXPECT_GT(seen->refused, 0);
	for (size_t i = 1; i < ARRAY_SIZE(seen->errors); i++)
		if (seen->errors[i])
			say("%s: %lu calls", strerror(i), seen->errors[i]);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(newcomer, NULL), 0);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return test_main(test);
}
