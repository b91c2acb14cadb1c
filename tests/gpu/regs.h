/* SPDX-License-Identifier: MIT */
/*
 * regs.h - the registers of Vega 10 that the phantom gives a meaning.
 *
 * All numbers are dword offsets into BAR 5. As in the amdgpu driver, a
 * register is the base of its IP block (include/vega10_ip_offset.h) plus
 * an offset (include/asic_reg/...), and the names are those of these
 * headers. A register that is not listed here is plain read-back memory
 * that is zero after reset; amdgpu is content with that.
 */
#ifndef PHANTOM_REGS_H
#define PHANTOM_REGS_H

/* include/vega10_ip_offset.h, *_BASE instance 0; the digit is the segment */
#define NBIO_BASE_0	0x00000
#define NBIO_BASE_1	0x00014
#define NBIO_BASE_2	0x00d20
#define ATHUB_BASE_0	0x00c20
#define OSSSYS_BASE_0	0x010a0
#define SDMA0_BASE_0	0x01260
#define SDMA1_BASE_0	0x01460
#define GC_BASE_0	0x02000
#define GC_BASE_1	0x0a000
#define SMUIO_BASE_0	0x16800
#define MMHUB_BASE_0	0x1a000

/* asic_reg/nbio/nbio_6_1_offset.h */
#define mmMM_INDEX				(NBIO_BASE_0 + 0x0000)
#define mmMM_DATA				(NBIO_BASE_0 + 0x0001)
#define mmMM_INDEX_HI				(NBIO_BASE_0 + 0x0006)
#define mmPCIE_INDEX2				(NBIO_BASE_0 + 0x000e)
#define mmPCIE_DATA2				(NBIO_BASE_0 + 0x000f)
#define mmBIOS_SCRATCH_0			(NBIO_BASE_1 + 0x0038)
#define mmBIOS_SCRATCH_7			(NBIO_BASE_1 + 0x003f)
#define mmRCC_PF_0_0_RCC_CONFIG_MEMSIZE		(NBIO_BASE_2 + 0x00c3)
#define mmBIF_BX_PF0_GPU_HDP_FLUSH_REQ		(NBIO_BASE_2 + 0x0106)
#define mmBIF_BX_PF0_GPU_HDP_FLUSH_DONE		(NBIO_BASE_2 + 0x0107)

/* asic_reg/athub/athub_1_0_offset.h */
#define mmATC_VMID_PASID_MAPPING_UPDATE_STATUS	(ATHUB_BASE_0 + 0x000b)
#define mmATC_VMID0_PASID_MAPPING		(ATHUB_BASE_0 + 0x000c)
#define mmATC_VMID16_PASID_MAPPING		(ATHUB_BASE_0 + 0x003d)
#define ATC_VMID0_PASID_MAPPING__PASID_MASK	0x0000ffff
#define ATC_VMID0_PASID_MAPPING__VALID_MASK	0x80000000

/* asic_reg/oss/osssys_4_0_offset.h */
#define mmIH_RB_CNTL				(OSSSYS_BASE_0 + 0x0080)
#define mmIH_RB_BASE				(OSSSYS_BASE_0 + 0x0081)
#define mmIH_RB_BASE_HI				(OSSSYS_BASE_0 + 0x0082)
#define mmIH_RB_RPTR				(OSSSYS_BASE_0 + 0x0083)
#define mmIH_RB_WPTR				(OSSSYS_BASE_0 + 0x0084)
#define mmIH_RB_WPTR_ADDR_HI			(OSSSYS_BASE_0 + 0x0085)
#define mmIH_RB_WPTR_ADDR_LO			(OSSSYS_BASE_0 + 0x0086)
#define mmIH_DOORBELL_RPTR			(OSSSYS_BASE_0 + 0x0087)
#define IH_RB_CNTL__RB_ENABLE_MASK		0x00000001
#define IH_RB_CNTL__RB_SIZE__SHIFT		1
#define IH_RB_CNTL__WPTR_OVERFLOW_CLEAR_MASK	0x80000000
#define IH_RB_WPTR__RB_OVERFLOW_MASK		0x00000001
#define IH_DOORBELL_RPTR__OFFSET_MASK		0x03ffffff
#define IH_DOORBELL_RPTR__ENABLE_MASK		0x10000000

