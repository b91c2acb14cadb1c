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
#define LARGE MiB(64)

/* The largest gap of the address space, and where it ends. */
static uint64_t largest_gap(uint64_t *end)
{
	size_t n = maps_read(0, 0, UINT64_MAX, NULL, 0);
	struct vma *v = calloc(n + 16, sizeof(*v));
	uint64_t last = 0, largest = 0;

	ASSERT(v);
	*end = 0;
	n = maps_read(0, 0, UINT64_MAX, v, n + 16);
	for (size_t i = 0; i < n; last = v[i++].end)
		if (v[i].start - last > largest && v[i].start < TiB(128)) {
			largest = v[i].start - last;
			*end = v[i].start;
		}
	free(v);
	return largest;
}

/* Where the only place there is has such memory in it there is none. */
static void no_other_place(int fd)
{
	uint64_t end, gap = largest_gap(&end), length = gap - LARGE / 2;
	char *memory;
	void *va;

	memory = own((char *)end - LARGE, LARGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	EXPECT_EQ(reg_add(fd, memory, LARGE), 0);
	ASSERT_EQ(SYS(munmap(memory, LARGE)), 0);
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_ADDRESS, length, &va), -ENOMEM);
	EXPECT_EQ(reg_end(fd, memory, LARGE), 0);
	EXPECT_EQ(svm_try_alloc(fd, ROCSVM_KIND_ADDRESS, length, &va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
}

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
	no_other_place(fd);
	EXPECT_EQ(close(fd), 0);
}

int main(void)
{
	return test_main(test);
}
