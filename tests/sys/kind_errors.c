// SPDX-License-Identifier: MIT
/*
 * What ALLOC says of bad values for each kind, in both apertures: and that
 * nothing has happened then, by INFO, by the process's maps and by KFD's
 * account of VRAM.
 */
#include "kind.h"

static int fd;
static uint32_t gpu_id;

struct bad {
	const char *what;
	struct rocsvm_alloc args;
	int result;
};

static uint32_t gpu_for(uint32_t kind)
{
	return kind == ROCSVM_KIND_HOST || kind == ROCSVM_KIND_GTT ||
	       kind == ROCSVM_KIND_ADDRESS ? 0 : gpu_id;
}

static uint64_t length_for(uint32_t kind)
{
	return kind == ROCSVM_KIND_DOORBELL ? DOORBELL_LENGTH : PAGE;
}

static void refused(const char *what, struct rocsvm_alloc args, int result)
{
	struct rocsvm_info before = info_of(fd), after;
	uint64_t available = kfd_available(fd, gpu_id);
	size_t vmas = maps_count(0);
	uint32_t kind = args.kind;
	int r = svm_alloc_args(fd, &args);

	if (r != result)
		say("kind %u, %s: %d, not %d", kind, what, r, result);
	EXPECT_EQ(r, result);
	if (!r)
		svm_free(fd, at(args.va));
	after = info_of(fd);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
	EXPECT_EQ(maps_count(0), vmas);
	EXPECT_EQ(kfd_available(fd, gpu_id), available);
}

/* With what would be right but for the one thing. */
#define BAD(text, want, ...) do {					\
	struct rocsvm_alloc args = {					\
		.kind = kind,						\
		.gpu_id = gpu_for(kind),				\
		.length = length_for(kind),				\
	};								\
	__VA_ARGS__;							\
	refused(text, args, want);					\
} while (0)

static void every_kind(uint32_t kind)
{
	bool memory = kind < ROCSVM_KIND_ADDRESS;
	uint32_t unknown = gpu_id + 1, three[3] = { gpu_id, gpu_id, unknown };

	BAD("length 0", -EINVAL, args.length = 0);
	BAD("alignment 1", -EINVAL, args.alignment = 1);
	BAD("alignment of half a page", -EINVAL, args.alignment = PAGE / 2);
	BAD("alignment not a power of two", -EINVAL, args.alignment = 3 * PAGE);
	BAD("alignment of 2 GiB", -EINVAL, args.alignment = GiB(2));
	BAD("guard not in pages", -EINVAL, args.guard = 100);
	BAD("guard above 1 GiB", -EINVAL, args.guard = GiB(1) + PAGE);
	BAD("va without FIXED", -EINVAL, args.va = GiB(64));
	BAD("reserved member", -EOPNOTSUPP, args.__reserved = 1);
	BAD("unknown flag", -EOPNOTSUPP, args.flags = 1 << 6);
	BAD("unknown flag", -EOPNOTSUPP, args.flags = 1u << 31);
	BAD("unknown GPU", -ENODEV, args.gpu_id = unknown);
	BAD("GPU ~0", -ENODEV, args.gpu_id = ~0u);
	BAD("65 GPUs", -EINVAL, args.num_gpus = 65;
	    args.gpu_ids = (uintptr_t)three);
	/* addresses have nothing to map, so any list is wrong */
	BAD("bad list", memory ? -EFAULT : -EINVAL, args.num_gpus = 1;
	    args.gpu_ids = PAGE);
	BAD("unknown GPU in the list", memory ? -ENODEV : -EINVAL,
	    args.num_gpus = 3; args.gpu_ids = (uintptr_t)three);
	BAD("FIXED, unaligned", -EINVAL, args.flags = ROCSVM_ALLOC_FIXED;
	    args.va = GiB(64) + 1);
	BAD("FIXED at 0", -ERANGE, args.flags = ROCSVM_ALLOC_FIXED);
	BAD("FIXED beyond", -ERANGE, args.flags = ROCSVM_ALLOC_FIXED;
	    args.va = ~0ull << 16);
	BAD("FIXED in the kernel", -ERANGE, args.flags = ROCSVM_ALLOC_FIXED;
	    args.va = 0xffff888000000000);
}

