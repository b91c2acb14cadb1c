/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the demo share: demo.c tells the story, demo_gpu.c
 * does the work on the GPU.
 */
#ifndef ROCSVM_DEMO_H
#define ROCSVM_DEMO_H

#include "sdma.h"
#include "tool.h"

#define DEMO_MAX_GPUS		8
#define DEMO_MAX_BUFFERS	(2 + 8 * DEMO_MAX_GPUS)

#define DEMO_LENGTH		(1ull << 20)	/* of what is copied */
#define DEMO_LARGE		(4ull << 20)	/* of the buffer in the huge region */
#define DEMO_RING		4096
#define DEMO_PAGE		4096

/* Everything allocated, for mapping, drawing and freeing */
struct demo_buffer {
	void *ptr;
	size_t length;
	enum rocsvm_kind kind;
	uint32_t gpu_id;		/* 0: of all GPUs */
	const char *label;
};

struct demo_gpu {
	uint32_t id;
	bool small_bar;			/* so there is no VRAM that the CPU sees */
	uint64_t available;		/* VRAM before anything was allocated */
	void *vram;
	void *private_vram;
	void *gtt;
	void *ring;
	void *rptr;
	void *wptr;
	void *fence;
	struct sdma sdma;
};

struct demo {
	struct rocsvm_ctx *ctx;
	struct rocsvm_info info;	/* as it was after open */
	struct demo_gpu gpus[DEMO_MAX_GPUS];
	unsigned int num_gpus;		/* those of the SVM range */
	void *source;			/* host memory in the page region */
	void *large;			/* host memory in the huge region */
	struct demo_buffer buffers[DEMO_MAX_BUFFERS];
	unsigned int num_buffers;
};

/* One line of the story, indented */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Say what went wrong; returns -1, which ends the demo */
int failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* demo_gpu.c; 0, or -1 after failed() */
int demo_allocate(struct demo *demo);
int demo_copy(struct demo *demo);
/* VRAM that KFD has left, or -errno */
int demo_available(struct demo *demo, uint32_t gpu_id, uint64_t *available);

#endif /* ROCSVM_DEMO_H */
