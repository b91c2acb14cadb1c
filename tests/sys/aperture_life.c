// SPDX-License-Identifier: MIT
/*
 * A space in the mmap aperture through fork, close, reopen and RESERVE: its
 * pieces are the process's own and go with the space, and what the program has
 * put in their place stays.
 */
#include "aperture.h"

#define LENGTH KiB(256)
#define BUFFERS (ARRAY_SIZE(memory_kinds) + 1)

static int fd, kfd;
static uint32_t gpu_id;
static char *buffer[BUFFERS];

static uint64_t length_of(size_t i)
{
	return i < ARRAY_SIZE(memory_kinds) ? LENGTH : HUGE_PAGE;
}

static bool cpu(size_t i)
{
	return i >= ARRAY_SIZE(memory_kinds) || memory_kinds[i].cpu;
}

/* One of each kind, and a large host buffer. */
static void allocate(void)
{
	for (size_t i = 0; i < BUFFERS; i++) {
		uint32_t kind = i < ARRAY_SIZE(memory_kinds) ?
				memory_kinds[i].kind : ROCSVM_KIND_HOST;

		buffer[i] = svm_alloc(fd, kind, length_of(i));
		ASSERT_EQ(svm_map_all(fd, buffer[i]), 0);
		if (cpu(i))
			pattern_fill(buffer[i], length_of(i), i);
	}
}

static void expect_intact(void)
{
	for (size_t i = 0; i < BUFFERS; i++)
		if (cpu(i))
			EXPECT_EQ(pattern_differs(buffer[i], length_of(i), i), -1);
}

static void expect_dead(void)
{
	for (size_t i = 0; i < BUFFERS; i++) {
		EXPECT_DEAD(buffer[i]);
		EXPECT_DEAD(buffer[i] + length_of(i) - 1);
	}
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(maps_named(0, "renderD"), 0);
}

static void child(void *unused)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	uint64_t place = (uintptr_t)buffer[0];
	char *own;
	int mine;

	(void)unused;
	expect_dead();
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_INFO, &info), -EBADF);
	EXPECT_EQ(svm_free(fd, buffer[0]), -EBADF);
	EXPECT_EQ(svm_unmap(fd, buffer[0], NULL, 0), -EBADF);
	EXPECT_EQ(aperture_choose_mmap(fd), -EBADF);
	/* the same addresses are its own, for itself or for a space of its own */
	own = own_mapping(place, LENGTH, 0x66);
	munmap(own, LENGTH);
	mine = aperture_mmap_start();
	EXPECT_EQ(info_buffers(mine), 0);
	ASSERT_EQ(alloc_fixed(mine, ROCSVM_KIND_HOST, LENGTH, 0, place), 0);
	EXPECT_EQ(find_not(at(place), 0, LENGTH), -1);
	memset(at(place), 0xee, LENGTH);
	EXPECT_EQ(svm_map_all(mine, at(place)), 0);
	EXPECT_EQ(svm_counter("spaces"), 2);
	close(fd);
	close(mine);
	EXPECT_EQ(svm_counter("spaces"), 1);
}

static void forked(void)
{
	allocate();
	EXPECT_EQ(run_child(child, NULL), 0);
	expect_intact();
	EXPECT_EQ(svm_counter("buffers"), BUFFERS);
	for (size_t i = 0; i < BUFFERS; i++)
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
}

