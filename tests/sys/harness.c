// SPDX-License-Identifier: MIT
/*
 * The common part of the system tests: results, ioctl wrappers, KFD's
 * topology, child processes, files. See harness.h for the contract.
 */
#include "harness.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/utsname.h>

int test_failures;

/* ---- results ------------------------------------------------------------ */

static void print_args(const char *prefix, const char *format, va_list ap)
{
	printf("%s", prefix);
	vprintf(format, ap);
	putchar('\n');
	fflush(stdout);
}

void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_args("  ", format, ap);
	va_end(ap);
}

void test_skip(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_args("", format, ap);
	va_end(ap);
	/* A check that failed before is not undone by skipping the rest. */
	_exit(test_failures ? KSFT_FAIL : KSFT_SKIP);
}

void test_die(void)
{
	printf("FAILED, ended early after %d failed checks (pid %d)\n",
	       test_failures, getpid());
	fflush(stdout);
	_exit(KSFT_FAIL);
}

void test_fail(const char *file, int line, const char *what, long long seen,
	       long long wanted)
{
	__atomic_fetch_add(&test_failures, 1, __ATOMIC_RELAXED);
	printf("%s:%d: failed: %s (%lld = 0x%llx against %lld = 0x%llx)\n",
	       file, line, what, seen, (unsigned long long)seen, wanted,
	       (unsigned long long)wanted);
	fflush(stdout);
}

int test_main(void (*test)(void))
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test();
	printf("%s, %d failed checks\n", test_failures ? "FAILED" : "passed",
	       test_failures);
	fflush(stdout);
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}

bool debug_kernel(void)
{
	const char *value = getenv("ROCSVM_DEBUG_KERNEL");

	return value && *value && strcmp(value, "0");
}

bool kernel_since(unsigned int major, unsigned int minor)
{
	unsigned int is_major, is_minor;
	struct utsname name;

	ASSERT_EQ(uname(&name), 0);
	ASSERT_EQ(sscanf(name.release, "%u.%u", &is_major, &is_minor), 2);
	return is_major > major || (is_major == major && is_minor >= minor);
}

unsigned long scaled(unsigned long stock, unsigned long debug)
{
	return debug_kernel() ? debug : stock;
}

