// SPDX-License-Identifier: MIT
/*
 * rocsvm bench: what a buffer costs on this machine: ALLOC, MAP, UNMAP and FREE by
 * rocsvm, beside the same by KFD's own ioctls with the mmap() and munmap() that go
 * with them. Each in a process of its own, as a process has one GPU VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/kfd_ioctl.h>

#include "draw.h"
#include "json.h"
#include "tool.h"

#define LENGTH		65536
#define WARM_UP		16
#define MAX_CYCLES	10000

enum step { ALLOC, MAP, UNMAP, FREE, CYCLE, NUM_STEPS };

static const char *const step_names[NUM_STEPS] = { "alloc", "map", "unmap", "free", "cycle" };

static const enum rocsvm_kind kinds[] = {
	ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
};

/* What the two sides share */
struct bench {
	uint32_t gpu_id;
	uint64_t render_minor;
	uint64_t cycles;

	/* of one side, in its process */
	struct rocsvm_ctx *ctx;
	int kfd, drm;
	enum rocsvm_kind kind;
	void *ptr;
	uint64_t handle;
};

/* In the order of enum step; 0 or -errno */
struct side {
	const char *name;
	int (*open)(struct bench *b);
	int (*steps[CYCLE])(struct bench *b);
};

/* Medians in ns, written by the child */
struct result {
	int error;
	uint64_t ns[NUM_STEPS];
};

/* ---- rocsvm ---- */

static int rocsvm_side_open(struct bench *b)
{
	const struct rocsvm_open_options options = {
		.size = sizeof(options), .flags = ROCSVM_OPEN_ACQUIRE,
	};

	return rocsvm_open(&b->ctx, &options);
}

static int rocsvm_side_alloc(struct bench *b)
{
	return rocsvm_alloc(b->ctx, &b->ptr, LENGTH, b->kind, b->gpu_id, 0);
}

static int rocsvm_side_map(struct bench *b)
{
	return rocsvm_map(b->ctx, b->ptr, &b->gpu_id, 1);
}

static int rocsvm_side_unmap(struct bench *b)
{
	return rocsvm_unmap(b->ctx, b->ptr, &b->gpu_id, 1);
}

static int rocsvm_side_free(struct bench *b)
{
	return rocsvm_free(b->ctx, b->ptr);
}

/* ---- KFD ---- */

static int kfd_call(struct bench *b, unsigned long cmd, void *args)
{
	return ioctl(b->kfd, cmd, args) ? -errno : 0;
}

static int kfd_side_open(struct bench *b)
{
	struct kfd_ioctl_acquire_vm_args args = { .gpu_id = b->gpu_id };
	char path[64];

	snprintf(path, sizeof(path), "/dev/dri/renderD%" PRIu64, b->render_minor);
	b->kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	b->drm = open(path, O_RDWR | O_CLOEXEC);
	if (b->kfd < 0 || b->drm < 0)
		return -errno;
	args.drm_fd = b->drm;
	return kfd_call(b, AMDKFD_IOC_ACQUIRE_VM, &args);
}

/* Host memory is the program's own, the rest is mapped from the render node. */
static int kfd_side_alloc(struct bench *b)
{
	bool host = b->kind == ROCSVM_KIND_HOST;
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.size = LENGTH, .gpu_id = b->gpu_id,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	int ret;

	b->ptr = mmap(NULL, LENGTH, host ? PROT_READ | PROT_WRITE : PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->ptr == MAP_FAILED)
		return -errno;
	args.va_addr = (uintptr_t)b->ptr;
	if (host) {
		args.flags |= KFD_IOC_ALLOC_MEM_FLAGS_USERPTR;
		args.mmap_offset = args.va_addr;
	} else if (b->kind == ROCSVM_KIND_GTT) {
		args.flags |= KFD_IOC_ALLOC_MEM_FLAGS_GTT;
	} else {
		args.flags |= KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC;
	}
	ret = kfd_call(b, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);
	b->handle = args.handle;
	if (ret || host)
		return ret;
	return mmap(b->ptr, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, b->drm,
		    (off_t)args.mmap_offset) == MAP_FAILED ? -errno : 0;
}

static int kfd_side_map(struct bench *b)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = b->handle, .device_ids_array_ptr = (uintptr_t)&b->gpu_id,
		.n_devices = 1,
	};

	return kfd_call(b, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args);
}

static int kfd_side_unmap(struct bench *b)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args args = {
		.handle = b->handle, .device_ids_array_ptr = (uintptr_t)&b->gpu_id,
		.n_devices = 1,
	};

	return kfd_call(b, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &args);
}

static int kfd_side_free(struct bench *b)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = b->handle };
	int ret = kfd_call(b, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);

	munmap(b->ptr, LENGTH);
	return ret;
}

static const struct side sides[] = {
	{ "rocsvm", rocsvm_side_open, { rocsvm_side_alloc, rocsvm_side_map, rocsvm_side_unmap,
					rocsvm_side_free } },
	{ "KFD", kfd_side_open, { kfd_side_alloc, kfd_side_map, kfd_side_unmap, kfd_side_free } },
};

#define NUM_SIDES	ARRAY_SIZE(sides)

