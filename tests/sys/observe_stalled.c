// SPDX-License-Identifier: MIT
/*
 * Root lists a folder of debugfs into memory whose fault nobody answers: the
 * kernel keeps the folder locked for as long. The process that it is about ends
 * all the same, others open, work and close; and when the fault is answered the
 * folders are those of the processes that are there.
 */
#include "observe.h"
#include "stalled.h"

#include <dirent.h>

#define ROUNDS 4

static struct sync victim_opened, victim_go, live_opened, live_go;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Opens, and has all that it needs, before long. */
static int start_soon(void)
{
	uint64_t start = now_ms();
	int fd = svm_open();
	void *va;

	ASSERT_GE(fd, 0);
	EXPECT_LE(now_ms() - start, scaled(1000, 5000));
	ASSERT_GE(svm_acquire_all(fd), 1);
	va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	ASSERT_EQ(svm_map_all(fd, va), 0);
	memset(va, 1, PAGE);
	return fd;
}

static void newcomer(void *unused)
{
	(void)unused;
	close(start_soon());
}

static void victim(void *unused)
{
	(void)unused;
	start_soon();
	sync_post(&victim_opened);
	sync_wait(&victim_go);
}

static void live(void *unused)
{
	(void)unused;
	start_soon();
	sync_post(&live_opened);
	sync_wait(&live_go);
}

static void list(struct staller *s)
{
	ASSERT_GT(SYS(syscall(SYS_getdents64, s->fd, s->arg, PAGE)), 0);
}

static void newcomers(void)
{
	for (int i = 0; i < ROUNDS; i++)
		ASSERT_EQ(run_child_bounded(newcomer, NULL, scaled(10, 60)), 0);
}

/* How many processes have one. */
static size_t folders(void)
{
	DIR *dir = opendir(VIEW_ROOT);
	struct dirent *entry;
	size_t n = 0;

	ASSERT(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* The folder of a process that ends meanwhile, or the one of all folders. */
static void stalled_folder(bool root)
{
	struct staller lister = { .call = list };
	struct uffdio_zeropage zero = { .range = { 0 } };
	char path[128] = VIEW_ROOT;
	pid_t old, young;
	struct stalled s;

	say("%s", root ? "the folder of all" : "the folder of one");
	sync_init(&victim_opened);
	sync_init(&victim_go);
	sync_init(&live_opened);
	sync_init(&live_go);
	old = child_start(victim, NULL);
	sync_wait(&victim_opened);
	ASSERT(view_exists(old));

	stalled_open(&s, 1);
	if (!root)
		view_path(path, sizeof(path), old, 0, "");
	lister.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_GE(lister.fd, 0);
	lister.arg = s.pages;
	staller_start(&lister);
	stalled_wait(&s, 1);

	/* From here on nothing looks at a folder: it could have to wait. */
	if (root)
		newcomers();
	sync_post(&victim_go);
	ASSERT_EQ(child_wait(old), 0);
	newcomers();
	young = child_start(live, NULL);
	sync_wait(&live_opened);
	EXPECT(!lister.back);
	EXPECT_EQ(svm_counter("spaces"), 1);

	zero.range.start = (uintptr_t)s.pages;
	zero.range.len = PAGE;
	ASSERT_EQ(SYS(ioctl(s.uffd, UFFDIO_ZEROPAGE, &zero)), 0);
	ASSERT(EVENTUALLY(lister.back, 10000));
	EXPECT(EVENTUALLY(!view_exists(old), 10000));
	EXPECT(EVENTUALLY(view_exists(young), 10000));
	EXPECT_EQ(space_number(young, "buffers"), 1);
	sync_post(&live_go);
	EXPECT_EQ(child_wait(young), 0);
	EXPECT(EVENTUALLY(!view_exists(young), 10000));
	EXPECT(svm_all_gone());
	/* Nor is there anything left of those that came and went. */
	EXPECT(EVENTUALLY(folders() == 0, 10000));

	close(lister.fd);
	close(s.uffd);
	munmap(s.pages, PAGE);
}

static void test(void)
{
	stalled_folder(false);
	stalled_folder(true);
}

int main(void)
{
	return test_main(test);
}
