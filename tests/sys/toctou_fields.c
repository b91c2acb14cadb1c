// SPDX-License-Identifier: MIT
/*
 * A program changes single values in the control page while KFD and the module
 * talk through it: what KFD is told, and what the module is told. The program's
 * own buffers suffer; nobody else's do, and with the program everything goes.
 */
#include "share.h"
#include "toctou.h"

#include <sys/uio.h>

/* KFD's arguments are at the beginning of the control page, its arrays here. */
#define ARRAYS 256

/* What a value is changed to. */
enum value {
	V_ZERO, V_ONE, V_BAD_ID, V_BAD_HANDLE, V_OTHER_HANDLE, V_OTHER_VA,
	V_NEIGHBOUR_VA, V_KERNEL, V_UNMAPPED, V_HALF, V_DOUBLE, V_VRAM, V_GTT,
	V_USERPTR, V_DOORBELL, V_MANY, V_BAD_FD, V_OTHER_FD, V_WINDOW,
};

struct field {
	const char *name;
	unsigned int offset, size;
	enum value values[4];
	unsigned int num_values;
};

enum op { OP_ALLOC, OP_FREE, OP_MAP, OP_UNMAP, OP_REGISTER, OP_IMPORT,
	  OP_EXPORT, OP_BATCH, OP_RESERVE };

struct attack {
	enum op op;
	const char *name;
	struct field fields[8];
	/* With one of the fields a call must have failed that succeeds else. */
	bool fails;
};

#define FIELD(args, member, ...) {					\
	#member, offsetof(struct args, member),				\
	sizeof(((struct args *)0)->member), { __VA_ARGS__ },		\
	sizeof((enum value[]){ __VA_ARGS__ }) / sizeof(enum value) }
#define ARRAY_FIELD(...) {						\
	"device id", ARRAYS, 4, { __VA_ARGS__ },			\
	sizeof((enum value[]){ __VA_ARGS__ }) / sizeof(enum value) }

/*
 * Not together with a GPU that is none: how many GPUs there are done already,
 * of which KFD warns; nor a number of GPUs that the kernel has no memory for.
 */
