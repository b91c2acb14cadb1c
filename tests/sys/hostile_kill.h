/* SPDX-License-Identifier: MIT */
/*
 * kill -9 at a random point of each call: a timer of the victim's own fires
 * within the time that the call takes, so that most deaths are inside of it.
 * Nothing may be left, by the counters and by KFD's own account.
 */
#ifndef ROCSVM_TESTS_HOSTILE_KILL_H
#define ROCSVM_TESTS_HOSTILE_KILL_H

#include <time.h>

#include "batch.h"
#include "reg.h"
#include "share.h"
#include "svmrange.h"

/* So often all is looked at. */
#define KILL_CHECK_EACH 100

/* A victim and what it has. */
struct victim {
	int fd, drm;
	uint32_t gpu;
	void *va;
	int dmabuf;
	struct batch batch;
};

/* What is killed; @call may be repeated after @undo. All may be NULL but @call. */
struct kill_op {
	const char *name;
	void (*before)(struct victim *v);
	void (*call)(struct victim *v);
	void (*undo)(struct victim *v);
	bool no_start;
};

/* Told to the parent by memory, as the dead tell nothing. */
static struct kill_stage {
	uint32_t gpu;
	char render[64];
	uint64_t ns;		/* what the call takes, longest of some */
	volatile bool inside;
	volatile bool running;
} *kill_stage;

/* ---- the calls ---------------------------------------------------------- */

static inline void kill_start(struct victim *v)
{
	v->fd = svm_open();
	ASSERT_GE(v->fd, 0);
	v->drm = SYS(open(kill_stage->render, O_RDWR | O_CLOEXEC));
	ASSERT_GE(v->drm, 0);
	ASSERT_EQ(svm_acquire(v->fd, v->gpu, v->drm), 0);
}

static inline void *kill_alloc(struct victim *v, uint32_t kind, uint64_t length,
			       bool mapped)
{
	struct rocsvm_alloc args = {
		.kind = kind,
		.length = length,
		.gpu_id = v->gpu,
		.gpu_ids = (uintptr_t)&v->gpu,
		.num_gpus = mapped,
	};

	ASSERT_EQ(svm_alloc_args(v->fd, &args), 0);
	return (void *)(uintptr_t)args.va;
}

static void op_open(struct victim *v)
{
	v->fd = svm_open();
	ASSERT_GE(v->fd, 0);
}

static void op_close(struct victim *v)
{
	ASSERT_EQ(close(v->fd), 0);
}

static void op_fill_space(struct victim *v)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		kill_alloc(v, kinds[i], KiB(64), true);
}

static void op_open_and_fill(struct victim *v)
{
	op_open(v);
	ASSERT_EQ(svm_acquire(v->fd, v->gpu, v->drm), 0);
	op_fill_space(v);
}

static void op_exit(struct victim *v)
{
	(void)v;
	_exit(0);
}

static void op_info(struct victim *v)
{
	struct rocsvm_info info;
	struct rocsvm_gpu_info gpu;

	ASSERT_EQ(svm_info(v->fd, &info), 0);
	ASSERT_EQ(svm_gpu_info(v->fd, 0, &gpu), 0);
}

static void op_reserve(struct victim *v)
{
	struct rocsvm_reserve args = {
		.size = sizeof(args), .length = GiB(4) << (getpid() % 8),
	};

	ASSERT_EQ(svm_ioctl(v->fd, ROCSVM_RESERVE, &args), 0);
}

static void op_open_render(struct victim *v)
{
	op_open(v);
	v->drm = SYS(open(kill_stage->render, O_RDWR | O_CLOEXEC));
	ASSERT_GE(v->drm, 0);
}

static void op_acquire(struct victim *v)
{
	ASSERT_EQ(svm_acquire(v->fd, v->gpu, v->drm), 0);
}

static void op_alloc_host(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_HOST, KiB(256), true);
}

static void op_alloc_huge(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_HOST, MiB(2), true);
}

static void op_alloc_gtt(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_GTT, KiB(256), true);
}

static void op_alloc_vram(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_VRAM, KiB(256), true);
}

static void op_alloc_private(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_PRIVATE_VRAM, KiB(256), true);
}

static void op_alloc_doorbell(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_DOORBELL, KiB(8), true);
}

static void op_alloc_address(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_ADDRESS, MiB(1), false);
}

static void op_alloc_scratch(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_SCRATCH, MiB(1), false);
}

static void op_free(struct victim *v)
{
	ASSERT_EQ(svm_free(v->fd, v->va), 0);
}

static void op_alloc_unmapped(struct victim *v)
{
	v->va = kill_alloc(v, ROCSVM_KIND_HOST, KiB(256), false);
}

static void op_map(struct victim *v)
{
	ASSERT_EQ(svm_map(v->fd, v->va, &v->gpu, 1), 0);
}

static void op_unmap(struct victim *v)
{
	ASSERT_EQ(svm_unmap(v->fd, v->va, NULL, 0), 0);
}

