// SPDX-License-Identifier: MIT
/*
 * hws.c - the hardware scheduler: what the MEC firmware does with the
 * packets that KFD sends through the HIQ and amdgpu through the KIQ.
 *
 * Packets: amdkfd/kfd_pm4_headers_ai.h (pm4_mes_*) and amdgpu/soc15d.h
 * (PACKET3_MAP_QUEUES_*); who sends them: amdkfd/kfd_packet_manager_v9.c
 * and gfx_v9_0_kiq_*() in amdgpu/gfx_v9_0.c. MQDs: include/v9_structs.h.
 *
 * There are no time slices: what is mapped runs. The registers of a VMID
 * keep a process's root directory until another process gets the VMID.
 */
#include <stdio.h>
#include <string.h>

#include "gpu.h"

/* dword offsets in struct v9_mqd and struct v9_sdma_mqd */
enum {
	MQD_HQD = 128,			/* cp_mqd_base_addr_lo: from here as the HQD registers */
	MQD_CP_HQD_PQ_RPTR = 138,
	SDMA_MQD_RB_CNTL = 0,
	SDMA_MQD_RB_BASE = 1,
	SDMA_MQD_RB_BASE_HI = 2,
	SDMA_MQD_RB_RPTR = 3,
	SDMA_MQD_RB_RPTR_HI = 4,
	SDMA_MQD_RB_RPTR_ADDR_HI = 8,
	SDMA_MQD_RB_RPTR_ADDR_LO = 9,
	SDMA_MQD_DOORBELL_OFFSET = 22,
	SDMA_MQD_DWORDS = 23,		/* as many as are looked at */
};

enum { ENGINE_COMPUTE = 0, ENGINE_HIQ = 1, ENGINE_SDMA0 = 2, ENGINE_SDMA1 = 3 };
enum { MAP_TO_SPECIFIED_SLOT = 0, MAP_TO_ANY_SLOT = 1 };
enum { UNMAP_SPECIFIED = 0, UNMAP_PASID = 1, UNMAP_ALL = 2, UNMAP_ALL_NON_STATIC = 3 };
enum { ACTION_PREEMPT = 0, ACTION_RESET = 1, ACTION_DISABLE_PROCESS = 2 };
enum { FENCE_ONLY_IMMEDIATE = 1, FENCE_ONLY_AFTER_WRITE_ACK = 2 };

/* The process's own, else the lowest that no mapped process has, else 0 */
static unsigned int vmid_for(struct gpu *gpu, uint32_t pasid)
{
	unsigned int vmid, vacant = 0;

	for (vmid = VM_CONTEXTS - 1; vmid >= FIRST_VMID_KFD; vmid--) {
		if (gpu->hws_vmid[vmid].pasid == pasid)
			return vmid;
		if (!gpu->hws_vmid[vmid].mapped)
			vacant = vmid;
	}
	return vacant;
}

enum exec hws_map_process(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	uint32_t pasid = p[0] & 0xffff;
	uint64_t root = pair(p[1], p[2]);
	unsigned int vmid = vmid_for(gpu, pasid);

	(void)s;
	gpu->hws_current = vmid;
	if (!vmid) {
		gpu_problem(gpu, "more processes than VMIDs: pasid %#x does not run", pasid);
		return EXEC_DONE;
	}
	gpu->hws_vmid[vmid].pasid = pasid;
	gpu->hws_vmid[vmid].mapped = true;
	vm_set_root(gpu, vmid, root, pasid);
	gpu_trace(gpu, "process pasid %#x has vmid %u, root %#llx\n", pasid, vmid,
		  (unsigned long long)root);
	return EXEC_DONE;
}

/* A compute queue of a process, as its MQD describes it */
static struct queue *compute_queue(struct gpu *gpu, const uint32_t *mqd, uint64_t wptr)
{
	const uint32_t *hqd = mqd + MQD_HQD;
	uint32_t control = hqd[mmCP_HQD_PQ_CONTROL - HQD_FIRST];
	struct queue *q = NULL;
	unsigned int slot;

