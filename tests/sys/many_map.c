// SPDX-License-Identifier: MIT
/*
 * Many GPUs: a buffer is mapped to a list of them or to all, and each GPU's own
 * page tables lead to the same physical pages; UNMAP of a part leaves the rest.
 * In both apertures, ALLOC with a list like ALLOC and MAP.
 */
#include "many.h"

#define LENGTH KiB(256)

static enum place place_of(uint32_t kind)
{
	return kind == ROCSVM_KIND_HOST ? PLACE_HOST : PLACE_GTT;
}

/* The same page of system memory behind each address, on every GPU of a mask. */
static void expect_same_pages(const char *va, unsigned int mask)
{
	struct gpu_pte first[LENGTH / PAGE];
	bool have_first = false;

	for (uint32_t i = 0; i < num_gpus; i++) {
		int vmid = pagetable_vmid(&pt[i]);
		size_t different = 0;

		if (!(mask >> i & 1))
			continue;
		for (size_t page = 0; page < LENGTH / PAGE; page++) {
			struct gpu_pte pte;

			ASSERT(pagetable_walk(&pt[i], vmid,
					      (uintptr_t)va + page * PAGE, &pte));
			EXPECT(pte.system);
			if (!have_first)
				first[page] = pte;
			different += pte.address != first[page].address;
		}
		have_first = true;
		EXPECT_EQ(different, 0);
	}
}

static void check(uint32_t kind)
{
	unsigned int all = (1u << num_gpus) - 1;
	char *va = svm_alloc(fd, kind, LENGTH);
	struct identity seen;

	expect_mapped(va, LENGTH, 0);
	/* one after the other, from the last; those that have it are passed over */
	for (uint32_t i = num_gpus; i-- > 0;) {
		EXPECT_EQ(svm_map(fd, va, &gpu_id[i], num_gpus - i), 0);
		expect_mapped(va, LENGTH, all & ~((1u << i) - 1));
	}
	expect_same_pages(va, all);
	for (uint32_t i = 0; i < num_gpus; i++)
		EXPECT_EQ(identity_check(&pt[i], "on each", va, LENGTH,
					 place_of(kind), &seen), 0);

	/* taken from some, it stays with the others */
	EXPECT_EQ(svm_unmap(fd, va, &gpu_id[0], 1), 0);
	expect_mapped(va, LENGTH, all & ~1u);
	EXPECT_EQ(svm_unmap(fd, va, gpu_id, num_gpus), -EINVAL);
	expect_mapped(va, LENGTH, all & ~1u);
	EXPECT_EQ(svm_map(fd, va, gpu_id, 1), 0);
	EXPECT_EQ(svm_unmap(fd, va, &gpu_id[1], num_gpus - 1), 0);
	expect_mapped(va, LENGTH, 1);
	EXPECT_EQ(svm_map_all(fd, va), 0);
	expect_same_pages(va, all);
	EXPECT_EQ(svm_unmap(fd, va, NULL, 0), 0);
	expect_mapped(va, LENGTH, 0);
	EXPECT_EQ(svm_unmap(fd, va, NULL, 0), 0);

	/* freed while it is mapped to all: no GPU keeps it */
	EXPECT_EQ(svm_map_all(fd, va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	for (uint32_t i = 0; i < num_gpus; i++)
		EXPECT_EQ(pages_mapped(&pt[i], va, LENGTH), 0);
}

/* The list may name a GPU twice, in any order; and ALLOC may have it. */
static void lists(uint32_t kind)
{
	uint32_t list[2 * SVM_MAX_GPUS];
	struct rocsvm_alloc args = {
		.kind = kind,
		.gpu_id = gpu_id[num_gpus - 1],
		.length = LENGTH,
		.gpu_ids = (uintptr_t)list,
		.num_gpus = 2 * num_gpus,
	};

	for (uint32_t i = 0; i < num_gpus; i++) {
		list[i] = gpu_id[num_gpus - 1 - i];
		list[num_gpus + i] = gpu_id[i];
	}
	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	EXPECT_EQ(query_at(fd, at(args.va)).gpu_id, gpu_id[num_gpus - 1]);
	expect_mapped(at(args.va), LENGTH, (1u << num_gpus) - 1);
	expect_same_pages(at(args.va), (1u << num_gpus) - 1);
	EXPECT_EQ(svm_unmap(fd, at(args.va), list, 2 * num_gpus), 0);
	expect_mapped(at(args.va), LENGTH, 0);
	EXPECT_EQ(svm_free(fd, at(args.va)), 0);
}

/* A pattern handed from GPU to GPU through shared memory, by the same pointers. */
static void relay(void)
{
	char *stage[SVM_MAX_GPUS + 1];

	for (uint32_t i = 0; i <= num_gpus; i++) {
		stage[i] = svm_alloc(fd, i % 2 ? ROCSVM_KIND_GTT : ROCSVM_KIND_HOST,
				     LENGTH);
		ASSERT_EQ(svm_map_all(fd, stage[i]), 0);
	}
	pattern_fill(stage[0], LENGTH, 5);
	for (uint32_t i = 0; i < num_gpus; i++)
		EXPECT_EQ(gpuqueue_copy(&queue[i], stage[i + 1], stage[i], LENGTH),
			  0);
	EXPECT_EQ(pattern_differs(stage[num_gpus], LENGTH, 5), -1);
	for (uint32_t i = 0; i <= num_gpus; i++)
		EXPECT_EQ(svm_free(fd, stage[i]), 0);
}

static void test(void)
{
	fd = window_start();
	for (int i = 0; i < 2; i++) {
		if (i)
			ASSERT_EQ(aperture_choose_mmap(fd), 0);
		many_open();
		check(ROCSVM_KIND_HOST);
		check(ROCSVM_KIND_GTT);
		lists(ROCSVM_KIND_HOST);
		lists(ROCSVM_KIND_GTT);
		relay();
		many_close();
		EXPECT_EQ(info_buffers(fd), 0);
		EXPECT_EQ(info_quarantined(fd), 0);
	}
	close(fd);
}

int main(void)
{
	return test_main(test);
}
