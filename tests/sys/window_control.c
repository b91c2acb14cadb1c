// SPDX-License-Identifier: MIT
/*
 * The control page, by which the module talks to KFD, is the program's to
 * spoil: it stays coherent whatever is advised on it, and where it is taken
 * away, replaced or scribbled on, the program gets errors and nobody else
 * does. Its end is clean in every case.
 */
#include "window.h"

#include <linux/mempolicy.h>
#include <poll.h>

static struct window w;
static char *page;

static void open_window(void)
{
	w = window_open();
	page = at(w.control_vma.start);
}

/* Every ioctl that needs KFD, on every kind; 0 or the first error. */
static int use(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++) {
		void *va;
		int r = svm_try_alloc(w.fd, cpu_kinds[i], KiB(64), &va);

		if (!r)
			r = svm_map_all(w.fd, va);
		if (!r)
			r = svm_unmap_all(w.fd, va);
		if (!r)
			r = svm_free(w.fd, va);
		if (r)
			return r;
	}
	return 0;
}

static void coherent(void *unused)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_REMOVE, MADV_FREE, MADV_COLD, MADV_PAGEOUT,
		MADV_WILLNEED, MADV_MERGEABLE, MADV_HUGEPAGE, MADV_COLLAPSE,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DODUMP,
		MADV_DONTNEED_LOCKED, MADV_RANDOM, MADV_NOHUGEPAGE,
	};
	unsigned long node0 = 1;
	void *pages[1];
	int node = 0, status = -1;

	(void)unused;
	open_window();
	EXPECT_EQ(use(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		SYS(madvise(page, PAGE, advices[i]));
		EXPECT_EQ(use(), 0);
	}
	/* A page cache page would be a hole now; this one is not in a cache. */
	EXPECT_LT(SYS(madvise(page, PAGE, MADV_REMOVE)), 0);
	pages[0] = page;
	SYS(syscall(SYS_move_pages, 0, 1UL, pages, &node, &status,
		    MPOL_MF_MOVE));
	EXPECT_EQ(use(), 0);
	SYS(syscall(SYS_mbind, page, PAGE, MPOL_BIND, &node0, 2UL,
		    MPOL_MF_MOVE | MPOL_MF_STRICT));
	EXPECT_EQ(use(), 0);
	SYS(mlock(page, PAGE));
	EXPECT_EQ(use(), 0);
	SYS(munlock(page, PAGE));
	file_write("/proc/sys/vm/compact_memory", "1");
	file_write("/proc/sys/vm/drop_caches", "3");
	EXPECT_EQ(use(), 0);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* KFD can't read, or can't write, the page: -EFAULT until it can again. */
static void protected(void *unused)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	char *host;

	(void)unused;
	open_window();
	host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));
	memset(host, 0x11, KiB(64));
	for (size_t i = 0; i < ARRAY_SIZE(prots); i++) {
		ASSERT_EQ(SYS(mprotect(page, PAGE, prots[i])), 0);
		for (size_t k = 0; k < ARRAY_SIZE(cpu_kinds); k++) {
			void *va;

			EXPECT_EQ(svm_try_alloc(w.fd, cpu_kinds[k], KiB(64),
						&va), -EFAULT);
		}
		EXPECT_EQ(info_buffers(w.fd), 1);
		ASSERT_EQ(SYS(mprotect(page, PAGE, PROT_READ | PROT_WRITE)), 0);
		EXPECT_EQ(use(), 0);
	}
	EXPECT_EQ(find_not(host, 0x11, KiB(64)), -1);
	EXPECT_EQ(svm_free(w.fd, host), 0);
	EXPECT_EQ(info_quarantined(w.fd), 0);
	EXPECT_WHOLE(&w);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

static void unmapped(bool by_close)
{
	char *host, *gtt;
	void *va;
	int r;

	open_window();
	host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(4));
	ASSERT_EQ(svm_map_all(w.fd, host), 0);
	ASSERT_EQ(SYS(munmap(page, PAGE)), 0);
	for (size_t k = 0; k < ARRAY_SIZE(cpu_kinds); k++)
		EXPECT_EQ(svm_try_alloc(w.fd, cpu_kinds[k], KiB(64), &va),
			  -EFAULT);
	EXPECT_EQ(svm_map_all(w.fd, gtt), -EFAULT);
	EXPECT_EQ(svm_unmap_all(w.fd, host), -EFAULT);
	/* It can't be unmapped from the GPU, so it stays. */
	EXPECT_EQ(svm_free(w.fd, host), -EFAULT);
	EXPECT_ALIVE(host);
	/* This one is on no GPU: given up, or kept, but not half. */
	r = svm_free(w.fd, gtt);
	EXPECT(r == 0 || r == -EFAULT);
	EXPECT_EQ(info_buffers(w.fd), r ? 3 : 2);
	if (!by_close)
		return;
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(maps_named(0, "renderD"), 0);
	/* The bystander's. */
	EXPECT_EQ(svm_counter("spaces"), 1);
}

static void unmapped_close(void *unused)
{
	(void)unused;
	unmapped(true);
}

static void unmapped_exit(void *unused)
{
	(void)unused;
	unmapped(false);
}