/* ---- measuring ---- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int cycle(const struct side *side, struct bench *b, uint64_t took[static NUM_STEPS])
{
	uint64_t start = now(), before = start, after;

	for (int step = ALLOC; step < CYCLE; step++) {
		int ret = side->steps[step](b);

		if (ret)
			return ret;
		after = now();
		took[step] = after - before;
		before = after;
	}
	took[CYCLE] = before - start;
	return 0;
}

/* In the child */
static int measure(const struct side *side, struct bench *b, struct result *result)
{
	uint64_t *took = calloc(b->cycles * NUM_STEPS, sizeof(*took));
	uint64_t one[NUM_STEPS];
	int ret;

	if (!took)
		return -ENOMEM;
	ret = side->open(b);
	for (uint64_t i = 0; !ret && i < WARM_UP + b->cycles; i++) {
		ret = cycle(side, b, one);
		for (int step = 0; i >= WARM_UP && step < NUM_STEPS; step++)
			took[step * b->cycles + i - WARM_UP] = one[step];
	}
	for (int step = 0; !ret && step < NUM_STEPS; step++) {
		qsort(took + step * b->cycles, b->cycles, sizeof(*took), compare);
		result->ns[step] = took[step * b->cycles + b->cycles / 2];
	}
	free(took);
	return ret;
}

static int run(const struct side *side, struct bench *b, struct result *result)
{
	int status;
	pid_t pid;

	result->error = -EIO;		/* unless it says otherwise */
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		result->error = measure(side, b, result);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return result->error;
}

/* The first GPU that takes part in the SVM range */
static int find_gpu(struct bench *b)
{
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	struct rocsvm_ctx *ctx;
	int ret = rocsvm_open(&ctx, NULL);

	if (ret)
		return ret;
	for (unsigned int i = 0; !ret; i++) {
		ret = rocsvm_gpu(ctx, i, &gpu);
		if (!ret && gpu.gpu_flags & ROCSVM_GPU_CANONICAL)
			break;
	}
	b->gpu_id = gpu.gpu_id;
	if (!ret)
		ret = rocsvm_gpu_property(ctx, gpu.gpu_id, "drm_render_minor", &b->render_minor);
	rocsvm_unref(ctx);
	return ret;
}

/* ---- output ---- */

static void show(const struct bench *b, const struct result *results)
{
	printf("GPU 0x%04x, 64 KiB, median of %" PRIu64 " cycles, in ns\n", b->gpu_id, b->cycles);
	printf("%s%-6s %-7s", colour(BOLD), "KIND", "BY");
	for (int step = 0; step < NUM_STEPS; step++)
		printf(" %10s", step_names[step]);
	printf("%s\n", colour(RESET));
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		const struct result *r = &results[k * NUM_SIDES];

		for (size_t i = 0; i < NUM_SIDES; i++) {
			printf("%-6s %-7s", i ? "" : kind_name(kinds[k]), sides[i].name);
			for (int step = 0; step < NUM_STEPS; step++)
				printf(" %10" PRIu64, r[i].ns[step]);
			printf("\n");
		}
		printf("%-6s %-7s", "", "ratio");
		for (int step = 0; step < NUM_STEPS; step++)
			printf(" %10.2f", (double)r[0].ns[step] / (double)(r[1].ns[step] ?: 1));
		printf("\n");
	}
}

static void show_json(const struct bench *b, const struct result *results)
{
	struct json json = { .to = stdout };

	json_object(&json, NULL);
	json_number(&json, "gpu_id", b->gpu_id);
	json_number(&json, "length", LENGTH);
	json_number(&json, "cycles", (int64_t)b->cycles);
	json_array(&json, "medians");
	for (size_t i = 0; i < ARRAY_SIZE(kinds) * NUM_SIDES; i++) {
		json_object(&json, NULL);
		json_text(&json, "kind", kind_key(kinds[i / NUM_SIDES]));
		json_text(&json, "by", sides[i % NUM_SIDES].name);
		for (int step = 0; step < NUM_STEPS; step++) {
			char name[16];

			snprintf(name, sizeof(name), "%s_ns", step_names[step]);
			json_number(&json, name, (int64_t)results[i].ns[step]);
		}
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
}

int cmd_bench(int argc, char **argv)
{
	bool as_json = false;
	struct bench bench = { .cycles = 200 };
	const struct tool_option options[] = {
		{ "cycles", 'c', .value = &bench.cycles }, { "json", 'j', .flag = &as_json },
	};
	int ret = no_operands(argc, argv, read_options(argc, argv, options, ARRAY_SIZE(options)));
	const size_t count = ARRAY_SIZE(kinds) * NUM_SIDES;
	struct result *results;

	if (ret)
		return ret;
	if (!bench.cycles || bench.cycles > MAX_CYCLES) {
		complain("bench: from 1 to %d cycles", MAX_CYCLES);
		return STATUS_USAGE;
	}
	ret = find_gpu(&bench);
	if (ret) {
		complain("%s", explain_open(ret));
		return STATUS_FAILED;
	}
	results = mmap(NULL, count * sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED) {
		complain("%s", strerror(errno));
		return STATUS_FAILED;
	}
	for (size_t i = 0; !ret && i < count; i++) {
		bench.kind = kinds[i / NUM_SIDES];
		ret = run(&sides[i % NUM_SIDES], &bench, &results[i]);
		if (ret)
			complain("%s by %s: %s", kind_name(bench.kind), sides[i % NUM_SIDES].name,
				 strerror(-ret));
	}
	if (!ret && as_json)
		show_json(&bench, results);
	else if (!ret)
		show(&bench, results);
	munmap(results, count * sizeof(*results));
	return ret ? STATUS_FAILED : STATUS_OK;
}
