// SPDX-License-Identifier: MIT
/*
 * The kinds of steps: the ABI's calls, what goes on beside them, and what a
 * process can do with a file.
 */
#include "program.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define AFTER_EXEC_FD 220
#define EXTRAS 4

static int extras[EXTRAS];	/* more descriptors of spaces, or 0 */

/* ---- files ---------------------------------------------------------------- */

static void keep_extra(struct rng *r, int fd)
{
	int *slot = &extras[below(r, EXTRAS)];
	int old = *slot;

	*slot = fd > 0 ? fd : 0;
	if (old > 0)
		close(old);
}

static void step_open(struct worker *w)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	struct rng *r = &w->rng;
	int fd = open("/dev/rocsvm", flags[below(r, 5)] | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fcntl(fz.fd, F_GETFD) < 0) {
		dup3(fd, fz.fd, O_CLOEXEC);
		close(fd);
	} else {
		keep_extra(r, fd);
	}
}

static void step_close(struct worker *w)
{
	(void)w;
	close(fz.fd);
}

/* What leaves the first file as it is. */
static void step_dup(struct worker *w)
{
	struct rng *r = &w->rng;
	int pair[2];

	switch (below(r, 4)) {
	case 0:
		keep_extra(r, fcntl(fz.fd, F_DUPFD_CLOEXEC, 0));
		break;
	case 1:
		keep_extra(r, svm_open());
		break;
	case 2:
		keep_extra(r, 0);
		break;
	case 3:
		/* On its way, and perhaps nowhere else any more. */
		if (fcntl(fz.fd, F_GETFD) < 0 ||
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			break;
		fd_send(pair[0], fz.fd);
		if (one_in(r, 2))
			keep_extra(r, fd_recv(pair[1]));
		close(pair[0]);
		close(pair[1]);
		break;
	}
}

static void step_file(struct worker *w)
{
	struct rng *r = &w->rng;
	struct pollfd poller = { .fd = fz.fd, .events = POLLIN | POLLOUT };
	char text[64];
	int on = 1;

	switch (below(r, 8)) {
	case 0: poll(&poller, 1, 0); break;
	case 1: if (read(fz.fd, text, sizeof(text)) > 0) report("read() reads"); break;
	case 2: if (write(fz.fd, text, sizeof(text)) > 0) report("write() writes"); break;
	case 3: lseek(fz.fd, below(r, 2) * PAGE, SEEK_SET); break;
	case 4: flock(fz.fd, LOCK_EX | LOCK_NB); break;
	case 5: fsync(fz.fd); break;
	case 6: fcntl(fz.fd, F_SETFL, below(r, 2) * O_NONBLOCK); break;
	case 7: ioctl(fz.fd, FIOASYNC, &on); break;
	}
}

/* KFD's pages, and offsets that are none. */
static void step_mmap(struct worker *w)
{
	static const uint64_t offsets[] = { 0, PAGE, GiB(1), TiB(64), -2 * PAGE };
	static const uint64_t lengths[] = { PAGE, KiB(8), KiB(32), MiB(2) };
	struct rng *r = &w->rng;
	uint64_t offset = (uint64_t)below(r, 4) << 62, length = lengths[below(r, 4)];
	int flags = one_in(r, 8) ? MAP_PRIVATE : MAP_SHARED;
	void *at = NULL, *p;

	if (one_in(r, 3))
		offset = offsets[below(r, 5)];
	else
		offset |= (uint64_t)(fz.gpu & 0xffff) << 46;
	if (one_in(r, 4)) {
		/*
		 * Into the window, where nothing but buffers goes. A whole
		 * mapping can be replaced, which a model would not know.
		 */
		at = (void *)(uintptr_t)(known_get(r) & ~(PAGE - 1));
		if ((uintptr_t)at >= 0x400000000000 && (uintptr_t)at < 0x540000000000 &&
		    !(fz.mode & MODE_MMAP))
			flags |= fz.mode & MODE_MODEL ? MAP_FIXED_NOREPLACE : MAP_FIXED;
	}
	p = mmap(at, length, PROT_READ | PROT_WRITE, flags, fz.fd, offset);
	if (p == MAP_FAILED)
		return;
	probe_read(p);
	munmap(p, length);
}

static void step_sysfs(struct worker *w)
{
	static const char *const files[] = {
		"/sys/class/rocsvm/rocsvm/version", "/sys/class/rocsvm/rocsvm/abi",
		"/sys/class/rocsvm/rocsvm/buffer_bytes",
		"/sys/class/rocsvm/rocsvm/reserved_bytes",
		"/proc/self/maps", "/proc/self/smaps_rollup", "/proc/self/fdinfo/200",
		"/proc/self/fd",
	};
	static __thread char text[16384];

	file_read(files[below(&w->rng, ARRAY_SIZE(files))], text, sizeof(text));
}

/* ---- memory --------------------------------------------------------------- */

/* The CPU's access to what may be a buffer; writing only where no model is. */
static void step_touch(struct worker *w)
{
	struct rng *r = &w->rng;
	bool writes = !(fz.mode & MODE_MODEL) && one_in(r, 2);
	uint64_t va = (known_get(r) & ~(PAGE - 1)) + PAGE * below(r, 4);
	char byte[8] = "";
	struct iovec here = { byte, 8 }, there = { (void *)(uintptr_t)va, 8 };
	int file;

	/* Not what is the fuzzer's own. */
	if (writes && (fz.mode & (MODE_MMAP | MODE_TEAR)))
		writes = false;
	switch (below(r, 3)) {
	case 0:
		if (writes)
			probe_write((void *)(uintptr_t)va);
		else
			probe_read((void *)(uintptr_t)va);
		break;
	case 1:
		file = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
		if (writes ? pwrite(file, byte, 8, va) : pread(file, byte, 8, va))
			errno = 0;
		close(file);
		break;
	case 2:
		if (writes)
			process_vm_writev(getpid(), &here, 1, &there, 1, 0);
		else
			process_vm_readv(getpid(), &here, 1, &there, 1, 0);
		break;
	}
}

static void step_gently(struct worker *w)
{
	uint64_t va, length;

	if (!(fz.mode & MODE_MODEL))
		disturb_window(&w->rng);
	else if (model_host_buffer(&w->rng, &va, &length))
		disturb_gently(w, va, length);
}

/* ---- odd calls ------------------------------------------------------------ */

/*
 * Files that are no render node. (Not another one either: DRM's scheduler of
 * Linux 6.1 uses its memory after a killed process has closed it.)
 */
static int odd_file(struct rng *r)
{
	int fd = -1;

	switch (below(r, 7)) {
	case 0: fd = open("/dev/null", O_RDWR | O_CLOEXEC); break;
	case 1: fd = open("/dev/kfd", O_RDWR | O_CLOEXEC); break;
	case 2: fd = open("/dev/zero", O_RDWR | O_CLOEXEC); break;
	case 3: fd = memfd_create("fuzz", MFD_CLOEXEC); break;
	case 4: fd = fcntl(fz.fd, F_DUPFD_CLOEXEC, 0); break;
	case 5: fd = open("/tmp", O_PATH | O_CLOEXEC); break;
	case 6: fd = epoll_create1(EPOLL_CLOEXEC); break;
	}
	return fd;
}

static void step_acquire_odd(struct worker *w)
{
	struct rocsvm_acquire_vm args = {
		.size = sizeof(args), .gpu_id = fz.gpu + one_in(&w->rng, 6),
	};
	int fd = odd_file(&w->rng), result;

	args.drm_fd = fd;
	result = svm_ioctl(fz.fd, ROCSVM_ACQUIRE_VM, &args);
	if (!errno_allowed(ROCSVM_ACQUIRE_VM, result))
		report("ACQUIRE_VM of an odd file: %s", strerror(-result));
	if (!result && (fz.mode & MODE_MODEL))
		report("ACQUIRE_VM of an odd file was done");
	if (fd >= 0)
		close(fd);
}

static void step_import_odd(struct worker *w)
{
	struct rocsvm_import args = { .size = sizeof(args) };
	int result;

	args.fd = odd_file(&w->rng);
	result = svm_ioctl(fz.fd, ROCSVM_IMPORT, &args);
	if (!errno_allowed(ROCSVM_IMPORT, result))
		report("IMPORT of an odd file: %s", strerror(-result));
	if (!result)
		report("IMPORT of an odd file was done");
	if (args.fd >= 0)
		close(args.fd);
}

#define IA32_IOCTL 54

/* A 32-bit caller: always refused. */
static void step_compat(struct worker *w)
{
	char *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct call *c = &w->call;
	long r;

	if (low == MAP_FAILED)
		return;
	grammar_fill(w, c, below(&w->rng, GRAMMAR_CALLS));
	memcpy(low, &c->in, sizeof(c->in));
	asm volatile("int $0x80" : "=a"(r)
		     : "a"(IA32_IOCTL), "b"((long)fz.fd), "c"((long)c->cmd),
		       "d"((long)low)
		     : "memory", "r8", "r9", "r10", "r11");
	if ((int)r != -EPERM && (int)r != -EBADF && (int)r != -ENOSYS)
		report("ioctl %#x of a 32-bit caller: %d", (int)_IOC_NR(c->cmd), (int)r);
	munmap(low, PAGE);
}

static void step_kfd(struct worker *w)
{
	struct rng *r = &w->rng;
	union {
		uint64_t words[16];
		struct kfd_ioctl_get_process_apertures_new_args apertures;
		struct kfd_ioctl_create_event_args event;
		struct kfd_ioctl_set_memory_policy_args policy;
		struct kfd_ioctl_set_scratch_backing_va_args scratch;
		struct kfd_ioctl_acquire_vm_args acquire;
		struct kfd_ioctl_get_available_memory_args available;
		struct kfd_ioctl_get_dmabuf_info_args dmabuf;
		struct kfd_ioctl_wait_events_args wait;
	} a = { 0 };
	struct kfd_process_device_apertures room[2];

	tally->kfd++;
	switch (below(r, 11)) {
	case 0: ioctl(fz.fd, AMDKFD_IOC_GET_VERSION, &a); break;
	case 1: ioctl(fz.fd, AMDKFD_IOC_GET_PROCESS_APERTURES, malloc(4096)); break;
	case 2:
		a.apertures.kfd_process_device_apertures_ptr = (uintptr_t)room;
		a.apertures.num_of_nodes = below(r, 3);
		ioctl(fz.fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &a);
		break;
	case 3:
		a.event.event_type = below(r, 10);
		if (ioctl(fz.fd, AMDKFD_IOC_CREATE_EVENT, &a))
			break;
		a.words[0] = a.event.event_id;
		ioctl(fz.fd, AMDKFD_IOC_DESTROY_EVENT, &a);
		break;
	case 4:
		a.policy.gpu_id = fz.gpu;
		a.policy.alternate_aperture_base = known_get(r) & ~0xffffull;
		a.policy.alternate_aperture_size = KiB(64) * below(r, 4);
		a.policy.default_policy = below(r, 2);
		a.policy.alternate_policy = below(r, 2);
		ioctl(fz.fd, AMDKFD_IOC_SET_MEMORY_POLICY, &a);
		break;
	case 5:
		a.scratch.gpu_id = fz.gpu;
		a.scratch.va_addr = known_get(r);
		ioctl(fz.fd, AMDKFD_IOC_SET_SCRATCH_BACKING_VA, &a);
		break;
	case 6:
		a.acquire.gpu_id = fz.gpu;
		a.acquire.drm_fd = fz.render;
		ioctl(fz.fd, AMDKFD_IOC_ACQUIRE_VM, &a);
		break;
	case 7:
		a.available.gpu_id = fz.gpu;
		ioctl(fz.fd, AMDKFD_IOC_AVAILABLE_MEMORY, &a);
		break;
	case 8:
		a.dmabuf.dmabuf_fd = fz.dmabufs[below(r, DMABUFS / fz.narrow)].fd;
		ioctl(fz.fd, AMDKFD_IOC_GET_DMABUF_INFO, &a);
		break;
	case 9:
		ioctl(fz.fd, AMDKFD_IOC_WAIT_EVENTS, &a);
		break;
	case 10:
		/* No such call, of either kind. */
		ioctl(fz.fd, _IOWR(one_in(r, 2) ? 'K' : ROCSVM_TYPE, 0x60 + below(r, 64),
				   uint64_t), &a);
		break;
	}
}

/* ---- processes ------------------------------------------------------------ */

static void step_signals(struct worker *w)
{
	signals_start(&w->rng);
}

/* Another thread group with the same memory, and a file table of its own. */
static void step_vfork(struct worker *w)
{
	volatile int result = -1, error = 0;
	bool closes = one_in(&w->rng, 2);
	struct rocsvm_info info = { .size = sizeof(info) };
	pid_t pid = vfork();

	if (!pid) {
		result = ioctl(fz.fd, ROCSVM_INFO, &info);
		error = errno;
		if (closes)
			close(fz.fd);
		_exit(0);
	}
	if (pid < 0)
		return;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (result != -1 || error != EBADF)
		report("another thread group was served: %d, %s", result, strerror(error));
}

/* The file without O_CLOEXEC survives, and is nobody's. */
static void step_exec(struct worker *w)
{
	char *args[] = { "fuzz", "--after-exec", NULL };
	sigset_t all;

	(void)w;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	dup2(fz.fd, AFTER_EXEC_FD);
	execv("/proc/self/exe", args);
	report("exec: %s", strerror(errno));
}

/*
 * A space is not opened here: KFD of Linux 6.1 looks for a process by its pid
 * when it restores its memory, and oopses if what it finds after exec has the
 * file open, but no VM.
 */
int after_exec(void)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	char path[32] = "", link[32];

	/* Another thread may have put any file in its place before. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", AFTER_EXEC_FD);
	if (readlink(link, path, sizeof(path) - 1) < 0 || strcmp(path, "/dev/rocsvm"))
		return 0;
	return ioctl(AFTER_EXEC_FD, ROCSVM_INFO, &info) != -1 || errno != EBADF;
}

static void step_exit(struct worker *w)
{
	(void)w;
	_exit(0);
}

/* SIGKILL within some milliseconds, or now. */
static void kill_soon(struct rng *r)
{
	struct itimerspec when = { .it_value.tv_nsec = 1 + below(r, 40) * 1000000l };
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL,
	};
	timer_t timer;

	if (one_in(r, 4))
		kill(getpid(), SIGKILL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		report("no timer: %s", strerror(errno));
}

static void step_kill(struct worker *w)
{
	kill_soon(&w->rng);
}

/* From now on what userfaultfd is asked for never comes. */
static void step_never(struct worker *w)
{
	kill_soon(&w->rng);
	fz.never = true;
}

/* ---- the adapters --------------------------------------------------------- */

#define FROM_RNG(name) \
	static void step_##name(struct worker *w) { tally->disturbances++; name(&w->rng); }
FROM_RNG(disturb_arena)
FROM_RNG(disturb_window)
FROM_RNG(tear_window)
FROM_RNG(scribble)
FROM_RNG(fork_child)
FROM_RNG(open_and_close)

static void step_reopen(struct worker *w)
{
	(void)w;
	reopen();
}

/*
 * The calls in the order of the grammar's table. What has no weight ends the
 * process, and comes last.
 */
const struct op_kind op_kinds[] = {
	{ "alloc", 30, OP_MODEL, 0, NULL },
	{ "free", 18, OP_MODEL, 0, NULL },
	{ "map", 8, OP_MODEL, 0, NULL },
	{ "unmap", 6, OP_MODEL, 0, NULL },
	{ "register", 10, OP_MODEL, 0, NULL },
	{ "unregister", 8, OP_MODEL, 0, NULL },
	{ "batch", 6, OP_MODEL, 0, NULL },
	{ "export", 6, OP_MODEL, 0, NULL },
	{ "import", 8, OP_MODEL, 0, NULL },
	{ "query", 6, OP_MODEL, 0, NULL },
	{ "set_tag", 3, OP_MODEL, 0, NULL },
	{ "reserve", 5, OP_MODEL, 0, NULL },
	{ "info", 1, OP_MODEL, 0, NULL },
	{ "gpu_info", 1, OP_MODEL, 0, NULL },
	{ "acquire_vm", 2, OP_MODEL, 0, NULL },
	{ "svm_attr", 2, OP_MODEL, 0, NULL },
	{ "arena", 8, 0, 0, step_disturb_arena },
	{ "window", 6, 0, 0, step_disturb_window },
	{ "tear", 2, 0, MODE_TEAR, step_tear_window },
	{ "scribble", 2, 0, MODE_SCRIBBLE, step_scribble },
	{ "fork", 3, OP_MODEL, 0, step_fork_child },
	{ "openclose", 2, OP_MODEL, 0, step_open_and_close },
	{ "reopen", 2, 0, MODE_REOPEN, step_reopen },
	{ "gently", 5, OP_MODEL, 0, step_gently },
	{ "kfdmem", 5, 0, MODE_KFD, kfd_call },
	{ "kfd", 6, OP_MODEL, 0, step_kfd },
	{ "mmap", 3, OP_MODEL, 0, step_mmap },
	{ "open", 2, 0, 0, step_open },
	{ "close", 2, 0, MODE_REOPEN, step_close },
	{ "dup", 3, OP_MODEL, 0, step_dup },
	{ "file", 2, OP_MODEL, 0, step_file },
	{ "sysfs", 2, OP_MODEL, 0, step_sysfs },
	{ "touch", 5, OP_MODEL, 0, step_touch },
	{ "acquire_odd", 3, OP_MODEL, 0, step_acquire_odd },
	{ "import_odd", 2, OP_MODEL, 0, step_import_odd },
	{ "compat", 1, OP_MODEL, 0, step_compat },
	{ "signals", 2, OP_MODEL, 0, step_signals },
	{ "vfork", 2, OP_MODEL, 0, step_vfork },
	{ "exec", 0, 0, 0, step_exec },
	{ "exit", 0, 0, 0, step_exit },
	{ "kill", 0, OP_KILLS, MODE_KILL, step_kill },
	{ "never", 0, OP_KILLS, MODE_KILL, step_never },
};

const uint32_t num_op_kinds = ARRAY_SIZE(op_kinds);
