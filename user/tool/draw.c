// SPDX-License-Identifier: MIT
/*
 * A picture of the process's SVM space, from nothing but INFO and QUERY.
 *
 * Not to scale: a window is larger than a buffer by many orders of magnitude.
 * A bar grows by one character when the buffer doubles.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

#define INNER_WIDTH	63	/* 80 columns, less the address and the frame */
#define BAR_WIDTH	12
#define PAGE_SIZE	4096

struct picture {
	struct rocsvm_ctx *ctx;
	const struct label *labels;
	size_t num_labels;
	int drawn;
};

static const struct kind {
	const char *name;
	const char *colour;
	char fill;
} kinds[] = {
	[ROCSVM_KIND_HOST] = { "host", GREEN, '#' },
	[ROCSVM_KIND_GTT] = { "GTT", CYAN, '=' },
	[ROCSVM_KIND_VRAM] = { "VRAM", YELLOW, '%' },
	[ROCSVM_KIND_PRIVATE_VRAM] = { "private VRAM", BLUE, ':' },
	[ROCSVM_KIND_DOORBELL] = { "doorbells", RED, '!' },
	[ROCSVM_KIND_MMIO_REMAP] = { "registers", RED, '!' },
	[ROCSVM_KIND_ADDRESS] = { "addresses", DIM, '.' },
	[ROCSVM_KIND_SCRATCH] = { "scratch", DIM, '.' },
	[ROCSVM_KIND_REGISTERED] = { "registered", GREEN, '+' },
};

static const struct kind *kind_of(uint32_t kind)
{
	static const struct kind unknown = { "unknown", "", '?' };

	return kind < ARRAY_SIZE(kinds) && kinds[kind].name ? &kinds[kind] : &unknown;
}

const char *kind_name(uint32_t kind)
{
	return kind_of(kind)->name;
}

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

__attribute__((format(printf, 2, 3)))
static void row(const char *sequence, const char *format, ...)
{
	char text[INNER_WIDTH + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("|%s%-*s%s|\n", colour(sequence), INNER_WIDTH, text, colour(RESET));
}

/* What no buffer has: @guard bytes that were asked for, then the rest up to @end */
static void gap(uint64_t base, uint64_t guard, uint64_t end)
{
	char guard_size[24], free_size[24];

	if (base >= end)
		return;
	address(base);
	size_text(guard, guard_size);
	size_text(end - base - guard, free_size);
	if (!guard)
		row(DIM, " %-*s free %s", BAR_WIDTH, "", free_size);
	else if (end - base == guard)
		row(DIM, " %-*s guard %s", BAR_WIDTH, "", guard_size);
	else
		row(DIM, " %-*s guard %s, free %s", BAR_WIDTH, "", guard_size, free_size);
}

static const char *bar(uint64_t length, char fill, char text[static BAR_WIDTH + 1])
{
	int n = 1;

	while (n < BAR_WIDTH && length > PAGE_SIZE) {
		length /= 2;
		n++;
	}
	memset(text, fill, n);
	text[n] = '\0';
	return text;
}

static const char *label_of(const struct picture *p, uint64_t va)
{
	for (size_t i = 0; i < p->num_labels; i++)
		if ((uintptr_t)p->labels[i].ptr == va)
			return p->labels[i].text;
	return "";
}

static void buffer(struct picture *p, const struct rocsvm_query *query, const uint32_t *gpu_ids)
{
	const struct kind *kind = kind_of(query->kind);
	char bar_text[BAR_WIDTH + 1], size[24], gpus[24];

	if (query->num_gpus == 0)
		snprintf(gpus, sizeof(gpus), "no GPU");
	else if (query->num_gpus == 1)
		snprintf(gpus, sizeof(gpus), "GPU 0x%04x", gpu_ids[0]);
	else
		snprintf(gpus, sizeof(gpus), "%u GPUs", query->num_gpus);
	address(query->va);
	row(kind->colour, " %-*s %-12s %9s  %-10s %s", BAR_WIDTH,
	    bar(query->length, kind->fill, bar_text), kind->name, size_text(query->length, size),
	    gpus, label_of(p, query->va));
	p->drawn++;
}

/* The buffers of [base, end), and what is between them */
static int region(struct picture *p, const char *name, uint64_t base, uint64_t end)
{
	uint64_t at = base, guard = 0;
	char size[24];

	frame(base);
	printf("%15s", "");
	row(BOLD, " %s: %s", name, size_text(end - base, size));
	for (;;) {
		uint32_t gpu_ids[1];
		struct rocsvm_query query = {
			.size = sizeof(query),
			.num_gpus = ARRAY_SIZE(gpu_ids),
			.gpu_ids = (uintptr_t)gpu_ids,
		};
		int ret = rocsvm_next(p->ctx, (void *)(uintptr_t)at, &query);

		if (ret && ret != -ENOENT)
			return ret;
		if (ret || query.va >= end)
			break;
		gap(at, guard, query.va);
		buffer(p, &query, gpu_ids);
		at = query.va + query.length;
		guard = query.guard;
	}
	gap(at, guard, end);
	return 0;
}

static int window(struct picture *p, const struct rocsvm_info *info)
{
	uint64_t coherent_end = info->coherent_limit + 1, end = info->window_limit + 1;
	int ret;

	ret = region(p, "window, small pages", info->window_base, info->coherent_base);
	if (!ret)
		ret = region(p, "small pages, coherent", info->coherent_base, info->huge_base);
	if (!ret)
		ret = region(p, "2 MiB pages, coherent", info->huge_base, coherent_end);
	if (!ret)
		ret = region(p, "2 MiB pages", coherent_end, end);
	if (!ret)
		frame(info->window_limit);
	return ret;
}

int draw_space(struct rocsvm_ctx *ctx, const struct label *labels, size_t num_labels)
{
	struct picture p = { .ctx = ctx, .labels = labels, .num_labels = num_labels };
	struct rocsvm_info info = { .size = sizeof(info) };
	char size[24];
	int ret;

	ret = rocsvm_get_info(ctx, &info);
	if (ret)
		return ret;
	if (info.aperture != ROCSVM_APERTURE_RESERVED)
		return -EOPNOTSUPP;
	address(info.svm_base);
	printf(" the SVM range begins: all GPUs can address it from here on\n%15s .\n", "");
	ret = window(&p, &info);
	if (ret)
		return ret;
	printf("%15s .\n", "");
	address(info.svm_limit);
	printf(" the SVM range ends\n");
	printf("%" PRIu64 " buffers, %s\n", (uint64_t)info.num_buffers,
	       size_text(info.buffer_bytes, size));
	return p.drawn;
}
