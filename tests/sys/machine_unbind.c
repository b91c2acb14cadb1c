// SPDX-License-Identifier: MIT
/*
 * amdgpu is unbound from its device while processes have buffers of all kinds,
 * registered memory and a queue, mapped to the GPU, and threads in calls. Two of
 * them then end, by kill and by exit; the third goes on calling: memory of the
 * process's own keeps its bytes, that of the driver reads as zeros; UNMAP, FREE,
 * UNREGISTER and QUERY succeed; ALLOC, MAP, EXPORT and REGISTER say that the GPU is
 * gone; nothing is left. amdgpu can't be unloaded before, and afterwards it can;
 * loaded again, all works.
 *
 * What is KFD's of Linux 6.1, over /dev/kfd as well:
 *
 * - To open is -EAGAIN from then on until amdgpu is loaded anew: for the removal
 *   amdgpu_device_ip_fini_early() suspends KFD, which locks it (kgd2kfd_suspend()),
 *   and nothing resumes it.
 *
 * - The GPU's data is freed with the last of its render files, and a kfd_process
 *   that has none, as that of an open that was refused, refers to it still:
 *   kfd_process_wq_release() oopses if it comes later. So the test holds a render
 *   file of its own until KFD's processes have gone.
 *
 * In 6.12 it can't be tried: FREE, and the end of a process with buffers, use the
 * struct drm_file of KFD's own that drm_client_release() has freed when the device
 * was unbound, over /dev/kfd as well (a KASAN report in drm_gem_handle_delete()).
 */
#include <dirent.h>

#include "newcomer.h"
#include "reg.h"
#include "share.h"

#define LENGTH KiB(64)
#define RENDER "/dev/dri/renderD128"
#define DRIVER "/sys/bus/pci/drivers/amdgpu/"

/* Below 1 TiB, so that a GPU with 40 address bits can have it registered. */
#define OWN at(GiB(64))

#define WORKERS 2

static const struct {
	const char *name;
	uint32_t kind;
} kinds[] = {
	{ "host", ROCSVM_KIND_HOST },
	{ "GTT", ROCSVM_KIND_GTT },
	{ "VRAM", ROCSVM_KIND_VRAM },
	{ "private VRAM", ROCSVM_KIND_PRIVATE_VRAM },
};
enum { HOST, GTT, VRAM, PRIVATE, KINDS };

static struct sync ready, go_on, exit_now;

/* What threads in calls have seen meanwhile. */
static struct {
	volatile bool stop;
	unsigned long rounds, calls[256];
} *seen;

/* ---- the driver ---------------------------------------------------------- */

static int unload(void)
{
	return SYS(syscall(SYS_delete_module, "amdgpu", O_NONBLOCK));
}

static void load(void)
{
	EXPECT_EQ(system(". /etc/run.conf && modprobe amdgpu $AMDGPU_PARAMS"), 0);
	EXPECT(EVENTUALLY(!access("/dev/kfd", R_OK) && !access(RENDER, R_OK),
			  20000));
}

/* However the test has ended. */
static void amdgpu_as_before(void)
{
	if (!access(RENDER, R_OK))
		return;
	if (!EVENTUALLY(access("/sys/module/amdgpu/refcnt", R_OK) || !unload(),
			20000))
		say("amdgpu can't be unloaded");
	load();
}

static void unbind(void)
{
	char path[256], *name;
	ssize_t n;

	n = readlink("/sys/class/drm/renderD128/device", path, sizeof(path) - 1);
	ASSERT_GT(n, 0);
	path[n] = '\0';
	name = strrchr(path, '/') + 1;
	ASSERT_EQ(file_write(DRIVER "unbind", name), 0);
	say("%s has no driver", name);
}

/* What keeps amdgpu from being unloaded. */
static uint64_t references(void)
{
	return file_u64("/sys/module/amdgpu/refcnt");
}

