// SPDX-License-Identifier: MIT
/*
 * QUERY keeps count for each GPU: after a long, random row of MAP and UNMAP it
 * names for every buffer just the GPUs that a model has, and the page tables
 * of the GPUs agree. Room for fewer ids gets the first, and the full number.
 */
#include "many.h"

#define BUFFERS 12

static struct {
	char *va;
	uint64_t length;
	unsigned int mask;
} model[BUFFERS];

static uint32_t list_of(unsigned int mask, uint32_t *list)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < num_gpus; i++)
		if (mask >> i & 1)
			list[n++] = gpu_id[i];
	return n;
}

static void step(uint32_t *state)
{
	int i = rnd(state) % BUFFERS;
	unsigned int mask = 1 + rnd(state) % ((1u << num_gpus) - 1);
	uint32_t list[SVM_MAX_GPUS], n = list_of(mask, list);

	if (rnd(state) % 2) {
		EXPECT_EQ(svm_map(fd, model[i].va, list, n), 0);
		model[i].mask |= mask;
	} else if (mask & ~model[i].mask) {
		EXPECT_EQ(svm_unmap(fd, model[i].va, list, n), -EINVAL);
	} else {
		EXPECT_EQ(svm_unmap(fd, model[i].va, list, n), 0);
		model[i].mask &= ~mask;
	}
	EXPECT_EQ(query_mask(model[i].va), model[i].mask);
}

/* Room for @room ids only. */
static void expect_ids(int i, uint32_t room)
{
	uint32_t ids[SVM_MAX_GPUS + 1], full[SVM_MAX_GPUS + 1];
	struct rocsvm_query query = {
		.va = (uintptr_t)model[i].va,
		.gpu_ids = (uintptr_t)full,
		.num_gpus = SVM_MAX_GPUS,
	};
	uint32_t n = __builtin_popcount(model[i].mask);

	ASSERT_EQ(svm_query(fd, &query), 0);
	memset(ids, 0xee, sizeof(ids));
	query = (struct rocsvm_query){
		.va = (uintptr_t)model[i].va,
		.gpu_ids = (uintptr_t)ids,
		.num_gpus = room,
	};
	ASSERT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.num_gpus, n);
	for (uint32_t k = 0; k <= SVM_MAX_GPUS; k++)
		EXPECT_EQ(ids[k], k < room && k < n ? full[k] : 0xeeeeeeee);
}

static void test(void)
{
	unsigned long steps = scaled(1500, 150);
	uint32_t state = 17;

	fd = window_start();
	many_open();
	for (int i = 0; i < BUFFERS; i++) {
		model[i].length = PAGE << i % 5;
		model[i].va = svm_alloc(fd, i % 2 ? ROCSVM_KIND_GTT :
					ROCSVM_KIND_HOST, model[i].length);
	}
	for (unsigned long i = 0; i < steps; i++)
		step(&state);
	for (int i = 0; i < BUFFERS; i++) {
		expect_mapped(model[i].va, model[i].length, model[i].mask);
		for (uint32_t room = 0; room <= num_gpus; room++)
			expect_ids(i, room);
		/* whom KFD keeps it for is another matter */
		EXPECT_EQ(query_at(fd, model[i].va).gpu_id, gpu_id[0]);
	}
	for (int i = 0; i < BUFFERS; i++) {
		EXPECT_EQ(svm_free(fd, model[i].va), 0);
		for (uint32_t g = 0; g < num_gpus; g++)
			EXPECT_EQ(pages_mapped(&pt[g], model[i].va,
					       model[i].length), 0);
	}
	many_close();
	close(fd);
}

int main(void)
{
	return test_main(test);
}
