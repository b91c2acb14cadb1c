// SPDX-License-Identifier: MIT
/*
 * KFD refuses in the middle of a call: REGISTER, MAP and UNREGISTER leave what
 * there was as it was. KFD is brought to refuse by its own ioctls, behind
 * rocsvm's back: an object of the program's at an address that is registered
 * later can't be mapped twice; one mapped behind its back can't be freed.
 */
#include "reg.h"

#define PAGES 8

static struct reg r;
static char *memory;

static char *at(int page)
{
	return memory + page * PAGE;
}

static uint64_t kfd_object(char *p, uint64_t length)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args alloc = {
		.va_addr = (uintptr_t)p,
		.mmap_offset = (uintptr_t)p,
		.size = length,
		.gpu_id = r.gpu,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_USERPTR |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};

	ASSERT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc), 0);
	return alloc.handle;
}

static int kfd_map(uint64_t handle)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = handle,
		.device_ids_array_ptr = (uintptr_t)&r.gpu,
		.n_devices = 1,
	};

	return svm_ioctl(r.fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args);
}

static int kfd_unmap(uint64_t handle)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args args = {
		.handle = handle,
		.device_ids_array_ptr = (uintptr_t)&r.gpu,
		.n_devices = 1,
	};

	return svm_ioctl(r.fd, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &args);
}

/* "x" where the GPU has a page of memory, "." where it has none */
static const char *picture(void)
{
	static char text[PAGES + 1];

	for (int i = 0; i < PAGES; i++)
		text[i] = pages_mapped(&r.pt, at(i), PAGE) ? 'x' : '.';
	return text;
}

static void expect_picture(int line, const char *wanted)
{
	const char *seen = picture();

	if (strcmp(seen, wanted))
		say("line %d: the GPU has %s instead of %s", line, seen, wanted);
	EXPECT_EQ(strcmp(seen, wanted), 0);
}

#define EXPECT_PICTURE(wanted) expect_picture(__LINE__, wanted)

/* An object of KFD's at page 5, mapped: what meets it can't be. */
static void cannot_map(void)
{
	struct kfd_ioctl_free_memory_of_gpu_args release = {
		.handle = kfd_object(at(5), PAGE),
	};

	ASSERT_EQ(kfd_map(release.handle), 0);
	EXPECT_PICTURE(".....x..");

	/* all new: nothing of it remains */
	EXPECT_EQ(reg_add_mapped(r.fd, at(0), 8 * PAGE, r.gpu), -EINVAL);
	EXPECT_PICTURE(".....x..");
	EXPECT_REGISTERED(r.fd, 0, 0);
	EXPECT_EQ(reg_segment(r.fd, at(0)).length, 0);

	/* old ones on both sides, which lose what the call had given them */
	ASSERT_EQ(reg_add(r.fd, at(0), PAGE), 0);
	ASSERT_EQ(reg_add_mapped(r.fd, at(2), PAGE, r.gpu), 0);
	ASSERT_EQ(reg_add(r.fd, at(7), PAGE), 0);
	EXPECT_PICTURE("..x..x..");
	EXPECT_EQ(reg_add_mapped(r.fd, at(0), 8 * PAGE, r.gpu), -EINVAL);
	EXPECT_PICTURE("..x..x..");
	EXPECT_REGISTERED(r.fd, 3, 3 * PAGE);
	EXPECT_EQ(reg_segment(r.fd, at(2)).num_registrations, 1);
	EXPECT_EQ(reg_segment(r.fd, at(1)).length, 0);

	/* MAP of them all: the same */
	ASSERT_EQ(reg_add(r.fd, at(0), 8 * PAGE), 0);
	EXPECT_EQ(svm_map(r.fd, at(0), &r.gpu, 1), -EINVAL);
	EXPECT_PICTURE("..x..x..");
	ASSERT_EQ(reg_end(r.fd, at(0), 8 * PAGE), 0);
	EXPECT_PICTURE("..x..x..");

	/* Once the object is gone they can. */
	ASSERT_EQ(kfd_unmap(release.handle), 0);
	ASSERT_EQ(svm_ioctl(r.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &release), 0);
	ASSERT_EQ(reg_add_mapped(r.fd, at(0), 8 * PAGE, r.gpu), 0);
	EXPECT_PICTURE("xxxxxxxx");
	reg_check_identity(&r, "after all", memory, PAGES * PAGE);
	ASSERT_EQ(reg_end(r.fd, at(0), PAGE), 0);
	ASSERT_EQ(reg_end(r.fd, at(2), PAGE), 0);
	ASSERT_EQ(reg_end(r.fd, at(7), PAGE), 0);
	ASSERT_EQ(reg_end(r.fd, at(0), 8 * PAGE), 0);
	EXPECT_PICTURE("........");
	EXPECT_REGISTERED(r.fd, 0, 0);
}

