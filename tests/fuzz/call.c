// SPDX-License-Identifier: MIT
/*
 * A call on its way into the kernel: spoilt or not, in memory good or bad; and
 * what may come back.
 */
#include "fuzz.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

/* ---- memory for arguments ------------------------------------------------ */

#define ZONE_PAGES 6
#define STALLED_PAGE 4

static struct zone *all_zones[2 * MAX_THREADS];
static int num_zones, uffd = -1;

/* What belongs into a page that userfaultfd asks for. */
static const char *staged_for(uint64_t page)
{
	static const char zeros[PAGE] __attribute__((aligned(PAGE)));

	for (int i = 0; i < num_zones; i++)
		if (page == (uintptr_t)all_zones[i]->pages + STALLED_PAGE * PAGE)
			return all_zones[i]->staged;
	return zeros;
}

/* Serves what is asked for, late: the thread must touch no such page itself. */
static void *uffd_serve(void *arg)
{
	struct rng rng = { fz.seed ^ 0x5747a11ed, NULL };
	struct uffd_msg msg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		uint64_t page = msg.arg.pagefault.address & ~(PAGE - 1);
		struct uffdio_copy copy = {
			.dst = page, .src = (uintptr_t)staged_for(page), .len = PAGE,
		};

		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		usleep(below(&rng, 3000));
		while (fz.never)
			pause();
		/* It may be there already, or nothing be there any more. */
		if (ioctl(uffd, UFFDIO_COPY, &copy) && errno == EEXIST)
			ioctl(uffd, UFFDIO_WAKE, &(struct uffdio_range){ page, PAGE });
	}
	return arg;
}

static void stall(void *at, size_t length)
{
	struct uffdio_register args = {
		.range = { (uintptr_t)at, length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_REGISTER, &args)), 0);
}

static void zone_init(struct zone *z)
{
	z->pages = mmap(NULL, ZONE_PAGES * PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	z->staged = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT(z->pages != MAP_FAILED && z->staged != MAP_FAILED);
	for (int page = 0; page < ZONE_PAGES; page += 2)
		ASSERT_EQ(SYS(mprotect(z->pages + page * PAGE, PAGE,
				       PROT_READ | PROT_WRITE)), 0);
	if (uffd >= 0)
		stall(z->pages + STALLED_PAGE * PAGE, PAGE);
	all_zones[num_zones++] = z;
}

void zones_init(struct zone *zones, int count)
{
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t thread;

	/* Debian's kernel and the debug kernel have it. */
	if (uffd < 0) {
		uffd = SYS(syscall(SYS_userfaultfd, O_CLOEXEC));
		ASSERT_GE(uffd, 0);
		ASSERT_EQ(SYS(ioctl(uffd, UFFDIO_API, &api)), 0);
		stall(fz.arena + (ARENA_PAGES - ARENA_STALLED) * PAGE,
		      ARENA_STALLED * PAGE);
		ASSERT_EQ(pthread_create(&thread, NULL, uffd_serve, NULL), 0);
	}
	for (int i = 0; i < count; i++)
		zone_init(&zones[i]);
}

static char *wild(struct rng *r)
{
	static const uint64_t places[] = {
		0, 1, PAGE, 0x7ffffffff000, 0x800000000000, 0x8000000000000000,
		0xffff888000000000, 0xffffffff81000000, -1UL, -PAGE,
	};
	uint64_t p = places[below(r, ARRAY_SIZE(places))];

	/* Not where a model's buffers are: it could not tell what is written. */
	if (one_in(r, 3) && !(fz.mode & MODE_MODEL))
		p = known_get(r);
	return (char *)(uintptr_t)p;
}

char *zone_place(struct zone *z, struct rng *r, enum place how,
		 const void *bytes, size_t length)
{
	char *p = z->pages;
	size_t mapped;

	switch (how) {
	case PLACE_STALLED:
		memcpy(z->staged, bytes, length);
		p += STALLED_PAGE * PAGE;
		madvise(p, PAGE, MADV_DONTNEED);
		return p;
	case PLACE_HALF:
		mapped = 1 + below(r, length < 64 ? length - 1 : 63);
		p += PAGE - mapped;
		memcpy(p, bytes, mapped);
		return p;
	case PLACE_HOLE:
		return p + PAGE;
	case PLACE_READONLY:
		p += 2 * PAGE;
		mprotect(p, PAGE, PROT_READ | PROT_WRITE);
		memcpy(p, bytes, length);
		mprotect(p, PAGE, PROT_READ);
		return p;
	case PLACE_WILD:
		return wild(r);
	default:
		p += one_in(r, 8) ? below(r, 64) : 0;
		memcpy(p, bytes, length);
		return p;
	}
}

/* ---- mutation ------------------------------------------------------------ */

static uint64_t boundary(struct rng *r)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 255, 256, 4095, 4096, 4097,
		0x1fffff, 0x200000, 0x200001, 0x3fffffff, 0x40000000,
		0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000,
		0x400000000000, 0x7fffffffe000, 0x7fffffffffff, 0x800000000000,
		0x7fffffffffffffff, 0x8000000000000000, -4096UL, -1UL,
	};

	if (one_in(r, 6))
		return 1ull << below(r, 64);
	if (one_in(r, 6))
		return known_get(r);
	return values[below(r, ARRAY_SIZE(values))];
}

