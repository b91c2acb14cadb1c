// SPDX-License-Identifier: MIT
/*
 * `rocsvm run`: the program finds rocsvm at /dev/kfd, and everything else as it
 * was; nobody else does; and nobody gets at KFD who may not.
 */
#include "harness.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define NOBODY	65534
#define GROUP	4711	/* has the nodes, in this test */

#define FAILED	125	/* as rocsvm(8) says */

static const char *self;

/* ---- running it --------------------------------------------------------- */

struct run {
	uid_t uid;
	bool in_group;
	const char *const *argv;
	char output[4096];	/* what it wrote on standard error */
};

static void become(const struct run *run)
{
	gid_t group = GROUP;

	if (!run->uid)
		return;
	ASSERT_EQ(SYS(setgroups(run->in_group, &group)), 0);
	ASSERT_EQ(SYS(setgid(NOBODY)), 0);
	ASSERT_EQ(SYS(setuid(run->uid)), 0);
	/* Or else its own /proc/self is not its own, until it becomes another program. */
	ASSERT_EQ(SYS(prctl(PR_SET_DUMPABLE, 1)), 0);
}

/* Run a command: its wait status. */
static int run_command(struct run *run)
{
	int fd[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	fflush(stdout);
	ASSERT_EQ(SYS(pipe2(fd, O_CLOEXEC)), 0);
	pid = fork();
	if (!pid) {
		become(run);
		dup2(fd[1], STDERR_FILENO);
		execvp(run->argv[0], (char *const *)run->argv);
		_exit(99);
	}
	ASSERT_GT(pid, 0);
	close(fd[1]);
	while ((got = read(fd[0], run->output + n, sizeof(run->output) - 1 - n)) > 0)
		n += got;
	run->output[n] = '\0';
	close(fd[0]);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

/* One line, which tells what to do. */
static void check_message(const struct run *run, const char *part)
{
	const char *newline = strchr(run->output, '\n');

	if (strncmp(run->output, "rocsvm: ", 8) || !newline || newline[1] ||
	    !strstr(run->output, part))
		say("message, wanted \"%s\": %s", part, run->output);
	EXPECT_EQ(strncmp(run->output, "rocsvm: ", 8), 0);
	EXPECT(newline && !newline[1]);
	EXPECT(strstr(run->output, part));
}

#define RUN(run_, ...) ({						\
	const char *const argv_[] = { __VA_ARGS__, NULL };		\
	(run_)->argv = argv_;						\
	run_command(run_);						\
})

/* ---- the program that is run -------------------------------------------- */

static dev_t device_of(const char *path)
{
	struct stat st;

	ASSERT_EQ(SYS(stat(path, &st)), 0);
	return st.st_rdev;
}

static void find_rocsvm(void *arg)
{
	struct kfd_ioctl_get_version_args version = { 0 };
	struct rocsvm_info info;
	int fd;

	(void)arg;
	EXPECT_EQ(device_of("/dev/kfd"), device_of("/dev/rocsvm"));
	fd = SYS(open("/dev/kfd", O_RDWR | O_CLOEXEC));
	ASSERT_GE(fd, 0);
	EXPECT_EQ(svm_info(fd, &info), 0);
	EXPECT_GE(info.num_gpus, 1);
	EXPECT_EQ(svm_ioctl(fd, AMDKFD_IOC_GET_VERSION, &version), 0);
	EXPECT_EQ(version.major_version, KFD_IOCTL_MAJOR_VERSION);
	close(fd);
}

/* Arguments: "inside", uid, working directory, "a b", "", "--", "-x". */
static int inside(int argc, char **argv)
{
	dev_t node = device_of("/dev/rocsvm");
	char cwd[256];
	struct stat st;

	ASSERT_EQ(argc, 8);
	EXPECT_EQ(getuid(), atoi(argv[2]));
	EXPECT_EQ(geteuid(), atoi(argv[2]));
	EXPECT_EQ(strcmp(getcwd(cwd, sizeof(cwd)), argv[3]), 0);
	EXPECT_EQ(strcmp(argv[4], "a b"), 0);
	EXPECT_EQ(strcmp(argv[5], ""), 0);
	EXPECT_EQ(strcmp(argv[6], "--"), 0);
	EXPECT_EQ(strcmp(argv[7], "-x"), 0);
	EXPECT(getenv("ROCSVM_TEST") && !strcmp(getenv("ROCSVM_TEST"), "kept"));
	/* It opens the node by itself. */
	for (int fd = 0; fd < 64; fd++)
		EXPECT(fstat(fd, &st) || st.st_rdev != node);
	find_rocsvm(NULL);
	EXPECT_EQ(run_child(find_rocsvm, NULL), 0);
	return test_failures ? 42 : 17;
}

/* ---- the tests ---------------------------------------------------------- */

static void check_inside(struct run *run)
{
	char uid[16], cwd[256];
	int status;

	snprintf(uid, sizeof(uid), "%u", run->uid);
	ASSERT(getcwd(cwd, sizeof(cwd)));
	status = RUN(run, "rocsvm", "run", "--", self, "inside", uid, cwd, "a b", "", "--", "-x");
	if (status != 17 << 8)
		say("%s", run->output);
	EXPECT_EQ(status, 17 << 8);
	/* The program's own name, found in PATH; no "--" is needed then. */
	EXPECT_EQ(RUN(run, "rocsvm", "run", "sh", "-c", "exit 3"), 3 << 8);
	/* In the program's children, and once more in itself. */
	EXPECT_EQ(RUN(run, "rocsvm", "run", "rocsvm", "run", "--", "sh", "-c",
		      "rocsvm gpus > /dev/null && exit 4"), 4 << 8);
	EXPECT_EQ(RUN(run, "rocsvm", "run", "--", "sh", "-c", "kill -9 $$"), SIGKILL);
}

