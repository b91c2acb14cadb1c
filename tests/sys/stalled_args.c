// SPDX-License-Identifier: MIT
/*
 * The argument of an ioctl, or what it points to, is in memory that never comes:
 * other processes don't notice, the process can be killed, and its other threads
 * can go on, but for these: a result that can't be written to the caller's
 * structure holds up the calls of its process.
 */
#include "stalled.h"

#define CALLS 64

static int fd;
static struct window w;
static struct stalled memory;
static struct staller callers[CALLS];
static size_t num_callers;

static void *next_page(void)
{
	ASSERT_LT(num_callers, CALLS);
	return memory.pages + num_callers * PAGE;
}

static void add_call(unsigned long cmd, void *arg)
{
	callers[num_callers++] = (struct staller){
		.fd = fd, .cmd = cmd, .arg = arg,
	};
}

/* All of them, each in a thread. */
static void start_all(void)
{
	for (size_t i = 0; i < num_callers; i++)
		staller_start(&callers[i]);
	stalled_wait(&memory, num_callers);
	say("%zu calls stall", num_callers);
	for (size_t i = 0; i < num_callers; i++)
		if (callers[i].back)
			say("call %zu is back", i);
}

/* Of the same process, in another thread. */
static void expect_usable(void)
{
	char *va;

	for (size_t i = 0; i < ARRAY_SIZE(cpu_kinds); i++) {
		va = svm_alloc(fd, cpu_kinds[i], POSSESSION);
		EXPECT_EQ(svm_map_all(fd, va), 0);
		EXPECT_EQ(probe_write(va), 0);
		EXPECT_EQ(svm_free(fd, va), 0);
	}
	EXPECT_GT(kfd_available(fd, w.gpu), 0);
}

static const unsigned long own_cmds[] = {
	ROCSVM_INFO, ROCSVM_GPU_INFO, ROCSVM_RESERVE, ROCSVM_ACQUIRE_VM,
	ROCSVM_ALLOC, ROCSVM_FREE, ROCSVM_MAP, ROCSVM_UNMAP, ROCSVM_QUERY,
	ROCSVM_SET_TAG, ROCSVM_REGISTER, ROCSVM_UNREGISTER, ROCSVM_BATCH,
	ROCSVM_EXPORT, ROCSVM_IMPORT, ROCSVM_SVM_ATTR,
};

static const unsigned long kfd_cmds[] = {
	AMDKFD_IOC_GET_VERSION, AMDKFD_IOC_CREATE_QUEUE,
	AMDKFD_IOC_DESTROY_QUEUE, AMDKFD_IOC_SET_MEMORY_POLICY,
	AMDKFD_IOC_GET_CLOCK_COUNTERS, AMDKFD_IOC_GET_PROCESS_APERTURES,
	AMDKFD_IOC_UPDATE_QUEUE, AMDKFD_IOC_CREATE_EVENT,
	AMDKFD_IOC_DESTROY_EVENT, AMDKFD_IOC_SET_EVENT, AMDKFD_IOC_RESET_EVENT,
	AMDKFD_IOC_WAIT_EVENTS, AMDKFD_IOC_SET_SCRATCH_BACKING_VA,
	AMDKFD_IOC_GET_TILE_CONFIG, AMDKFD_IOC_SET_TRAP_HANDLER,
	AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, AMDKFD_IOC_ACQUIRE_VM,
	AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, AMDKFD_IOC_FREE_MEMORY_OF_GPU,
	AMDKFD_IOC_MAP_MEMORY_TO_GPU, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU,
	AMDKFD_IOC_SET_CU_MASK, AMDKFD_IOC_GET_QUEUE_WAVE_STATE,
	AMDKFD_IOC_GET_DMABUF_INFO, AMDKFD_IOC_IMPORT_DMABUF,
	AMDKFD_IOC_ALLOC_QUEUE_GWS, AMDKFD_IOC_SMI_EVENTS, AMDKFD_IOC_SVM,
	AMDKFD_IOC_SET_XNACK_MODE, AMDKFD_IOC_CRIU_OP,
	AMDKFD_IOC_AVAILABLE_MEMORY,
};

/* The structure itself, of each ioctl of the module's and of KFD's. */
static void structures(void *unused)
{
	(void)unused;
	w = window_open();
	fd = w.fd;
	stalled_open(&memory, CALLS);
	for (size_t i = 0; i < ARRAY_SIZE(own_cmds); i++)
		add_call(own_cmds[i], next_page());
	for (size_t i = 0; i < ARRAY_SIZE(kfd_cmds); i++)
		add_call(kfd_cmds[i], next_page());
	start_all();
	expect_usable();
	stalled_for_ever();
}

