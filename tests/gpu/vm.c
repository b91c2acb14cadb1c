// SPDX-License-Identifier: MIT
/*
 * vm.c - the GPU's virtual memory: translation, VM faults, and reading,
 * writing, copying and filling by GPU address.
 *
 * There is no TLB: every page of every access is looked up in the page
 * tables as they are at that moment, so a stale or wrong entry shows. An
 * address that does not translate, or a PTE without the right the access
 * needs, is never skipped: it raises the VM fault interrupt and the caller
 * gives up (see queue.c for what becomes of the queue).
 *
 * The context registers of the graphics hub serve for both hubs: the driver
 * and the scheduler always program the two alike.
 *
 * Entry format: amdgpu/amdgpu_vm.h (AMDGPU_PTE_*, AMDGPU_PDE_PTE). The walk
 * follows amdgpu/gmc_v9_0.c and gfxhub_v1_0.c.
 */
#include <string.h>

#include "gpu.h"

#define PTE_VALID		(1ull << 0)
#define PTE_SYSTEM		(1ull << 1)
#define PTE_READABLE		(1ull << 5)
#define PTE_WRITEABLE		(1ull << 6)
#define PDE_PTE			(1ull << 54)	/* a directory entry that is a leaf */
#define PTE_ADDRESS		0x0000fffffffff000ull
#define PDE_ADDRESS		0x0000ffffffffffc0ull
#define VA_BITS			48

/* RING_ID of a fault's interrupt: prot_valid, ... in amdkfd/kfd_int_process_v9.c */
#define FAULT_NOT_PRESENT	0x08
#define FAULT_READ		0x10
#define FAULT_WRITE		0x20

enum access { ACCESS_READ, ACCESS_WRITE };

enum vm_result { VM_OK, VM_NOT_PRESENT, VM_NO_PERMISSION, VM_BAD_ADDRESS };

struct place {
	bool system;
	uint64_t address;	/* guest physical, or offset into VRAM */
};

static void *place_pointer(struct gpu *gpu, struct place place, uint64_t length)
{
	if (place.system)
		return sysmem_pointer(gpu, place.address, length);
	return vram_pointer(gpu, place.address, length);
}

static bool read_entry(struct gpu *gpu, struct place place, uint64_t *entry)
{
	void *ptr = place_pointer(gpu, place, sizeof(*entry));

	if (!ptr)
		return false;
	memcpy(entry, ptr, sizeof(*entry));
	return true;
}

static uint64_t context_register(struct gpu *gpu, uint32_t reg, unsigned int vmid)
{
	return mmio_pair(gpu, GFXHUB + reg + 2 * vmid, GFXHUB + reg + 2 * vmid + 1);
}

static enum vm_result use_leaf(uint64_t pte, uint64_t offset, enum access access,
			       struct place *place)
{
	if (!(pte & PTE_VALID))
		return VM_NOT_PRESENT;
	if (!(pte & (access == ACCESS_WRITE ? PTE_WRITEABLE : PTE_READABLE)))
		return VM_NO_PERMISSION;
	place->system = pte & PTE_SYSTEM;
	/* a sum: the address of a leaf above the last level need not be aligned to its size */
	place->address = (pte & PTE_ADDRESS) + offset;
	return VM_OK;
}

/* VMID 0, the driver's own: VRAM as such, the one-level GART, and the AGP window onto all RAM */
static enum vm_result translate_kernel(struct gpu *gpu, uint64_t va, enum access access,
				       struct place *place)
{
	uint64_t first = context_register(gpu, mmVM_CONTEXT0_PAGE_TABLE_START_ADDR_LO32, 0);
	uint64_t last = context_register(gpu, mmVM_CONTEXT0_PAGE_TABLE_END_ADDR_LO32, 0);
	uint64_t agp_base = (uint64_t)gpu->mmio[mmMC_VM_AGP_BASE] << 24;
	uint64_t agp_bottom = (uint64_t)gpu->mmio[mmMC_VM_AGP_BOT] << 24;
	uint64_t agp_top = (uint64_t)gpu->mmio[mmMC_VM_AGP_TOP] << 24 | 0xffffff;
	uint64_t page = va / GPU_PAGE_SIZE;

