// SPDX-License-Identifier: MIT
/*
 * pm4.c - the command processor: PM4 type-3 packets of the gfx ring, the
 * kernel's compute rings, KIQ and HIQ, and user compute queues.
 *
 * Packets: amdgpu/soc15d.h; how the driver fills them: amdgpu/gfx_v9_0.c.
 * Shaders do not exist: a DISPATCH is an unknown packet, and an unknown
 * packet is reported and halts its queue.
 */
#include "gpu.h"
#include "packets.h"

#define MAX_DEPTH	3	/* ring, indirect buffer, one more */
#define HEADER_COPY	16	/* payload dwords that handlers get in p[] */
#define LONGEST_NOP	0x3fff	/* a NOP with this count is a single dword */

struct pm4 {
	struct stream *s;
	uint64_t body;		/* index of the first payload dword */
	unsigned int count;	/* payload dwords */
	uint64_t skip;		/* dwords behind the packet not to be executed */
	uint32_t p[HEADER_COPY];
};

/* Registers as such are the kernel's: a process that writes one gets nowhere. */
static enum exec write_register(struct gpu *gpu, struct stream *s, uint32_t reg, uint32_t value)
{
	if (s->vmid) {
		gpu_problem(gpu, "%s: register %#x written from VMID %u", s->queue->name, reg,
			    s->vmid);
		return EXEC_HALT;
	}
	mmio_write(gpu, reg, value);
	return EXEC_DONE;
}

static bool memory_selected(uint32_t select)
{
	return select == 1 || select == 2 || select == 5;
}

static enum exec unsupported(struct gpu *gpu, struct pm4 *pkt, const char *what)
{
	gpu_problem(gpu, "%s: %s is not modelled (%#x)", pkt->s->queue->name, what, pkt->p[0]);
	return EXEC_HALT;
}

/* SET_*_REG: state registers, which have no effect of their own */
static enum exec set_registers(struct gpu *gpu, struct pm4 *pkt, uint32_t first)
{
	uint32_t reg = first + (pkt->p[0] & 0xffff);

	for (unsigned int i = 1; i < pkt->count; i++, reg++) {
		uint32_t value;

		if (!stream_read(gpu, pkt->s, pkt->body + i, &value, 1))
			return EXEC_HALT;
		if (reg >= MMIO_DWORDS)
			return unsupported(gpu, pkt, "a register beyond BAR 5");
		gpu->mmio[reg] = value;
	}
	return EXEC_DONE;
}

static enum exec set_config_reg(struct gpu *gpu, struct pm4 *pkt)
{
	return set_registers(gpu, pkt, PACKET3_SET_CONFIG_REG_START);
}

static enum exec set_context_reg(struct gpu *gpu, struct pm4 *pkt)
{
	return set_registers(gpu, pkt, PACKET3_SET_CONTEXT_REG_START);
}

static enum exec set_sh_reg(struct gpu *gpu, struct pm4 *pkt)
{
	return set_registers(gpu, pkt, PACKET3_SET_SH_REG_START);
}

static enum exec set_uconfig_reg(struct gpu *gpu, struct pm4 *pkt)
{
	return set_registers(gpu, pkt, PACKET3_SET_UCONFIG_REG_START);
}

static enum exec write_data(struct gpu *gpu, struct pm4 *pkt)
{
	struct stream *s = pkt->s;
	uint32_t select = pkt->p[0] >> 8 & 0xf;		/* WRITE_DATA_DST_SEL */
	bool one_address = pkt->p[0] >> 16 & 1;		/* WR_ONE_ADDR */
	uint64_t address = pair(pkt->p[1], pkt->p[2]);

	if (select && !memory_selected(select))
		return unsupported(gpu, pkt, "WRITE_DATA's destination");
	for (unsigned int i = 3; i < pkt->count; i++) {
		uint64_t step = one_address ? 0 : i - 3;
		uint32_t value;

		if (!stream_read(gpu, s, pkt->body + i, &value, 1))
			return EXEC_HALT;
		if (select) {
			if (!vm_write32(gpu, s->queue, s->vmid, address + 4 * step, value))
				return EXEC_HALT;
		} else if (write_register(gpu, s, (uint32_t)(pkt->p[1] + step), value)) {
			return EXEC_HALT;
		}
	}
	return EXEC_DONE;
}

