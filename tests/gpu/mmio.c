// SPDX-License-Identifier: MIT
/*
 * mmio.c - registers: reset values, and those whose access means something.
 *
 * Everything else is plain memory: the driver's writes are kept and read
 * back. Numbers and names: regs.h.
 */
#include <string.h>

#include "gpu.h"

#define ATOM_S7_ASIC_INIT_COMPLETE	0x200	/* include/atomfirmware.h: already posted */
#define MM_INDEX__VRAM			0x80000000u

/* amdgpu reads a hub's registers only after it has programmed them, but for these. */
void mmio_reset(struct gpu *gpu)
{
	uint32_t fb_base = FB_BASE >> 24;
	uint32_t fb_top = (FB_BASE + gpu->vram_size - 1) >> 24;

	memset(gpu->mmio, 0, sizeof(gpu->mmio));
	memset(gpu->io, 0, sizeof(gpu->io));
	gpu->smn_registers = 0;
	gpu->vbios_index = 0;
	gpu->mmio[mmBIOS_SCRATCH_7] = ATOM_S7_ASIC_INIT_COMPLETE;
	gpu->mmio[mmRCC_PF_0_0_RCC_CONFIG_MEMSIZE] = gpu->vram_size >> 20;
	gpu->mmio[mmMC_VM_FB_LOCATION_BASE] = fb_base;
	gpu->mmio[mmMC_VM_FB_LOCATION_TOP] = fb_top;
	gpu->mmio[mmGC_MC_VM_FB_LOCATION_BASE] = fb_base;
	gpu->mmio[mmGC_MC_VM_FB_LOCATION_TOP] = fb_top;
	queues_reset(gpu);
}

static bool within(uint32_t reg, uint32_t first, uint32_t count)
{
	return reg >= first && reg - first < count;
}

/* The same register of either VM hub */
static bool within_hub(uint32_t reg, uint32_t first, uint32_t count)
{
	return within(reg, GFXHUB + first, count) || within(reg, MMHUB + first, count);
}

/* SMN, the register space behind PCIE_INDEX2 and PCIE_DATA2: sparse, plain memory */
static uint32_t *smn_register(struct gpu *gpu, uint32_t address)
{
	struct smn_register *r = gpu->smn;

	for (int i = 0; i < gpu->smn_registers; i++, r++)
		if (r->address == address)
			return &r->value;
	if (gpu->smn_registers == SMN_REGISTERS) {
		gpu_problem(gpu, "more than %d SMN registers in use", SMN_REGISTERS);
		return &gpu->smn[0].value;
	}
	gpu->smn_registers++;
	*r = (struct smn_register){ .address = address };
	return &r->value;
}

/* MM_INDEX and MM_DATA: a window onto VRAM (amdgpu_device_mm_access()) */
static void *mm_window(struct gpu *gpu)
{
	uint32_t index = gpu->mmio[mmMM_INDEX];
	uint64_t offset = (index & ~MM_INDEX__VRAM) | (uint64_t)gpu->mmio[mmMM_INDEX_HI] << 31;
	void *ptr;

	if (!(index & MM_INDEX__VRAM))
		return NULL;
	ptr = vram_pointer(gpu, offset, 4);
	if (!ptr)
		gpu_problem(gpu, "MM_DATA beyond VRAM at %#llx", (unsigned long long)offset);
	return ptr;
}

static uint32_t read_vbios(struct gpu *gpu)
{
	uint32_t value = 0;

	if (gpu->vbios_index <= VBIOS_BYTES - 4)
		memcpy(&value, gpu->vbios + gpu->vbios_index, 4);
	gpu->vbios_index += 4;
	return value;
}

