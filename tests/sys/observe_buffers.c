// SPDX-License-Identifier: MIT
/*
 * debugfs: the file "buffers" has a line for each buffer of every kind, with
 * what it was made with and what became of it; and none for what is gone.
 */
#include "observe.h"
#include "share.h"

static int fd;
static uint32_t gpu;
static char gpu_text[32];

/* Flags, GPUs, guard and tag of the one line there is for a buffer. */
static void check(uint64_t va, const char *kind, uint64_t length,
		  const char *flags, bool mapped, uint64_t guard, uint64_t tag)
{
	struct view_buffer b = view_buffer(getpid(), va, kind);

	if (strcmp(b.kind, kind))
		say("no %s at 0x%lx", kind, va);
	EXPECT_EQ(b.va, va);
	EXPECT_EQ(b.length, length);
	if (strcmp(b.flags, flags))
		say("%s: flags %s, not %s", kind, b.flags, flags);
	EXPECT_EQ(strcmp(b.flags, flags), 0);
	EXPECT_EQ(strcmp(b.gpus, mapped ? gpu_text : "-"), 0);
	EXPECT_EQ(b.guard, guard);
	EXPECT_EQ(b.tag, tag);
	EXPECT_LT(b.age_ms, 600000);
}

static uint64_t alloc(uint32_t kind, uint64_t length, uint32_t flags,
		      uint64_t va, uint64_t tag, bool mapped)
{
	struct rocsvm_alloc args = {
		.kind = kind, .length = length, .flags = flags, .va = va,
		.tag = tag, .num_gpus = mapped ? ROCSVM_ALL_GPUS : 0,
		.gpu_id = kind == ROCSVM_KIND_HOST || kind == ROCSVM_KIND_GTT ||
			  kind == ROCSVM_KIND_ADDRESS ? 0 : gpu,
	};

	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	return args.va;
}

static void kinds(void)
{
	uint64_t va[16];
	int n = 0;

	va[n] = alloc(ROCSVM_KIND_HOST, 5000, 0, 0, 0x1234, true);
	check(va[n++], "host", 2 * PAGE, "-", true, PAGE, 0x1234);
	va[n] = alloc(ROCSVM_KIND_HOST, MiB(2), ROCSVM_ALLOC_COHERENT |
		      ROCSVM_ALLOC_EXECUTABLE, 0, UINT64_MAX, false);
	check(va[n++], "host", MiB(2), "executable,coherent", false, MiB(2),
	      UINT64_MAX);
	va[n] = alloc(ROCSVM_KIND_GTT, KiB(64), ROCSVM_ALLOC_READONLY |
		      ROCSVM_ALLOC_UNCACHED, 0, 1, true);
	check(va[n++], "gtt", KiB(64), "readonly,uncached", true, PAGE, 1);
	va[n] = alloc(ROCSVM_KIND_VRAM, KiB(64), 0, 0, 2, true);
	check(va[n++], "vram", KiB(64), "-", true, PAGE, 2);
	va[n] = alloc(ROCSVM_KIND_PRIVATE_VRAM, KiB(64), 0, 0, 3, true);
	check(va[n++], "private", KiB(64), "-", true, PAGE, 3);
	va[n] = alloc(ROCSVM_KIND_DOORBELL, KiB(8), 0, 0, 4, false);
	check(va[n++], "doorbell", KiB(8), "-", false, PAGE, 4);
	va[n] = alloc(ROCSVM_KIND_MMIO_REMAP, PAGE, 0, 0, 5, false);
	check(va[n++], "mmio", PAGE, "-", false, PAGE, 5);
	va[n] = alloc(ROCSVM_KIND_GTT, KiB(64), ROCSVM_ALLOC_AQL_QUEUE, 0, 6,
		      false);
	check(va[n++], "aql", KiB(64), "aql", false, PAGE, 6);
	va[n] = alloc(ROCSVM_KIND_SCRATCH, MiB(1), 0, 0, 0, false);
	check(va[n++], "scratch", MiB(1), "-", false, PAGE, 0);
	va[n] = alloc(ROCSVM_KIND_ADDRESS, MiB(1), 0, 0, 0, false);
	check(va[n], "address", MiB(1), "-", false, PAGE, 0);
	/* Backed where it begins: two lines at one address. */
	va[n + 1] = alloc(ROCSVM_KIND_HOST, PAGE, ROCSVM_ALLOC_FIXED, va[n], 7,
			  false);
	check(va[n + 1], "host", PAGE, "fixed,inside", false, 0, 7);
	check(va[n], "address", MiB(1), "-", false, PAGE, 0);
	EXPECT_EQ(svm_free(fd, (void *)va[n + 1]), 0);

	for (int i = 0; i <= n; i++)
		ASSERT_EQ(svm_free(fd, (void *)va[i]), 0);
}

