// SPDX-License-Identifier: MIT
/*
 * What becomes of registered memory that the program unmaps: before munmap()
 * has returned GPUs have no page of the segment any more, and they get none
 * that is mapped there later, until it is registered anew. The same with
 * mprotect(), mremap() and ftruncate(). What is replaced in one step they have
 * anew.
 */
#include <pthread.h>

#include "reg.h"

#define PAGES 8
#define LENGTH (PAGES * PAGE)

static struct reg r;

static size_t mapped(const char *p)
{
	return pages_mapped(&r.pt, p, LENGTH);
}

/* The segment stands, and KFD has nothing of it: not now, and not later. */
static void expect_gone(const char *p)
{
	struct rocsvm_query q;

	EXPECT_EQ(mapped(p), 0);
	q = reg_segment(r.fd, p);
	EXPECT_EQ(q.length, LENGTH);
	EXPECT_EQ(q.num_registrations, 1);
	EXPECT_EQ(q.num_gpus, 0);
	EXPECT_EQ(q.handle, 0);
	/* KFD looks at the mapping again a little later. */
	usleep(100000);
	EXPECT_EQ(mapped(p), 0);
	EXPECT_EQ(svm_unmap(r.fd, (void *)p, &r.gpu, 1), -EINVAL);
	EXPECT_REGISTERED(r.fd, 1, LENGTH);
}

static char *registered(void)
{
	char *p = own_private(LENGTH);

	memset(p, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	ASSERT_EQ(mapped(p), PAGES);
	return p;
}

static void remap(char *p, uint64_t length)
{
	own(p, length, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	memset(p, 0x22, length);
}

static void whole(void)
{
	char *p = registered();

	say("unmapped as a whole");
	munmap(p, LENGTH);
	expect_gone(p);
	EXPECT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), -EFAULT);
	EXPECT_EQ(svm_map_all(r.fd, p), -EFAULT);
	expect_gone(p);
	remap(p, LENGTH);
	expect_gone(p);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	EXPECT_REGISTERED(r.fd, 2, LENGTH);
	reg_check_identity(&r, "registered anew", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	reg_check_identity(&r, "and ended once", p, LENGTH);
	munmap(p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_REGISTERED(r.fd, 0, 0);
}

/* A segment is one thing for KFD: a page of it less, and all of it is gone. */
static void part(void)
{
	char *p = registered();

	say("unmapped in part");
	munmap(p + 5 * PAGE, PAGE);
	expect_gone(p);
	EXPECT_EQ(reg_add(r.fd, p, PAGE), -EFAULT);
	remap(p + 5 * PAGE, PAGE);
	expect_gone(p);
	/* MAP serves as well */
	ASSERT_EQ(svm_map(r.fd, p, &r.gpu, 1), 0);
	reg_check_identity(&r, "mapped anew", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(mapped(p), 0);
	munmap(p, LENGTH);
}

static void *unmapper(void *p)
{
	munmap(p, LENGTH);
	return NULL;
}

static void by_thread(void)
{
	char *p = registered();
	pthread_t thread;

	say("unmapped by another thread");
	ASSERT_EQ(pthread_create(&thread, NULL, unmapper, p), 0);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	expect_gone(p);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
}

static void protect(int prot)
{
	char *p = registered();

	say("mprotect(%d)", prot);
	ASSERT_EQ(mprotect(p + PAGE, PAGE, prot), 0);
	expect_gone(p);
	ASSERT_EQ(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	expect_gone(p);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	reg_check_identity(&r, "registered anew", p, LENGTH);
	/* What leaves it readable and writable changes nothing. */
	ASSERT_EQ(mprotect(p, LENGTH, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	reg_check_identity(&r, "executable", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	munmap(p, LENGTH);
}

static void moved(void)
{
	char *p = registered(), *to = own_private(LENGTH);

	say("moved by mremap()");
	ASSERT_EQ((uintptr_t)mremap(p, LENGTH, LENGTH,
				    MREMAP_MAYMOVE | MREMAP_FIXED, to),
		  (uintptr_t)to);
	expect_gone(p);
	EXPECT_EQ(mapped(to), 0);
	EXPECT_EQ(find_not(to, 0x11, LENGTH), -1);
	EXPECT_EQ(reg_end(r.fd, to, LENGTH), -ENOENT);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	munmap(to, LENGTH);
}

static void truncated(int flags)
{
	int file = memfd_create("reg_munmap", MFD_CLOEXEC);
	char *p;

	say("a file truncated under it");
	ASSERT_GE(file, 0);
	ASSERT_EQ(ftruncate(file, LENGTH), 0);
	p = own(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, file);
	memset(p, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	ASSERT_EQ(mapped(p), PAGES);
	/* into the last page: all are still there */
	ASSERT_EQ(ftruncate(file, LENGTH - 100), 0);
	reg_check_identity(&r, "by 100 bytes", p, LENGTH);
	ASSERT_EQ(ftruncate(file, LENGTH - PAGE), 0);
	expect_gone(p);
	EXPECT_EQ(reg_add(r.fd, p, LENGTH), -EFAULT);
	ASSERT_EQ(ftruncate(file, LENGTH), 0);
	expect_gone(p);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	reg_check_identity(&r, "registered anew", p, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	munmap(p, LENGTH);
	close(file);
}

static void replaced(void)
{
	char *p = registered();

	say("replaced in one step");
	own(p, LENGTH, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
	reg_check_identity(&r, "replaced", p, LENGTH);
	EXPECT_EQ(find_not(p, 0, LENGTH), -1);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(mapped(p), 0);
	munmap(p, LENGTH);
}

static void test(void)
{
	reg_open(&r);
	whole();
	part();
	by_thread();
	protect(PROT_NONE);
	protect(PROT_READ);
	moved();
	truncated(MAP_SHARED);
	truncated(MAP_PRIVATE);
	replaced();
	EXPECT_REGISTERED(r.fd, 0, 0);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
