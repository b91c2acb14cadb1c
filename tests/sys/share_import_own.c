// SPDX-License-Identifier: MIT
/*
 * A process imports its own buffer: the same memory at a second address, each
 * freed by itself. FIXED, in an address reservation, with a guard of its own:
 * an imported buffer is placed like any other.
 */
#include "share.h"

#define LENGTH KiB(128)

static int fd;

static void second_address(uint32_t kind)
{
	char *one = svm_alloc(fd, kind, LENGTH), *two, *three;
	int dmabuf = svm_export(fd, one), again;

	ASSERT_GE(dmabuf, 0);
	two = svm_import(fd, dmabuf);
	EXPECT_NE((uintptr_t)one, (uintptr_t)two);
	three = svm_import(fd, dmabuf);
	EXPECT_NE((uintptr_t)two, (uintptr_t)three);
	EXPECT_EQ(svm_map_all(fd, one), 0);
	EXPECT_EQ(svm_map_all(fd, two), 0);
	pattern_fill(one, LENGTH, kind);
	EXPECT_EQ(pattern_differs(two, LENGTH, kind), -1);
	EXPECT_EQ(svm_free(fd, one), 0);
	pattern_fill(two, LENGTH, kind + 1);
	EXPECT_EQ(pattern_differs(three, LENGTH, kind + 1), -1);
	again = svm_export(fd, three);
	ASSERT_GE(again, 0);
	EXPECT_EQ(fd_inode(again), fd_inode(dmabuf));
	close(again);
	close(dmabuf);
	EXPECT_EQ(svm_free(fd, two), 0);
	EXPECT_NE(probe_read(two), 0);
	EXPECT_EQ(pattern_differs(three, LENGTH, kind + 1), -1);
	EXPECT_EQ(svm_free(fd, three), 0);
}

static void placed(void)
{
	char *one = svm_alloc(fd, ROCSVM_KIND_GTT, LENGTH);
	struct rocsvm_alloc room = {
		.kind = ROCSVM_KIND_ADDRESS,
		.length = MiB(2),
	};
	struct rocsvm_import args = {
		.alignment = MiB(1),
		.guard = MiB(1),
	};
	struct rocsvm_query query;
	int dmabuf = svm_export(fd, one);

	ASSERT_GE(dmabuf, 0);
	args.fd = dmabuf;
	EXPECT_EQ(svm_import_args(fd, &args), 0);
	EXPECT_EQ(args.va % MiB(1), 0);
	query = (struct rocsvm_query){ .va = args.va };
	EXPECT_EQ(svm_query(fd, &query), 0);
	EXPECT_EQ(query.guard, MiB(1));
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)args.va), 0);

	ASSERT_EQ(svm_alloc_args(fd, &room), 0);
	pattern_fill(one, LENGTH, 5);
	for (int i = 0; i < 2; i++) {
		args = (struct rocsvm_import){
			.fd = dmabuf,
			.flags = ROCSVM_ALLOC_FIXED,
			.va = room.va + i * LENGTH,
		};
		EXPECT_EQ(svm_import_args(fd, &args), 0);
		EXPECT_EQ(args.va, room.va + i * LENGTH);
		EXPECT_EQ(pattern_differs((void *)(uintptr_t)args.va, LENGTH, 5),
			  -1);
	}
	EXPECT_EQ(svm_import_args(fd, &args), -EEXIST);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)(room.va + LENGTH)), 0);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)room.va), 0);
	EXPECT_EQ(svm_free(fd, (void *)(uintptr_t)room.va), 0);
	EXPECT_EQ(svm_free(fd, one), 0);
	close(dmabuf);
}

/* The space goes with imported buffers in it. */
static void left_behind(void *arg)
{
	int own = svm_start();
	char *one = svm_alloc(own, ROCSVM_KIND_VRAM, LENGTH);
	int dmabuf = svm_export(own, one);

	ASSERT_GE(dmabuf, 0);
	svm_import(own, dmabuf);
	svm_import(own, dmabuf);
	if (!arg)
		return;		/* to the process's end */
	close(own);
	own = svm_start();
	EXPECT_EQ(svm_num_buffers(own), 0);
	/* the dma-buf outlives the space that it came from */
	svm_import(own, dmabuf);
	close(own);
}

static void test(void)
{
	EXPECT_EQ(run_child(left_behind, NULL), 0);
	EXPECT_EQ(run_child(left_behind, &fd), 0);
	fd = svm_start();
	second_address(ROCSVM_KIND_GTT);
	second_address(ROCSVM_KIND_VRAM);
	placed();
	EXPECT_EQ(svm_num_buffers(fd), 0);
	close(fd);
}

int main(void)
{
	return test_main(test);
}