/* Processes that KFD has not yet let go of. */
static int kfd_processes(void)
{
	DIR *dir = opendir("/sys/class/kfd/kfd/proc");
	int n = 0;

	ASSERT(dir);
	for (struct dirent *e; (e = readdir(dir)); )
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* ---- the processes that are there before --------------------------------- */

struct user {
	int fd;
	uint32_t gpu;
	struct gpuqueue queue;
	char *mapped[KINDS], *idle[KINDS], *left[KINDS];
	char *own;	/* three registrations, side by side */
};

static void user_start(struct user *u)
{
	/* It may not outlive a test that fails. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	u->fd = svm_start();
	u->gpu = svm_gpu(u->fd, 0);
	gpuqueue_open(&u->queue, u->fd, u->gpu);
	for (int i = 0; i < KINDS; i++) {
		u->mapped[i] = svm_alloc(u->fd, kinds[i].kind, LENGTH);
		u->idle[i] = svm_alloc(u->fd, kinds[i].kind, LENGTH);
		u->left[i] = svm_alloc(u->fd, kinds[i].kind, LENGTH);
		EXPECT_EQ(svm_map_all(u->fd, u->mapped[i]), 0);
		EXPECT_EQ(svm_map_all(u->fd, u->left[i]), 0);
		if (i != PRIVATE)
			pattern_fill(u->mapped[i], LENGTH, i);
	}
	u->own = own(OWN, 3 * LENGTH, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	pattern_fill(u->own, 3 * LENGTH, KINDS);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(reg_add_mapped(u->fd, u->own + i * LENGTH, LENGTH,
					 u->gpu), 0);
	EXPECT_EQ(gpuqueue_copy(&u->queue, u->mapped[PRIVATE], u->mapped[HOST],
				LENGTH), 0);
}

static void count(int r)
{
	__atomic_add_fetch(&seen->calls[-r & 255], 1, __ATOMIC_RELAXED);
}

/* In calls while it happens: ALLOC and MAP may fail. */
static void *worker(void *arg)
{
	int fd = *(int *)arg;

	while (!seen->stop) {
		for (int i = 0; i < KINDS; i++) {
			void *va;
			int r = svm_try_alloc(fd, kinds[i].kind, LENGTH, &va);

			count(r);
			if (r)
				continue;
			count(svm_map_all(fd, va));
			if (i != PRIVATE)
				memset(va, 1, LENGTH);
			EXPECT_EQ(svm_unmap_all(fd, va), 0);
			EXPECT_EQ(svm_free(fd, va), 0);
		}
		__atomic_add_fetch(&seen->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Ends with all it has; the one that is killed is still waiting. */
static void leaver(void *unused)
{
	struct user u;

	(void)unused;
	user_start(&u);
	sync_post(&ready);
	sync_wait(&exit_now);
}

static void look(struct user *u)
{
	EXPECT_EQ(pattern_differs(u->mapped[HOST], LENGTH, HOST), -1);
	EXPECT_EQ(pattern_differs(u->own, 3 * LENGTH, KINDS), -1);
	/* One page of zeros for all of a buffer. */
	for (int i = GTT; i <= VRAM; i++) {
		char *va = u->mapped[i];

		EXPECT_EQ(probe_read(va), 0);
		EXPECT_EQ(find_not(va, 0, LENGTH), -1);
		EXPECT_EQ(probe_write(va), 0);
		EXPECT_EQ(va[0], 0x77);
		EXPECT_EQ(va[PAGE], 0x77);
		EXPECT_ALIVE(u->idle[i]);
	}
}

static void expect_gpus(int fd, const char *va, uint32_t gpus)
{
	struct rocsvm_query query = { .va = (uintptr_t)va };

	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.num_gpus, gpus);
}

static void call(struct user *u, int i)
{
	int fd = u->fd;
	void *va;

	expect_gpus(fd, u->mapped[i], 1);
	EXPECT_EQ(svm_map_all(fd, u->mapped[i]), 0);
	EXPECT_EQ(svm_map_all(fd, u->idle[i]), -ENODEV);
	expect_gpus(fd, u->idle[i], 0);
	EXPECT_EQ(svm_unmap_all(fd, u->idle[i]), 0);
	EXPECT_EQ(svm_unmap_all(fd, u->mapped[i]), 0);
	expect_gpus(fd, u->mapped[i], 0);
	EXPECT_EQ(svm_map_all(fd, u->mapped[i]), -ENODEV);
	EXPECT_EQ(svm_export(fd, u->idle[i]), i == HOST ? -EOPNOTSUPP : -ENODEV);
	EXPECT_EQ(svm_free(fd, u->mapped[i]), 0);
	EXPECT_DEAD(u->mapped[i]);

	EXPECT_EQ(svm_try_alloc(fd, kinds[i].kind, LENGTH, &va), -ENODEV);
}

static void call_registered(struct user *u)
{
	EXPECT_EQ(reg_end(u->fd, u->own, LENGTH), 0);
	EXPECT_EQ(reg_add_mapped(u->fd, u->own, LENGTH, u->gpu), -ENODEV);
	EXPECT_REGISTERED(u->fd, 2, 2 * LENGTH);
	EXPECT_EQ(reg_add(u->fd, u->own, LENGTH), -ENODEV);
	EXPECT_REGISTERED(u->fd, 2, 2 * LENGTH);
	/* Memory goes that the GPU may have had: the third stays till the end. */
	EXPECT_EQ(SYS(munmap(u->own + LENGTH, LENGTH)), 0);
	EXPECT_EQ(pattern_differs(u->own, LENGTH, KINDS), -1);
}

static void caller(void *unused)
{
	pthread_t thread[WORKERS];
	uint64_t buffers;
	struct user u;
	int second;

	(void)unused;
	user_start(&u);
	buffers = info_buffers(u.fd);
	for (int i = 0; i < WORKERS; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, worker, &u.fd), 0);
	sync_post(&ready);
	sync_wait(&go_on);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(info_buffers(u.fd), buffers);

	look(&u);
	EXPECT_EQ(gpuqueue_copy_within(&u.queue, u.mapped[HOST], u.left[HOST],
				       LENGTH, 1000), -ETIMEDOUT);
	EXPECT_EQ(pattern_differs(u.mapped[HOST], LENGTH, HOST), -1);
	for (int i = 0; i < KINDS; i++) {
		say("%s", kinds[i].name);
		call(&u, i);
	}
	call_registered(&u);
	second = svm_open();
	EXPECT_GE(second, 0);
	close(second);
	gpuqueue_close(&u.queue);
	/* What is freed is not kept back. */
	EXPECT_EQ(info_buffers(u.fd), buffers - KINDS - 5);
	EXPECT_EQ(info_quarantined(u.fd), 0);

	close(u.fd);
	EXPECT_EQ(svm_open(), -EAGAIN);
	/* A dormant space. */
	sync_post(&ready);
	sync_wait(&go_on);
}

/* ---- and those that come after it ---------------------------------------- */

static void refused(void *unused)
{
	(void)unused;
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR | O_CLOEXEC)), -EAGAIN);
	EXPECT_EQ(svm_open(), -EAGAIN);
	EXPECT_EQ(SYS(open(RENDER, O_RDWR | O_CLOEXEC)), -ENOENT);
}

