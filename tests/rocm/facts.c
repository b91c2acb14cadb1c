// SPDX-License-Identifier: MIT
/*
 * How a process's memory looks where libhsakmt manages it, and where rocsvm
 * does: the facts that docs/comparison.md lists, printed by the same questions.
 * It tests nothing.
 *
 * usage: facts libhsakmt|rocsvm [limit]   limit: and how many buffers there can be
 */
#include "harness.h"

#include <sys/resource.h>

#include <hsakmt.h>

#define BUFFERS	1000
#define MOST	100000

static bool thunk;
static int fd;
static HSAuint32 gpu_node;

/* ---- the two managers, as far as this program needs them ----------------- */

static HsaMemFlags host_flags(void)
{
	HsaMemFlags flags = { .Value = 0 };

	flags.ui32.HostAccess = 1;
	return flags;
}

static void manager_open(void)
{
	HsaSystemProperties system;

	if (!thunk) {
		fd = svm_start();
		return;
	}
	ASSERT_EQ(hsaKmtOpenKFD(), HSAKMT_STATUS_SUCCESS);
	ASSERT_EQ(hsaKmtAcquireSystemProperties(&system), HSAKMT_STATUS_SUCCESS);
	for (gpu_node = 0; gpu_node < system.NumNodes; gpu_node++) {
		HsaNodeProperties node;

		ASSERT_EQ(hsaKmtGetNodeProperties(gpu_node, &node), HSAKMT_STATUS_SUCCESS);
		if (node.NumFComputeCores)
			return;
	}
	ASSERT(!"a GPU");
}

static void manager_close(void)
{
	if (!thunk) {
		close(fd);
		return;
	}
	hsaKmtReleaseSystemProperties();
	ASSERT_EQ(hsaKmtCloseKFD(), HSAKMT_STATUS_SUCCESS);
}

/* A host buffer, or NULL. */
static char *allocate(uint64_t length)
{
	void *p = NULL;

	if (!thunk)
		return svm_try_alloc(fd, ROCSVM_KIND_HOST, length, &p) ? NULL : p;
	return hsaKmtAllocMemory(0, length, host_flags(), &p) ? NULL : p;
}

static void release(char *p, uint64_t length)
{
	if (thunk)
		ASSERT_EQ(hsaKmtFreeMemory(p, length), HSAKMT_STATUS_SUCCESS);
	else
		ASSERT_EQ(svm_free(fd, p), 0);
}

/* Give own memory to the GPU: the GPU's address of it. */
static uint64_t own_memory(char *p, uint64_t length)
{
	struct rocsvm_register args = {
		.size = sizeof(args), .va = (uintptr_t)p, .length = length,
	};
	HsaMemMapFlags flags = { .Value = 0 };
	HSAuint64 va = 0;

	if (!thunk) {
		ASSERT_EQ(svm_ioctl(fd, ROCSVM_REGISTER, &args), 0);
		ASSERT_EQ(svm_map_all(fd, p), 0);
		return (uintptr_t)p;
	}
	ASSERT_EQ(hsaKmtRegisterMemoryToNodes(p, length, 1, &gpu_node), HSAKMT_STATUS_SUCCESS);
	ASSERT_EQ(hsaKmtMapMemoryToGPUNodes(p, length, &va, flags, 1, &gpu_node),
		  HSAKMT_STATUS_SUCCESS);
	return va;
}

/* ---- the questions ------------------------------------------------------- */

static const char *outcome(int probe)
{
	return !probe ? "is readable" : probe >> 16 == SIGSEGV ? "SIGSEGV" : "another signal";
}

static uint64_t reserved_bytes(void)
{
	char line[64];
	FILE *f = fopen("/proc/self/status", "r");
	uint64_t kb = 0;

	ASSERT(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmSize: %lu", &kb) == 1)
			break;
	fclose(f);
	return kb >> 10;
}

static void show_vmas(const char *when)
{
	say("%-36s %6zu VMAs, VmSize %lu MiB", when, maps_count(0), reserved_bytes());
}

static void many(void *unused)
{
	static char *p[BUFFERS];

	(void)unused;
	show_vmas("before");
	manager_open();
	show_vmas("open");
	for (int i = 0; i < BUFFERS; i++)
		ASSERT((p[i] = allocate(PAGE)));
	show_vmas("1000 host buffers of 4 KiB");
	for (int i = 0; i < BUFFERS; i++)
		release(p[i], PAGE);
	show_vmas("all freed");
	manager_close();
	show_vmas("closed");
}

static void in_child(void *p)
{
	say("  %s", outcome(probe_read(p)));
	fflush(stdout);
}

static void one_buffer(void *unused)
{
	char *p, *q, *own;

	(void)unused;
	manager_open();
	p = allocate(KiB(64));
	q = allocate(KiB(64));
	ASSERT(p && q);
	memset(p, 1, KiB(64));
	say("copied by fork: %s, written to a core dump: %s", smaps_flag(p, "dc") ? "no" : "yes",
	    smaps_flag(p, "dd") ? "no" : "yes");
	say("a forked child reads it:");
	run_child(in_child, p);
	say("the byte behind it: %s", outcome(probe_read(p + KiB(64))));
	say("a foreign mmap(MAP_FIXED) over a page of it: %s",
	    mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p ?
		    "done" : strerror(errno));
	release(q, KiB(64));
	say("after it was freed: %s", outcome(probe_read(q)));
	say("mmap(MAP_FIXED_NOREPLACE) there: %s",
	    mmap(q, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
			    q ? "done" : strerror(errno));
	own = aligned_alloc(PAGE, KiB(64));
	ASSERT(own);
	memset(own, 1, KiB(64));
	say("malloc'ed memory is at %s address for the GPU",
	    own_memory(own, KiB(64)) == (uintptr_t)own ? "the same" : "another");
}

static void limit(void)
{
	unsigned long n = 0;

	manager_open();
	while (n < MOST && allocate(PAGE))
		n++;
	if (n == MOST)
		say("%lu host buffers, and no end", n);
	else
		say("host buffer %lu can't be had: %s", n + 1, strerror(errno));
	show_vmas("then");
}

static void facts(void)
{
	run_child(many, NULL);
	run_child(one_buffer, NULL);
}

int main(int argc, char **argv)
{
	thunk = argc > 1 && !strcmp(argv[1], "libhsakmt");
	setlinebuf(stdout);
	say("%s%s", thunk ? "libhsakmt" : "rocsvm",
	    thunk && getenv("HSA_RESERVE_SVM") ? ", HSA_RESERVE_SVM=1" : "");
	return test_main(argc > 2 ? limit : facts);
}
