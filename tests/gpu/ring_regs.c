// SPDX-License-Identifier: MIT
/*
 * ring_regs.c - rings that the driver sets up through registers: the gfx
 * ring, compute queues (KIQ and HIQ) in the banked HQD registers, and the
 * SDMA rings.
 *
 * The driver's side: amdgpu/gfx_v9_0.c (gfx_v9_0_cp_gfx_resume(),
 * gfx_v9_0_kiq_init_register()), amdgpu/sdma_v4_0.c
 * (sdma_v4_0_gfx_resume()), amdgpu/amdgpu_amdkfd_gfx_v9.c
 * (kgd_gfx_v9_hqd_load(), kgd_hqd_sdma_load()).
 */
#include <stdio.h>
#include <string.h>

#include "gpu.h"

/* A write to CP_RB_DOORBELL_CONTROL is the last step of the driver's setup of the gfx ring. */
void gfx_ring_start(struct gpu *gpu)
{
	uint32_t control = gpu->mmio[mmCP_RB_DOORBELL_CONTROL];
	struct queue *q = &gpu->gfx;

	queue_unmap(gpu, q);
	if (!(control & CP_RB_DOORBELL_CONTROL__DOORBELL_EN_MASK))
		return;
	*q = (struct queue){
		.name = "gfx",
		.type = QUEUE_PM4,
		.base = mmio_pair(gpu, mmCP_RB0_BASE, mmCP_RB0_BASE_HI) << 8,
		/* RB_BUFSZ is log2 of the size in 8 bytes */
		.mask = (2ull << (gpu->mmio[mmCP_RB0_CNTL] & CP_RB0_CNTL__RB_BUFSZ_MASK)) - 1,
		.doorbell = control & DOORBELL_CONTROL__DOORBELL_OFFSET_MASK,
		.rptr_report = pair(gpu->mmio[mmCP_RB0_RPTR_ADDR] & ~3u,
				    gpu->mmio[mmCP_RB0_RPTR_ADDR_HI] & 0xffff),
	};
	queue_map(gpu, q, "registers");
}

/* GRBM_GFX_CNTL selects the bank (soc15_grbm_select() in amdgpu/soc15.c) */
static void hqd_selection(struct gpu *gpu, unsigned int *me, unsigned int *pipe,
			  unsigned int *queue)
{
	uint32_t select = gpu->mmio[mmGRBM_GFX_CNTL];

	*pipe = select & 3;
	*me = select >> 2 & 3;
	*queue = select >> 8 & 7;
}

uint32_t *hqd_selected(struct gpu *gpu)
{
	unsigned int me, pipe, queue;

	hqd_selection(gpu, &me, &pipe, &queue);
	return gpu->hqd[me][pipe][queue];
}

void hqd_start(struct gpu *gpu, unsigned int me, unsigned int pipe, unsigned int queue)
{
	uint32_t *hqd = gpu->hqd[me][pipe][queue];
	uint32_t control = hqd[mmCP_HQD_PQ_CONTROL - HQD_FIRST];
	struct queue *q = &gpu->compute[me][pipe][queue];

	if (me != 1 && me != 2)
		gpu_problem(gpu, "compute queue started on micro engine %u", me);
	queue_unmap(gpu, q);
	*q = (struct queue){
		.type = QUEUE_PM4,
		/* a process's queue, which KFD loads itself only without the scheduler firmware */
		.inert = hqd[mmCP_HQD_VMID - HQD_FIRST] & 0xf,
		.vmid = hqd[mmCP_HQD_VMID - HQD_FIRST] & 0xf,
		.ih_ring = queue << 4 | me << 2 | pipe,	/* gfx_v9_0_eop_irq() */
		.doorbell = hqd[mmCP_HQD_PQ_DOORBELL_CONTROL - HQD_FIRST] &
			    DOORBELL_CONTROL__DOORBELL_OFFSET_MASK,
		.base = pair(hqd[mmCP_HQD_PQ_BASE - HQD_FIRST],
			     hqd[mmCP_HQD_PQ_BASE_HI - HQD_FIRST]) << 8,
		.mask = (2ull << (control & CP_HQD_PQ_CONTROL__QUEUE_SIZE_MASK)) - 1,
		.rptr_report = pair(hqd[mmCP_HQD_PQ_RPTR_REPORT_ADDR - HQD_FIRST],
				    hqd[mmCP_HQD_PQ_RPTR_REPORT_ADDR_HI - HQD_FIRST]),
	};
	snprintf(q->name, sizeof(q->name), "compute%u.%u.%u", me, pipe, queue);
	hqd[mmCP_HQD_ACTIVE - HQD_FIRST] |= 1;
	queue_map(gpu, q, "registers");
}

