// SPDX-License-Identifier: MIT
/*
 * phantom.c - runs QEMU with one or more software Vega 10 GPUs.
 *
 * Owns the command line, the processes and the messages. Each GPU is a
 * child process (gpu.h); QEMU is another child. Whatever ends first, the
 * others end too: every child asks for SIGKILL at its parent's death, GPUs
 * end when QEMU closes its sockets, and QEMU is killed when a GPU crashes.
 * All memory shared with QEMU is in memfds: there is no file to leave behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gpu.h"

#define MAX_GPUS		4
#define MAX_VRAM_TOTAL		1024	/* MiB; the BARs must fit below 4 GiB */
#define PROBLEMS_SHOWN		40
#define MAX_QEMU_ARGUMENTS	64	/* of our own */
#define GRACE_SECONDS		3	/* QEMU's time to end after SIGTERM */

/*
 * PCI slots. A GPU and the carrier of its interrupt must be a multiple of 4
 * apart: then they share an interrupt line (PIRQ (slot + pin) & 3, on i440fx
 * and q35 alike). High, to stay clear of slots that QEMU gives out itself.
 */
#define GPU_SLOT		0x10
#define IRQ_CARRIER_SLOT	0x14
#define VRAM_OVERLAY_SLOT	0x18

struct options {
	unsigned int gpus;
	unsigned int vram_mib;
	unsigned int memory_mib;
	const char *trace;
	bool overlay;
	char **qemu;		/* its argv, as given */
	int qemu_argc;
};

/* A GPU seen from the parent: our ends are [0], QEMU's are [1] */
struct device {
	int proxy[2];
	int irq[2];
	int vram;
	pid_t pid;
};

void gpu_problem(struct gpu *gpu, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	gpu_trace(gpu, "PROBLEM %s\n", text);
	if (gpu->problems++ < PROBLEMS_SHOWN)
		fprintf(stderr, "phantom: gpu%d: %s\n", gpu->index, text);
}

void gpu_trace(struct gpu *gpu, const char *format, ...)
{
	va_list args;

	if (!gpu->trace)
		return;
	va_start(args, format);
	vfprintf(gpu->trace, format, args);
	va_end(args);
}

static void usage(void)
{
	fputs("usage: phantom [OPTION]... -- qemu-system-x86_64 ARGUMENT...\n"
	      "  --gpus N      number of GPUs, 1 to 4 (1)\n"
	      "  --vram MiB    VRAM of each, a power of two from 64; all together at most 1024 (256)\n"
	      "  --memory MiB  guest RAM (1024)\n"
	      "  --trace FILE  log every access and packet; with several GPUs to FILE.0, FILE.1, ...\n"
	      "  --no-overlay  pass every CPU access to VRAM through the phantom (slow)\n", stderr);
	exit(2);
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value > 1u << 20)
		usage();
	return (unsigned int)value;
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "gpus", required_argument, NULL, 'g' },
		{ "vram", required_argument, NULL, 'v' },
		{ "memory", required_argument, NULL, 'm' },
		{ "trace", required_argument, NULL, 't' },
		{ "no-overlay", no_argument, NULL, 'n' },
		{ 0 },
	};
	int c;

	*o = (struct options){ .gpus = 1, .vram_mib = 256, .memory_mib = 1024, .overlay = true };
	while ((c = getopt_long(argc, argv, "+", names, NULL)) != -1) {
		switch (c) {
		case 'g':
			o->gpus = number(optarg);
			break;
		case 'v':
			o->vram_mib = number(optarg);
			break;
		case 'm':
			o->memory_mib = number(optarg);
			break;
		case 't':
			o->trace = optarg;
			break;
		case 'n':
			o->overlay = false;
			break;
		default:
			usage();
		}
	}
	o->qemu = argv + optind;
	o->qemu_argc = argc - optind;
	if (!o->qemu_argc || o->gpus < 1 || o->gpus > MAX_GPUS || o->vram_mib < 64 ||
	    o->vram_mib & (o->vram_mib - 1) || o->vram_mib * o->gpus > MAX_VRAM_TOTAL ||
	    o->memory_mib < 256)
		usage();
}

