// SPDX-License-Identifier: MIT
/*
 * kill -9 of the owner while another process holds its file: the memory goes
 * with the owner, not with the file.
 */
#include "harness.h"

#include <sys/prctl.h>

#define HOST_LENGTH MiB(64)
#define VRAM_LENGTH MiB(32)

static struct sync owner_ready, holder_ready, let_go;

static void holder(void *arg)
{
	int fd = (intptr_t)arg;
	struct rocsvm_info info;

	sync_post(&holder_ready);
	sync_wait(&let_go);
	EXPECT_EQ(svm_info(fd, &info), -EBADF);
	close(fd);
}

static void owner(void *arg)
{
	int fd = svm_start();
	char *host = svm_alloc(fd, ROCSVM_KIND_HOST, HOST_LENGTH);
	char *small = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(1));

	(void)arg;
	memset(host, 1, HOST_LENGTH);
	EXPECT_EQ(svm_map_all(fd, host), 0);
	EXPECT_EQ(svm_map_all(fd, small), 0);
	EXPECT_EQ(svm_map_all(fd, svm_alloc(fd, ROCSVM_KIND_VRAM, VRAM_LENGTH)), 0);
	EXPECT_EQ(test_failures, 0);
	child_start(holder, (void *)(intptr_t)fd);
	sync_wait(&holder_ready);
	sync_post(&owner_ready);
	pause();
}

static void test(void)
{
	int fd = svm_open(), kfd = kfd_open();
	uint32_t gpu_id;
	uint64_t available;
	int status = -1;
	long shmem;
	pid_t pid;

	/* the holder becomes this process's child when the owner dies */
	ASSERT_EQ(SYS(prctl(PR_SET_CHILD_SUBREAPER, 1)), 0);
	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	close(fd);
	sync_init(&owner_ready);
	sync_init(&holder_ready);
	sync_init(&let_go);
	available = kfd_available(kfd, gpu_id);
	shmem = meminfo_kb("Shmem");
	pid = child_start(owner, NULL);
	sync_wait(&owner_ready);
	EXPECT_GE(meminfo_kb("Shmem"), shmem + (long)(HOST_LENGTH / 1024));
	EXPECT_LE(kfd_available(kfd, gpu_id), available - VRAM_LENGTH);
	say("Shmem %ld kB, with the buffers %ld kB", shmem, meminfo_kb("Shmem"));

	ASSERT_EQ(SYS(kill(pid, SIGKILL)), 0);
	child_wait(pid);
	EXPECT(EVENTUALLY(meminfo_kb("Shmem") < shmem + 2048, 10000));
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu_id) == available, 10000));
	EXPECT(EVENTUALLY(svm_counter("buffers") == 0, 10000));
	EXPECT_EQ(svm_counter("reserved_bytes"), 0);
	say("Shmem %ld kB after the owner's death, %lu spaces",
	    meminfo_kb("Shmem"), svm_counter("spaces"));
	sync_post(&let_go);
	EXPECT_GT(SYS(wait(&status)), 0);
	EXPECT_EQ(status, 0);
	EXPECT(svm_all_gone());
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
