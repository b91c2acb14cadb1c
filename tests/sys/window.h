/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the window's integrity share beyond harness.h: the window
 * as a value, text snapshots of an address space, knobs that are put back
 * however the test ends, the kernel log, module unloading, swap, and the back
 * door to the window's file that a privileged process has.
 */
#ifndef ROCSVM_TESTS_WINDOW_H
#define ROCSVM_TESTS_WINDOW_H

#include "harness.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* What the window's VMAs have beyond the reported range, on each side. */
#define WINDOW_MARGIN MiB(2)

static const uint32_t cpu_kinds[] __attribute__((unused)) = {
	ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM
};

/* Lines up with char pointers, which is what address arithmetic wants. */
static inline char *at(uint64_t va)
{
	return (char *)(uintptr_t)va;
}

/* ---- the window --------------------------------------------------------- */

struct window {
	int fd;
	uint32_t gpu;		/* gpu_id of the first GPU */
	uint64_t base, end;	/* as reported; end is exclusive */
	uint64_t huge;		/* where the huge region begins */
	struct vma page_vma, huge_vma, control_vma;
};

/*
 * Open and acquire all GPUs, as svm_start(), but any number of times in one
 * process: KFD wants the same render file each time, so it is kept.
 */
static inline int window_start(void)
{
	static int render[SVM_MAX_GPUS];
	static pid_t owner;
	struct rocsvm_info info;
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_LE(info.num_gpus, SVM_MAX_GPUS);
	for (uint32_t i = 0; i < info.num_gpus; i++) {
		if (owner != getpid())
			render[i] = render_open(svm_gpu(fd, i));
		ASSERT_GE(render[i], 0);
		ASSERT_EQ(svm_acquire(fd, svm_gpu(fd, i), render[i]), 0);
	}
	owner = getpid();
	return fd;
}

/*
 * Start and find the three VMAs. Ends the test on failure. In the mmap aperture
 * there are none, nor addresses.
 */
static inline struct window window_open(void)
{
	struct window w = { .fd = window_start() };
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(w.fd, &info), 0);
	w.gpu = svm_gpu(w.fd, 0);
	if (info.aperture == ROCSVM_APERTURE_MMAP)
		return w;
	ASSERT_GT(info.window_limit, info.window_base);
	w.base = info.window_base;
	w.end = info.window_limit + 1;
	w.huge = info.huge_base;
	ASSERT(maps_find(at(w.base), &w.page_vma));
	ASSERT(maps_find(at(w.huge), &w.huge_vma));
	ASSERT(maps_find(at(w.huge_vma.end), &w.control_vma));
	ASSERT(strstr(w.page_vma.name, "rocsvm"));
	ASSERT(strstr(w.huge_vma.name, "rocsvm-huge"));
	ASSERT(strstr(w.control_vma.name, "[rocsvm]"));
	return w;
}

/* How many VMAs lie where the window and its margins are. */
static inline size_t window_vmas(const struct window *w)
{
	return maps_read(0, w->page_vma.start, w->huge_vma.end, NULL, 0);
}

/* Is the window as it was when it was opened, no piece missing or foreign? */
static inline bool window_whole(const struct window *w)
{
	struct vma v[3];

	return maps_read(0, w->page_vma.start, w->control_vma.end, v, 3) == 3 &&
	       !memcmp(&v[0], &w->page_vma, sizeof(v[0])) &&
	       !memcmp(&v[1], &w->huge_vma, sizeof(v[1])) &&
	       !memcmp(&v[2], &w->control_vma, sizeof(v[2]));
}

#define EXPECT_WHOLE(w) do {						\
	bool whole_ = window_whole(w);					\
	EXPECT(whole_);							\
	if (!whole_)							\
		maps_print(0, (w)->page_vma.start, (w)->control_vma.end); \
} while (0)

/*
 * The same advice on each VMA of the window as a whole, however many pieces
 * there are: 0 or the last error.
 */
static inline long window_advise(const struct window *w, int advice)
{
	struct vma v[16];
	size_t n = maps_read(0, w->page_vma.start, w->huge_vma.end, v,
			     ARRAY_SIZE(v));
	long r, err = 0;

	ASSERT_LE(n, ARRAY_SIZE(v));
	for (size_t i = 0; i < n; i++) {
		if (!strstr(v[i].name, "rocsvm"))
			continue;
		r = SYS(madvise(at(v[i].start), v[i].end - v[i].start, advice));
		if (r)
			err = r;
	}
	return err;
}

