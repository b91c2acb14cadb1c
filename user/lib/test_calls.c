// SPDX-License-Identifier: MIT
/*
 * Tests of what the library asks of the module. The module is ioctl() here,
 * linked in place of libc's: it notes what it is asked, and answers as it is
 * told.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kfd_ioctl.h>

#include "../../tests/unit/tap.h"
#include "internal.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PTR(va)		((void *)(uintptr_t)(va))
#define MAX_CALLS	16

/* What the module was asked, since forget() */
static union args {
	uint32_t size;		/* all of them begin with it */
	struct rocsvm_info info;
	struct rocsvm_reserve reserve;
	struct rocsvm_alloc alloc;
	struct rocsvm_free free;
	struct rocsvm_map map;
	struct rocsvm_query query;
	struct rocsvm_set_tag set_tag;
	struct rocsvm_register reg;
	struct rocsvm_unregister unreg;
	struct rocsvm_batch batch;
	struct rocsvm_export export;
	struct rocsvm_import import;
	struct rocsvm_svm_attr svm_attr;
} asked[MAX_CALLS];
static unsigned long cmds[MAX_CALLS];
static unsigned int num_calls;

/* What it does to the arguments, and returns: 0 or an errno */
static int (*answer)(unsigned long cmd, union args *args);

int ioctl(int fd, unsigned long cmd, ...)
{
	union args *args;
	va_list list;

	va_start(list, cmd);
	args = va_arg(list, union args *);
	va_end(list);
	CHECK(fd >= 0);
	CHECK(num_calls < MAX_CALLS);
	CHECK(args->size <= sizeof(*args));
	memcpy(&asked[num_calls], args, args->size);
	cmds[num_calls++] = cmd;
	errno = answer ? answer(cmd, args) : 0;
	return errno ? -1 : 0;
}

static void forget(int (*next_answer)(unsigned long cmd, union args *args))
{
	memset(asked, 0, sizeof(asked));
	memset(cmds, 0, sizeof(cmds));
	num_calls = 0;
	answer = next_answer;
}

static struct rocsvm_ctx *open_device(void)
{
	struct rocsvm_open_options options = { .size = sizeof(options), .device = "/dev/null" };
	struct rocsvm_ctx *ctx;

	CHECK_EQ(rocsvm_open(&ctx, &options), 0);
	forget(NULL);
	return ctx;
}

#define CHECK_ASKED(cmd, expected) do {					\
	CHECK_EQ(num_calls, 1u);					\
	CHECK_EQ(cmds[0], (unsigned long)(cmd));			\
	CHECK_EQ(asked[0].size, (uint32_t)sizeof(expected));		\
	CHECK(!memcmp(&asked[0], &(expected), sizeof(expected)));	\
	forget(NULL);							\
} while (0)