static uint32_t read_register(struct gpu *gpu, uint32_t reg)
{
	uint32_t value = gpu->mmio[reg];
	void *ptr;

	if (within(reg, HQD_FIRST, HQD_DWORDS))
		return hqd_selected(gpu)[reg - HQD_FIRST];
	if (within_hub(reg, mmVM_INVALIDATE_ENG0_SEM, VM_INVALIDATE_ENGINES))
		return 1;		/* acquired */
	if (within_hub(reg, mmVM_INVALIDATE_ENG0_ACK, VM_INVALIDATE_ENGINES))
		return 0xffff;		/* done for every VMID: there is no TLB */
	switch (reg) {
	case mmMM_DATA:
		ptr = mm_window(gpu);
		if (ptr)
			memcpy(&value, ptr, 4);
		return value;
	case mmPCIE_DATA2:
		return *smn_register(gpu, gpu->mmio[mmPCIE_INDEX2]);
	case mmROM_DATA:
		return read_vbios(gpu);
	case mmBIF_BX_PF0_GPU_HDP_FLUSH_DONE:
		return ~0u;		/* there is no host data path cache */
	case SDMA0_BASE_0 + SDMA_RLC0 + SDMA_CONTEXT_STATUS:
	case SDMA0_BASE_0 + SDMA_RLC1 + SDMA_CONTEXT_STATUS:
	case SDMA1_BASE_0 + SDMA_RLC0 + SDMA_CONTEXT_STATUS:
	case SDMA1_BASE_0 + SDMA_RLC1 + SDMA_CONTEXT_STATUS:
		return value | SDMA_CONTEXT_STATUS__IDLE_MASK;
	default:
		return value;
	}
}

uint32_t mmio_read(struct gpu *gpu, uint32_t reg)
{
	uint32_t value;

	if (reg >= MMIO_DWORDS) {
		gpu_problem(gpu, "read of register %#x, beyond BAR 5", reg);
		return ~0u;
	}
	value = read_register(gpu, reg);
	gpu_trace(gpu, "R %05x = %08x\n", reg, value);
	return value;
}

static void pasid_mapping_written(struct gpu *gpu, uint32_t reg)
{
	uint32_t *status = &gpu->mmio[mmATC_VMID_PASID_MAPPING_UPDATE_STATUS];

	if (within(reg, mmATC_VMID0_PASID_MAPPING, VM_CONTEXTS))
		*status |= 1u << (reg - mmATC_VMID0_PASID_MAPPING);
	if (within(reg, mmATC_VMID16_PASID_MAPPING, VM_CONTEXTS))
		*status |= 1u << (reg - mmATC_VMID16_PASID_MAPPING + VM_CONTEXTS);
}

void mmio_write(struct gpu *gpu, uint32_t reg, uint32_t value)
{
	void *ptr;

	if (reg >= MMIO_DWORDS) {
		gpu_problem(gpu, "write of register %#x, beyond BAR 5", reg);
		return;
	}
	gpu_trace(gpu, "W %05x = %08x\n", reg, value);
	if (within(reg, HQD_FIRST, HQD_DWORDS)) {
		hqd_write(gpu, reg, value);
		return;
	}
	if (reg == mmATC_VMID_PASID_MAPPING_UPDATE_STATUS) {
		gpu->mmio[reg] &= ~value;	/* write 1 to clear */
		return;
	}
	gpu->mmio[reg] = value;
	pasid_mapping_written(gpu, reg);
	sdma_register_written(gpu, reg);
	switch (reg) {
	case mmMM_DATA:
		ptr = mm_window(gpu);
		if (ptr)
			memcpy(ptr, &value, 4);
		break;
	case mmPCIE_DATA2:
		*smn_register(gpu, gpu->mmio[mmPCIE_INDEX2]) = value;
		break;
	case mmROM_INDEX:
		gpu->vbios_index = value;
		break;
	case mmRLC_SAFE_MODE:
		/* the RLC firmware acknowledges at once */
		gpu->mmio[reg] &= ~RLC_SAFE_MODE__CMD_MASK;
		break;
	case mmCP_RB_DOORBELL_CONTROL:
		gfx_ring_start(gpu);
		break;
	case GFXHUB + mmVM_L2_PROTECTION_FAULT_CNTL:
	case MMHUB + mmVM_L2_PROTECTION_FAULT_CNTL:
		if (value & 1)		/* CLEAR_PROTECTION_FAULT_STATUS_ADDR */
			gpu->mmio[reg + mmVM_L2_PROTECTION_FAULT_STATUS -
				  mmVM_L2_PROTECTION_FAULT_CNTL] = 0;
		break;
	}
}
