// SPDX-License-Identifier: MIT
/*
 * Each tracepoint fires where it should, with the values of the call.
 */
#include "observe.h"
#include "share.h"

#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define TRACING "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/rocsvm_observe"

static int fd;
static pid_t self;

static void trace_begin(void)
{
	rmdir(INSTANCE);
	ASSERT_EQ(SYS(mkdir(INSTANCE, 0700)), 0);
	ASSERT_EQ(file_write(INSTANCE "/events/rocsvm/enable", "1"), 0);
}

static void trace_end(void)
{
	EXPECT_EQ(file_write(INSTANCE "/events/rocsvm/enable", "0"), 0);
	EXPECT_EQ(SYS(rmdir(INSTANCE)), 0);
}

static void trace_empty(void)
{
	int file = open(INSTANCE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	ASSERT_GE(file, 0);
	close(file);
}

/* What follows "EVENT: " in the trace has begun so for @times lines. */
__attribute__((format(printf, 3, 4)))
static void seen(int times, const char *event, const char *format, ...)
{
	char *text = read_whole(INSTANCE "/trace", 65536), *line;
	char wanted[512];
	va_list args;
	int n, found = 0;

	ASSERT(text);
	n = snprintf(wanted, sizeof(wanted), ": %s: pid=%d ", event, self);
	va_start(args, format);
	vsnprintf(wanted + n, sizeof(wanted) - n, format, args);
	va_end(args);
	for (line = text; (line = strstr(line, wanted)); line++)
		found++;
	if (found != times)
		say("\"%s\" is there %d times of %d, in\n%s", wanted, found,
		    times, text);
	EXPECT_EQ(found, times);
	free(text);
}

static void opening(void)
{
	struct rlimit none = { PAGE, 0 }, room;
	struct rocsvm_info info;
	uint32_t gpu;
	int second, drm, r;

	trace_empty();
	ASSERT_EQ(getrlimit(RLIMIT_AS, &room), 0);
	none.rlim_max = room.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
	r = svm_open();
	ASSERT_EQ(setrlimit(RLIMIT_AS, &room), 0);
	EXPECT_EQ(r, -ENOMEM);
	seen(1, "open", "opens=0 base=0x0 limit=0x0 err=-12");

	fd = svm_open();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(svm_info(fd, &info), 0);
	seen(1, "open", "opens=1 base=0x%llx limit=0x%llx err=0",
	     info.window_base, info.window_limit);
	/* How many there are, then which. */
	seen(2, "kfd_ioctl", "nr=0x14 name=get_process_apertures_new passed=0 err=0 duration=");
	second = svm_open();
	seen(1, "open", "opens=2 base=0x%llx limit=0x%llx err=0",
	     info.window_base, info.window_limit);
	close(second);
	seen(1, "close", "opens=1\n");

	gpu = svm_gpu(fd, 0);
	drm = render_open(gpu);
	ASSERT_GE(drm, 0);
	EXPECT_EQ(svm_acquire(fd, gpu, 1), -EINVAL);
	seen(1, "acquire_vm", "gpu_id=%u drm_fd=1 err=-22", gpu);
	EXPECT_EQ(svm_acquire(fd, gpu, drm), 0);
	seen(1, "acquire_vm", "gpu_id=%u drm_fd=%d err=0", gpu, drm);
	seen(1, "kfd_ioctl", "nr=0x15 name=acquire_vm passed=0 err=0 ");
	close(drm);
}

static void buffers(void)
{
	struct rocsvm_alloc args = {
		.kind = ROCSVM_KIND_GTT, .length = 5000, .tag = 0xabc,
		.flags = ROCSVM_ALLOC_EXECUTABLE | ROCSVM_ALLOC_COHERENT,
	};
	uint32_t gpu = svm_gpu(fd, 0);
	struct rocsvm_import import = { .tag = 5 };
	void *va;

	trace_empty();
	ASSERT_EQ(svm_alloc_args(fd, &args), 0);
	va = (void *)args.va;
	seen(1, "alloc", "va=%p length=8192 kind=gtt flags=executable,coherent gpu_id=0 num_gpus=0 tag=0xabc err=0",
	     va);
	seen(1, "kfd_ioctl", "nr=0x16 name=alloc_memory_of_gpu passed=0 err=0 ");
	args.va = 0;
	args.length = 0;
	EXPECT_EQ(svm_alloc_args(fd, &args), -EINVAL);
	seen(1, "alloc", "va=0x0 length=0 kind=gtt flags=executable,coherent gpu_id=0 num_gpus=0 tag=0xabc err=-22");

	EXPECT_EQ(svm_map(fd, va, &gpu, 1), 0);
	seen(1, "map", "va=%p num_gpus=1 err=0", va);
	EXPECT_EQ(svm_unmap_all(fd, va), 0);
	seen(1, "unmap", "va=%p num_gpus=0 err=0", va);
	EXPECT_EQ(svm_map_all(fd, va + PAGE), -ENOENT);
	seen(1, "map", "va=%p num_gpus=", va + PAGE);
	import.fd = svm_export(fd, va);
	ASSERT_GE(import.fd, 0);
	ASSERT_EQ(svm_import_args(fd, &import), 0);
	seen(1, "alloc", "va=0x%llx length=8192 kind=gtt flags=imported gpu_id=%u num_gpus=0 tag=0x5 err=0",
	     import.va, gpu);
	close(import.fd);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)import.va), 0);
	EXPECT_EQ(svm_free(fd, va), 0);
	seen(1, "free", "va=%p err=0", va);
	EXPECT_EQ(svm_free(fd, va), -ENOENT);
	seen(1, "free", "va=%p err=-2", va);
}

