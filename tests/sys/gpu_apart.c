// SPDX-License-Identifier: MIT
/*
 * A GPU whose addresses are not the CPU's is managed apart: it has GTT and
 * private VRAM at addresses of its own, which the CPU can't access, and no other
 * GPU's buffers; and the SVM range is that of the others.
 *
 * There is none to be had. So KFD seems to say so of the second one, by what a
 * thread puts into the control page while open(2) is on its way; KFD itself,
 * which maps what it is told, does not know.
 */
#include "openlie.h"
#include "share.h"

#define LENGTH KiB(256)
#define APART (1ull << 47)

static const struct lie lie = {
	"its addresses begin where the CPU's end",
	APERTURE(1, gpuvm_base), 16, 8, { APART, 2 * APART - 1 },
};

static int fd;
static uint32_t gpu, apart;

static bool is_apart(uint64_t va)
{
	return va >= APART && va < 2 * APART - PAGE;
}

/* Open until the lie is believed: the second GPU is not canonical. */
static void open_apart(void)
{
	struct rocsvm_gpu_info info;
	struct liar liar;

	openlie_start(&liar, &lie);
	for (int tries = 0;; tries++) {
		ASSERT_LT(tries, 1000);
		fd = openlie_open(&liar);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(svm_gpu_info(fd, 1, &info), 0);
		if (!(info.gpu_flags & ROCSVM_GPU_CANONICAL))
			break;
		close(fd);
	}
	openlie_stop(&liar);
	EXPECT_EQ(info.gpuvm_base, APART);
	EXPECT_EQ(info.gpuvm_limit, 2 * APART - 1);
	apart = info.gpu_id;
	gpu = svm_gpu(fd, 0);
	EXPECT_EQ(svm_acquire_all(fd), 2);
	EXPECT_LT(info_of(fd).svm_limit, APART);
}

static int try_kind(uint32_t kind, uint64_t va, char **result)
{
	struct rocsvm_alloc args = {
		.kind = kind, .gpu_id = apart, .length = LENGTH, .va = va,
		.flags = va ? ROCSVM_ALLOC_FIXED : 0,
	};
	int r = svm_alloc_args(fd, &args);

	*result = at(args.va);
	return r;
}

static char *alloc_apart(uint32_t kind)
{
	char *va = NULL;

	ASSERT_EQ(try_kind(kind, 0, &va), 0);
	EXPECT(is_apart((uintptr_t)va));
	return va;
}

/* What can't do without a CPU mapping, or without the others. */
static void refused(void)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_VRAM, ROCSVM_KIND_DOORBELL,
		ROCSVM_KIND_MMIO_REMAP, ROCSVM_KIND_ADDRESS,
		ROCSVM_KIND_SCRATCH,
	};
	char *ours = svm_alloc(fd, ROCSVM_KIND_GTT, LENGTH);
	char *theirs = alloc_apart(ROCSVM_KIND_GTT), *va;
	uint32_t both[] = { gpu, apart };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_EQ(try_kind(kinds[i], 0, &va), -ENODEV);
	EXPECT_EQ(try_kind(ROCSVM_KIND_GTT, (uintptr_t)ours, &va), -ERANGE);
	EXPECT_EQ(try_kind(ROCSVM_KIND_GTT, (uintptr_t)theirs, &va), -EEXIST);
	EXPECT_EQ(try_kind(ROCSVM_KIND_GTT, 2 * APART, &va), -ERANGE);
	EXPECT_EQ(svm_map(fd, ours, &apart, 1), -ENODEV);
	EXPECT_EQ(svm_map(fd, ours, both, 2), -ENODEV);
	EXPECT_EQ(svm_map(fd, theirs, &gpu, 1), -ENODEV);
	EXPECT_EQ(svm_map(fd, theirs, both, 2), -ENODEV);
	EXPECT_EQ(svm_free(fd, ours), 0);
	EXPECT_EQ(svm_free(fd, theirs), 0);
}

static struct rocsvm_query query_any(uint64_t va, uint32_t flags, uint32_t *id)
{
	struct rocsvm_query query = {
		.flags = flags, .va = va, .gpu_ids = (uintptr_t)id,
		.num_gpus = 1,
	};

	EXPECT_EQ(svm_query(fd, &query), 0);
	return query;
}

