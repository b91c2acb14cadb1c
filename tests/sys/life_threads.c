// SPDX-License-Identifier: MIT
/*
 * Threads that allocate, map, query, write and free at once, while another one
 * opens and closes the node: each sees its own buffers' bytes only, and at the
 * end there are none.
 */
#include "harness.h"

#include <pthread.h>

#define THREADS 4
#define SLOTS 8

static int fd;
static unsigned long operations;
static volatile bool stop;
static unsigned long opens;

struct slot {
	char *va;
	uint32_t kind;
	uint64_t length;
	uint32_t seed;
	bool mapped;
};

static void fill(struct slot *slot, uint32_t *state)
{
	/* mostly host buffers: the others cost a GPU page-table update each */
	static const uint32_t kinds[] = { 1, 1, 1, 1, 1, 2, 3, 4 };

	slot->kind = kinds[rnd(state) % ARRAY_SIZE(kinds)];
	slot->length = PAGE * (1 + rnd(state) % 16);
	slot->seed = rnd(state);
	slot->mapped = false;
	slot->va = svm_alloc(fd, slot->kind, slot->length);
	if (slot->kind == ROCSVM_KIND_PRIVATE_VRAM)
		return;
	EXPECT_EQ(find_not(slot->va, 0, PAGE), -1);
	pattern_fill(slot->va, PAGE, slot->seed);
}

static void drop(struct slot *slot)
{
	if (slot->kind != ROCSVM_KIND_PRIVATE_VRAM)
		EXPECT_EQ(pattern_differs(slot->va, PAGE, slot->seed), -1);
	EXPECT_EQ(svm_free(fd, slot->va), 0);
	slot->va = NULL;
}

static void toggle(struct slot *slot)
{
	if (slot->mapped)
		EXPECT_EQ(svm_unmap_all(fd, slot->va), 0);
	else
		EXPECT_EQ(svm_map_all(fd, slot->va), 0);
	slot->mapped = !slot->mapped;
}

static void look(struct slot *slot)
{
	struct rocsvm_query q = { .va = (uintptr_t)slot->va + slot->length - 1 };

	EXPECT_EQ(svm_query(fd, &q), 0);
	EXPECT_EQ(q.va, (uintptr_t)slot->va);
	EXPECT_EQ(q.length, slot->length);
	EXPECT_EQ(q.kind, slot->kind);
	EXPECT_EQ(q.num_gpus, slot->mapped);
}

static void *worker(void *arg)
{
	uint32_t state = 1 + (uintptr_t)arg;
	struct slot slots[SLOTS] = { 0 };

	for (unsigned long i = 0; i < operations; i++) {
		struct slot *slot = &slots[rnd(&state) % SLOTS];
		uint32_t choice = rnd(&state) % 8;

		if (!slot->va)
			fill(slot, &state);
		else if (choice < 4)
			drop(slot);
		else if (choice < 6)
			look(slot);
		else
			toggle(slot);
	}
	for (size_t i = 0; i < SLOTS; i++)
		if (slots[i].va)
			drop(&slots[i]);
	return NULL;
}

static void *opener(void *arg)
{
	(void)arg;
	while (!stop) {
		int other = svm_open();
		struct rocsvm_info info;

		EXPECT_GE(other, 0);
		if (other < 0)
			break;
		EXPECT_EQ(svm_info(other, &info), 0);
		close(other);
		opens++;
		usleep(2000);
	}
	return NULL;
}

static void test(void)
{
	pthread_t thread[THREADS], other;
	struct rocsvm_info info;
	size_t vmas;

	operations = scaled(20000, 1200) / THREADS;
	fd = svm_start();
	ASSERT_EQ(svm_info(fd, &info), 0);
	vmas = maps_read(0, info.window_base, info.window_limit + 1, NULL, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, worker, (void *)i), 0);
	ASSERT_EQ(pthread_create(&other, NULL, opener, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	stop = true;
	pthread_join(other, NULL);
	say("%d threads, %lu operations each, %lu opens beside them", THREADS,
	    operations, opens);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(info.num_buffers, 0);
	EXPECT_EQ(info.buffer_bytes, 0);
	EXPECT_EQ(info.quarantined_bytes, 0);
	EXPECT_EQ(maps_read(0, info.window_base, info.window_limit + 1, NULL, 0),
		  vmas);
	close(fd);
	EXPECT_EQ(svm_counter("spaces"), 0);
}

int main(void)
{
	return test_main(test);
}