/* The last of three segments is mapped where rocsvm does not know it. */
static void cannot_free(void)
{
	uint64_t handle;

	ASSERT_EQ(reg_add_mapped(r.fd, at(2), PAGE, r.gpu), 0);
	ASSERT_EQ(reg_add(r.fd, at(6), PAGE), 0);
	ASSERT_EQ(reg_add(r.fd, at(0), 8 * PAGE), 0);
	ASSERT_EQ(reg_end(r.fd, at(2), PAGE), 0);
	ASSERT_EQ(reg_end(r.fd, at(6), PAGE), 0);
	handle = reg_segment(r.fd, at(6)).handle;
	EXPECT_PICTURE("..x.....");
	ASSERT_EQ(kfd_map(handle), 0);
	EXPECT_PICTURE("..x...x.");

	EXPECT_EQ(reg_end(r.fd, at(0), 8 * PAGE), -EBUSY);
	EXPECT_PICTURE("..x...x.");
	EXPECT_REGISTERED(r.fd, 1, 8 * PAGE);
	for (int i = 0; i < PAGES; i++) {
		EXPECT_EQ(reg_segment(r.fd, at(i)).num_registrations, 1);
		EXPECT_NE(reg_segment(r.fd, at(i)).handle, 0);
	}
	EXPECT_EQ(reg_segment(r.fd, at(6)).handle, handle);
	reg_check_identity(&r, "as before", at(2), PAGE);

	ASSERT_EQ(kfd_unmap(handle), 0);
	EXPECT_EQ(reg_end(r.fd, at(0), 8 * PAGE), 0);
	EXPECT_PICTURE("........");
	EXPECT_REGISTERED(r.fd, 0, 0);
}

/* The control page, through which KFD is called, is gone for a while. */
static void cannot_call(void)
{
	struct vma control;
	char *page;

	ASSERT_EQ(reg_add_mapped(r.fd, at(1), 2 * PAGE, r.gpu), 0);
	ASSERT_EQ(maps_named(0, "anon_inode:[rocsvm]"), 1);
	for (page = NULL; maps_read(0, (uintptr_t)page, UINT64_MAX / 2, &control, 1);
	     page = (char *)control.end)
		if (!strcmp(control.name, "anon_inode:[rocsvm]"))
			break;
	page = (char *)control.start;
	ASSERT_EQ(mprotect(page, PAGE, PROT_NONE), 0);
	EXPECT_EQ(reg_end(r.fd, at(1), 2 * PAGE), -EFAULT);
	EXPECT_EQ(reg_add(r.fd, at(5), PAGE), -EFAULT);
	EXPECT_EQ(svm_unmap_all(r.fd, at(1)), -EFAULT);
	ASSERT_EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
	EXPECT_PICTURE(".xx.....");
	EXPECT_REGISTERED(r.fd, 1, 2 * PAGE);
	EXPECT_EQ(reg_add(r.fd, at(5), PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, at(5), PAGE), 0);
	EXPECT_EQ(reg_end(r.fd, at(1), 2 * PAGE), 0);
	EXPECT_PICTURE("........");
	EXPECT_REGISTERED(r.fd, 0, 0);
}

static void test(void)
{
	reg_open(&r);
	memory = own_private(PAGES * PAGE);
	cannot_map();
	cannot_free();
	cannot_call();
	reg_close(&r);
}

int main(void)
{
	return test_main(test);
}
