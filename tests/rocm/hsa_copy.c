// SPDX-License-Identifier: MIT
/*
 * A program for ROCr, as Debian has it, that knows nothing of rocsvm: memory of
 * each pool and of its own, copied in a circle by the GPU, with signals that
 * are waited for by interrupt.
 *
 * usage: hsa_copy [fork]    fork: a child does the same again
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hsa/hsa.h>
#include <hsa/hsa_ext_amd.h>

#define LENGTH		((size_t)3 << 20)
#define SECOND		1000000000ull
#define WAIT_LIMIT	(60 * SECOND)

static hsa_agent_t cpu, gpu;
static int num_cpus, num_gpus;
static hsa_amd_memory_pool_t host_pool, vram_pool;
static int have_host, have_vram;

static void check(hsa_status_t status, const char *what)
{
	const char *text = "?";

	if (status == HSA_STATUS_SUCCESS)
		return;
	hsa_status_string(status, &text);
	printf("%s: %s\n", what, text);
	exit(1);
}

#define CHECK(call) check(call, #call)

static hsa_status_t see_agent(hsa_agent_t agent, void *data)
{
	hsa_device_type_t type;
	char name[64];

	(void)data;
	CHECK(hsa_agent_get_info(agent, HSA_AGENT_INFO_DEVICE, &type));
	CHECK(hsa_agent_get_info(agent, HSA_AGENT_INFO_NAME, name));
	if (type == HSA_DEVICE_TYPE_GPU) {
		gpu = agent;
		num_gpus++;
	} else {
		cpu = agent;
		num_cpus++;
	}
	printf("agent: %s, %s\n", type == HSA_DEVICE_TYPE_GPU ? "GPU" : "CPU", name);
	return HSA_STATUS_SUCCESS;
}

/* The first pool of an agent's that memory can be had from. */
static hsa_status_t see_pool(hsa_amd_memory_pool_t pool, void *data)
{
	hsa_amd_segment_t segment;
	bool usable;

	CHECK(hsa_amd_memory_pool_get_info(pool, HSA_AMD_MEMORY_POOL_INFO_SEGMENT, &segment));
	CHECK(hsa_amd_memory_pool_get_info(pool, HSA_AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_ALLOWED,
					   &usable));
	if (segment != HSA_AMD_SEGMENT_GLOBAL || !usable)
		return HSA_STATUS_SUCCESS;
	*(hsa_amd_memory_pool_t *)data = pool;
	*(data == &host_pool ? &have_host : &have_vram) = 1;
	return HSA_STATUS_INFO_BREAK;
}

static void find_pools(void)
{
	if (hsa_amd_agent_iterate_memory_pools(cpu, see_pool, &host_pool) !=
	    HSA_STATUS_INFO_BREAK || !have_host) {
		printf("no pool of host memory\n");
		exit(1);
	}
	if (hsa_amd_agent_iterate_memory_pools(gpu, see_pool, &vram_pool) !=
	    HSA_STATUS_INFO_BREAK || !have_vram) {
		printf("no pool of VRAM\n");
		exit(1);
	}
}

/* Lets a copy go once its waiter sleeps: what wakes that is the interrupt. */
static void *start_later(void *start)
{
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	hsa_signal_store_screlease(*(hsa_signal_t *)start, 0);
	return NULL;
}

static void copy(void *to, hsa_agent_t to_agent, const void *from, hsa_agent_t from_agent,
		 const char *what)
{
	hsa_signal_t start, end;
	pthread_t thread;

	CHECK(hsa_signal_create(1, 0, NULL, &start));
	CHECK(hsa_signal_create(1, 0, NULL, &end));
	CHECK(hsa_amd_memory_async_copy(to, to_agent, from, from_agent, LENGTH, 1, &start, end));
	if (hsa_signal_load_scacquire(end) != 1) {
		printf("%s: did not wait for its signal\n", what);
		exit(1);
	}
	if (pthread_create(&thread, NULL, start_later, &start))
		exit(1);
	if (hsa_signal_wait_scacquire(end, HSA_SIGNAL_CONDITION_LT, 1, WAIT_LIMIT,
				      HSA_WAIT_STATE_BLOCKED) != 0) {
		printf("%s: not done\n", what);
		exit(1);
	}
	pthread_join(thread, NULL);
	CHECK(hsa_signal_destroy(start));
	CHECK(hsa_signal_destroy(end));
	printf("copied: %s\n", what);
}