static uint32_t some_size(struct rng *r, uint32_t length)
{
	const uint32_t sizes[] = {
		0, 1, 4, 8, 16, length - 8, length - 1, length + 1, length + 8,
		length + 64, 4095, 4096, 4097, 0x7fffffff, 0xffffffff,
	};

	return sizes[below(r, ARRAY_SIZE(sizes))];
}

/* So much memory takes too long to fill; more than that is refused at once. */
static bool too_long(uint32_t kind, uint64_t length)
{
	return kind <= ROCSVM_KIND_VRAM && length > MiB(16) && length < TiB(2);
}

/* What a mutation must not do, as it says nothing of the module. */
static void keep_sane(struct call *c)
{
	uint64_t pointer = 0;

	if (c->cmd == ROCSVM_ALLOC && too_long(c->in.alloc.kind, c->in.alloc.length))
		c->in.alloc.length = MiB(1);
	if (c->cmd == ROCSVM_SVM_ATTR)
		c->in.svm_attr.op = KFD_IOCTL_SVM_OP_GET_ATTR;
	/* Into these pointers the kernel writes; bad places have them, too. */
	if (c->list_at && (fz.mode & MODE_MODEL))
		memcpy(&c->in.bytes[c->list_at], &pointer, sizeof(pointer));
}

void mutate_call(struct worker *w, struct call *c)
{
	struct rng *r = &w->rng;
	uint32_t words = c->length / 4;

	c->mutated = true;
	for (uint32_t n = 1 + below(r, 2); n; n--) {
		uint32_t at = 4 * (1 + below(r, words - 1));
		uint64_t value = boundary(r);

		switch (below(r, 6)) {
		case 0:
			c->in.size = some_size(r, c->length);
			if (one_in(r, 3))
				c->in.bytes[c->length + below(r, 64)] = 1;
			break;
		case 1:
			c->in.bytes[4 + below(r, c->length - 4)] = rnd64(r);
			break;
		case 2:
			c->in.bytes[4 + below(r, c->length - 4)] ^= 1 << below(r, 8);
			break;
		default:
			if (at % 8 || at + 8 > c->length)
				memcpy(&c->in.bytes[at], &value, 4);
			else
				memcpy(&c->in.bytes[at], &value, 8);
		}
	}
	keep_sane(c);
	if (one_in(r, 4))
		c->place = below(r, PLACE_WILD + 1);
	if (c->list_at && one_in(r, 4))
		c->list_place = below(r, PLACE_WILD + 1);
	/* A model must know whether the call has happened. */
	if (c->cmd == ROCSVM_BATCH && (fz.mode & MODE_MODEL) &&
	    (c->list_place == PLACE_READONLY || c->list_place == PLACE_HALF))
		c->list_place = PLACE_HOLE;
	if (one_in(r, 40) && !(fz.mode & MODE_MODEL))
		c->cmd = _IO(ROCSVM_TYPE, 0x7f + below(r, 20)) | (one_in(r, 4) << 16);
}

/* ---- errnos -------------------------------------------------------------- */

/* Named for every call, or for closing the file in another thread. */
#define COMMON EFAULT, EINVAL, E2BIG, EOPNOTSUPP, EBADF
#define PLACED EEXIST, ERANGE, ENODEV, ENOMEM, EBUSY, EAGAIN, EADDRINUSE, EDQUOT

