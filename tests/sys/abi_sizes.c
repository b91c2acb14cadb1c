// SPDX-License-Identifier: MIT
/*
 * Every ioctl: structures of all sizes, unknown flags, reserved members, bad
 * pointers. Nothing that fails may have done anything.
 */
#include "harness.h"

static int fd, drm;
static uint32_t gpu_id;
static uint64_t buffer;		/* one that lives through the whole test */
static uint64_t shared;		/* another one, and its dma-buf */
static int dmabuf;
static char memory[PAGE];	/* what is registered */
static bool registered;

/* Room behind the largest structure for a tail the kernel doesn't know. */
union args {
	uint32_t size;
	uint32_t word[2];	/* size, flags: the same place in all of them */
	struct rocsvm_info info;
	struct rocsvm_gpu_info gpu_info;
	struct rocsvm_reserve reserve;
	struct rocsvm_acquire_vm acquire;
	struct rocsvm_alloc alloc;
	struct rocsvm_free free;
	struct rocsvm_map map;
	struct rocsvm_query query;
	struct rocsvm_set_tag set_tag;
	struct rocsvm_register reg;
	struct rocsvm_unregister unreg;
	struct rocsvm_batch batch;
	struct rocsvm_export exp;
	struct rocsvm_import imp;
	struct rocsvm_svm_attr svm_attr;
	unsigned char bytes[PAGE];
};

/*
 * fill() makes arguments with which the call succeeds, undo() takes back what
 * it did then.
 */
struct op {
	const char *name;
	unsigned long cmd;
	uint32_t size;
	uint32_t min_size;	/* of the first version */
	uint32_t known_flags;
	uint32_t reserved;	/* offset of the reserved member, 0 if none */
	void (*fill)(union args *a);
	void (*undo)(union args *a);
};

static void nothing(union args *a)
{
	(void)a;
}

static void fill_acquire(union args *a)
{
	a->acquire.gpu_id = gpu_id;
	a->acquire.drm_fd = drm;
}

static void fill_alloc(union args *a)
{
	a->alloc.kind = ROCSVM_KIND_HOST;
	a->alloc.length = PAGE;
}

static void undo_alloc(union args *a)
{
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)a->alloc.va), 0);
}

static void fill_free(union args *a)
{
	a->free.va = (uintptr_t)svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
}

static void fill_map(union args *a)
{
	a->map.va = buffer;
	a->map.gpu_ids = (uintptr_t)&gpu_id;
	a->map.num_gpus = 1;
}

static void undo_map(union args *a)
{
	EXPECT_EQ(svm_unmap(fd, (void *)(uintptr_t)a->map.va, NULL, 0), 0);
}

static void fill_unmap(union args *a)
{
	svm_map(fd, (void *)(uintptr_t)buffer, &gpu_id, 1);
	fill_map(a);
}

static void fill_query(union args *a)
{
	a->query.va = buffer;
}

static void fill_register(union args *a)
{
	a->reg.va = (uintptr_t)memory;
	a->reg.length = PAGE;
}

static void undo_register(union args *a)
{
	struct rocsvm_unregister args = {
		.size = sizeof(args), .va = a->reg.va, .length = PAGE,
	};

	EXPECT_EQ(svm_ioctl(fd, ROCSVM_UNREGISTER, &args), 0);
}

static void fill_unregister(union args *a)
{
	struct rocsvm_register args = {
		.size = sizeof(args), .va = (uintptr_t)memory, .length = PAGE,
	};

	/* one is enough for all the calls that fail */
	if (!registered)
		EXPECT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
	registered = true;
	a->unreg.va = args.va;
	a->unreg.length = PAGE;
}

static void undo_unregister(union args *a)
{
	(void)a;
	registered = false;
}

static void fill_export(union args *a)
{
	a->exp.va = shared;
}

static void undo_export(union args *a)
{
	EXPECT_EQ(close(a->exp.fd), 0);
}

static void fill_import(union args *a)
{
	a->imp.fd = dmabuf;
}

static void undo_import(union args *a)
{
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)a->imp.va), 0);
}

#define END(type, member) \
	(offsetof(struct type, member) + sizeof(((struct type *)0)->member))
#define OP(NAME, type, last, flags, reserved, fill, undo) \
	{ #NAME, ROCSVM_##NAME, sizeof(struct type), END(type, last), flags, \
	  reserved, fill, undo }

