// SPDX-License-Identifier: MIT
/*
 * The control page is replaced by memory that never comes: each call that has
 * to do with KFD stalls with its process's lock held, and so do its other
 * threads. Other processes don't notice, and the process can be killed.
 */
#include "batch.h"
#include "stalled.h"

struct way {
	const char *name;
	void (*prepare)(void);
	void (*call)(struct staller *s);
	/* The space's lock is held meanwhile. */
	bool locks;
};

static struct window w;
static struct stalled memory;
static char *va, *own_memory;
static int dmabuf = -1, shared = -1;

static void with_host(void)
{
	va = svm_alloc(w.fd, ROCSVM_KIND_HOST, PAGE);
}

static void with_gtt(void)
{
	va = svm_alloc(w.fd, ROCSVM_KIND_GTT, PAGE);
	dmabuf = svm_export(w.fd, va);
}

static void with_registered(void)
{
	own_memory = own_private(PAGE);
	*own_memory = 1;
	ASSERT_EQ(reg_add_mapped(w.fd, own_memory, PAGE, w.gpu), 0);
}

static void with_own(void)
{
	own_memory = own_private(PAGE);
	*own_memory = 1;
}

/* Addresses that can't be taken back yet: the program's own memory is there. */
static void with_quarantine(void)
{
	char *gtt = svm_alloc(w.fd, ROCSVM_KIND_GTT, PAGE);

	ASSERT_EQ(SYS(munmap(gtt, PAGE)), 0);
	own_mapping((uintptr_t)gtt, PAGE, 1);
	ASSERT_EQ(svm_free(w.fd, gtt), 0);
	ASSERT_EQ(info_quarantined(w.fd), PAGE);
	with_host();
}

static void call_alloc(struct staller *s)
{
	void *unused;

	svm_try_alloc(s->fd, ROCSVM_KIND_VRAM, PAGE, &unused);
}

static void call_free(struct staller *s)
{
	svm_free(s->fd, va);
}

static void call_map(struct staller *s)
{
	svm_map_all(s->fd, va);
}

static void call_register(struct staller *s)
{
	reg_add(s->fd, own_memory, PAGE);
}

static void call_unregister(struct staller *s)
{
	reg_end(s->fd, own_memory, PAGE);
}

static void call_munmap(struct staller *s)
{
	(void)s;
	munmap(own_memory, PAGE);
}

static void call_import(struct staller *s)
{
	struct rocsvm_import args = { .fd = dmabuf };

	svm_import_args(s->fd, &args);
}

static void call_batch(struct staller *s)
{
	uint32_t done = 0;
	struct batch b;

	batch_open(&b, s->fd, 1);
	batch_alloc(&b, ROCSVM_KIND_HOST, 0, PAGE);
	batch_run(&b, 0, &done);
}

static void call_scratch(struct staller *s)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_SCRATCH, .gpu_id = w.gpu,
		.length = KiB(64),
	};

	svm_alloc_args(s->fd, &args);
}

static void call_svm_attr(struct staller *s)
{
	struct kfd_ioctl_svm_attribute attr = {
		.type = KFD_IOCTL_SVM_ATTR_GRANULARITY,
	};
	struct rocsvm_svm_attr args = {
		.size = sizeof(args), .op = KFD_IOCTL_SVM_OP_GET_ATTR,
		.num_attrs = 1, .va = (uintptr_t)own_memory, .length = PAGE,
		.attrs = (uintptr_t)&attr,
	};

	svm_ioctl(s->fd, ROCSVM_SVM_ATTR, &args);
}

static void call_close(struct staller *s)
{
	close(s->fd);
}

static const struct way ways[] = {
	{ "ALLOC", with_own, call_alloc, true },
	{ "close", with_host, call_close, false },
	{ "munmap of registered memory", with_registered, call_munmap, true },
	{ "MAP", with_host, call_map, true },
	{ "REGISTER", with_own, call_register, true },
	{ "FREE", with_quarantine, call_free, true },
	/* From here on not on the debug kernel. */
	{ "UNREGISTER", with_registered, call_unregister, true },
	{ "IMPORT", with_gtt, call_import, true },
	{ "BATCH", with_own, call_batch, true },
	{ "scratch", with_own, call_scratch, true },
	{ "SVM_ATTR", with_own, call_svm_attr, true },
};

static void wait_info(struct staller *s)
{
	struct rocsvm_info info;

	svm_info(s->fd, &info);
}

static void wait_gpu_info(struct staller *s)
{
	struct rocsvm_gpu_info info;

	svm_gpu_info(s->fd, 0, &info);
}

static void wait_reserve(struct staller *s)
{
	struct rocsvm_reserve args = {
		.size = sizeof(args), .flags = ROCSVM_RESERVE_KEEP,
	};

	svm_ioctl(s->fd, ROCSVM_RESERVE, &args);
}

static void wait_acquire(struct staller *s)
{
	svm_acquire(s->fd, w.gpu, render_open(w.gpu));
}

