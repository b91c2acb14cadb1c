// SPDX-License-Identifier: MIT
/*
 * Coverage, by KCOV: which points of the module a program's threads have
 * passed. Two points in sequence are an edge. Nothing else in the kernel has
 * such points, nor do workers and interrupts record any.
 */
#include "program.h"

#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_TRACE_PC 0

#define COVER_ENTRIES (64UL << 10)
#define EDGES (1UL << 16)	/* room: four times what a module has */
#define POINTS (1UL << 14)

/* Sets of numbers other than 0, with open addressing. */
static uint64_t edges[EDGES], run_edges[EDGES], points[POINTS];
static uint32_t num_edges, num_points;

static struct {
	int fd;
	uint64_t *area;		/* how many there are, and then these */
} kcov[MAX_RACERS];

static uint64_t text_base;
static bool ready;

static bool set_add(uint64_t *set, size_t room, uint64_t value)
{
	size_t at = (value * 0x9e3779b97f4a7c15) >> 40;

	for (size_t tries = 0; tries < room; tries++) {
		uint64_t *slot = &set[(at + tries) & (room - 1)];

		if (*slot == value)
			return false;
		if (!*slot) {
			*slot = value;
			return true;
		}
	}
	return false;
}

bool cover_init(void)
{
	char text[64];

	if (file_read("/sys/module/rocsvm/sections/.text", text, sizeof(text)) <= 0)
		return false;
	text_base = strtoull(text, NULL, 0);
	for (int i = 0; i < MAX_RACERS; i++) {
		int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return false;
		kcov[i].fd = SYS(fcntl(fd, F_DUPFD_CLOEXEC, 215));
		close(fd);
		ASSERT_EQ(SYS(ioctl(kcov[i].fd, KCOV_INIT_TRACE, COVER_ENTRIES)), 0);
		kcov[i].area = mmap(NULL, COVER_ENTRIES * 8, PROT_READ | PROT_WRITE,
				    MAP_SHARED, kcov[i].fd, 0);
		ASSERT(kcov[i].area != MAP_FAILED);
	}
	ready = true;
	return true;
}

void cover_begin(uint32_t thread)
{
	if (ready)
		ASSERT_EQ(SYS(ioctl(kcov[thread].fd, KCOV_ENABLE, KCOV_TRACE_PC)), 0);
}

uint64_t cover_pause(uint32_t thread)
{
	return ready ? *(volatile uint64_t *)kcov[thread].area : 0;
}

void cover_resume(uint32_t thread, uint64_t at)
{
	if (ready)
		*(volatile uint64_t *)kcov[thread].area = at;
}

void cover_clear(void)
{
	for (int i = 0; ready && i < MAX_RACERS; i++)
		kcov[i].area[0] = 0;
}

static void put_edge(uint64_t edge, uint64_t *list, uint32_t room,
		     uint32_t *count, uint32_t *new)
{
	if (!set_add(run_edges, EDGES, edge))
		return;
	if (list && *count < room)
		list[(*count)++] = edge;
	if (set_add(edges, EDGES, edge)) {
		num_edges++;
		++*new;
	}
}

uint32_t cover_collect(uint64_t *list, uint32_t room, uint32_t *count)
{
	uint32_t new = 0, dummy = 0;

	if (!ready)
		return 0;
	if (!count)
		count = &dummy;
	memset(run_edges, 0, sizeof(run_edges));
	for (int i = 0; i < MAX_RACERS; i++) {
		uint64_t n = kcov[i].area[0], last = 0;

		if (n >= COVER_ENTRIES)
			n = COVER_ENTRIES - 1;
		for (uint64_t k = 1; k <= n; k++) {
			uint64_t point = kcov[i].area[k] - text_base;

			/* The module's are within 16 MiB; 0 is none. */
			if (point - 1 >= MiB(16))
				continue;
			num_points += set_add(points, POINTS, point);
			put_edge(last << 32 | point, list, room, count, &new);
			last = point;
		}
	}
	return new;
}

void cover_forget(void)
{
	memset(edges, 0, sizeof(edges));
	num_edges = 0;
}

bool cover_add(const uint64_t *list, uint32_t count)
{
	uint32_t before = num_edges;

	for (uint32_t i = 0; i < count; i++)
		num_edges += set_add(edges, EDGES, list[i]);
	return num_edges != before;
}

uint32_t cover_points(void)
{
	return num_points;
}

uint32_t cover_edges(void)
{
	return num_edges;
}

void cover_log(void)
{
	char line[900];
	size_t n = 0;

	for (size_t i = 0; i < POINTS; i++) {
		if (!points[i])
			continue;
		n += snprintf(line + n, sizeof(line) - n, " %llx",
			      (unsigned long long)points[i]);
		if (n > sizeof(line) - 32) {
			watch_log("points%s", line);
			n = 0;
		}
	}
	if (n)
		watch_log("points%s", line);
}
