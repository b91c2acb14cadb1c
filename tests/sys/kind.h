/* SPDX-License-Identifier: MIT */
/*
 * What the tests of single kinds of memory share: leaves of the GPU's page
 * tables page by page, and the PCI resources that two kinds are windows to.
 */
#ifndef ROCSVM_TESTS_KIND_H
#define ROCSVM_TESTS_KIND_H

#include "aperture.h"
#include "pagetable.h"

#define DOORBELL_LENGTH KiB(8)	/* of a process, on GPUs with 64-bit doorbells */

/* BARs of a gfx9 GPU, by their index in the file "resource". */
#define DOORBELL_BAR 2
#define REGISTER_BAR 5

/* [start, end) of a BAR, from sysfs; ends the test if there is none. */
static inline void bar_range(uint32_t gpu_id, int bar, uint64_t *start,
			     uint64_t *end)
{
	char path[128], text[4096], *line = text;

	snprintf(path, sizeof(path), "/sys/class/drm/renderD%d/device/resource",
		 render_minor(gpu_id));
	ASSERT_GT(file_read(path, text, sizeof(text)), 0);
	for (int i = 0; i < bar; i++) {
		line = strchr(line, '\n');
		ASSERT(line);
		line++;
	}
	ASSERT_EQ(sscanf(line, "%lx %lx", start, end), 2);
	ASSERT_GT(*end, *start);
	++*end;
}

/* The leaf for @va of a page that must be mapped; ends the test if it isn't. */
static inline struct gpu_pte leaf_at(struct pagetable *pt, const void *va)
{
	struct gpu_pte pte = { 0 };

	ASSERT(pagetable_walk(pt, pagetable_vmid(pt), (uintptr_t)va, &pte));
	return pte;
}

#endif /* ROCSVM_TESTS_KIND_H */
