// SPDX-License-Identifier: MIT
/*
 * Tests of the library without the device: arguments, references, the
 * topology (a made-up one), and what the shared library exports.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The ioctls have type 0xC5, so this one answers each with -ENOTTY. */
#define DEVICE_WITHOUT_IOCTLS	"/dev/null"

static bool ok;

#define CHECK(condition) check((condition), #condition, __LINE__)
#define CHECK_EQ(got, want) check_eq((got), (want), #got, __LINE__)

static void check(bool condition, const char *text, int line)
{
	if (condition)
		return;
	ok = false;
	printf("# line %d: not so: %s\n", line, text);
}

static void check_eq(long long got, long long want, const char *text, int line)
{
	if (got == want)
		return;
	ok = false;
	printf("# line %d: %s is %lld, not %lld\n", line, text, got, want);
}

static int open_fds(void)
{
	glob_t found;
	int count;

	if (glob("/proc/self/fd/*", 0, NULL, &found))
		return -1;
	count = (int)found.gl_pathc;
	globfree(&found);
	return count;
}

static struct rocsvm_ctx *open_null(const char *topology)
{
	struct rocsvm_open_options options = {
		.size = sizeof(options),
		.device = DEVICE_WITHOUT_IOCTLS,
		.topology = topology,
	};
	struct rocsvm_ctx *ctx = NULL;

	CHECK_EQ(rocsvm_open(&ctx, &options), 0);
	return ctx;
}

static void test_open_errors(void)
{
	struct rocsvm_open_options options = {
		.size = sizeof(options),
		.device = "/nonexistent/rocsvm",
	};
	struct rocsvm_ctx *ctx = (void *)1;
	int fds = open_fds();

	CHECK_EQ(rocsvm_open(NULL, NULL), -EINVAL);
	CHECK_EQ(rocsvm_open(&ctx, &options), -ENOENT);
	CHECK(!ctx);
	options.device = "/";
	CHECK_EQ(rocsvm_open(&ctx, &options), -EISDIR);

	/* A device that opens and then can't do what the options want */
	options.device = DEVICE_WITHOUT_IOCTLS;
	options.flags = ROCSVM_OPEN_ACQUIRE;
	CHECK_EQ(rocsvm_open(&ctx, &options), -ENOTTY);
	CHECK(!ctx);
	options.flags = 0;
	options.length = 1ull << 32;
	CHECK_EQ(rocsvm_open(&ctx, &options), -ENOTTY);
	options.length = 0;
	options.base = (void *)0x200000;
	CHECK_EQ(rocsvm_open(&ctx, &options), -ENOTTY);
	CHECK(!ctx);
	CHECK_EQ(open_fds(), fds);
}

static void test_options_grow(void)
{
	struct {
		struct rocsvm_open_options known;
		unsigned char later[16];
	} options = { .known.device = "/nonexistent/rocsvm" };
	struct rocsvm_ctx *ctx;

	options.known.size = 0;
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -EINVAL);
	options.known.size = offsetof(struct rocsvm_open_options, guard) - 1;
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -EINVAL);
	options.known.size++;		/* as version 0.1 had it */
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -ENOENT);
	options.known.size = sizeof(options);
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -ENOENT);
	options.later[15] = 1;
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -E2BIG);
	options.known.size = sizeof(options) - 1;
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -ENOENT);

	options.known.size = sizeof(options.known);
	options.known.flags = 1u << 31;
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -EOPNOTSUPP);
	options.known.flags = 0;
	options.known.reserved = 1;
	CHECK_EQ(rocsvm_open(&ctx, &options.known), -EOPNOTSUPP);
}

