// SPDX-License-Identifier: MIT
/*
 * Variables on the stack, of the main thread and of another one, are registered
 * like any other memory. Below its end the stack has no memory: -EFAULT, and it
 * does not grow.
 */
#include <pthread.h>

#include "reg.h"

static struct reg r;

static void check(const char *what)
{
	char array[KiB(20)];
	uint64_t bytes;

	reg_pages(array + 100, sizeof(array) - 200, &bytes);
	memset(array, 0x11, sizeof(array));
	ASSERT_EQ(reg_add_mapped(r.fd, array + 100, sizeof(array) - 200, r.gpu),
		  0);
	EXPECT_REGISTERED(r.fd, 1, bytes);
	reg_check_identity(&r, what, array + 100, sizeof(array) - 200);
	EXPECT_EQ(find_not(array, 0x11, sizeof(array)), -1);
	ASSERT_EQ(reg_end(r.fd, array + 100, sizeof(array) - 200), 0);
	EXPECT_EQ(pages_mapped(&r.pt, array, sizeof(array)), 0);
}

static void *thread(void *unused)
{
	check("another thread's stack");
	return unused;
}

static void check_below(void)
{
	struct vma stack, after;
	char here = 0;

	ASSERT(maps_find(&here, &stack));
	EXPECT_EQ(reg_add(r.fd, (char *)stack.start - PAGE, PAGE), -EFAULT);
	EXPECT_EQ(reg_add(r.fd, (char *)stack.start - PAGE, 2 * PAGE), -EFAULT);
	ASSERT(maps_find(&here, &after));
	EXPECT_EQ(after.start, stack.start);
	EXPECT_REGISTERED(r.fd, 0, 0);
}

static void test(void)
{
	pthread_t other;

	reg_open(&r);
	check("main thread's stack");
	ASSERT_EQ(pthread_create(&other, NULL, thread, NULL), 0);
	ASSERT_EQ(pthread_join(other, NULL), 0);
	check_below();
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