static void test_buffers(void)
{
	struct rocsvm_ctx *ctx = open_device();
	const uint32_t gpus[] = { 11, 12 };
	void *ptr = PTR(0x7000);
	uint64_t tag;

	CHECK_EQ(rocsvm_alloc(ctx, &ptr, 99, ROCSVM_KIND_DOORBELL, 7, ROCSVM_ALLOC_UNCACHED), 0);
	CHECK_ASKED(ROCSVM_ALLOC, ((struct rocsvm_alloc){
		.size = sizeof(struct rocsvm_alloc), .flags = ROCSVM_ALLOC_UNCACHED,
		.kind = ROCSVM_KIND_DOORBELL, .gpu_id = 7, .length = 99 }));
	ptr = PTR(0x7000);
	CHECK_EQ(rocsvm_alloc(ctx, &ptr, 99, ROCSVM_KIND_GTT, 0, ROCSVM_ALLOC_FIXED), 0);
	CHECK_EQ(asked[0].alloc.va, 0x7000ull);
	forget(NULL);
	CHECK_EQ(rocsvm_map(ctx, PTR(0x8000), gpus, 2), 0);
	CHECK_ASKED(ROCSVM_MAP, ((struct rocsvm_map){
		.size = sizeof(struct rocsvm_map), .va = 0x8000,
		.gpu_ids = (uintptr_t)gpus, .num_gpus = 2 }));
	CHECK_EQ(rocsvm_map(ctx, PTR(0x8000), NULL, ROCSVM_ALL_GPUS), 0);
	CHECK_ASKED(ROCSVM_MAP, ((struct rocsvm_map){
		.size = sizeof(struct rocsvm_map), .va = 0x8000,
		.num_gpus = ROCSVM_ALL_GPUS }));
	CHECK_EQ(rocsvm_map(ctx, PTR(0x8000), NULL, 1), -EINVAL);
	CHECK_EQ(rocsvm_unmap(ctx, PTR(0x8000), NULL, 0), 0);
	CHECK_ASKED(ROCSVM_UNMAP, ((struct rocsvm_map){
		.size = sizeof(struct rocsvm_map), .va = 0x8000 }));
	CHECK_EQ(rocsvm_free(ctx, PTR(0x8000)), 0);
	CHECK_ASKED(ROCSVM_FREE, ((struct rocsvm_free){
		.size = sizeof(struct rocsvm_free), .va = 0x8000 }));
	CHECK_EQ(rocsvm_set_tag(ctx, PTR(0x8001), UINT64_MAX), 0);
	CHECK_ASKED(ROCSVM_SET_TAG, ((struct rocsvm_set_tag){
		.size = sizeof(struct rocsvm_set_tag), .va = 0x8001, .tag = UINT64_MAX }));
	CHECK_EQ(rocsvm_get_tag(ctx, PTR(0x8001), &tag), 0);
	CHECK_ASKED(ROCSVM_QUERY, ((struct rocsvm_query){
		.size = sizeof(struct rocsvm_query), .va = 0x8001 }));
	rocsvm_unref(ctx);
}

static void test_queries(void)
{
	struct rocsvm_query query = { .size = sizeof(query), .flags = 77, .va = 78 };
	struct rocsvm_ctx *ctx = open_device();

	CHECK_EQ(rocsvm_query(ctx, PTR(0x9000), &query), 0);
	CHECK_EQ(asked[0].query.va, 0x9000ull);
	CHECK_EQ(asked[0].query.flags, 0u);
	CHECK_EQ(rocsvm_next(ctx, NULL, &query), 0);
	CHECK_EQ(asked[1].query.va, 0ull);
	CHECK_EQ(asked[1].query.flags, (uint32_t)ROCSVM_QUERY_NEXT);
	query.va = 0xa000;
	query.flags = ROCSVM_QUERY_NEXT | ROCSVM_QUERY_OUTER;
	CHECK_EQ(rocsvm_query_args(ctx, &query), 0);
	CHECK_EQ(asked[2].query.va, 0xa000ull);
	CHECK_EQ(asked[2].query.flags, (uint32_t)(ROCSVM_QUERY_NEXT | ROCSVM_QUERY_OUTER));

	/* What the last call answered is no room where there is none. */
	query.num_gpus = 5;
	CHECK_EQ(rocsvm_next(ctx, NULL, &query), 0);
	CHECK_EQ(asked[3].query.num_gpus, 0u);
	query.num_gpus = 5;
	query.gpu_ids = (uintptr_t)&query;
	CHECK_EQ(rocsvm_next(ctx, NULL, &query), 0);
	CHECK_EQ(asked[4].query.num_gpus, 5u);
	rocsvm_unref(ctx);
}

