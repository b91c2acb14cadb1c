// SPDX-License-Identifier: MIT
/* Layout and numbers of the user ABI against the golden ones. */
#include <stddef.h>
#include <string.h>

#include <linux/rocsvm.h>

#include "tap.h"

struct golden {
	const char *type;
	const char *name;	/* NULL: the struct as a whole */
	size_t offset, size;
	size_t golden_offset, golden_size;
	bool part;
};

#define STRUCT(type, bytes) \
	{ #type, NULL, 0, sizeof(struct type), 0, bytes, false },
#define PART(type, bytes) \
	{ #type, NULL, 0, sizeof(struct type), 0, bytes, true },
#define FIELD(type, name, at, bytes) \
	{ #type, #name, offsetof(struct type, name), \
	  sizeof(((struct type *)0)->name), at, bytes, false },
#define VALUE(name, number)
static const struct golden layout[] = {
#include "uapi_golden.h"
};
#undef STRUCT
#undef PART
#undef FIELD
#undef VALUE

#define STRUCT(type, bytes)
#define PART(type, bytes)
#define FIELD(type, name, at, bytes)
#define VALUE(name, number) { #name, name, number },
static const struct {
	const char *name;
	unsigned long value, golden;
} values[] = {
#include "uapi_golden.h"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_layout(void)
{
	size_t i;

	for (i = 0; i < COUNT(layout); i++) {
		const struct golden *g = &layout[i];

		if (g->offset != g->golden_offset || g->size != g->golden_size)
			FAIL("struct %s%s%s: offset %zu size %zu, expected %zu %zu",
			     g->type, g->name ? "." : "", g->name ? g->name : "",
			     g->offset, g->size, g->golden_offset,
			     g->golden_size);
	}
}

/* What a compiler puts between members is neither zeroed nor checked. */
static void test_no_padding(void)
{
	size_t i, reached = 0, size = 0;

	for (i = 0; i <= COUNT(layout); i++) {
		if (i == COUNT(layout) || !layout[i].name) {
			if (reached != size)
				FAIL("struct %s has padding at its end, or a member that is not listed",
				     layout[i - 1].type);
			reached = 0;
			size = i < COUNT(layout) ? layout[i].size : 0;
			continue;
		}
		if (layout[i].offset != reached)
			FAIL("padding, or a member that is not listed, before %s.%s",
			     layout[i].type, layout[i].name);
		reached = layout[i].offset + layout[i].size;
	}
}

static void test_size_first(void)
{
	size_t i;

	for (i = 0; i < COUNT(layout); i++) {
		if (layout[i].name || layout[i].part)
			continue;
		CHECK(i + 2 < COUNT(layout));
		CHECK(strcmp(layout[i + 1].name, "size") == 0);
		CHECK(layout[i + 1].offset == 0 && layout[i + 1].size == 4);
		CHECK(strcmp(layout[i + 2].name, "flags") == 0);
		CHECK(layout[i + 2].offset == 4 && layout[i + 2].size == 4);
		CHECK(layout[i].size % 8 == 0);
	}
}

static void test_values(void)
{
	size_t i;

	for (i = 0; i < COUNT(values); i++)
		if (values[i].value != values[i].golden)
			FAIL("%s is %#lx, expected %#lx", values[i].name,
			     values[i].value, values[i].golden);
}

static const struct tap_case cases[] = {
	{ "uapi: every struct and member has its size and place", test_layout },
	{ "uapi: no padding", test_no_padding },
	{ "uapi: every struct begins with size and flags", test_size_first },
	{ "uapi: ioctls, flags and kinds have their numbers", test_values },
};

int main(void)
{
	return tap_main(cases, COUNT(cases));
}
