// SPDX-License-Identifier: MIT
/*
 * max_buffers_per_user, max_registrations_per_user and max_spaces_per_user
 * count over all processes of a user, and of nobody else; who is in a user
 * namespace that a user has made counts as that user. Root is above them. The
 * space's user is who opened it. What a killed process had is there again.
 */
#include "limit.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MAX 10
#define ALICE 1001
#define BOB 1002
/* Many users' numbers at once, as a container has them. */
#define CONTAINER 200000

static const char * const nodes[] = {
	"/dev/kfd", "/dev/rocsvm", "/dev/dri/renderD128",
};
static mode_t node_modes[ARRAY_SIZE(nodes)];

/* A process of a user that does what it is told. */
struct actor {
	pid_t pid;
	int socket;
	uid_t uid;
	uid_t owner;	/* of a user namespace that it is in, or -1 */
};

enum actor_call {
	ACTOR_GO, ACTOR_OPEN, ACTOR_ALLOC, ACTOR_FREE, ACTOR_REGISTER,
	ACTOR_BUFFERS, ACTOR_SETUID,
};

static void become(uid_t uid)
{
	ASSERT_EQ(setresgid(uid, uid, uid), 0);
	ASSERT_EQ(setresuid(uid, uid, uid), 0);
}

static int actor_do(enum actor_call call, char *memory)
{
	static void *va[4 * MAX];
	static int fd, n, registered;
	int r;

	switch (call) {
	case ACTOR_OPEN:
		fd = svm_open();
		if (fd < 0)
			return fd;
		return svm_acquire(fd, svm_gpu(fd, 0), render_open(svm_gpu(fd, 0)));
	case ACTOR_ALLOC:
		va[n] = limit_reserve(fd, &r);
		n += !r;
		return r;
	case ACTOR_FREE:
		return svm_free(fd, va[--n]);
	case ACTOR_REGISTER:
		r = reg_add(fd, memory + 2 * registered * PAGE, PAGE);
		registered += !r;
		return r;
	case ACTOR_BUFFERS:
		return limit_usage("buffers");
	case ACTOR_SETUID:
		become(ALICE);
		/* fall through */
	default:
		return 0;
	}
}

static void actor_run(void *arg)
{
	struct actor *a = arg;
	char *memory = own_private(8 * MAX * PAGE);
	int call, reply = 0;

	if (a->owner != (uid_t)-1) {
		if (a->owner)
			become(a->owner);
		ASSERT_EQ(SYS(unshare(CLONE_NEWUSER)), 0);
		/* The other side writes the maps now. */
		ASSERT_EQ(write(a->socket, &reply, sizeof(reply)), sizeof(reply));
		ASSERT_EQ(read(a->socket, &call, sizeof(call)), sizeof(call));
		become(0);
	} else if (a->uid) {
		become(a->uid);
	}
	while (read(a->socket, &call, sizeof(call)) == sizeof(call)) {
		reply = actor_do(call, memory);
		ASSERT_EQ(write(a->socket, &reply, sizeof(reply)), sizeof(reply));
	}
}

static int actor(struct actor *a, enum actor_call call)
{
	int message = call, reply = -EIO;

	ASSERT_EQ(write(a->socket, &message, sizeof(message)), sizeof(message));
	ASSERT_EQ(read(a->socket, &reply, sizeof(reply)), sizeof(reply));
	return reply;
}

/* The users of the namespace are CONTAINER and above for everybody else. */
static void actor_map_users(struct actor *a)
{
	static const char * const maps[] = { "uid_map", "gid_map" };
	char path[64], text[64];
	int message = ACTOR_GO;

	ASSERT_EQ(read(a->socket, &message, sizeof(message)), sizeof(message));
	snprintf(text, sizeof(text), "0 %d 10", CONTAINER);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", a->pid, maps[i]);
		ASSERT_EQ(file_write(path, text), 0);
	}
	ASSERT_EQ(write(a->socket, &message, sizeof(message)), sizeof(message));
}

/* @owner: who makes a user namespace for it, or -1 for none. */
static struct actor actor_start(uid_t uid, uid_t owner)
{
	struct actor a = { .uid = uid, .owner = owner };
	int pair[2];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	a.socket = pair[1];
	a.pid = child_start(actor_run, &a);
	close(pair[1]);
	a.socket = pair[0];
	if (owner != (uid_t)-1)
		actor_map_users(&a);
	return a;
}

static void actor_kill(struct actor *a)
{
	kill(a->pid, SIGKILL);
	child_wait(a->pid);
	close(a->socket);
}

/* Allocate until there is no more: how many there were. */
static int actor_fill(struct actor *a, enum actor_call call)
{
	int r = 0, n = 0;

	while (n < 3 * MAX && !(r = actor(a, call)))
		n++;
	EXPECT_EQ(r, n < 3 * MAX ? -EDQUOT : 0);
	return n;
}

