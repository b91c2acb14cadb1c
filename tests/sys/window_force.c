// SPDX-License-Identifier: MIT
/*
 * Whoever touches the window in another way than by a load or a store meets
 * the same gate: /proc/PID/mem (FOLL_FORCE), process_vm_readv and writev,
 * vmsplice, ptrace, read and write, also from another process.
 */
#include "window.h"

#include <sys/ptrace.h>
#include <sys/uio.h>

struct place {
	const char *name;
	char *p;
	bool live;
};

/* By system calls that copy: @pid is the owner, this process or another. */
static void by_pid(pid_t pid, const struct place *place)
{
	struct iovec local, remote = { place->p, 1 };
	char path[64], c = 0x42;
	int mem;

	say("%s, %s process", place->name, pid == getpid() ? "own" : "other");
	local = (struct iovec){ &c, 1 };
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(mem, 0);
	EXPECT_EQ(SYS(pwrite(mem, &c, 1, (off_t)(uintptr_t)place->p)),
		  place->live ? 1 : -EIO);
	c = 0;
	EXPECT_EQ(SYS(pread(mem, &c, 1, (off_t)(uintptr_t)place->p)),
		  place->live ? 1 : -EIO);
	if (place->live)
		EXPECT_EQ(c, 0x42);
	close(mem);
	EXPECT_EQ(SYS(process_vm_writev(pid, &local, 1, &remote, 1, 0)),
		  place->live ? 1 : -EFAULT);
	EXPECT_EQ(SYS(process_vm_readv(pid, &local, 1, &remote, 1, 0)),
		  place->live ? 1 : -EFAULT);
}

/* By system calls that take the pages of the caller's own memory. */
static void by_page(const struct place *place)
{
	struct iovec v = { place->p, 1 };
	int fd[2];

	ASSERT_EQ(SYS(pipe2(fd, O_CLOEXEC | O_NONBLOCK)), 0);
	EXPECT_EQ(SYS(vmsplice(fd[1], &v, 1, SPLICE_F_NONBLOCK)),
		  place->live ? 1 : -EFAULT);
	close(fd[0]);
	close(fd[1]);
	ASSERT_EQ(SYS(pipe2(fd, O_CLOEXEC | O_NONBLOCK)), 0);
	EXPECT_EQ(SYS(write(fd[1], place->p, 1)), place->live ? 1 : -EFAULT);
	EXPECT_EQ(SYS(write(fd[1], "x", 1)), 1);
	EXPECT_EQ(SYS(read(fd[0], place->p, 1)), place->live ? 1 : -EFAULT);
	close(fd[0]);
	close(fd[1]);
}

#define NUM_PLACES 5

/* Shared with the owner's process, which fills it. */
static struct place *places;

static void fill_places(const struct window *w)
{
	char *host = svm_alloc(w->fd, ROCSVM_KIND_HOST, MiB(1));
	char *huge = svm_alloc(w->fd, ROCSVM_KIND_HOST, HUGE_PAGE);

	places[0] = (struct place){ "host buffer", host + PAGE, true };
	places[1] = (struct place){ "guard page", host + MiB(1), false };
	places[2] = (struct place){ "huge host buffer", huge, true };
	places[3] = (struct place){ "huge guard", huge + HUGE_PAGE, false };
	places[4] = (struct place){ "free page", at(w->base) + GiB(9), false };
}

static void own(void *unused)
{
	struct window w = window_open();
	int mem;

	(void)unused;
	fill_places(&w);
	for (size_t i = 0; i < NUM_PLACES; i++) {
		by_pid(getpid(), &places[i]);
		by_page(&places[i]);
	}

	/* FOLL_FORCE does not write to a shared mapping that is read-only. */
	*places[0].p = 'a';
	ASSERT_EQ(SYS(mprotect(at(w.page_vma.start), w.page_vma.end -
			       w.page_vma.start, PROT_READ)), 0);
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_GE(mem, 0);
	EXPECT_EQ(SYS(pwrite(mem, "b", 1, (off_t)(uintptr_t)places[0].p)), -EIO);
	EXPECT_EQ(*places[0].p, 'a');
	close(mem);
}

static void stopped_owner(void *unused)
{
	struct window w = window_open();

	(void)unused;
	fill_places(&w);
	ASSERT_EQ(SYS(ptrace(PTRACE_TRACEME, 0, 0, 0)), 0);
	raise(SIGSTOP);
}

/* Another process reaches the owner's buffers, and nothing else of it. */
static void other(void *unused)
{
	pid_t pid = child_start(stopped_owner, NULL);
	int status = child_wait(pid);

	(void)unused;
	ASSERT(WIFSTOPPED(status));
	for (size_t i = 0; i < NUM_PLACES; i++) {
		struct place *p = &places[i];
		long r;

		by_pid(pid, p);
		errno = 0;
		r = ptrace(PTRACE_PEEKDATA, pid, p->p, 0);
		EXPECT_EQ(r == -1 && errno == EIO, !p->live);
		EXPECT_EQ(SYS(ptrace(PTRACE_POKEDATA, pid, p->p, 0x42)),
			  p->live ? 0 : -EIO);
	}
	kill(pid, SIGKILL);
	child_wait(pid);
}

static void test(void)
{
	places = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(places != MAP_FAILED);
	EXPECT_EQ(run_child(own, NULL), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(run_child(other, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
