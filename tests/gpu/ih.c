// SPDX-License-Identifier: MIT
/*
 * ih.c - the interrupt handler block: interrupt vectors into the ring that
 * amdgpu reads, and the interrupt line.
 *
 * Vector layout: amdgpu/amdgpu_ih.c, amdgpu_ih_decode_iv_helper(). Ring
 * registers: amdgpu/vega10_ih.c; ring 0 is used with bus addresses only
 * (use_bus_addr), rings 1 and 2 are never written.
 *
 * x-pci-proxy-dev cannot raise an interrupt under TCG. So each GPU comes
 * with a pci-serial device in a slot that shares its INTx line; a byte sent
 * to that device raises the line, and the driver's handler for the shared
 * line runs too (guest-setup prepares the serial device for this).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"

#define IV_BYTES 32

static void raise_line(struct gpu *gpu)
{
	ssize_t n;

	if (gpu->irq_fd < 0)
		return;
	do {
		n = write(gpu->irq_fd, "!", 1);
	} while (n < 0 && errno == EINTR);
	/* a full pipe still holds bytes that will raise the line */
	if (n < 0 && errno != EAGAIN && errno != EPIPE)
		gpu_problem(gpu, "interrupt line: %s", strerror(errno));
}

void ih_raise(struct gpu *gpu, enum ih_client client, enum ih_source source, unsigned int ring,
	      unsigned int vmid, uint32_t data0, uint32_t data1)
{
	uint32_t cntl = gpu->mmio[mmIH_RB_CNTL];
	uint64_t base = mmio_pair(gpu, mmIH_RB_BASE, mmIH_RB_BASE_HI) << 8;
	uint64_t report = mmio_pair(gpu, mmIH_RB_WPTR_ADDR_LO, mmIH_RB_WPTR_ADDR_HI) & ~3ull;
	uint64_t size = 4ull << (cntl >> IH_RB_CNTL__RB_SIZE__SHIFT & 0x1f);
	uint64_t wptr = gpu->mmio[mmIH_RB_WPTR] & (size - 1) & ~(IV_BYTES - 1ull);
	uint64_t next = (wptr + IV_BYTES) & (size - 1);
	uint32_t pasid = gpu->mmio[mmATC_VMID0_PASID_MAPPING + vmid] &
			 ATC_VMID0_PASID_MAPPING__PASID_MASK;
	uint32_t vector[IV_BYTES / 4] = {
		client | source << 8 | (ring & 0xff) << 16 | vmid << 24,
		0, 0, vmid ? pasid : 0, data0, data1, 0, 0,
	};
	uint8_t *slot = sysmem_pointer(gpu, base + wptr, IV_BYTES);
	uint32_t *copy = sysmem_pointer(gpu, report, sizeof(*copy));

	if (!(cntl & IH_RB_CNTL__RB_ENABLE_MASK))
		return;
	if (size < 2 * IV_BYTES || !slot || !copy) {
		gpu_problem(gpu, "interrupt ring at %#llx, size %#llx, is not in guest RAM",
			    (unsigned long long)base, (unsigned long long)size);
		return;
	}
	if (next == gpu->mmio[mmIH_RB_RPTR])
		gpu_problem(gpu, "interrupt ring overflow");
	memcpy(slot, vector, IV_BYTES);
	gpu->mmio[mmIH_RB_WPTR] = (uint32_t)next;
	__atomic_store_n(copy, (uint32_t)next, __ATOMIC_SEQ_CST);
	gpu_trace(gpu, "interrupt client %#x source %u ring %#x vmid %u data %#x %#x\n", client,
		  source, ring, vmid, data0, data1);
	raise_line(gpu);
}
