// SPDX-License-Identifier: MIT
/*
 * A program changes the handle that KFD has just told it of a buffer, which it
 * made with KFD's own ioctl through /dev/rocsvm, before rocsvm looks: what can be
 * no handle of KFD's is not listed, only counted. Else a list of numbers from all
 * over would take many times the memory that is charged for it.
 */
#include "observe.h"
#include "toctou.h"

static struct kfd_ioctl_alloc_memory_of_gpu_args args;

static void flip(void *unused, uint32_t random)
{
	static const uint64_t lies[] = {
		1, 0xffffffff, 1ull << 32 | 1, 1ull << 61, 1ull << 63, UINT64_MAX,
	};

	(void)unused;
	args.handle = lies[random % ARRAY_SIZE(lies)];
}

static void attacker(void *unused)
{
	unsigned long calls = scaled(200, 50);
	struct window w = window_open();
	struct flipper f;
	uint64_t unlisted;
	char *room;

	(void)unused;
	room = mmap(NULL, calls * KiB(64), PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	flipper_start(&f, flip, NULL, 4711, &args.handle, 8);
	for (unsigned long i = 0; i < calls; i++) {
		args = (struct kfd_ioctl_alloc_memory_of_gpu_args){
			.va_addr = (uintptr_t)room + i * KiB(64), .size = KiB(64),
			.gpu_id = w.gpu,
			.flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT |
				 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
		};
		EXPECT_EQ(FLIPPED(&f, svm_ioctl(w.fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU,
						&args)), 0);
	}
	flipper_stop(&f);
	unlisted = stat_number(getpid(), "kfd_unlisted");
	say("%lu calls, %lu of them flipped in, %lu not listed", calls, f.hit, unlisted);
	/* Some come too late. What is listed is what KFD has said, once each. */
	EXPECT_GT(unlisted, 0);
	EXPECT_LE(unlisted, f.hit);
	EXPECT_EQ(view_count(getpid(), "kfd"), calls - unlisted);
	EXPECT_EQ(close(w.fd), 0);
}

static void attack(void)
{
	toctou_attacker("ALLOC of KFD's own", attacker, NULL);
}

static void test(void)
{
	at_end(toctou_settings_back);
	toctou_settings();
	toctou_beside(attack);
}

int main(void)
{
	return window_main(test);
}
