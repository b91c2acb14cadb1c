// SPDX-License-Identifier: MIT
/*
 * BATCH that runs out of memory says how far it got, and goes on from there:
 * each entry has happened once in the end.
 */
#include "batch.h"
#include "failnth.h"

struct pair {
	struct batch b;
	int fd;
	char *old;
	struct rocsvm_alloc *alloc;
	struct rocsvm_batch args;
};

static void before(void *arg)
{
	struct pair *p = arg;

	batch_open(&p->b, p->fd, 2);
	p->old = svm_alloc(p->fd, ROCSVM_KIND_HOST, PAGE);
	p->alloc = batch_alloc(&p->b, ROCSVM_KIND_HOST, 0, PAGE);
	batch_free(&p->b, (uintptr_t)p->old);
	p->args = (struct rocsvm_batch){
		.size = sizeof(p->args),
		.entries = (uintptr_t)p->b.entries,
		.num_entries = 2,
	};
}

static int call(void *arg)
{
	struct pair *p = arg;

	return svm_ioctl(p->fd, ROCSVM_BATCH, &p->args);
}

/* Entries whose results say that they have happened. */
static uint32_t happened(const struct pair *p)
{
	uint32_t n = 0;

	while (n < 2 && !p->b.entries[n].result)
		n++;
	return n;
}

static void after(void *arg, int result)
{
	struct pair *p = arg;

	EXPECT_LE(p->args.num_done, happened(p));
	if (!result)
		EXPECT_EQ(p->args.num_done, 2);
	/*
	 * The structure could be written at first, and not in the end: no such
	 * memory is there without a failure on order.
	 */
	if (result == -EFAULT)
		p->args.num_done = happened(p);
	if (result)
		EXPECT_EQ(call(arg), 0);
	EXPECT_EQ(p->args.num_done, 2);
	EXPECT_EQ(svm_free(p->fd, p->old), -ENOENT);
	EXPECT_EQ(svm_free(p->fd, (void *)(uintptr_t)p->alloc->va), 0);
	batch_close(&p->b);
}

static void test(void)
{
	struct pair p = { .fd = svm_start() };
	const struct failnth_case c = {
		.name = "ALLOC and FREE", .before = before, .call = call,
		.after = after, .fd = &p.fd,
	};

	failnth_sweep(&c, &p);
	close(p.fd);
}

static void sweep(void)
{
	failnth_test(test);
}

int main(void)
{
	return test_main(sweep);
}