/* RESERVE wants a space without buffers and is done before the others. */
static const struct op reserve_op =
	OP(RESERVE, rocsvm_reserve, length,
	   ROCSVM_RESERVE_FIXED | ROCSVM_RESERVE_KEEP | ROCSVM_RESERVE_NO_GUARD,
	   offsetof(struct rocsvm_reserve, __reserved), nothing, nothing);

static const struct op ops[] = {
	OP(INFO, rocsvm_info, quarantined_bytes, 0,
	   offsetof(struct rocsvm_info, __reserved), nothing, nothing),
	OP(GPU_INFO, rocsvm_gpu_info, scratch_limit, 0,
	   offsetof(struct rocsvm_gpu_info, __reserved), nothing, nothing),
	OP(ACQUIRE_VM, rocsvm_acquire_vm, drm_fd, 0, 0, fill_acquire, nothing),
	OP(ALLOC, rocsvm_alloc, __reserved, 0x3f,
	   offsetof(struct rocsvm_alloc, __reserved), fill_alloc, undo_alloc),
	OP(FREE, rocsvm_free, va, 0, 0, fill_free, nothing),
	OP(MAP, rocsvm_map, __reserved, 0,
	   offsetof(struct rocsvm_map, __reserved), fill_map, undo_map),
	OP(UNMAP, rocsvm_map, __reserved, 0,
	   offsetof(struct rocsvm_map, __reserved), fill_unmap, nothing),
	OP(QUERY, rocsvm_query, gpu_ids,
	   ROCSVM_QUERY_NEXT | ROCSVM_QUERY_OUTER,
	   offsetof(struct rocsvm_query, __reserved), fill_query, nothing),
	OP(SET_TAG, rocsvm_set_tag, tag, 0, 0, fill_query, nothing),
	OP(REGISTER, rocsvm_register, tag, 0x1e, 0, fill_register,
	   undo_register),
	OP(UNREGISTER, rocsvm_unregister, length, 0, 0, fill_unregister,
	   undo_unregister),
	OP(BATCH, rocsvm_batch, num_done, ROCSVM_BATCH_CONTINUE, 0, nothing,
	   nothing),
	OP(EXPORT, rocsvm_export, __reserved, 0,
	   offsetof(struct rocsvm_export, __reserved), fill_export,
	   undo_export),
	OP(IMPORT, rocsvm_import, tag, ROCSVM_ALLOC_FIXED, 0, fill_import,
	   undo_import),
};

static uint64_t live_buffers(void)
{
	struct rocsvm_info info;

	ASSERT_EQ(svm_info(fd, &info), 0);
	return info.num_buffers;
}

/*
 * Call with @size and one 32-bit word at @offset set to @value (offset 0:
 * none): the result. A success is undone.
 */
static int call(const struct op *op, uint32_t size, uint32_t offset,
		uint32_t value)
{
	union args a;
	int r;

	memset(&a, 0, sizeof(a));
	op->fill(&a);
	a.size = size;
	if (offset)
		memcpy(a.bytes + offset, &value, sizeof(value));
	r = svm_ioctl(fd, op->cmd, &a);
	if (!r)
		op->undo(&a);
	else if (op->cmd == ROCSVM_FREE)
		EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)a.free.va), 0);
	return r;
}

static void test_size(const struct op *op)
{
	EXPECT_EQ(call(op, op->size, 0, 0), 0);
	EXPECT_EQ(call(op, 0, 0, 0), -EINVAL);
	EXPECT_EQ(call(op, 4, 0, 0), -EINVAL);
	EXPECT_EQ(call(op, op->min_size, 0, 0), 0);
	EXPECT_EQ(call(op, op->min_size - 1, 0, 0), -EINVAL);
	EXPECT_EQ(call(op, op->size + 1, 0, 0), 0);
	EXPECT_EQ(call(op, op->size + 8, 0, 0), 0);
	EXPECT_EQ(call(op, PAGE, 0, 0), 0);
	EXPECT_EQ(call(op, op->size + 8, op->size, 1), -E2BIG);
	EXPECT_EQ(call(op, op->size + 8, op->size + 4, 1u << 31), -E2BIG);
	EXPECT_EQ(call(op, PAGE, PAGE - 4, 1), -E2BIG);
}

