// SPDX-License-Identifier: MIT
/*
 * A process that may have no more descriptors: what needs one says so and
 * leaves nothing, everything else works.
 */
#include <sys/resource.h>

#include "hostile.h"
#include "reg.h"
#include "share.h"

static struct rlimit before;

/* No descriptor is left from here on. */
static void exhaust(void)
{
	int free_fd = SYS(dup(0));
	struct rlimit limit = before;

	ASSERT_GE(free_fd, 0);
	close(free_fd);
	limit.rlim_cur = free_fd;
	ASSERT_EQ(SYS(setrlimit(RLIMIT_NOFILE, &limit)), 0);
	ASSERT_EQ(SYS(dup(0)), -EMFILE);
}

static void relax(void)
{
	ASSERT_EQ(SYS(setrlimit(RLIMIT_NOFILE, &before)), 0);
}

static void test(void)
{
	struct account a = account_open();
	char *own, *gtt, *other;
	int fd, drm, dmabuf;

	ASSERT_EQ(SYS(getrlimit(RLIMIT_NOFILE, &before)), 0);

	exhaust();
	EXPECT_EQ(svm_open(), -EMFILE);
	relax();
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(svm_counter("spaces"), 0);

	fd = svm_open();
	drm = render_open(a.gpu);
	ASSERT_GE(fd, 0);
	ASSERT_GE(drm, 0);
	exhaust();
	EXPECT_EQ(svm_open(), -EMFILE);
	EXPECT_EQ(svm_acquire(fd, a.gpu, drm), 0);
	gtt = svm_alloc(fd, ROCSVM_KIND_GTT, KiB(64));
	use_all_kinds(fd, KiB(64));
	own = own_private(KiB(64));
	EXPECT_EQ(reg_add_mapped(fd, own, KiB(64), a.gpu), 0);
	/* What watches it is a file, and no descriptor. */
	munmap(own, PAGE);
	EXPECT_EQ(reg_segment(fd, own).num_gpus, 0);
	EXPECT_EQ(reg_end(fd, own, KiB(64)), 0);
	EXPECT_EQ(svm_export(fd, gtt), -EMFILE);
	relax();

	dmabuf = svm_export(fd, gtt);
	ASSERT_GE(dmabuf, 0);
	exhaust();
	other = svm_import(fd, dmabuf);
	strcpy(gtt, "the same");
	EXPECT_EQ(strcmp(other, "the same"), 0);
	EXPECT_EQ(svm_free(fd, other), 0);
	EXPECT_EQ(svm_free(fd, gtt), 0);
	EXPECT_EQ(svm_num_buffers(fd), 0);
	relax();
	close(dmabuf);
	close(drm);
	close(fd);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return test_main(test);
}