uint32_t rnd(uint32_t *state)
{
	/* xorshift has 0 as its only fixed point */
	uint32_t x = *state ? *state : 0x9e3779b9;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

/* ---- rocsvm ------------------------------------------------------------- */

int svm_open(void)
{
	int fd = open("/dev/rocsvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int svm_ioctl(int fd, unsigned long cmd, void *arg)
{
	return SYS(ioctl(fd, cmd, arg));
}

int svm_acquire_all(int fd)
{
	struct rocsvm_info info;
	int drm[SVM_MAX_GPUS];

	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_GE(info.num_gpus, 1);
	ASSERT_LE(info.num_gpus, SVM_MAX_GPUS);
	/*
	 * Closing a render file has KFD evict and restore the process, which
	 * on 6.1 crashes the kernel while there is a GPU without its VM.
	 */
	for (uint32_t i = 0; i < info.num_gpus; i++) {
		drm[i] = render_open(svm_gpu(fd, i));
		ASSERT_GE(drm[i], 0);
		ASSERT_EQ(svm_acquire(fd, svm_gpu(fd, i), drm[i]), 0);
	}
	for (uint32_t i = 0; i < info.num_gpus; i++)
		close(drm[i]);
	return info.num_gpus;
}

int svm_start(void)
{
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	svm_acquire_all(fd);
	return fd;
}

uint32_t svm_gpu(int fd, unsigned int index)
{
	struct rocsvm_gpu_info info;

	ASSERT_EQ(svm_gpu_info(fd, index, &info), 0);
	ASSERT_NE(info.gpu_id, 0);
	return info.gpu_id;
}

int svm_info(int fd, struct rocsvm_info *info)
{
	*info = (struct rocsvm_info){ .size = sizeof(*info) };
	return svm_ioctl(fd, ROCSVM_INFO, info);
}

int svm_gpu_info(int fd, uint32_t index, struct rocsvm_gpu_info *info)
{
	*info = (struct rocsvm_gpu_info){ .size = sizeof(*info), .index = index };
	return svm_ioctl(fd, ROCSVM_GPU_INFO, info);
}

int svm_reserve(int fd, uint32_t flags, uint64_t *base, uint64_t *length)
{
	struct rocsvm_reserve args = {
		.size = sizeof(args),
		.flags = flags,
		.base = *base,
		.length = *length,
	};
	int r = svm_ioctl(fd, ROCSVM_RESERVE, &args);

	if (!r) {
		*base = args.base;
		*length = args.length;
	}
	return r;
}

int svm_acquire(int fd, uint32_t gpu_id, int drm_fd)
{
	struct rocsvm_acquire_vm args = {
		.size = sizeof(args),
		.gpu_id = gpu_id,
		.drm_fd = drm_fd,
	};

	return svm_ioctl(fd, ROCSVM_ACQUIRE_VM, &args);
}

int svm_alloc_args(int fd, struct rocsvm_alloc *args)
{
	args->size = sizeof(*args);
	return svm_ioctl(fd, ROCSVM_ALLOC, args);
}

int svm_free(int fd, void *va)
{
	struct rocsvm_free args = { .size = sizeof(args), .va = (uintptr_t)va };

	return svm_ioctl(fd, ROCSVM_FREE, &args);
}

static int svm_map_or_unmap(int fd, unsigned long cmd, void *va,
			    const uint32_t *gpu_ids, uint32_t num_gpus)
{
	struct rocsvm_map args = {
		.size = sizeof(args),
		.va = (uintptr_t)va,
		.gpu_ids = (uintptr_t)gpu_ids,
		.num_gpus = num_gpus,
	};

	return svm_ioctl(fd, cmd, &args);
}

int svm_map(int fd, void *va, const uint32_t *gpu_ids, uint32_t num_gpus)
{
	return svm_map_or_unmap(fd, ROCSVM_MAP, va, gpu_ids, num_gpus);
}

int svm_unmap(int fd, void *va, const uint32_t *gpu_ids, uint32_t num_gpus)
{
	return svm_map_or_unmap(fd, ROCSVM_UNMAP, va, gpu_ids, num_gpus);
}

int svm_query(int fd, struct rocsvm_query *query)
{
	query->size = sizeof(*query);
	return svm_ioctl(fd, ROCSVM_QUERY, query);
}

/* The arguments of an allocation with all defaults. */
static struct rocsvm_alloc plain_alloc(int fd, uint32_t kind, uint64_t length)
{
	struct rocsvm_alloc args = { .kind = kind, .length = length };

	if (kind == ROCSVM_KIND_VRAM || kind == ROCSVM_KIND_PRIVATE_VRAM)
		args.gpu_id = svm_gpu(fd, 0);
	return args;
}

void *svm_alloc(int fd, uint32_t kind, uint64_t length)
{
	void *va = NULL;

	ASSERT_EQ(svm_try_alloc(fd, kind, length, &va), 0);
	ASSERT(va);
	return va;
}

int svm_try_alloc(int fd, uint32_t kind, uint64_t length, void **va)
{
	struct rocsvm_alloc args = plain_alloc(fd, kind, length);
	int r = svm_alloc_args(fd, &args);

	if (!r)
		*va = (void *)(uintptr_t)args.va;
	return r;
}

int svm_alloc_at(int fd, uint32_t kind, uint64_t length, uint64_t va)
{
	struct rocsvm_alloc args = plain_alloc(fd, kind, length);
	int r;

	args.flags = ROCSVM_ALLOC_FIXED;
	args.va = va;
	r = svm_alloc_args(fd, &args);
	if (!r)
		EXPECT_EQ(args.va, va);
	return r;
}

int svm_map_all(int fd, void *va)
{
	uint32_t ids[SVM_MAX_GPUS];
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	ASSERT_LE(info.num_gpus, SVM_MAX_GPUS);
	for (uint32_t i = 0; i < info.num_gpus; i++)
		ids[i] = svm_gpu(fd, i);
	return svm_map(fd, va, ids, info.num_gpus);
}

int svm_unmap_all(int fd, void *va)
{
	return svm_unmap(fd, va, NULL, 0);
}

uint64_t svm_counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/rocsvm/rocsvm/%s", name);
	return file_u64(path);
}

bool svm_all_gone(void)
{
	return EVENTUALLY(svm_counter("spaces") == 0 &&
			  svm_counter("buffers") == 0, 10000);
}

/* ---- KFD ---------------------------------------------------------------- */

int kfd_open(void)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	return fd;
}

uint64_t kfd_available(int fd, uint32_t gpu_id)
{
	struct kfd_ioctl_get_available_memory_args args = { .gpu_id = gpu_id };

	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_AVAILABLE_MEMORY, &args), 0);
	return args.available;
}