/*
 * The program's own page in place of it. That may serve as well or not at all;
 * what it must not do is make a call succeed that did nothing.
 */
static void replaced(void *unused)
{
	static const int fills[] = { 0x00, 0xff, 0x41 };
	struct vma v;
	char *own;
	void *va;
	int r;

	(void)unused;
	open_window();
	svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	ASSERT_EQ(SYS(munmap(page, PAGE)), 0);
	own = own_mapping((uintptr_t)page, PAGE, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		memset(own, fills[i], PAGE);
		for (size_t k = 0; k < ARRAY_SIZE(cpu_kinds); k++) {
			r = svm_try_alloc(w.fd, cpu_kinds[k], KiB(64), &va);
			say("own page of %02x: %d", fills[i], r);
			if (r)
				continue;
			EXPECT_EQ(find_not(va, 0, KiB(64)), -1);
			EXPECT_EQ(svm_map_all(w.fd, va), 0);
			EXPECT_EQ(svm_free(w.fd, va), 0);
			EXPECT_DEAD(va);
		}
	}
	memset(own + 2048, 0x5a, 2048);
	EXPECT_EQ(close(w.fd), 0);
	ASSERT(maps_find(own, &v));
	EXPECT_EQ(v.name[0], '\0');
	EXPECT_EQ(find_not(own + 2048, 0x5a, 2048), -1);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

/* Made inheritable: parent and child write to one page, the parent suffers. */
static void inherited(void *unused)
{
	struct sync go;
	pid_t pid;

	(void)unused;
	open_window();
	if (SYS(madvise(page, PAGE, MADV_DOFORK)))
		return;
	sync_init(&go);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		close(w.fd);
		for (int i = 0; i < 1000; i++) {
			probe_write(page + rnd(&(uint32_t){ i + 1 }) % PAGE);
			if (i % 16 == 0)
				usleep(100);
		}
		/* The page outlives its owner's use of it. */
		close(go.fd[1]);
		sync_wait(&go);
		_exit(0);
	}
	for (unsigned long i = 0; i < scaled(50, 10); i++)
		use();
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	sync_post(&go);
	EXPECT_EQ(child_wait(pid), 0);
}

/* ---- scribbling --------------------------------------------------------- */

static volatile int stop;

static void *scribbler(void *unused)
{
	uint32_t seed = 4711;

	(void)unused;
	while (!stop) {
		uint64_t value = (uint64_t)rnd(&seed) << 32 | rnd(&seed);
		/* KFD's structures are all at most this long. */
		unsigned int word = rnd(&seed) % 10;

		/*
		 * In MAP and UNMAP this is how many GPUs there are: KFD asks
		 * the kernel for an array of that size, which warns if it is
		 * beyond all reason.
		 */
		if (word == 2)
			value &= 0x700000007;
		((volatile uint64_t *)page)[word] = value & 1 ? value : 0;
	}
	return NULL;
}

static void scribbled(void *unused)
{
	unsigned long loops = scaled(600, 60), done, errors = 0;
	pthread_t thread;

	(void)unused;
	open_window();
	ASSERT_EQ(pthread_create(&thread, NULL, scribbler, NULL), 0);
	for (done = 0; done < loops && errors < 10; done++)
		errors += use() != 0;
	stop = 1;
	pthread_join(thread, NULL);
	say("%lu of %lu rounds had errors", errors, done);
	/* The module's own state is none the worse. */
	EXPECT_EQ(use(), 0);
	EXPECT_EQ(close(w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

static struct sync begin, end;

/* Somebody else, all the while: no call of his fails. */
static void bystander(void *unused)
{
	char *host, *vram;
	struct pollfd over = { .fd = end.fd[0], .events = POLLIN };

	(void)unused;
	open_window();
	host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(1));
	pattern_fill(host, MiB(1), 1);
	pattern_fill(vram, MiB(1), 2);
	sync_post(&begin);
	while (!poll(&over, 1, 10))
		EXPECT_EQ(use(), 0);
	EXPECT_EQ(pattern_differs(host, MiB(1), 1), -1);
	EXPECT_EQ(pattern_differs(vram, MiB(1), 2), -1);
}

static void test(void)
{
	static const struct {
		const char *name;
		void (*run)(void *unused);
	} cases[] = {
		{ "advice", coherent },
		{ "protected", protected },
		{ "unmapped, then close", unmapped_close },
		{ "unmapped, then exit", unmapped_exit },
		{ "replaced", replaced },
		{ "inherited", inherited },
		{ "scribbled on", scribbled },
	};
	int kfd = kfd_open(), fd = window_start();
	uint32_t gpu = svm_gpu(fd, 0);
	uint64_t available;
	pid_t pid;

	close(fd);
	available = kfd_available(kfd, gpu);
	sync_init(&begin);
	sync_init(&end);
	pid = child_start(bystander, NULL);
	sync_wait(&begin);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		say("%s", cases[i].name);
		EXPECT_EQ(run_child(cases[i].run, NULL), 0);
		EXPECT(EVENTUALLY(svm_counter("spaces") == 1, 10000));
	}
	sync_post(&end);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu) == available, 10000));
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
