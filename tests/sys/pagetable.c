// SPDX-License-Identifier: MIT
/*
 * Page-table walks of a gfx9 GPU through debugfs. See pagetable.h.
 *
 * Tables of a user VMID have four levels of 512 entries, the first indexed by
 * address bits 47..39, all in VRAM. The entry's bits are those of amdgpu's
 * amdgpu_vm.h: AMDGPU_PTE_VALID and so on.
 */
#include "pagetable.h"

#include <dirent.h>

/* Dword indices of GCVM/VM_CONTEXTn_PAGE_TABLE_BASE_ADDR_LO32 and _HI32. */
#define VM_CONTEXT_BASE_LO(vmid) (0x28eb + 2 * (vmid))
#define VM_CONTEXT_BASE_HI(vmid) (0x28ec + 2 * (vmid))
#define FIRST_USER_VMID 8
#define LAST_USER_VMID 15

#define PTE_VALID (1ull << 0)
#define PTE_SYSTEM (1ull << 1)
#define PTE_EXECUTABLE (1ull << 4)
#define PTE_READABLE (1ull << 5)
#define PTE_WRITEABLE (1ull << 6)
#define PDE_PTE (1ull << 54)
#define TABLE_ADDRESS 0x0000ffffffffffc0ull
#define PAGE_ADDRESS 0x0000fffffffff000ull

/* The number N of the GPU's /sys/class/drm/cardN, which names its debugfs. */
static int card_number(uint32_t gpu_id)
{
	int minor = render_minor(gpu_id), card = -1;
	struct dirent *entry;
	char path[128];
	DIR *dir;

	ASSERT_GE(minor, 0);
	snprintf(path, sizeof(path), "/sys/class/drm/renderD%d/device/drm", minor);
	dir = opendir(path);
	ASSERT(dir);
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "card%d", &card) == 1)
			break;
	closedir(dir);
	ASSERT_GE(card, 0);
	return card;
}

static int debugfs_open(int card, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%d/%s", card, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		say("%s: %s", path, strerror(errno));
	ASSERT_GE(fd, 0);
	return fd;
}

void pagetable_open(struct pagetable *pt, struct gpuqueue *queue)
{
	int card = card_number(queue->gpu_id);
	struct rocsvm_info info;

	pt->gpu_id = queue->gpu_id;
	pt->queue = queue;
	pt->regs = debugfs_open(card, "amdgpu_regs");
	pt->vram = debugfs_open(card, "amdgpu_vram");
	pt->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(pt->pagemap, 0);
	ASSERT_EQ(svm_info(queue->fd, &info), 0);
	ASSERT_LE(info.num_gpus, SVM_MAX_GPUS);
	for (pt->num_iomem = 0; pt->num_iomem < (int)info.num_gpus;
	     pt->num_iomem++) {
		card = card_number(svm_gpu(queue->fd, pt->num_iomem));
		pt->iomem[pt->num_iomem] = debugfs_open(card, "amdgpu_iomem");
	}
}

void pagetable_close(struct pagetable *pt)
{
	close(pt->regs);
	close(pt->vram);
	for (int i = 0; i < pt->num_iomem; i++)
		close(pt->iomem[i]);
	close(pt->pagemap);
}

/*
 * Read what lies at a leaf's address. A GPU's amdgpu_iomem gives out the pages
 * that this GPU's driver allocated, no others: ask them all.
 */
static bool read_behind(struct pagetable *pt, const struct gpu_pte *pte,
			void *out, size_t size)
{
	if (!pte->system)
		return pread(pt->vram, out, size, pte->address) == (ssize_t)size;
	for (int i = 0; i < pt->num_iomem; i++)
		if (pread(pt->iomem[i], out, size, pte->address) == (ssize_t)size)
			return true;
	return false;
}

static uint64_t table_base(struct pagetable *pt, int vmid)
{
	uint32_t lo, hi;

	ASSERT_EQ(pread(pt->regs, &lo, 4, 4 * VM_CONTEXT_BASE_LO(vmid)), 4);
	ASSERT_EQ(pread(pt->regs, &hi, 4, 4 * VM_CONTEXT_BASE_HI(vmid)), 4);
	return (uint64_t)hi << 32 | lo;
}