static void op_query(struct victim *v)
{
	struct rocsvm_query q = { .va = (uintptr_t)v->va };
	struct rocsvm_set_tag tag = {
		.size = sizeof(tag), .va = (uintptr_t)v->va, .tag = 7,
	};

	ASSERT_EQ(svm_query(v->fd, &q), 0);
	ASSERT_EQ(svm_ioctl(v->fd, ROCSVM_SET_TAG, &tag), 0);
}

static void op_own_memory(struct victim *v)
{
	v->va = own_private(KiB(256));
}

static void op_register(struct victim *v)
{
	ASSERT_EQ(reg_add_mapped(v->fd, v->va, KiB(256), v->gpu), 0);
}

static void op_unregister(struct victim *v)
{
	ASSERT_EQ(reg_end(v->fd, v->va, KiB(256)), 0);
}

static void op_own_registered(struct victim *v)
{
	op_own_memory(v);
	op_register(v);
}

/* KFD is called on the way back to user mode. */
static void op_munmap(struct victim *v)
{
	ASSERT_EQ(munmap(v->va, KiB(256)), 0);
}

static void op_unregister_register(struct victim *v)
{
	op_unregister(v);
	op_own_registered(v);
}

static void op_batch_before(struct victim *v)
{
	op_alloc_unmapped(v);
	batch_open(&v->batch, v->fd, 32);
	for (int i = 0; i < 16; i++) {
		batch_map(&v->batch, ROCSVM_MAP, (uintptr_t)v->va);
		batch_map(&v->batch, ROCSVM_UNMAP, (uintptr_t)v->va);
	}
}

static void op_batch(struct victim *v)
{
	uint32_t done = 0;

	ASSERT_EQ(batch_run(&v->batch, 0, &done), 0);
}

static void op_export(struct victim *v)
{
	v->dmabuf = svm_export(v->fd, v->va);
	ASSERT_GE(v->dmabuf, 0);
}

static void op_export_undo(struct victim *v)
{
	close(v->dmabuf);
}

static void op_import_before(struct victim *v)
{
	op_alloc_gtt(v);
	op_export(v);
}

static void op_import(struct victim *v)
{
	v->va = svm_import(v->fd, v->dmabuf);
}

static void op_svm_attr(struct victim *v)
{
	/* An error where KFD has no such ranges. */
	svm_set(v->fd, v->va, PAGE, KFD_IOCTL_SVM_ATTR_GRANULARITY, 9);
}

/* KFD's own ALLOC and FREE through our file. */
static void op_kfd(struct victim *v)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = 0x10000000000, .size = KiB(64), .gpu_id = v->gpu,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_VRAM,
	};
	struct kfd_ioctl_free_memory_of_gpu_args end;

	ASSERT_EQ(svm_ioctl(v->fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args), 0);
	end.handle = args.handle;
	ASSERT_EQ(svm_ioctl(v->fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &end), 0);
}

#define KILL_OP(name_, before_, call_, undo_, no_start_)		\
	{ .name = name_, .before = before_, .call = call_,		\
	  .undo = undo_, .no_start = no_start_ }

static const struct kill_op kill_ops[] = {
	KILL_OP("open", NULL, op_open, op_close, true),
	KILL_OP("close", op_fill_space, op_close, op_open_and_fill, false),
	KILL_OP("exit", op_fill_space, op_exit, NULL, false),
	KILL_OP("INFO", NULL, op_info, NULL, false),
	KILL_OP("RESERVE", NULL, op_reserve, NULL, false),
	KILL_OP("ACQUIRE_VM", op_open_render, op_acquire, NULL, true),
	KILL_OP("ALLOC host", NULL, op_alloc_host, op_free, false),
	KILL_OP("ALLOC huge", NULL, op_alloc_huge, op_free, false),
	KILL_OP("ALLOC GTT", NULL, op_alloc_gtt, op_free, false),
	KILL_OP("ALLOC VRAM", NULL, op_alloc_vram, op_free, false),
	KILL_OP("ALLOC private", NULL, op_alloc_private, op_free, false),
	KILL_OP("ALLOC doorbell", NULL, op_alloc_doorbell, op_free, false),
	KILL_OP("ALLOC address", NULL, op_alloc_address, op_free, false),
	KILL_OP("ALLOC scratch", NULL, op_alloc_scratch, op_free, false),
	KILL_OP("FREE host", op_alloc_host, op_free, op_alloc_host, false),
	KILL_OP("FREE huge", op_alloc_huge, op_free, op_alloc_huge, false),
	KILL_OP("FREE GTT", op_alloc_gtt, op_free, op_alloc_gtt, false),
	KILL_OP("FREE VRAM", op_alloc_vram, op_free, op_alloc_vram, false),
	KILL_OP("MAP", op_alloc_unmapped, op_map, op_unmap, false),
	KILL_OP("UNMAP", op_alloc_host, op_unmap, op_map, false),
	KILL_OP("QUERY, SET_TAG", op_alloc_host, op_query, NULL, false),
	KILL_OP("REGISTER", op_own_memory, op_register, op_unregister, false),
	KILL_OP("UNREGISTER", op_own_registered, op_unregister, op_register, false),
	KILL_OP("munmap", op_own_registered, op_munmap, op_unregister_register, false),
	KILL_OP("BATCH", op_batch_before, op_batch, NULL, false),
	KILL_OP("EXPORT", op_alloc_gtt, op_export, op_export_undo, false),
	KILL_OP("IMPORT", op_import_before, op_import, op_free, false),
	KILL_OP("SVM_ATTR", op_own_memory, op_svm_attr, NULL, false),
	KILL_OP("KFD's", NULL, op_kfd, NULL, false),
};

