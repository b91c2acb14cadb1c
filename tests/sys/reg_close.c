// SPDX-License-Identifier: MIT
/*
 * The last close ends all registrations: KFD has nothing at their addresses any
 * more, the memory is untouched, and the same can be registered again. A child
 * that exits, or is killed, with registrations leaves nothing either.
 */
#include "reg.h"

#define LENGTH KiB(64)
#define COUNT 20

static char *memory;

static char *piece(int i)
{
	return memory + i * 2 * LENGTH;
}

static void add_all(struct reg *r)
{
	for (int i = 0; i < COUNT; i++) {
		ASSERT_EQ(reg_add_mapped(r->fd, piece(i), LENGTH, r->gpu), 0);
		ASSERT_EQ(reg_add(r->fd, piece(i) + PAGE, LENGTH), 0);
	}
	EXPECT_REGISTERED(r->fd, 2 * COUNT, COUNT * (LENGTH + PAGE));
}

static void exiting(void *killed)
{
	struct reg r;

	reg_open(&r);
	add_all(&r);
	if (killed)
		raise(SIGKILL);
}

static void test(void)
{
	struct reg r;
	int killed = 1, status;

	memory = own_private(COUNT * 2 * LENGTH);
	pattern_fill(memory, COUNT * 2 * LENGTH, 4);
	/* before this process has anything open */
	EXPECT_EQ(run_child(exiting, NULL), 0);
	status = run_child(exiting, &killed);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT(svm_all_gone());

	for (int round = 0; round < 3; round++) {
		reg_open(&r);
		EXPECT_REGISTERED(r.fd, 0, 0);
		EXPECT_EQ(pages_mapped(&r.pt, memory, COUNT * 2 * LENGTH), 0);
		EXPECT_EQ(reg_segment(r.fd, memory).length, 0);
		/* MAP would be refused if KFD still had something there */
		add_all(&r);
		reg_check_identity(&r, "opened again", piece(7), LENGTH);
		reg_close(&r);
		EXPECT_EQ(pattern_differs(memory, COUNT * 2 * LENGTH, 4), -1);
	}
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