static void test_memory(void)
{
	const struct kfd_ioctl_svm_attribute set = { .type = KFD_IOCTL_SVM_ATTR_GRANULARITY };
	struct kfd_ioctl_svm_attribute get[2] = { 0 };
	struct rocsvm_ctx *ctx = open_device();
	const uint32_t gpus[] = { 11, 12 };
	void *ptr = PTR(0x7000);

	CHECK_EQ(rocsvm_register(ctx, PTR(0x1001), 5, gpus, 2), 0);
	CHECK_ASKED(ROCSVM_REGISTER, ((struct rocsvm_register){
		.size = sizeof(struct rocsvm_register), .va = 0x1001, .length = 5,
		.gpu_ids = (uintptr_t)gpus, .num_gpus = 2 }));
	CHECK_EQ(rocsvm_register(ctx, PTR(0x1001), 5, NULL, ROCSVM_ALL_GPUS), 0);
	CHECK_ASKED(ROCSVM_REGISTER, ((struct rocsvm_register){
		.size = sizeof(struct rocsvm_register), .va = 0x1001, .length = 5,
		.num_gpus = ROCSVM_ALL_GPUS }));
	CHECK_EQ(rocsvm_unregister(ctx, PTR(0x1001), 5), 0);
	CHECK_ASKED(ROCSVM_UNREGISTER, ((struct rocsvm_unregister){
		.size = sizeof(struct rocsvm_unregister), .va = 0x1001, .length = 5 }));
	CHECK_EQ(rocsvm_import(ctx, 3, &ptr, NULL, 0), 0);
	CHECK_ASKED(ROCSVM_IMPORT, ((struct rocsvm_import){
		.size = sizeof(struct rocsvm_import), .fd = 3 }));
	ptr = PTR(0x7000);
	CHECK_EQ(rocsvm_import(ctx, 3, &ptr, NULL, ROCSVM_ALLOC_FIXED), 0);
	CHECK_ASKED(ROCSVM_IMPORT, ((struct rocsvm_import){
		.size = sizeof(struct rocsvm_import), .flags = ROCSVM_ALLOC_FIXED, .fd = 3,
		.va = 0x7000 }));
	CHECK_EQ(rocsvm_set_svm_attr(ctx, PTR(0x2000), 0x3000, &set, 1), 0);
	CHECK_ASKED(ROCSVM_SVM_ATTR, ((struct rocsvm_svm_attr){
		.size = sizeof(struct rocsvm_svm_attr), .op = KFD_IOCTL_SVM_OP_SET_ATTR,
		.num_attrs = 1, .va = 0x2000, .length = 0x3000, .attrs = (uintptr_t)&set }));
	CHECK_EQ(rocsvm_get_svm_attr(ctx, PTR(0x2000), 0x3000, get, 2), 0);
	CHECK_ASKED(ROCSVM_SVM_ATTR, ((struct rocsvm_svm_attr){
		.size = sizeof(struct rocsvm_svm_attr), .op = KFD_IOCTL_SVM_OP_GET_ATTR,
		.num_attrs = 2, .va = 0x2000, .length = 0x3000, .attrs = (uintptr_t)get }));
	rocsvm_unref(ctx);
}

static int answer_results(unsigned long cmd, union args *args)
{
	switch (cmd) {
	case ROCSVM_ALLOC:
		args->alloc.va = 0x400000000000;
		return 0;
	case ROCSVM_IMPORT:
		args->import.va = 0x400000000000;
		args->import.length = 0x5000;
		return 0;
	case ROCSVM_EXPORT:
		args->export.fd = 17;
		return 0;
	case ROCSVM_QUERY:
		args->query.tag = 0xfeed;
		return 0;
	}
	return ENOTTY;
}

static int answer_no_memory(unsigned long cmd, union args *args)
{
	answer_results(cmd, args);
	return ENOMEM;
}

static void test_results(void)
{
	struct rocsvm_ctx *ctx = open_device();
	size_t length = 1;
	uint64_t tag = 2;
	void *ptr = ctx;

	forget(answer_no_memory);
	CHECK_EQ(rocsvm_alloc(ctx, &ptr, 1, ROCSVM_KIND_HOST, 0, 0), -ENOMEM);
	CHECK_EQ(rocsvm_import(ctx, 3, &ptr, &length, 0), -ENOMEM);
	CHECK_EQ(rocsvm_export(ctx, ptr), -ENOMEM);
	CHECK_EQ(rocsvm_get_tag(ctx, ptr, &tag), -ENOMEM);
	CHECK(ptr == ctx && length == 1 && tag == 2);

	forget(answer_results);
	CHECK_EQ(rocsvm_alloc(ctx, &ptr, 1, ROCSVM_KIND_HOST, 0, 0), 0);
	CHECK(ptr == PTR(0x400000000000));
	ptr = NULL;
	CHECK_EQ(rocsvm_import(ctx, 3, &ptr, &length, 0), 0);
	CHECK(ptr == PTR(0x400000000000));
	CHECK_EQ(length, (size_t)0x5000);
	CHECK_EQ(rocsvm_export(ctx, ptr), 17);
	CHECK_EQ(rocsvm_get_tag(ctx, ptr, &tag), 0);
	CHECK_EQ(tag, 0xfeedull);
	rocsvm_unref(ctx);
}

