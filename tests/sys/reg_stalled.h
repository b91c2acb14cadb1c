/* SPDX-License-Identifier: MIT */
/*
 * What the tests share in which registered memory goes away while a call of
 * another thread has the space's lock.
 */
#ifndef ROCSVM_TESTS_REG_STALLED_H
#define ROCSVM_TESTS_REG_STALLED_H

#include "stalled.h"

#define PAGES 8
#define LENGTH (PAGES * PAGE)

static struct reg r;
/* What the control page is replaced with, and who stalls in it. */
static struct stalled control;
static struct staller holder;
static char *control_page;

static inline void reg_stalled_open(void)
{
	struct rocsvm_info info;
	struct vma huge, page;

	reg_open(&r);
	ASSERT_EQ(svm_info(r.fd, &info), 0);
	ASSERT(maps_find(at(info.huge_base), &huge));
	ASSERT(maps_find(at(huge.end), &page));
	ASSERT(strstr(page.name, "[rocsvm]"));
	control_page = at(page.start);
}

static inline void reg_stalled_call(struct staller *s)
{
	void *va;

	ASSERT_EQ(svm_try_alloc(s->fd, ROCSVM_KIND_VRAM, PAGE, &va), 0);
	EXPECT_EQ(svm_free(s->fd, va), 0);
}

/* Let a thread have the lock, until the page that it writes to is brought. */
static inline void reg_stalled_lock(void)
{
	stalled_open(&control, 1);
	ASSERT_EQ((intptr_t)mremap(control.pages, PAGE, PAGE, MREMAP_MAYMOVE |
				   MREMAP_FIXED, control_page),
		  (intptr_t)control_page);
	control.pages = control_page;
	stalled_range(&control, UFFDIO_REGISTER_MODE_MISSING);
	holder = (struct staller){ .fd = r.fd, .call = reg_stalled_call };
	staller_start(&holder);
	stalled_wait(&control, 1);
}

/* From here on it is an ordinary page, which serves as well. */
static inline void reg_stalled_unlock(void)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)control_page, PAGE },
	};

	ASSERT_EQ(SYS(ioctl(control.uffd, UFFDIO_ZEROPAGE, &zero)), 0);
	ASSERT(EVENTUALLY(holder.back, 20000));
	close(control.uffd);
}

static inline char *registered(void)
{
	char *p = own_private(LENGTH);

	memset(p, 0x11, LENGTH);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	ASSERT_EQ(pages_mapped(&r.pt, p, LENGTH), PAGES);
	return p;
}

static inline bool is_free(const char *p)
{
	struct vma v;

	return !maps_find(p, &v);
}

#endif /* ROCSVM_TESTS_REG_STALLED_H */