static inline uint64_t info_quarantined(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.quarantined_bytes;
}

static inline uint64_t info_buffers(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers;
}

/* No byte there for anybody, respectively an ordinary writable one. */
#define EXPECT_DEAD(va) do {						\
	EXPECT_EQ(probe_read((void *)(uintptr_t)(va)), PROBE_MAPERR);	\
	EXPECT_EQ(probe_write((void *)(uintptr_t)(va)), PROBE_MAPERR);	\
} while (0)
#define EXPECT_ALIVE(va) do {						\
	EXPECT_EQ(probe_read((void *)(uintptr_t)(va)), 0);		\
	EXPECT_EQ(probe_write((void *)(uintptr_t)(va)), 0);		\
} while (0)

/* Memory of the test's own, at exactly @va, where nothing may be. */
static inline char *own_mapping(uint64_t va, size_t length, int fill)
{
	char *p = mmap(at(va), length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ASSERT_EQ((intptr_t)p, (intptr_t)va);
	memset(p, fill, length);
	return p;
}

/* ---- snapshots ---------------------------------------------------------- */

/*
 * The VMAs of process @pid (0: this one) that meet [start, end), as text; the
 * caller frees it. Heap and stack may grow at any time and are left out.
 */
static inline char *maps_text(pid_t pid, uint64_t start, uint64_t end)
{
	size_t n = maps_read(pid, start, end, NULL, 0);
	struct vma *v = calloc(n + 16, sizeof(*v));
	char *text = NULL;
	size_t size;
	FILE *f;

	ASSERT(v);
	f = open_memstream(&text, &size);
	ASSERT(f);
	n = maps_read(pid, start, end, v, n + 16);
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, "[heap]") && strcmp(v[i].name, "[stack]"))
			fprintf(f, "%" PRIx64 "-%" PRIx64 " %s %" PRIx64 " %s\n",
				v[i].start, v[i].end, v[i].perms, v[i].offset,
				v[i].name);
	fclose(f);
	free(v);
	return text;
}

/* Compare with an earlier snapshot; show both if they differ. */
static inline bool maps_same(pid_t pid, uint64_t start, uint64_t end,
			     const char *before)
{
	char *now = maps_text(pid, start, end);
	bool same = !strcmp(before, now);

	if (!same)
		say("before:\n%safter:\n%s", before, now);
	free(now);
	return same;
}

/* ---- undoing ------------------------------------------------------------ */

/*
 * The test proper runs in a child process, so that its parent can put things
 * back even when a check ended the test early or a signal killed it.
 */
struct undo {
	char path[160], text[160];	/* write text to path */
	void (*call)(void);		/* or call this */
};

static struct {
	int count;
	struct undo undo[32];
} *undo_list;

static inline struct undo *undo_add(void)
{
	ASSERT(undo_list);
	ASSERT_LT(undo_list->count, (int)ARRAY_SIZE(undo_list->undo));
	return &undo_list->undo[undo_list->count++];
}

/* Have a function called in the parent when the test is over. */
static inline void at_end(void (*call)(void))
{
	undo_add()->call = call;
}

/* Undo all; kept out of the child's hands so that it happens once. */
static inline void undo_all(void)
{
	while (undo_list->count) {
		struct undo *u = &undo_list->undo[--undo_list->count];

		if (u->call)
			u->call();
		else if (file_write(u->path, u->text))
			say("%s: can't put back %s", u->path, u->text);
	}
}

/* As test_main(), with knob_set() and at_end(). */
static inline int window_main(void (*test)(void))
{
	int status = 0;
	pid_t pid;

	undo_list = mmap(NULL, sizeof(*undo_list), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (undo_list == MAP_FAILED)
		return KSFT_FAIL;
	pid = fork();
	if (pid < 0)
		return KSFT_FAIL;
	if (!pid)
		exit(test_main(test));
	TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
	undo_all();
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("FAILED: the test was killed by signal %d\n", WTERMSIG(status));
	return KSFT_FAIL;
}

/*
 * Set a knob and remember its value. A choice such as "always [never]" is
 * remembered by the word in brackets. 0 or -errno.
 */
static inline int knob_set(const char *path, const char *value)
{
	char text[160], *bracket;
	long n = file_read(path, text, sizeof(text));
	struct undo *u;

	if (n < 0)
		return n;
	text[strcspn(text, "\n")] = '\0';
	bracket = strchr(text, '[');
	if (bracket) {
		bracket++;
		bracket[strcspn(bracket, "]")] = '\0';
	}
	u = undo_add();
	snprintf(u->path, sizeof(u->path), "%s", path);
	snprintf(u->text, sizeof(u->text), "%s", bracket ? bracket : text);
	return file_write(path, value);
}

/* ---- the kernel log ----------------------------------------------------- */

/* A reader that begins at the log's end. */
static inline int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	ASSERT_GE(SYS(lseek(fd, 0, SEEK_END)), 0);
	return fd;
}

