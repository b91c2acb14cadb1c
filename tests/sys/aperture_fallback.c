// SPDX-License-Identifier: MIT
/*
 * The module parameter reserve. auto: a window, or where the process has no
 * room for one the mmap aperture, which INFO and the kernel log tell. always:
 * a window, or open fails and leaves nothing. never: the mmap aperture. Read
 * at open, so spaces that are open stay as they are.
 */
#include "aperture.h"

#include <sys/resource.h>

static int log_fd;

static uint64_t address_space(void)
{
	char text[4096], *found;

	ASSERT_GT(file_read("/proc/self/status", text, sizeof(text)), 0);
	found = strstr(text, "VmSize:");
	ASSERT(found);
	return KiB(strtoull(found + strlen("VmSize:"), NULL, 10));
}

static void limit_address_space(uint64_t bytes)
{
	struct rlimit r = { bytes, RLIM_INFINITY };

	ASSERT_EQ(setrlimit(RLIMIT_AS, &r), 0);
}

/* Map everything there is, so that no gap of a GiB is left. */
static void fill_address_space(void)
{
	for (uint64_t size = TiB(8); size >= MiB(512); size /= 2)
		while (mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_NORESERVE, -1, 0) != MAP_FAILED)
			;
}

/* All kinds, on the CPU and mapped. */
static void use(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
		char *va = svm_alloc(fd, memory_kinds[i].kind, KiB(64));

		if (memory_kinds[i].cpu)
			memset(va, 0x5a, KiB(64));
		EXPECT_EQ(svm_map_all(fd, va), 0);
		EXPECT_EQ(svm_free(fd, va), 0);
	}
}

static void expect_mmap(int fd, uint32_t fallback)
{
	struct rocsvm_info info = info_of(fd);

	EXPECT_EQ(info.aperture, ROCSVM_APERTURE_MMAP);
	EXPECT_EQ(info.space_flags & ROCSVM_SPACE_FALLBACK, fallback);
	EXPECT_EQ(info.window_base, 0);
	EXPECT_EQ(info.window_limit, 0);
	EXPECT_EQ(info.huge_base, 0);
	EXPECT_EQ(info.coherent_limit, 0);
	use(fd);
}

static void expect_window(int fd)
{
	struct rocsvm_info info = info_of(fd);

	EXPECT_EQ(info.aperture, ROCSVM_APERTURE_RESERVED);
	EXPECT_EQ(info.space_flags & ROCSVM_SPACE_FALLBACK, 0);
	EXPECT_GE(info.window_limit - info.window_base + 1, GiB(4));
	EXPECT_GT(info.huge_base, info.window_base);
	use(fd);
}

/* No room of 4 GiB, by either way of having none. */
static void no_room(bool by_limit)
{
	if (by_limit)
		limit_address_space(address_space() + GiB(1));
	else
		fill_address_space();
}

static void automatic(void *arg)
{
	int fd;

	no_room(arg != NULL);
	klog_count(log_fd, "");
	fd = window_start();
	EXPECT_GE(klog_count(log_fd, "rocsvm"), 1);
	expect_mmap(fd, ROCSVM_SPACE_FALLBACK);
	EXPECT_EQ(svm_counter("spaces"), 1);
	if (arg) {
		struct rocsvm_reserve args = { .length = 0 };

		/* no more room than before, and what there is stays */
		EXPECT_EQ(svm_reserve_args(fd, &args), -ENOMEM);
		expect_mmap(fd, ROCSVM_SPACE_FALLBACK);
		limit_address_space(RLIM_INFINITY);
		args = (struct rocsvm_reserve){ .length = 0 };
		EXPECT_EQ(svm_reserve_args(fd, &args), 0);
		expect_window(fd);
	}
	close(fd);
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
}

static void always(void *arg)
{
	size_t before;
	int fd;

	fd = window_start();
	expect_window(fd);
	close(fd);
	no_room(arg != NULL);
	before = maps_count(0);
	EXPECT_EQ(svm_open(), -ENOMEM);
	EXPECT_EQ(maps_count(0), before);
	EXPECT_EQ(svm_counter("spaces"), 0);
	if (!arg)
		return;
	/* the failure has broken nothing */
	limit_address_space(RLIM_INFINITY);
	fd = window_start();
	expect_window(fd);
	close(fd);
}

static void never(void *arg)
{
	struct rocsvm_reserve args = { .length = GiB(8) };
	int fd;

	(void)arg;
	klog_count(log_fd, "");
	fd = window_start();
	EXPECT_EQ(klog_count(log_fd, "rocsvm"), 0);
	expect_mmap(fd, 0);
	/* asked for expressly, there is one */
	EXPECT_EQ(svm_reserve_args(fd, &args), 0);
	EXPECT_EQ(info_of(fd).aperture, ROCSVM_APERTURE_RESERVED);
	EXPECT_EQ(info_of(fd).window_limit - info_of(fd).window_base + 1, GiB(8));
	close(fd);
	fd = window_start();
	expect_mmap(fd, 0);
	close(fd);
}

/* A change is for those who open later. */
static void open_before(void *arg)
{
	int fd = window_start(), other;

	(void)arg;
	ASSERT_EQ(file_write(PARAM_RESERVE, "never"), 0);
	expect_window(fd);
	other = svm_open();
	ASSERT_GE(other, 0);
	expect_window(other);
	close(fd);
	close(other);
	fd = window_start();
	expect_mmap(fd, 0);
	ASSERT_EQ(file_write(PARAM_RESERVE, "auto"), 0);
	expect_mmap(fd, 0);
	close(fd);
	fd = window_start();
	expect_window(fd);
	close(fd);
}

static void check_parameter(void)
{
	static const char *const values[] = { "always", "never", "auto" };
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_EQ(file_write(PARAM_RESERVE, values[i]), 0);
		ASSERT_GT(file_read(PARAM_RESERVE, text, sizeof(text)), 0);
		text[strcspn(text, "\n")] = '\0';
		EXPECT_EQ(strcmp(text, values[i]), 0);
	}
	EXPECT_EQ(file_write(PARAM_RESERVE, "sometimes"), -EINVAL);
	EXPECT_EQ(file_write(PARAM_RESERVE, ""), 0);	/* nothing is written */
	ASSERT_GT(file_read(PARAM_RESERVE, text, sizeof(text)), 0);
	EXPECT_EQ(strncmp(text, "auto", 4), 0);
}

static void run(const char *value, const char *what, void (*fn)(void *), void *arg)
{
	say("%s: %s", value, what);
	ASSERT_EQ(file_write(PARAM_RESERVE, value), 0);
	EXPECT_EQ(run_child(fn, arg), 0);
	EXPECT(svm_all_gone());
}

static void test(void)
{
	log_fd = klog_open();
	ASSERT_EQ(knob_set(PARAM_RESERVE, "auto"), 0);
	check_parameter();
	run("auto", "no gap of 4 GiB", automatic, NULL);
	run("auto", "RLIMIT_AS", automatic, "limit");
	run("always", "no gap of 4 GiB", always, NULL);
	run("always", "RLIMIT_AS", always, "limit");
	run("never", "as it is", never, NULL);
	run("auto", "changed while open", open_before, NULL);
}

int main(void)
{
	return window_main(test);
}