/* Lengths that nobody has, and those that wrap round. */
static void lengths(uint32_t kind)
{
	static const uint64_t large[] = {
		TiB(200), 1ull << 62, ~0ull - PAGE, ~0ull - 10, ~0ull,
	};

	for (size_t i = 0; i < ARRAY_SIZE(large); i++)
		BAD("large", -ENOMEM, args.length = large[i]);
}

static void wrong_lengths(uint32_t kind, uint64_t right)
{
	BAD("a page more", -EINVAL, args.length = right + PAGE);
	BAD("twice", -EINVAL, args.length = right * 2);
	BAD("64 KiB", -EINVAL, args.length = KiB(64));
	if (right > PAGE)
		BAD("half", -EINVAL, args.length = right / 2);
}

static void needs_gpu(uint32_t kind)
{
	BAD("no GPU", -ENODEV, args.gpu_id = 0);
}

static void unknown_kinds(void)
{
	static const uint32_t kinds[] = {
		0, ROCSVM_KIND_REGISTERED, 10, 0x80000000, ~0u,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t kind = kinds[i];

		BAD("unknown kind", -EINVAL, args.gpu_id = gpu_id);
	}
}

static void all(void)
{
	for (uint32_t kind = 1; kind <= ROCSVM_KIND_SCRATCH; kind++)
		every_kind(kind);
	unknown_kinds();
	lengths(ROCSVM_KIND_HOST);
	lengths(ROCSVM_KIND_GTT);
	lengths(ROCSVM_KIND_VRAM);
	lengths(ROCSVM_KIND_PRIVATE_VRAM);
	lengths(ROCSVM_KIND_ADDRESS);
	lengths(ROCSVM_KIND_SCRATCH);
	wrong_lengths(ROCSVM_KIND_DOORBELL, DOORBELL_LENGTH);
	wrong_lengths(ROCSVM_KIND_MMIO_REMAP, PAGE);
	needs_gpu(ROCSVM_KIND_VRAM);
	needs_gpu(ROCSVM_KIND_PRIVATE_VRAM);
	needs_gpu(ROCSVM_KIND_DOORBELL);
	needs_gpu(ROCSVM_KIND_MMIO_REMAP);
	needs_gpu(ROCSVM_KIND_SCRATCH);
}

/* More VRAM than there is: KFD's answer, in whatever aperture. */
static void no_memory(void)
{
	uint32_t kind = ROCSVM_KIND_PRIVATE_VRAM;

	BAD("more VRAM than there is", -ENOMEM, args.length = GiB(64));
}

/* Without an acquired VM there is no kind at all. */
static void not_acquired(void *unused)
{
	(void)unused;
	fd = svm_open();
	ASSERT_GE(fd, 0);
	for (uint32_t kind = 1; kind <= ROCSVM_KIND_SCRATCH; kind++) {
		struct rocsvm_alloc args = {
			.kind = kind,
			.gpu_id = gpu_for(kind),
			.length = length_for(kind),
		};
		int r = svm_alloc_args(fd, &args);

		/* addresses need no GPU's VM */
		if (r != -ENODEV)
			say("kind %u: %d", kind, r);
		if (kind != ROCSVM_KIND_ADDRESS)
			EXPECT_EQ(r, -ENODEV);
	}
	close(fd);
}

static void test(void)
{
	fd = svm_open();
	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	close(fd);
	EXPECT_EQ(run_child(not_acquired, NULL), 0);
	fd = window_start();
	say("window");
	all();
	no_memory();
	ASSERT_EQ(aperture_choose_mmap(fd), 0);
	say("mmap aperture");
	all();
	no_memory();
	EXPECT_EQ(info_quarantined(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
