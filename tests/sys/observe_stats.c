// SPDX-License-Identifier: MIT
/*
 * debugfs: the file "stats" counts each call and each failure, KFD's calls, what
 * was carved, and faults that were refused.
 */
#include "observe.h"

static uint64_t stat(const char *name)
{
	uint64_t value = stat_number(getpid(), name);

	if (value == UINT64_MAX)
		say("no %s", name);
	EXPECT_NE(value, UINT64_MAX);
	return value;
}

static int batch(int fd, struct rocsvm_batch_entry *entries, uint32_t n)
{
	struct rocsvm_batch args = {
		.size = sizeof(args), .flags = ROCSVM_BATCH_CONTINUE,
		.entries = (uintptr_t)entries, .num_entries = n,
	};

	return svm_ioctl(fd, ROCSVM_BATCH, &args);
}

static void calls(int fd)
{
	struct rocsvm_free bad = { .size = sizeof(bad), .va = 1 };
	struct rocsvm_batch_entry entries[2] = {
		{ .cmd = ROCSVM_FREE, .arg = (uintptr_t)&bad },
		{ .cmd = ROCSVM_FREE, .arg = (uintptr_t)&bad },
	};
	uint64_t allocs = stat("alloc_calls"), frees = stat("free_calls");
	uint64_t failed = stat("free_failures"), kfd = stat("kfd_calls");
	uint64_t carves = stat("carves");
	void *va[10];

	for (int i = 0; i < 10; i++)
		va[i] = svm_alloc(fd, i & 1 ? ROCSVM_KIND_GTT :
				  ROCSVM_KIND_HOST, PAGE);
	EXPECT_EQ(stat("alloc_calls"), allocs + 10);
	EXPECT_EQ(stat("alloc_failures"), 0);
	EXPECT_EQ(stat("kfd_calls"), kfd + 10);
	EXPECT_EQ(stat("carves"), carves + 5);
	EXPECT_EQ(svm_map_all(fd, va[0]), 0);
	EXPECT_EQ(svm_map_all(fd, NULL), -ENOENT);
	EXPECT_EQ(stat("map_calls"), 2);
	EXPECT_EQ(stat("map_failures"), 1);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
	EXPECT_EQ(batch(fd, entries, 2), 0);
	EXPECT_EQ(stat("free_calls"), frees + 12);
	EXPECT_EQ(stat("free_failures"), failed + 2);
	EXPECT_EQ(stat("batch_calls"), 1);
	EXPECT_EQ(stat("batch_failures"), 0);
	EXPECT_EQ(stat("acquire_vm_calls"), 1);
	EXPECT_EQ(stat("heals"), 0);
}

static void passed(int fd)
{
	struct kfd_ioctl_get_version_args version = { 0 };
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = 1 };
	uint64_t kfd = stat("kfd_calls");

	EXPECT_EQ(stat("passed_calls"), 0);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &version), 0);
	EXPECT_LT(svm_ioctl(fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args), 0);
	EXPECT_EQ(stat("passed_calls"), 2);
	EXPECT_EQ(stat("passed_failures"), 1);
	EXPECT_EQ(stat("kfd_calls"), kfd);
}

static void faults(int fd)
{
	char *va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	char *private = svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, KiB(64));

	EXPECT_EQ(stat("faults_refused"), 0);
	EXPECT_EQ(probe_write(va), 0);
	EXPECT_EQ(stat("faults_refused"), 0);
	EXPECT_EQ(probe_write(va + PAGE), PROBE_MAPERR);
	EXPECT_EQ(stat("faults_refused"), 1);
	EXPECT_EQ(probe_read(private), PROBE_MAPERR);
	EXPECT_EQ(stat("faults_refused"), 2);
}

static void test(void)
{
	int fd = svm_start();

	/* With the first of its kind KFD is asked what it can do. */
	EXPECT_EQ(svm_free(fd, svm_alloc(fd, ROCSVM_KIND_GTT, PAGE)), 0);
	calls(fd);
	passed(fd);
	faults(fd);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