static const uint8_t allowed[][20] = {
	[_IOC_NR(ROCSVM_INFO) - ROCSVM_CMD_BASE] = { COMMON },
	[_IOC_NR(ROCSVM_GPU_INFO) - ROCSVM_CMD_BASE] = { COMMON, ENODEV },
	[_IOC_NR(ROCSVM_RESERVE) - ROCSVM_CMD_BASE] = {
		COMMON, EBUSY, EEXIST, ERANGE, ENOMEM },
	[_IOC_NR(ROCSVM_ACQUIRE_VM) - ROCSVM_CMD_BASE] = {
		COMMON, EBUSY, ENODEV, ENOMEM },
	[_IOC_NR(ROCSVM_ALLOC) - ROCSVM_CMD_BASE] = { COMMON, PLACED },
	[_IOC_NR(ROCSVM_FREE) - ROCSVM_CMD_BASE] = { COMMON, ENOENT, EBUSY },
	[_IOC_NR(ROCSVM_MAP) - ROCSVM_CMD_BASE] = {
		COMMON, ENOENT, ENODEV, ENOMEM, EPERM, EBUSY, EAGAIN,
		EADDRINUSE },
	[_IOC_NR(ROCSVM_UNMAP) - ROCSVM_CMD_BASE] = { COMMON, ENOENT, ENODEV },
	[_IOC_NR(ROCSVM_QUERY) - ROCSVM_CMD_BASE] = { COMMON, ENOENT },
	[_IOC_NR(ROCSVM_SET_TAG) - ROCSVM_CMD_BASE] = { COMMON, ENOENT },
	[_IOC_NR(ROCSVM_REGISTER) - ROCSVM_CMD_BASE] = { COMMON, PLACED, EPERM },
	[_IOC_NR(ROCSVM_UNREGISTER) - ROCSVM_CMD_BASE] = { COMMON, ENOENT },
	[_IOC_NR(ROCSVM_BATCH) - ROCSVM_CMD_BASE] = {
		COMMON, PLACED, ENOENT, EPERM, EINTR },
	[_IOC_NR(ROCSVM_EXPORT) - ROCSVM_CMD_BASE] = { COMMON, ENOENT, EMFILE },
	[_IOC_NR(ROCSVM_IMPORT) - ROCSVM_CMD_BASE] = { COMMON, PLACED, EACCES },
	[_IOC_NR(ROCSVM_SVM_ATTR) - ROCSVM_CMD_BASE] = {
		COMMON, ENODEV, EADDRINUSE, ERANGE },
};

/* With KFD's memory changed behind the module's back, all that has a meaning. */
static const uint8_t general[] = { COMMON, PLACED, ENOENT, EPERM, EACCES, EMFILE };

bool errno_allowed(unsigned long cmd, int result)
{
	uint32_t nr = _IOC_NR(cmd) - ROCSVM_CMD_BASE;

	if (!result)
		return true;
	if (nr >= ARRAY_SIZE(allowed) || cmd != _IO(ROCSVM_TYPE, _IOC_NR(cmd)))
		return result == -ENOTTY || result == -EBADF;
	for (size_t i = 0; i < ARRAY_SIZE(allowed[nr]) && allowed[nr][i]; i++)
		if (result == -allowed[nr][i])
			return true;
	for (size_t i = 0; fz.mode & MODE_KFD && i < ARRAY_SIZE(general); i++)
		if (result == -general[i])
			return true;
	return false;
}

/* ---- the call itself ------------------------------------------------------ */

void call_send(struct worker *w, struct call *c)
{
	uint32_t nr = _IOC_NR(c->cmd) - ROCSVM_CMD_BASE;
	char *list = NULL, *p;
	uint64_t pointer;

	memcpy(&pointer, &c->in.bytes[c->list_at], sizeof(pointer));
	if (c->list_at && !pointer) {
		list = zone_place(&w->zones[1], &w->rng, c->list_place, c->list,
				  c->list_length);
		pointer = (uintptr_t)list;
		memcpy(&c->in.bytes[c->list_at], &pointer, sizeof(pointer));
	}
	p = zone_place(&w->zones[0], &w->rng, c->place, &c->in, sizeof(c->in));
	c->result = SYS(ioctl(fz.fd, c->cmd, p));
	if (fz.trace)
		say("%u: ioctl %#x place %d/%d: %d", w->index, (int)_IOC_NR(c->cmd),
		    c->place, c->list_place, c->result);
	if (c->cmd == ROCSVM_REGISTER && !c->result)
		w->registered[below(&w->rng, REGISTERED / fz.narrow)] = (struct range){
			c->in.reg.va, c->in.reg.length,
		};
	c->out = c->in;
	if (c->place == PLACE_GOOD || c->place == PLACE_STALLED ||
	    c->place == PLACE_READONLY)
		memcpy(&c->out, p, sizeof(c->out));
	/* More than the structure may be mapped. */
	if (c->place == PLACE_HALF)
		memcpy(&c->out, p, w->zones[0].pages + PAGE - p);
	if (list && (c->list_place == PLACE_GOOD || c->list_place == PLACE_STALLED))
		memcpy(c->list, list, c->list_length);

	if (nr < ARRAY_SIZE(tally->ok))
		(*(c->result ? &tally->failed[nr] : &tally->ok[nr]))++;
	/* What KFD says of a request that was scribbled on is KFD's affair. */
	if (!errno_allowed(c->cmd, c->result) && !(fz.mode & MODE_SCRIBBLE))
		report("thread %u: ioctl %#x: %s, which the ABI does not name",
		       w->index, (int)_IOC_NR(c->cmd), strerror(-c->result));
}
