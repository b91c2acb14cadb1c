// SPDX-License-Identifier: MIT
/*
 * What goes on beside the calls: the program's own mmap() and the like in
 * registered memory and in the window, forks, opens and closes, writes to the
 * control page; and KFD's own calls on the same file.
 */
#include "fuzz.h"

#include <sys/syscall.h>
#include <sys/uio.h>

/* ---- registered memory --------------------------------------------------- */

void disturb_arena(struct rng *r)
{
	uint32_t page = below(r, ARENA_PAGES - ARENA_STALLED);
	uint32_t count = 1 + below(r, 16);
	char *p = fz.arena + PAGE * page;
	uint64_t length;
	int file;

	if (page + count > ARENA_PAGES - ARENA_STALLED)
		count = ARENA_PAGES - ARENA_STALLED - page;
	length = PAGE * count;
	switch (below(r, 9)) {
	case 0:
		munmap(p, length);
		break;
	case 1:
	case 2:
		mmap(p, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 3:
		mprotect(p, length, PROT_READ);
		break;
	case 4:
		mprotect(p, length, PROT_READ | PROT_WRITE);
		break;
	case 5:
		madvise(p, length, one_in(r, 2) ? MADV_DONTNEED : MADV_PAGEOUT);
		break;
	case 6:
		mmap(p, length, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 7:
		mremap(p, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
		       fz.arena + PAGE * below(r, ARENA_PAGES - ARENA_STALLED - 16));
		break;
	case 8:
		file = memfd_create("fuzz", MFD_CLOEXEC);
		if (file < 0 || ftruncate(file, length))
			break;
		mmap(p, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     file, 0);
		if (one_in(r, 2) && ftruncate(file, PAGE))
			report("ftruncate: %s", strerror(errno));
		break;
	}
	if (one_in(r, 4))
		for (uint32_t i = 0; i < count; i++)
			probe_write(p + i * PAGE);
}

/* ---- the window ---------------------------------------------------------- */

/* Windows are between these, and nothing else is. */
#define WINDOW_LEAST 0x400000000000
#define WINDOW_MOST 0x540000000000

/* A mapping of the module's or of a buffer: true if there is one. */
static bool pick_vma(struct rng *r, struct vma *found, const char *name)
{
	static __thread struct vma v[256];
	size_t n = maps_read(0, 0, ~0ull, v, ARRAY_SIZE(v));
	uint32_t seen = 0;

	if (n > ARRAY_SIZE(v))
		n = ARRAY_SIZE(v);
	for (size_t i = 0; i < n; i++) {
		if (!strstr(v[i].name, name) &&
		    (strcmp(name, "rocsvm") || !strstr(v[i].name, "renderD")))
			continue;
		if (below(r, ++seen) == 0)
			*found = v[i];
	}
	return seen;
}

/* Calls that the window refuses, or that must do no harm to others. */
static void try_range(struct rng *r, uint64_t va, uint64_t length)
{
	char *p = (char *)(uintptr_t)va;

	switch (below(r, 8)) {
	case 0:
		munmap(p, length);
		break;
	case 1:
		mmap(p, length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		break;
	case 2:
		mprotect(p, length, PROT_READ);
		break;
	case 3:
		mremap(p, length, length * 2, MREMAP_MAYMOVE);
		break;
	case 4:
		madvise(p, length, MADV_DONTFORK);
		break;
	case 5:
		mlock(p, PAGE);
		break;
	case 6:
		syscall(SYS_remap_file_pages, p, length, 0, 1, 0);
		break;
	case 7:
		mmap(p, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		     MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
		break;
	}
}

void disturb_window(struct rng *r)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_REMOVE, MADV_FREE, MADV_COLD, MADV_PAGEOUT,
		MADV_WILLNEED, MADV_HUGEPAGE, MADV_DOFORK, MADV_DODUMP,
	};
	uint64_t va = known_get(r) & ~(PAGE - 1);
	uint64_t length = PAGE * (1 + below(r, 8));
	struct vma v;

	/* Not what is the fuzzer's own: its memory may be where a buffer was. */
	if (fz.mode & (MODE_MMAP | MODE_TEAR) || va < WINDOW_LEAST ||
	    va > WINDOW_MOST) {
		if (!pick_vma(r, &v, "rocsvm"))
			return;
		va = v.start + PAGE * below(r, 8);
		if (va + length > v.end) {
			va = v.start;
			length = PAGE;
		}
	} else if (one_in(r, 4)) {
		va -= PAGE * below(r, 4);
	}
	if (one_in(r, 2))
		madvise((void *)(uintptr_t)va, length, advice[below(r, ARRAY_SIZE(advice))]);
	else
		try_range(r, va, length);
}

/* Whole mappings can be unmapped; then the program's own may stand there. */
void tear_window(struct rng *r)
{
	struct vma v;

	if (!pick_vma(r, &v, "rocsvm"))
		return;
	munmap((void *)v.start, v.end - v.start);
	if (one_in(r, 2) && v.end - v.start < MiB(64))
		mmap((void *)v.start, v.end - v.start, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE |
		     MAP_NORESERVE, -1, 0);
}

void scribble(struct rng *r)
{
	struct vma v;

	if (!pick_vma(r, &v, "[rocsvm]"))
		return;
	for (int i = 0; i < 2000; i++) {
		/* Most are KFD's handles, addresses and sizes; some are not. */
		uint32_t at = one_in(r, 8) ? below(r, PAGE) : below(r, 64);

		/*
		 * How many GPUs MAP and UNMAP are for: KFD allocates an array for
		 * as many as it is told, over /dev/kfd as well, and the kernel
		 * warns of one that is too large.
		 */
		if (at / 4 == offsetof(struct kfd_ioctl_map_memory_to_gpu_args, n_devices) / 4)
			continue;
		if (probe_write((char *)v.start + at))
			break;
	}
}

/* ---- processes and files ------------------------------------------------- */

/* The parent's window is not the child's. Only system calls: it has threads. */
void fork_child(struct rng *r)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	struct iovec to = { &info, 8 }, from = { (void *)(uintptr_t)known_get(r), 8 };
	bool opens = one_in(r, 3);
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd = -1;

		if (ioctl(fz.fd, ROCSVM_INFO, &info) != -1 || errno != EBADF)
			_exit(2);
		if (from.iov_base && (fz.mode & MODE_MODEL) &&
		    (uintptr_t)from.iov_base - (uintptr_t)fz.arena >= ARENA_PAGES * PAGE &&
		    process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 8)
			_exit(3);
		if (opens)
			fd = open("/dev/rocsvm", O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			ioctl(fd, ROCSVM_INFO, &info);
		if (opens && fd % 2)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	if (pid < 0)
		return;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		report("a forked child was served on its parent's file");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		report("a forked child can read its parent's buffers");
}

void open_and_close(struct rng *r)
{
	int fd = svm_open();

	if (one_in(r, 2))
		usleep(below(r, 500));
	if (fd >= 0)
		close(fd);
}

/* The last file may go with this; calls in other threads are -EBADF then. */
void reopen(void)
{
	struct rocsvm_acquire_vm args = {
		.size = sizeof(args), .gpu_id = fz.gpu, .drm_fd = fz.render,
	};
	int fd;

	close(fz.fd);
	fd = svm_open();
	if (fd < 0)
		return;
	if (fd != fz.fd) {
		dup2(fd, fz.fd);
		close(fd);
	}
	ioctl(fz.fd, ROCSVM_ACQUIRE_VM, &args);
}

void disturb(struct worker *w)
{
	struct rng *r = &w->rng;

	tally->disturbances++;
	switch (below(r, 12)) {
	case 0 ... 5:
		disturb_arena(r);
		break;
	case 6 ... 8:
		disturb_window(r);
		break;
	case 9:
		if (one_in(r, 4))
			fork_child(r);
		else
			open_and_close(r);
		break;
	case 10:
		if ((fz.mode & MODE_REOPEN) && one_in(r, 3))
			reopen();
		if ((fz.mode & MODE_TEAR) && one_in(r, 2))
			tear_window(r);
		break;
	case 11:
		if (fz.mode & MODE_SCRIBBLE)
			scribble(r);
		break;
	}
}

void disturb_gently(struct worker *w, uint64_t va, uint64_t length)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED,
	};
	struct rng *r = &w->rng;

	tally->disturbances++;
	if (one_in(r, 4))
		fork_child(r);
	else if (one_in(r, 4))
		open_and_close(r);
	else if (one_in(r, 2) && length > PAGE)
		/* Not all of a mapping, whatever stands beside it. */
		try_range(r, va, length - PAGE);
	else if (length)
		madvise((void *)(uintptr_t)va, length, advice[below(r, ARRAY_SIZE(advice))]);
}

