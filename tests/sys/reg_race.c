// SPDX-License-Identifier: MIT
/*
 * Threads register, map, unmap, end, while others pull the memory away and put
 * it back. Whatever the calls say, at rest the GPU has no page that is not the
 * CPU's page at that address, and when all has ended it has none.
 */
#include <pthread.h>

#include "reg.h"

#define PAGES 32
#define THREADS 3
#define BREAKERS 2

static struct reg r;
static char *memory;
static unsigned long rounds;
static volatile unsigned long successes;

static void *user(void *number)
{
	uint32_t state = 100 + (uintptr_t)number;

	for (unsigned long i = 0; i < rounds; i++) {
		char *p = memory + rnd(&state) % (PAGES * PAGE);
		uint64_t room = memory + PAGES * PAGE - p;
		uint64_t length = rnd(&state) % room % (8 * PAGE) + 1;

		switch (rnd(&state) % 4) {
		case 0:
			if (reg_add(r.fd, p, length))
				continue;
			svm_map_all(r.fd, p);
			break;
		default:
			if (reg_add_mapped(r.fd, p, length, r.gpu))
				continue;
		}
		__atomic_fetch_add(&successes, 1, __ATOMIC_RELAXED);
		if (rnd(&state) % 4 == 0)
			svm_unmap_all(r.fd, p);
		EXPECT_EQ(reg_end(r.fd, p, length), 0);
	}
	return NULL;
}

static void *breaker(void *number)
{
	uint32_t state = 5 + (uintptr_t)number;

	for (unsigned long i = 0; i < rounds; i++) {
		char *p = memory + rnd(&state) % PAGES * PAGE;

		switch (rnd(&state) % 4) {
		case 0:
			mprotect(p, PAGE, PROT_NONE);
			mprotect(p, PAGE, PROT_READ | PROT_WRITE);
			break;
		case 1:
			munmap(p, PAGE);
			/* fall through */
		case 2:
			own(p, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
			break;
		default:
			madvise(p, PAGE, MADV_DONTNEED);
		}
		usleep(rnd(&state) % 500);
	}
	return NULL;
}

/* Pages that the GPU has and the CPU does not have there, or that it has not. */
static size_t wrong_pages(const char *va, int pages, bool missing)
{
	int vmid = pagetable_vmid(&r.pt);
	size_t wrong = 0;

	for (int i = 0; i < pages; i++) {
		struct gpu_pte pte;

		if (pagetable_walk(&r.pt, vmid, (uintptr_t)va + i * PAGE, &pte))
			wrong += cpu_physical(&r.pt, va + i * PAGE) != pte.address;
		else
			wrong += missing;
	}
	return wrong;
}

static void one_round(void)
{
	pthread_t threads[THREADS + BREAKERS];
	char *stays = memory + 8 * PAGE;
	bool stayed = !reg_add_mapped(r.fd, stays, 16 * PAGE, r.gpu);

	for (uintptr_t i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL,
					 i < THREADS ? user : breaker,
					 (void *)i), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	EXPECT(EVENTUALLY(wrong_pages(memory, PAGES, false) == 0, 5000));
	if (!stayed)
		return;
	EXPECT_REGISTERED(r.fd, 1, 16 * PAGE);
	EXPECT_EQ(reg_add_mapped(r.fd, stays, 16 * PAGE, r.gpu), 0);
	/* KFD gives it back to the GPU in its own time. */
	EXPECT(EVENTUALLY(wrong_pages(stays, 16, true) == 0, 5000));
	reg_check_identity(&r, "what stayed", stays, 16 * PAGE);
	EXPECT_EQ(reg_end(r.fd, stays, 16 * PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, stays, 16 * PAGE), 0);
}

static void test(void)
{
	rounds = scaled(1000, 100);
	reg_open(&r);
	memory = own_private(PAGES * PAGE);
	for (int i = 0; i < 3; i++) {
		one_round();
		EXPECT_REGISTERED(r.fd, 0, 0);
		EXPECT_EQ(pages_mapped(&r.pt, memory, PAGES * PAGE), 0);
	}
	say("%lu registrations of %lu", successes, 3 * THREADS * rounds);
	EXPECT_GT(successes, 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