static void two_processes(int log)
{
	struct actor a = actor_start(ALICE, -1), b = actor_start(ALICE, -1);
	struct actor c = actor_start(BOB, -1), root = actor_start(0, -1);

	EXPECT_EQ(actor(&a, ACTOR_OPEN), 0);
	EXPECT_EQ(actor(&b, ACTOR_OPEN), 0);
	EXPECT_EQ(actor(&c, ACTOR_OPEN), 0);
	EXPECT_EQ(actor(&root, ACTOR_OPEN), 0);
	for (int i = 0; i < 6; i++)
		EXPECT_EQ(actor(&a, ACTOR_ALLOC), 0);
	EXPECT_EQ(actor_fill(&b, ACTOR_ALLOC), 4);
	limit_expect_named(log, "max_buffers_per_user");
	EXPECT_EQ(actor(&a, ACTOR_ALLOC), -EDQUOT);
	EXPECT_EQ(actor(&b, ACTOR_BUFFERS), MAX);
	EXPECT_EQ(actor(&c, ACTOR_BUFFERS), 0);
	EXPECT_EQ(actor_fill(&c, ACTOR_ALLOC), MAX);
	EXPECT_EQ(actor_fill(&root, ACTOR_ALLOC), 3 * MAX);
	EXPECT_EQ(actor(&root, ACTOR_BUFFERS), 3 * MAX);
	EXPECT_EQ(actor(&a, ACTOR_FREE), 0);
	EXPECT_EQ(actor_fill(&b, ACTOR_ALLOC), 1);
	actor_kill(&a);
	EXPECT_EQ(actor_fill(&b, ACTOR_ALLOC), 5);
	/* A registration is two: one segment. */
	EXPECT_EQ(actor_fill(&b, ACTOR_REGISTER), MAX / 2);
	EXPECT_EQ(actor_fill(&root, ACTOR_REGISTER), 3 * MAX);
	actor_kill(&b);
	actor_kill(&c);
	actor_kill(&root);
}

/* Alice has a container, root has one, and the same user is in both. */
static void namespaces(void)
{
	struct actor a = actor_start(ALICE, -1);
	struct actor hers = actor_start(0, ALICE), roots = actor_start(0, 0);

	EXPECT_EQ(actor(&a, ACTOR_OPEN), 0);
	EXPECT_EQ(actor(&hers, ACTOR_OPEN), 0);
	EXPECT_EQ(actor(&roots, ACTOR_OPEN), 0);
	EXPECT_EQ(actor_fill(&hers, ACTOR_ALLOC), MAX);
	EXPECT_EQ(actor(&a, ACTOR_BUFFERS), MAX);
	EXPECT_EQ(actor_fill(&a, ACTOR_ALLOC), 0);
	/* Root there is not root here. */
	EXPECT_EQ(actor(&roots, ACTOR_BUFFERS), 0);
	EXPECT_EQ(actor_fill(&roots, ACTOR_ALLOC), MAX);
	actor_kill(&hers);
	EXPECT_EQ(actor_fill(&a, ACTOR_ALLOC), MAX);
	actor_kill(&a);
	actor_kill(&roots);
}

/* Root opens, and is Alice from then on: the space stays root's. */
static void another_user(void)
{
	struct actor a = actor_start(ALICE, -1), other = actor_start(0, -1);

	EXPECT_EQ(actor(&other, ACTOR_OPEN), 0);
	EXPECT_EQ(actor(&other, ACTOR_SETUID), 0);
	EXPECT_EQ(actor_fill(&other, ACTOR_ALLOC), MAX);
	EXPECT_EQ(actor(&a, ACTOR_BUFFERS), 0);
	EXPECT_EQ(limit_usage("buffers"), MAX);
	actor_kill(&other);
	actor_kill(&a);
}

static void spaces(void)
{
	struct actor a[3], root = actor_start(0, -1);

	EXPECT(EVENTUALLY(!limit_usage("spaces"), 5000));
	limit_set("max_spaces_per_user", 2);
	for (int i = 0; i < 3; i++)
		a[i] = actor_start(BOB, -1);
	/* A space's memory is given back a little later. */
	EXPECT(EVENTUALLY(!actor(&a[0], ACTOR_OPEN), 5000));
	EXPECT(EVENTUALLY(!actor(&a[1], ACTOR_OPEN), 5000));
	EXPECT_EQ(actor(&a[2], ACTOR_OPEN), -EDQUOT);
	EXPECT_EQ(actor(&root, ACTOR_OPEN), 0);
	actor_kill(&a[0]);
	EXPECT(EVENTUALLY(!actor(&a[2], ACTOR_OPEN), 5000));
	actor_kill(&a[1]);
	actor_kill(&a[2]);
	actor_kill(&root);
}

static void restore_modes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		chmod(nodes[i], node_modes[i] & 07777);
}

static void test(void)
{
	int log = klog_open();

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		ASSERT_EQ(chmod(nodes[i], 0666), 0);
	limit_set("max_buffers_per_user", MAX);
	limit_set("max_registrations_per_user", MAX);
	two_processes(log);
	namespaces();
	another_user();
	spaces();
	EXPECT(svm_all_gone());
	EXPECT_EQ(limit_usage("buffers"), 0);
	EXPECT_EQ(limit_usage("registrations"), 0);
	EXPECT(EVENTUALLY(!limit_usage("spaces"), 5000));
}

int main(void)
{
	struct stat st;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		node_modes[i] = stat(nodes[i], &st) ? 0600 : st.st_mode;
	r = window_main(test);
	restore_modes();
	return r;
}
