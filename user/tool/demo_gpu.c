// SPDX-License-Identifier: MIT
/*
 * The demo's buffers, and the copies that the GPUs make between them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <linux/kfd_ioctl.h>

#include "demo.h"
#include "draw.h"

#define FENCE_VALUE		0x600dc0de
#define FENCE_TIMEOUT_MS	20000
#define POISON			0xa5

/* What a GPU reads commands and pointers from while the CPU writes them */
#define QUEUE_FLAGS \
	(ROCSVM_ALLOC_COHERENT | ROCSVM_ALLOC_UNCACHED | ROCSVM_ALLOC_EXECUTABLE)

int demo_available(struct demo *demo, uint32_t gpu_id, uint64_t *available)
{
	struct kfd_ioctl_get_available_memory_args args = { .gpu_id = gpu_id };
	int ret = rocsvm_kfd_ioctl(demo->ctx, AMDKFD_IOC_AVAILABLE_MEMORY, &args);

	*available = args.available;
	return ret;
}

static int allocate(struct demo *demo, void **ptr, size_t length, enum rocsvm_kind kind,
		    uint32_t gpu_id, uint32_t flags, const char *label)
{
	struct demo_buffer *buffer = &demo->buffers[demo->num_buffers];
	char size[24];
	int ret;

	ret = rocsvm_alloc(demo->ctx, ptr, length, kind, gpu_id, flags);
	if (ret)
		return failed("can't allocate %s of %s (%s): %s", size_text(length, size),
			      kind_name(kind), label, strerror(-ret));
	*buffer = (struct demo_buffer){ *ptr, length, kind, gpu_id, label };
	demo->num_buffers++;
	say("%p  %-12s %7s  %s", *ptr, kind_name(kind), size_text(length, size), label);
	if ((uintptr_t)*ptr < demo->info.window_base ||
	    (uintptr_t)*ptr + length - 1 > demo->info.window_limit)
		return failed("it lies outside the window");
	return 0;
}

