// SPDX-License-Identifier: MIT
/*
 * userfaultfd can't be registered on any part of the window, in any mode in which
 * it would fill pages past the gate and stall KFD's page faults. (Linux 6.12 lets
 * a program watch writes to a whole mapping, UFFD_FEATURE_WP_ASYNC, which does
 * neither.)
 */
#include "window.h"

#include <linux/userfaultfd.h>

#ifndef UFFDIO_REGISTER_MODE_MINOR
#define UFFDIO_REGISTER_MODE_MINOR ((__u64)1 << 2)
#endif

static int uffd_open(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = SYS(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));

	if (fd == -ENOSYS)
		test_skip("no userfaultfd");
	ASSERT_GE(fd, 0);
	if (ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void refused(const char *what, uint64_t start, uint64_t length)
{
	static const uint64_t modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
		UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct uffdio_register args = {
			.range = { .start = start, .len = length },
			.mode = modes[i],
		};
		int fd = uffd_open(0);
		int r = SYS(ioctl(fd, UFFDIO_REGISTER, &args));

		if (r >= 0)
			say("%s: mode %" PRIu64 " was let through", what,
			    modes[i]);
		EXPECT_LT(r, 0);
		close(fd);
	}
}

static void test(void)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	char *before = maps_text(0, w.page_vma.start, w.control_vma.end);
	char *own = own_mapping(w.control_vma.end + GiB(1), PAGE, 1);
	struct uffdio_register args = {
		.range = { .start = (uintptr_t)own, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)host + MiB(1), .len = PAGE },
	};
	int fd;

	refused("page region's VMA", w.page_vma.start,
		w.page_vma.end - w.page_vma.start);
	refused("huge region's VMA", w.huge_vma.start,
		w.huge_vma.end - w.huge_vma.start);
	refused("the window", w.base, w.end - w.base);
	refused("host buffer", (uintptr_t)host, MiB(1));
	refused("guard page", (uintptr_t)host + MiB(1), PAGE);
	refused("huge host buffer", (uintptr_t)huge, HUGE_PAGE);
	refused("GTT buffer", (uintptr_t)gtt, MiB(1));
	refused("control page", w.control_vma.start, PAGE);

	/* What can be registered gives no power over the window. */
	fd = uffd_open(0);
	EXPECT_EQ(SYS(ioctl(fd, UFFDIO_REGISTER, &args)), 0);
	EXPECT_LT(SYS(ioctl(fd, UFFDIO_ZEROPAGE, &zero)), 0);
	close(fd);

	EXPECT(maps_same(0, w.page_vma.start, w.control_vma.end, before));
	EXPECT_DEAD(host + MiB(1));
	EXPECT_EQ(find_not(host, 0, MiB(1)), -1);
	free(before);
}

int main(void)
{
	return test_main(test);
}
