/* SPDX-License-Identifier: MIT */
/*
 * The GPU's page tables as amdgpu wrote them, read through debugfs, and their
 * comparison with the CPU's. Nothing here asks rocsvm or KFD what is mapped.
 */
#ifndef ROCSVM_TESTS_PAGETABLE_H
#define ROCSVM_TESTS_PAGETABLE_H

#include "gpuqueue.h"
#include "harness.h"

/*
 * A process's page tables on one GPU. The hardware scheduler gives a process
 * a VMID only while it has a queue, hence the queue.
 */
struct pagetable {
	uint32_t gpu_id;
	struct gpuqueue *queue;
	int regs, vram;		/* debugfs files */
	int iomem[SVM_MAX_GPUS];	/* the same, of every GPU */
	int num_iomem;
	int pagemap;
};

/* Ends the test if a file can't be opened. The queue must be of that GPU. */
void pagetable_open(struct pagetable *pt, struct gpuqueue *queue);
void pagetable_close(struct pagetable *pt);

/* A leaf of the tables. */
struct gpu_pte {
	uint64_t entry;		/* as it stands there */
	uint64_t address;	/* of the byte asked for: physical or in VRAM */
	uint64_t span;		/* bytes that this leaf maps */
	bool system;		/* system memory, else VRAM */
	bool writable, executable;
};

/*
 * The leaf for @va: true if there is a valid one. pagetable_vmid() must have
 * been asked since the process's queues last stopped.
 */
bool pagetable_walk(struct pagetable *pt, int vmid, uint64_t va,
		    struct gpu_pte *pte);

/* The VMID whose tables are this process's; ends the test if none is. */
int pagetable_vmid(struct pagetable *pt);

/* Where the bytes of a buffer must lie. */
enum place {
	PLACE_HOST,	/* pages of the process: compared by PFN */
	PLACE_GTT,	/* amdgpu's system memory: a tag is read back */
	PLACE_VRAM,	/* the same, from VRAM */
};

/* What a comparison of a whole buffer saw. */
struct identity {
	size_t pages;
	size_t unmapped;	/* no valid leaf */
	size_t misplaced;	/* in VRAM instead of system memory or reverse */
	size_t different;	/* another byte than the CPU's */
	size_t small_leaves, huge_leaves;	/* pages under 4 KiB / larger leaves */
};

/*
 * Compare, page by page: is what the GPU finds at @va what the CPU finds at
 * @va? For GTT and VRAM each page is tagged by the CPU (and restored).
 * Returns the number of wrong pages, fills *@seen and says what it saw.
 */
size_t identity_check(struct pagetable *pt, const char *what, void *va,
		      uint64_t length, enum place place, struct identity *seen);

/*
 * The same for memory that the CPU can't touch: @va was filled by the GPU with
 * tags of identity_tags(), which are looked for in VRAM.
 */
size_t identity_check_private(struct pagetable *pt, const char *what,
			      uint64_t va, uint64_t length, uint32_t seed,
			      struct identity *seen);
/* Fill @cpu with the tags that belong to a buffer at @va. */
void identity_tags(void *cpu, uint64_t va, uint64_t length, uint32_t seed);

/* Pages of [va, va + length) that have a valid leaf. */
size_t pages_mapped(struct pagetable *pt, const void *va, uint64_t length);

/* Physical address of the page that the CPU has at @va, 0 if none. */
uint64_t cpu_physical(struct pagetable *pt, const void *va);

#endif /* ROCSVM_TESTS_PAGETABLE_H */