/* No GPU, which INFO would be asked for. */
static void wait_alloc(struct staller *s)
{
	void *unused;

	svm_try_alloc(s->fd, ROCSVM_KIND_HOST, PAGE, &unused);
}

static void wait_free(struct staller *s)
{
	svm_free(s->fd, at(w.base));
}

static void wait_unmap(struct staller *s)
{
	svm_unmap_all(s->fd, at(w.base));
}

static void wait_query(struct staller *s)
{
	struct rocsvm_query query = { .va = w.base };

	svm_query(s->fd, &query);
}

static void wait_set_tag(struct staller *s)
{
	struct rocsvm_set_tag args = { .size = sizeof(args), .va = w.base };

	svm_ioctl(s->fd, ROCSVM_SET_TAG, &args);
}

static void wait_export(struct staller *s)
{
	svm_export(s->fd, at(w.base));
}

static void wait_import(struct staller *s)
{
	struct rocsvm_import args = { .fd = shared };

	svm_import_args(s->fd, &args);
}

static void wait_open(struct staller *s)
{
	(void)s;
	svm_open();
}

/* KFD's own that are looked at. */
static void wait_kfd_alloc(struct staller *s)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = { .size = PAGE };

	svm_ioctl(s->fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);
}

static void wait_kfd_free(struct staller *s)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = 0 };

	svm_ioctl(s->fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);
}

static void wait_kfd_acquire(struct staller *s)
{
	struct kfd_ioctl_acquire_vm_args args = {
		.gpu_id = w.gpu, .drm_fd = render_open(w.gpu),
	};

	svm_ioctl(s->fd, AMDKFD_IOC_ACQUIRE_VM, &args);
}

/* What the other threads do meanwhile: each needs the lock. */
static struct staller waiters[] = {
	{ .call = wait_info }, { .call = wait_gpu_info },
	{ .call = wait_reserve }, { .call = wait_acquire },
	{ .call = wait_alloc }, { .call = wait_free }, { .call = wait_unmap },
	{ .call = wait_query }, { .call = wait_set_tag },
	{ .call = call_register }, { .call = call_unregister },
	{ .call = wait_export }, { .call = wait_import },
	{ .call = call_svm_attr }, { .call = wait_open },
	{ .call = wait_kfd_alloc }, { .call = wait_kfd_free },
	{ .call = wait_kfd_acquire },
};

static void expect_waiting(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		waiters[i].fd = w.fd;
		staller_start(&waiters[i]);
	}
	usleep(scaled(50000, 500000));
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++)
		EXPECT(!waiters[i].back);
}

/* From now on whoever looks at the control page stalls. */
static void replace_control(void)
{
	char *page = at(w.control_vma.start);

	stalled_open(&memory, 1);
	ASSERT_EQ((intptr_t)mremap(memory.pages, PAGE, PAGE, MREMAP_MAYMOVE |
				   MREMAP_FIXED, page), (intptr_t)page);
	memory.pages = page;
	/* It has left its registration behind. */
	stalled_range(&memory, UFFDIO_REGISTER_MODE_MISSING);
}

/* All of its threads are held up, and none of them for good. */
static void held_up(void *arg)
{
	const struct way *way = arg;
	struct staller caller = { .call = way->call };

	w = window_open();
	way->prepare();
	shared = svm_export(w.fd, svm_alloc(w.fd, ROCSVM_KIND_GTT, PAGE));
	ASSERT_GE(shared, 0);
	replace_control();
	caller.fd = w.fd;
	staller_start(&caller);
	stalled_wait(&memory, 1);
	if (way->locks)
		expect_waiting();
	stalled_for_ever();
}

/* REGISTER needs the lock again when it has the memory. */
static void held_up_later(void *unused)
{
	struct staller caller[4] = { { 0 } };
	struct staller holder = { .call = call_alloc };
	struct uffdio_zeropage zero = { .range.len = PAGE };
	struct stalled registered;

	(void)unused;
	w = window_open();
	stalled_open(&registered, 1);
	own_memory = registered.pages;
	holder.fd = w.fd;
	for (size_t i = 0; i < ARRAY_SIZE(caller); i++) {
		caller[i] = (struct staller){ .fd = w.fd, .call = call_register };
		staller_start(&caller[i]);
	}
	stalled_wait(&registered, 1);
	replace_control();
	staller_start(&holder);
	stalled_wait(&memory, 1);
	zero.range.start = (uintptr_t)registered.pages;
	ASSERT_EQ(SYS(ioctl(registered.uffd, UFFDIO_ZEROPAGE, &zero)), 0);
	usleep(scaled(50000, 500000));
	for (size_t i = 0; i < ARRAY_SIZE(caller); i++)
		EXPECT(!caller[i].back);
	stalled_for_ever();
}

static void all(void)
{
	for (size_t i = 0; i < scaled(ARRAY_SIZE(ways), 6); i++)
		stalled_process(ways[i].name, held_up, (void *)&ways[i]);
	stalled_process("REGISTER, later", held_up_later, NULL);
}

static void test(void)
{
	toctou_beside(all);
}

int main(void)
{
	return test_main(test);
}