static void die(const char *what)
{
	fprintf(stderr, "phantom: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* QEMU's arguments: those given, then ours. Printed into strings that live until exec. */
struct arguments {
	char **argv;
	int argc;
};

static void add(struct arguments *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct arguments *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(&a->argv[a->argc++], format, args) < 0)
		die("arguments");
	va_end(args);
}

static void add_gpu(struct arguments *a, const struct options *o, unsigned int i,
		    const struct device *device)
{
	add(a, "-device");
	add(a, "x-pci-proxy-dev,id=phantom%u,fd=%d,addr=%#x", i, device->proxy[1], GPU_SLOT + i);
	add(a, "-chardev");
	add(a, "socket,id=phantom-irq%u,fd=%d", i, device->irq[1]);
	add(a, "-device");
	add(a, "pci-serial,chardev=phantom-irq%u,addr=%#x", i, IRQ_CARRIER_SLOT + i);
	if (!o->overlay)
		return;
	add(a, "-object");
	add(a, "memory-backend-file,id=phantom-vram%u,size=%uM,mem-path=/proc/self/fd/%d,share=on",
	    i, o->vram_mib, device->vram);
	add(a, "-device");
	add(a, "ivshmem-plain,memdev=phantom-vram%u,addr=%#x", i, VRAM_OVERLAY_SLOT + i);
}

static void exec_qemu(const struct options *o, const struct device *devices)
{
	struct arguments a = {
		.argv = calloc(o->qemu_argc + MAX_QEMU_ARGUMENTS, sizeof(char *)),
	};

	if (!a.argv)
		die("arguments");
	for (; a.argc < o->qemu_argc; a.argc++)
		a.argv[a.argc] = o->qemu[a.argc];
	add(&a, "-m");
	add(&a, "%u", o->memory_mib);
	add(&a, "-object");
	add(&a, "memory-backend-memfd,id=phantom-ram,size=%uM,share=on", o->memory_mib);
	add(&a, "-machine");
	add(&a, "memory-backend=phantom-ram");
	add(&a, "-nodefaults");
	add(&a, "-vga");
	add(&a, "none");
	for (unsigned int i = 0; i < o->gpus; i++)
		add_gpu(&a, o, i, &devices[i]);
	execvp(a.argv[0], a.argv);
	fprintf(stderr, "phantom: %s: %s\n", a.argv[0], strerror(errno));
	_exit(127);
}

/* What the parent waits for: its children's ends, and being told to end */
static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static pid_t fork_child(void)
{
	pid_t parent = getpid(), pid = fork();
	sigset_t set;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	watched_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 0;
}

static FILE *open_trace(const struct options *o, unsigned int index)
{
	char *name;
	FILE *f;

	if (!o->trace)
		return NULL;
	if (asprintf(&name, o->gpus > 1 ? "%s.%u" : "%s", o->trace, index) < 0)
		die("trace");
	f = fopen(name, "w");
	if (!f)
		die(name);
	free(name);
	return f;
}

/* The GPU's process. Its trace is complete when QEMU ends, by whatever means. */
static void run_gpu(const struct options *o, unsigned int index, const struct device *device)
{
	struct gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu || vram_attach(gpu, device->vram, (uint64_t)o->vram_mib << 20))
		die("VRAM");
	/* signals to the whole process group are for the parent to deal with */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	gpu->index = (int)index;
	gpu->trace = open_trace(o, index);
	gpu->proxy_fd = device->proxy[0];
	gpu->irq_fd = device->irq[0];
	fcntl(gpu->irq_fd, F_SETFL, O_NONBLOCK);
	vbios_build(gpu->vbios);
	pci_reset(gpu);
	mmio_reset(gpu);
	proxy_serve(gpu);
	if (gpu->problems > PROBLEMS_SHOWN)
		fprintf(stderr, "phantom: gpu%u: %lu problems in all\n", index, gpu->problems);
	if (gpu->trace)
		fclose(gpu->trace);
	exit(0);
}

/* The status of QEMU, in the shell's manner; a GPU that did not end well takes QEMU with it. */
static void child_ended(pid_t pid, int status, pid_t *qemu, const struct device *devices,
			unsigned int gpus, int *result)
{
	if (pid == *qemu) {
		*result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		*qemu = 0;
		return;
	}
	for (unsigned int i = 0; i < gpus; i++) {
		if (devices[i].pid != pid || !status)
			continue;
		fprintf(stderr, "phantom: gpu%u: ended with %s %d\n", i,
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		if (*qemu)
			kill(*qemu, SIGKILL);
	}
}

/* Waits for all children, and hands a request to end on to QEMU. */
static int supervise(pid_t qemu, const struct device *devices, unsigned int gpus)
{
	const struct timespec grace = { .tv_sec = GRACE_SECONDS };
	unsigned int running = gpus + 1;
	bool terminating = false;
	int result = 1;
	sigset_t set;

	watched_signals(&set);
	while (running) {
		int status, signal;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid > 0) {
			running--;
			child_ended(pid, status, &qemu, devices, gpus, &result);
			continue;
		}
		signal = sigtimedwait(&set, NULL, terminating ? &grace : NULL);
		if (signal == SIGCHLD || (signal < 0 && errno == EINTR) || !qemu)
			continue;
		/* a QEMU that hangs survives SIGTERM */
		kill(qemu, terminating ? SIGKILL : SIGTERM);
		terminating = true;
	}
	return result;
}

static void create_device(struct device *device, const struct options *o)
{
	/* close-on-exec is QEMU's to lack for its own ends: see start_qemu() */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, device->proxy) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, device->irq))
		die("socketpair");
	device->vram = vram_create((uint64_t)o->vram_mib << 20);
	if (device->vram < 0)
		die("VRAM");
}

static pid_t start_qemu(const struct options *o, const struct device *devices)
{
	pid_t pid = fork_child();

	if (pid)
		return pid;
	for (unsigned int i = 0; i < o->gpus; i++) {
		fcntl(devices[i].proxy[1], F_SETFD, 0);
		fcntl(devices[i].irq[1], F_SETFD, 0);
	}
	exec_qemu(o, devices);
	_exit(127);
}

/* A GPU must see QEMU's end: no process but QEMU may hold QEMU's ends. */
static void close_others(const struct device *devices, unsigned int gpus, unsigned int mine)
{
	for (unsigned int i = 0; i < gpus; i++) {
		close(devices[i].proxy[1]);
		close(devices[i].irq[1]);
		if (i == mine)
			continue;
		close(devices[i].proxy[0]);
		close(devices[i].irq[0]);
		close(devices[i].vram);
	}
}

int main(int argc, char **argv)
{
	struct device devices[MAX_GPUS];
	struct options options;
	sigset_t set;
	pid_t qemu;

	parse(&options, argc, argv);
	watched_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (unsigned int i = 0; i < options.gpus; i++)
		create_device(&devices[i], &options);
	for (unsigned int i = 0; i < options.gpus; i++) {
		devices[i].pid = fork_child();
		if (!devices[i].pid) {
			close_others(devices, options.gpus, i);
			run_gpu(&options, i, &devices[i]);
		}
	}
	qemu = start_qemu(&options, devices);
	close_others(devices, options.gpus, options.gpus);
	return supervise(qemu, devices, options.gpus);
}
