// SPDX-License-Identifier: MIT
/*
 * Whatever lies in no buffer that the CPU can see is SIGSEGV, SEGV_MAPERR at
 * the very address, for loads, stores and instruction fetches, and EFAULT for
 * a system call. It costs no memory.
 */
#include "window.h"

#include <setjmp.h>

static sigjmp_buf back;
static volatile uint64_t fault_address;

static void on_segv(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault_address = (uintptr_t)info->si_addr;
	siglongjmp(back, PROBE_SIGNAL(signal, info->si_code));
}

/* Load, store, or jump to an address: what comes of it. */
static int touch(uint64_t va, char how)
{
	struct sigaction action = {
		.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_NODEFER
	}, old;
	int caught;

	fault_address = 0;
	sigaction(SIGSEGV, &action, &old);
	caught = sigsetjmp(back, 1);
	if (!caught) {
		if (how == 'r')
			(void)*(volatile char *)at(va);
		else if (how == 'w')
			*(volatile char *)at(va) = 1;
		else
			((void (*)(void))(uintptr_t)va)();
	}
	sigaction(SIGSEGV, &old, NULL);
	return caught;
}

static void nothing_at(const char *what, uint64_t va)
{
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int pipes[2];

	say("%s", what);
	ASSERT_GE(zero, 0);
	ASSERT_EQ(SYS(pipe2(pipes, O_CLOEXEC | O_NONBLOCK)), 0);
	for (const char *how = "rw"; *how; how++) {
		EXPECT_EQ(touch(va, *how), PROBE_MAPERR);
		EXPECT_EQ(fault_address, va);
	}
	EXPECT_NE(touch(va, 'x'), 0);
	EXPECT_EQ(fault_address, va);
	EXPECT_EQ(SYS(read(zero, at(va), 1)), -EFAULT);
	EXPECT_EQ(SYS(write(pipes[1], at(va), 1)), -EFAULT);
	EXPECT_EQ(SYS(access(at(va), F_OK)), -EFAULT);
	close(zero);
	close(pipes[0]);
	close(pipes[1]);
}

/* A system call that runs off the buffer's end transfers what there is. */
static void off_the_end(char *p, uint64_t length)
{
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int pipes[2];

	ASSERT_GE(zero, 0);
	ASSERT_EQ(SYS(pipe2(pipes, O_CLOEXEC | O_NONBLOCK)), 0);
	memset(p, 0x11, length);
	EXPECT_EQ(SYS(read(zero, p + length - 128, 256)), 128);
	EXPECT_EQ(find_not(p + length - 128, 0, 128), -1);
	EXPECT_EQ(find_not(p, 0x11, length - 128), -1);
	EXPECT_EQ(SYS(write(pipes[1], p + length - 128, 128)), 128);
	close(zero);
	close(pipes[0]);
	close(pipes[1]);
}

static void test(void)
{
	struct window w = window_open();
	char *host = svm_alloc(w.fd, ROCSVM_KIND_HOST, MiB(1));
	char *huge = svm_alloc(w.fd, ROCSVM_KIND_HOST, HUGE_PAGE);
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, MiB(1));
	char *vram = svm_alloc(w.fd, ROCSVM_KIND_VRAM, MiB(1));
	char *hidden = svm_alloc(w.fd, ROCSVM_KIND_PRIVATE_VRAM, MiB(4));
	long rss, shmem;

	memset(host, 0x11, MiB(1));
	memset(huge, 0x11, HUGE_PAGE);
	rss = smaps_kb(at(w.page_vma.start), "Rss");
	shmem = shmem_kb();
	nothing_at("window's first page, if free", w.huge - GiB(1));
	nothing_at("margin before", w.base - PAGE);
	nothing_at("margin's first byte", w.page_vma.start);
	nothing_at("free page", w.base + GiB(20) + 123);
	nothing_at("free huge page", w.huge + GiB(20) + 123);
	nothing_at("page before the huge region", w.huge - 1);
	nothing_at("last byte", w.end - 1);
	nothing_at("margin behind", w.end);
	nothing_at("margin's last byte", w.huge_vma.end - 1);
	nothing_at("guard of a host buffer", (uintptr_t)host + MiB(1));
	nothing_at("end of its guard", (uintptr_t)host + MiB(1) + PAGE - 1);
	nothing_at("guard of a huge buffer", (uintptr_t)huge + HUGE_PAGE);
	nothing_at("end of its guard", (uintptr_t)huge + 2 * HUGE_PAGE - 1);
	nothing_at("guard of a GTT buffer", (uintptr_t)gtt + MiB(1));
	nothing_at("guard of visible VRAM", (uintptr_t)vram + MiB(1));
	nothing_at("private VRAM", (uintptr_t)hidden);
	nothing_at("private VRAM's last byte", (uintptr_t)hidden + MiB(4) - 1);
	nothing_at("its guard", (uintptr_t)hidden + MiB(4));
	EXPECT_EQ(smaps_kb(at(w.page_vma.start), "Rss"), rss);
	EXPECT_LE(shmem_kb() - shmem, 128);

	off_the_end(host, MiB(1));
	off_the_end(huge, HUGE_PAGE);

	/* Buffers hold data, never code. */
	host[0] = (char)0xc3;	/* ret */
	EXPECT_EQ(touch((uintptr_t)host, 'x'), PROBE_ACCERR);
	EXPECT_EQ(touch((uintptr_t)huge, 'x'), PROBE_ACCERR);
}

int main(void)
{
	return test_main(test);
}
