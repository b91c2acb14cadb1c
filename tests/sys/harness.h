/* SPDX-License-Identifier: MIT */
/*
 * What every system test uses: checks, wrappers round the ioctls, a view of
 * the process's VMAs, probes of single addresses, child processes.
 *
 * A test program states one behaviour:
 *
 *	static void test(void)
 *	{
 *		int fd = svm_open();
 *
 *		ASSERT_GE(fd, 0);
 *		...
 *	}
 *
 *	int main(void)
 *	{
 *		return test_main(test);
 *	}
 *
 * EXPECT_* count a failure and go on, ASSERT_* end the process (or the child
 * process) there. All of them print file, line, expression and both values.
 */
#ifndef ROCSVM_TESTS_HARNESS_H
#define ROCSVM_TESTS_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kfd_ioctl.h>
#include <linux/rocsvm.h>

#define KiB(n) ((uint64_t)(n) << 10)
#define MiB(n) ((uint64_t)(n) << 20)
#define GiB(n) ((uint64_t)(n) << 30)
#define TiB(n) ((uint64_t)(n) << 40)
#define PAGE 4096UL
#define HUGE_PAGE MiB(2)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- results ------------------------------------------------------------ */

/* Exit codes, as kselftest has them. */
enum { KSFT_PASS = 0, KSFT_FAIL = 1, KSFT_SKIP = 4 };

/* Failed checks of this process so far. */
extern int test_failures;

/* Run the test, print the verdict, return the exit code for main(). */
int test_main(void (*test)(void));

/* Print a line about what was seen. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* End the process: this machine can't show the behaviour. */
void test_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* End the process as failed. */
void test_die(void) __attribute__((noreturn));

/* Count and print a failed comparison; used by the macros. */
void test_fail(const char *file, int line, const char *what, long long seen,
	       long long wanted);

#define CHECK_(fatal, text, a, op, b) do {				\
	long long a_ = (long long)(a), b_ = (long long)(b);		\
	if (!(a_ op b_)) {						\
		test_fail(__FILE__, __LINE__, text, a_, b_);		\
		if (fatal)						\
			test_die();					\
	}								\
} while (0)

/* Values are compared as signed 64-bit numbers; addresses fit. */
#define EXPECT_EQ(a, b) CHECK_(0, #a " == " #b, a, ==, b)
#define EXPECT_NE(a, b) CHECK_(0, #a " != " #b, a, !=, b)
#define EXPECT_LT(a, b) CHECK_(0, #a " < " #b, a, <, b)
#define EXPECT_LE(a, b) CHECK_(0, #a " <= " #b, a, <=, b)
#define EXPECT_GT(a, b) CHECK_(0, #a " > " #b, a, >, b)
#define EXPECT_GE(a, b) CHECK_(0, #a " >= " #b, a, >=, b)
#define EXPECT(cond) CHECK_(0, #cond, !!(cond), ==, 1)
#define ASSERT_EQ(a, b) CHECK_(1, #a " == " #b, a, ==, b)
#define ASSERT_NE(a, b) CHECK_(1, #a " != " #b, a, !=, b)
#define ASSERT_LT(a, b) CHECK_(1, #a " < " #b, a, <, b)
#define ASSERT_LE(a, b) CHECK_(1, #a " <= " #b, a, <=, b)
#define ASSERT_GT(a, b) CHECK_(1, #a " > " #b, a, >, b)
#define ASSERT_GE(a, b) CHECK_(1, #a " >= " #b, a, >=, b)
#define ASSERT(cond) CHECK_(1, #cond, !!(cond), ==, 1)

/* The result of a system call: itself, or -errno if it was -1. */
#define SYS(call) ({ long r_ = (long)(call); r_ == -1 ? -(long)errno : r_; })

/*
 * Wait up to @ms milliseconds for @cond to become true; its last value. For
 * what happens behind the caller's back (file release, workers), never for
 * speed.
 */
#define EVENTUALLY(cond, ms) ({						\
	bool ok_ = false;						\
	for (int left_ = (ms); !(ok_ = !!(cond)) && left_ > 0; left_ -= 10) \
		usleep(10000);						\
	ok_;								\
})

/* Is this a debug kernel (ROCSVM_DEBUG_KERNEL), some ten times slower? */
bool debug_kernel(void);

/*
 * Does this kernel do what Linux does from that version on? For what differs
 * between kernels to the eyes of a program, and there is nothing else to ask.
 */
bool kernel_since(unsigned int major, unsigned int minor);

/* How often to do something: @stock times, or @debug times on such a kernel. */
unsigned long scaled(unsigned long stock, unsigned long debug);

/* Next number of a reproducible sequence; *@state may start at anything. */
uint32_t rnd(uint32_t *state);

/* ---- rocsvm ------------------------------------------------------------- */

#define SVM_MAX_GPUS 8

/* Open /dev/rocsvm (O_RDWR | O_CLOEXEC): a file descriptor, or -errno. */
int svm_open(void);

/* Any ioctl: its result, or -errno. */
int svm_ioctl(int fd, unsigned long cmd, void *arg);

/*
 * Acquire every GPU's VM with a freshly opened render node, which is then
 * closed again. Returns the number of GPUs; ends the test on failure.
 */
int svm_acquire_all(int fd);

/* Open and acquire everything; ends the test on failure. */
int svm_start(void);

/* The gpu_id of the GPU with this index; ends the test if there is none. */
uint32_t svm_gpu(int fd, unsigned int index);

/*
 * One wrapper an ioctl: 0 or -errno. They fill in @size (and, in those
 * without a struct parameter, everything else).
 */
