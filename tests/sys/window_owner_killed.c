// SPDX-License-Identifier: MIT
/*
 * A buffer's memory goes with its owner, not with the last file descriptor: it
 * comes back after kill -9 although a forked child, or another process that
 * was sent the file, still holds it.
 */
#include "window.h"

#include <sys/socket.h>

#define HOST_LENGTH MiB(32)
#define VRAM_LENGTH MiB(16)

static int kfd;
static uint32_t gpu;
static struct sync ready, done;
/* Shared by all of them. */
static pid_t *holder;

/* Fill a window, hand the file to a holder in the given way, wait. */
static void fill(struct window *w)
{
	memset(svm_alloc(w->fd, ROCSVM_KIND_HOST, HOST_LENGTH), 1, HOST_LENGTH);
	for (int i = 0; i < 16; i++)
		memset(svm_alloc(w->fd, ROCSVM_KIND_HOST, MiB(1)), 1, MiB(1));
	memset(svm_alloc(w->fd, ROCSVM_KIND_VRAM, VRAM_LENGTH), 1, PAGE);
	svm_alloc(w->fd, ROCSVM_KIND_PRIVATE_VRAM, VRAM_LENGTH);
	svm_alloc(w->fd, ROCSVM_KIND_GTT, MiB(8));
}

/* The holder: tries what it must not be able to do, then waits. */
static void hold(int fd)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_HOST, .length = PAGE
	};

	sync_post(&ready);
	sync_wait(&done);
	EXPECT_EQ(svm_alloc_args(fd, &args), -EBADF);
	EXPECT_EQ(svm_free(fd, at(PAGE)), -EBADF);
}

/* Tells its own number: its parent may be killed before it can. */
static void forked_holder(void *arg)
{
	*holder = getpid();
	hold(*(int *)arg);
}

static void owner_of_forked(void *arg)
{
	struct window w = window_open();

	(void)arg;
	fill(&w);
	child_start(forked_holder, &w.fd);
	pause();
}

static int sockets[2];

static void receiver(void *unused)
{
	(void)unused;
	*holder = getpid();
	hold(fd_recv(sockets[1]));
}

static void owner_of_sent(void *arg)
{
	struct window w = window_open();

	(void)arg;
	fill(&w);
	fd_send(sockets[0], w.fd);
	pause();
}

/* The file is in flight: nobody has received it. */
static void owner_of_flying(void *arg)
{
	struct window w = window_open();

	(void)arg;
	fill(&w);
	fd_send(sockets[0], w.fd);
	sync_post(&ready);
	pause();
}

static void kill_owner(const char *what, void (*owner)(void *arg))
{
	long shmem = shmem_kb();
	uint64_t available = kfd_available(kfd, gpu);
	int status;
	pid_t pid;

	say("%s", what);
	pid = child_start(owner, NULL);
	sync_wait(&ready);
	EXPECT_GE(shmem_kb() - shmem, (long)((HOST_LENGTH + MiB(16)) >> 10));
	EXPECT_LE(kfd_available(kfd, gpu) + 2 * VRAM_LENGTH, available);
	EXPECT_EQ(svm_counter("spaces"), 1);
	kill(pid, SIGKILL);
	status = child_wait(pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	/* The holder is alive and holds on. */
	EXPECT(EVENTUALLY(shmem_kb() - shmem < 1024, 20000));
	EXPECT(EVENTUALLY(kfd_available(kfd, gpu) == available, 20000));
	EXPECT(svm_all_gone());
	EXPECT_EQ(svm_counter("buffer_bytes"), 0);
	if (*holder) {
		EXPECT_EQ(SYS(kill(*holder, 0)), 0);
		EXPECT_EQ(module_unload(), -EWOULDBLOCK);
		sync_post(&done);
		EXPECT_EQ(child_wait(*holder), 0);
	}
}

static void test(void)
{
	int fd = window_start();

	holder = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(holder != MAP_FAILED);
	subreaper();
	gpu = svm_gpu(fd, 0);
	close(fd);
	kfd = kfd_open();
	sync_init(&ready);
	sync_init(&done);
	ASSERT_EQ(SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 sockets)), 0);

	kill_owner("held by a forked child", owner_of_forked);
	child_start(receiver, NULL);
	kill_owner("held by a process it was sent to", owner_of_sent);
	*holder = 0;
	kill_owner("held by a socket", owner_of_flying);
	close(fd_recv(sockets[1]));
	close(kfd);
}

int main(void)
{
	return test_main(test);
}
