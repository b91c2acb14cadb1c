// SPDX-License-Identifier: MIT
/*
 * A picture of an SVM space: its window between what lies outside of it.
 *
 * Not to scale: a window is larger than a buffer by many orders of magnitude.
 * A bar grows by one character when the buffer doubles.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "tool.h"

#define INNER_WIDTH	63	/* 80 columns, less the address and the frame */
#define PAGE_SIZE	4096

/* Where there are more buffers than both together, these are drawn. */
#define FIRST_ROWS	12
#define LAST_ROWS	4

struct picture {
	const struct space *space;
	size_t next;		/* the buffer to be drawn next */
	char side;		/* what stands left and right of a row */
	bool all;
};

static const struct kind kinds[] = {
	{ "host", "host", GREEN, '#' },
	{ "gtt", "GTT", CYAN, '=' },
	{ "vram", "VRAM", YELLOW, '%' },
	{ "private", "private VRAM", BLUE, ':' },
	{ "doorbell", "doorbells", RED, '!' },
	{ "mmio", "registers", RED, '!' },
	{ "aql", "AQL ring", CYAN, '@' },
	{ "imported", "imported", CYAN, '<' },
	{ "address", "addresses", DIM, '.' },
	{ "scratch", "scratch", DIM, '.' },
	{ "registered", "registered", GREEN, '+' },
	{ "kfd", "KFD's own", MAGENTA, 'k' },
	{ "quarantine", "quarantine", RED, 'x' },
};

struct kind kind_look(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i];
	return (struct kind){ name, name, "", '?' };
}

const char *kind_name(uint32_t kind)
{
	return kind_look(kind_key(kind)).title;
}

const char *kind_bar(const struct kind *kind, uint64_t length, char bar[static BAR_WIDTH + 1])
{
	int n = 1;

	while (n < BAR_WIDTH && length > PAGE_SIZE) {
		length /= 2;
		n++;
	}
	memset(bar, kind->fill, n);
	bar[n] = '\0';
	return bar;
}

/* ---- lines ---- */

static void address(uint64_t va)
{
	printf("0x%012" PRIx64 " ", va);
}

static void frame(uint64_t va)
{
	address(va);
	putchar('+');
	for (int i = 0; i < INNER_WIDTH; i++)
		putchar('-');
	printf("+\n");
}

