// SPDX-License-Identifier: MIT
/*
 * What EXPORT and IMPORT refuse, with the error that is documented, and that
 * nothing is left of what failed: no descriptor, no buffer, no address.
 */
#include "share.h"

#include <sys/resource.h>
#include <linux/udmabuf.h>

#define LENGTH KiB(64)

static int fd;
static uint32_t gpu_id;
static struct rocsvm_info window;

/* A page that the kernel can read and not write to. */
static void *read_only_copy(const void *from, size_t size)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT(page != MAP_FAILED);
	memcpy(page, from, size);
	ASSERT_EQ(SYS(mprotect(page, PAGE, PROT_READ)), 0);
	return page;
}

static void not_exported(void)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_ADDRESS,
	};
	struct rocsvm_alloc aql = {
		.kind = ROCSVM_KIND_GTT,
		.gpu_id = gpu_id,
		.flags = ROCSVM_ALLOC_AQL_QUEUE,
		.length = LENGTH,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		void *va = svm_alloc(fd, kinds[i], LENGTH);

		EXPECT_EQ(svm_export(fd, va), -EOPNOTSUPP);
		EXPECT_EQ(svm_free(fd, va), 0);
	}
	ASSERT_EQ(svm_alloc_args(fd, &aql), 0);
	EXPECT_EQ(svm_export(fd, (void *)(uintptr_t)aql.va), -EOPNOTSUPP);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)aql.va), 0);
}

static void bad_export(char *buffer)
{
	struct rocsvm_export args = {
		.size = sizeof(args),
		.va = (uintptr_t)buffer,
	};

	EXPECT_EQ(svm_export(fd, buffer + PAGE), -ENOENT);
	EXPECT_EQ(svm_export(fd, NULL), -ENOENT);
	args.flags = 1;
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_EXPORT, &args), -EOPNOTSUPP);
	args.flags = 0;
	args.__reserved = 1;
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_EXPORT, &args), -EOPNOTSUPP);
	args.__reserved = 0;
	args.size = 8;
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_EXPORT, &args), -EINVAL);
}

static void no_descriptor_left(char *buffer)
{
	struct rlimit limit, none;
	int n = fd_count(), dmabuf;
	struct rocsvm_export args = {
		.size = sizeof(args),
		.va = (uintptr_t)buffer,
	};
	void *page = read_only_copy(&args, sizeof(args));

	ASSERT_EQ(SYS(getrlimit(RLIMIT_NOFILE, &limit)), 0);
	none = limit;
	none.rlim_cur = 0;
	ASSERT_EQ(SYS(setrlimit(RLIMIT_NOFILE, &none)), 0);
	EXPECT_EQ(svm_export(fd, buffer), -EMFILE);
	ASSERT_EQ(SYS(setrlimit(RLIMIT_NOFILE, &limit)), 0);
	/* the number can't be told: no descriptor is made */
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_EXPORT, page), -EFAULT);
	EXPECT_EQ(fd_count(), n);
	dmabuf = svm_export(fd, buffer);
	EXPECT_GE(dmabuf, 0);
	close(dmabuf);
	EXPECT_EQ(SYS(munmap(page, PAGE)), 0);
}

static int import_of(int dmabuf)
{
	struct rocsvm_import args = { .fd = dmabuf };

	return svm_import_args(fd, &args);
}

/* A dma-buf of another driver's, if there is one: -errno if not. */
static int foreign_dmabuf(void)
{
	struct udmabuf_create create = { .size = LENGTH };
	int udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), r;

	if (udmabuf < 0)
		return -errno;
	create.memfd = memfd_create("memory", MFD_ALLOW_SEALING);
	ASSERT_GE(create.memfd, 0);
	ASSERT_EQ(SYS(ftruncate(create.memfd, LENGTH)), 0);
	ASSERT_EQ(SYS(fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK)), 0);
	r = SYS(ioctl(udmabuf, UDMABUF_CREATE, &create));
	close(create.memfd);
	close(udmabuf);
	return r;
}