static enum exec copy_data(struct gpu *gpu, struct pm4 *pkt)
{
	struct stream *s = pkt->s;
	uint32_t from = pkt->p[0] & 0xf, to = pkt->p[0] >> 8 & 0xf;
	bool wide = pkt->p[0] >> 16 & 1;
	uint64_t src = pair(pkt->p[1], pkt->p[2]), dst = pair(pkt->p[3], pkt->p[4]);
	uint64_t value = 0;

	if (from == 0)
		value = mmio_read(gpu, (uint32_t)src);
	else if (from == 5)
		value = src;			/* immediate */
	else if (!memory_selected(from))
		return unsupported(gpu, pkt, "COPY_DATA's source");
	else if (!vm_read(gpu, s->queue, s->vmid, src, &value, wide ? 8 : 4))
		return EXEC_HALT;

	if (to == 0)
		return write_register(gpu, s, (uint32_t)dst, (uint32_t)value);
	if (!memory_selected(to))
		return unsupported(gpu, pkt, "COPY_DATA's destination");
	if (wide)
		return vm_write64(gpu, s->queue, s->vmid, dst, value) ? EXEC_DONE : EXEC_HALT;
	return vm_write32(gpu, s->queue, s->vmid, dst, (uint32_t)value) ? EXEC_DONE : EXEC_HALT;
}

static enum exec release_mem(struct gpu *gpu, struct pm4 *pkt)
{
	struct stream *s = pkt->s;
	uint32_t data_select = pkt->p[1] >> 29;		/* DATA_SEL */
	uint32_t int_select = pkt->p[1] >> 24 & 7;	/* INT_SEL */
	uint64_t address = pair(pkt->p[2], pkt->p[3]);
	bool ok = true;

	if (data_select > 3 || int_select > 3)
		return unsupported(gpu, pkt, "RELEASE_MEM's selection");
	if (data_select == 1)
		ok = vm_write32(gpu, s->queue, s->vmid, address & ~3ull, pkt->p[4]);
	else if (data_select == 2)
		ok = vm_write64(gpu, s->queue, s->vmid, address & ~7ull,
				pair(pkt->p[4], pkt->p[5]));
	else if (data_select == 3)
		ok = vm_write64(gpu, s->queue, s->vmid, address & ~7ull, gpu_clock());
	if (!ok)
		return EXEC_HALT;
	if (int_select == 1 || int_select == 2)
		ih_raise(gpu, IH_CLIENT_GRBM_CP, IH_SOURCE_CP_END_OF_PIPE, s->queue->ih_ring,
			 s->vmid, pkt->p[6], 0);
	return EXEC_DONE;
}

static enum exec wait_reg_mem(struct gpu *gpu, struct pm4 *pkt)
{
	struct stream *s = pkt->s;
	uint32_t function = pkt->p[0] & 7;
	bool memory = pkt->p[0] >> 4 & 1;	/* WAIT_REG_MEM_MEM_SPACE */
	bool write_first = pkt->p[0] >> 6 & 1;	/* WAIT_REG_MEM_OPERATION: wr_wait_wr_reg */
	/* wr_wait_wr_reg waits for the mask's bits: amdgpu_ring_emit_reg_write_reg_wait_helper() */
	uint32_t reference = pkt->p[write_first ? 4 : 3];
	uint32_t value;

	if (memory && write_first)
		return unsupported(gpu, pkt, "WAIT_REG_MEM's operation");
	if (write_first && write_register(gpu, s, pkt->p[1], pkt->p[3]))
		return EXEC_HALT;
	if (!memory)
		value = mmio_read(gpu, pkt->p[write_first ? 2 : 1]);
	else if (!vm_read(gpu, s->queue, s->vmid, pair(pkt->p[1] & ~3u, pkt->p[2]), &value, 4))
		return EXEC_HALT;
	return wait_holds(function, value & pkt->p[4], reference) ? EXEC_DONE : EXEC_WAIT;
}

static enum exec cond_exec(struct gpu *gpu, struct pm4 *pkt)
{
	uint32_t value;

	if (!vm_read(gpu, pkt->s->queue, pkt->s->vmid, pair(pkt->p[0] & ~3u, pkt->p[1]), &value, 4))
		return EXEC_HALT;
	if (!value)
		pkt->skip = pkt->p[3] & 0x3fff;
	return EXEC_DONE;
}

