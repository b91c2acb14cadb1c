// SPDX-License-Identifier: MIT
/*
 * Mapped files: shared on tmpfs and memfd, what the GPU writes is in the file;
 * private, it is not. What the program may not write, may not read, or what is
 * no memory is refused with the documented errno, and amdgpu's log has no line
 * about it.
 */
#include "reg.h"

#define LENGTH KiB(32)

static struct reg r;

static int make_file(bool memfd)
{
	char path[] = "/tmp/reg_files.XXXXXX", zero[PAGE] = { 0 };
	int file = memfd ? memfd_create("reg_files", MFD_CLOEXEC) :
			   mkostemp(path, O_CLOEXEC);

	ASSERT_GE(file, 0);
	if (!memfd)
		unlink(path);
	for (uint64_t done = 0; done < LENGTH; done += PAGE)
		ASSERT_EQ(write(file, zero, PAGE), PAGE);
	return file;
}

/* Have the GPU write to a mapping, and look at the file behind it. */
static void check_writable(const char *what, int file, int flags, bool in_file)
{
	char *p = own(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, file);
	char *source = svm_alloc(r.fd, ROCSVM_KIND_GTT, LENGTH);
	char *seen = malloc(LENGTH);

	ASSERT(seen);
	ASSERT_EQ(svm_map_all(r.fd, source), 0);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	reg_check_identity(&r, what, p, LENGTH);
	pattern_fill(source, LENGTH, 3);
	EXPECT_EQ(gpuqueue_copy(&r.queue, p, source, LENGTH), 0);
	EXPECT_EQ(pattern_differs(p, LENGTH, 3), -1);
	ASSERT_EQ(pread(file, seen, LENGTH, 0), LENGTH);
	EXPECT_EQ(pattern_differs(seen, LENGTH, 3) == -1, in_file);
	if (!in_file)
		EXPECT_EQ(find_not(seen, 0, LENGTH), -1);
	ASSERT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	EXPECT_EQ(svm_free(r.fd, source), 0);
	munmap(p, LENGTH);
	free(seen);
}

static void refused(const char *what, char *p, uint64_t length, int error)
{
	int seen = reg_add_mapped(r.fd, p, length, r.gpu);

	say("%s: %s", what, strerror(-seen));
	EXPECT_EQ(seen, error);
	EXPECT_REGISTERED(r.fd, 0, 0);
}

static void check_protection(int file)
{
	char *p = own(NULL, LENGTH, PROT_READ, MAP_PRIVATE, file);

	refused("private file, read-only", p, LENGTH, -EPERM);
	ASSERT_EQ(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
	refused("its second page read-only", p, 2 * PAGE, -EPERM);
	munmap(p, LENGTH);
	p = own(NULL, LENGTH, PROT_READ, MAP_SHARED, file);
	refused("shared file, read-only", p, LENGTH, -EPERM);
	munmap(p, LENGTH);
	p = own_private(LENGTH);
	ASSERT_EQ(mprotect(p, LENGTH, PROT_READ), 0);
	refused("anonymous, read-only", p, LENGTH, -EPERM);
	ASSERT_EQ(mprotect(p, LENGTH, PROT_NONE), 0);
	refused("PROT_NONE", p, LENGTH, -EFAULT);
	ASSERT_EQ(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
	refused("its second page PROT_NONE", p, 2 * PAGE, -EFAULT);
	munmap(p, LENGTH);
	refused("nothing", p, LENGTH, -EFAULT);
	p = own(NULL, LENGTH + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	refused("behind the file's end", p, LENGTH + PAGE, -EFAULT);
	munmap(p, LENGTH + PAGE);
}

/* A device's registers, mapped through sysfs. */
static void check_device(void)
{
	char path[64], device[96];
	char *p = MAP_FAILED;

	for (int i = 0; i < 32 && p == MAP_FAILED; i++) {
		int file;

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:00:%02x.0", i);
		snprintf(device, sizeof(device), "%s/resource0", path);
		file = open(device, O_RDWR | O_CLOEXEC);
		if (file < 0)
			continue;
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		close(file);
	}
	ASSERT_NE((uintptr_t)p, (uintptr_t)MAP_FAILED);
	say("a device: %s", device);
	refused("a device's registers", p, PAGE, -EFAULT);
	munmap(p, PAGE);
}

static void test(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int file = make_file(false), memfd = make_file(true);
	char line[1024];
	long length;

	ASSERT_GE(log, 0);
	ASSERT_GE(lseek(log, 0, SEEK_END), 0);
	reg_open(&r);
	check_writable("private file", file, MAP_PRIVATE, false);
	check_writable("private memfd", memfd, MAP_PRIVATE, false);
	check_writable("shared file", file, MAP_SHARED, true);
	check_writable("shared memfd", memfd, MAP_SHARED, true);
	check_protection(file);
	check_device();
	reg_close(&r);
	close(file);
	close(memfd);
	while ((length = SYS(read(log, line, sizeof(line) - 1))) > 0) {
		line[length] = '\0';
		if (strstr(line, "user pages")) {
			say("%s", line);
			EXPECT(!"a line of amdgpu's in the log");
		}
	}
	close(log);
}

int main(void)
{
	return test_main(test);
}