void hqd_stop(struct gpu *gpu, unsigned int me, unsigned int pipe, unsigned int queue)
{
	queue_unmap(gpu, &gpu->compute[me][pipe][queue]);
	gpu->hqd[me][pipe][queue][mmCP_HQD_ACTIVE - HQD_FIRST] = 0;
}

void hqd_write(struct gpu *gpu, uint32_t reg, uint32_t value)
{
	unsigned int me, pipe, queue;
	uint32_t *hqd, old;

	hqd_selection(gpu, &me, &pipe, &queue);
	hqd = gpu->hqd[me][pipe][queue];
	old = hqd[reg - HQD_FIRST];
	hqd[reg - HQD_FIRST] = value;
	if (reg == mmCP_HQD_ACTIVE && (value & 1) && !(old & 1))
		hqd_start(gpu, me, pipe, queue);
	if (reg == mmCP_HQD_ACTIVE && !(value & 1) && (old & 1))
		hqd_stop(gpu, me, pipe, queue);
	if (reg == mmCP_HQD_DEQUEUE_REQUEST && value) {
		hqd_stop(gpu, me, pipe, queue);
		hqd[reg - HQD_FIRST] = 0;
	}
}

static void sdma_configure(struct gpu *gpu, unsigned int engine, unsigned int index, uint32_t regs)
{
	/* RING_ID of a trap: sdma_v4_0_process_trap_irq(); page queue 3, RLC queues 1 and 2 */
	static const unsigned int ih_ring[SDMA_QUEUES] = { 0, 3, 1, 2 };
	static const char *const names[SDMA_QUEUES] = { "gfx", "page", "rlc0", "rlc1" };
	struct queue *q = &gpu->sdma[engine][index];
	uint32_t *r = &gpu->mmio[regs];
	uint32_t cntl = r[SDMA_RB_CNTL];
	bool start = (cntl & SDMA_RB_CNTL__RB_ENABLE_MASK) && !q->mapped;

	if (!(cntl & SDMA_RB_CNTL__RB_ENABLE_MASK)) {
		if (q->regs)
			queue_unmap(gpu, q);
		return;
	}
	if (start) {
		memset(q, 0, sizeof(*q));
		q->type = QUEUE_SDMA;
		q->engine = engine;
		q->ih_ring = ih_ring[index];
		snprintf(q->name, sizeof(q->name), "sdma%u.%s", engine, names[index]);
	} else if (!q->regs) {
		gpu_problem(gpu, "%s: programmed by registers while scheduled", q->name);
		return;
	}
	q->regs = regs;
	q->vmid = cntl >> SDMA_RB_CNTL__RB_VMID__SHIFT & 0xf;
	q->base = pair(r[SDMA_RB_BASE], r[SDMA_RB_BASE_HI]) << 8;
	q->mask = (1ull << ((cntl & SDMA_RB_CNTL__RB_SIZE_MASK) >>
			    SDMA_RB_CNTL__RB_SIZE__SHIFT)) - 1;
	q->doorbell = NO_DOORBELL;
	if (r[SDMA_DOORBELL] & SDMA_DOORBELL__ENABLE_MASK)
		q->doorbell = r[SDMA_DOORBELL_OFFSET] & DOORBELL_CONTROL__DOORBELL_OFFSET_MASK;
	q->rptr_report = pair(r[SDMA_RB_RPTR_ADDR_LO], r[SDMA_RB_RPTR_ADDR_HI]);
	if (!start)
		return;
	q->rptr = pair(r[SDMA_RB_RPTR], r[SDMA_RB_RPTR_HI]) >> 2;
	queue_map(gpu, q, "registers");
	/*
	 * Without scheduler firmware KFD presets the write pointer when it loads a queue with
	 * work in it. When it destroys one it enables the ring again too, but not the doorbell.
	 */
	if (index >= 2 && q->doorbell != NO_DOORBELL)
		queue_advance(gpu, q, pair(r[SDMA_RB_WPTR], r[SDMA_RB_WPTR_HI]));
}

void sdma_register_written(struct gpu *gpu, uint32_t reg)
{
	static const uint32_t engine_base[SDMA_ENGINES] = { SDMA0_BASE_0, SDMA1_BASE_0 };
	static const uint32_t queue_base[SDMA_QUEUES] = {
		SDMA_GFX, SDMA_PAGE, SDMA_RLC0, SDMA_RLC1,
	};

	for (unsigned int engine = 0; engine < SDMA_ENGINES; engine++) {
		for (unsigned int index = 0; index < SDMA_QUEUES; index++) {
			uint32_t regs = engine_base[engine] + queue_base[index];

			if (reg == regs + SDMA_RB_CNTL || reg == regs + SDMA_DOORBELL ||
			    reg == regs + SDMA_DOORBELL_OFFSET)
				sdma_configure(gpu, engine, index, regs);
		}
	}
}