int svm_info(int fd, struct rocsvm_info *info);
int svm_gpu_info(int fd, uint32_t index, struct rocsvm_gpu_info *info);
int svm_reserve(int fd, uint32_t flags, uint64_t *base, uint64_t *length);
int svm_acquire(int fd, uint32_t gpu_id, int drm_fd);
int svm_alloc_args(int fd, struct rocsvm_alloc *args);
int svm_free(int fd, void *va);
int svm_map(int fd, void *va, const uint32_t *gpu_ids, uint32_t num_gpus);
int svm_unmap(int fd, void *va, const uint32_t *gpu_ids, uint32_t num_gpus);
int svm_query(int fd, struct rocsvm_query *query);

/*
 * Allocate with all defaults (GPU index 0 for VRAM kinds, mapped nowhere):
 * the address; ends the test on failure.
 */
void *svm_alloc(int fd, uint32_t kind, uint64_t length);

/* The same, but 0 or -errno, and the address in *@va. */
int svm_try_alloc(int fd, uint32_t kind, uint64_t length, void **va);

/* Allocate at exactly @va: 0 or -errno. */
int svm_alloc_at(int fd, uint32_t kind, uint64_t length, uint64_t va);

/* MAP to every GPU, UNMAP from every GPU that has it: 0 or -errno. */
int svm_map_all(int fd, void *va);
int svm_unmap_all(int fd, void *va);

/* A counter of /sys/class/rocsvm/rocsvm, such as "spaces". */
uint64_t svm_counter(const char *name);

/* Wait for the counters spaces and buffers to read 0 (release is async). */
bool svm_all_gone(void);

/* ---- KFD ---------------------------------------------------------------- */

/* Open /dev/kfd itself; ends the test on failure. */
int kfd_open(void);

/* KFD's AVAILABLE_MEMORY of the GPU, in bytes; @fd is KFD's or rocsvm's. */
uint64_t kfd_available(int fd, uint32_t gpu_id);

/* The GPU's render node from KFD's topology in sysfs: minor, or -ENOENT. */
int render_minor(uint32_t gpu_id);

/* Open that node, O_RDWR | O_CLOEXEC: a file descriptor, or -errno. */
int render_open(uint32_t gpu_id);

/* ---- the process's address space ---------------------------------------- */

struct vma {
	uint64_t start, end;	/* end is exclusive */
	char perms[5];		/* as in "rw-s" */
	uint64_t offset;
	char name[96];		/* "" if anonymous */
};

/*
 * VMAs of process @pid (0: this one) that meet [start, end), in order. Fills
 * at most @room of @out (may be NULL); returns how many there are. Ends the
 * test if the maps can't be read.
 */
size_t maps_read(pid_t pid, uint64_t start, uint64_t end, struct vma *out,
		 size_t room);

/* How many VMAs the process has. */
size_t maps_count(pid_t pid);

/* How many VMAs of the process have @part in their name. */
size_t maps_named(pid_t pid, const char *part);

/* The VMA that contains @va: true if there is one. */
bool maps_find(const void *va, struct vma *out);

/* Print the VMAs that meet [start, end). */
void maps_print(pid_t pid, uint64_t start, uint64_t end);

/* Does the VMA containing @va have the smaps VmFlag, such as "dc"? */
bool smaps_flag(const void *va, const char *flag);

/* A value in kB of the VMA containing @va, such as "Rss" or "ShmemPmdMapped". */
long smaps_kb(const void *va, const char *field);

/*
 * Touch one byte. 0, or PROBE_SIGNAL(signal, si_code) if it raised a signal.
 * Safe in threads. probe_write() writes 0x77.
 */
#define PROBE_SIGNAL(signal, code) ((signal) << 16 | ((code) & 0xffff))
#define PROBE_MAPERR PROBE_SIGNAL(SIGSEGV, SEGV_MAPERR)
#define PROBE_ACCERR PROBE_SIGNAL(SIGSEGV, SEGV_ACCERR)
#define PROBE_ADRERR PROBE_SIGNAL(SIGBUS, BUS_ADRERR)
int probe_read(const volatile void *p);
int probe_write(volatile void *p);

/* First byte of [p, p + length) that is not @value: its offset, or -1. */
int64_t find_not(const void *p, int value, size_t length);

/* Fill with, and look for the first byte that differs from, a pattern. */
void pattern_fill(void *p, size_t length, uint32_t seed);
int64_t pattern_differs(const void *p, size_t length, uint32_t seed);

/* ---- processes ---------------------------------------------------------- */

/*
 * Fork, run @fn(@arg) in the child and exit with KSFT_FAIL if a check failed
 * there. child_start() returns the pid, child_wait() the wait status (0 if
 * all is well), run_child() does both.
 */
pid_t child_start(void (*fn)(void *arg), void *arg);
int child_wait(pid_t pid);
int run_child(void (*fn)(void *arg), void *arg);

/* A one-way signal between processes; make it before the fork. */
struct sync {
	int fd[2];
};
void sync_init(struct sync *s);
void sync_post(struct sync *s);
/* Ends the process if the other side is gone or silent for a minute. */
void sync_wait(struct sync *s);

/* Pass a file descriptor over a Unix socket; recv returns it. */
void fd_send(int socket, int fd);
int fd_recv(int socket);

/* ---- files -------------------------------------------------------------- */

/* Write a string to a (sysfs, procfs, cgroup) file: 0 or -errno. */
int file_write(const char *path, const char *text);

/* Read a file into @buf, NUL-terminated: its length, or -errno. */
long file_read(const char *path, char *buf, size_t size);

/* A number in a file, decimal or 0x...; ends the test if there is none. */
uint64_t file_u64(const char *path);

/* A field of /proc/meminfo in kB, such as "Shmem". */
long meminfo_kb(const char *field);

#endif /* ROCSVM_TESTS_HARNESS_H */
