// SPDX-License-Identifier: MIT
/*
 * sdma.c - the SDMA engines' packets: copy, write, fill, fence, trap,
 * page-table writes and what goes with them.
 *
 * Packets: amdgpu/vega10_sdma_pkt_open.h (SDMA_PKT_*); how the driver fills
 * them: amdgpu/sdma_v4_0.c. A packet or sub-operation that is not modelled
 * is reported and halts its queue.
 */
#include "gpu.h"
#include "packets.h"

#define MAX_DEPTH	2	/* ring and indirect buffer */
#define LONGEST_PACKET	10	/* dwords, less the data of a WRITE */

struct sdma {
	struct stream *s;
	uint64_t at;			/* index of the header */
	uint64_t length;		/* dwords */
	uint64_t skip;			/* dwords behind the packet not to be executed */
	uint32_t p[LONGEST_PACKET];	/* p[0] is the header */
};

static unsigned int sub_op(const struct sdma *pkt)
{
	return pkt->p[0] >> 8 & 0xff;
}

static enum exec done_if(bool ok)
{
	return ok ? EXEC_DONE : EXEC_HALT;
}

static enum exec unsupported(struct gpu *gpu, struct sdma *pkt, const char *what)
{
	gpu_problem(gpu, "%s: %s is not modelled: SDMA header %#010x", pkt->s->queue->name, what,
		    pkt->p[0]);
	return EXEC_HALT;
}

/* SDMA_PKT_COPY_LINEAR, SDMA_PKT_COPY_BROADCAST_LINEAR */
static enum exec copy(struct gpu *gpu, struct sdma *pkt)
{
	struct stream *s = pkt->s;
	bool broadcast = pkt->p[0] >> 27 & 1;
	uint64_t length = (pkt->p[1] & 0x3fffff) + 1ull;
	uint64_t src = pair(pkt->p[3], pkt->p[4]), dst = pair(pkt->p[5], pkt->p[6]);

	if (sub_op(pkt) != SDMA_SUBOP_COPY_LINEAR)
		return unsupported(gpu, pkt, "COPY other than linear");
	if (pkt->p[2] & 0x03030300)
		return unsupported(gpu, pkt, "COPY with byte swap");
	if (!vm_copy(gpu, s->queue, s->vmid, dst, src, length))
		return EXEC_HALT;
	if (broadcast)
		return done_if(vm_copy(gpu, s->queue, s->vmid, pair(pkt->p[7], pkt->p[8]), src,
				       length));
	return EXEC_DONE;
}

/* SDMA_PKT_WRITE_UNTILED: the data are in the packet */
static enum exec write(struct gpu *gpu, struct sdma *pkt)
{
	struct stream *s = pkt->s;
	uint64_t dst = pair(pkt->p[1], pkt->p[2]);
	uint32_t count = (pkt->p[3] & 0xfffff) + 1;

	if (sub_op(pkt) != SDMA_SUBOP_WRITE_LINEAR)
		return unsupported(gpu, pkt, "WRITE other than linear");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t value;

		if (!stream_read(gpu, s, pkt->at + 4 + i, &value, 1) ||
		    !vm_write32(gpu, s->queue, s->vmid, dst + 4ull * i, value))
			return EXEC_HALT;
	}
	return EXEC_DONE;
}

static enum exec indirect(struct gpu *gpu, struct sdma *pkt)
{
	struct stream *s = pkt->s;
	struct stream ib = {
		.queue = s->queue,
		/* only the kernel may choose the VMID */
		.vmid = s->vmid ? s->vmid : pkt->p[0] >> 16 & 0xf,
		.base = pair(pkt->p[1] & ~31u, pkt->p[2]),
		.mask = ~0ull,
		.depth = s->depth + 1,
	};
	uint64_t end = pkt->p[3] & 0xfffff, index = 0;
	enum exec result = EXEC_DONE;

	if (ib.depth >= MAX_DEPTH)
		return unsupported(gpu, pkt, "INDIRECT inside an indirect buffer");
	while (result == EXEC_DONE && index < end)
		result = sdma_execute(gpu, &ib, &index, end);
	if (result == EXEC_WAIT)
		return unsupported(gpu, pkt, "an unmet wait inside an indirect buffer");
	return result;
}

