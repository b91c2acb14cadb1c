// SPDX-License-Identifier: MIT
/*
 * debugfs: the file "space" says what INFO says, and what becomes of a space:
 * open, dormant, open again, orphaned. Its folder goes with it.
 */
#include "observe.h"

static void same_as_info(int fd, int opens)
{
	struct rocsvm_info info;
	char *text = view_text(getpid(), "space");
	char gpu[32];

	ASSERT(text);
	ASSERT_EQ(svm_info(fd, &info), 0);
	EXPECT_EQ(text_number(text, "pid"), getpid());
	EXPECT_EQ(strcmp(text_value(text, "comm"), "observe_space"), 0);
	EXPECT_EQ(text_number(text, "uid"), getuid());
	EXPECT_EQ(strcmp(text_value(text, "state"), "open"), 0);
	EXPECT_EQ(strcmp(text_value(text, "aperture"),
			 info.aperture ? "mmap" : "reserved"), 0);
	EXPECT_EQ(text_number(text, "svm_base"), info.svm_base);
	EXPECT_EQ(text_number(text, "svm_limit"), info.svm_limit);
	EXPECT_EQ(text_number(text, "base"), info.window_base);
	EXPECT_EQ(text_number(text, "limit"), info.window_limit);
	EXPECT_EQ(text_number(text, "huge_base"), info.huge_base);
	EXPECT_EQ(text_number(text, "coherent_base"), info.aperture ?
		  0 : info.coherent_base);
	EXPECT_EQ(text_number(text, "coherent_limit"), info.coherent_limit);
	EXPECT_EQ(text_number(text, "guard"), info.guard);
	EXPECT_EQ(text_number(text, "max_alignment"), info.max_alignment);
	EXPECT_EQ(text_number(text, "opens"), opens);
	EXPECT_EQ(text_number(text, "buffers"), info.num_buffers);
	EXPECT_EQ(text_number(text, "buffer_bytes"), info.buffer_bytes);
	EXPECT_EQ(text_number(text, "reserved_bytes"), info.aperture ?
		  0 : info.window_limit + 1 - info.window_base);
	EXPECT_EQ(text_number(text, "quarantined_bytes"),
		  info.quarantined_bytes);
	EXPECT_EQ(text_number(text, "registered_bytes"), info.registered_bytes);
	snprintf(gpu, sizeof(gpu), "%u", svm_gpu(fd, 0));
	EXPECT_EQ(strcmp(text_value(text, "gpus"), gpu), 0);
	EXPECT_EQ(strcmp(text_value(text, "gpus_acquired"),
			 info.num_acquired ? gpu : "-"), 0);
	free(text);
}

static void sizes(int fd)
{
	struct rocsvm_register args = {
		.size = sizeof(args), .length = KiB(64),
	};
	void *own = mmap(NULL, KiB(64), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rocsvm_unregister unregister = {
		.size = sizeof(unregister), .length = KiB(64),
	};
	void *host = svm_alloc(fd, ROCSVM_KIND_HOST, KiB(12));
	void *huge = svm_alloc(fd, ROCSVM_KIND_HOST, MiB(4));

	svm_alloc(fd, ROCSVM_KIND_ADDRESS, GiB(1));
	args.va = unregister.va = (uintptr_t)own;
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
	same_as_info(fd, 1);
	EXPECT_EQ(space_number(getpid(), "buffers"), 3);
	EXPECT_EQ(space_number(getpid(), "buffer_bytes"), MiB(4) + KiB(12));
	EXPECT_EQ(space_number(getpid(), "registered_bytes"), KiB(64));
	EXPECT_EQ(svm_counter("host_bytes"), MiB(4) + KiB(12));
	EXPECT_EQ(svm_counter("registered_bytes"), KiB(64));
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_UNREGISTER, &unregister), 0);
	EXPECT_EQ(svm_free(fd, host), 0);
	EXPECT_EQ(svm_free(fd, huge), 0);
	same_as_info(fd, 1);
	munmap(own, KiB(64));
}

static void other_window(int fd)
{
	struct rocsvm_reserve mmapped = {
		.size = sizeof(mmapped), .aperture = ROCSVM_APERTURE_MMAP,
	};
	struct rocsvm_reserve window = {
		.size = sizeof(window), .length = GiB(8),
	};
	size_t count;

	ASSERT_EQ(svm_ioctl(fd, ROCSVM_RESERVE, &mmapped), 0);
	same_as_info(fd, 1);
	free(view_gaps(getpid(), &count));
	EXPECT_EQ(count, 0);
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_RESERVE, &window), 0);
	same_as_info(fd, 1);
	EXPECT_EQ(space_number(getpid(), "reserved_bytes"), GiB(8));
}

/* Closed last by a child: nobody can end the space but its process. */
static void orphan(void *arg)
{
	struct sync closed;
	int fd = svm_start();
	void *buffer = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	pid_t pid;

	(void)arg;
	sync_init(&closed);
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		sync_wait(&closed);
		close(fd);
		_exit(0);
	}
	close(fd);
	EXPECT_EQ(strcmp(space_value(getpid(), "state"), "open"), 0);
	sync_post(&closed);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT_EQ(strcmp(space_value(getpid(), "state"), "orphaned"), 0);
	EXPECT_EQ(space_number(getpid(), "opens"), 0);
	EXPECT_EQ(space_number(getpid(), "buffers"), 1);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	EXPECT_EQ(strcmp(space_value(getpid(), "state"), "open"), 0);
	EXPECT_EQ(svm_free(fd, buffer), 0);
}

static void test(void)
{
	pid_t pid;
	int fd, second;

	fd = svm_open();
	ASSERT_GE(fd, 0);
	same_as_info(fd, 1);
	second = svm_open();
	same_as_info(fd, 2);
	close(second);
	same_as_info(fd, 1);
	/* No GPU is bound: nothing is left. */
	close(fd);
	EXPECT(EVENTUALLY(!view_exists(getpid()), 10000));

	fd = svm_start();
	same_as_info(fd, 1);
	sizes(fd);
	close(fd);
	EXPECT_EQ(strcmp(space_value(getpid(), "state"), "dormant"), 0);
	EXPECT_EQ(strcmp(space_value(getpid(), "aperture"), "none"), 0);
	EXPECT_EQ(space_number(getpid(), "opens"), 0);
	EXPECT_EQ(space_number(getpid(), "buffers"), 0);
	fd = svm_start();
	same_as_info(fd, 1);
	other_window(fd);
	close(fd);

	pid = child_start(orphan, NULL);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT(EVENTUALLY(!view_exists(pid), 10000));
}

int main(void)
{
	return test_main(test);
}