	if (va >= FB_BASE && va - FB_BASE < gpu->vram_size) {
		*place = (struct place){ .system = false, .address = va - FB_BASE };
		return VM_OK;
	}
	if (page >= first && page <= last) {
		uint64_t table = context_register(gpu, mmVM_CONTEXT0_PAGE_TABLE_BASE_ADDR_LO32, 0);
		struct place at = { .address = (table & PTE_ADDRESS) + (page - first) * 8 };
		uint64_t pte;

		if (!read_entry(gpu, at, &pte))
			return VM_BAD_ADDRESS;
		return use_leaf(pte, va % GPU_PAGE_SIZE, access, place);
	}
	if (agp_bottom < agp_top && va >= agp_bottom && va <= agp_top) {
		*place = (struct place){ .system = true, .address = va - agp_bottom + agp_base };
		return VM_OK;
	}
	return VM_NOT_PRESENT;
}

/* A process: page directories down to the page table, or to a directory entry that is a leaf */
static enum vm_result translate_process(struct gpu *gpu, unsigned int vmid, uint64_t va,
					enum access access, struct place *place)
{
	uint32_t cntl = gpu->mmio[GFXHUB + mmVM_CONTEXT0_CNTL + vmid];
	unsigned int depth = (cntl & VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH_MASK) >>
			     VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH__SHIFT;
	unsigned int block = 9 + ((cntl & VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE_MASK) >>
				  VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE__SHIFT);
	uint64_t first = context_register(gpu, mmVM_CONTEXT0_PAGE_TABLE_START_ADDR_LO32, vmid);
	uint64_t last = context_register(gpu, mmVM_CONTEXT0_PAGE_TABLE_END_ADDR_LO32, vmid);
	uint64_t entry = context_register(gpu, mmVM_CONTEXT0_PAGE_TABLE_BASE_ADDR_LO32, vmid);

	if (va / GPU_PAGE_SIZE < first || va / GPU_PAGE_SIZE > last)
		return VM_NOT_PRESENT;
	for (int level = depth; level >= 0; level--) {
		unsigned int shift = level ? 12 + block + 9 * (level - 1) : 12;
		unsigned int bits = level ? 9 : block;
		uint64_t index = va >> shift & ((1ull << bits) - 1);
		struct place at;

		if (!(entry & PTE_VALID))
			return VM_NOT_PRESENT;
		at.system = entry & PTE_SYSTEM;
		at.address = (entry & PDE_ADDRESS) + index * 8;
		if (!read_entry(gpu, at, &entry))
			return VM_BAD_ADDRESS;
		if (!level || entry & PDE_PTE)
			return use_leaf(entry, va & ((1ull << shift) - 1), access, place);
	}
	return VM_NOT_PRESENT;
}

static enum vm_result translate(struct gpu *gpu, unsigned int vmid, uint64_t va,
				enum access access, struct place *place)
{
	uint64_t high = va >> (VA_BITS - 1);

	/* addresses are 48 bits, sign-extended to 64 */
	if (high && high != (1ull << (64 - VA_BITS + 1)) - 1)
		return VM_NOT_PRESENT;
	va &= (1ull << VA_BITS) - 1;
	if (!vmid)
		return translate_kernel(gpu, va, access, place);
	return translate_process(gpu, vmid, va, access, place);
}

/*
 * CID of VM_L2_PROTECTION_FAULT_STATUS, so that the driver's log names the
 * engine: gfxhub_client_ids and mmhub_client_ids_vega10 in amdgpu/gmc_v9_0.c.
 */
