/* SPDX-License-Identifier: MIT */
/*
 * What the tests of EXPORT and IMPORT share: both ioctls, dma-bufs as files,
 * and GEM objects as libdrm makes and shares them.
 */
#ifndef ROCSVM_TESTS_SHARE_H
#define ROCSVM_TESTS_SHARE_H

#include <sys/stat.h>

#include <drm/amdgpu_drm.h>
#include <drm/drm.h>

#include "harness.h"

/* ---- rocsvm ------------------------------------------------------------- */

/* A descriptor, or -errno. */
static inline int svm_export(int fd, void *va)
{
	struct rocsvm_export args = {
		.size = sizeof(args),
		.va = (uintptr_t)va,
		.fd = -1,
	};
	int r = svm_ioctl(fd, ROCSVM_EXPORT, &args);

	return r ? r : args.fd;
}

static inline int svm_import_args(int fd, struct rocsvm_import *args)
{
	args->size = sizeof(*args);
	return svm_ioctl(fd, ROCSVM_IMPORT, args);
}

/* Import with all defaults, mapped to no GPU; ends the test on failure. */
static inline char *svm_import(int fd, int dmabuf)
{
	struct rocsvm_import args = { .fd = dmabuf };

	ASSERT_EQ(svm_import_args(fd, &args), 0);
	ASSERT(args.va);
	return (char *)(uintptr_t)args.va;
}

static inline uint64_t svm_num_buffers(int fd)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers;
}

/* ---- dma-bufs ----------------------------------------------------------- */

/* Each dma-buf has an inode of its own. */
static inline uint64_t fd_inode(int fd)
{
	struct stat st;

	ASSERT_EQ(SYS(fstat(fd, &st)), 0);
	return st.st_ino;
}

static inline char *fd_map(int fd, uint64_t length)
{
	char *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ASSERT(p != MAP_FAILED);
	return p;
}

/* Open descriptors of this process: the one that looks is not counted. */
static inline int fd_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* ---- GEM objects through a render file ---------------------------------- */

/* A handle, or -errno. */
static inline int gem_create(int drm, uint64_t length, uint64_t domain,
			     uint64_t flags)
{
	union drm_amdgpu_gem_create args = {
		.in = {
			.bo_size = length,
			.alignment = PAGE,
			.domains = domain,
			.domain_flags = flags,
		},
	};
	int r = SYS(ioctl(drm, DRM_IOCTL_AMDGPU_GEM_CREATE, &args));

	return r ? r : (int)args.out.handle;
}

static inline void gem_close(int drm, int handle)
{
	struct drm_gem_close args = { .handle = handle };

	EXPECT_EQ(SYS(ioctl(drm, DRM_IOCTL_GEM_CLOSE, &args)), 0);
}

static inline char *gem_map(int drm, int handle, uint64_t length)
{
	union drm_amdgpu_gem_mmap args = { .in.handle = handle };
	char *p;

	ASSERT_EQ(SYS(ioctl(drm, DRM_IOCTL_AMDGPU_GEM_MMAP, &args)), 0);
	p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, drm,
		 args.out.addr_ptr);
	ASSERT(p != MAP_FAILED);
	return p;
}

/* PRIME export: a descriptor, or -errno. @flags: DRM_RDWR or 0. */
static inline int prime_export(int drm, int handle, uint32_t flags)
{
	struct drm_prime_handle args = {
		.handle = handle,
		.flags = DRM_CLOEXEC | flags,
		.fd = -1,
	};
	int r = SYS(ioctl(drm, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args));

	return r ? r : args.fd;
}

/* PRIME import: a handle, or -errno. */
static inline int prime_import(int drm, int fd)
{
	struct drm_prime_handle args = { .fd = fd };
	int r = SYS(ioctl(drm, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args));

	return r ? r : (int)args.handle;
}

#endif /* ROCSVM_TESTS_SHARE_H */
