// SPDX-License-Identifier: MIT
/*
 * A program replaces the control page by memory whose faults it never answers,
 * so that its calls stall with the space's lock held: it can still be killed,
 * and another process that closes an inherited file does not wait for it.
 */
#include "harness.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

enum call { CALL_ALLOC, CALL_FREE, CALL_UNMAP };

static struct sync ready;

/* Put unanswered memory in place of the control page. */
static void stall_control_page(int fd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct rocsvm_info info;
	struct vma vma;
	void *page;
	int uffd;

	ASSERT_EQ(svm_info(fd, &info), 0);
	page = (void *)(uintptr_t)(info.window_limit + 1 + HUGE_PAGE);
	ASSERT(maps_find(page, &vma));
	ASSERT(strstr(vma.name, "[rocsvm]"));

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		test_skip("userfaultfd: %s", strerror(errno));
	ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_API, &api)), 0);
	ASSERT(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
	area.range.start = (uintptr_t)page;
	area.range.len = PAGE;
	ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_REGISTER, &area)), 0);
}

static void owner(void *arg)
{
	enum call call = *(enum call *)arg;
	int fd = svm_start();
	void *va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);

	ASSERT_EQ(svm_map_all(fd, va), 0);
	stall_control_page(fd);
	sync_post(&ready);
	switch (call) {
	case CALL_ALLOC:
		svm_try_alloc(fd, ROCSVM_KIND_HOST, PAGE, &va);
		break;
	case CALL_FREE:
		svm_free(fd, va);
		break;
	case CALL_UNMAP:
		svm_unmap_all(fd, va);
		break;
	}
	test_die();
}

static void killed(enum call call)
{
	int status = 0;
	pid_t pid;

	sync_init(&ready);
	pid = child_start(owner, &call);
	sync_wait(&ready);
	usleep(200000);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	if (!EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid, 20000))
		test_fail(__FILE__, __LINE__, "killed in call", call, -1);
	EXPECT(WIFSIGNALED(status));
	EXPECT(svm_all_gone());
}

static int second = -1;
static struct sync stalled, closed;

static void heir(void *arg)
{
	(void)arg;
	sync_wait(&stalled);
	close(second);
	sync_post(&closed);
}

/* The owner has two files; the heir is the last to hold the second one. */
static void owner_of_two(void *arg)
{
	int fd = svm_start();
	void *va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);

	(void)arg;
	second = svm_open();
	ASSERT_GE(second, 0);
	child_start(heir, NULL);
	close(second);
	stall_control_page(fd);
	sync_post(&ready);
	svm_free(fd, va);
	test_die();
}

static void foreign_close(void)
{
	int status;
	pid_t pid;

	sync_init(&ready);
	sync_init(&stalled);
	sync_init(&closed);
	pid = child_start(owner_of_two, NULL);
	sync_wait(&ready);
	usleep(200000);
	sync_post(&stalled);
	/* Fails after a minute if the heir hangs. */
	sync_wait(&closed);
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(svm_all_gone());
}

static void test(void)
{
	killed(CALL_ALLOC);
	killed(CALL_UNMAP);
	killed(CALL_FREE);
	foreign_close();
}

int main(void)
{
	return test_main(test);
}