bool pagetable_walk(struct pagetable *pt, int vmid, uint64_t va,
		    struct gpu_pte *pte)
{
	uint64_t entry = table_base(pt, vmid);

	for (int shift = 39; shift >= 12; shift -= 9) {
		uint64_t table = entry & TABLE_ADDRESS;
		uint64_t index = va >> shift & 511;

		if (!(entry & PTE_VALID) || (entry & PTE_SYSTEM))
			return false;
		if (pread(pt->vram, &entry, 8, table + index * 8) != 8)
			return false;
		if (!(entry & PTE_VALID))
			return false;
		if (shift != 12 && !(entry & PDE_PTE))
			continue;
		/* The leaf's address may be aligned less than its span is. */
		*pte = (struct gpu_pte){
			.entry = entry,
			.span = 1ull << shift,
			.address = (entry & PAGE_ADDRESS) +
				   (va & ((1ull << shift) - 1)),
			.system = entry & PTE_SYSTEM,
			.writable = entry & PTE_WRITEABLE,
			.executable = entry & PTE_EXECUTABLE,
		};
		return true;
	}
	return false;
}

/*
 * The registers of a VMID keep the tables of the process that had it last, so
 * a valid base says little. Ours are the ones in which the queue's own memory
 * holds what we have just written there.
 */
int pagetable_vmid(struct pagetable *pt)
{
	volatile uint64_t *beacon = pt->queue->beacon;
	static uint32_t counter;
	uint64_t tag;

	/* With no work for a while the queue may be unmapped; run something. */
	ASSERT_EQ(gpuqueue_nop(pt->queue), 0);
	tag = (uint64_t)getpid() << 32 | (0x5eed0000 + ++counter);
	*beacon = tag;
	for (int vmid = FIRST_USER_VMID; vmid <= LAST_USER_VMID; vmid++) {
		struct gpu_pte pte;
		uint64_t seen;

		if (!pagetable_walk(pt, vmid, (uintptr_t)beacon, &pte) ||
		    !pte.system)
			continue;
		if (read_behind(pt, &pte, &seen, sizeof(seen)) && seen == tag)
			return vmid;
	}
	say("no VMID of GPU %u has this process's page tables", pt->gpu_id);
	ASSERT(!"a VMID of this process");
	return -1;
}

uint64_t cpu_physical(struct pagetable *pt, const void *va)
{
	uint64_t entry = 0, page = (uintptr_t)va / PAGE;

	ASSERT_EQ(pread(pt->pagemap, &entry, 8, page * 8), 8);
	if (!(entry >> 63))
		return 0;
	return (entry & ((1ull << 55) - 1)) * PAGE;
}

/* ---- identity ----------------------------------------------------------- */

struct tag {
	uint64_t word[2];
};

/* Not at the page's start, so that a wrong offset in the page shows too. */
#define TAG_OFFSET (PAGE - 16)

static struct tag make_tag(uint64_t va, uint64_t seed)
{
	return (struct tag){ { va ^ seed, ~va } };
}

static struct tag *tag_at(void *buffer, size_t page)
{
	return (struct tag *)((char *)buffer + page * PAGE + TAG_OFFSET);
}

static void count_leaf(struct identity *seen, const struct gpu_pte *pte)
{
	if (pte->span == PAGE)
		seen->small_leaves++;
	else
		seen->huge_leaves++;
}

static size_t report(const char *what, uint64_t va, const struct identity *seen,
		     uint64_t first_bad)
{
	size_t wrong = seen->unmapped + seen->misplaced + seen->different;

	say("%s: %zu pages at %lx, %zu wrong (%zu unmapped, %zu misplaced, %zu different), %zu under 4 KiB leaves, %zu under larger ones",
	    what, seen->pages, va, wrong, seen->unmapped, seen->misplaced,
	    seen->different, seen->small_leaves, seen->huge_leaves);
	if (wrong)
		say("first wrong page: %lx", first_bad);
	return wrong;
}

