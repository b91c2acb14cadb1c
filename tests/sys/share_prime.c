// SPDX-License-Identifier: MIT
/*
 * Exported buffers among DRM's own exports and imports, in the orders in which
 * an object could end up with two dma-bufs: each time it is the same one, and
 * the kernel has nothing to warn of.
 */
#include "share.h"
#include "window.h"

#include <sys/socket.h>

#define LENGTH KiB(64)

static int fd, drm, other_drm;
static uint64_t inode;

/* A descriptor of the buffer's one and only dma-buf. */
static int export_again(void *buffer)
{
	int dmabuf = svm_export(fd, buffer);

	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(fd_inode(dmabuf), inode);
	return dmabuf;
}

static int export_first(void *buffer)
{
	int dmabuf = svm_export(fd, buffer);

	ASSERT_GE(dmabuf, 0);
	inode = fd_inode(dmabuf);
	return dmabuf;
}

/* PRIME import, then PRIME export of the handle: the same dma-buf. */
static int prime_both_ways(int file, int dmabuf)
{
	int handle = prime_import(file, dmabuf), back;

	ASSERT_GT(handle, 0);
	back = prime_export(file, handle, DRM_RDWR);
	ASSERT_GE(back, 0);
	EXPECT_EQ(fd_inode(back), inode);
	close(back);
	return handle;
}

/* Export, import, close the handle, and once more. */
static void by_turns(uint32_t kind)
{
	char *buffer = svm_alloc(fd, kind, LENGTH);
	int first = export_first(buffer), again, handle;

	for (int i = 0; i < 3; i++) {
		handle = prime_both_ways(drm, first);
		again = export_again(buffer);
		EXPECT_EQ(prime_import(drm, again), handle);
		gem_close(drm, handle);
		handle = prime_both_ways(drm, again);
		EXPECT_EQ(prime_import(drm, first), handle);
		gem_close(drm, handle);
		close(again);
	}
	close(first);
	again = export_again(buffer);
	gem_close(drm, prime_both_ways(drm, again));
	close(again);
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

/* In two render files at once; closed in either order. */
static void two_files(uint32_t kind)
{
	for (int order = 0; order < 2; order++) {
		char *buffer = svm_alloc(fd, kind, LENGTH);
		int dmabuf = export_first(buffer), again;
		int one = prime_both_ways(drm, dmabuf);
		int two = prime_both_ways(other_drm, dmabuf);

		gem_close(order ? drm : other_drm, order ? one : two);
		again = export_again(buffer);
		if (order)
			one = prime_both_ways(drm, again);
		else
			two = prime_both_ways(other_drm, again);
		gem_close(drm, one);
		gem_close(other_drm, two);
		EXPECT_EQ(svm_free(fd, buffer), 0);
		gem_close(drm, prime_both_ways(drm, dmabuf));
		gem_close(other_drm, prime_both_ways(other_drm, again));
		close(dmabuf);
		close(again);
	}
}

/* The buffer goes while DRM has it, comes back by IMPORT, is exported anew. */
static void freed_and_back(uint32_t kind)
{
	char *buffer = svm_alloc(fd, kind, LENGTH);
	int first = export_first(buffer), handle, again, back;

	handle = prime_both_ways(drm, first);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	buffer = svm_import(fd, first);
	again = export_again(buffer);
	EXPECT_EQ(prime_import(drm, again), handle);
	close(first);
	close(again);
	EXPECT_EQ(svm_free(fd, buffer), 0);

	/* now only DRM's handle has it */
	back = prime_export(drm, handle, DRM_RDWR);
	ASSERT_GE(back, 0);
	EXPECT_EQ(fd_inode(back), inode);
	gem_close(drm, handle);
	/* and now only the descriptor */
	buffer = svm_import(fd, back);
	again = export_again(buffer);
	handle = prime_both_ways(drm, again);
	EXPECT_EQ(prime_import(drm, back), handle);
	EXPECT_EQ(svm_free(fd, buffer), 0);
	gem_close(drm, handle);
	close(back);
	close(again);
}

/* A render file's end closes its handles. */
static void file_closed(uint32_t kind)
{
	char *buffer = svm_alloc(fd, kind, LENGTH);
	int first = export_first(buffer), again, file;

	for (int i = 0; i < 2; i++) {
		file = render_open(svm_gpu(fd, 0));
		ASSERT_GE(file, 0);
		prime_both_ways(file, first);
		again = export_again(buffer);
		close(file);
		gem_close(drm, prime_both_ways(drm, again));
		close(again);
	}
	close(first);
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

static int pair[2];

/* Another process imports, exports in its turn, and sends that back. */
static void middle_man(void *arg)
{
	int own = svm_start(), dmabuf, again;
	char *buffer;

	(void)arg;
	dmabuf = fd_recv(pair[1]);
	buffer = svm_import(own, dmabuf);
	close(dmabuf);
	again = svm_export(own, buffer);
	ASSERT_GE(again, 0);
	fd_send(pair[1], again);
	close(own);
}

static void round_trip(uint32_t kind)
{
	char *buffer, *imported;
	pid_t pid = child_start(middle_man, NULL);
	int first, handle, again, last;

	buffer = svm_alloc(fd, kind, LENGTH);
	first = export_first(buffer);
	fd_send(pair[0], first);
	again = fd_recv(pair[0]);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT_EQ(fd_inode(again), inode);
	handle = prime_both_ways(drm, first);
	EXPECT_EQ(prime_import(drm, again), handle);
	imported = svm_import(fd, again);
	last = export_again(imported);
	EXPECT_EQ(prime_import(drm, last), handle);
	gem_close(drm, handle);
	gem_close(drm, prime_both_ways(drm, last));
	EXPECT_EQ(svm_free(fd, buffer), 0);
	EXPECT_EQ(svm_free(fd, imported), 0);
	close(first);
	close(again);
	close(last);
}

static void test(void)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM, ROCSVM_KIND_PRIVATE_VRAM,
	};
	int log = klog_open();

	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	/* the children begin with a space of their own */
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = svm_start();
		drm = render_open(svm_gpu(fd, 0));
		other_drm = render_open(svm_gpu(fd, 0));
		ASSERT(drm >= 0 && other_drm >= 0);
		by_turns(kinds[i]);
		two_files(kinds[i]);
		freed_and_back(kinds[i]);
		file_closed(kinds[i]);
		round_trip(kinds[i]);
		EXPECT_EQ(svm_num_buffers(fd), 0);
		close(drm);
		close(other_drm);
		close(fd);
	}
	EXPECT_EQ(klog_count(log, "WARNING"), 0);
	close(log);
}

int main(void)
{
	return test_main(test);
}
