// SPDX-License-Identifier: MIT
/*
 * queue.c - rings, doorbells, and what happens to a queue that cannot go on.
 *
 * A doorbell runs its queue to the end of what was submitted, before the
 * guest's store returns. A queue stops early in two ways:
 *
 * - waiting: a wait packet's condition does not hold. The packet is tried
 *   again at short intervals (proxy.c) until it does.
 * - halted: a packet raised a VM fault or cannot be understood. Nothing
 *   behind it runs, no fence is written, the read pointer stays at the
 *   packet. What real hardware does under KFD without retry faults is much
 *   the same: the engine stalls, and KFD unmaps the process's queues. Unmap
 *   and destroy work as always; mapped again, the queue tries the packet
 *   again.
 */
#include <string.h>
#include <time.h>

#include "gpu.h"
#include "packets.h"

struct queue *queue_at(struct gpu *gpu, unsigned int index)
{
	const unsigned int compute = HQD_MES * HQD_PIPES * HQD_QUEUES;
	const unsigned int sdma = SDMA_ENGINES * SDMA_QUEUES;

	if (index == 0)
		return &gpu->gfx;
	index -= 1;
	if (index < compute)
		return &gpu->compute[index / (HQD_PIPES * HQD_QUEUES)]
				    [index / HQD_QUEUES % HQD_PIPES][index % HQD_QUEUES];
	index -= compute;
	if (index < sdma)
		return &gpu->sdma[index / SDMA_QUEUES][index % SDMA_QUEUES];
	index -= sdma;
	return index < HWS_COMPUTE_QUEUES ? &gpu->hws_compute[index] : NULL;
}

void queues_reset(struct gpu *gpu)
{
	struct queue *q;

	for (unsigned int i = 0; (q = queue_at(gpu, i)); i++)
		memset(q, 0, sizeof(*q));
	memset(gpu->hqd, 0, sizeof(gpu->hqd));
	memset(gpu->hws_vmid, 0, sizeof(gpu->hws_vmid));
	gpu->hws_current = 0;
	gpu->waiting = 0;
}

static void set_waiting(struct gpu *gpu, struct queue *q, bool waiting)
{
	if (q->waiting != waiting)
		gpu->waiting += waiting ? 1 : -1;
	q->waiting = waiting;
}

void queue_map(struct gpu *gpu, struct queue *q, const char *how)
{
	set_waiting(gpu, q, false);
	q->mapped = true;
	q->halted = false;
	q->wptr = q->rptr;
	gpu_trace(gpu, "map %s by %s: base %#llx dwords %#llx vmid %u doorbell %#x rptr %#llx%s\n",
		  q->name, how, (unsigned long long)q->base, (unsigned long long)q->mask + 1,
		  q->vmid, q->doorbell, (unsigned long long)q->rptr, q->inert ? " inert" : "");
}

void queue_unmap(struct gpu *gpu, struct queue *q)
{
	if (!q->mapped)
		return;
	set_waiting(gpu, q, false);
	q->mapped = false;
	q->scheduled = false;
	gpu_trace(gpu, "unmap %s at rptr %#llx%s\n", q->name, (unsigned long long)q->rptr,
		  q->halted ? " (halted)" : "");
}

/* Packets as they lie in the ring, which may wrap within one */
bool stream_read(struct gpu *gpu, struct stream *s, uint64_t index, uint32_t *out,
		 unsigned int dwords)
{
	while (dwords) {
		uint64_t at = index & s->mask;
		uint64_t run = s->mask == ~0ull ? dwords : s->mask + 1 - at;

		if (run > dwords)
			run = dwords;
		if (!vm_read(gpu, s->queue, s->vmid, s->base + 4 * at, out, 4 * run))
			return false;
		out += run;
		index += run;
		dwords -= run;
	}
	return true;
}

bool wait_holds(uint32_t function, uint32_t value, uint32_t reference)
{
	switch (function) {
	case WAIT_ALWAYS:
		return true;
	case WAIT_LESS:
		return value < reference;
	case WAIT_LESS_EQUAL:
		return value <= reference;
	case WAIT_EQUAL:
		return value == reference;
	case WAIT_NOT_EQUAL:
		return value != reference;
	case WAIT_GREATER_EQUAL:
		return value >= reference;
	default:
		return value > reference;
	}
}