static int allocate_on_gpu(struct demo *demo, struct demo_gpu *gpu)
{
	const struct {
		void **ptr;
		size_t length;
		enum rocsvm_kind kind;
		uint32_t flags;
		const char *label;
	} wanted[] = {
		{ &gpu->vram, DEMO_LENGTH, ROCSVM_KIND_VRAM, 0, "copy 1" },
		{ &gpu->private_vram, DEMO_LENGTH, ROCSVM_KIND_PRIVATE_VRAM, 0, "copy 2" },
		{ &gpu->gtt, DEMO_LENGTH, ROCSVM_KIND_GTT, 0, "copy 3" },
		{ &gpu->ring, DEMO_RING, ROCSVM_KIND_GTT, QUEUE_FLAGS, "queue: ring" },
		{ &gpu->rptr, DEMO_PAGE, ROCSVM_KIND_GTT, QUEUE_FLAGS, "read pointer" },
		{ &gpu->wptr, DEMO_PAGE, ROCSVM_KIND_GTT, QUEUE_FLAGS, "write pointer" },
		{ &gpu->fence, DEMO_PAGE, ROCSVM_KIND_GTT, QUEUE_FLAGS, "fence" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (wanted[i].kind == ROCSVM_KIND_VRAM && gpu->small_bar) {
			say("no VRAM for the CPU: this GPU's BAR is smaller than its VRAM");
			say("(Resizable BAR in the firmware setup changes that)");
			continue;
		}
		if (allocate(demo, wanted[i].ptr, wanted[i].length, wanted[i].kind, gpu->id,
			     wanted[i].flags, wanted[i].label))
			return -1;
	}
	return 0;
}

int demo_allocate(struct demo *demo)
{
	int ret;

	for (unsigned int i = 0; i < demo->num_gpus; i++) {
		struct demo_gpu *gpu = &demo->gpus[i];
		uint64_t total, visible;

		ret = demo_available(demo, gpu->id, &gpu->available);
		if (ret)
			return failed("KFD can't tell how much VRAM is free: %s", strerror(-ret));
		gpu->small_bar = !read_drm_number(demo->ctx, gpu->id, "mem_info_vram_total",
						  &total) &&
				 !read_drm_number(demo->ctx, gpu->id, "mem_info_vis_vram_total",
						  &visible) &&
				 visible < total;
	}
	if (allocate(demo, &demo->source, DEMO_LENGTH, ROCSVM_KIND_HOST, 0, 0, "source") ||
	    allocate(demo, &demo->large, DEMO_LARGE, ROCSVM_KIND_HOST, 0, 0, "copy 4"))
		return -1;
	for (unsigned int i = 0; i < demo->num_gpus; i++) {
		if (demo->num_gpus > 1)
			say("of GPU 0x%04x:", demo->gpus[i].id);
		if (allocate_on_gpu(demo, &demo->gpus[i]))
			return -1;
	}
	return 0;
}

/* Differs from word to word, and from GPU to GPU */
static uint64_t pattern(uint32_t seed, size_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15ull ^ seed;
}

static size_t count_wrong(const volatile uint64_t *words, uint32_t seed)
{
	size_t wrong = 0;

	for (size_t i = 0; i < DEMO_LENGTH / sizeof(*words); i++)
		wrong += words[i] != pattern(seed, i);
	return wrong;
}

/* Where the copies go, in their order; NULL ends it */
struct leg {
	const char *name;
	void *ptr;
	bool cpu_reads;
};
#define MAX_LEGS	6

static void plan(const struct demo *demo, const struct demo_gpu *gpu, struct leg legs[MAX_LEGS])
{
	*legs++ = (struct leg){ "host", demo->source, true };
	if (!gpu->small_bar)
		*legs++ = (struct leg){ "VRAM", gpu->vram, true };
	*legs++ = (struct leg){ "private VRAM", gpu->private_vram, false };
	*legs++ = (struct leg){ "GTT", gpu->gtt, true };
	*legs++ = (struct leg){ "host, huge", demo->large, true };
	*legs = (struct leg){ 0 };
}

/*
 * Prepare memory so that the copies can't be found right unless they were
 * made. VRAM is left as the zeros it was allocated with: what a CPU writes
 * through the BAR may reach VRAM after what the GPU writes then.
 */
static int write_source(const struct demo *demo, const struct demo_gpu *gpu,
			const struct leg *legs)
{
	volatile uint64_t *source = demo->source;
	size_t words = DEMO_LENGTH / sizeof(*source);

	for (size_t i = 0; i < words; i++)
		source[i] = pattern(gpu->id, i);
	memset(gpu->gtt, POISON, DEMO_LENGTH);
	memset(demo->large, POISON, DEMO_LENGTH);
	memset(gpu->fence, 0, DEMO_PAGE);
	say("the CPU writes %zu words through %p", words, demo->source);

	if (count_wrong(demo->source, gpu->id))
		return failed("the CPU does not read back what it wrote");
	for (const struct leg *leg = legs + 1; leg->ptr; leg++)
		if (leg->cpu_reads && count_wrong(leg->ptr, gpu->id) != words)
			return failed("%s at %p holds the words before they are copied",
				      leg->name, leg->ptr);
	say("no word of them is in the other buffers yet");
	return 0;
}

static int run_copies(struct demo_gpu *gpu, const struct leg *legs)
{
	int ret = 0;

	for (const struct leg *leg = legs + 1; leg->ptr && !ret; leg++) {
		say("the GPU copies %p -> %p  %s -> %s", leg[-1].ptr, leg->ptr, leg[-1].name,
		    leg->name);
		ret = sdma_copy(&gpu->sdma, leg->ptr, leg[-1].ptr, DEMO_LENGTH);
	}
	if (!ret)
		ret = sdma_fence(&gpu->sdma, gpu->fence, FENCE_VALUE);
	if (!ret) {
		sdma_submit(&gpu->sdma);
		ret = sdma_wait(&gpu->sdma, gpu->fence, FENCE_VALUE, FENCE_TIMEOUT_MS);
	}
	if (ret)
		return failed("the GPU has not reached its fence after %d s: see dmesg for a "
			      "page fault", FENCE_TIMEOUT_MS / 1000);
	return 0;
}

static int read_copies(const struct demo_gpu *gpu, const struct leg *legs)
{
	for (const struct leg *leg = legs + 1; leg->ptr; leg++) {
		size_t wrong;

		if (!leg->cpu_reads)
			continue;
		wrong = count_wrong(leg->ptr, gpu->id);
		if (wrong)
			return failed("%zu words are wrong in %s at %p", wrong, leg->name,
				      leg->ptr);
		say("the CPU reads  %p: all words are right  (%s)", leg->ptr, leg->name);
	}
	return 0;
}

static int copy_on_gpu(struct demo *demo, struct demo_gpu *gpu)
{
	struct leg legs[MAX_LEGS];
	int ret;

	plan(demo, gpu, legs);
	ret = sdma_create(&gpu->sdma, rocsvm_fd(demo->ctx), gpu->id, gpu->ring, DEMO_RING,
			  gpu->rptr, gpu->wptr);
	if (ret)
		return failed("can't create an SDMA queue: %s", strerror(-ret));
	say("SDMA queue %u of GPU 0x%04x, ring at %p, doorbell mapped", gpu->sdma.queue_id,
	    gpu->id, gpu->ring);
	if (write_source(demo, gpu, legs) || run_copies(gpu, legs) || read_copies(gpu, legs))
		return -1;
	ret = sdma_destroy(&gpu->sdma);
	if (ret)
		return failed("can't destroy the SDMA queue: %s", strerror(-ret));
	return 0;
}

int demo_copy(struct demo *demo)
{
	for (unsigned int i = 0; i < demo->num_gpus; i++)
		if (copy_on_gpu(demo, &demo->gpus[i]))
			return -1;
	return 0;
}
