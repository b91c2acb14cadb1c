/* SPDX-License-Identifier: MIT */
/*
 * gpu.h - one phantom GPU: its state and what its parts offer each other.
 *
 * A GPU is one process serving one PCI function, single-threaded: every
 * register, doorbell or configuration access of the guest is a message, and
 * all that the access sets off is done before the reply goes out. All state
 * is in struct gpu; there is none at file scope.
 */
#ifndef PHANTOM_GPU_H
#define PHANTOM_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "regs.h"

#define GPU_PAGE_SIZE		4096u
#define MMIO_BYTES		(512u << 10)	/* BAR 5 */
#define MMIO_DWORDS		(MMIO_BYTES / 4)
#define DOORBELL_BYTES		(2u << 20)	/* BAR 2 */
#define IO_BYTES		256u		/* BAR 4 */
#define CONFIG_BYTES		256
#define VBIOS_BYTES		8192
#define SMN_REGISTERS		4096
#define SYSMEM_REGIONS		8		/* QEMU's REMOTE_MAX_FDS */
#define FB_BASE			0xf400000000ull	/* VRAM in the GPU's own address space */
#define FIRST_VMID_KFD		8		/* VMIDs 8..15 are KFD's (amdgpu/amdgpu_amdkfd.c) */
#define RING_NAME		20
#define NO_DOORBELL		~0u

/* HQD banks: micro engine (MEC1 = 1, MEC2 = 2), pipe, queue */
#define HQD_MES			4
#define HQD_PIPES		4
#define HQD_QUEUES		8
#define SDMA_ENGINES		2
#define SDMA_QUEUES		4		/* GFX, PAGE, RLC0, RLC1 */
#define HWS_COMPUTE_QUEUES	24

enum queue_type { QUEUE_PM4, QUEUE_SDMA };

/* What became of a packet */
enum exec {
	EXEC_DONE,
	EXEC_WAIT,	/* its condition does not hold yet: try again later */
	EXEC_HALT,	/* VM fault or malformed: the queue stops at it */
};

/* A ring that an engine reads packets from. Pointers count dwords and never wrap. */
struct queue {
	char name[RING_NAME];
	enum queue_type type;
	bool mapped;
	bool halted;		/* stopped for good (until mapped anew) at rptr */
	bool waiting;		/* at a wait packet whose condition does not hold */
	bool inert;		/* accepted, never executed: AQL and hqd_start() */
	bool scheduled;		/* mapped by the hardware scheduler */
	unsigned int vmid;
	unsigned int engine;	/* SDMA engine number */
	unsigned int ih_ring;	/* RING_ID of its interrupts */
	uint32_t doorbell;	/* byte offset into BAR 2, or NO_DOORBELL */
	uint32_t regs;		/* SDMA: its register block, if programmed by registers */
	uint64_t base, mask;	/* GPU address; size in dwords - 1 */
	uint64_t rptr, wptr;
	uint64_t rptr_report;	/* GPU address that rptr is written to, or 0 */
	uint64_t mqd;		/* GPU address (VMID 0) of a scheduled queue's MQD */
};

/* Where packets are read from: a ring or an indirect buffer */
struct stream {
	struct queue *queue;
	unsigned int vmid;
	uint64_t base;
	uint64_t mask;		/* ~0 for an indirect buffer */
	int depth;
};

struct sysmem_region {
	uint64_t gpa, size;
	uint8_t *ptr;
};

struct smn_register {
	uint32_t address, value;
};

struct gpu {
	int index;
	int proxy_fd;		/* the x-pci-proxy-dev's other end */
	int irq_fd;		/* a byte here raises the interrupt line */
	FILE *trace;
	unsigned long problems;

	uint8_t *vram;
	uint64_t vram_size;
	struct sysmem_region sysmem[SYSMEM_REGIONS];
	int sysmem_regions;

	uint8_t config[CONFIG_BYTES];
	uint32_t mmio[MMIO_DWORDS];
	uint8_t io[IO_BYTES];
	struct smn_register smn[SMN_REGISTERS];
	int smn_registers;
	uint8_t vbios[VBIOS_BYTES];
	uint32_t vbios_index;

	uint32_t hqd[HQD_MES][HQD_PIPES][HQD_QUEUES][HQD_DWORDS];
	struct queue gfx;
	struct queue compute[HQD_MES][HQD_PIPES][HQD_QUEUES];
	struct queue sdma[SDMA_ENGINES][SDMA_QUEUES];
	struct queue hws_compute[HWS_COMPUTE_QUEUES];
	unsigned int waiting;	/* queues at a wait packet */

	struct {
		uint32_t pasid;
		bool mapped;
	} hws_vmid[VM_CONTEXTS];
	unsigned int hws_current;	/* VMID of the last MAP_PROCESS, or 0 */
};