/* Two entries, then a signal; the seventh fails */
static int answer_interrupted(unsigned long cmd, union args *args)
{
	CHECK_EQ(cmd, (unsigned long)ROCSVM_BATCH);
	args->batch.num_done += 2;
	if (args->batch.num_done < 6)
		return EINTR;
	return ENOENT;
}

static void test_batch(void)
{
	struct rocsvm_ctx *ctx = open_device();
	struct rocsvm_batch_entry entries[9];
	unsigned int done = 99;

	forget(answer_interrupted);
	CHECK_EQ(rocsvm_batch(ctx, entries, 9, ROCSVM_BATCH_CONTINUE, &done), -ENOENT);
	CHECK_EQ(done, 6u);
	CHECK_EQ(num_calls, 3u);
	for (unsigned int i = 0; i < num_calls; i++) {
		CHECK_EQ(asked[i].batch.num_done, 2 * i);
		CHECK_EQ(asked[i].batch.num_entries, 9u);
		CHECK_EQ(asked[i].batch.flags, (uint32_t)ROCSVM_BATCH_CONTINUE);
		CHECK_EQ(asked[i].batch.entries, (uintptr_t)entries);
	}
	forget(NULL);
	CHECK_EQ(rocsvm_batch(ctx, NULL, 0, 0, NULL), 0);
	CHECK_ASKED(ROCSVM_BATCH, ((struct rocsvm_batch){ .size = sizeof(struct rocsvm_batch) }));
	rocsvm_unref(ctx);
}

#define NO_WINDOW	2	/* the reserved aperture, but the window is lost */

static uint32_t aperture;

static int answer_aperture(unsigned long cmd, union args *args)
{
	if (cmd == ROCSVM_INFO) {
		args->info.aperture = aperture == ROCSVM_APERTURE_MMAP;
		args->info.window_limit = aperture == ROCSVM_APERTURE_RESERVED ? 0xffff : 0;
	}
	return 0;
}