/* ---- KFD's own calls ------------------------------------------------------ */

/*
 * Not in here: MAP and UNMAP with a number of GPUs that is more than there are,
 * as KFD allocates memory for that number first, and the page allocator warns.
 */
static void kfd_alloc(struct rng *r)
{
	static const uint32_t domains[] = {
		KFD_IOC_ALLOC_MEM_FLAGS_GTT, KFD_IOC_ALLOC_MEM_FLAGS_VRAM,
		KFD_IOC_ALLOC_MEM_FLAGS_USERPTR,
	};
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.gpu_id = fz.gpu,
		.size = PAGE * (1 + below(r, 16)),
		.flags = domains[below(r, 3)] | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
		.va_addr = known_get(r),
	};
	uint64_t old;

	if (one_in(r, 2))
		args.va_addr = (uintptr_t)fz.arena + PAGE * below(r, ARENA_PAGES);
	args.mmap_offset = args.va_addr;
	if (ioctl(fz.fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args))
		return;
	old = atomic_exchange(&fz.handles[below(r, KFD_HANDLES / fz.narrow)], args.handle);
	if (old)
		ioctl(fz.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU,
		      &(struct kfd_ioctl_free_memory_of_gpu_args){ old });
}

void kfd_call(struct worker *w)
{
	struct rng *r = &w->rng;
	uint64_t handle = fz.handles[below(r, KFD_HANDLES / fz.narrow)];
	struct rocsvm_query q = { .va = known_get(r) };
	struct kfd_ioctl_map_memory_to_gpu_args map = {
		.device_ids_array_ptr = (uintptr_t)&fz.gpu, .n_devices = 1,
	};

	tally->kfd++;
	/* Behind the module's back, what is the module's. */
	if (one_in(r, 4) && !svm_query(fz.fd, &q))
		handle = q.handle;
	map.handle = handle;
	switch (below(r, 4)) {
	case 0:
		kfd_alloc(r);
		break;
	case 1:
		ioctl(fz.fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &map);
		break;
	case 2:
		ioctl(fz.fd, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &map);
		break;
	case 3:
		ioctl(fz.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU,
		      &(struct kfd_ioctl_free_memory_of_gpu_args){ handle });
		break;
	}
}
