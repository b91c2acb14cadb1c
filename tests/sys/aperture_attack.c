// SPDX-License-Identifier: MIT
/*
 * What a program may not do to the window it may not do to a piece of the mmap
 * aperture: unmap, replace, protect or move a part of it, make it executable,
 * have it inherited, fill it by userfaultfd. Nothing of it is lost.
 */
#include "aperture.h"

#include <linux/userfaultfd.h>

#define LENGTH MiB(1)

static int fd;
static char *host, *huge, *gtt, *vram, *own;

static bool is_error(long r)
{
	return r < 0 && r >= -4095;
}

static void refused(const char *what, const char *where, long r)
{
	if (!is_error(r))
		say("%s, %s: let through, 0x%lx", what, where, r);
	EXPECT(is_error(r));
}

/* Every way of changing a part of a VMA. */
static void part(const char *where, char *p, size_t length)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC };
	static const int advice[] = {
		MADV_DOFORK, MADV_DODUMP, MADV_HUGEPAGE, MADV_SEQUENTIAL,
	};

	refused("munmap", where, SYS(munmap(p, length)));
	refused("mmap", where,
		SYS(mmap(p, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_FIXED, -1, 0)));
	EXPECT_EQ(SYS(mmap(p, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED_NOREPLACE, -1, 0)), -EEXIST);
	for (size_t i = 0; i < ARRAY_SIZE(prots); i++)
		refused("mprotect", where, SYS(mprotect(p, length, prots[i])));
	refused("mremap, moved", where,
		SYS(mremap(p, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
			   own + MiB(64))));
	refused("mremap, shrunk", where, SYS(mremap(p, length, 0, 0)));
	refused("mremap, copied", where, SYS(mremap(p, 0, length, MREMAP_MAYMOVE)));
	refused("mremap onto it", where,
		SYS(mremap(own, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p)));
	for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
		refused("madvise", where, SYS(madvise(p, length, advice[i])));
}

/* The VMA of a host buffer as a whole: no way to have it copied or executed. */
static void whole(const char *where, char *va)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register args = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct vma vma;
	size_t length;
	int uffd;

	ASSERT(maps_find(va, &vma));
	length = vma.end - vma.start;
	EXPECT(smaps_flag(va, "dc"));
	EXPECT(smaps_flag(va, "dd"));
	EXPECT(!smaps_flag(va, "me"));
	refused("mprotect for execution", where,
		SYS(mprotect(at(vma.start), length, PROT_READ | PROT_EXEC)));
	refused("mremap, copied", where,
		SYS(mremap(at(vma.start), 0, length, MREMAP_MAYMOVE)));
	refused("mremap, moved", where,
		SYS(mremap(at(vma.start), length, length,
			   MREMAP_MAYMOVE | MREMAP_FIXED, own + MiB(64))));
	uffd = SYS(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
	if (uffd >= 0) {
		EXPECT_EQ(SYS(ioctl(uffd, UFFDIO_API, &api)), 0);
		args.range.start = vma.start;
		args.range.len = length;
		refused("userfaultfd", where,
			SYS(ioctl(uffd, UFFDIO_REGISTER, &args)));
		close(uffd);
	}
}

struct heritage {
	char *va;
	size_t length;
};

static void heir(void *arg)
{
	struct heritage *h = arg;

	EXPECT_GE(maps_named(0, "rocsvm"), 1);
	EXPECT_DEAD(h->va);
	EXPECT_DEAD(h->va + h->length - 1);
	EXPECT_DEAD(h->va + h->length);
	EXPECT_EQ(svm_free(fd, h->va), -EBADF);
}

/* The program may have a whole mapping inherited: without a byte in it. */
static void inherited(char *va, size_t length)
{
	struct heritage h = { va, length };
	struct vma vma;

	ASSERT(maps_find(va, &vma));
	ASSERT_EQ(SYS(madvise(at(vma.start), vma.end - vma.start, MADV_DOFORK)), 0);
	pattern_fill(va, length, 8);
	EXPECT_EQ(run_child(heir, &h), 0);
	EXPECT_EQ(pattern_differs(va, length, 8), -1);
}

/* Advice that throws pages away must not let the guard or old bytes in. */
static void thrown_away(char *va, size_t length)
{
	pattern_fill(va, length, 9);
	SYS(madvise(va, length, MADV_DONTNEED));
	EXPECT_EQ(pattern_differs(va, length, 9), -1);
	SYS(madvise(va, length, MADV_PAGEOUT));
	EXPECT_EQ(pattern_differs(va, length, 9), -1);
	refused("MADV_REMOVE", "host buffer", SYS(madvise(va, length, MADV_REMOVE)));
	EXPECT_EQ(pattern_differs(va, length, 9), -1);
	SYS(madvise(va - PAGE, PAGE, MADV_POPULATE_WRITE));
	SYS(madvise(va + length, PAGE, MADV_POPULATE_WRITE));
	SYS(madvise(va - PAGE, length + 2 * PAGE, MADV_WILLNEED));
	EXPECT_DEAD(va - 1);
	EXPECT_DEAD(va + length);
}

