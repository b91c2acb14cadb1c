// SPDX-License-Identifier: MIT
/*
 * The kernel's test of suspend, up to the devices: amdgpu stops and starts the
 * GPU for real, while a process has buffers of all kinds and a queue. The bytes
 * are there afterwards, VRAM's too, which was evicted; buffers can be made,
 * unmapped and freed; and a new process copies.
 *
 * The old process's queues stand still, over /dev/kfd as well: KFD of 6.1 evicts
 * them twice, once as amdgpu_device_prepare() evicts VRAM (evict_process_worker())
 * and once in kfd_suspend_all_processes(), which cancels the first restore, and
 * restores once: qpd->evicted stays 1.
 *
 * amdgpu is loaded anew, with a virtual display: without a display block, which
 * the phantom GPU has not, amdgpu_device_suspend() of 6.1 warns by itself, of
 * "drm_WARN_ON(!dev->mode_config.poll_enabled)".
 */
#include "newcomer.h"
#include "pagetable.h"

#define LENGTH KiB(64)
#define SUSPENDS 1

static bool stop;
static int fd;

static void amdgpu(const char *parameters)
{
	char command[256];

	ASSERT(EVENTUALLY(!SYS(syscall(SYS_delete_module, "amdgpu", O_NONBLOCK)),
			  20000));
	snprintf(command, sizeof(command),
		 ". /etc/run.conf && modprobe amdgpu $AMDGPU_PARAMS %s",
		 parameters);
	ASSERT_EQ(system(command), 0);
	ASSERT(EVENTUALLY(!access("/dev/kfd", R_OK) &&
			  !access("/dev/dri/renderD128", R_OK), 20000));
}

static void amdgpu_as_before(void)
{
	amdgpu("");
}

static void *worker(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		use_all_kinds(fd, LENGTH);
		++*(long *)arg;
	}
	return NULL;
}

/* The process that sleeps through it. */
static void sleeper(void *unused)
{
	static const char *const what[] = { "host", "GTT", "VRAM" };
	char *va[ARRAY_SIZE(cpu_kinds)], *private;
	struct gpuqueue queue;
	pthread_t thread;
	long rounds = 0;

	(void)unused;
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++) {
		va[i] = svm_alloc(fd, cpu_kinds[i], LENGTH);
		EXPECT_EQ(svm_map_all(fd, va[i]), 0);
		pattern_fill(va[i], LENGTH, i);
	}
	private = svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, LENGTH);
	EXPECT_EQ(svm_map_all(fd, private), 0);
	EXPECT_EQ(gpuqueue_copy(&queue, private, va[0], LENGTH), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, worker, &rounds), 0);
	for (int i = 0; i < SUSPENDS; i++) {
		int r, tries = 0;

		/* "evicting device resources failed": a buffer is in use. */
		do {
			r = file_write("/sys/power/state", "mem");
		} while (r == -EBUSY && ++tries < 10);
		EXPECT_EQ(r, 0);
		for (size_t j = 0; j < ARRAY_SIZE(cpu_kinds); j++)
			if (pattern_differs(va[j], LENGTH, j) != -1) {
				say("%s", what[j]);
				EXPECT_EQ(pattern_differs(va[j], LENGTH, j), -1);
			}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	say("%ld rounds of calls beside it", rounds);
	EXPECT_GT(rounds, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++) {
		EXPECT_EQ(svm_unmap_all(fd, va[i]), 0);
		EXPECT_EQ(svm_map_all(fd, va[i]), 0);
		EXPECT_EQ(svm_free(fd, va[i]), 0);
	}
	EXPECT_EQ(svm_free(fd, private), 0);
	gpuqueue_close(&queue);
	close(fd);
}

static void test(void)
{
	if (access("/sys/power/pm_test", W_OK))
		test_skip("no test of suspend");
	if (!access("/sys/module/suspend/parameters/pm_test_delay", W_OK))
		ASSERT_EQ(knob_set("/sys/module/suspend/parameters/pm_test_delay",
				   "1"), 0);
	at_end(amdgpu_as_before);
	/* Nor is the console to be drawn on that display. */
	ASSERT_EQ(knob_set("/sys/module/drm_kms_helper/parameters/fbdev_emulation",
			   "N"), 0);
	/* Bit 3 is the display block, however many others there are. */
	amdgpu("virtual_display=all ip_block_mask=0x3f");
	ASSERT_EQ(knob_set("/sys/power/pm_test", "devices"), 0);
	EXPECT_EQ(run_child(sleeper, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(newcomer, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
