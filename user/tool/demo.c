// SPDX-License-Identifier: MIT
/*
 * rocsvm demo: shared virtual memory, step by step. Every step checks what it
 * claims; the first one that fails ends the demo with status 1.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kfd_ioctl.h>

#include "demo.h"
#include "draw.h"

#define MARGIN		(4ull << 20)	/* more than what the window has around it */
#define MAX_MAPPINGS	16

/* How long KFD may take to account for freed VRAM */
#define SETTLE_MS	3000

void say(const char *format, ...)
{
	va_list args;

	printf("   ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

int failed(const char *format, ...)
{
	va_list args;

	printf("   %sFAILED: ", colour(RED));
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("%s\n", colour(RESET));
	fflush(stdout);
	return -1;
}

static void say_range(const char *name, uint64_t base, uint64_t limit, const char *note)
{
	char size[24];

	say("%-16s 0x%012" PRIx64 " .. 0x%012" PRIx64 "  %s%s", name, base, limit,
	    size_text(limit - base + 1, size), note);
}

static int show_gpu(struct demo *demo, unsigned int index)
{
	struct rocsvm_gpu_info gpu = { .size = sizeof(gpu) };
	uint64_t version = 0, minor = 0;
	char name[24];
	int ret;

	ret = rocsvm_gpu(demo->ctx, index, &gpu);
	if (ret)
		return failed("can't describe GPU %u: %s", index, strerror(-ret));
	rocsvm_gpu_property(demo->ctx, gpu.gpu_id, "gfx_target_version", &version);
	rocsvm_gpu_property(demo->ctx, gpu.gpu_id, "drm_render_minor", &minor);
	gfx_name(version, name);
	say("GPU 0x%04x is a %s, /dev/dri/renderD%" PRIu64, gpu.gpu_id, name, minor);
	say_range("  gpuvm aperture", gpu.gpuvm_base, gpu.gpuvm_limit, "");
	if (!(gpu.gpu_flags & ROCSVM_GPU_CANONICAL)) {
		say("  not canonical: it takes no part");
		return 0;
	}
	if (gpu.gpuvm_base > demo->info.window_base || gpu.gpuvm_limit < demo->info.window_limit)
		return failed("the window lies outside of its aperture");
	if (demo->num_gpus < DEMO_MAX_GPUS)
		demo->gpus[demo->num_gpus++].id = gpu.gpu_id;
	return 0;
}

/* The window as the kernel's own list of mappings has it */
static int show_mappings(const struct demo *demo)
{
	uint64_t at = demo->info.window_base;
	struct mapping maps[MAX_MAPPINGS];
	char size[24];
	int count;

	count = read_mappings(at - MARGIN, demo->info.window_limit + MARGIN, maps, MAX_MAPPINGS);
	if (count < 0)
		return failed("can't read /proc/self/maps: %s", strerror(-count));
	say("/proc/self/maps:");
	for (int i = 0; i < count; i++) {
		if (!strstr(maps[i].name, "rocsvm"))
			continue;
		say("  %012" PRIx64 "-%012" PRIx64 " %s %9s  %s", maps[i].base, maps[i].end,
		    maps[i].access, size_text(maps[i].end - maps[i].base, size), maps[i].name);
		if (maps[i].base <= at && maps[i].end > at)
			at = maps[i].end;
	}
	if (at <= demo->info.window_limit)
		return failed("nothing is reserved at 0x%012" PRIx64, at);
	return 0;
}

static int step_open(struct demo *demo)
{
	/* The demo is about the window, whatever other processes get. */
	struct rocsvm_open_options options = {
		.size = sizeof(options),
		.flags = ROCSVM_OPEN_RESERVED,
	};
	struct kfd_ioctl_get_version_args kfd = { 0 };
	int ret;

	ret = rocsvm_open(&demo->ctx, &options);
	if (ret)
		return failed("%s", explain_open(ret));
	demo->info.size = sizeof(demo->info);
	ret = rocsvm_get_info(demo->ctx, &demo->info);
	if (!ret)
		ret = rocsvm_kfd_ioctl(demo->ctx, AMDKFD_IOC_GET_VERSION, &kfd);
	if (ret)
		return failed("can't describe the space: %s", strerror(-ret));
	say("ABI %u, KFD %u.%u behind it, %u GPU%s", demo->info.abi, kfd.major_version,
	    kfd.minor_version, demo->info.num_gpus, demo->info.num_gpus == 1 ? "" : "s");
	for (unsigned int i = 0; i < demo->info.num_gpus; i++)
		if (show_gpu(demo, i))
			return -1;
	if (!demo->num_gpus)
		return failed("no GPU can share virtual memory");
	say_range("SVM range", demo->info.svm_base, demo->info.svm_limit, ", their intersection");
	say_range("reserved window", demo->info.window_base, demo->info.window_limit, "");
	return show_mappings(demo);
}

static int step_acquire(struct demo *demo)
{
	int ret;

	for (unsigned int i = 0; i < demo->num_gpus; i++) {
		ret = rocsvm_acquire(demo->ctx, demo->gpus[i].id);
		if (ret)
			return failed("can't acquire GPU 0x%04x: %s", demo->gpus[i].id,
				      strerror(-ret));
		say("GPU 0x%04x: its page tables are this process's now", demo->gpus[i].id);
	}
	ret = rocsvm_get_info(demo->ctx, &demo->info);
	if (ret || demo->info.num_acquired != demo->num_gpus)
		return failed("%u are acquired, not %u", demo->info.num_acquired, demo->num_gpus);
	return 0;
}

static int map_buffer(struct demo *demo, const struct demo_buffer *buffer)
{
	uint32_t ids[DEMO_MAX_GPUS], seen[DEMO_MAX_GPUS];
	struct rocsvm_query query = {
		.size = sizeof(query),
		.num_gpus = DEMO_MAX_GPUS,
		.gpu_ids = (uintptr_t)seen,
	};
	unsigned int n = 0;
	int ret;

	for (unsigned int i = 0; i < demo->num_gpus; i++)
		if (!buffer->gpu_id || buffer->gpu_id == demo->gpus[i].id)
			ids[n++] = demo->gpus[i].id;
	ret = rocsvm_map(demo->ctx, buffer->ptr, ids, n);
	if (ret)
		return failed("can't map %s at %p: %s", buffer->label, buffer->ptr,
			      strerror(-ret));
	ret = rocsvm_query(demo->ctx, buffer->ptr, &query);
	if (ret || query.va != (uintptr_t)buffer->ptr || query.kind != (uint32_t)buffer->kind ||
	    query.length < buffer->length || query.num_gpus != n)
		return failed("the module describes %p wrongly", buffer->ptr);
	return 0;
}

static int step_map(struct demo *demo)
{
	for (unsigned int i = 0; i < demo->num_buffers; i++)
		if (map_buffer(demo, &demo->buffers[i]))
			return -1;
	say("%u buffers, each at the address that the CPU has for it", demo->num_buffers);
	return 0;
}

static int must_fault(const void *ptr, const char *what)
{
	if (!read_faults(ptr))
		return failed("the CPU can read %s at %p", what, ptr);
	say("%p  %-38s SIGSEGV", ptr, what);
	return 0;
}

static int must_not_fault(const void *ptr, const char *what)
{
	if (read_faults(ptr))
		return failed("the CPU can't read %s at %p", what, ptr);
	say("%p  %-38s readable", ptr, what);
	return 0;
}

static int step_guard(struct demo *demo)
{
	const char *source = demo->source;
	const char *gtt = demo->gpus[0].gtt;

	if (must_not_fault(source + DEMO_LENGTH - 1, "last byte of the host buffer") ||
	    must_fault(source + DEMO_LENGTH, "its guard page") ||
	    must_not_fault(gtt + DEMO_LENGTH - 1, "last byte of the GTT buffer") ||
	    must_fault(gtt + DEMO_LENGTH, "its guard page") ||
	    must_fault(demo->gpus[0].private_vram, "private VRAM: the GPU's alone") ||
	    must_fault((void *)(uintptr_t)(demo->info.huge_base - DEMO_PAGE),
		       "free space of the window"))
		return -1;
	return 0;
}

static const char *label_of(const struct demo *demo, uint64_t va)
{
	for (unsigned int i = 0; i < demo->num_buffers; i++)
		if ((uintptr_t)demo->buffers[i].ptr == va)
			return demo->buffers[i].label;
	return "";
}

static int step_draw(struct demo *demo)
{
	struct space space;
	char size[24];
	size_t count;
	int ret;

	ret = space_read_own(&space, demo->ctx);
	for (size_t i = 0; i < space.count; i++)
		space.buffers[i].label = label_of(demo, space.buffers[i].va);
	if (!ret) {
		draw_space(&space, true);
		printf("%" PRIu64 " buffers, %s\n", space.num_buffers,
		       size_text(space.buffer_bytes, size));
	}
	count = space.count;
	space_free(&space);
	if (ret)
		return failed("can't walk the buffers: %s", strerror(-ret));
	if (count != demo->num_buffers)
		return failed("%zu buffers are there, not %u", count, demo->num_buffers);
	return 0;
}

/* Other users of KFD change how much VRAM there is. */
static bool alone_on_kfd(void)
{
	glob_t found;
	size_t count;

	if (glob("/sys/class/kfd/kfd/proc/*", 0, NULL, &found))
		return false;
	count = found.gl_pathc;
	globfree(&found);
	return count == 1;
}

static int check_vram(struct demo *demo, const struct demo_gpu *gpu)
{
	uint64_t available = 0;
	char size[24], before[24];
	int ret;

	for (int waited = 0;; waited += 50) {
		ret = demo_available(demo, gpu->id, &available);
		if (ret)
			return failed("KFD can't tell how much VRAM is free: %s", strerror(-ret));
		if (available >= gpu->available || waited >= SETTLE_MS)
			break;
		usleep(50000);
	}
	say("GPU 0x%04x: %s of VRAM free, %s before", gpu->id, size_text(available, size),
	    size_text(gpu->available, before));
	if (available >= gpu->available)
		return 0;
	size_text(gpu->available - available, size);
	if (alone_on_kfd())
		return failed("%s of its VRAM did not come back", size);
	say("(%s less than before: there are other users)", size);
	return 0;
}

static int step_free(struct demo *demo)
{
	struct rocsvm_query query = { .size = sizeof(query) };
	unsigned int count = demo->num_buffers;
	int ret;

	while (demo->num_buffers) {
		const struct demo_buffer *buffer = &demo->buffers[--demo->num_buffers];

		ret = rocsvm_free(demo->ctx, buffer->ptr);
		if (ret)
			return failed("can't free %p: %s", buffer->ptr, strerror(-ret));
		if (rocsvm_query(demo->ctx, buffer->ptr, &query) != -ENOENT)
			return failed("%p is freed and still there", buffer->ptr);
	}
	ret = rocsvm_get_info(demo->ctx, &demo->info);
	if (ret || demo->info.num_buffers || demo->info.buffer_bytes)
		return failed("%" PRIu64 " buffers are left", (uint64_t)demo->info.num_buffers);
	say("%u buffers freed, none is left", count);
	if (must_fault(demo->source, "where the host buffer was") ||
	    must_fault(demo->gpus[0].gtt, "where the GTT buffer was"))
		return -1;
	for (unsigned int i = 0; i < demo->num_gpus; i++)
		if (check_vram(demo, &demo->gpus[i]))
			return -1;
	return 0;
}

static int step_close(struct demo *demo)
{
	struct mapping maps[MAX_MAPPINGS];
	int count;

	demo->ctx = rocsvm_unref(demo->ctx);
	count = read_mappings(demo->info.window_base - MARGIN, demo->info.window_limit + MARGIN,
			      maps, MAX_MAPPINGS);
	if (count < 0)
		return failed("can't read /proc/self/maps: %s", strerror(-count));
	for (int i = 0; i < count; i++)
		if (strstr(maps[i].name, "rocsvm"))
			return failed("0x%012" PRIx64 " is still mapped", maps[i].base);
	say("/proc/self/maps shows no window any more");
	return 0;
}

static void clean_up(struct demo *demo)
{
	for (unsigned int i = 0; i < demo->num_gpus; i++)
		sdma_destroy(&demo->gpus[i].sdma);
	rocsvm_unref(demo->ctx);
}

static const struct step {
	const char *title;
	int (*run)(struct demo *demo);
} steps[] = {
	{ "Open /dev/rocsvm: the kernel reserves the window", step_open },
	{ "Acquire each GPU's VM", step_acquire },
	{ "Allocate host memory, VRAM and GTT", demo_allocate },
	{ "Map them to the GPUs", step_map },
	{ "Stray CPU accesses are caught", step_guard },
	{ "CPU and GPU work by the same pointers", demo_copy },
	{ "The address space, as the kernel describes it", step_draw },
	{ "Free everything", step_free },
	{ "Close: the address space is the process's own again", step_close },
};

int cmd_demo(int argc, char **argv)
{
	struct demo demo = { 0 };
	int ret = no_arguments(argc, argv);

	if (ret)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		printf("%s%s%zu. %s%s\n", i ? "\n" : "", colour(BOLD), i + 1, steps[i].title, colour(RESET));
		fflush(stdout);
		if (steps[i].run(&demo)) {
			clean_up(&demo);
			complain("demo: step %zu of %zu failed", i + 1, ARRAY_SIZE(steps));
			return STATUS_FAILED;
		}
	}
	clean_up(&demo);
	printf("\n%sAll %zu steps passed.%s\n", colour(GREEN), ARRAY_SIZE(steps), colour(RESET));
	return STATUS_OK;
}