static void test(void)
{
	pid_t killed, exiting, calling;
	int render;

	if (kernel_since(6, 12))
		test_skip("KFD uses what the removal has freed");
	at_end(amdgpu_as_before);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(seen != MAP_FAILED);
	sync_init(&ready);
	sync_init(&go_on);
	sync_init(&exit_now);
	render = SYS(open(RENDER, O_RDWR | O_CLOEXEC));
	ASSERT_GE(render, 0);
	/* Nothing is left of the test before. */
	ASSERT(EVENTUALLY(references() == 1, 20000));
	killed = child_start(leaver, NULL);
	sync_wait(&ready);
	exiting = child_start(leaver, NULL);
	sync_wait(&ready);
	calling = child_start(caller, NULL);
	sync_wait(&ready);

	EXPECT(EVENTUALLY(seen->rounds > 0, 20000));
	unbind();
	seen->stop = true;
	EXPECT_EQ(unload(), -EAGAIN);
	EXPECT_EQ(run_child(refused, NULL), 0);

	EXPECT_EQ(kill(killed, SIGKILL), 0);
	EXPECT_EQ(child_wait(killed), SIGKILL);
	sync_post(&exit_now);
	EXPECT_EQ(child_wait(exiting), 0);
	EXPECT(EVENTUALLY(svm_counter("spaces") == 1, 10000));
	EXPECT(EVENTUALLY(kfd_processes() == 1, 10000));

	sync_post(&go_on);
	sync_wait(&ready);
	say("%lu rounds of calls beside it", seen->rounds);
	for (size_t i = 1; i < ARRAY_SIZE(seen->calls); i++)
		if (seen->calls[i])
			say("%s: %lu calls", strerror(i), seen->calls[i]);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
	/* The test's own file, and the dormant space's. */
	EXPECT_GT(references(), 1);
	EXPECT_EQ(unload(), -EAGAIN);
	sync_post(&go_on);
	EXPECT_EQ(child_wait(calling), 0);
	EXPECT(svm_all_gone());

	ASSERT(EVENTUALLY(kfd_processes() == 0, 10000));
	ASSERT(EVENTUALLY(references() == 1, 10000));
	close(render);
	ASSERT(EVENTUALLY(!unload(), 20000));
	load();
	EXPECT_EQ(run_child(newcomer, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