static unsigned int fault_client_id(struct queue *q, enum access access)
{
	if (q->type == QUEUE_PM4)
		return 5;				/* CPC */
	if (access == ACCESS_WRITE)
		return q->engine ? 32 + 14 : 15;
	return q->engine ? 15 : 32 + 14;
}

/* The fault registers of the hub and the interrupt; decoded in gmc_v9_0_process_interrupt() */
static void raise_fault(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va,
			enum access access, enum vm_result why)
{
	uint32_t hub = q->type == QUEUE_SDMA ? MMHUB : GFXHUB;
	uint64_t page = va >> 12;
	unsigned int flags = FAULT_NOT_PRESENT;
	uint32_t status;

	if (why == VM_NO_PERMISSION)
		flags = access == ACCESS_WRITE ? FAULT_WRITE : FAULT_READ;
	status = vmid << VM_L2_PROTECTION_FAULT_STATUS__VMID__SHIFT |
		 (access == ACCESS_WRITE) << VM_L2_PROTECTION_FAULT_STATUS__RW__SHIFT |
		 fault_client_id(q, access) << VM_L2_PROTECTION_FAULT_STATUS__CID__SHIFT;
	if (why == VM_NO_PERMISSION)
		status |= (access == ACCESS_WRITE ? 2u : 1u)
			  << VM_L2_PROTECTION_FAULT_STATUS__PERMISSION_FAULTS__SHIFT;
	else
		status |= 1u << VM_L2_PROTECTION_FAULT_STATUS__WALKER_ERROR__SHIFT |
			  1u << VM_L2_PROTECTION_FAULT_STATUS__MAPPING_ERROR__SHIFT;
	gpu->mmio[hub + mmVM_L2_PROTECTION_FAULT_STATUS] = status;
	gpu->mmio[hub + mmVM_L2_PROTECTION_FAULT_ADDR_LO32] = (uint32_t)page;
	gpu->mmio[hub + mmVM_L2_PROTECTION_FAULT_ADDR_HI32] = page >> 32 & 0xf;

	gpu_trace(gpu, "fault %s: vmid %u va %#llx %s\n", q->name, vmid, (unsigned long long)va,
		  access == ACCESS_WRITE ? "write" : "read");
	ih_raise(gpu, q->type == QUEUE_SDMA ? IH_CLIENT_VMC : IH_CLIENT_UTCL2, IH_SOURCE_VM_FAULT,
		 flags, vmid, (uint32_t)page, page >> 32 & 0xf);
}

/* The memory at va up to the end of its page; *length is cut to that. NULL: a fault was raised. */
static void *vm_pointer(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va,
			enum access access, uint64_t *length)
{
	uint64_t in_page = GPU_PAGE_SIZE - va % GPU_PAGE_SIZE;
	struct place place = { 0 };
	enum vm_result result = translate(gpu, vmid, va, access, &place);
	void *ptr = NULL;

	if (*length > in_page)
		*length = in_page;
	if (result == VM_OK) {
		ptr = place_pointer(gpu, place, *length);
		if (!ptr)
			result = VM_BAD_ADDRESS;
	}
	if (result == VM_BAD_ADDRESS)
		gpu_problem(gpu, "%s: vmid %u va %#llx leads outside %s (%#llx)", q->name, vmid,
			    (unsigned long long)va, place.system ? "guest RAM" : "VRAM",
			    (unsigned long long)place.address);
	if (result != VM_OK) {
		/* a fault of the driver itself is nobody's test: say it */
		if (!vmid)
			gpu_problem(gpu, "%s: VM fault in VMID 0 at %#llx", q->name,
				    (unsigned long long)va);
		raise_fault(gpu, q, vmid, va, access, result);
	}
	return ptr;
}

bool vm_read(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, void *buffer,
	     size_t length)
{
	uint8_t *out = buffer;

	while (length) {
		uint64_t chunk = length;
		void *ptr = vm_pointer(gpu, q, vmid, va, ACCESS_READ, &chunk);

		if (!ptr)
			return false;
		memcpy(out, ptr, chunk);
		out += chunk;
		va += chunk;
		length -= chunk;
	}
	return true;
}

