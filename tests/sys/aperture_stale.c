// SPDX-License-Identifier: MIT
/*
 * In the mmap aperture: memory that is registered and not there any more keeps
 * its addresses until it is unregistered. A buffer gets others, and none that are
 * asked for.
 */
#include "aperture.h"
#include "reg.h"

#define LENGTH KiB(256)
#define BUFFERS 8

static void test(void)
{
	int fd = aperture_mmap_start();
	char *memory = own_private(LENGTH), *va[BUFFERS];

	memset(memory, 1, LENGTH);
	EXPECT_EQ(reg_add(fd, memory, LENGTH), 0);
	ASSERT_EQ(SYS(munmap(memory, LENGTH)), 0);

	EXPECT_EQ(svm_alloc_at(fd, ROCSVM_KIND_HOST, PAGE,
			       (uintptr_t)memory + 4 * PAGE), -EEXIST);
	EXPECT_EQ(probe_read(memory + 4 * PAGE), PROBE_MAPERR);
	/* The kernel would take the highest gap there is. */
	for (size_t i = 0; i < BUFFERS; i++) {
		va[i] = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
		say("buffer at %p, registered %p", va[i], memory);
		EXPECT(va[i] + PAGE <= memory || va[i] >= memory + LENGTH);
		EXPECT_ALIVE(va[i]);
	}
	EXPECT_EQ(maps_read(0, (uintptr_t)memory, (uintptr_t)memory + LENGTH,
			    NULL, 0), 0);

	EXPECT_EQ(reg_end(fd, memory, LENGTH), 0);
	EXPECT_EQ(svm_alloc_at(fd, ROCSVM_KIND_HOST, PAGE,
			       (uintptr_t)memory + 4 * PAGE), 0);
	EXPECT_ALIVE(memory + 4 * PAGE);
	EXPECT_EQ(svm_free(fd, memory + 4 * PAGE), 0);
	for (size_t i = 0; i < BUFFERS; i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
	EXPECT_EQ(close(fd), 0);
}

int main(void)
{
	return test_main(test);
}