static void check_status(void)
{
	struct run run = { .uid = 0 };

	EXPECT_EQ(RUN(&run, "rocsvm", "run"), FAILED << 8);
	check_message(&run, "needs a program");
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "--"), FAILED << 8);
	check_message(&run, "needs a program");
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "--verbose", "true"), FAILED << 8);
	check_message(&run, "--verbose");
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "--", "/tmp"), 126 << 8);
	check_message(&run, "/tmp");
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "--", "no-such-program"), 127 << 8);
	check_message(&run, "no-such-program");
}

/* What others see is as it was, also while the program runs. */
static void check_outside(dev_t kfd)
{
	struct run run = { .uid = 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root/dev/kfd", getpid());
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "--", "sh", "-c",
		      "test $(stat -c %t:%T /dev/kfd) = $(stat -c %t:%T /dev/rocsvm) && "
		      "test $(stat -c %t:%T $0) != $(stat -c %t:%T /dev/kfd)", path), 0);
	EXPECT_EQ(device_of("/dev/kfd"), kfd);
}

static void set_sysctl(const char *path, const char *value)
{
	ASSERT_EQ(file_write(path, value), 0);
}

static void check_refused(void)
{
	struct run run = { .uid = NOBODY };
	char before[32];

	/* Not in the group. */
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "true"), FAILED << 8);
	check_message(&run, "group render");
	/* The one node, but not the other. */
	run.in_group = true;
	ASSERT_EQ(chmod("/dev/kfd", 0600), 0);
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "true"), FAILED << 8);
	check_message(&run, "group render");
	ASSERT_EQ(chmod("/dev/kfd", 0660), 0);

	/* Debian's switch for user namespaces, and the kernel's own. */
	if (!access("/proc/sys/kernel/unprivileged_userns_clone", F_OK)) {
		set_sysctl("/proc/sys/kernel/unprivileged_userns_clone", "0");
		EXPECT_EQ(RUN(&run, "rocsvm", "run", "true"), FAILED << 8);
		check_message(&run, "sysctl kernel.unprivileged_userns_clone=1");
		set_sysctl("/proc/sys/kernel/unprivileged_userns_clone", "1");
	}
	ASSERT_GT(file_read("/proc/sys/user/max_user_namespaces", before, sizeof(before)), 0);
	set_sysctl("/proc/sys/user/max_user_namespaces", "0");
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "true"), FAILED << 8);
	check_message(&run, "sysctl user.max_user_namespaces=");
	set_sysctl("/proc/sys/user/max_user_namespaces", before);
	EXPECT_EQ(RUN(&run, "rocsvm", "run", "true"), 0);
}

/* Being root in a user namespace of one's own opens nothing. */
static void as_own_root(void *arg)
{
	struct run run = { .uid = NOBODY };

	(void)arg;
	become(&run);
	ASSERT_EQ(SYS(unshare(CLONE_NEWUSER | CLONE_NEWNS)), 0);
	ASSERT_EQ(file_write("/proc/self/uid_map", "0 65534 1"), 0);
	ASSERT_EQ(SYS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), 0);
	EXPECT_EQ(geteuid(), 0);
	EXPECT_EQ(svm_open(), -EACCES);
	ASSERT_EQ(SYS(mount("/dev/rocsvm", "/dev/kfd", NULL, MS_BIND, NULL)), 0);
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR)), -EACCES);
	/* Nor can it make a node of its own. */
	ASSERT_EQ(SYS(mount("none", "/tmp", "tmpfs", 0, NULL)), 0);
	EXPECT_LT(SYS(mknod("/tmp/kfd", S_IFCHR | 0666, device_of("/dev/rocsvm"))), 0);
}

static void own_root_not_kfd(void *arg)
{
	struct run run = { .uid = NOBODY, .in_group = true };

	(void)arg;
	become(&run);
	ASSERT_EQ(SYS(unshare(CLONE_NEWUSER | CLONE_NEWNS)), 0);
	ASSERT_EQ(file_write("/proc/self/uid_map", "0 65534 1"), 0);
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR)), -EACCES);
	EXPECT_EQ(svm_open(), -EACCES);
}

static struct stat kfd_before, node_before;

static void restore_node(const char *path, const struct stat *st)
{
	EXPECT_EQ(chown(path, st->st_uid, st->st_gid), 0);
	EXPECT_EQ(chmod(path, st->st_mode & 07777), 0);
}

static void restore(void)
{
	restore_node("/dev/kfd", &kfd_before);
	restore_node("/dev/rocsvm", &node_before);
}

static void give_to_group(const char *path, struct stat *before)
{
	ASSERT_EQ(SYS(stat(path, before)), 0);
	ASSERT_EQ(chown(path, 0, GROUP), 0);
	ASSERT_EQ(chmod(path, 0660), 0);
}

static void test(void)
{
	struct run root = { .uid = 0 };
	struct run user = { .uid = NOBODY, .in_group = true };
	dev_t kfd = device_of("/dev/kfd");

	setenv("ROCSVM_TEST", "kept", 1);
	check_status();
	check_inside(&root);
	check_outside(kfd);

	give_to_group("/dev/kfd", &kfd_before);
	give_to_group("/dev/rocsvm", &node_before);
	check_inside(&user);
	check_refused();
	EXPECT_EQ(run_child(as_own_root, NULL), 0);
	ASSERT_EQ(chmod("/dev/kfd", 0600), 0);
	EXPECT_EQ(run_child(own_root_not_kfd, NULL), 0);
	restore();
	EXPECT_EQ(device_of("/dev/kfd"), kfd);
	EXPECT(svm_all_gone());
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 1 && !strcmp(argv[1], "inside"))
		return inside(argc, argv);
	return test_main(test);
}