int render_minor(uint32_t gpu_id)
{
	const char *nodes = "/sys/class/kfd/kfd/topology/nodes";
	char path[128], text[4096];

	for (int node = 0; node < 64; node++) {
		char *minor;

		snprintf(path, sizeof(path), "%s/%d/gpu_id", nodes, node);
		if (file_read(path, text, sizeof(text)) < 0)
			break;
		if (strtoul(text, NULL, 10) != gpu_id)
			continue;
		snprintf(path, sizeof(path), "%s/%d/properties", nodes, node);
		if (file_read(path, text, sizeof(text)) < 0)
			break;
		minor = strstr(text, "drm_render_minor ");
		if (minor)
			return atoi(minor + strlen("drm_render_minor "));
	}
	return -ENOENT;
}

int render_open(uint32_t gpu_id)
{
	int minor = render_minor(gpu_id);
	char path[64];

	if (minor < 0)
		return minor;
	snprintf(path, sizeof(path), "/dev/dri/renderD%d", minor);
	return SYS(open(path, O_RDWR | O_CLOEXEC));
}

/* ---- processes ---------------------------------------------------------- */

pid_t child_start(void (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (pid)
		return pid;
	test_failures = 0;
	fn(arg);
	fflush(stdout);
	_exit(test_failures ? KSFT_FAIL : KSFT_PASS);
}

int child_wait(pid_t pid)
{
	int status = -1;

	ASSERT_EQ(SYS(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0))), pid);
	return status;
}

int run_child(void (*fn)(void *arg), void *arg)
{
	return child_wait(child_start(fn, arg));
}

void sync_init(struct sync *s)
{
	ASSERT_EQ(SYS(pipe2(s->fd, O_CLOEXEC)), 0);
}

void sync_post(struct sync *s)
{
	ASSERT_EQ(SYS(write(s->fd[1], "x", 1)), 1);
}

void sync_wait(struct sync *s)
{
	struct pollfd p = { .fd = s->fd[0], .events = POLLIN };
	char c;

	ASSERT_EQ(SYS(TEMP_FAILURE_RETRY(poll(&p, 1, 60000))), 1);
	ASSERT_EQ(SYS(read(s->fd[0], &c, 1)), 1);
}

void fd_send(int socket, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = "f", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ASSERT_EQ(SYS(sendmsg(socket, &msg, 0)), 1);
}

int fd_recv(int socket)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	int fd;

	ASSERT_EQ(SYS(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)), 1);
	c = CMSG_FIRSTHDR(&msg);
	ASSERT(c && c->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* ---- files -------------------------------------------------------------- */

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long r;

	if (fd < 0)
		return -errno;
	r = SYS(write(fd, text, strlen(text)));
	close(fd);
	return r < 0 ? r : 0;
}

long file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	long r = 0;

	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		r = SYS(read(fd, buf + length, size - 1 - length));
		if (r <= 0)
			break;
		length += r;
	}
	close(fd);
	buf[length] = '\0';
	return r < 0 ? r : (long)length;
}

uint64_t file_u64(const char *path)
{
	char text[64], *end;
	long length = file_read(path, text, sizeof(text));
	uint64_t value;

	if (length <= 0)
		say("%s: %s", path, length ? strerror(-length) : "empty");
	ASSERT_GT(length, 0);
	value = strtoull(text, &end, 0);
	ASSERT_NE(end, text);
	return value;
}

long meminfo_kb(const char *field)
{
	char text[8192], key[64], *found;

	ASSERT_GT(file_read("/proc/meminfo", text, sizeof(text)), 0);
	snprintf(key, sizeof(key), "\n%s:", field);
	found = strstr(text, key);
	ASSERT(found);
	return atol(found + strlen(key));
}