static enum exec fence(struct gpu *gpu, struct sdma *pkt)
{
	return done_if(vm_write32(gpu, pkt->s->queue, pkt->s->vmid, pair(pkt->p[1], pkt->p[2]),
				  pkt->p[3]));
}

static enum exec trap(struct gpu *gpu, struct sdma *pkt)
{
	struct queue *q = pkt->s->queue;

	ih_raise(gpu, q->engine ? IH_CLIENT_SDMA1 : IH_CLIENT_SDMA0, IH_SOURCE_SDMA_TRAP,
		 q->ih_ring, pkt->s->vmid, pkt->p[1] & 0x0fffffff, 0);
	return EXEC_DONE;
}

static enum exec poll_regmem(struct gpu *gpu, struct sdma *pkt)
{
	struct stream *s = pkt->s;
	uint32_t function = pkt->p[0] >> 28 & 7;
	bool memory = pkt->p[0] >> 31;
	uint32_t value;

	if (sub_op(pkt))
		return unsupported(gpu, pkt, "POLL_REGMEM's sub-operation");
	if (!memory)
		value = mmio_read(gpu, pkt->p[1] >> 2);
	else if (!vm_read(gpu, s->queue, s->vmid, pair(pkt->p[1] & ~3u, pkt->p[2]), &value, 4))
		return EXEC_HALT;
	return wait_holds(function, value & pkt->p[4], pkt->p[3]) ? EXEC_DONE : EXEC_WAIT;
}

static enum exec cond_exe(struct gpu *gpu, struct sdma *pkt)
{
	uint32_t value;

	if (!vm_read(gpu, pkt->s->queue, pkt->s->vmid, pair(pkt->p[1] & ~3u, pkt->p[2]), &value, 4))
		return EXEC_HALT;
	if (value != pkt->p[3])
		pkt->skip = pkt->p[4] & 0x3fff;
	return EXEC_DONE;
}

static enum exec atomic(struct gpu *gpu, struct sdma *pkt)
{
	if (pkt->p[0] >> 25 != TC_OP_ATOMIC_ADD_RTN_64 || pkt->p[0] >> 16 & 1)
		return unsupported(gpu, pkt, "ATOMIC other than a 64-bit addition");
	return done_if(vm_add64(gpu, pkt->s->queue, pkt->s->vmid, pair(pkt->p[1], pkt->p[2]),
				pair(pkt->p[3], pkt->p[4])));
}

static enum exec const_fill(struct gpu *gpu, struct sdma *pkt)
{
	uint32_t size = pkt->p[0] >> 30;

	/* the driver leaves the size 0 and expects the 32-bit pattern (amdgpu_fill_buffer()) */
	if (sub_op(pkt) || (size != 0 && size != 2))
		return unsupported(gpu, pkt, "CONST_FILL's element size");
	return done_if(vm_fill(gpu, pkt->s->queue, pkt->s->vmid, pair(pkt->p[1], pkt->p[2]),
			       pkt->p[3], (pkt->p[4] & 0x3fffff) + 1ull));
}

/* SDMA_PKT_WRITE_INCR: page table entries of consecutive pages */
static enum exec ptepde(struct gpu *gpu, struct sdma *pkt)
{
	uint64_t dst = pair(pkt->p[1], pkt->p[2]);
	uint64_t flags = pair(pkt->p[3], pkt->p[4]);
	uint64_t value = pair(pkt->p[5], pkt->p[6]);
	uint64_t increment = pair(pkt->p[7], pkt->p[8]);
	uint32_t count = (pkt->p[9] & 0x7ffff) + 1;

	if (sub_op(pkt) != SDMA_SUBOP_PTEPDE_GEN)
		return unsupported(gpu, pkt, "PTEPDE other than generate");
	for (uint32_t i = 0; i < count; i++, value += increment)
		if (!vm_write64(gpu, pkt->s->queue, pkt->s->vmid, dst + 8ull * i, value | flags))
			return EXEC_HALT;
	return EXEC_DONE;
}

static enum exec timestamp(struct gpu *gpu, struct sdma *pkt)
{
	if (sub_op(pkt) != SDMA_SUBOP_TIMESTAMP_GET &&
	    sub_op(pkt) != SDMA_SUBOP_TIMESTAMP_GET_GLOBAL)
		return unsupported(gpu, pkt, "TIMESTAMP's sub-operation");
	return done_if(vm_write64(gpu, pkt->s->queue, pkt->s->vmid,
				  pair(pkt->p[1] & ~7u, pkt->p[2]), gpu_clock()));
}