uint64_t gpu_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	/* ticks of 27 MHz, Vega 10's reference clock; nothing depends on the rate */
	return (uint64_t)now.tv_sec * 27000000 + (uint64_t)now.tv_nsec * 27 / 1000;
}

/* The read pointer as the ring's owner sees it: bytes for SDMA, dwords within the ring for PM4 */
static bool report_rptr(struct gpu *gpu, struct queue *q)
{
	if (q->regs) {
		gpu->mmio[q->regs + SDMA_RB_RPTR] = (uint32_t)(q->rptr << 2);
		gpu->mmio[q->regs + SDMA_RB_RPTR_HI] = q->rptr << 2 >> 32;
	}
	if (!q->rptr_report)
		return true;
	if (q->type == QUEUE_SDMA)
		return vm_write64(gpu, q, q->vmid, q->rptr_report, q->rptr << 2);
	return vm_write32(gpu, q, q->vmid, q->rptr_report, (uint32_t)(q->rptr & q->mask));
}

static void queue_run(struct gpu *gpu, struct queue *q)
{
	struct stream s = {
		.queue = q, .vmid = q->vmid, .base = q->base, .mask = q->mask,
	};
	enum exec result = EXEC_DONE;
	uint64_t before = q->rptr;

	while (result == EXEC_DONE && q->rptr < q->wptr) {
		if (q->type == QUEUE_SDMA)
			result = sdma_execute(gpu, &s, &q->rptr, q->wptr);
		else
			result = pm4_execute(gpu, &s, &q->rptr, q->wptr);
		/* a packet may unmap the queue it came from */
		if (!q->mapped)
			return;
	}
	set_waiting(gpu, q, result == EXEC_WAIT);
	if (q->rptr != before && !report_rptr(gpu, q))
		result = EXEC_HALT;
	if (result == EXEC_HALT) {
		q->halted = true;
		gpu_trace(gpu, "halt %s at rptr %#llx\n", q->name, (unsigned long long)q->rptr);
	}
}

/* wptr in the queue's own unit: bytes for SDMA, dwords for PM4 */
void queue_advance(struct gpu *gpu, struct queue *q, uint64_t wptr)
{
	gpu_trace(gpu, "doorbell %s: %#llx (rptr %#llx)%s\n", q->name, (unsigned long long)wptr,
		  (unsigned long long)q->rptr, q->halted ? " ignored, halted" : "");
	if (q->halted)
		return;
	if (q->inert) {
		gpu_problem(gpu, "%s: packets of such a queue are not executed", q->name);
		return;
	}
	if (q->type == QUEUE_SDMA) {
		if (wptr % 4)
			gpu_problem(gpu, "%s: write pointer %#llx is not a multiple of 4", q->name,
				    (unsigned long long)wptr);
		wptr >>= 2;
	}
	if (wptr < q->rptr || wptr - q->rptr > q->mask + 1) {
		gpu_problem(gpu, "%s: write pointer %#llx dwords, ring %#llx, read pointer %#llx",
			    q->name, (unsigned long long)wptr, (unsigned long long)q->mask + 1,
			    (unsigned long long)q->rptr);
		return;
	}
	q->wptr = wptr;
	queue_run(gpu, q);
}

void queues_retry(struct gpu *gpu)
{
	struct queue *q;

	for (unsigned int i = 0; gpu->waiting && (q = queue_at(gpu, i)); i++)
		if (q->mapped && q->waiting)
			queue_run(gpu, q);
}

void queues_doorbell(struct gpu *gpu, uint64_t offset, uint64_t value, unsigned int size)
{
	uint32_t ih = gpu->mmio[mmIH_DOORBELL_RPTR];
	struct queue *q;

	if (ih & IH_DOORBELL_RPTR__ENABLE_MASK &&
	    offset == (ih & IH_DOORBELL_RPTR__OFFSET_MASK) * 4) {
		gpu->mmio[mmIH_RB_RPTR] = (uint32_t)value;
		return;
	}
	for (unsigned int i = 0; (q = queue_at(gpu, i)); i++) {
		if (q->mapped && q->doorbell == offset) {
			queue_advance(gpu, q, value);
			return;
		}
	}
	/* not a problem: the scheduler may have unmapped the queue, and will look at its wptr */
	gpu_trace(gpu, "doorbell %#llx = %#llx (%u bytes): no queue\n", (unsigned long long)offset,
		  (unsigned long long)value, size);
}