/* ---- a death ------------------------------------------------------------ */

static inline uint64_t kill_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static inline void kill_prepare(const struct kill_op *op, struct victim *v)
{
	*v = (struct victim){ .fd = -1, .gpu = kill_stage->gpu };
	if (!op->no_start)
		kill_start(v);
	if (op->before)
		op->before(v);
}

/* How long the call takes; a process that calls exit() does not say. */
static inline void kill_measure(void *arg)
{
	const struct kill_op *op = arg;
	struct victim v;

	kill_prepare(op, &v);
	kill_stage->ns = 2000000;
	if (op->call == op_exit)
		return;
	for (int i = 0; i < 3; i++) {
		uint64_t start = kill_now(), took;

		op->call(&v);
		took = kill_now() - start;
		if (!i || took > kill_stage->ns)
			kill_stage->ns = took;
		if (op->undo)
			op->undo(&v);
	}
}

static inline void kill_victim(const struct kill_op *op, uint64_t delay)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL,
	};
	struct itimerspec when = {
		.it_value = { delay / 1000000000, delay % 1000000000 },
	};
	struct victim v;
	timer_t timer;

	kill_prepare(op, &v);
	ASSERT_EQ(SYS(timer_create(CLOCK_MONOTONIC, &event, &timer)), 0);
	kill_stage->running = true;
	ASSERT_EQ(SYS(timer_settime(timer, 0, &when, NULL)), 0);
	for (;;) {
		kill_stage->inside = true;
		op->call(&v);
		kill_stage->inside = false;
		if (op->undo)
			op->undo(&v);
	}
}

/* True if it died inside the call. */
static inline bool kill_once(const struct kill_op *op, uint64_t delay)
{
	int status;
	pid_t pid;

	kill_stage->inside = false;
	kill_stage->running = false;
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		kill_victim(op, delay);
		_exit(KSFT_FAIL);
	}
	status = child_wait(pid);
	/* Who exits may be faster than the timer. */
	if (op->call != op_exit || status) {
		if (!WIFSIGNALED(status))
			say("%s: ended with status 0x%x", op->name, status);
		ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	ASSERT(kill_stage->running);
	return kill_stage->inside;
}

static inline void kill_all(unsigned long kills)
{
	unsigned long done = 0, inside[ARRAY_SIZE(kill_ops)] = { 0 }, hits = 0;
	unsigned long each = kills / ARRAY_SIZE(kill_ops) + 1;
	uint64_t ns[ARRAY_SIZE(kill_ops)], available;
	int fd = svm_open(), kfd = kfd_open(), minor;
	uint32_t state = 11;

	kill_stage = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(kill_stage != MAP_FAILED);
	ASSERT_GE(fd, 0);
	kill_stage->gpu = svm_gpu(fd, 0);
	close(fd);
	minor = render_minor(kill_stage->gpu);
	ASSERT_GE(minor, 0);
	snprintf(kill_stage->render, sizeof(kill_stage->render),
		 "/dev/dri/renderD%d", minor);
	for (size_t i = 0; i < ARRAY_SIZE(kill_ops); i++) {
		EXPECT_EQ(run_child(kill_measure, (void *)&kill_ops[i]), 0);
		ns[i] = kill_stage->ns;
	}
	ASSERT_EQ(test_failures, 0);
	ASSERT(svm_all_gone());
	available = kfd_available(kfd, kill_stage->gpu);

	for (unsigned long round = 0; round < each; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(kill_ops); i++) {
			inside[i] += kill_once(&kill_ops[i],
					       1 + rnd(&state) % (ns[i] + ns[i] / 4));
			if (++done % KILL_CHECK_EACH)
				continue;
			ASSERT(svm_all_gone());
			ASSERT(EVENTUALLY(kfd_available(kfd, kill_stage->gpu) ==
					  available, 20000));
		}
	}
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(kfd_available(kfd, kill_stage->gpu) == available,
			  20000));
	for (size_t i = 0; i < ARRAY_SIZE(kill_ops); i++) {
		say("%-16s %4lu us, %lu of %lu inside", kill_ops[i].name,
		    (unsigned long)ns[i] / 1000, inside[i], each);
		hits += inside[i];
	}
	say("%lu killed, %lu of them inside the call; VRAM available %lu before, %lu after",
	    done, hits, available, kfd_available(kfd, kill_stage->gpu));
	EXPECT_GE(done, kills);
	/* Or the timers are wrong, and nothing is shown. */
	EXPECT_GT(hits, done / 3);
	close(kfd);
}

#endif /* ROCSVM_TESTS_HOSTILE_KILL_H */
