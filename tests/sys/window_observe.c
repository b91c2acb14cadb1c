// SPDX-License-Identifier: MIT
/*
 * Looking at a space does not wait for what it is doing: sysfs, debugfs,
 * fdinfo and the process's maps answer while a long allocation is under way.
 */
#include "window.h"

#include <dirent.h>
#include <sys/mount.h>

static struct window w;
static volatile int finished;

static void *allocator(void *length)
{
	void *va = NULL;

	svm_try_alloc(w.fd, ROCSVM_KIND_HOST, *(uint64_t *)length, &va);
	finished = 1;
	return va;
}

/* Read every file of a folder and those below; how many there were. */
static unsigned int read_all(const char *path, int depth)
{
	DIR *dir = opendir(path);
	unsigned int count = 0;
	struct dirent *entry;
	char name[512], text[4096];

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR && depth)
			count += read_all(name, depth - 1);
		else if (entry->d_type == DT_REG)
			count += file_read(name, text, sizeof(text)) >= 0;
	}
	closedir(dir);
	return count;
}

/* Look at everything once; true if the allocation was still under way. */
static bool look(void)
{
	char path[64], text[4096];
	unsigned int sysfs, debugfs;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w.fd);
	EXPECT_GE(file_read(path, text, sizeof(text)), 0);
	sysfs = read_all("/sys/class/rocsvm/rocsvm/", 0);
	EXPECT_GT(sysfs, 3);
	debugfs = read_all("/sys/kernel/debug/rocsvm", 2);
	if (finished)
		return false;
	say("%u files in sysfs and %u in debugfs read meanwhile", sysfs,
	    debugfs);
	return true;
}

static void test(void)
{
	uint64_t length = (uint64_t)meminfo_kb("MemAvailable") * 1024 / 2 &
			  ~(HUGE_PAGE - 1);
	bool during = false;

	w = window_open();
	if (length > GiB(1))
		length = GiB(1);
	for (int i = 0; i < 10 && !during; i++) {
		long shmem = meminfo_kb("Shmem");
		pthread_t thread;
		void *va;

		finished = 0;
		ASSERT_EQ(pthread_create(&thread, NULL, allocator, &length), 0);
		while (!finished && meminfo_kb("Shmem") - shmem < 8192)
			usleep(500);
		during = look();
		pthread_join(thread, &va);
		ASSERT(va);
		EXPECT_EQ(svm_free(w.fd, va), 0);
	}
	EXPECT(during);
}

int main(void)
{
	return test_main(test);
}