/* What the module's structures point to. */
static void own_pointers(char *va)
{
	static struct rocsvm_alloc alloc = {
		.size = sizeof(alloc), .kind = ROCSVM_KIND_HOST,
		.length = PAGE, .num_gpus = 1,
	};
	static struct rocsvm_map map = { .size = sizeof(map), .num_gpus = 1 };
	static struct rocsvm_map unmap = { .size = sizeof(map), .num_gpus = 1 };
	static struct rocsvm_query query = {
		.size = sizeof(query), .num_gpus = 1,
	};
	static struct rocsvm_register reg = {
		.size = sizeof(reg), .length = PAGE, .num_gpus = 1,
	};
	static struct rocsvm_import import = {
		.size = sizeof(import), .num_gpus = 1,
	};
	static struct rocsvm_batch batch = {
		.size = sizeof(batch), .num_entries = 1,
	};
	static struct rocsvm_batch_entry entry = { .cmd = ROCSVM_ALLOC };
	static struct rocsvm_batch batch_arg = {
		.size = sizeof(batch_arg), .num_entries = 1,
	};
	static struct rocsvm_svm_attr attr = {
		.size = sizeof(attr), .op = KFD_IOCTL_SVM_OP_GET_ATTR,
		.length = PAGE, .num_attrs = 1,
	};

	map.va = unmap.va = query.va = (uintptr_t)va;
	reg.va = attr.va = (uintptr_t)own_private(PAGE);
	import.fd = svm_export(fd, va);
	alloc.gpu_ids = (uintptr_t)next_page();
	add_call(ROCSVM_ALLOC, &alloc);
	map.gpu_ids = (uintptr_t)next_page();
	add_call(ROCSVM_MAP, &map);
	unmap.gpu_ids = (uintptr_t)next_page();
	add_call(ROCSVM_UNMAP, &unmap);
	query.gpu_ids = (uintptr_t)next_page();
	add_call(ROCSVM_QUERY, &query);
	reg.gpu_ids = (uintptr_t)next_page();
	add_call(ROCSVM_REGISTER, &reg);
	import.gpu_ids = (uintptr_t)next_page();
	add_call(ROCSVM_IMPORT, &import);
	batch.entries = (uintptr_t)next_page();
	add_call(ROCSVM_BATCH, &batch);
	entry.arg = (uintptr_t)next_page();
	batch_arg.entries = (uintptr_t)&entry;
	add_call(ROCSVM_BATCH, &batch_arg);
	attr.attrs = (uintptr_t)next_page();
	add_call(ROCSVM_SVM_ATTR, &attr);
}

/* And KFD's. */
static void kfd_pointers(uint64_t handle)
{
	static struct kfd_ioctl_map_memory_to_gpu_args map = { .n_devices = 1 };
	static struct kfd_ioctl_unmap_memory_from_gpu_args unmap = {
		.n_devices = 1,
	};
	static struct kfd_ioctl_wait_events_args wait = { .num_events = 1 };
	static struct kfd_ioctl_get_process_apertures_new_args apertures = {
		.num_of_nodes = 1,
	};
	static struct kfd_ioctl_get_tile_config_args tiles = {
		.num_tile_configs = 1,
	};

	map.handle = unmap.handle = handle;
	map.device_ids_array_ptr = (uintptr_t)next_page();
	add_call(AMDKFD_IOC_MAP_MEMORY_TO_GPU, &map);
	unmap.device_ids_array_ptr = (uintptr_t)next_page();
	add_call(AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &unmap);
	wait.events_ptr = (uintptr_t)next_page();
	add_call(AMDKFD_IOC_WAIT_EVENTS, &wait);
	apertures.kfd_process_device_apertures_ptr = (uintptr_t)next_page();
	add_call(AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &apertures);
	tiles.gpu_id = w.gpu;
	tiles.tile_config_ptr = (uintptr_t)next_page();
	add_call(AMDKFD_IOC_GET_TILE_CONFIG, &tiles);
}

static void pointers(void *unused)
{
	struct rocsvm_query query = { 0 };
	char *va;

	(void)unused;
	w = window_open();
	fd = w.fd;
	va = svm_alloc(fd, ROCSVM_KIND_GTT, PAGE);
	EXPECT_EQ(svm_map_all(fd, va), 0);
	query.va = (uintptr_t)va;
	ASSERT_EQ(svm_query(fd, &query), 0);
	stalled_open(&memory, CALLS);
	own_pointers(va);
	kfd_pointers(query.handle);
	start_all();
	expect_usable();
	stalled_for_ever();
}

