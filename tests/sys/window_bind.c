// SPDX-License-Identifier: MIT
/*
 * Something else mounted on /dev/kfd: for a process in its own namespace that
 * may be /dev/rocsvm itself, which then serves in KFD's place. Where init sees
 * it too there is no KFD to reach: open is an error. Never does an open of the
 * node hang, or make the open of any other device hang.
 */
#include "window.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define FIFO "/tmp/rocsvm-fifo"
#define PATIENCE (debug_kernel() ? 30 : 8)

static void unmount(void)
{
	umount2("/dev/kfd", MNT_DETACH);
	unlink(FIFO);
}

/* ---- in a namespace of its own ------------------------------------------ */

/* What an unmodified runtime does when /dev/kfd is /dev/rocsvm. */
static void as_kfd(void *unused)
{
	struct rocsvm_info info;
	int kfd, fd;

	(void)unused;
	ASSERT_EQ(SYS(unshare(CLONE_NEWNS)), 0);
	ASSERT_EQ(SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), 0);
	ASSERT_EQ(SYS(mount("/dev/rocsvm", "/dev/kfd", NULL, MS_BIND, NULL)), 0);
	kfd = kfd_open();
	ASSERT_EQ(svm_info(kfd, &info), 0);
	EXPECT_GE(info.num_gpus, 1);
	EXPECT_GT(kfd_available(kfd, svm_gpu(kfd, 0)), 0);
	fd = window_start();
	EXPECT_ALIVE(svm_alloc(fd, ROCSVM_KIND_HOST, PAGE));
	EXPECT_ALIVE(svm_alloc(kfd, ROCSVM_KIND_GTT, PAGE));
	close(fd);
	close(kfd);
}

/* ---- in init's namespace ------------------------------------------------ */

/* Devices of others: misc devices with an open of their own, and not misc. */
static void open_others(void *unused)
{
	static const char *const paths[] = {
		"/dev/null", "/dev/zero", "/dev/hpet", "/dev/vga_arbiter",
		"/dev/cpu_dma_latency", "/dev/fuse", "/dev/kmsg", "/proc/misc",
	};
	char text[4096];

	(void)unused;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
			int fd = open(paths[i], O_RDONLY | O_NONBLOCK |
				      O_CLOEXEC);

			/* An errno is an answer, too. */
			if (fd >= 0)
				close(fd);
		}
		EXPECT_GE(file_read("/proc/misc", text, sizeof(text)), 0);
		usleep(20000);
	}
}

static void open_fails(void *unused)
{
	char *before = maps_text(0, 0, UINT64_MAX);
	int fd;

	(void)unused;
	for (int i = 0; i < 5; i++) {
		fd = svm_open();
		say("open: %d", fd);
		EXPECT_LT(fd, 0);
		if (fd >= 0)
			close(fd);
	}
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	free(before);
}

static void mounted(const char *source)
{
	pid_t opener;
	int status = -1;
	bool ended;

	say("%s on /dev/kfd", source);
	ASSERT_EQ(SYS(mount(source, "/dev/kfd", NULL, MS_BIND, NULL)), 0);
	opener = child_start(open_fails, NULL);
	EXPECT_EQ(run_child_bounded(open_others, NULL, PATIENCE), 0);
	ended = EVENTUALLY(waitpid(opener, &status, WNOHANG) == opener,
			   PATIENCE * 1000);
	EXPECT(ended);
	if (!ended) {
		kill(opener, SIGKILL);
		status = child_wait(opener);
	}
	EXPECT_EQ(status, 0);
	EXPECT_EQ(svm_counter("spaces"), 0);
	ASSERT_EQ(SYS(umount2("/dev/kfd", 0)), 0);
}

/* ---- a file system that never answers ----------------------------------- */

static void open_waits(void *unused)
{
	(void)unused;
	svm_open();
}

/*
 * The opener waits for a FUSE server that does nothing; everybody else goes on
 * and it can be killed.
 */
static void silent_server(void)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC), status;
	char options[128];
	pid_t opener;

	if (fuse < 0) {
		say("no FUSE");
		return;
	}
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=100000,user_id=0,group_id=0", fuse);
	ASSERT_EQ(SYS(mount("rocsvm-test", "/dev/kfd", "fuse", 0, options)), 0);
	opener = child_start(open_waits, NULL);
	usleep(300000);
	EXPECT_EQ(run_child_bounded(open_others, NULL, PATIENCE), 0);
	kill(opener, SIGKILL);
	EXPECT(EVENTUALLY(waitpid(opener, &status, WNOHANG) == opener,
			  PATIENCE * 1000));
	umount2("/dev/kfd", MNT_DETACH);
	close(fuse);
}

static void test(void)
{
	at_end(unmount);
	unlink(FIFO);
	ASSERT_EQ(SYS(mkfifo(FIFO, 0666)), 0);
	EXPECT_EQ(run_child_bounded(as_kfd, NULL, PATIENCE), 0);
	mounted("/dev/rocsvm");
	mounted(FIFO);
	mounted("/dev/null");
	/*
	 * Opened, refused and closed at once. The GPU scheduler of 6.1 can
	 * still be at work for a render file then, and KASAN sees it (in
	 * drm_sched_main(), no frame of ours): not where that ends the run.
	 */
	if (!debug_kernel())
		mounted("/dev/dri/renderD128");
	mounted("/proc/version");
	silent_server();
	EXPECT_EQ(run_child_bounded(as_kfd, NULL, PATIENCE), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