static void changes(void)
{
	struct rocsvm_set_tag tag = { .size = sizeof(tag), .tag = 77 };
	uint64_t va = alloc(ROCSVM_KIND_GTT, KiB(64), 0, 0, 8, false);
	uint64_t age;
	int dmabuf;

	check(va, "gtt", KiB(64), "-", false, PAGE, 8);
	EXPECT_EQ(svm_map_all(fd, (void *)va), 0);
	check(va, "gtt", KiB(64), "-", true, PAGE, 8);
	EXPECT_EQ(svm_unmap_all(fd, (void *)va), 0);
	check(va, "gtt", KiB(64), "-", false, PAGE, 8);
	tag.va = va;
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_SET_TAG, &tag), 0);
	dmabuf = svm_export(fd, (void *)va);
	ASSERT_GE(dmabuf, 0);
	check(va, "gtt", KiB(64), "exported", false, PAGE, 77);
	age = view_buffer(getpid(), va, "gtt").age_ms;
	EXPECT(EVENTUALLY(view_buffer(getpid(), va, "gtt").age_ms > age + 50,
			  10000));
	tag.va = (uintptr_t)svm_import(fd, dmabuf);
	check(tag.va, "imported", KiB(64), "imported", false, PAGE, 0);
	EXPECT_EQ(svm_counter("imported_bytes"), KiB(64));
	EXPECT_EQ(svm_free(fd, (void *)tag.va), 0);
	close(dmabuf);
	EXPECT_EQ(svm_free(fd, (void *)va), 0);
}

static void registered(void)
{
	struct rocsvm_register args = {
		.size = sizeof(args), .length = KiB(8),
		.flags = ROCSVM_ALLOC_EXECUTABLE, .tag = 9,
		.num_gpus = ROCSVM_ALL_GPUS,
	};
	struct rocsvm_unregister end = { .size = sizeof(end), .length = KiB(8) };
	char *own = mmap(NULL, KiB(16), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Two halves of pages and a whole one. */
	args.va = end.va = (uintptr_t)own + 100;
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
	check((uintptr_t)own, "registered", KiB(12), "executable", true, 0, 9);
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
	EXPECT_EQ(view_count(getpid(), "registered"), 1);
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_UNREGISTER, &end), 0);
	EXPECT_EQ(view_count(getpid(), "registered"), 1);
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_UNREGISTER, &end), 0);
	EXPECT_EQ(view_count(getpid(), "registered"), 0);
	munmap(own, KiB(16));
}

/* The program's own memory where a buffer was: it can't be the window's again. */
static void quarantine(void)
{
	uint64_t va = alloc(ROCSVM_KIND_GTT, KiB(64), 0, 0, 0, false);
	uint64_t quarantined = stat_number(getpid(), "quarantined");

	ASSERT_EQ(SYS(munmap((void *)va, KiB(64))), 0);
	ASSERT(mmap((void *)va, KiB(64), PROT_NONE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)va);
	EXPECT_EQ(svm_free(fd, (void *)va), 0);
	check(va, "quarantine", KiB(64), "-", false, PAGE, 0);
	EXPECT_EQ(space_number(getpid(), "quarantined_bytes"), KiB(64));
	EXPECT_EQ(space_number(getpid(), "buffers"), 0);
	EXPECT_EQ(svm_counter("quarantined_bytes"), KiB(64));
	EXPECT_EQ(stat_number(getpid(), "quarantined"), quarantined + 1);
	munmap((void *)va, KiB(64));
	/* Looked at again by any call. */
	EXPECT_EQ(svm_free(fd, (void *)va), -ENOENT);
	EXPECT_EQ(view_count(getpid(), "quarantine"), 0);
	EXPECT_EQ(svm_counter("quarantined_bytes"), 0);
}

static void test(void)
{
	size_t count;

	fd = svm_start();
	gpu = svm_gpu(fd, 0);
	snprintf(gpu_text, sizeof(gpu_text), "%u", gpu);
	kinds();
	free(view_buffers(getpid(), &count));
	EXPECT_EQ(count, 0);
	changes();
	registered();
	quarantine();
	/* What is left goes with the close. */
	alloc(ROCSVM_KIND_HOST, PAGE, 0, 0, 0, true);
	close(fd);
	free(view_buffers(getpid(), &count));
	EXPECT_EQ(count, 0);
}

int main(void)
{
	return test_main(test);
}