bool vm_write(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va,
	      const void *buffer, size_t length)
{
	const uint8_t *in = buffer;

	while (length) {
		uint64_t chunk = length;
		void *ptr = vm_pointer(gpu, q, vmid, va, ACCESS_WRITE, &chunk);

		if (!ptr)
			return false;
		memcpy(ptr, in, chunk);
		in += chunk;
		va += chunk;
		length -= chunk;
	}
	return true;
}

/* A fence: whoever sees it sees all that was written before, and never half of it. */
bool vm_write32(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, uint32_t value)
{
	uint64_t length = sizeof(value);
	void *ptr;

	if (va % sizeof(value))
		return vm_write(gpu, q, vmid, va, &value, sizeof(value));
	ptr = vm_pointer(gpu, q, vmid, va, ACCESS_WRITE, &length);
	if (ptr)
		__atomic_store_n((uint32_t *)ptr, value, __ATOMIC_SEQ_CST);
	return ptr;
}

bool vm_write64(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, uint64_t value)
{
	uint64_t length = sizeof(value);
	void *ptr;

	if (va % sizeof(value))
		return vm_write(gpu, q, vmid, va, &value, sizeof(value));
	ptr = vm_pointer(gpu, q, vmid, va, ACCESS_WRITE, &length);
	if (ptr)
		__atomic_store_n((uint64_t *)ptr, value, __ATOMIC_SEQ_CST);
	return ptr;
}

bool vm_add64(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, uint64_t addend)
{
	uint64_t length = sizeof(addend);
	void *ptr;

	if (va % sizeof(addend)) {
		gpu_problem(gpu, "%s: misaligned atomic at %#llx", q->name, (unsigned long long)va);
		return false;
	}
	ptr = vm_pointer(gpu, q, vmid, va, ACCESS_WRITE, &length);
	if (ptr)
		__atomic_fetch_add((uint64_t *)ptr, addend, __ATOMIC_SEQ_CST);
	return ptr;
}

/* Page by page of both sides; the piece in which either side faults is not copied at all. */
bool vm_copy(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t dst, uint64_t src,
	     uint64_t length)
{
	while (length) {
		uint64_t chunk = length;
		void *from = vm_pointer(gpu, q, vmid, src, ACCESS_READ, &chunk);
		void *to = from ? vm_pointer(gpu, q, vmid, dst, ACCESS_WRITE, &chunk) : NULL;

		if (!to)
			return false;
		memmove(to, from, chunk);
		src += chunk;
		dst += chunk;
		length -= chunk;
	}
	return true;
}

bool vm_fill(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t dst, uint32_t pattern,
	     uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		uint64_t chunk = length - done;
		uint8_t *to = vm_pointer(gpu, q, vmid, dst + done, ACCESS_WRITE, &chunk);

		if (!to)
			return false;
		for (uint64_t i = 0; i < chunk; i++)
			to[i] = pattern >> 8 * ((done + i) % 4);
		done += chunk;
	}
	return true;
}

/* What the scheduler firmware does when it gives a process a VMID */
void vm_set_root(struct gpu *gpu, unsigned int vmid, uint64_t base, uint32_t pasid)
{
	static const uint32_t hubs[] = { GFXHUB, MMHUB };

	for (int i = 0; i < 2; i++) {
		uint32_t reg = hubs[i] + mmVM_CONTEXT0_PAGE_TABLE_BASE_ADDR_LO32 + 2 * vmid;

		gpu->mmio[reg] = (uint32_t)base;
		gpu->mmio[reg + 1] = base >> 32;
	}
	gpu->mmio[mmATC_VMID0_PASID_MAPPING + vmid] = pasid | ATC_VMID0_PASID_MAPPING__VALID_MASK;
}