/* asic_reg/smuio/smuio_9_0_offset.h */
#define mmROM_INDEX				(SMUIO_BASE_0 + 0x0028)
#define mmROM_DATA				(SMUIO_BASE_0 + 0x0029)

/*
 * The two VM hubs: asic_reg/gc/gc_9_0_offset.h for the graphics hub
 * (command processor) and asic_reg/mmhub/mmhub_1_0_offset.h for the other
 * one (SDMA, host). The same block at two places.
 */
#define GFXHUB					(GC_BASE_0 + 0x0800)
#define MMHUB					(MMHUB_BASE_0 + 0x0640)
#define mmVM_L2_PROTECTION_FAULT_CNTL		0x0047
#define mmVM_L2_PROTECTION_FAULT_STATUS		0x004b
#define mmVM_L2_PROTECTION_FAULT_ADDR_LO32	0x004c
#define mmVM_L2_PROTECTION_FAULT_ADDR_HI32	0x004d
#define mmVM_CONTEXT0_CNTL			0x0080
#define mmVM_INVALIDATE_ENG0_SEM		0x0091
#define mmVM_INVALIDATE_ENG0_ACK		0x00b5
#define mmVM_CONTEXT0_PAGE_TABLE_BASE_ADDR_LO32	0x00eb
#define mmVM_CONTEXT0_PAGE_TABLE_START_ADDR_LO32 0x010b
#define mmVM_CONTEXT0_PAGE_TABLE_END_ADDR_LO32	0x012b
#define VM_INVALIDATE_ENGINES			18
#define VM_CONTEXTS				16
#define VM_L2_PROTECTION_FAULT_STATUS__WALKER_ERROR__SHIFT	1
#define VM_L2_PROTECTION_FAULT_STATUS__PERMISSION_FAULTS__SHIFT	4
#define VM_L2_PROTECTION_FAULT_STATUS__MAPPING_ERROR__SHIFT	8
#define VM_L2_PROTECTION_FAULT_STATUS__CID__SHIFT		9
#define VM_L2_PROTECTION_FAULT_STATUS__RW__SHIFT		18
#define VM_L2_PROTECTION_FAULT_STATUS__VMID__SHIFT		20
#define VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH__SHIFT		1
#define VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH_MASK			0x00000006
#define VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE__SHIFT		3
#define VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE_MASK		0x00000078

/* also at both hubs, but not at one distance */
#define mmGC_MC_VM_FB_LOCATION_BASE		(GC_BASE_0 + 0x0980)
#define mmGC_MC_VM_FB_LOCATION_TOP		(GC_BASE_0 + 0x0981)
#define mmMC_VM_FB_LOCATION_BASE		(MMHUB_BASE_0 + 0x082c)
#define mmMC_VM_FB_LOCATION_TOP			(MMHUB_BASE_0 + 0x082d)
#define mmMC_VM_AGP_TOP				(MMHUB_BASE_0 + 0x082e)
#define mmMC_VM_AGP_BOT				(MMHUB_BASE_0 + 0x082f)
#define mmMC_VM_AGP_BASE			(MMHUB_BASE_0 + 0x0830)

