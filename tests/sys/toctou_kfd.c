// SPDX-License-Identifier: MIT
/*
 * A program changes what KFD has told it of a buffer, or takes that memory away,
 * before the module has read it to list the buffer for those who look on: it is
 * counted as one that is not listed, and that is all.
 */
#include "observe.h"
#include "toctou.h"

static int fd;
static uint32_t gpu;
static struct kfd_ioctl_alloc_memory_of_gpu_args *args;

static void flip_handle(void *unused, uint32_t random)
{
	/* Of no GPU, or above what KFD counts up to: the list is no larger for it. */
	static const uint64_t lies[] = {
		1, 0xffffffff, 1ull << 32 | 1, 1ull << 61, 1ull << 62, UINT64_MAX,
	};
	uint64_t lie = lies[random % ARRAY_SIZE(lies)];

	(void)unused;
	args->handle = random & 64 ? lie : (uint64_t)gpu << 32 | 0x80000000 | random;
}

static void flip_away(void *unused, uint32_t random)
{
	(void)unused;
	(void)random;
	mprotect(args, PAGE, PROT_NONE);
}

static const struct {
	const char *name;
	void (*flip)(void *unused, uint32_t random);
} ways[] = {
	{ "a handle that is none", flip_handle },
	{ "no memory", flip_away },
};

static void prepare(char *va)
{
	*args = (struct kfd_ioctl_alloc_memory_of_gpu_args){
		.va_addr = (uintptr_t)va, .size = PAGE, .gpu_id = gpu,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
}

static void unlisted(void *arg)
{
	size_t way = *(size_t *)arg, made = 0;
	const int pages = 1000;
	struct flipper f;
	uint64_t lost;
	char *room;

	fd = svm_start();
	gpu = svm_gpu(fd, 0);
	room = own(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	args = (void *)own_private(PAGE);
	memset(args, 0, PAGE);
	/* KFD writes all of it, and that last. */
	flipper_start(&f, ways[way].flip, NULL, 17, &args->flags, 4);
	for (int i = 0; i < pages; i++) {
		int r;

		prepare(room + i * PAGE);
		r = FLIPPED(&f, svm_ioctl(fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU,
					  args));
		ASSERT_EQ(SYS(mprotect(args, PAGE, PROT_READ | PROT_WRITE)), 0);
		EXPECT_EQ(r, 0);
		made++;
		if (stat_number(getpid(), "kfd_unlisted") >= 3)
			break;
	}
	flipper_stop(&f);
	lost = stat_number(getpid(), "kfd_unlisted");
	say("%s: %zu buffers, %lu of them not listed", ways[way].name, made, lost);
	EXPECT_GE(lost, 3);
	EXPECT_EQ(view_count(getpid(), "kfd"), made - lost);
	EXPECT_EQ(space_number(getpid(), "kfd_buffers"), made - lost);
	EXPECT_EQ(svm_counter("kfd_bytes"), (made - lost) * PAGE);

	/* Nothing depends on it. */
	neighbour_rounds = &(unsigned long){ 0 };
	neighbour_round(fd);
	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(svm_counter("kfd_bytes"), 0);
}

static void test(void)
{
	at_end(toctou_settings_back);
	toctou_settings();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_EQ(run_child_bounded(unlisted, &i, 120), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