/* New records that contain @part ("" counts all); prints them. */
static inline int klog_count(int fd, const char *part)
{
	char line[2048];
	int count = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)	/* overwritten: read on */
			continue;
		if (n <= 0)
			return count;
		line[n] = '\0';
		if (!strstr(line, part))
			continue;
		count++;
		say("log: %.*s", (int)strcspn(line, "\n"), line);
	}
}

/* ---- the module --------------------------------------------------------- */

/*
 * Try to unload the module: -errno if it is in use, as it should be. If it
 * could be unloaded it is loaded again, and 0 is returned.
 */
static inline int module_unload(void)
{
	const char *path = getenv("ROCSVM_KO");
	int r = SYS(syscall(SYS_delete_module, "rocsvm", O_NONBLOCK));
	int fd;

	if (r)
		return r;
	ASSERT(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(SYS(syscall(SYS_finit_module, fd, "", 0)), 0);
	close(fd);
	return 0;
}

/* ---- memory ------------------------------------------------------------- */

/* Shmem of the whole machine in kB, with the per-CPU counts folded in. */
static inline long shmem_kb(void)
{
	char text[16];

	file_read("/proc/sys/vm/stat_refresh", text, sizeof(text));
	return meminfo_kb("Shmem");
}

static inline void swap_off(void)
{
	swapoff(getenv("ROCSVM_SWAP"));
}

/*
 * Make sure there is swap; it goes off again at the end if it was off. False
 * if this machine has none.
 */
static inline bool swap_on(void)
{
	const char *path = getenv("ROCSVM_SWAP");
	char command[256];
	int r;

	if (meminfo_kb("SwapTotal") > 0)
		return true;
	if (!path || !*path)
		return false;
	r = SYS(swapon(path, 0));
	if (r == -EINVAL) {	/* no swap area on it yet */
		snprintf(command, sizeof(command), "mkswap %s >/dev/null", path);
		if (system(command))
			return false;
		r = SYS(swapon(path, 0));
	}
	if (r)
		return false;
	at_end(swap_off);
	return true;
}

/*
 * The file behind the VMA at @va, opened past the module: only a privileged
 * process can. A file descriptor, or -errno.
 */
static inline int window_back_door(const void *va)
{
	char path[96];
	struct vma v;

	ASSERT(maps_find(va, &v));
	snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIx64 "-%" PRIx64,
		 v.start, v.end);
	return SYS(open(path, O_RDWR | O_CLOEXEC));
}

/* ---- processes ---------------------------------------------------------- */

/* Grandchildren that lose their parent become this process's to wait for. */
static inline void subreaper(void)
{
	ASSERT_EQ(SYS(prctl(PR_SET_CHILD_SUBREAPER, 1)), 0);
}

/* Give up capabilities, and nothing else: the nodes may be root's. */
static inline void drop_capabilities(uint64_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];

	ASSERT_EQ(SYS(syscall(SYS_capget, &head, data)), 0);
	for (int i = 0; i < 2; i++) {
		data[i].effective &= ~(uint32_t)(caps >> 32 * i);
		data[i].permitted &= ~(uint32_t)(caps >> 32 * i);
		data[i].inheritable &= ~(uint32_t)(caps >> 32 * i);
	}
	ASSERT_EQ(SYS(syscall(SYS_capset, &head, data)), 0);
}

/*
 * As run_child(), but a child that takes longer than @seconds is reported, by
 * -ETIMEDOUT, and killed. Generous: only for what would hang for ever.
 */
static inline int run_child_bounded(void (*fn)(void *arg), void *arg,
				    int seconds)
{
	pid_t pid = child_start(fn, arg);
	int status = -1;

	if (EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid, seconds * 1000))
		return status;
	kill(pid, SIGKILL);
	/* It may be beyond the reach of any signal: don't wait for it long. */
	if (!EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid, 10000))
		say("process %d can't even be killed", pid);
	return -ETIMEDOUT;
}

#endif /* ROCSVM_TESTS_WINDOW_H */
