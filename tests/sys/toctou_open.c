// SPDX-License-Identifier: MIT
/*
 * A program changes what KFD says of its GPUs while open(2) reads it: how many
 * there are, and which addresses they have. Where that makes no sense open(2)
 * fails, and nothing is left of it.
 */
#include "openlie.h"

#define NODES(n) offsetof(struct kfd_ioctl_get_process_apertures_new_args, \
			  num_of_nodes), 4, 0, { n }
#define LIMIT(address) APERTURE(0, gpuvm_limit), 8, 0, { address }

static const struct {
	struct lie lie;
	int err;
} lies[] = {
	{ { "no GPU", NODES(0) }, -ENODEV },
	{ { "one GPU too many", NODES(2) }, -EAGAIN },
	{ { "more GPUs than there may be", NODES(1000) }, -EOPNOTSUPP },
	{ { "an id that is none", APERTURE(0, gpu_id), 4, 0, { 0xffffffff } },
	  -EOPNOTSUPP },
	{ { "a GPU without addresses", LIMIT(0) }, -ERANGE },
	{ { "no GPU with the CPU's addresses", LIMIT(UINT64_MAX) }, -ENODEV },
};

static void nothing_left(void)
{
	EXPECT_EQ(maps_named(0, "rocsvm"), 0);
	EXPECT_EQ(svm_counter("spaces"), 0);
	EXPECT_EQ(svm_counter("reserved_bytes"), 0);
	/* That goes with the space's memory, which callbacks give back. */
	EXPECT(EVENTUALLY(svm_counter("user/spaces") == 0, 20000));
}

static void tell(void *arg)
{
	unsigned int i = *(unsigned int *)arg, opens, seen = 0;
	struct liar liar;
	int fd = -1;

	openlie_start(&liar, &lies[i].lie);
	for (opens = 0; seen < 3 && opens < 1000; opens++) {
		fd = openlie_open(&liar);
		seen += fd == lies[i].err;
		if (fd >= 0)
			ASSERT_EQ(close(fd), 0);
		else
			nothing_left();
	}
	openlie_stop(&liar);
	say("%s: %u opens, %lu of them flipped in, %lu failed", lies[i].lie.name,
	    opens, liar.flipper.hit, liar.flipper.failed);
	EXPECT_EQ(seen, 3);

	/* And the process can have it all the same. */
	fd = svm_start();
	EXPECT_EQ(svm_free(fd, svm_alloc(fd, ROCSVM_KIND_VRAM, PAGE)), 0);
	close(fd);
}

static void test(void)
{
	at_end(toctou_settings_back);
	toctou_settings();
	for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++)
		EXPECT_EQ(run_child_bounded(tell, &i, 120), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return window_main(test);
}
