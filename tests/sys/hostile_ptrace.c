// SPDX-License-Identifier: MIT
/*
 * A debugger stops the program in the middle of its calls, at random, looks at
 * all kinds of memory and writes to it: the calls succeed all the same, and
 * the debugger meets the same borders as the program.
 */
#include "hostile.h"

#include <sys/ptrace.h>
#include <sys/uio.h>

struct places {
	volatile bool ready;
	char *host, *guard, *vram, *gtt, *private;
	volatile unsigned long rounds;
	volatile bool stop;
} *places;

static void program(void *unused)
{
	struct window w = window_open();

	(void)unused;
	places->host = svm_alloc(w.fd, ROCSVM_KIND_HOST, KiB(64));
	places->guard = places->host + KiB(64);
	places->vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, KiB(64));
	places->gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, KiB(64));
	places->private = svm_alloc(w.fd, ROCSVM_KIND_PRIVATE_VRAM, KiB(64));
	*(uint64_t *)places->host = 0x1111;
	*(uint64_t *)places->vram = 0x2222;
	*(uint64_t *)places->gtt = 0x3333;
	places->ready = true;
	while (!places->stop) {
		use_all_kinds(w.fd, KiB(32));
		places->rounds++;
	}
	EXPECT_EQ(*(uint64_t *)places->host, 0x4444);
	EXPECT_EQ(*(uint64_t *)places->vram, 0x5555);
	EXPECT_EQ(*(uint64_t *)places->gtt, 0x6666);
	EXPECT_EQ(svm_free(w.fd, places->host), 0);
	EXPECT_EQ(svm_free(w.fd, places->vram), 0);
	EXPECT_EQ(svm_free(w.fd, places->gtt), 0);
	EXPECT_EQ(svm_free(w.fd, places->private), 0);
	EXPECT_WHOLE(&w);
	close(w.fd);
}

/* Word at an address of the other process: 0 or -errno. */
static long peek(pid_t pid, char *p, uint64_t *value)
{
	errno = 0;
	*value = ptrace(PTRACE_PEEKDATA, pid, p, 0);
	return -errno;
}

/* By system calls that want pages: a device's has none. */
static void expect_no_pages(pid_t pid, char *p)
{
	struct iovec local = { &(uint64_t){ 0 }, 8 }, remote = { p, 8 };

	EXPECT_EQ(SYS(process_vm_readv(pid, &local, 1, &remote, 1, 0)), -EFAULT);
	EXPECT_EQ(SYS(process_vm_writev(pid, &local, 1, &remote, 1, 0)), -EFAULT);
}

static void expect_border(pid_t pid, char *p)
{
	uint64_t value;
	char path[64];
	int mem;

	EXPECT_EQ(peek(pid, p, &value), -EIO);
	EXPECT_EQ(SYS(ptrace(PTRACE_POKEDATA, pid, p, 1)), -EIO);
	expect_no_pages(pid, p);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(mem, 0);
	EXPECT_EQ(SYS(pread(mem, &value, 8, (off_t)(uintptr_t)p)), -EIO);
	EXPECT_EQ(SYS(pwrite(mem, &value, 8, (off_t)(uintptr_t)p)), -EIO);
	close(mem);
}

/* What the debugger sees is the program's, and what it writes is seen. */
static void expect_memory(pid_t pid, char *p, uint64_t is, uint64_t becomes)
{
	uint64_t value;

	EXPECT_EQ(peek(pid, p, &value), 0);
	EXPECT_EQ(value, is);
	EXPECT_EQ(SYS(ptrace(PTRACE_POKEDATA, pid, p, becomes)), 0);
	EXPECT_EQ(peek(pid, p, &value), 0);
	EXPECT_EQ(value, becomes);
}

static void stop_it(pid_t pid)
{
	int status;

	ASSERT_EQ(SYS(ptrace(PTRACE_INTERRUPT, pid, 0, 0)), 0);
	ASSERT_EQ(SYS(waitpid(pid, &status, __WALL)), pid);
	ASSERT(WIFSTOPPED(status));
}

static void look(pid_t pid)
{
	expect_border(pid, places->guard);
	expect_border(pid, places->private);
	expect_memory(pid, places->host, 0x1111, 0x4444);
	/* The driver's mappings have an access of the driver's. */
	expect_memory(pid, places->vram, 0x2222, 0x5555);
	expect_memory(pid, places->gtt, 0x3333, 0x6666);
	expect_no_pages(pid, places->vram);
	expect_no_pages(pid, places->gtt);
}

static void test(void)
{
	struct account a = account_open();
	unsigned long stops = scaled(400, 60);
	uint32_t state = 9;
	int status;
	pid_t pid;

	places = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(places != MAP_FAILED);
	pid = child_start(program, NULL);
	ASSERT(EVENTUALLY(places->ready, 60000));
	ASSERT_EQ(SYS(ptrace(PTRACE_SEIZE, pid, 0, 0)), 0);
	for (unsigned long i = 0; i < stops || places->rounds < 4; i++) {
		usleep(rnd(&state) % 6000);
		stop_it(pid);
		if (!i)
			look(pid);
		if (i % 3)
			ASSERT_EQ(SYS(ptrace(PTRACE_CONT, pid, 0, 0)), 0);
		else
			ASSERT_EQ(SYS(ptrace(PTRACE_DETACH, pid, 0, 0)), 0);
		if (i % 3 == 0)
			ASSERT_EQ(SYS(ptrace(PTRACE_SEIZE, pid, 0, 0)), 0);
	}
	stop_it(pid);
	ASSERT_EQ(SYS(ptrace(PTRACE_DETACH, pid, 0, 0)), 0);
	say("at least %lu stops in %lu rounds of calls", stops, places->rounds);
	places->stop = true;
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT_SETTLED(&a);

	/* Killed while it is stopped, with all it has. */
	places->ready = places->stop = false;
	pid = child_start(program, NULL);
	ASSERT(EVENTUALLY(places->ready, 60000));
	ASSERT_EQ(SYS(ptrace(PTRACE_SEIZE, pid, 0, 0)), 0);
	stop_it(pid);
	kill(pid, SIGKILL);
	status = child_wait(pid);
	EXPECT(WIFSIGNALED(status));
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return test_main(test);
}