__attribute__((format(printf, 3, 4)))
static void row(const struct picture *p, const char *sequence, const char *format, ...)
{
	char text[INNER_WIDTH + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (p->side == ' ')
		printf(" %s%s%s\n", colour(sequence), text, colour(RESET));
	else
		printf("%c%s%-*s%s%c\n", p->side, colour(sequence), INNER_WIDTH, text,
		       colour(RESET), p->side);
}

/* What no buffer has: @guard bytes that were asked for, then the rest up to @end */
static void gap(const struct picture *p, uint64_t base, uint64_t guard, uint64_t end)
{
	char guard_size[24], free_size[24];

	if (base >= end)
		return;
	if (guard > end - base)
		guard = end - base;
	address(base);
	size_text(guard, guard_size);
	size_text(end - base - guard, free_size);
	if (!guard)
		row(p, DIM, " %-*s free %s", BAR_WIDTH, "", free_size);
	else if (end - base == guard)
		row(p, DIM, " %-*s guard %s", BAR_WIDTH, "", guard_size);
	else
		row(p, DIM, " %-*s guard %s, free %s", BAR_WIDTH, "", guard_size, free_size);
}

static void buffer_row(const struct picture *p, const struct buffer *buffer, bool inside)
{
	struct kind kind = kind_look(buffer->kind);
	char bar[BAR_WIDTH + 1], size[24], age[24], gpus[24];

	if (buffer->num_gpus == GPUS_UNKNOWN)
		snprintf(gpus, sizeof(gpus), "?");
	else if (buffer->num_gpus == 0)
		snprintf(gpus, sizeof(gpus), "no GPU");
	else if (buffer->num_gpus == 1)
		snprintf(gpus, sizeof(gpus), "GPU 0x%04x", buffer->gpu_id);
	else
		snprintf(gpus, sizeof(gpus), "%d GPUs", buffer->num_gpus);
	address(buffer->va);
	row(p, kind.colour, "%s%-*s %-12.12s %9s  %-10s %s", inside ? ">" : " ", BAR_WIDTH,
	    kind_bar(&kind, buffer->length, bar), kind.title, size_text(buffer->length, size),
	    gpus, buffer->label ?: age_text(buffer->age_ms, age));
}

/* ---- what stands in a range ---- */

/* The buffers that begin in [p->next, @end), and what they leave free: so far */
struct run {
	uint64_t at;		/* behind all that was seen */
	uint64_t guard;		/* of the buffer that ends there */
	uint64_t reserved_end;	/* of the address reservations seen */
};

static void advance(struct run *run, const struct buffer *buffer)
{
	uint64_t end = buffer->va + buffer->length;

	if (end > run->at) {
		run->at = end;
		run->guard = buffer->guard;
	}
	if (is_reservation(buffer) && end > run->reserved_end)
		run->reserved_end = end;
}

/* @count buffers in one row */
static void fold(struct picture *p, struct run *run, size_t count, bool with_gaps)
{
	const struct buffer *buffers = p->space->buffers + p->next;
	uint64_t bytes = 0, between = 0;
	char size[24], free_size[24];

	for (size_t i = 0; i < count; i++) {
		if (buffers[i].va > run->at && buffers[i].va - run->at > run->guard)
			between += buffers[i].va - run->at - run->guard;
		if (!is_reservation(&buffers[i]))
			bytes += buffers[i].length;
		advance(run, &buffers[i]);
	}
	address(buffers[0].va);
	if (with_gaps && between)
		row(p, "", " %-*s %zu more buffers, %s; free between them %s", BAR_WIDTH, "...",
		    count, size_text(bytes, size), size_text(between, free_size));
	else
		row(p, "", " %-*s %zu more buffers, %s", BAR_WIDTH, "...", count,
		    size_text(bytes, size));
	p->next += count;
}

/* The buffers from p->next on that begin below @end; what is free, if @with_gaps */
static void range(struct picture *p, uint64_t base, uint64_t end, bool with_gaps)
{
	const struct buffer *buffers = p->space->buffers;
	struct run run = { .at = base };
	size_t count = 0;

	while (p->next + count < p->space->count && buffers[p->next + count].va < end)
		count++;
	for (size_t i = 0; i < count; i++) {
		const struct buffer *buffer = &buffers[p->next];

		if (with_gaps)
			gap(p, run.at, run.guard, buffer->va);
		if (buffer->va > run.at)
			run = (struct run){ .at = buffer->va };
		if (!p->all && i == FIRST_ROWS && count > FIRST_ROWS + LAST_ROWS + 1) {
			fold(p, &run, count - FIRST_ROWS - LAST_ROWS, with_gaps);
			i = count - LAST_ROWS - 1;
			continue;
		}
		buffer_row(p, buffer, buffer->va < run.reserved_end);
		advance(&run, buffer);
		p->next++;
	}
	if (with_gaps)
		gap(p, run.at, run.guard, end);
}

static void region(struct picture *p, const char *name, uint64_t base, uint64_t end)
{
	char size[24];

	if (base >= end)
		return;
	frame(base);
	printf("%15s", "");
	row(p, BOLD, " %s: %s", name, size_text(end - base, size));
	range(p, base, end, true);
}

/* What programs have registered, or made with KFD's ioctls, is anywhere. */
static void outside(struct picture *p, uint64_t end)
{
	p->side = ' ';
	printf("%15s .\n", "");
	if (p->next < p->space->count && p->space->buffers[p->next].va < end) {
		range(p, 0, end, false);
		printf("%15s .\n", "");
	}
}

void draw_space(const struct space *s, bool all)
{
	struct picture p = { .space = s, .all = all };

	address(s->svm_base);
	printf(" the SVM range begins: all GPUs can address it from here on\n");
	if (s->limit) {
		outside(&p, s->base);
		p.side = '|';
		region(&p, "window, small pages", s->base, s->coherent_base);
		region(&p, "small pages, coherent", s->coherent_base, s->huge_base);
		region(&p, "2 MiB pages, coherent", s->huge_base, s->coherent_limit + 1);
		region(&p, "2 MiB pages", s->coherent_limit + 1, s->limit + 1);
		frame(s->limit);
	}
	outside(&p, UINT64_MAX);
	address(s->svm_limit);
	printf(" the SVM range ends\n");
}
