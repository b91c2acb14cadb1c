// SPDX-License-Identifier: MIT
/*
 * Another thread writes into the control page while /dev/rocsvm is opened, the
 * number of GPUs among others: open fails with a plain errno, or gives a space
 * that works.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/uio.h>

static void *volatile place;
static volatile bool stop;
static unsigned long hits;

/* A number of GPUs that is no number of GPUs; without a fault of our own. */
static void *scribbler(void *unused)
{
	static const uint32_t numbers[] = { 0x80000000u, 0xfffff001u, 0x7fffffffu };
	unsigned int i = 0;

	while (!stop) {
		uint32_t number = numbers[i++ % ARRAY_SIZE(numbers)];
		struct iovec from = { &number, sizeof(number) };
		struct iovec to = { (char *)place +
			offsetof(struct kfd_ioctl_get_process_apertures_new_args,
				 num_of_nodes), sizeof(number) };

		if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) > 0)
			hits++;
	}
	return unused;
}

/* Where mmap() puts a page now, it will put the control page. */
static void *next_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT(page != MAP_FAILED);
	munmap(page, PAGE);
	return page;
}

static void test(void)
{
	unsigned long opens = scaled(1000, 100), opened = 0;
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, scribbler, NULL), 0);
	usleep(10000);
	place = next_page();
	for (unsigned long i = 0; i < opens && !test_failures; i++) {
		struct rocsvm_info info;
		int fd = svm_open();

		if (fd < 0) {
			EXPECT_GT(fd, -200);
			continue;
		}
		opened++;
		EXPECT_EQ(svm_info(fd, &info), 0);
		EXPECT_EQ(info.num_gpus, 1);
		EXPECT_EQ(maps_named(0, "rocsvm"), 3);
		close(fd);
	}
	stop = true;
	pthread_join(thread, NULL);
	say("%lu of %lu opens succeeded, %lu writes hit the page", opened, opens, hits);
	EXPECT_GT(opened, 0);
	EXPECT_GT(hits, 0);
}

int main(void)
{
	return test_main(test);
}