/* ---- results ------------------------------------------------------------ */

/* Results that are written when nothing is locked any more. */
static void results(void *unused)
{
	struct rocsvm_gpu_info *gpu_info;
	struct rocsvm_info *info;
	struct rocsvm_query *query;
	struct rocsvm_batch *batch;
	char *va;

	(void)unused;
	w = window_open();
	fd = w.fd;
	va = svm_alloc(fd, ROCSVM_KIND_HOST, PAGE);
	stalled_open_writes(&memory, CALLS);
	info = next_page();
	info->size = sizeof(*info);
	add_call(ROCSVM_INFO, info);
	gpu_info = next_page();
	gpu_info->size = sizeof(*gpu_info);
	add_call(ROCSVM_GPU_INFO, gpu_info);
	query = next_page();
	*query = (struct rocsvm_query){
		.size = sizeof(*query), .va = (uintptr_t)va,
	};
	add_call(ROCSVM_QUERY, query);
	batch = next_page();
	batch->size = sizeof(*batch);
	add_call(ROCSVM_BATCH, batch);
	/* KFD writes its structure back whatever it says. */
	for (size_t i = 0; i < ARRAY_SIZE(kfd_cmds); i++)
		if (kfd_cmds[i] & IOC_OUT && kfd_cmds[i] != AMDKFD_IOC_SVM &&
		    kfd_cmds[i] != AMDKFD_IOC_ALLOC_MEMORY_OF_GPU &&
		    kfd_cmds[i] != AMDKFD_IOC_IMPORT_DMABUF)
			add_call(kfd_cmds[i], next_page());
	stalled_protect(&memory);
	start_all();
	expect_usable();
	stalled_for_ever();
}

/* Those that must be told before anything else can be done. */
static const unsigned long locking_cmds[] = {
	ROCSVM_ALLOC, ROCSVM_RESERVE, ROCSVM_EXPORT, ROCSVM_IMPORT,
	AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, AMDKFD_IOC_IMPORT_DMABUF,
};

static void fill_locking(unsigned long cmd, void *page, char *va)
{
	if (cmd == ROCSVM_ALLOC)
		*(struct rocsvm_alloc *)page = (struct rocsvm_alloc){
			.size = sizeof(struct rocsvm_alloc),
			.kind = ROCSVM_KIND_HOST, .length = PAGE,
		};
	else if (cmd == ROCSVM_RESERVE)
		*(struct rocsvm_reserve *)page = (struct rocsvm_reserve){
			.size = sizeof(struct rocsvm_reserve),
			.aperture = ROCSVM_APERTURE_RESERVED,
			.flags = ROCSVM_RESERVE_KEEP,
		};
	else if (cmd == ROCSVM_EXPORT)
		*(struct rocsvm_export *)page = (struct rocsvm_export){
			.size = sizeof(struct rocsvm_export),
			.va = (uintptr_t)va,
		};
	else if (cmd == ROCSVM_IMPORT)
		*(struct rocsvm_import *)page = (struct rocsvm_import){
			.size = sizeof(struct rocsvm_import),
			.fd = svm_export(fd, va),
		};
	else if (cmd == AMDKFD_IOC_IMPORT_DMABUF)
		((struct kfd_ioctl_import_dmabuf_args *)page)->dmabuf_fd =
			svm_export(fd, va);
}

static void locking(void *arg)
{
	unsigned long cmd = *(unsigned long *)arg;
	static struct rocsvm_info info = { .size = sizeof(info) };
	struct staller waiter;
	char *va;

	w = window_open();
	fd = w.fd;
	va = svm_alloc(fd, ROCSVM_KIND_GTT, PAGE);
	stalled_open_writes(&memory, CALLS);
	fill_locking(cmd, next_page(), va);
	add_call(cmd, next_page());
	stalled_protect(&memory);
	start_all();
	/* This one waits; it does not keep the process from being killed. */
	waiter = (struct staller){ .fd = fd, .cmd = ROCSVM_INFO, .arg = &info };
	staller_start(&waiter);
	usleep(scaled(50000, 500000));
	EXPECT(!waiter.back);
	stalled_for_ever();
}

static void all(void)
{
	stalled_process("structures", structures, NULL);
	stalled_process("what they point to", pointers, NULL);
	stalled_process("results", results, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(locking_cmds); i++) {
		unsigned long cmd = locking_cmds[i];

		say("ioctl %#lx:", cmd);
		stalled_process("results that lock", locking, &cmd);
	}
}

static void test(void)
{
	toctou_beside(all);
}

int main(void)
{
	return test_main(test);
}
