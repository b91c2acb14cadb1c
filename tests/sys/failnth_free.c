// SPDX-License-Identifier: MIT
/*
 * FREE, in both apertures, that runs out of memory has freed the buffer, or
 * leaves it to be freed.
 */
#include "aperture.h"
#include "failnth.h"

struct freeing {
	int fd;
	uint32_t kind;
	char *p;
};

static void before(void *arg)
{
	struct freeing *f = arg;

	f->p = svm_alloc(f->fd, f->kind, 2 * PAGE);
	ASSERT_EQ(svm_map_all(f->fd, f->p), 0);
	if (f->kind != ROCSVM_KIND_PRIVATE_VRAM)
		*f->p = 1;
}

static int call(void *arg)
{
	const struct freeing *f = arg;

	return svm_free(f->fd, f->p);
}

static void after(void *arg, int result)
{
	const struct freeing *f = arg;

	if (result)
		EXPECT_EQ(svm_free(f->fd, f->p), 0);
	EXPECT_EQ(svm_free(f->fd, f->p), -ENOENT);
	EXPECT(probe_read(f->p) != 0);
}

static void test(void)
{
	struct freeing f = { .fd = svm_start() };
	struct failnth_case c = {
		.before = before, .call = call, .after = after, .fd = &f.fd,
	};

	for (int aperture = 0; aperture < 2; aperture++) {
		if (aperture)
			ASSERT_EQ(aperture_choose_mmap(f.fd), 0);
		say("%s aperture:", aperture ? "mmap" : "reserved");
		for (size_t i = 0; i < ARRAY_SIZE(memory_kinds); i++) {
			f.kind = memory_kinds[i].kind;
			c.name = memory_kinds[i].name;
			failnth_sweep(&c, &f);
		}
	}
	close(f.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
