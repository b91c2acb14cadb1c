// SPDX-License-Identifier: MIT
/*
 * A process imports what another one has exported: both have the same memory at
 * addresses of their own, their GPU page tables lead to the same bytes of VRAM,
 * and the memory outlives the process that it came from. Of private VRAM the CPU
 * can see what amdgpu lets it map.
 */
#include "pagetable.h"
#include "share.h"

#include <sys/socket.h>

#define LENGTH KiB(256)
#define PAGES (LENGTH / PAGE)

static int pair[2];
static struct sync copied, go;

/* Where the GPU finds each page. */
struct places {
	uint64_t address[PAGES];
};

static void find_places(struct pagetable *pt, void *va, struct places *places)
{
	int vmid = pagetable_vmid(pt);

	for (size_t i = 0; i < PAGES; i++) {
		struct gpu_pte pte;

		ASSERT(pagetable_walk(pt, vmid, (uintptr_t)va + i * PAGE, &pte));
		EXPECT(!pte.system);
		EXPECT(pte.writable);
		places->address[i] = pte.address;
	}
}

static void send_buffer(struct pagetable *pt, int fd, void *buffer)
{
	int dmabuf = svm_export(fd, buffer);
	struct places places;

	ASSERT_GE(dmabuf, 0);
	EXPECT_EQ(svm_map_all(fd, buffer), 0);
	find_places(pt, buffer, &places);
	fd_send(pair[1], dmabuf);
	close(dmabuf);
	ASSERT_EQ(SYS(write(pair[1], &places, sizeof(places))), sizeof(places));
}

/* Exports, copies into what it has exported, and is gone. */
static void exporter(void *arg)
{
	struct gpuqueue queue;
	struct pagetable pt;
	char *source, *vram, *private;
	int fd;

	(void)arg;
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	source = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	vram = svm_alloc(fd, ROCSVM_KIND_VRAM, LENGTH);
	private = svm_alloc(fd, ROCSVM_KIND_PRIVATE_VRAM, LENGTH);
	EXPECT_EQ(svm_map_all(fd, source), 0);
	send_buffer(&pt, fd, vram);
	send_buffer(&pt, fd, private);

	pattern_fill(source, LENGTH, 1);
	EXPECT_EQ(gpuqueue_copy(&queue, vram, source, LENGTH), 0);
	pattern_fill(source, LENGTH, 2);
	EXPECT_EQ(gpuqueue_copy(&queue, private, source, LENGTH), 0);
	sync_post(&copied);
	/* what the other one writes is seen here, too */
	sync_wait(&go);
	EXPECT_EQ(pattern_differs(vram, LENGTH, 3), -1);
	EXPECT_EQ(gpuqueue_copy(&queue, source, private, LENGTH), 0);
	EXPECT_EQ(pattern_differs(source, LENGTH, 3), -1);
}

static char *receive(struct pagetable *pt, int fd, uint64_t tag)
{
	int dmabuf = fd_recv(pair[0]);
	struct rocsvm_import args = {
		.fd = dmabuf,
		.tag = tag,
		.gpu_ids = (uintptr_t)&pt->gpu_id,
		.num_gpus = 1,
	};
	struct places theirs, ours;
	struct rocsvm_query query;

	ASSERT_EQ(SYS(recv(pair[0], &theirs, sizeof(theirs), MSG_WAITALL)),
		  sizeof(theirs));
	ASSERT_EQ(svm_import_args(fd, &args), 0);
	close(dmabuf);
	EXPECT_EQ(args.length, LENGTH);
	EXPECT_EQ(args.kind, ROCSVM_KIND_VRAM);
	EXPECT_EQ(args.gpu_id, pt->gpu_id);
	query = (struct rocsvm_query){ .va = args.va + LENGTH - 1 };
	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.va, args.va);
	EXPECT_EQ(query.length, LENGTH);
	EXPECT_EQ(query.kind, ROCSVM_KIND_VRAM);
	EXPECT_EQ(query.tag, tag);
	EXPECT_EQ(query.num_gpus, 1);
	EXPECT_EQ(query.alloc_flags, ROCSVM_ALLOC_IMPORTED);

	find_places(pt, (void *)(uintptr_t)args.va, &ours);
	EXPECT_EQ(memcmp(&ours, &theirs, sizeof(ours)), 0);
	say("%llx here, VRAM %lx ...", args.va, ours.address[0]);
	return (char *)(uintptr_t)args.va;
}

static void use(struct gpuqueue *queue, char *vram, char *private, char *host)
{
	EXPECT_EQ(pattern_differs(vram, LENGTH, 1), -1);
	EXPECT_EQ(gpuqueue_copy(queue, host, private, LENGTH), 0);
	EXPECT_EQ(pattern_differs(host, LENGTH, 2), -1);
	EXPECT_EQ(pattern_differs(private, LENGTH, 2), -1);
	pattern_fill(vram, LENGTH, 3);
	EXPECT_EQ(gpuqueue_copy(queue, private, vram, LENGTH), 0);
}

static void test(void)
{
	struct identity seen;
	struct gpuqueue queue;
	struct pagetable pt;
	char *vram, *private, *host;
	uint64_t before;
	pid_t pid;
	int fd;

	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)), 0);
	sync_init(&copied);
	sync_init(&go);
	pid = child_start(exporter, NULL);
	fd = svm_start();
	gpuqueue_open(&queue, fd, svm_gpu(fd, 0));
	pagetable_open(&pt, &queue);
	host = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	EXPECT_EQ(svm_map_all(fd, host), 0);

	vram = receive(&pt, fd, 11);
	private = receive(&pt, fd, 12);
	sync_wait(&copied);
	use(&queue, vram, private, host);
	sync_post(&go);
	EXPECT_EQ(child_wait(pid), 0);

	/* it is gone; CPU and GPU still find the same bytes here */
	before = kfd_available(fd, pt.gpu_id);
	EXPECT_EQ(pattern_differs(vram, LENGTH, 3), -1);
	EXPECT_EQ(identity_check(&pt, "imported", vram, LENGTH, PLACE_VRAM,
				 &seen), 0);
	memset(vram, 0, LENGTH);
	EXPECT_EQ(gpuqueue_copy(&queue, vram, private, LENGTH), 0);
	EXPECT_EQ(pattern_differs(vram, LENGTH, 3), -1);
	EXPECT_EQ(svm_free(fd, vram), 0);
	EXPECT_EQ(svm_free(fd, private), 0);
	EXPECT_NE(probe_read(vram), 0);
	EXPECT_GE(kfd_available(fd, pt.gpu_id), before);
	pagetable_close(&pt);
	gpuqueue_close(&queue);
	EXPECT_EQ(svm_free(fd, host), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
