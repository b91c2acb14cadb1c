// SPDX-License-Identifier: MIT
/*
 * REGISTER of memory that another thread has to bring (userfaultfd): that
 * thread can use the space meanwhile, and is not waited for under its lock.
 */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "reg.h"

#define PAGES 8

static struct reg r;
static char *memory;
static int uffd;
static unsigned long brought;

/* Bring one page after the other, each after a call that takes the lock. */
static void *pager(void *unused)
{
	while (brought < PAGES) {
		struct pollfd p = { .fd = uffd, .events = POLLIN };
		struct uffdio_zeropage zero = { .range.len = PAGE };
		struct rocsvm_info info;
		struct uffd_msg msg;

		ASSERT_EQ(SYS(poll(&p, 1, 20000)), 1);
		ASSERT_EQ(SYS(read(uffd, &msg, sizeof(msg))), sizeof(msg));
		ASSERT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
		EXPECT_EQ(svm_info(r.fd, &info), 0);
		EXPECT_EQ(info.num_registrations, 0);
		zero.range.start = msg.arg.pagefault.address & ~(PAGE - 1);
		ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_ZEROPAGE, &zero)), 0);
		brought++;
	}
	return unused;
}

static void test(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range.len = PAGES * PAGE, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pthread_t thread;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		test_skip("no userfaultfd");
	ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_API, &api)), 0);
	reg_open(&r);
	memory = own_private(PAGES * PAGE);
	range.range.start = (uintptr_t)memory;
	ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_REGISTER, &range)), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, pager, NULL), 0);
	EXPECT_EQ(reg_add_mapped(r.fd, memory, PAGES * PAGE, r.gpu), 0);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	EXPECT_EQ(brought, PAGES);
	reg_check_identity(&r, "brought by a thread", memory, PAGES * PAGE);
	EXPECT_EQ(reg_end(r.fd, memory, PAGES * PAGE), 0);
	close(uffd);
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