	for (slot = 0; slot < HWS_COMPUTE_QUEUES && !q; slot++)
		if (!gpu->hws_compute[slot].mapped)
			q = &gpu->hws_compute[slot];
	if (!q)
		return NULL;
	*q = (struct queue){
		.type = QUEUE_PM4,
		/* only KFD's AQL queues have this bit (amdkfd/kfd_mqd_manager_v9.c) */
		.inert = control & CP_HQD_PQ_CONTROL__NO_UPDATE_RPTR_MASK,
		.ih_ring = 1 << 2,		/* micro engine 1, pipe 0, queue 0 */
		.base = pair(hqd[mmCP_HQD_PQ_BASE - HQD_FIRST],
			     hqd[mmCP_HQD_PQ_BASE_HI - HQD_FIRST]) << 8,
		.mask = (2ull << (control & CP_HQD_PQ_CONTROL__QUEUE_SIZE_MASK)) - 1,
		.doorbell = hqd[mmCP_HQD_PQ_DOORBELL_CONTROL - HQD_FIRST] &
			    DOORBELL_CONTROL__DOORBELL_OFFSET_MASK,
		/* the register holds 32 of its 64 bits; it is never 2^32 dwords behind */
		.rptr = wptr - (uint32_t)((uint32_t)wptr - mqd[MQD_CP_HQD_PQ_RPTR]),
	};
	if (!q->inert)
		q->rptr_report = pair(hqd[mmCP_HQD_PQ_RPTR_REPORT_ADDR - HQD_FIRST],
				      hqd[mmCP_HQD_PQ_RPTR_REPORT_ADDR_HI - HQD_FIRST]);
	snprintf(q->name, sizeof(q->name), "user%u", slot - 1);
	return q;
}

static struct queue *sdma_queue(struct gpu *gpu, unsigned int engine, const uint32_t *mqd)
{
	uint32_t cntl = mqd[SDMA_MQD_RB_CNTL];
	struct queue *q = NULL;
	unsigned int slot;

	/* slots 0 and 1 are the kernel's own queues */
	for (slot = 2; slot < SDMA_QUEUES && !q; slot++)
		if (!gpu->sdma[engine][slot].mapped)
			q = &gpu->sdma[engine][slot];
	if (!q)
		return NULL;
	*q = (struct queue){
		.type = QUEUE_SDMA,
		.engine = engine,
		.ih_ring = slot - 2,
		.base = pair(mqd[SDMA_MQD_RB_BASE], mqd[SDMA_MQD_RB_BASE_HI]) << 8,
		.mask = (1ull << ((cntl & SDMA_RB_CNTL__RB_SIZE_MASK) >>
				  SDMA_RB_CNTL__RB_SIZE__SHIFT)) - 1,
		.rptr = pair(mqd[SDMA_MQD_RB_RPTR], mqd[SDMA_MQD_RB_RPTR_HI]) >> 2,
		.rptr_report = pair(mqd[SDMA_MQD_RB_RPTR_ADDR_LO], mqd[SDMA_MQD_RB_RPTR_ADDR_HI]),
		.doorbell = mqd[SDMA_MQD_DOORBELL_OFFSET] & DOORBELL_CONTROL__DOORBELL_OFFSET_MASK,
	};
	snprintf(q->name, sizeof(q->name), "sdma%u.rlc%u", engine, slot - 3);
	return q;
}

/* A queue of the process that the last MAP_PROCESS named */
static enum exec map_process_queue(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	unsigned int engine = p[0] >> 26 & 7, extended = p[0] >> 2 & 3;
	uint64_t mqd_address = pair(p[2], p[3]), wptr_address = pair(p[4], p[5]);
	bool sdma = engine == ENGINE_SDMA0 || engine == ENGINE_SDMA1;
	uint32_t mqd[MQD_HQD + HQD_DWORDS];
	struct queue *q, reader = { .name = "scheduler", .type = sdma ? QUEUE_SDMA : QUEUE_PM4 };
	uint64_t wptr;

	if (!gpu->hws_current || extended || (engine != ENGINE_COMPUTE && !sdma)) {
		gpu_problem(gpu, "MAP_QUEUES: engine %u.%u, VMID %u", extended, engine,
			    gpu->hws_current);
		return EXEC_DONE;
	}
	if (!vm_read(gpu, s->queue, s->vmid, mqd_address, mqd,
		     sdma ? SDMA_MQD_DWORDS * 4 : sizeof(mqd)))
		return EXEC_HALT;
	/* an unmapped write pointer is the process's fault and does not stop the scheduler */
	if (!vm_read(gpu, &reader, gpu->hws_current, wptr_address, &wptr, sizeof(wptr)))
		return EXEC_DONE;
	q = sdma ? sdma_queue(gpu, engine - ENGINE_SDMA0, mqd) : compute_queue(gpu, mqd, wptr);
	if (!q) {
		gpu_problem(gpu, "MAP_QUEUES: no slot left for a queue of VMID %u",
			    gpu->hws_current);
		return EXEC_DONE;
	}
	q->vmid = gpu->hws_current;
	q->mqd = mqd_address;
	q->scheduled = true;
	queue_map(gpu, q, "scheduler");
	if (!q->inert && wptr != (sdma ? q->rptr << 2 : q->rptr))
		queue_advance(gpu, q, wptr);
	return EXEC_DONE;
}