/* All that there is to do with a buffer of its own. */
static void one_buffer(uint32_t kind)
{
	char *ours = svm_alloc(fd, ROCSVM_KIND_HOST, LENGTH);
	char *va = alloc_apart(kind), *second = alloc_apart(kind), *again;
	struct rocsvm_query query;
	uint32_t id = 0;

	EXPECT_GE(second, va + LENGTH + PAGE);
	EXPECT_NE(probe_read(va), 0);
	EXPECT_NE(probe_write(va), 0);
	EXPECT_EQ(svm_map(fd, va, &apart, 1), 0);
	query = query_any((uintptr_t)va + LENGTH - 1, 0, &id);
	EXPECT_EQ(query.va, (uintptr_t)va);
	EXPECT_EQ(query.kind, kind);
	EXPECT_EQ(query.gpu_id, apart);
	EXPECT_EQ(query.num_gpus, 1);
	EXPECT_EQ(id, apart);

	/* A walk comes to it behind all others; and to its neighbour then. */
	query = query_any((uintptr_t)ours + LENGTH, ROCSVM_QUERY_NEXT, &id);
	EXPECT_EQ(query.va, (uintptr_t)va);
	query = query_any((uintptr_t)va + LENGTH, ROCSVM_QUERY_NEXT, &id);
	EXPECT_EQ(query.va, (uintptr_t)second);
	query = (struct rocsvm_query){
		.flags = ROCSVM_QUERY_NEXT, .va = (uintptr_t)second + LENGTH,
	};
	EXPECT_EQ(svm_query(fd, &query), -ENOENT);

	/* ALL is all the others. */
	EXPECT_EQ(svm_map(fd, ours, NULL, ROCSVM_ALL_GPUS), 0);
	query = query_any((uintptr_t)ours, 0, &id);
	EXPECT_EQ(query.num_gpus, 1);
	EXPECT_EQ(id, gpu);

	EXPECT_EQ(svm_unmap_all(fd, va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	EXPECT_EQ(svm_free(fd, va), -ENOENT);
	EXPECT_EQ(try_kind(kind, (uintptr_t)va, &again), 0);
	EXPECT_EQ((uintptr_t)again, (uintptr_t)va);
	EXPECT_EQ(svm_free(fd, again), 0);
	EXPECT_EQ(svm_free(fd, second), 0);
	EXPECT_EQ(svm_free(fd, ours), 0);
}

/* VRAM that comes as a dma-buf is private there. */
static void shared(uint32_t kind)
{
	char *va = alloc_apart(kind);
	struct rocsvm_import args = { .fd = svm_export(fd, va) };

	ASSERT_GE(args.fd, 0);
	EXPECT_EQ(svm_import_args(fd, &args), 0);
	EXPECT(is_apart(args.va));
	EXPECT_EQ(args.gpu_id, apart);
	EXPECT_EQ(args.kind, kind);
	EXPECT_EQ(svm_map(fd, at(args.va), &apart, 1), 0);
	EXPECT_EQ(svm_free(fd, at(args.va)), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	close(args.fd);
}

static bool listed(const char *va)
{
	char path[64], line[256], wanted[32];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/rocsvm/%d/buffers", getpid());
	snprintf(wanted, sizeof(wanted), "0x%012llx ",
		 (unsigned long long)(uintptr_t)va);
	f = fopen(path, "re");
	ASSERT(f);
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, wanted, strlen(wanted));
	fclose(f);
	return found;
}

/* What is left goes with the last close, or with the process. */
static void leave(void *closes)
{
	char *gtt, *vram;

	open_apart();
	gtt = alloc_apart(ROCSVM_KIND_GTT);
	vram = alloc_apart(ROCSVM_KIND_PRIVATE_VRAM);
	EXPECT_EQ(svm_map(fd, gtt, &apart, 1), 0);
	EXPECT_EQ(svm_map(fd, vram, &apart, 1), 0);
	EXPECT(listed(gtt));
	EXPECT(listed(vram));
	if (!closes)
		return;
	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("buffers"), 0);
}

static void use(void *unused)
{
	(void)unused;
	open_apart();
	refused();
	one_buffer(ROCSVM_KIND_GTT);
	one_buffer(ROCSVM_KIND_PRIVATE_VRAM);
	shared(ROCSVM_KIND_GTT);
	shared(ROCSVM_KIND_PRIVATE_VRAM);
	EXPECT_EQ(info_of(fd).num_buffers, 0);
	close(fd);
}

static void test(void)
{
	int yes = 1;

	at_end(toctou_settings_back);
	toctou_settings();
	EXPECT_EQ(run_child_bounded(use, NULL, 120), 0);
	EXPECT_EQ(run_child_bounded(leave, &yes, 120), 0);
	EXPECT_EQ(run_child_bounded(leave, NULL, 120), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