static void *allocate(hsa_amd_memory_pool_t pool)
{
	void *p;

	CHECK(hsa_amd_memory_pool_allocate(pool, LENGTH, 0, &p));
	CHECK(hsa_amd_agents_allow_access(1, &gpu, NULL, p));
	return p;
}

static void compare(const uint32_t *seen, const uint32_t *wanted, const char *what)
{
	for (size_t i = 0; i < LENGTH / sizeof(*seen); i++) {
		if (seen[i] == wanted[i])
			continue;
		printf("%s: word %zu is 0x%x, not 0x%x\n", what, i, seen[i], wanted[i]);
		exit(1);
	}
}

/*
 * own memory -> VRAM -> host pool -> VRAM -> own memory. (From VRAM to VRAM ROCr
 * copies with a shader.)
 */
static void circle(void)
{
	uint32_t *own = aligned_alloc(4096, LENGTH), *back = aligned_alloc(4096, LENGTH);
	void *own_gpu, *back_gpu, *first, *second, *host;

	if (!own || !back)
		exit(1);
	for (size_t i = 0; i < LENGTH / sizeof(*own); i++) {
		own[i] = i * 2654435761u + 1;
		back[i] = 0;
	}
	CHECK(hsa_amd_memory_lock(own, LENGTH, &gpu, 1, &own_gpu));
	CHECK(hsa_amd_memory_lock(back, LENGTH, &gpu, 1, &back_gpu));
	first = allocate(vram_pool);
	second = allocate(vram_pool);
	host = allocate(host_pool);
	memset(host, 0, LENGTH);

	copy(first, gpu, own_gpu, cpu, "own memory -> VRAM");
	copy(host, cpu, first, gpu, "VRAM -> host pool");
	compare(host, own, "host pool");
	copy(second, gpu, host, cpu, "host pool -> VRAM");
	copy(back_gpu, cpu, second, gpu, "VRAM -> own memory");
	compare(back, own, "own memory");

	CHECK(hsa_amd_memory_unlock(own));
	CHECK(hsa_amd_memory_unlock(back));
	CHECK(hsa_amd_memory_pool_free(first));
	CHECK(hsa_amd_memory_pool_free(second));
	CHECK(hsa_amd_memory_pool_free(host));
	free(own);
	free(back);
}

/*
 * Without queues of its own: hsa_queue_destroy() waits for ROCr's thread of
 * asynchronous events, and this version of it can wait for ever.
 */
static void session(void)
{
	num_cpus = num_gpus = have_host = have_vram = 0;
	CHECK(hsa_init());
	CHECK(hsa_iterate_agents(see_agent, NULL));
	if (num_cpus < 1 || num_gpus < 1) {
		printf("%d CPUs, %d GPUs\n", num_cpus, num_gpus);
		exit(1);
	}
	find_pools();
	circle();
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Before any thread of the runtime's: the child has a life of its own. */
	if (argc > 1 && !strcmp(argv[1], "fork")) {
		pid = fork();
		if (!pid) {
			session();
			CHECK(hsa_shut_down());
			return 0;
		}
		if (waitpid(pid, &status, 0) != pid || status) {
			printf("child: wait status 0x%x\n", status);
			return 1;
		}
	}
	session();
	/* And once more: the runtime comes up again in the same process. */
	CHECK(hsa_shut_down());
	session();
	CHECK(hsa_shut_down());
	printf("done\n");
	return 0;
}