/* One of the kernel's compute queues: its MQD is the image of the HQD registers */
static enum exec map_kernel_queue(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	unsigned int me = p[0] >> 18 & 1 ? 2 : 1, pipe = p[0] >> 16 & 3, queue = p[0] >> 13 & 7;
	unsigned int engine = p[0] >> 26 & 7;
	uint64_t mqd = pair(p[2], p[3]);

	/* HIQ: kgd_gfx_v9_hiq_mqd_load() in amdgpu/amdgpu_amdkfd_gfx_v9.c */
	if (engine != ENGINE_COMPUTE && engine != ENGINE_HIQ) {
		gpu_problem(gpu, "MAP_QUEUES of engine %u to a given slot", engine);
		return EXEC_HALT;
	}
	if (!vm_read(gpu, s->queue, s->vmid, mqd + 4 * MQD_HQD, gpu->hqd[me][pipe][queue],
		     4 * HQD_DWORDS))
		return EXEC_HALT;
	hqd_start(gpu, me, pipe, queue);
	return EXEC_DONE;
}

enum exec hws_map_queues(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	unsigned int select = p[0] >> 4 & 3;

	if (select == MAP_TO_ANY_SLOT)
		return map_process_queue(gpu, s, p);
	if (select == MAP_TO_SPECIFIED_SLOT)
		return map_kernel_queue(gpu, s, p);
	gpu_problem(gpu, "MAP_QUEUES: queue_sel %u", select);
	return EXEC_HALT;
}

/* The read pointer goes to where KFD's next MAP_QUEUES will find it. */
static bool unmap_scheduled(struct gpu *gpu, struct stream *s, struct queue *q)
{
	uint64_t rptr = q->type == QUEUE_SDMA ? q->rptr << 2 : q->rptr;
	uint64_t mqd = q->mqd;

	queue_unmap(gpu, q);
	if (q->type == QUEUE_PM4)
		return vm_write32(gpu, s->queue, 0, mqd + 4 * MQD_CP_HQD_PQ_RPTR, (uint32_t)rptr);
	return vm_write32(gpu, s->queue, 0, mqd + 4 * SDMA_MQD_RB_RPTR, (uint32_t)rptr) &&
	       vm_write32(gpu, s->queue, 0, mqd + 4 * SDMA_MQD_RB_RPTR_HI, rptr >> 32);
}

static enum exec unmap_processes(struct gpu *gpu, struct stream *s, unsigned int select,
				 uint32_t pasid)
{
	bool all = select != UNMAP_PASID;
	struct queue *q;
	bool ok = true;

	for (unsigned int i = 0; (q = queue_at(gpu, i)); i++)
		if (q->mapped && q->scheduled &&
		    (all || gpu->hws_vmid[q->vmid].pasid == pasid))
			ok &= unmap_scheduled(gpu, s, q);
	for (unsigned int vmid = FIRST_VMID_KFD; vmid < VM_CONTEXTS; vmid++)
		if (all || gpu->hws_vmid[vmid].pasid == pasid)
			gpu->hws_vmid[vmid].mapped = false;
	return ok ? EXEC_DONE : EXEC_HALT;
}

static void unmap_kernel_queue(struct gpu *gpu, uint32_t doorbell)
{
	for (unsigned int me = 0; me < HQD_MES; me++)
		for (unsigned int pipe = 0; pipe < HQD_PIPES; pipe++)
			for (unsigned int queue = 0; queue < HQD_QUEUES; queue++) {
				struct queue *q = &gpu->compute[me][pipe][queue];

				if (q->mapped && q->doorbell == doorbell)
					hqd_stop(gpu, me, pipe, queue);
			}
}

enum exec hws_unmap_queues(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	unsigned int action = p[0] & 3, select = p[0] >> 4 & 3;

	if (action > ACTION_DISABLE_PROCESS) {
		gpu_problem(gpu, "UNMAP_QUEUES: action %u", action);
		return EXEC_HALT;
	}
	if (select != UNMAP_SPECIFIED)
		return unmap_processes(gpu, s, select, p[1] & 0xffff);
	unmap_kernel_queue(gpu, p[1] & DOORBELL_CONTROL__DOORBELL_OFFSET_MASK);
	return EXEC_DONE;
}

enum exec hws_query_status(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	unsigned int command = p[0] >> 30;

	if (command != FENCE_ONLY_IMMEDIATE && command != FENCE_ONLY_AFTER_WRITE_ACK) {
		gpu_problem(gpu, "QUERY_STATUS: command %u", command);
		return EXEC_HALT;
	}
	return vm_write64(gpu, s->queue, s->vmid, pair(p[2], p[3]), pair(p[4], p[5])) ?
		EXEC_DONE : EXEC_HALT;
}

enum exec hws_run_list(struct gpu *gpu, struct stream *s, const uint32_t *p)
{
	/* at its end an over-subscribed run list names itself again */
	if (s->depth) {
		gpu_problem(gpu, "over-subscribed run list: what did not fit does not run");
		return EXEC_DONE;
	}
	return pm4_run_buffer(gpu, s, 0, pair(p[0] & ~3u, p[1]), p[2] & 0xfffff);
}
