// SPDX-License-Identifier: MIT
/*
 * pci.c - configuration space and BARs of the PCI function.
 *
 * No capabilities and no ROM BAR: amdgpu then uses the interrupt pin and
 * reads its BIOS through registers. BARs are 32 bits wide, because
 * x-pci-proxy-dev knows no others.
 */
#include <string.h>

#include "gpu.h"

enum {
	CONFIG_COMMAND = 0x04,
	CONFIG_CACHE_LINE = 0x0c,
	CONFIG_LATENCY = 0x0d,
	CONFIG_BAR0 = 0x10,
	CONFIG_CARDBUS = 0x28,
	CONFIG_INTERRUPT_LINE = 0x3c,
	BARS = 6,
};

static uint32_t bar_size(const struct gpu *gpu, int bar)
{
	switch (bar) {
	case 0:
		return (uint32_t)gpu->vram_size;
	case 2:
		return DOORBELL_BYTES;
	case 4:
		return IO_BYTES;
	case 5:
		return MMIO_BYTES;
	default:
		return 0;
	}
}

static bool bar_is_memory(int bar)
{
	return bar != 4;
}

static void put16(struct gpu *gpu, int offset, uint16_t value)
{
	gpu->config[offset] = value & 0xff;
	gpu->config[offset + 1] = value >> 8;
}

void pci_reset(struct gpu *gpu)
{
	memset(gpu->config, 0, sizeof(gpu->config));
	put16(gpu, 0x00, 0x1002);	/* AMD */
	put16(gpu, 0x02, 0x6860);	/* Vega 10, Radeon Instinct MI25 */
	gpu->config[0x08] = 1;		/* revision */
	put16(gpu, 0x0a, 0x0380);	/* display controller, other: without VGA */
	put16(gpu, 0x2c, 0x1002);
	put16(gpu, 0x2e, 0x0c35);
	gpu->config[0x3d] = 1;		/* interrupt pin A */
	gpu->config[CONFIG_BAR0 + 4 * 4] = 1;	/* BAR 4 is I/O */
}

uint32_t pci_config_read(struct gpu *gpu, uint32_t address, unsigned int length)
{
	uint32_t value = 0;

	if (length > 4 || address >= CONFIG_BYTES || length > CONFIG_BYTES - address) {
		/* a probe for extended configuration space, which a conventional function lacks */
		return ~0u;
	}
	memcpy(&value, gpu->config + address, length);
	return value;
}

/* Bits that a BAR's size makes writable: QEMU and the guest size BARs by writing ones. */
static void config_write_byte(struct gpu *gpu, uint32_t address, uint8_t value)
{
	if (address >= CONFIG_BAR0 && address < CONFIG_CARDBUS) {
		int bar = (address - CONFIG_BAR0) / 4;
		uint32_t size = bar_size(gpu, bar);
		uint32_t mask = size ? ~(size - 1) : 0;
		uint8_t fixed = address % 4 == 0 && size && !bar_is_memory(bar);

		gpu->config[address] = (value & (uint8_t)(mask >> 8 * (address % 4))) | fixed;
	} else if (address == CONFIG_COMMAND) {
		gpu->config[address] = value & 0x47;	/* I/O, memory, master, parity */
	} else if (address == CONFIG_COMMAND + 1) {
		gpu->config[address] = value & 0x05;	/* SERR, interrupt disable */
	} else if (address == CONFIG_CACHE_LINE || address == CONFIG_LATENCY ||
		   address == CONFIG_INTERRUPT_LINE) {
		gpu->config[address] = value;
	}
}

void pci_config_write(struct gpu *gpu, uint32_t address, uint32_t value, unsigned int length)
{
	for (unsigned int i = 0; i < length && i < 4; i++)
		if (address + i < CONFIG_BYTES)
			config_write_byte(gpu, address + i, value >> 8 * i);
}

/* Which BAR, and where in it? The proxy device hands on absolute addresses. */
static int find_bar(struct gpu *gpu, uint64_t address, bool memory, unsigned int size,
		    uint64_t *offset)
{
	for (int bar = 0; bar < BARS; bar++) {
		uint32_t length = bar_size(gpu, bar), base;

		if (!length || bar_is_memory(bar) != memory)
			continue;
		memcpy(&base, gpu->config + CONFIG_BAR0 + 4 * bar, 4);
		base &= memory ? ~15u : ~3u;
		if (address >= base && address - base < length) {
			*offset = address - base;
			return size <= length - *offset ? bar : -1;
		}
	}
	return -1;
}

/* BAR 5: registers are 32 bits wide; narrower and wider accesses touch the dwords they cover. */
static uint64_t registers_read(struct gpu *gpu, uint64_t offset, unsigned int size)
{
	uint64_t value = mmio_read(gpu, offset / 4);

	if (offset % 4 + size > 4)
		value |= (uint64_t)mmio_read(gpu, offset / 4 + 1) << 32;
	return value >> 8 * (offset % 4);
}

static void registers_write(struct gpu *gpu, uint64_t offset, unsigned int size, uint64_t value)
{
	if (offset % 4 || (size != 4 && size != 8)) {
		gpu_problem(gpu, "%u-byte write at %#llx in BAR 5", size,
			    (unsigned long long)offset);
		return;
	}
	mmio_write(gpu, offset / 4, (uint32_t)value);
	if (size == 8)
		mmio_write(gpu, offset / 4 + 1, value >> 32);
}

uint64_t pci_bar_read(struct gpu *gpu, uint64_t address, unsigned int size, bool memory)
{
	uint64_t offset = 0, value = 0;

	if (size < 1 || size > 8) {
		gpu_problem(gpu, "BAR read of %u bytes", size);
		return ~0ull;
	}
	switch (find_bar(gpu, address, memory, size, &offset)) {
	case 0:
		memcpy(&value, gpu->vram + offset, size);
		break;
	case 2:			/* doorbells are write-only */
		break;
	case 4:
		memcpy(&value, gpu->io + offset, size);
		break;
	case 5:
		value = registers_read(gpu, offset, size);
		break;
	default:
		gpu_problem(gpu, "read of %u bytes at %#llx is in no BAR", size,
			    (unsigned long long)address);
		return ~0ull;
	}
	return size < 8 ? value & ((1ull << 8 * size) - 1) : value;
}

void pci_bar_write(struct gpu *gpu, uint64_t address, unsigned int size, bool memory,
		   uint64_t value)
{
	uint64_t offset = 0;

	if (size < 1 || size > 8) {
		gpu_problem(gpu, "BAR write of %u bytes", size);
		return;
	}
	switch (find_bar(gpu, address, memory, size, &offset)) {
	case 0:
		memcpy(gpu->vram + offset, &value, size);
		break;
	case 2:
		queues_doorbell(gpu, offset, value, size);
		break;
	case 4:
		memcpy(gpu->io + offset, &value, size);
		break;
	case 5:
		registers_write(gpu, offset, size, value);
		break;
	default:
		gpu_problem(gpu, "write of %u bytes at %#llx is in no BAR", size,
			    (unsigned long long)address);
	}
}