static void test_flags(const struct op *op)
{
	for (int bit = 0; bit < 32; bit++)
		if (!(op->known_flags & 1u << bit))
			EXPECT_EQ(call(op, op->size, 4, 1u << bit), -EOPNOTSUPP);
	EXPECT_EQ(call(op, op->size, 4, ~0u), -EOPNOTSUPP);
	if (!op->reserved)
		return;
	EXPECT_EQ(call(op, op->size, op->reserved, 1), -EOPNOTSUPP);
	EXPECT_EQ(call(op, op->size, op->reserved, 1u << 31), -EOPNOTSUPP);
}

/* The structure is where it can't be read, in whole or in part. */
static void test_pointer(const struct op *op)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union args a;

	ASSERT_NE((uintptr_t)pages, (uintptr_t)MAP_FAILED);
	ASSERT_EQ(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	EXPECT_EQ(svm_ioctl(fd, op->cmd, NULL), -EFAULT);
	EXPECT_EQ(svm_ioctl(fd, op->cmd, pages + PAGE), -EFAULT);
	EXPECT_EQ(svm_ioctl(fd, op->cmd, (void *)0xffff888000000000), -EFAULT);

	/* the size can be read, the rest can't */
	memset(&a, 0, sizeof(a));
	a.size = op->size;
	memcpy(pages + PAGE - 8, &a, 8);
	EXPECT_EQ(svm_ioctl(fd, op->cmd, pages + PAGE - 8), -EFAULT);

	/* the structure can be read, its tail can't */
	op->fill(&a);
	a.size = op->size + 8;
	memcpy(pages + PAGE - op->size, &a, op->size);
	EXPECT_EQ(svm_ioctl(fd, op->cmd, pages + PAGE - op->size), -EFAULT);
	if (op->cmd == ROCSVM_FREE)
		EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)a.free.va), 0);
	if (op->cmd == ROCSVM_UNMAP)
		EXPECT_EQ(svm_unmap(fd, (void *)(uintptr_t)buffer, NULL, 0), 0);
	munmap(pages, 2 * PAGE);
}

static void test_op(const struct op *op)
{
	uint64_t before = live_buffers();
	int failures = test_failures;

	test_size(op);
	test_flags(op);
	test_pointer(op);
	EXPECT_EQ(live_buffers(), before);
	say("%s: %u bytes, %d failures", op->name, op->size,
	    test_failures - failures);
}

/* Without SVM ranges in the kernel no call succeeds. */
static void test_svm_attr(void)
{
	struct rocsvm_svm_attr a = { .size = sizeof(a), .flags = 1 };

	EXPECT_EQ(svm_ioctl(fd, ROCSVM_SVM_ATTR, &a), -EOPNOTSUPP);
	a.size = sizeof(a) - 1;
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_SVM_ATTR, &a), -EINVAL);
}

static void test_unknown(void)
{
	union args a = { .size = sizeof(a) };

	EXPECT_EQ(svm_ioctl(fd, _IO(ROCSVM_TYPE, 0), &a), -ENOTTY);
	EXPECT_EQ(svm_ioctl(fd, _IO(ROCSVM_TYPE, ROCSVM_CMD_BASE - 1), &a), -ENOTTY);
	EXPECT_EQ(svm_ioctl(fd, _IO(ROCSVM_TYPE, ROCSVM_CMD_END), &a), -ENOTTY);
	EXPECT_EQ(svm_ioctl(fd, _IO(ROCSVM_TYPE, 0xff), &a), -ENOTTY);
	EXPECT_EQ(svm_ioctl(fd, _IOWR(ROCSVM_TYPE, ROCSVM_CMD_INFO,
				      struct rocsvm_info), &a), -ENOTTY);
	EXPECT_EQ(svm_ioctl(fd, _IO('Z', ROCSVM_CMD_INFO), &a), -ENOTTY);
	EXPECT_EQ(svm_ioctl(fd, _IO('K', 0x82), &a), -ENOTTY);
}

static void test(void)
{
	struct rocsvm_export exp = { .size = sizeof(exp) };

	fd = svm_open();
	ASSERT_GE(fd, 0);
	gpu_id = svm_gpu(fd, 0);
	drm = render_open(gpu_id);
	ASSERT_GE(drm, 0);
	test_op(&reserve_op);
	ASSERT_EQ(svm_acquire(fd, gpu_id, drm), 0);
	buffer = (uintptr_t)svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	shared = (uintptr_t)svm_alloc(fd, ROCSVM_KIND_GTT, PAGE);
	exp.va = shared;
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_EXPORT, &exp), 0);
	dmabuf = exp.fd;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		test_op(&ops[i]);
	test_svm_attr();
	test_unknown();
	close(dmabuf);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