/* asic_reg/gc/gc_9_0_offset.h: command processor */
#define mmGRBM_GFX_CNTL				(GC_BASE_0 + 0x0022)
#define mmCP_RB0_BASE				(GC_BASE_0 + 0x1040)
#define mmCP_RB0_CNTL				(GC_BASE_0 + 0x1041)
#define mmCP_RB0_RPTR_ADDR			(GC_BASE_0 + 0x1043)
#define mmCP_RB0_RPTR_ADDR_HI			(GC_BASE_0 + 0x1044)
#define mmCP_RB_DOORBELL_CONTROL		(GC_BASE_0 + 0x1059)
#define mmCP_RB0_BASE_HI			(GC_BASE_0 + 0x10b1)
#define mmCP_MQD_BASE_ADDR			(GC_BASE_0 + 0x1245)
#define mmCP_HQD_ACTIVE				(GC_BASE_0 + 0x1247)
#define mmCP_HQD_VMID				(GC_BASE_0 + 0x1248)
#define mmCP_HQD_PQ_BASE			(GC_BASE_0 + 0x124d)
#define mmCP_HQD_PQ_BASE_HI			(GC_BASE_0 + 0x124e)
#define mmCP_HQD_PQ_RPTR_REPORT_ADDR		(GC_BASE_0 + 0x1250)
#define mmCP_HQD_PQ_RPTR_REPORT_ADDR_HI		(GC_BASE_0 + 0x1251)
#define mmCP_HQD_PQ_DOORBELL_CONTROL		(GC_BASE_0 + 0x1254)
#define mmCP_HQD_PQ_CONTROL			(GC_BASE_0 + 0x1256)
#define mmCP_HQD_DEQUEUE_REQUEST		(GC_BASE_0 + 0x125d)
#define mmCP_HQD_PQ_WPTR_HI			(GC_BASE_0 + 0x127c)
#define mmRLC_SAFE_MODE				(GC_BASE_1 + 0x4c05)
#define CP_RB0_CNTL__RB_BUFSZ_MASK		0x0000003f
#define CP_RB_DOORBELL_CONTROL__DOORBELL_EN_MASK	0x40000000
#define DOORBELL_CONTROL__DOORBELL_OFFSET_MASK	0x0ffffffc	/* bytes into BAR 2 */
#define CP_HQD_PQ_CONTROL__QUEUE_SIZE_MASK	0x0000003f
#define CP_HQD_PQ_CONTROL__NO_UPDATE_RPTR_MASK	0x08000000
#define RLC_SAFE_MODE__CMD_MASK			0x00000001

/* the block of queue registers that GRBM_GFX_CNTL banks */
#define HQD_FIRST				mmCP_MQD_BASE_ADDR
#define HQD_LAST				mmCP_HQD_PQ_WPTR_HI
#define HQD_DWORDS				(HQD_LAST - HQD_FIRST + 1)

/*
 * asic_reg/sdma0/sdma0_4_0_offset.h: one queue's block of registers, relative
 * to its RB_CNTL. SDMA1 is the same at its own base.
 */
#define SDMA_GFX				0x0080
#define SDMA_PAGE				0x00e0
#define SDMA_RLC0				0x0140
#define SDMA_RLC1				0x01a0
#define SDMA_RB_CNTL				0x00
#define SDMA_RB_BASE				0x01
#define SDMA_RB_BASE_HI				0x02
#define SDMA_RB_RPTR				0x03
#define SDMA_RB_RPTR_HI				0x04
#define SDMA_RB_WPTR				0x05
#define SDMA_RB_WPTR_HI				0x06
#define SDMA_RB_RPTR_ADDR_HI			0x08
#define SDMA_RB_RPTR_ADDR_LO			0x09
#define SDMA_CONTEXT_STATUS			0x11
#define SDMA_DOORBELL				0x12
#define SDMA_DOORBELL_OFFSET			0x2b
#define SDMA_QUEUE_REGS				0x60
#define SDMA_RB_CNTL__RB_ENABLE_MASK		0x00000001
#define SDMA_RB_CNTL__RB_SIZE__SHIFT		1
#define SDMA_RB_CNTL__RB_SIZE_MASK		0x0000003e
#define SDMA_RB_CNTL__RB_VMID__SHIFT		24
#define SDMA_CONTEXT_STATUS__IDLE_MASK		0x00000004
#define SDMA_DOORBELL__ENABLE_MASK		0x10000000

#endif