static void test_null_arguments(void)
{
	struct rocsvm_ctx *ctx = open_null(NULL);
	uint32_t gpu_id = 1;
	uint64_t value;
	void *ptr = NULL;

	CHECK(!rocsvm_ref(NULL));
	CHECK(!rocsvm_unref(NULL));
	CHECK_EQ(rocsvm_fd(NULL), -EINVAL);
	CHECK_EQ(rocsvm_get_info(NULL, &(struct rocsvm_info){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_get_info(ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_num_gpus(NULL), -EINVAL);
	CHECK_EQ(rocsvm_gpu(NULL, 0, &(struct rocsvm_gpu_info){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_gpu(ctx, 0, NULL), -EINVAL);
	CHECK_EQ(rocsvm_gpu_property(NULL, 1, "name", &value), -EINVAL);
	CHECK_EQ(rocsvm_gpu_property(ctx, 1, NULL, &value), -EINVAL);
	CHECK_EQ(rocsvm_gpu_property(ctx, 1, "", &value), -EINVAL);
	CHECK_EQ(rocsvm_gpu_property(ctx, 1, "name", NULL), -EINVAL);
	CHECK_EQ(rocsvm_acquire(NULL, 1), -EINVAL);
	CHECK_EQ(rocsvm_acquire_all(NULL), -EINVAL);
	CHECK_EQ(rocsvm_reserve(NULL, NULL, 0), -EINVAL);
	CHECK_EQ(rocsvm_alloc(NULL, &ptr, 1, ROCSVM_KIND_HOST, 0, 0), -EINVAL);
	CHECK_EQ(rocsvm_alloc(ctx, NULL, 1, ROCSVM_KIND_HOST, 0, 0), -EINVAL);
	CHECK_EQ(rocsvm_alloc_args(NULL, &(struct rocsvm_alloc){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_alloc_args(ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_free(NULL, NULL), -EINVAL);
	CHECK_EQ(rocsvm_free(ctx, NULL), 0);
	CHECK_EQ(rocsvm_map(NULL, ctx, &gpu_id, 1), -EINVAL);
	CHECK_EQ(rocsvm_map(ctx, ctx, NULL, 1), -EINVAL);
	CHECK_EQ(rocsvm_unmap(NULL, ctx, NULL, 0), -EINVAL);
	CHECK_EQ(rocsvm_unmap(ctx, ctx, NULL, 1), -EINVAL);
	CHECK_EQ(rocsvm_query(NULL, ctx, &(struct rocsvm_query){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_query(ctx, ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_next(NULL, NULL, &(struct rocsvm_query){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_next(ctx, NULL, NULL), -EINVAL);
	CHECK_EQ(rocsvm_kfd_ioctl(NULL, _IO('K', 1), NULL), -EINVAL);
	rocsvm_unref(ctx);
}

static void test_null_arguments_0_2(void)
{
	struct rocsvm_ctx *ctx = open_null(NULL);
	struct rocsvm_batch_entry entry = { 0 };
	uint32_t gpu_id = 1;
	uint64_t value;
	void *ptr = NULL;

	CHECK_EQ(rocsvm_reserve_args(NULL, &(struct rocsvm_reserve){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_reserve_args(ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_query_args(NULL, &(struct rocsvm_query){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_query_args(ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_set_tag(NULL, ctx, 1), -EINVAL);
	CHECK_EQ(rocsvm_get_tag(NULL, ctx, &value), -EINVAL);
	CHECK_EQ(rocsvm_get_tag(ctx, ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_register(NULL, ctx, 1, &gpu_id, 1), -EINVAL);
	CHECK_EQ(rocsvm_register(ctx, ctx, 1, NULL, 1), -EINVAL);
	CHECK_EQ(rocsvm_register_args(NULL, &(struct rocsvm_register){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_register_args(ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_unregister(NULL, ctx, 1), -EINVAL);
	CHECK_EQ(rocsvm_batch(NULL, &entry, 1, 0, NULL), -EINVAL);
	CHECK_EQ(rocsvm_batch(ctx, NULL, 1, 0, NULL), -EINVAL);
	CHECK_EQ(rocsvm_export(NULL, ctx), -EINVAL);
	CHECK_EQ(rocsvm_import(NULL, 0, &ptr, NULL, 0), -EINVAL);
	CHECK_EQ(rocsvm_import(ctx, 0, NULL, NULL, 0), -EINVAL);
	CHECK_EQ(rocsvm_import_args(NULL, &(struct rocsvm_import){ 0 }), -EINVAL);
	CHECK_EQ(rocsvm_import_args(ctx, NULL), -EINVAL);
	CHECK_EQ(rocsvm_set_svm_attr(NULL, ctx, 4096, (const void *)&value, 1), -EINVAL);
	CHECK_EQ(rocsvm_set_svm_attr(ctx, ctx, 4096, NULL, 1), -EINVAL);
	CHECK_EQ(rocsvm_get_svm_attr(NULL, ctx, 4096, (void *)&value, 1), -EINVAL);
	CHECK_EQ(rocsvm_get_svm_attr(ctx, ctx, 4096, NULL, 1), -EINVAL);
	rocsvm_unref(ctx);
}

static void test_errors_are_handed_on(void)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	struct rocsvm_ctx *ctx = open_null(NULL);
	void *ptr = &info;

	CHECK_EQ(rocsvm_get_info(ctx, &info), -ENOTTY);
	CHECK_EQ(rocsvm_alloc(ctx, &ptr, 1, ROCSVM_KIND_HOST, 0, 0), -ENOTTY);
	CHECK(ptr == &info);
	CHECK_EQ(rocsvm_acquire(ctx, 1), -ENOTTY);
	CHECK_EQ(rocsvm_kfd_ioctl(ctx, _IO('K', 1), NULL), -ENOTTY);
	/* Not KFD's: must not reach the device */
	CHECK_EQ(rocsvm_kfd_ioctl(ctx, ROCSVM_INFO, &info), -EINVAL);
	rocsvm_unref(ctx);
}

static void test_references(void)
{
	struct rocsvm_ctx *ctx = open_null(NULL);
	int fd = rocsvm_fd(ctx);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(rocsvm_ref(ctx) == ctx);
	CHECK(!rocsvm_unref(ctx));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(!rocsvm_unref(ctx));
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
}

static void *take_and_give(void *ctx)
{
	for (int i = 0; i < 100000; i++) {
		rocsvm_ref(ctx);
		rocsvm_unref(ctx);
	}
	return NULL;
}

static void test_references_by_threads(void)
{
	struct rocsvm_ctx *ctx = open_null(NULL);
	int fd = rocsvm_fd(ctx);
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take_and_give, ctx), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	rocsvm_unref(ctx);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
}

/* Write a file of the made-up topology, with its directories. */
__attribute__((format(printf, 3, 4)))
static void put(const char *root, const char *name, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	f = fopen(path, "w");
	CHECK(f);
	if (!f)
		return;
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	fclose(f);
}

static void remove_tree(const char *root)
{
	static const char *const patterns[] = { "%s/nodes/*/*", "%s/nodes/*", "%s/nodes", "%s" };
	char pattern[PATH_MAX];
	glob_t found;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(pattern, sizeof(pattern), patterns[i], root);
#pragma GCC diagnostic pop
		if (glob(pattern, 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			remove(found.gl_pathv[j]);
		globfree(&found);
	}
}

static void test_topology(void)
{
	char root[] = "/tmp/rocsvm-topology-XXXXXX";
	uint64_t value = 0;

	CHECK(mkdtemp(root));
	CHECK_EQ(rocsvm_topology_property(root, 7, "a", &value), -ENODEV);	/* no nodes */

	put(root, "nodes/0/gpu_id", "0\n");
	put(root, "nodes/0/properties", "cpu_cores_count 2\ndrm_render_minor 0\n");
	put(root, "nodes/1/properties", "drm_render_minor 999\n");	/* hidden: no id */
	put(root, "nodes/2/gpu_id", "23286\n");
	put(root, "nodes/2/properties",
	    "x_drm_render_minor 1\ndrm_render_minor_x 2\ndrm_render_minor 128\n"
	    "big 18446744073709551615\ntoo_big 18446744073709551616\n"
	    "negative -1\nempty \nword abc\nhalf 12abc\nlast 7");
	put(root, "nodes/10/gpu_id", "4294967295\n");
	put(root, "nodes/10/properties", "drm_render_minor 129\n");

	CHECK_EQ(rocsvm_topology_property(root, 23286, "drm_render_minor", &value), 0);
	CHECK_EQ(value, 128);
	CHECK_EQ(rocsvm_topology_property(root, 4294967295u, "drm_render_minor", &value), 0);
	CHECK_EQ(value, 129);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "big", &value), 0);
	CHECK(value == UINT64_MAX);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "last", &value), 0);
	CHECK_EQ(value, 7);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "render_minor", &value), -ENOENT);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "drm", &value), -ENOENT);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "too_big", &value), -EINVAL);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "negative", &value), -EINVAL);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "empty", &value), -EINVAL);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "word", &value), -EINVAL);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "half", &value), -EINVAL);
	CHECK_EQ(rocsvm_topology_property(root, 0, "drm_render_minor", &value), -ENODEV);
	CHECK_EQ(rocsvm_topology_property(root, 2328, "drm_render_minor", &value), -ENODEV);
	remove_tree(root);
	CHECK_EQ(rocsvm_topology_property(root, 23286, "big", &value), -ENODEV);
}

static void test_topology_option(void)
{
	char root[] = "/tmp/rocsvm-topology-XXXXXX";
	struct rocsvm_ctx *ctx;
	uint64_t value = 0;

	CHECK(mkdtemp(root));
	put(root, "nodes/1/gpu_id", "42\n");
	put(root, "nodes/1/properties", "gfx_target_version 90000\n");
	ctx = open_null(root);
	CHECK_EQ(rocsvm_gpu_property(ctx, 42, "gfx_target_version", &value), 0);
	CHECK_EQ(value, 90000);
	CHECK_EQ(rocsvm_gpu_property(ctx, 43, "gfx_target_version", &value), -ENODEV);
	rocsvm_unref(ctx);
	remove_tree(root);
}

static void test_exports(void)
{
	static const char *const symbols_0_1[] = {
		"rocsvm_acquire", "rocsvm_acquire_all", "rocsvm_alloc", "rocsvm_alloc_args",
		"rocsvm_fd", "rocsvm_free", "rocsvm_get_info", "rocsvm_gpu",
		"rocsvm_gpu_property", "rocsvm_kfd_ioctl", "rocsvm_map", "rocsvm_next",
		"rocsvm_num_gpus", "rocsvm_open", "rocsvm_query", "rocsvm_ref",
		"rocsvm_reserve", "rocsvm_unmap", "rocsvm_unref", "rocsvm_version",
	};
	static const char *const symbols_0_2[] = {
		"rocsvm_batch", "rocsvm_export", "rocsvm_get_svm_attr", "rocsvm_get_tag",
		"rocsvm_import", "rocsvm_import_args", "rocsvm_query_args",
		"rocsvm_register", "rocsvm_register_args", "rocsvm_reserve_args",
		"rocsvm_set_svm_attr", "rocsvm_set_tag", "rocsvm_unregister",
	};
	static const char name[] = "../user/librocsvm.so.0";
	const char *(*version)(void);
	char path[4096];
	ssize_t length;
	void *library;

	/* Beside this program; a sanitizer's dlopen() knows no run path. */
	length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
	while (length > 0 && path[length - 1] != '/')
		length--;
	if (length <= 0) {
		ok = false;
		return;
	}
	strcpy(path + length, name);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		printf("# %s\n", dlerror());
		ok = false;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(symbols_0_1); i++)
		check(dlvsym(library, symbols_0_1[i], "LIBROCSVM_0.1"), symbols_0_1[i], __LINE__);
	for (size_t i = 0; i < ARRAY_SIZE(symbols_0_2); i++)
		check(dlvsym(library, symbols_0_2[i], "LIBROCSVM_0.2"), symbols_0_2[i], __LINE__);
	CHECK(!dlsym(library, "rocsvm_ioctl"));
	CHECK(!dlsym(library, "rocsvm_topology_property"));
	*(void **)&version = dlsym(library, "rocsvm_version");
	CHECK(version && !strcmp(version(), ROCSVM_VERSION));
	dlclose(library);
}

static const struct test {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "open reports what is wrong and leaves nothing", test_open_errors },
	{ "open options can grow", test_options_grow },
	{ "NULL arguments", test_null_arguments },
	{ "NULL arguments, functions of 0.2", test_null_arguments_0_2 },
	{ "errors of the device are handed on", test_errors_are_handed_on },
	{ "references", test_references },
	{ "references taken by threads", test_references_by_threads },
	{ "properties of the topology", test_topology },
	{ "another topology by option", test_topology_option },
	{ "exported symbols", test_exports },
};

int main(void)
{
	int failures = 0;

	printf("TAP version 13\n1..%zu\n", ARRAY_SIZE(tests));
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		ok = true;
		tests[i].run();
		printf("%sok %zu - %s\n", ok ? "" : "not ", i + 1, tests[i].name);
		failures += !ok;
	}
	return failures ? 1 : 0;
}