/* Does the leaf name the tag that belongs at @va? */
static bool tag_found(struct pagetable *pt, const struct gpu_pte *pte,
		      const struct tag *tag)
{
	struct tag found;

	return read_behind(pt, pte, &found, sizeof(found)) &&
	       !memcmp(&found, tag, sizeof(found));
}

size_t identity_check(struct pagetable *pt, const char *what, void *va,
		      uint64_t length, enum place place, struct identity *seen)
{
	int vmid = pagetable_vmid(pt);
	uint64_t seed = (uint64_t)rand() << 32 | rand(), first_bad = 0;
	size_t pages = length / PAGE;
	struct tag *saved = calloc(pages, sizeof(*saved));

	ASSERT(saved);
	*seen = (struct identity){ .pages = pages };
	/* All are tagged before the first is looked for: no two may share. */
	for (size_t i = 0; i < pages; i++) {
		struct tag *tag = tag_at(va, i);

		saved[i] = *(volatile struct tag *)tag;
		*(volatile struct tag *)tag = make_tag((uintptr_t)tag, seed);
	}
	__sync_synchronize();
	for (size_t i = 0; i < pages; i++) {
		struct tag *where = tag_at(va, i);
		struct tag tag = make_tag((uintptr_t)where, seed);
		size_t wrong = seen->unmapped + seen->misplaced + seen->different;
		struct gpu_pte pte;

		if (!pagetable_walk(pt, vmid, (uintptr_t)where, &pte)) {
			seen->unmapped++;
		} else {
			count_leaf(seen, &pte);
			if (pte.system != (place != PLACE_VRAM))
				seen->misplaced++;
			else if (place == PLACE_HOST)
				seen->different += cpu_physical(pt, where) !=
						   (pte.address & ~(PAGE - 1));
			else
				seen->different += !tag_found(pt, &pte, &tag);
		}
		if (!wrong && seen->unmapped + seen->misplaced + seen->different)
			first_bad = (uintptr_t)where & ~(PAGE - 1);
	}
	for (size_t i = 0; i < pages; i++)
		*(volatile struct tag *)tag_at(va, i) = saved[i];
	free(saved);
	return report(what, (uintptr_t)va, seen, first_bad);
}

void identity_tags(void *cpu, uint64_t va, uint64_t length, uint32_t seed)
{
	memset(cpu, 0, length);
	for (size_t i = 0; i < length / PAGE; i++)
		*tag_at(cpu, i) = make_tag(va + i * PAGE + TAG_OFFSET, seed);
}

size_t identity_check_private(struct pagetable *pt, const char *what,
			      uint64_t va, uint64_t length, uint32_t seed,
			      struct identity *seen)
{
	int vmid = pagetable_vmid(pt);
	uint64_t first_bad = 0;

	*seen = (struct identity){ .pages = length / PAGE };
	for (uint64_t at = va + TAG_OFFSET; at < va + length; at += PAGE) {
		size_t wrong = seen->unmapped + seen->misplaced + seen->different;
		struct tag tag = make_tag(at, seed);
		struct gpu_pte pte;

		if (!pagetable_walk(pt, vmid, at, &pte)) {
			seen->unmapped++;
		} else {
			count_leaf(seen, &pte);
			if (pte.system)
				seen->misplaced++;
			else
				seen->different += !tag_found(pt, &pte, &tag);
		}
		if (!wrong && seen->unmapped + seen->misplaced + seen->different)
			first_bad = at & ~(PAGE - 1);
	}
	return report(what, va, seen, first_bad);
}

size_t pages_mapped(struct pagetable *pt, const void *va, uint64_t length)
{
	int vmid = pagetable_vmid(pt);
	size_t mapped = 0;
	struct gpu_pte pte;

	for (uint64_t offset = 0; offset < length; offset += PAGE)
		mapped += pagetable_walk(pt, vmid, (uintptr_t)va + offset, &pte);
	return mapped;
}
