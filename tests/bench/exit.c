// SPDX-License-Identifier: MIT
/*
 * How long does it take to die? A process with N host buffers of a page each is
 * killed: the time from SIGKILL to waitpid(), and until KFD has forgotten the
 * process, of buffers that are rocsvm's and of the same ones that are made with
 * KFD's own ioctls.
 *
 * Both have a page of memory for each buffer and a page of addresses between
 * two. Over KFD alone all of them are in one mapping, as in rocsvm's window, and
 * without huge pages: private memory, which is as cheap as it gets, and shared
 * memory, as the window's is. A runtime that maps each buffer by itself has as
 * many mappings to take apart.
 *
 * usage: exit [-m] [-r ROUNDS] [N...]     -m: map each buffer to the GPU, too
 */
#include "bench.h"

#include <time.h>

enum variant { OF_ROCSVM, OF_KFD, OF_KFD_SHARED, NUM_VARIANTS };

static const char * const names[NUM_VARIANTS] = {
	"rocsvm", "KFD", "KFD, shared",
};

struct job {
	enum variant variant;
	unsigned long count;
	int ready[2];
};

struct result {
	double allocated, waited, forgotten;	/* in ms */
};

static bool map_buffers;
static uint32_t gpu;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void fill_rocsvm(unsigned long count)
{
	int fd = svm_start();

	for (unsigned long i = 0; i < count; i++) {
		void *va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);

		if (map_buffers)
			ASSERT_EQ(svm_map_all(fd, va), 0);
	}
}

static void kfd_map(int kfd, uint64_t handle)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = handle,
		.device_ids_array_ptr = (uintptr_t)&gpu,
		.n_devices = 1,
	};

	ASSERT_EQ(SYS(ioctl(kfd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args)), 0);
}

static void fill_kfd(unsigned long count, int flags)
{
	int kfd = kfd_open();
	struct kfd_ioctl_acquire_vm_args acquire = {
		.drm_fd = render_open(gpu), .gpu_id = gpu,
	};
	char *memory;

	ASSERT_EQ(SYS(ioctl(kfd, AMDKFD_IOC_ACQUIRE_VM, &acquire)), 0);
	memory = mmap(NULL, 2 * count * PAGE, PROT_READ | PROT_WRITE,
		      flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(memory != MAP_FAILED);
	ASSERT_EQ(SYS(madvise(memory, 2 * count * PAGE, MADV_NOHUGEPAGE)), 0);
	for (unsigned long i = 0; i < count; i++) {
		uint64_t va = (uintptr_t)memory + 2 * i * PAGE;
		struct kfd_ioctl_alloc_memory_of_gpu_args args = {
			.va_addr = va,
			.size = PAGE,
			.mmap_offset = va,
			.gpu_id = gpu,
			.flags = KFD_IOC_ALLOC_MEM_FLAGS_USERPTR |
				 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
		};

		ASSERT_EQ(SYS(ioctl(kfd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args)), 0);
		if (map_buffers)
			kfd_map(kfd, args.handle);
	}
}

static void victim(void *arg)
{
	struct job *job = arg;

	if (job->variant == OF_ROCSVM)
		fill_rocsvm(job->count);
	else
		fill_kfd(job->count,
			 job->variant == OF_KFD ? MAP_PRIVATE : MAP_SHARED);
	ASSERT_EQ(write(job->ready[1], "", 1), 1);
	for (;;)
		pause();
}

/* KFD has a folder for each process that it knows. */
static bool kfd_knows(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/kfd/kfd/proc/%d", pid);
	return !access(path, F_OK);
}

static struct result run_one(enum variant variant, unsigned long count)
{
	struct job job = { .variant = variant, .count = count };
	double start = now_ms(), killed;
	struct result result;
	pid_t pid;
	char c;

	ASSERT_EQ(pipe(job.ready), 0);
	pid = child_start(victim, &job);
	close(job.ready[1]);
	ASSERT_EQ(read(job.ready[0], &c, 1), 1);
	close(job.ready[0]);
	ASSERT(kfd_knows(pid));
	result.allocated = now_ms() - start;
	/* What it has left undone is not the exit's. */
	sleep(1);

	killed = now_ms();
	ASSERT_EQ(SYS(kill(pid, SIGKILL)), 0);
	ASSERT_EQ(WTERMSIG(child_wait(pid)), SIGKILL);
	result.waited = now_ms() - killed;
	while (kfd_knows(pid))
		usleep(1000);
	result.forgotten = now_ms() - killed;
	EXPECT(svm_all_gone());
	return result;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* In turn, so that what changes with time does not change the ratio. */
static void compare(unsigned long count, int rounds)
{
	double waited[NUM_VARIANTS][rounds], forgotten[NUM_VARIANTS][rounds];
	double allocated[NUM_VARIANTS][rounds];
	char name[64];

	for (int i = 0; i < rounds; i++) {
		for (int v = 0; v < NUM_VARIANTS; v++) {
			struct result r = run_one(v, count);

			allocated[v][i] = r.allocated;
			waited[v][i] = r.waited;
			forgotten[v][i] = r.forgotten;
		}
	}
	snprintf(name, sizeof(name), "%lu host buffers", count);
	for (int v = 0; v < NUM_VARIANTS; v++) {
		record_one("exit", name, names[v], "allocated, ms", median(allocated[v], rounds));
		record_one("exit", name, names[v], "dead, ms", median(waited[v], rounds));
		record_one("exit", name, names[v], "forgotten, ms", median(forgotten[v], rounds));
	}
}

int main(int argc, char **argv)
{
	static const unsigned long counts[] = { 1000, 10000, 100000 };
	int option, rounds = 3, fd;

	while ((option = getopt(argc, argv, "mr:")) != -1) {
		if (option == 'm')
			map_buffers = true;
		else if (option == 'r' && atoi(optarg) > 0)
			rounds = atoi(optarg);
		else
			return 2;
	}
	fd = svm_open();
	ASSERT_GE(fd, 0);
	gpu = svm_gpu(fd, 0);
	close(fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (optind < argc) {
		for (; optind < argc; optind++)
			compare(strtoul(argv[optind], NULL, 0), rounds);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
			compare(counts[i], counts[i] < 100000 ? rounds : 1);
	}
	return test_failures ? KSFT_FAIL : KSFT_PASS;
}