/* GTT and VRAM: the driver's VMA. Unmapped, FREE is none the worse. */
static void carved(char *va)
{
	EXPECT_EQ(SYS(mmap(va, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED_NOREPLACE, -1, 0)), -EEXIST);
	refused("mprotect for execution", "carved",
		SYS(mprotect(va, LENGTH, PROT_READ | PROT_EXEC)));
	EXPECT_EQ(SYS(munmap(va, LENGTH)), 0);
	EXPECT_DEAD(va);
	EXPECT_EQ(svm_free(fd, va), 0);
}

/*
 * Nothing stands behind a piece, so its mapping may be grown: what it gains is
 * inaccessible, and stays so when the buffer is freed.
 */
static void grown(char *va)
{
	struct vma vma;
	size_t length;
	char *tail;

	ASSERT(maps_find(va, &vma));
	length = vma.end - vma.start;
	tail = at(vma.end);
	if (is_error(SYS(mremap(at(vma.start), length, length + 2 * PAGE, 0))))
		return;
	say("grown at %p", tail);
	EXPECT_DEAD(tail);
	EXPECT_DEAD(tail + PAGE);
	EXPECT_ALIVE(va);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_DEAD(va);
	EXPECT_DEAD(tail);
	EXPECT_EQ(alloc_fixed(fd, ROCSVM_KIND_HOST, PAGE, 0, (uintptr_t)tail),
		  -EEXIST);
	EXPECT_EQ(SYS(munmap(tail, 2 * PAGE)), 0);
}

static void test(void)
{
	uint64_t available;
	char *before;

	fd = aperture_mmap_start();
	available = kfd_available(fd, svm_gpu(fd, 0));
	own = mmap(NULL, MiB(256), PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE((uintptr_t)own, (uintptr_t)MAP_FAILED);
	own[0] = 0x5a;
	host = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	huge = svm_alloc(fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	gtt = svm_alloc(fd, ROCSVM_KIND_GTT, LENGTH);
	vram = svm_alloc(fd, ROCSVM_KIND_VRAM, LENGTH);
	pattern_fill(host, LENGTH, 1);
	pattern_fill(huge, HUGE_PAGE, 2);
	pattern_fill(gtt, LENGTH, 3);
	pattern_fill(vram, LENGTH, 4);
	ASSERT_EQ(SYS(munmap(own + MiB(64), MiB(128))), 0);
	before = maps_text(0, 0, UINT64_MAX);

	part("first page", host, PAGE);
	part("page in the middle", host + 3 * PAGE, PAGE);
	part("all but the guards", host, LENGTH);
	part("all and the guard behind", host, LENGTH + PAGE);
	part("all and the guard before", host - PAGE, LENGTH + PAGE);
	part("guard before", host - PAGE, PAGE);
	part("guard behind", host + LENGTH, PAGE);
	part("page of a huge buffer", huge + PAGE, PAGE);
	part("huge buffer", huge, HUGE_PAGE);
	whole("host buffer", host);
	whole("huge host buffer", huge);
	EXPECT(maps_same(0, 0, UINT64_MAX, before));
	EXPECT_EQ(pattern_differs(host, LENGTH, 1), -1);
	EXPECT_EQ(pattern_differs(huge, HUGE_PAGE, 2), -1);
	EXPECT_EQ(pattern_differs(gtt, LENGTH, 3), -1);
	EXPECT_EQ(pattern_differs(vram, LENGTH, 4), -1);
	EXPECT_EQ(own[0], 0x5a);
	EXPECT_DEAD(host - 1);
	EXPECT_DEAD(host + LENGTH);
	EXPECT_DEAD(huge - 1);
	EXPECT_DEAD(huge + HUGE_PAGE);

	thrown_away(host, LENGTH);
	inherited(host, LENGTH);
	inherited(huge, HUGE_PAGE);
	carved(gtt);
	carved(vram);
	EXPECT_EQ(svm_free(fd, host), 0);
	EXPECT_EQ(svm_free(fd, huge), 0);
	grown(svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH));
	EXPECT_EQ(info_buffers(fd), 0);
	EXPECT_EQ(info_quarantined(fd), 0);
	EXPECT(EVENTUALLY(kfd_available(fd, svm_gpu(fd, 0)) == available, 10000));
	close(fd);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	free(before);
}

int main(void)
{
	return test_main(test);
}
