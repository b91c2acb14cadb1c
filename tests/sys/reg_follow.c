// SPDX-License-Identifier: MIT
/*
 * Pages of registered memory are swapped out, moved, thrown away under the GPU:
 * it has those that come in their place, without another call.
 */
#include <sys/swap.h>

#include "reg.h"

/* from asm-generic/mman-common.h, which sys/mman.h does not give out */
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define LENGTH KiB(256)

static struct reg r;

/* -EBUSY: somebody, KFD's worker as a rule, holds the page for a moment. */
static int advise(char *p, uint64_t length, int advice)
{
	int error = 0;

	for (int tries = 0; tries < 200; tries++) {
		error = SYS(madvise(p, length, advice));
		if (error != -EBUSY)
			break;
		usleep(20000);
	}
	return error;
}

static void check(const char *what, char *p, int advice, uint64_t length)
{
	uint64_t before = cpu_physical(&r.pt, p);
	int error;

	pattern_fill(p, LENGTH, 31);
	error = advise(p, length, advice);
	if (error == -EINVAL && advice == MADV_SOFT_OFFLINE) {
		say("this kernel can't soft-offline pages");
		return;
	}
	EXPECT_EQ(error, 0);
	if (advice == MADV_DONTNEED) {
		EXPECT_EQ(find_not(p, 0, length), -1);
		pattern_fill(p, LENGTH, 31);
	}
	EXPECT_EQ(pattern_differs(p, LENGTH, 31), -1);
	reg_check_identity(&r, what, p, LENGTH);
	say("its first page was at %lx, is at %lx", before,
	    cpu_physical(&r.pt, p));
	EXPECT_EQ(reg_segment(r.fd, p).num_gpus, 1);
}

static void test(void)
{
	const char *device = getenv("ROCSVM_SWAP");
	char *p = own_private(LENGTH);

	if (!device)
		test_skip("ROCSVM_SWAP names no swap device");
	ASSERT_EQ(SYS(swapon(device, 0)), 0);
	reg_open(&r);
	ASSERT_EQ(reg_add_mapped(r.fd, p, LENGTH, r.gpu), 0);
	check("swapped out", p, MADV_PAGEOUT, LENGTH);
	check("moved", p, MADV_SOFT_OFFLINE, PAGE);
	check("thrown away", p, MADV_DONTNEED, LENGTH / 2);
	EXPECT_REGISTERED(r.fd, 1, LENGTH);
	EXPECT_EQ(reg_end(r.fd, p, LENGTH), 0);
	EXPECT_EQ(pages_mapped(&r.pt, p, LENGTH), 0);
	reg_close(&r);
	munmap(p, LENGTH);
	EXPECT_EQ(SYS(swapoff(device)), 0);
}

int main(void)
{
	return test_main(test);
}