/* phantom.c: messages. A problem is something the phantom can't do right; it is never silent. */
void gpu_problem(struct gpu *gpu, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gpu_trace(struct gpu *gpu, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* proxy.c */
int proxy_serve(struct gpu *gpu);

/* pci.c */
void pci_reset(struct gpu *gpu);
uint32_t pci_config_read(struct gpu *gpu, uint32_t address, unsigned int length);
void pci_config_write(struct gpu *gpu, uint32_t address, uint32_t value, unsigned int length);
uint64_t pci_bar_read(struct gpu *gpu, uint64_t address, unsigned int size, bool memory);
void pci_bar_write(struct gpu *gpu, uint64_t address, unsigned int size, bool memory,
		   uint64_t value);

/* mmio.c */
void mmio_reset(struct gpu *gpu);
uint32_t mmio_read(struct gpu *gpu, uint32_t reg);
void mmio_write(struct gpu *gpu, uint32_t reg, uint32_t value);
static inline uint64_t mmio_pair(struct gpu *gpu, uint32_t low, uint32_t high)
{
	return gpu->mmio[low] | (uint64_t)gpu->mmio[high] << 32;
}

/* vbios.c */
void vbios_build(uint8_t *rom);

/* memory.c: physical memory, VRAM by offset and guest RAM by guest physical address */
int vram_create(uint64_t size);
int vram_attach(struct gpu *gpu, int fd, uint64_t size);
void sysmem_clear(struct gpu *gpu);
bool sysmem_add(struct gpu *gpu, int fd, uint64_t gpa, uint64_t size, off_t offset);
void *vram_pointer(struct gpu *gpu, uint64_t offset, uint64_t length);
void *sysmem_pointer(struct gpu *gpu, uint64_t gpa, uint64_t length);

/* vm.c: GPU virtual memory. All return false after having raised a VM fault. */
bool vm_read(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, void *buffer,
	     size_t length);
bool vm_write(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va,
	      const void *buffer, size_t length);
bool vm_write32(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, uint32_t value);
bool vm_write64(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, uint64_t value);
bool vm_copy(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t dst, uint64_t src,
	     uint64_t length);
bool vm_fill(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t dst, uint32_t pattern,
	     uint64_t length);
bool vm_add64(struct gpu *gpu, struct queue *q, unsigned int vmid, uint64_t va, uint64_t addend);
void vm_set_root(struct gpu *gpu, unsigned int vmid, uint64_t base, uint32_t pasid);

/* ih.c */
enum ih_client {	/* include/soc15_ih_clientid.h */
	IH_CLIENT_SDMA0 = 0x08,
	IH_CLIENT_SDMA1 = 0x09,
	IH_CLIENT_VMC = 0x12,		/* memory hub: SDMA's faults */
	IH_CLIENT_GRBM_CP = 0x14,
	IH_CLIENT_UTCL2 = 0x1b,		/* graphics hub: the command processor's faults */
};

enum ih_source {	/* include/ivsrcid */
	IH_SOURCE_VM_FAULT = 0,
	IH_SOURCE_CP_END_OF_PIPE = 181,
	IH_SOURCE_SDMA_TRAP = 224,
};

void ih_raise(struct gpu *gpu, enum ih_client client, enum ih_source source, unsigned int ring,
	      unsigned int vmid, uint32_t data0, uint32_t data1);

/* queue.c */
void queues_reset(struct gpu *gpu);
void queue_map(struct gpu *gpu, struct queue *q, const char *how);
void queue_unmap(struct gpu *gpu, struct queue *q);
void queue_advance(struct gpu *gpu, struct queue *q, uint64_t wptr);
void queues_retry(struct gpu *gpu);
void queues_doorbell(struct gpu *gpu, uint64_t offset, uint64_t value, unsigned int size);
struct queue *queue_at(struct gpu *gpu, unsigned int index);
bool stream_read(struct gpu *gpu, struct stream *s, uint64_t index, uint32_t *out,
		 unsigned int dwords);
bool wait_holds(uint32_t function, uint32_t value, uint32_t reference);
uint64_t gpu_clock(void);

/* ring_regs.c: rings that the driver programs through registers */
void gfx_ring_start(struct gpu *gpu);
uint32_t *hqd_selected(struct gpu *gpu);
void hqd_write(struct gpu *gpu, uint32_t reg, uint32_t value);
void hqd_start(struct gpu *gpu, unsigned int me, unsigned int pipe, unsigned int queue);
void hqd_stop(struct gpu *gpu, unsigned int me, unsigned int pipe, unsigned int queue);
void sdma_register_written(struct gpu *gpu, uint32_t reg);

/* pm4.c and sdma.c: execute the packet at *index and move *index behind it */
enum exec pm4_execute(struct gpu *gpu, struct stream *s, uint64_t *index, uint64_t end);
enum exec pm4_run_buffer(struct gpu *gpu, struct stream *s, unsigned int vmid, uint64_t base,
			 uint32_t dwords);
enum exec sdma_execute(struct gpu *gpu, struct stream *s, uint64_t *index, uint64_t end);

/* hws.c: the scheduler firmware's packets; p points at the payload */
enum exec hws_map_process(struct gpu *gpu, struct stream *s, const uint32_t *p);
enum exec hws_map_queues(struct gpu *gpu, struct stream *s, const uint32_t *p);
enum exec hws_unmap_queues(struct gpu *gpu, struct stream *s, const uint32_t *p);
enum exec hws_query_status(struct gpu *gpu, struct stream *s, const uint32_t *p);
enum exec hws_run_list(struct gpu *gpu, struct stream *s, const uint32_t *p);

static inline uint64_t pair(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

#endif