/* Which RESERVE the options make, if any, of a space with either aperture */
static void test_open_options(void)
{
	const struct {
		uint32_t aperture;
		struct rocsvm_open_options options;
		bool reserves;
		struct rocsvm_reserve expected;
	} cases[] = {
		{ 0, { .flags = 0 }, false, { 0 } },
		{ 1, { .flags = 0 }, false, { 0 } },
		{ 0, { .flags = ROCSVM_OPEN_RESERVED }, false, { 0 } },
		{ 1, { .flags = ROCSVM_OPEN_MMAP }, false, { 0 } },
		{ NO_WINDOW, { .flags = 0 }, false, { 0 } },
		{ NO_WINDOW, { .flags = ROCSVM_OPEN_RESERVED }, true, { 0 } },
		{ NO_WINDOW, { .flags = ROCSVM_OPEN_MMAP }, true, { .aperture = 1 } },
		{ 0, { .flags = ROCSVM_OPEN_MMAP }, true, { .aperture = 1 } },
		{ 1, { .flags = ROCSVM_OPEN_RESERVED }, true, { .aperture = 0 } },
		{ 0, { .guard = 8192 }, true, { .flags = ROCSVM_RESERVE_KEEP, .guard = 8192 } },
		{ 1, { .max_alignment = 8192 }, true,
		  { .flags = ROCSVM_RESERVE_KEEP, .max_alignment = 8192 } },
		{ 1, { .flags = ROCSVM_OPEN_NO_GUARD | ROCSVM_OPEN_MMAP }, true,
		  { .flags = ROCSVM_RESERVE_KEEP | ROCSVM_RESERVE_NO_GUARD } },
		{ 0, { .flags = ROCSVM_OPEN_NO_GUARD | ROCSVM_OPEN_MMAP }, true,
		  { .flags = ROCSVM_RESERVE_NO_GUARD, .aperture = 1 } },
		{ 0, { .length = 1ull << 32, .guard = 4096 }, true,
		  { .length = 1ull << 32, .guard = 4096 } },
		{ 1, { .base = PTR(0x200000) }, true,
		  { .flags = ROCSVM_RESERVE_FIXED, .base = 0x200000 } },
		/* The module is to say that this can't be. */
		{ 1, { .base = PTR(0x200000), .flags = ROCSVM_OPEN_MMAP }, true,
		  { .flags = ROCSVM_RESERVE_FIXED, .base = 0x200000, .aperture = 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rocsvm_open_options options = cases[i].options;
		struct rocsvm_reserve expected = cases[i].expected;
		const union args *got = NULL;
		struct rocsvm_ctx *ctx;

		options.size = sizeof(options);
		options.device = "/dev/null";
		expected.size = sizeof(expected);
		aperture = cases[i].aperture;
		forget(answer_aperture);
		CHECK_EQ(rocsvm_open(&ctx, &options), 0);
		for (unsigned int j = 0; j < num_calls; j++)
			if (cmds[j] == ROCSVM_RESERVE)
				got = &asked[j];
		if (!got != !cases[i].reserves || (got && memcmp(got, &expected, sizeof(expected))))
			FAIL("case %zu: not the RESERVE expected", i);
		rocsvm_unref(ctx);
	}
}

static void test_open_options_bad(void)
{
	struct rocsvm_open_options options = {
		.size = sizeof(options),
		.flags = ROCSVM_OPEN_RESERVED | ROCSVM_OPEN_MMAP,
		.device = "/dev/null",
	};
	struct rocsvm_ctx *ctx;

	forget(NULL);
	CHECK_EQ(rocsvm_open(&ctx, &options), -EINVAL);
	CHECK(!ctx);
	/* A program of version 0.1 knows nothing behind the length. */
	options.flags = 0;
	options.size = offsetof(struct rocsvm_open_options, guard);
	options.guard = options.max_alignment = UINT64_MAX;
	CHECK_EQ(rocsvm_open(&ctx, &options), 0);
	CHECK_EQ(num_calls, 0u);
	rocsvm_unref(ctx);
}

static int answer_interrupted_once(unsigned long cmd, union args *args)
{
	(void)cmd;
	(void)args;
	return num_calls == 1 ? EINTR : 0;
}

/* What a program of version 0.1 had behind its structs stays untouched. */
static void test_short_structs(void)
{
	union {
		struct rocsvm_info info;
		struct rocsvm_query query;
		unsigned char bytes[256];
	} args;
	struct rocsvm_ctx *ctx = open_device();
	const size_t info_size = 96, query_size = 64;

	forget(answer_interrupted_once);
	memset(&args, 0xa5, sizeof(args));
	args.info.size = info_size;
	CHECK_EQ(rocsvm_get_info(ctx, &args.info), 0);
	CHECK_EQ(num_calls, 2u);
	for (size_t i = info_size; i < sizeof(args); i++)
		CHECK_EQ(args.bytes[i], 0xa5);
	memset(&args, 0xa5, sizeof(args));
	args.query.size = query_size;
	CHECK_EQ(rocsvm_next(ctx, NULL, &args.query), 0);
	for (size_t i = query_size; i < sizeof(args); i++)
		CHECK_EQ(args.bytes[i], 0xa5);
	rocsvm_unref(ctx);
}

static const struct tap_case cases[] = {
	{ "calls about buffers", test_buffers },
	{ "queries", test_queries },
	{ "calls about other memory", test_memory },
	{ "results, and nothing of them on failure", test_results },
	{ "a batch goes on after a signal", test_batch },
	{ "open options become a RESERVE", test_open_options },
	{ "open options: contradictions, and short ones", test_open_options_bad },
	{ "structs of version 0.1", test_short_structs },
};

int main(void)
{
	return tap_main(cases, ARRAY_SIZE(cases));
}