/* Cache and pipeline events: there are neither. Those that write memory are not modelled. */
static enum exec event_write(struct gpu *gpu, struct pm4 *pkt)
{
	return pkt->count > 1 ? unsupported(gpu, pkt, "EVENT_WRITE with an address") : EXEC_DONE;
}

enum exec pm4_run_buffer(struct gpu *gpu, struct stream *s, unsigned int vmid, uint64_t base,
			 uint32_t dwords)
{
	struct stream ib = {
		.queue = s->queue, .vmid = vmid, .base = base, .mask = ~0ull, .depth = s->depth + 1,
	};
	enum exec result = EXEC_DONE;
	uint64_t index = 0;

	if (ib.depth >= MAX_DEPTH) {
		gpu_problem(gpu, "%s: indirect buffers nested too deeply", s->queue->name);
		return EXEC_HALT;
	}
	while (result == EXEC_DONE && index < dwords)
		result = pm4_execute(gpu, &ib, &index, dwords);
	if (result == EXEC_WAIT) {
		gpu_problem(gpu, "%s: unmet wait inside an indirect buffer", s->queue->name);
		return EXEC_HALT;
	}
	return result;
}

static enum exec indirect_buffer(struct gpu *gpu, struct pm4 *pkt)
{
	uint32_t control = pkt->p[2];
	/* only the kernel may choose the VMID */
	unsigned int vmid = pkt->s->vmid ? pkt->s->vmid : control >> 24 & 0xf;

	if (control >> 20 & 1)
		return unsupported(gpu, pkt, "INDIRECT_BUFFER chaining");
	return pm4_run_buffer(gpu, pkt->s, vmid, pair(pkt->p[0] & ~3u, pkt->p[1]),
			      control & 0xfffff);
}

/* The scheduler's packets are privileged: only the kernel's own queues may carry them. */
static enum exec scheduler(struct gpu *gpu, struct pm4 *pkt,
			   enum exec (*handler)(struct gpu *, struct stream *, const uint32_t *))
{
	if (pkt->s->vmid)
		return unsupported(gpu, pkt, "a scheduler packet from a process");
	return handler(gpu, pkt->s, pkt->p);
}

static enum exec map_process(struct gpu *gpu, struct pm4 *pkt)
{
	return scheduler(gpu, pkt, hws_map_process);
}

static enum exec map_queues(struct gpu *gpu, struct pm4 *pkt)
{
	return scheduler(gpu, pkt, hws_map_queues);
}

static enum exec unmap_queues(struct gpu *gpu, struct pm4 *pkt)
{
	return scheduler(gpu, pkt, hws_unmap_queues);
}

static enum exec query_status(struct gpu *gpu, struct pm4 *pkt)
{
	return scheduler(gpu, pkt, hws_query_status);
}

static enum exec run_list(struct gpu *gpu, struct pm4 *pkt)
{
	return scheduler(gpu, pkt, hws_run_list);
}

/* Caches, TLBs, graphics state: known, and without effect in this model */
static enum exec no_effect(struct gpu *gpu, struct pm4 *pkt)
{
	(void)gpu;
	(void)pkt;
	return EXEC_DONE;
}

