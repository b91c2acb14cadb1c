// SPDX-License-Identifier: MIT
/*
 * Several threads unmap registered memory while a call of another one has the
 * space's lock: not one munmap() returns before GPUs have lost the memory. Nor
 * does one of very many segments.
 */
#include "reg_stalled.h"

#define THREADS 4
#define SEGMENTS 32

static char *memory[THREADS];
static volatile size_t left[THREADS];
/* One at a time looks at the page tables: that takes the queue. */
static pthread_mutex_t look = PTHREAD_MUTEX_INITIALIZER;

static void unmap(struct staller *s)
{
	size_t i = s->cmd;

	munmap(memory[i], LENGTH);
	pthread_mutex_lock(&look);
	left[i] = pages_mapped(&r.pt, memory[i], LENGTH);
	pthread_mutex_unlock(&look);
}

static void at_a_time(void)
{
	struct staller unmappers[THREADS] = { 0 };

	for (size_t i = 0; i < THREADS; i++)
		memory[i] = registered();
	reg_stalled_lock();
	for (size_t i = 0; i < THREADS; i++) {
		unmappers[i].call = unmap;
		unmappers[i].cmd = i;
		staller_start(&unmappers[i]);
		EXPECT(EVENTUALLY(is_free(memory[i]), 20000));
	}
	usleep(scaled(50000, 500000));
	for (size_t i = 0; i < THREADS; i++)
		EXPECT(!unmappers[i].back);
	reg_stalled_unlock();
	for (size_t i = 0; i < THREADS; i++) {
		ASSERT(EVENTUALLY(unmappers[i].back, 20000));
		EXPECT_EQ(left[i], 0);
		EXPECT_EQ(reg_end(r.fd, memory[i], LENGTH), 0);
	}
}

static void at_once(void)
{
	char *p = own_private(SEGMENTS * PAGE);

	for (size_t i = 0; i < SEGMENTS; i++) {
		p[i * PAGE] = 1;
		ASSERT_EQ(reg_add_mapped(r.fd, p + i * PAGE, PAGE, r.gpu), 0);
	}
	ASSERT_EQ(pages_mapped(&r.pt, p, SEGMENTS * PAGE), SEGMENTS);
	munmap(p, SEGMENTS * PAGE);
	EXPECT_EQ(pages_mapped(&r.pt, p, SEGMENTS * PAGE), 0);
	for (size_t i = 0; i < SEGMENTS; i++)
		EXPECT_EQ(reg_end(r.fd, p + i * PAGE, PAGE), 0);
}

static void test(void)
{
	reg_stalled_open();
	at_a_time();
	at_once();
	EXPECT_REGISTERED(r.fd, 0, 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
