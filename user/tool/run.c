// SPDX-License-Identifier: MIT
/*
 * rocsvm run: a program in a mount namespace of its own, in which /dev/kfd is
 * /dev/rocsvm. Nothing stays behind it: the tool becomes the program, and the
 * namespace ends with its last process. The module looks for the real KFD from
 * init's root, with the program's own rights, so that it isn't misled.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define KFD_NODE	"/dev/kfd"
#define ROCSVM_NODE	"/dev/rocsvm"

/* Exit status where it is not the program's own: as env(1) and timeout(1) */
enum {
	RUN_FAILED = 125,
	RUN_NOT_EXECUTABLE = 126,
	RUN_NOT_FOUND = 127,
};

/* Why a user namespace can't be had, or can do nothing, and what would help */
static const char *explain_namespace(void)
{
	uint64_t value;

	if (!read_number("/proc/sys/kernel/unprivileged_userns_clone", &value) && !value)
		return "be root, or sysctl kernel.unprivileged_userns_clone=1";
	if (!read_number("/proc/sys/user/max_user_namespaces", &value) && !value)
		return "be root, or sysctl user.max_user_namespaces=10000";
	if (!read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &value) && value)
		return "be root, or sysctl kernel.apparmor_restrict_unprivileged_userns=0";
	return "be root; in a container, bind /dev/rocsvm over its /dev/kfd from outside";
}

static int write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* The caller stays who it is; nobody else is mapped, and no group but its own. */
static int map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int ret;

	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	ret = write_map("/proc/self/uid_map", text);
	if (ret)
		return ret;
	ret = write_map("/proc/self/setgroups", "deny");
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return write_map("/proc/self/gid_map", text);
}

/* A mount namespace: a user namespace round it for who may not have one else. */
static int enter_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!unshare(CLONE_NEWNS))
		return 0;
	if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	return map_ids(uid, gid);
}

/*
 * What is mounted outside later is to be seen inside, and what is unmounted is
 * not to be kept busy; what is mounted inside stays there.
 */
static int replace_node(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount(ROCSVM_NODE, KFD_NODE, NULL, MS_BIND, NULL))
		return -errno;
	return 0;
}

/* Does the program find rocsvm now, and may it open it? */
static int check_node(void)
{
	struct rocsvm_info info = { .size = sizeof(info) };
	int fd = open(KFD_NODE, O_RDWR | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, ROCSVM_INFO, &info))
		ret = -errno;
	close(fd);
	return ret;
}

static int prepare(void)
{
	int ret;

	if (access(ROCSVM_NODE, F_OK) || access(KFD_NODE, F_OK)) {
		complain("%s", explain_open(-ENOENT));
		return RUN_FAILED;
	}
	ret = enter_namespace();
	if (!ret)
		ret = replace_node();
	if (ret) {
		complain("can't make a mount namespace (%s): %s", strerror(-ret),
			 explain_namespace());
		return RUN_FAILED;
	}
	ret = check_node();
	if (ret) {
		complain("%s", explain_open(ret));
		return RUN_FAILED;
	}
	return 0;
}

int cmd_run(int argc, char **argv)
{
	char **program = argv + 1;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--")) {
		program++;
	} else if (argc > 1 && argv[1][0] == '-') {
		complain("run has no option \"%s\": see rocsvm(8)", argv[1]);
		return RUN_FAILED;
	}
	if (!*program) {
		complain("run needs a program: rocsvm run -- PROGRAM [ARGUMENT]...");
		return RUN_FAILED;
	}

	ret = prepare();
	if (ret)
		return ret;
	execvp(*program, program);
	ret = errno == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE;
	complain("can't run %s: %s", *program, strerror(errno));
	return ret;
}