static const struct {
	const char *name;
	enum exec (*handler)(struct gpu *gpu, struct pm4 *pkt);
	unsigned int payload;	/* least number of dwords */
} packets[256] = {
	[PACKET3_NOP] = { "NOP", no_effect, 1 },
	[PACKET3_SET_BASE] = { "SET_BASE", no_effect, 1 },
	[PACKET3_CLEAR_STATE] = { "CLEAR_STATE", no_effect, 1 },
	[PACKET3_COND_EXEC] = { "COND_EXEC", cond_exec, 4 },
	[PACKET3_CONTEXT_CONTROL] = { "CONTEXT_CONTROL", no_effect, 1 },
	[PACKET3_INDIRECT_BUFFER_CONST] = { "INDIRECT_BUFFER_CONST", indirect_buffer, 3 },
	[PACKET3_WRITE_DATA] = { "WRITE_DATA", write_data, 4 },
	[PACKET3_WAIT_REG_MEM] = { "WAIT_REG_MEM", wait_reg_mem, 6 },
	[PACKET3_INDIRECT_BUFFER] = { "INDIRECT_BUFFER", indirect_buffer, 3 },
	[PACKET3_COPY_DATA] = { "COPY_DATA", copy_data, 5 },
	[PACKET3_PFP_SYNC_ME] = { "PFP_SYNC_ME", no_effect, 1 },
	[PACKET3_EVENT_WRITE] = { "EVENT_WRITE", event_write, 1 },
	[PACKET3_RELEASE_MEM] = { "RELEASE_MEM", release_mem, 6 },
	[PACKET3_PREAMBLE_CNTL] = { "PREAMBLE_CNTL", no_effect, 1 },
	[PACKET3_ACQUIRE_MEM] = { "ACQUIRE_MEM", no_effect, 1 },
	[PACKET3_SET_CONFIG_REG] = { "SET_CONFIG_REG", set_config_reg, 2 },
	[PACKET3_SET_CONTEXT_REG] = { "SET_CONTEXT_REG", set_context_reg, 2 },
	[PACKET3_SET_SH_REG] = { "SET_SH_REG", set_sh_reg, 2 },
	[PACKET3_SET_UCONFIG_REG] = { "SET_UCONFIG_REG", set_uconfig_reg, 2 },
	[PACKET3_SWITCH_BUFFER] = { "SWITCH_BUFFER", no_effect, 1 },
	[PACKET3_FRAME_CONTROL] = { "FRAME_CONTROL", no_effect, 1 },
	[PACKET3_INVALIDATE_TLBS] = { "INVALIDATE_TLBS", no_effect, 1 },
	[PACKET3_SET_RESOURCES] = { "SET_RESOURCES", no_effect, 7 },
	[PACKET3_MAP_PROCESS] = { "MAP_PROCESS", map_process, 15 },
	[PACKET3_MAP_QUEUES] = { "MAP_QUEUES", map_queues, 6 },
	[PACKET3_UNMAP_QUEUES] = { "UNMAP_QUEUES", unmap_queues, 5 },
	[PACKET3_QUERY_STATUS] = { "QUERY_STATUS", query_status, 6 },
	[PACKET3_RUN_LIST] = { "RUN_LIST", run_list, 3 },
};

static enum exec malformed(struct gpu *gpu, struct stream *s, uint64_t index, uint32_t header,
			   const char *what)
{
	gpu_problem(gpu, "%s: %s: PM4 header %#010x at %#llx", s->queue->name, what, header,
		    (unsigned long long)(s->base + 4 * (index & s->mask)));
	return EXEC_HALT;
}

enum exec pm4_execute(struct gpu *gpu, struct stream *s, uint64_t *index, uint64_t end)
{
	struct pm4 pkt = { .s = s, .body = *index + 1 };
	uint32_t header, opcode;
	enum exec result;

	if (!stream_read(gpu, s, *index, &header, 1))
		return EXEC_HALT;
	pkt.count = (header >> 16 & 0x3fff) + 1;
	opcode = header >> 8 & 0xff;
	if (header >> 30 == PACKET_TYPE2 ||
	    (header >> 30 == PACKET_TYPE3 && opcode == PACKET3_NOP &&
	     pkt.count == LONGEST_NOP + 1)) {
		*index += 1;
		return EXEC_DONE;
	}
	if (header >> 30 != PACKET_TYPE3)
		return malformed(gpu, s, *index, header, "packet type not modelled");
	if (!packets[opcode].handler)
		return malformed(gpu, s, *index, header, "packet not modelled");
	if (pkt.count < packets[opcode].payload)
		return malformed(gpu, s, *index, header, "packet too short");
	if (pkt.count > end - pkt.body)
		return malformed(gpu, s, *index, header, "packet longer than what was submitted");
	if (!stream_read(gpu, s, pkt.body, pkt.p,
			 pkt.count < HEADER_COPY ? pkt.count : HEADER_COPY))
		return EXEC_HALT;
	gpu_trace(gpu, "pm4 %s %s[%u] %08x %08x %08x %08x %08x\n", s->queue->name,
		  packets[opcode].name, pkt.count, pkt.p[0], pkt.p[1], pkt.p[2], pkt.p[3],
		  pkt.p[4]);
	result = packets[opcode].handler(gpu, &pkt);
	if (result == EXEC_DONE) {
		if (pkt.skip > end - pkt.body - pkt.count)
			pkt.skip = end - pkt.body - pkt.count;
		*index = pkt.body + pkt.count + pkt.skip;
	}
	return result;
}