static void not_imported(void)
{
	int null = open("/dev/null", O_RDWR), foreign = foreign_dmabuf();

	ASSERT_GE(null, 0);
	EXPECT_EQ(import_of(-1), -EBADF);
	EXPECT_EQ(import_of(999), -EBADF);
	EXPECT_EQ(import_of(null), -EINVAL);
	EXPECT_EQ(import_of(fd), -EINVAL);
	if (foreign >= 0) {
		EXPECT_EQ(import_of(foreign), -EINVAL);
		close(foreign);
	} else {
		say("no dma-buf of another driver's here: %s",
		    strerror(-foreign));
	}
	close(null);
}

static void bad_import(int dmabuf)
{
	const struct {
		struct rocsvm_import args;
		int result;
	} cases[] = {
		{ { .flags = 2 }, -EOPNOTSUPP },
		{ { .flags = ROCSVM_ALLOC_IMPORTED }, -EOPNOTSUPP },
		{ { .flags = ROCSVM_ALLOC_EXECUTABLE }, -EOPNOTSUPP },
		{ { .va = PAGE }, -EINVAL },
		{ { .alignment = 3 * PAGE }, -EINVAL },
		{ { .alignment = GiB(2) }, -EINVAL },
		{ { .guard = 1 }, -EINVAL },
		{ { .guard = GiB(2) }, -EINVAL },
		{ { .flags = ROCSVM_ALLOC_FIXED,
		    .va = window.window_base + 1 }, -EINVAL },
		{ { .flags = ROCSVM_ALLOC_FIXED,
		    .va = window.window_base - PAGE }, -ERANGE },
		{ { .flags = ROCSVM_ALLOC_FIXED,
		    .va = window.huge_base + GiB(1) }, -ERANGE },
		{ { .num_gpus = 65, .gpu_ids = (uintptr_t)&gpu_id }, -EINVAL },
		{ { .num_gpus = 1, .gpu_ids = 8 }, -EFAULT },
		{ { .num_gpus = 1, .gpu_ids = (uintptr_t)&window }, -ENODEV },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rocsvm_import args = cases[i].args;

		args.fd = dmabuf;
		EXPECT_EQ(svm_import_args(fd, &args), cases[i].result);
		EXPECT_EQ(svm_num_buffers(fd), 1);
	}
}

/* The address can't be told: the buffer is undone. */
static void import_not_told(char *buffer, int dmabuf)
{
	struct rocsvm_import args = {
		.size = sizeof(args),
		.fd = dmabuf,
		.flags = ROCSVM_ALLOC_FIXED,
		.va = (uintptr_t)buffer + MiB(1),
		.gpu_ids = (uintptr_t)&gpu_id,
		.num_gpus = 1,
	};
	void *page = read_only_copy(&args, sizeof(args));

	EXPECT_EQ(svm_ioctl(fd, ROCSVM_IMPORT, page), -EFAULT);
	EXPECT_EQ(svm_num_buffers(fd), 1);
	/* its address is free */
	EXPECT_EQ(svm_import_args(fd, &args), 0);
	args.flags = ROCSVM_ALLOC_FIXED;
	EXPECT_EQ(svm_import_args(fd, &args), -EEXIST);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)args.va), 0);
	EXPECT_EQ(SYS(munmap(page, PAGE)), 0);
}

/* With the GPU's VM not acquired; the descriptor is inherited. */
static void not_acquired(void *arg)
{
	struct rocsvm_import args = { .fd = *(int *)arg };
	int own = svm_open();

	ASSERT_GE(own, 0);
	EXPECT_EQ(svm_import_args(own, &args), -ENODEV);
	EXPECT_EQ(svm_num_buffers(own), 0);
	close(own);
}

static void test(void)
{
	char *buffer;
	int dmabuf;

	fd = svm_start();
	gpu_id = svm_gpu(fd, 0);
	ASSERT_EQ(svm_info(fd, &window), 0);
	not_exported();
	not_imported();
	buffer = svm_alloc(fd, ROCSVM_KIND_VRAM, LENGTH);
	bad_export(buffer);
	no_descriptor_left(buffer);
	dmabuf = svm_export(fd, buffer);
	ASSERT_GE(dmabuf, 0);
	bad_import(dmabuf);
	import_not_told(buffer, dmabuf);
	EXPECT_EQ(run_child(not_acquired, &dmabuf), 0);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	close(dmabuf);
	EXPECT_EQ(svm_num_buffers(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
