// SPDX-License-Identifier: MIT
/*
 * Looking around: from any pointer to the buffer that it lies in, to what the
 * program knows of it (its tag), and over all that there is.
 */
#include <errno.h>

#include "example.h"

struct object {
	const char *name;
	void *ptr;
};

static unsigned int walk(struct rocsvm_ctx *ctx, uint32_t flags)
{
	struct rocsvm_query query = { .size = sizeof(query) };
	unsigned int count = 0;
	uint64_t at = 0;

	for (;;) {
		query.va = at;
		query.flags = ROCSVM_QUERY_NEXT | flags;
		if (rocsvm_query_args(ctx, &query) == -ENOENT)
			return count;
		const struct object *object = (void *)(uintptr_t)query.tag;

		EXPECT(object && (uintptr_t)object->ptr == query.va);
		printf("  %#llx %8llu bytes, kind %u: %s\n", query.va, query.length, query.kind,
		       object->name);
		at = query.va + query.length;
		count++;
	}
}

int main(void)
{
	struct object objects[] = {
		{ .name = "numbers" }, { .name = "an image" }, { .name = "room for more" },
		{ .name = "the first of it" },
	};
	struct rocsvm_alloc alloc = {
		.size = sizeof(alloc),
		.kind = ROCSVM_KIND_GTT,
		.length = 1 << 20,
		.tag = (uintptr_t)&objects[1],
	};
	struct rocsvm_ctx *ctx;
	uint32_t gpu_id;
	uint64_t tag;

	ctx = start(&gpu_id);
	CALL(rocsvm_alloc(ctx, &objects[0].ptr, 65536, ROCSVM_KIND_HOST, 0, 0));
	CALL(rocsvm_set_tag(ctx, objects[0].ptr, (uintptr_t)&objects[0]));
	CALL(rocsvm_alloc_args(ctx, &alloc));		/* with its tag from the start */
	objects[1].ptr = (void *)(uintptr_t)alloc.va;
	CALL(rocsvm_alloc(ctx, &objects[2].ptr, 1 << 20, ROCSVM_KIND_ADDRESS, 0, 0));
	CALL(rocsvm_set_tag(ctx, objects[2].ptr, (uintptr_t)&objects[2]));
	objects[3].ptr = objects[2].ptr;
	CALL(rocsvm_alloc(ctx, &objects[3].ptr, 4096, ROCSVM_KIND_HOST, 0, ROCSVM_ALLOC_FIXED));
	CALL(rocsvm_set_tag(ctx, objects[3].ptr, (uintptr_t)&objects[3]));

	CALL(rocsvm_get_tag(ctx, (char *)objects[1].ptr + 77777, &tag));
	EXPECT(tag == (uintptr_t)&objects[1]);
	printf("%p is in \"%s\"\n", (void *)((char *)objects[1].ptr + 77777),
	       ((struct object *)(uintptr_t)tag)->name);

	printf("all buffers, those in a reservation instead of it:\n");
	EXPECT(walk(ctx, 0) == 3);
	printf("all buffers, a reservation instead of those in it:\n");
	EXPECT(walk(ctx, ROCSVM_QUERY_OUTER) == 3);

	for (size_t i = ARRAY_SIZE(objects); i-- > 0;)
		CALL(rocsvm_free(ctx, objects[i].ptr));
	EXPECT(walk(ctx, ROCSVM_QUERY_OUTER) == 0);
	rocsvm_unref(ctx);
	return 0;
}
