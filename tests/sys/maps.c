// SPDX-License-Identifier: MIT
/*
 * The address space as a process sees it: /proc/PID/maps and smaps, probes of
 * single bytes that survive the signal, comparison of memory.
 */
#include "harness.h"

#include <pthread.h>
#include <setjmp.h>

/* ---- maps --------------------------------------------------------------- */

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[64];
	FILE *f;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	f = fopen(path, "re");
	ASSERT(f);
	return f;
}

/* Is the line a VMA's first line? Then fill @vma from it. */
static bool parse_vma(const char *line, struct vma *vma)
{
	int name = 0;

	*vma = (struct vma){ 0 };
	if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &vma->start, &vma->end,
		   vma->perms, &vma->offset, &name) < 4 || !name)
		return false;
	snprintf(vma->name, sizeof(vma->name), "%.*s",
		 (int)strcspn(line + name, "\n"), line + name);
	return true;
}

size_t maps_read(pid_t pid, uint64_t start, uint64_t end, struct vma *out,
		 size_t room)
{
	FILE *f = open_proc(pid, "maps");
	char line[512];
	struct vma vma;
	size_t n = 0;

	while (fgets(line, sizeof(line), f)) {
		if (!parse_vma(line, &vma) || vma.end <= start ||
		    vma.start >= end)
			continue;
		if (n < room && out)
			out[n] = vma;
		n++;
	}
	fclose(f);
	return n;
}

size_t maps_count(pid_t pid)
{
	return maps_read(pid, 0, UINT64_MAX, NULL, 0);
}

size_t maps_named(pid_t pid, const char *part)
{
	FILE *f = open_proc(pid, "maps");
	char line[512];
	struct vma vma;
	size_t n = 0;

	while (fgets(line, sizeof(line), f))
		n += parse_vma(line, &vma) && strstr(vma.name, part);
	fclose(f);
	return n;
}

bool maps_find(const void *va, struct vma *out)
{
	return maps_read(0, (uintptr_t)va, (uintptr_t)va + 1, out, 1) == 1;
}

void maps_print(pid_t pid, uint64_t start, uint64_t end)
{
	struct vma vma[64];
	size_t n = maps_read(pid, start, end, vma, ARRAY_SIZE(vma));

	for (size_t i = 0; i < n && i < ARRAY_SIZE(vma); i++)
		say("%lx-%lx %s %lx %s", vma[i].start, vma[i].end, vma[i].perms,
		    vma[i].offset, vma[i].name);
	if (n > ARRAY_SIZE(vma))
		say("... %zu VMAs in all", n);
}

/* The smaps line "@field:..." of the VMA containing @va, after the colon. */
static bool smaps_line(const void *va, const char *field, char *out, size_t size)
{
	FILE *f = open_proc(0, "smaps");
	size_t length = strlen(field);
	bool inside = false, found = false;
	char line[512];
	struct vma vma;

	while (!found && fgets(line, sizeof(line), f)) {
		if (parse_vma(line, &vma))
			inside = vma.start <= (uintptr_t)va &&
				 (uintptr_t)va < vma.end;
		else if (inside && !strncmp(line, field, length) &&
			 line[length] == ':')
			found = true;
	}
	fclose(f);
	if (found)
		snprintf(out, size, "%s", line + length + 1);
	return found;
}

bool smaps_flag(const void *va, const char *flag)
{
	char line[512], *word, *rest = line;

	ASSERT(smaps_line(va, "VmFlags", line, sizeof(line)));
	while ((word = strsep(&rest, " \n")))
		if (!strcmp(word, flag))
			return true;
	return false;
}

long smaps_kb(const void *va, const char *field)
{
	char line[512];

	ASSERT(smaps_line(va, field, line, sizeof(line)));
	return atol(line);
}

/* ---- probes ------------------------------------------------------------- */

static __thread sigjmp_buf probe_return;
static __thread volatile sig_atomic_t probing;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (probing)
		siglongjmp(probe_return, PROBE_SIGNAL(signal, info->si_code));
	/* Not a probe: let it happen again and kill the program. */
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

static void install_handlers(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static int probe(volatile unsigned char *p, bool write)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int caught;

	pthread_once(&once, install_handlers);
	caught = sigsetjmp(probe_return, 1);
	if (!caught) {
		probing = 1;
		if (write)
			*p = 0x77;
		else
			(void)*p;
	}
	probing = 0;
	return caught;
}

int probe_read(const volatile void *p)
{
	return probe((volatile unsigned char *)p, false);
}

int probe_write(volatile void *p)
{
	return probe(p, true);
}

/* ---- contents ----------------------------------------------------------- */

int64_t find_not(const void *p, int value, size_t length)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < length; i++)
		if (c[i] != (unsigned char)value)
			return i;
	return -1;
}

/* A word that no other place of the buffer and no other seed has. */
static uint32_t pattern_word(uint32_t seed, size_t index)
{
	return (seed + (uint32_t)index) * 2654435761u ^ (uint32_t)(index >> 10);
}

void pattern_fill(void *p, size_t length, uint32_t seed)
{
	unsigned char *c = p;

	for (size_t i = 0; i < length; i++)
		c[i] = pattern_word(seed, i / 4) >> i % 4 * 8;
}

int64_t pattern_differs(const void *p, size_t length, uint32_t seed)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < length; i++)
		if (c[i] != (unsigned char)(pattern_word(seed, i / 4) >> i % 4 * 8))
			return i;
	return -1;
}