static void registered(void)
{
	void *own = mmap(NULL, KiB(64), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rocsvm_register args = {
		.size = sizeof(args), .va = (uintptr_t)own, .length = 100,
		.tag = 6,
	};
	struct rocsvm_unregister end = {
		.size = sizeof(end), .va = (uintptr_t)own, .length = 100,
	};

	ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
	seen(1, "register", "va=%p length=100 flags= num_gpus=0 tag=0x6 err=0",
	     own);
	ASSERT_EQ(svm_ioctl(fd, ROCSVM_UNREGISTER, &end), 0);
	seen(1, "unregister", "va=%p length=100 err=0", own);
	EXPECT_EQ(svm_ioctl(fd, ROCSVM_UNREGISTER, &end), -ENOENT);
	seen(1, "unregister", "va=%p length=100 err=-2", own);
}

static void faults(void)
{
	char *va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);

	trace_empty();
	EXPECT_EQ(probe_write(va), 0);
	EXPECT_EQ(probe_write(va + PAGE + 5), PROBE_MAPERR);
	seen(1, "fault_refused", "address=%p write", va + PAGE);
	EXPECT_EQ(probe_read(va + PAGE), PROBE_MAPERR);
	seen(1, "fault_refused", "address=%p read", va + PAGE);
	seen(2, "fault_refused", "%s", "");
	EXPECT_EQ(svm_free(fd, va), 0);
}

/* The time of a call is that of the call, not less, and is in its line. */
static void durations(void)
{
	struct kfd_ioctl_create_event_args event = {
		.event_type = KFD_IOC_EVENT_SIGNAL,
	};
	struct kfd_event_data data = { 0 };
	struct kfd_ioctl_wait_events_args wait = {
		.events_ptr = (uintptr_t)&data, .num_events = 1, .timeout = 30,
	};
	const char *key = "name=wait_events passed=1 err=0 duration=";
	char *text, *line;
	uint64_t ns;

	trace_empty();
	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_CREATE_EVENT, &event), 0);
	data.event_id = event.event_id;
	ASSERT_EQ(svm_ioctl(fd, AMDKFD_IOC_WAIT_EVENTS, &wait), 0);
	seen(1, "kfd_ioctl", "nr=0xc name=wait_events passed=1 err=0 duration=");
	text = read_whole(INSTANCE "/trace", 65536);
	line = strstr(text, key);
	ASSERT(line);
	ns = strtoull(line + strlen(key), NULL, 10);
	say("30 ms are %lu ns", ns);
	EXPECT_GE(ns, 20000000);
	EXPECT_LT(svm_ioctl(fd, _IO('K', 0x7e), NULL), 0);
	seen(1, "kfd_ioctl", "nr=0x7e name=0x7e passed=1 err=-");
	free(text);
}

/* Without anybody who asks there is nothing. */
static void off(void)
{
	char *text;

	ASSERT_EQ(file_write(INSTANCE "/events/rocsvm/enable", "0"), 0);
	trace_empty();
	EXPECT_EQ(svm_free(fd, svm_alloc(fd, ROCSVM_KIND_HOST, PAGE)), 0);
	text = read_whole(INSTANCE "/trace", 65536);
	EXPECT(!strstr(text, "alloc:"));
	EXPECT(!strstr(text, "kfd_ioctl:"));
	free(text);
	ASSERT_EQ(file_write(INSTANCE "/events/rocsvm/enable", "1"), 0);
}

static void closed_elsewhere(void)
{
	pid_t pid;

	trace_empty();
	fflush(stdout);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		usleep(100000);
		_exit(0);
	}
	close(fd);
	EXPECT_EQ(child_wait(pid), 0);
	/* Of the space's process, whoever it was that closed it. */
	EXPECT(EVENTUALLY(space_number(self, "opens") == 0, 10000));
	seen(1, "close", "opens=0");
}

static void test(void)
{
	self = getpid();
	trace_begin();
	opening();
	buffers();
	registered();
	faults();
	durations();
	off();
	closed_elsewhere();
	trace_end();
}

int main(void)
{
	return test_main(test);
}
