// SPDX-License-Identifier: MIT
/*
 * kill -9 in the middle of a call that has to do with very many segments: it does
 * not go on to the end, and nothing is left of the process.
 */
#include "observe.h"
#include "reg.h"

struct shared {
	uint64_t calls;		/* of KFD before the call in question */
	bool back;
};

static struct sync ready;
static volatile struct shared *shared;
static uint32_t count, gpu;
static uint64_t length;
static char *memory;
static int fd;

/* Every other page is a segment of its own. */
static void every_other(void)
{
	for (uint32_t i = 0; i < count; i++)
		ASSERT_EQ(reg_add(fd, memory + 2 * i * PAGE, PAGE), 0);
}

static void each(void)
{
	every_other();
	ASSERT_EQ(reg_add(fd, memory, length), 0);
}

static void each_anew(void)
{
	each();
	ASSERT_EQ(SYS(munmap(memory, length)), 0);
	own(memory, length, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	memset(memory, 1, length);
}

static void call_register(void)
{
	reg_add(fd, memory, length);
}

static void call_register_mapped(void)
{
	reg_add_mapped(fd, memory, length, gpu);
}

static void call_map(void)
{
	svm_map_all(fd, memory);
}

static void call_unregister(void)
{
	reg_end(fd, memory, length);
}

static void call_close(void)
{
	close(fd);
}

static const struct way {
	const char *name;
	void (*prepare)(void);
	void (*call)(void);
} ways[] = {
	{ "REGISTER, which makes segments", every_other, call_register },
	{ "REGISTER, which maps them", each, call_register_mapped },
	{ "REGISTER, of memory that was unmapped", each_anew, call_register },
	{ "MAP", each, call_map },
	{ "UNREGISTER", each, call_unregister },
	{ "close", each, call_close },
};

static void killed(void *arg)
{
	const struct way *way = arg;

	fd = svm_start();
	gpu = svm_gpu(fd, 0);
	memory = own_private(length);
	memset(memory, 1, length);
	way->prepare();
	shared->calls = stat_number(getpid(), "kfd_calls");
	sync_post(&ready);
	way->call();
	shared->back = true;
	pause();
}

static bool halfway(pid_t pid)
{
	return stat_number(pid, "kfd_calls") >= shared->calls + count / 4;
}

static void kill_in(const struct way *way)
{
	pid_t pid;
	int status;

	say("%s", way->name);
	*shared = (struct shared){ 0 };
	sync_init(&ready);
	pid = child_start(killed, (void *)way);
	sync_wait(&ready);
	while (!shared->back && !halfway(pid))
		;
	EXPECT(!shared->back);
	kill(pid, SIGKILL);
	status = child_wait(pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT(!shared->back);
	EXPECT(svm_all_gone());
}

static void test(void)
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(shared != MAP_FAILED);
	count = scaled(2000, 400);
	length = 2 * count * PAGE;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		kill_in(&ways[i]);
}

int main(void)
{
	return test_main(test);
}