static enum exec srbm_write(struct gpu *gpu, struct sdma *pkt)
{
	if (pkt->s->vmid)
		return unsupported(gpu, pkt, "SRBM_WRITE from a process");
	if (pkt->p[0] >> 28 != 0xf)
		return unsupported(gpu, pkt, "SRBM_WRITE of single bytes");
	mmio_write(gpu, pkt->p[1] & 0x3ffff, pkt->p[2]);
	return EXEC_DONE;
}

static enum exec nop(struct gpu *gpu, struct sdma *pkt)
{
	(void)gpu;
	(void)pkt;
	return EXEC_DONE;
}

static const struct {
	const char *name;
	enum exec (*handler)(struct gpu *gpu, struct sdma *pkt);
	unsigned int length;	/* dwords, where packet_length() does not say otherwise */
} packets[] = {
	[SDMA_OP_NOP] = { "NOP", nop, 1 },
	[SDMA_OP_COPY] = { "COPY", copy, 7 },
	[SDMA_OP_WRITE] = { "WRITE", write, 4 },
	[SDMA_OP_INDIRECT] = { "INDIRECT", indirect, 6 },
	[SDMA_OP_FENCE] = { "FENCE", fence, 4 },
	[SDMA_OP_TRAP] = { "TRAP", trap, 2 },
	[SDMA_OP_POLL_REGMEM] = { "POLL_REGMEM", poll_regmem, 6 },
	[SDMA_OP_COND_EXE] = { "COND_EXE", cond_exe, 5 },
	[SDMA_OP_ATOMIC] = { "ATOMIC", atomic, 8 },
	[SDMA_OP_CONST_FILL] = { "CONST_FILL", const_fill, 5 },
	[SDMA_OP_PTEPDE] = { "PTEPDE", ptepde, 10 },
	[SDMA_OP_TIMESTAMP] = { "TIMESTAMP", timestamp, 3 },
	[SDMA_OP_SRBM_WRITE] = { "SRBM_WRITE", srbm_write, 3 },
};

/* The whole packet's length; what it depends on has been read into p[] */
static uint64_t packet_length(const uint32_t *p)
{
	switch (p[0] & 0xff) {
	case SDMA_OP_NOP:
		return 1 + (p[0] >> 16 & 0x3fff);
	case SDMA_OP_COPY:
		return p[0] >> 27 & 1 ? 9 : 7;
	case SDMA_OP_WRITE:
		return 4 + (p[3] & 0xfffff) + 1ull;
	default:
		return packets[p[0] & 0xff].length;
	}
}

enum exec sdma_execute(struct gpu *gpu, struct stream *s, uint64_t *index, uint64_t end)
{
	struct sdma pkt = { .s = s, .at = *index };
	uint64_t left = end - *index;
	enum exec result;
	uint32_t op;

	if (!stream_read(gpu, s, *index, pkt.p, 1))
		return EXEC_HALT;
	op = pkt.p[0] & 0xff;
	if (op >= sizeof(packets) / sizeof(packets[0]) || !packets[op].handler)
		return unsupported(gpu, &pkt, "packet");
	if (packets[op].length <= left &&
	    !stream_read(gpu, s, *index, pkt.p,
			 left < LONGEST_PACKET ? (unsigned int)left : LONGEST_PACKET))
		return EXEC_HALT;
	pkt.length = packet_length(pkt.p);
	if (pkt.length > left) {
		gpu_problem(gpu, "%s: SDMA packet %#010x is longer than what was submitted",
			    s->queue->name, pkt.p[0]);
		return EXEC_HALT;
	}
	if (op != SDMA_OP_NOP)
		gpu_trace(gpu, "sdma %s %s %08x: %08x %08x %08x %08x %08x %08x\n", s->queue->name,
			  packets[op].name, pkt.p[0], pkt.p[1], pkt.p[2], pkt.p[3], pkt.p[4],
			  pkt.p[5], pkt.p[6]);
	result = packets[op].handler(gpu, &pkt);
	if (result == EXEC_DONE) {
		if (pkt.skip > left - pkt.length)
			pkt.skip = left - pkt.length;
		*index += pkt.length + pkt.skip;
	}
	return result;
}
