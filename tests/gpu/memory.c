// SPDX-License-Identifier: MIT
/*
 * memory.c - the two kinds of physical memory a GPU reaches: its own VRAM,
 * by offset, and the guest's RAM, by guest physical address.
 *
 * Both are shared mappings of files that QEMU has mapped too: what the GPU
 * writes the guest's CPU sees, at once and without a message.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"

/* VRAM is a memfd, so that nothing is left behind however the phantom ends. */
int vram_create(uint64_t size)
{
	int fd = memfd_create("phantom-vram", 0);

	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		close(fd);
		return -1;
	}
	return fd;
}

int vram_attach(struct gpu *gpu, int fd, uint64_t size)
{
	void *ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (ptr == MAP_FAILED)
		return -1;
	gpu->vram = ptr;
	gpu->vram_size = size;
	return 0;
}

void *vram_pointer(struct gpu *gpu, uint64_t offset, uint64_t length)
{
	if (offset >= gpu->vram_size || length > gpu->vram_size - offset)
		return NULL;
	return gpu->vram + offset;
}

void sysmem_clear(struct gpu *gpu)
{
	for (int i = 0; i < gpu->sysmem_regions; i++)
		munmap(gpu->sysmem[i].ptr, gpu->sysmem[i].size);
	gpu->sysmem_regions = 0;
}

bool sysmem_add(struct gpu *gpu, int fd, uint64_t gpa, uint64_t size, off_t offset)
{
	struct sysmem_region *region = &gpu->sysmem[gpu->sysmem_regions];
	void *ptr;

	if (gpu->sysmem_regions == SYSMEM_REGIONS)
		return false;
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (ptr == MAP_FAILED)
		return false;
	*region = (struct sysmem_region){ .gpa = gpa, .size = size, .ptr = ptr };
	gpu->sysmem_regions++;
	return true;
}

void *sysmem_pointer(struct gpu *gpu, uint64_t gpa, uint64_t length)
{
	for (int i = 0; i < gpu->sysmem_regions; i++) {
		struct sysmem_region *region = &gpu->sysmem[i];

		if (gpa >= region->gpa && gpa - region->gpa < region->size &&
		    length <= region->size - (gpa - region->gpa))
			return region->ptr + (gpa - region->gpa);
	}
	return NULL;
}
