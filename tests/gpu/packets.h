/* SPDX-License-Identifier: MIT */
/*
 * packets.h - names of the packets that the phantom's engines know.
 *
 * PM4 (command processor): amdgpu/soc15d.h and, for the hardware
 * scheduler's packets, amdkfd/kfd_pm4_headers_ai.h. SDMA:
 * amdgpu/vega10_sdma_pkt_open.h. Field positions are given where they are
 * used, by the names of these headers.
 */
#ifndef PHANTOM_PACKETS_H
#define PHANTOM_PACKETS_H

/* PM4 header: type [31:30], count [29:16] = payload dwords - 1, opcode [15:8] */
#define PACKET_TYPE0				0
#define PACKET_TYPE2				2
#define PACKET_TYPE3				3
#define PACKET3_NOP				0x10
#define PACKET3_SET_BASE			0x11
#define PACKET3_CLEAR_STATE			0x12
#define PACKET3_COND_EXEC			0x22
#define PACKET3_CONTEXT_CONTROL			0x28
#define PACKET3_INDIRECT_BUFFER_CONST		0x33
#define PACKET3_WRITE_DATA			0x37
#define PACKET3_WAIT_REG_MEM			0x3c
#define PACKET3_INDIRECT_BUFFER			0x3f
#define PACKET3_COPY_DATA			0x40
#define PACKET3_PFP_SYNC_ME			0x42
#define PACKET3_EVENT_WRITE			0x46
#define PACKET3_RELEASE_MEM			0x49
#define PACKET3_PREAMBLE_CNTL			0x4a
#define PACKET3_ACQUIRE_MEM			0x58
#define PACKET3_SET_CONFIG_REG			0x68
#define PACKET3_SET_CONTEXT_REG			0x69
#define PACKET3_SET_SH_REG			0x76
#define PACKET3_SET_UCONFIG_REG			0x79
#define PACKET3_SWITCH_BUFFER			0x8b
#define PACKET3_FRAME_CONTROL			0x90
#define PACKET3_INVALIDATE_TLBS			0x98
#define PACKET3_SET_RESOURCES			0xa0
#define PACKET3_MAP_PROCESS			0xa1
#define PACKET3_MAP_QUEUES			0xa2
#define PACKET3_UNMAP_QUEUES			0xa3
#define PACKET3_QUERY_STATUS			0xa4
#define PACKET3_RUN_LIST			0xa5
#define PACKET3_SET_CONFIG_REG_START		0x2000
#define PACKET3_SET_SH_REG_START		0x2c00
#define PACKET3_SET_CONTEXT_REG_START		0xa000
#define PACKET3_SET_UCONFIG_REG_START		0xc000

/* SDMA header: op [7:0], sub_op [15:8] */
#define SDMA_OP_NOP				0
#define SDMA_OP_COPY				1
#define SDMA_OP_WRITE				2
#define SDMA_OP_INDIRECT			4
#define SDMA_OP_FENCE				5
#define SDMA_OP_TRAP				6
#define SDMA_OP_POLL_REGMEM			8
#define SDMA_OP_COND_EXE			9
#define SDMA_OP_ATOMIC				10
#define SDMA_OP_CONST_FILL			11
#define SDMA_OP_PTEPDE				12
#define SDMA_OP_TIMESTAMP			13
#define SDMA_OP_SRBM_WRITE			14
#define SDMA_SUBOP_COPY_LINEAR			0
#define SDMA_SUBOP_WRITE_LINEAR			0
#define SDMA_SUBOP_PTEPDE_GEN			0
#define SDMA_SUBOP_TIMESTAMP_SET		0
#define SDMA_SUBOP_TIMESTAMP_GET		1
#define SDMA_SUBOP_TIMESTAMP_GET_GLOBAL		2

/* header bits [31:25] of SDMA_PKT_ATOMIC: TC_OP_ATOMIC_ADD_RTN_64, include/vega10_enum.h */
#define TC_OP_ATOMIC_ADD_RTN_64			0x2f

/* comparison of WAIT_REG_MEM and POLL_REGMEM (soc15d.h, WAIT_REG_MEM_FUNCTION) */
enum wait_function {
	WAIT_ALWAYS, WAIT_LESS, WAIT_LESS_EQUAL, WAIT_EQUAL,
	WAIT_NOT_EQUAL, WAIT_GREATER_EQUAL, WAIT_GREATER,
};

#endif