/* RESERVE waits for the last buffer, then there is a window and no piece. */
static void back_and_forth(void)
{
	struct rocsvm_reserve args = { .length = GiB(8) };

	allocate();
	EXPECT_EQ(svm_reserve_args(fd, &args), -EBUSY);
	EXPECT_EQ(aperture_choose_mmap(fd), -EBUSY);
	expect_intact();
	for (size_t i = 0; i < BUFFERS; i++)
		EXPECT_EQ(svm_free(fd, buffer[i]), 0);
	for (int i = 0; i < 4; i++) {
		args = (struct rocsvm_reserve){ .length = GiB(8) };
		ASSERT_EQ(svm_reserve_args(fd, &args), 0);
		EXPECT_EQ(info_of(fd).aperture, ROCSVM_APERTURE_RESERVED);
		EXPECT_EQ(maps_named(0, "rocsvm"), 3);
		EXPECT_GT(svm_counter("reserved_bytes"), 0);
		allocate();
		EXPECT_EQ(aperture_choose_mmap(fd), -EBUSY);
		for (size_t k = 0; k < BUFFERS; k++)
			EXPECT_EQ(svm_free(fd, buffer[k]), 0);
		ASSERT_EQ(aperture_choose_mmap(fd), 0);
		EXPECT_EQ(svm_counter("reserved_bytes"), 0);
		/* the control page is all that there is */
		EXPECT_LE(maps_named(0, "rocsvm"), 1);
	}
}

static void closed(void)
{
	uint64_t available = kfd_available(kfd, gpu_id);
	int other = svm_open();

	ASSERT_GE(other, 0);
	EXPECT_EQ(info_of(other).aperture, ROCSVM_APERTURE_MMAP);
	allocate();
	EXPECT_EQ(close(other), 0);
	expect_intact();
	EXPECT_EQ(info_buffers(fd), BUFFERS);
	EXPECT_EQ(close(fd), 0);
	expect_dead();
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 10000));

	/* opened anew it is what the parameter says */
	fd = window_start();
	EXPECT_EQ(info_of(fd).aperture, ROCSVM_APERTURE_RESERVED);
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
}

/* The VMAs of a buffer and its guards. */
static size_t piece(const char *va, uint64_t length, struct vma *vma, size_t room)
{
	size_t n = maps_read(0, (uintptr_t)va - PAGE, (uintptr_t)va + length + PAGE,
			     vma, room);

	ASSERT_GE(n, 1);
	ASSERT_LE(n, room);
	return n;
}

/*
 * The program unmaps all of a buffer's VMAs and puts memory of its own there;
 * then FREE or close takes what is left, not that.
 */
static void taken(uint32_t kind, uint64_t length, bool by_close)
{
	uint64_t available, start, end;
	struct vma vma[4];
	char *va, *own;
	size_t n;

	if (fd < 0) {
		fd = window_start();
		ASSERT_EQ(aperture_choose_mmap(fd), 0);
	}
	available = kfd_available(kfd, gpu_id);
	va = svm_alloc(fd, kind, length);
	n = piece(va, length, vma, ARRAY_SIZE(vma));
	start = vma[0].start;
	end = vma[n - 1].end;
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(SYS(munmap(at(vma[i].start), vma[i].end - vma[i].start)),
			  0);
	EXPECT_DEAD(va);
	own = own_mapping(start, end - start, 0x5a);
	if (by_close) {
		EXPECT_EQ(close(fd), 0);
		fd = -1;
	} else {
		EXPECT_EQ(svm_free(fd, va), 0);
		EXPECT_EQ(info_buffers(fd), 0);
		EXPECT_LT(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0,
				      (uintptr_t)va), 0);
	}
	EXPECT_EQ(find_not(own, 0x5a, end - start), -1);
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 10000));
	munmap(own, end - start);
	if (by_close)
		return;
	/* nothing is left that keeps the addresses */
	EXPECT_EQ(svm_free(fd, svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	ASSERT_EQ(alloc_fixed(fd, kind, length, 0, (uintptr_t)va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
}

static void test(void)
{
	fd = aperture_mmap_start();
	kfd = kfd_open();
	gpu_id = svm_gpu(fd, 0);
	forked();
	back_and_forth();
	closed();
	for (int by_close = 0; by_close < 2; by_close++) {
		for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
			say("%s taken, then %s", memory_kinds[i].name,
			    by_close ? "close" : "FREE");
			taken(memory_kinds[i].kind, LENGTH, by_close);
		}
		taken(ROCSVM_KIND_HOST, HUGE_PAGE, by_close);
	}
	if (fd >= 0)
		close(fd);
	EXPECT(svm_all_gone());
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