static const struct attack attacks[] = {
	{ OP_ALLOC, "ALLOC", {
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, va_addr, V_ZERO,
		      V_OTHER_VA, V_NEIGHBOUR_VA, V_KERNEL),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, size, V_ZERO, V_HALF,
		      V_DOUBLE),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, mmap_offset, V_ZERO,
		      V_OTHER_VA, V_KERNEL, V_NEIGHBOUR_VA),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, gpu_id, V_BAD_ID),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, flags, V_ZERO, V_VRAM,
		      V_GTT, V_DOORBELL),
	}, true },
	{ OP_MAP, "MAP", {
		FIELD(kfd_ioctl_map_memory_to_gpu_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
		FIELD(kfd_ioctl_map_memory_to_gpu_args, device_ids_array_ptr,
		      V_ZERO, V_KERNEL, V_UNMAPPED),
		FIELD(kfd_ioctl_map_memory_to_gpu_args, n_devices, V_ZERO,
		      V_MANY),
		FIELD(kfd_ioctl_map_memory_to_gpu_args, n_success, V_ONE,
		      V_MANY),
		ARRAY_FIELD(V_BAD_ID, V_ZERO),
	}, true },
	{ OP_REGISTER, "REGISTER", {
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, va_addr, V_OTHER_VA),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, mmap_offset, V_ZERO,
		      V_NEIGHBOUR_VA, V_WINDOW),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, gpu_id, V_BAD_ID),
	}, true },
	{ OP_UNMAP, "UNMAP", {
		FIELD(kfd_ioctl_unmap_memory_from_gpu_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
		FIELD(kfd_ioctl_unmap_memory_from_gpu_args,
		      device_ids_array_ptr, V_ZERO, V_KERNEL, V_UNMAPPED),
		FIELD(kfd_ioctl_unmap_memory_from_gpu_args, n_devices, V_ZERO,
		      V_MANY),
		FIELD(kfd_ioctl_unmap_memory_from_gpu_args, n_success, V_ONE,
		      V_MANY),
		ARRAY_FIELD(V_BAD_ID, V_ZERO),
	}, true },
	{ OP_FREE, "FREE", {
		FIELD(kfd_ioctl_free_memory_of_gpu_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
	}, false },
	{ OP_IMPORT, "IMPORT", {
		FIELD(kfd_ioctl_get_dmabuf_info_args, size, V_ZERO, V_HALF,
		      V_DOUBLE),
		FIELD(kfd_ioctl_get_dmabuf_info_args, metadata_ptr, V_KERNEL,
		      V_UNMAPPED),
		FIELD(kfd_ioctl_get_dmabuf_info_args, gpu_id, V_BAD_ID),
		FIELD(kfd_ioctl_get_dmabuf_info_args, flags, V_ZERO, V_VRAM),
		FIELD(kfd_ioctl_get_dmabuf_info_args, dmabuf_fd, V_BAD_FD,
		      V_OTHER_FD),
		FIELD(kfd_ioctl_import_dmabuf_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
		FIELD(kfd_ioctl_import_dmabuf_args, dmabuf_fd, V_BAD_FD,
		      V_OTHER_FD),
	}, true },
	{ OP_EXPORT, "EXPORT", {
		FIELD(kfd_ioctl_free_memory_of_gpu_args, handle, V_OTHER_HANDLE,
		      V_BAD_HANDLE),
	}, false },
	{ OP_BATCH, "BATCH", {
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, handle, V_ZERO,
		      V_BAD_HANDLE, V_OTHER_HANDLE),
		FIELD(kfd_ioctl_alloc_memory_of_gpu_args, gpu_id, V_BAD_ID),
		ARRAY_FIELD(V_BAD_ID),
	}, true },
	{ OP_RESERVE, "RESERVE", {
		FIELD(kfd_ioctl_set_memory_policy_args, alternate_aperture_base,
		      V_ZERO, V_KERNEL),
		FIELD(kfd_ioctl_set_memory_policy_args, gpu_id, V_BAD_ID),
	}, true },
};

/* Shared with the attackers, for each field. */
static struct counts {
	unsigned long calls, flips, hit, failed, believed;
} *counts;

/* Of all fields. */
static unsigned long all_failed, all_believed;

/* ---- the attacker ------------------------------------------------------- */

struct attacker {
	const struct attack *attack;
	/* From the first field to the last one. */
	unsigned int first, last;
	const struct field *field;
	struct counts *counts;
	struct window w;
	struct flipper flipper;
	uint64_t value[4];
	char *other;		/* a buffer that is there all the time */
	uint64_t other_handle;
	char *memory;		/* to be registered */
	int dmabuf, other_fd;
	uint32_t kind;
};

static uint64_t handle_of(int fd, const void *va)
{
	struct rocsvm_query q = { .va = (uintptr_t)va };

	ASSERT_EQ(svm_query(fd, &q), 0);
	return q.handle;
}

static uint64_t value_of(const struct attacker *a, enum value v)
{
	switch (v) {
	case V_ONE: return 1;
	case V_BAD_ID: return 0xdead;
	case V_BAD_HANDLE: return (uint64_t)a->w.gpu << 32 | 0x7777;
	case V_OTHER_HANDLE: return a->other_handle;
	case V_OTHER_VA: return (uintptr_t)a->other;
	/* Where the window is in every process. */
	case V_NEIGHBOUR_VA: return a->w.base;
	case V_KERNEL: return 0xffff888000000000ull;
	case V_UNMAPPED: return 8 * PAGE;
	case V_HALF: return PAGE;
	case V_DOUBLE: return 2 * POSSESSION;
	case V_VRAM: return KFD_IOC_ALLOC_MEM_FLAGS_VRAM |
			    KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC;
	case V_GTT: return KFD_IOC_ALLOC_MEM_FLAGS_GTT |
			   KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM;
	case V_USERPTR: return KFD_IOC_ALLOC_MEM_FLAGS_USERPTR;
	case V_DOORBELL: return KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL;
	case V_MANY: return 1000;
	case V_BAD_FD: return 900;
	case V_OTHER_FD: return a->other_fd;
	case V_WINDOW: return a->w.huge;
	case V_ZERO: break;
	}
	return 0;
}

static void flip(void *arg, uint32_t random)
{
	const struct attacker *a = arg;
	const struct field *f = a->field;
	uint64_t value = a->value[random % f->num_values];
	char *to = at(a->w.control_vma.start) + f->offset;
	struct iovec from_vec = { &value, f->size }, to_vec = { to, f->size };

	/* RESERVE takes the page away for a moment. */
	if (a->attack->op == OP_RESERVE)
		process_vm_writev(getpid(), &from_vec, 1, &to_vec, 1, 0);
	else
		memcpy(to, &value, f->size);
}

/* A buffer to do something with; NULL where an earlier flip leaves none. */
static void *alloc(struct attacker *a)
{
	void *va;

	return svm_try_alloc(a->w.fd, a->kind, POSSESSION, &va) ? NULL : va;
}

/* Was it what the module now takes for KFD's handle? */
static bool believes(const struct attacker *a, const void *va)
{
	uint64_t handle = handle_of(a->w.fd, va);

	if (strcmp(a->field->name, "handle"))
		return false;
	for (unsigned int i = 0; i < a->field->num_values; i++)
		if (a->value[i] == handle)
			return true;
	return false;
}

static void flipped_alloc(struct attacker *a)
{
	void *va = NULL;

	if (FLIPPED(&a->flipper, svm_try_alloc(a->w.fd, a->kind, POSSESSION,
					       &va)))
		return;
	a->counts->believed += believes(a, va);
	svm_map_all(a->w.fd, va);
	probe_write(va);
	svm_free(a->w.fd, va);
}

static void flipped_free(struct attacker *a)
{
	void *va = alloc(a);

	if (!va)
		return;
	svm_map_all(a->w.fd, va);
	FLIPPED(&a->flipper, svm_free(a->w.fd, va));
}

static void flipped_map(struct attacker *a)
{
	void *va = alloc(a);

	if (!va)
		return;
	FLIPPED(&a->flipper, svm_map_all(a->w.fd, va));
	svm_free(a->w.fd, va);
}

static void flipped_unmap(struct attacker *a)
{
	void *va = alloc(a);

	if (!va)
		return;
	svm_map_all(a->w.fd, va);
	FLIPPED(&a->flipper, svm_unmap_all(a->w.fd, va));
	svm_free(a->w.fd, va);
}

static void flipped_register(struct attacker *a)
{
	FLIPPED(&a->flipper, reg_add_mapped(a->w.fd, a->memory, POSSESSION,
					    a->w.gpu));
	reg_end(a->w.fd, a->memory, POSSESSION);
}

static void flipped_import(struct attacker *a)
{
	struct rocsvm_import args = { .fd = a->dmabuf };

	if (!FLIPPED(&a->flipper, svm_import_args(a->w.fd, &args)))
		svm_free(a->w.fd, at(args.va));
}

static void flipped_export(struct attacker *a)
{
	void *va;
	int fd;

	a->kind = ROCSVM_KIND_GTT;
	va = alloc(a);
	if (!va)
		return;
	fd = FLIPPED(&a->flipper, svm_export(a->w.fd, va));
	if (fd >= 0)
		close(fd);
	svm_free(a->w.fd, va);
}

/* ALLOC with MAP, and FREE, at a place that is known beforehand. */
static void flipped_batch(struct attacker *a)
{
	/* Where an earlier one was lost there is no room. */
	uint64_t va = a->w.base + GiB(1) + a->flipper.hit * MiB(1);
	struct rocsvm_alloc alloc = {
		.size = sizeof(alloc), .kind = a->kind, .gpu_id = a->w.gpu,
		.flags = ROCSVM_ALLOC_FIXED, .va = va, .length = POSSESSION,
		.gpu_ids = (uintptr_t)&a->w.gpu, .num_gpus = 1,
	};
	struct rocsvm_free free = { .size = sizeof(free), .va = va };
	struct rocsvm_batch_entry entries[] = {
		{ .cmd = ROCSVM_ALLOC, .arg = (uintptr_t)&alloc },
		{ .cmd = ROCSVM_FREE, .arg = (uintptr_t)&free },
	};
	struct rocsvm_batch args = {
		.size = sizeof(args), .entries = (uintptr_t)entries,
		.num_entries = 2,
	};

	if (FLIPPED(&a->flipper, svm_ioctl(a->w.fd, ROCSVM_BATCH, &args)))
		svm_free(a->w.fd, at(va));
}

static void flipped_reserve(struct attacker *a)
{
	uint64_t base = a->w.base, length = a->w.end - a->w.base;

	FLIPPED(&a->flipper, svm_reserve(a->w.fd, ROCSVM_RESERVE_FIXED, &base,
					 &length));
}

static void (*const ops[])(struct attacker *) = {
	[OP_ALLOC] = flipped_alloc, [OP_FREE] = flipped_free,
	[OP_MAP] = flipped_map, [OP_UNMAP] = flipped_unmap,
	[OP_REGISTER] = flipped_register, [OP_IMPORT] = flipped_import,
	[OP_EXPORT] = flipped_export, [OP_BATCH] = flipped_batch,
	[OP_RESERVE] = flipped_reserve,
};

/* What the calls need; RESERVE is for a window without a buffer. */
static void prepare(struct attacker *a)
{
	a->w = window_open();
	if (a->attack->op == OP_RESERVE)
		return;
	a->other = svm_alloc(a->w.fd, ROCSVM_KIND_GTT, POSSESSION);
	a->other_handle = handle_of(a->w.fd, a->other);
	a->memory = own_private(POSSESSION);
	memset(a->memory, 1, POSSESSION);
	a->dmabuf = svm_export(a->w.fd, a->other);
	ASSERT_GE(a->dmabuf, 0);
	a->other_fd = svm_export(a->w.fd, svm_alloc(a->w.fd, ROCSVM_KIND_VRAM,
						    PAGE));
	ASSERT_GE(a->other_fd, 0);
}

static void attack_field(struct attacker *a, unsigned int index)
{
	const char *page = at(a->w.control_vma.start);
	unsigned long calls = scaled(32, 8);

	a->field = &a->attack->fields[index];
	a->counts = &counts[index];
	for (unsigned int i = 0; i < a->field->num_values; i++)
		a->value[i] = value_of(a, a->field->values[i]);
	flipper_start(&a->flipper, flip, a, 4711 + index, page + a->field->offset,
		      a->field->size);
	for (unsigned long i = 0; i < calls; i++) {
		a->kind = cpu_kinds[i % ARRAY_SIZE(cpu_kinds)];
		ops[a->attack->op](a);
	}
	flipper_stop(&a->flipper);
	a->counts->calls = calls;
	a->counts->flips = a->flipper.flips;
	a->counts->hit = a->flipper.hit;
	a->counts->failed = a->flipper.failed;
}

static void attacker(void *arg)
{
	struct attacker *a = arg;

	prepare(a);
	for (unsigned int i = a->first; i <= a->last; i++)
		attack_field(a, i);
	/* The space's own books are none the worse. */
	EXPECT_EQ(close(a->w.fd), 0);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
}

/* Each field for a while; the flips have the effect that they are to have. */
static void attack(const struct attack *attack)
{
	unsigned long hit = 0, failed = 0, believed = 0;
	struct attacker a = { .attack = attack };
	unsigned int count = 0;

	memset(counts, 0, PAGE);
	while (count < ARRAY_SIZE(attack->fields) && attack->fields[count].name)
		count++;
	/* A process for each of them, where processes are cheap. */
	for (a.first = 0; a.first < count; a.first = a.last + 1) {
		a.last = debug_kernel() ? count - 1 : a.first;
		toctou_attacker(attack->name, attacker, &a);
	}
	for (unsigned int i = 0; i < count; i++) {
		say("%s, %s: %lu calls, %lu of them flipped in, %lu flips; %lu failed, %lu told something false",
		    attack->name, attack->fields[i].name, counts[i].calls,
		    counts[i].hit, counts[i].flips, counts[i].failed,
		    counts[i].believed);
		hit += counts[i].hit;
		failed += counts[i].failed;
		believed += counts[i].believed;
	}
	all_failed += failed;
	all_believed += believed;
	/* Not every KFD is asked for an EXPORT. */
	EXPECT(hit || attack->op == OP_EXPORT);
	EXPECT(failed || !attack->fails);
	EXPECT(believed || attack->op != OP_ALLOC);
}

static void all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
		attack(&attacks[i]);
	say("%lu calls failed by a flip, %lu told something false", all_failed,
	    all_believed);
	EXPECT_GT(all_failed, 0);
	EXPECT_GT(all_believed, 0);
}

static void test(void)
{
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(counts != MAP_FAILED);
	at_end(toctou_settings_back);
	toctou_settings();
	toctou_beside(all);
}

int main(void)
{
	return window_main(test);
}
