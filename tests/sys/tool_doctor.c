// SPDX-License-Identifier: MIT
/*
 * rocsvm doctor finds what is wrong, and says what to do: nothing at first; then
 * no permission, a limit on addresses, a device cgroup, no module. So do status
 * and gpus, in JSON, too.
 */
#include "tool.h"

#include <grp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MOUNT "/tmp/rocsvm-devices"
#define GROUP MOUNT "/container"
#define RESERVE "/sys/module/rocsvm/parameters/reserve"
#define RENDER 104
#define NOBODY 65534

static void expect_well(void)
{
	EXPECT_EQ(tool("doctor"), 0);
	fputs(tool_out, stdout);
	EXPECT(!strstr(tool_out, "failed") && !strstr(tool_out, "untested"));
	EXPECT_OUT("ok        open           a window of 1 TiB, 1 of 1 GPUs\n");
}

/* A line of the verdict, and in the next one the fix */
static void expect_failed(const char *line, const char *fix)
{
	const char *at;

	EXPECT_EQ(tool("doctor"), 1);
	EXPECT_OUT(line);
	at = strstr(tool_out, line);
	at = at ? strchr(at, '\n') : NULL;
	EXPECT(at && said(at, fix) && strchr(at + 1, '\n') > strstr(at, fix));
}

static void json(void)
{
	EXPECT_EQ(tool("doctor --json"), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"well\": true");
	EXPECT_EQ(tool("status --json"), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"module\": \"loaded\"");
	EXPECT_OUT("\"gpus\": 1,");
	EXPECT_OUT("\"aperture\": \"reserved\"");
	EXPECT_EQ(tool("gpus --json"), 0);
	EXPECT_JSON();
	EXPECT_OUT("\"render_node\": \"/dev/dri/renderD128\"");
	EXPECT_OUT("\"canonical\": true");
}

static void become_nobody(void)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setgid(NOBODY), 0);
	ASSERT_EQ(setuid(NOBODY), 0);
}

static void no_group(void *fix)
{
	become_nobody();
	expect_failed("failed    permission     /dev/rocsvm may not be opened: mode 0660", fix);
	EXPECT_EQ(tool("doctor --json"), 1);
	EXPECT_JSON();
	EXPECT_OUT("\"well\": false");
	EXPECT_EQ(tool("status --json"), 1);
	EXPECT_JSON();
	EXPECT_OUT("\"device\": \"no permission\"");
}

static void no_udev(void *unused)
{
	(void)unused;
	become_nobody();
	expect_failed("failed    permission     /dev/rocsvm may not be opened: mode 0600",
		      "-> udev's rule has not been applied");
}

static void permissions(void)
{
	struct stat node;

	ASSERT_EQ(stat("/dev/rocsvm", &node), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", 0600), 0);
	EXPECT_EQ(run_child(no_udev, NULL), 0);
	ASSERT_EQ(chmod("/dev/rocsvm", 0660), 0);
	ASSERT_EQ(chown("/dev/rocsvm", 0, RENDER), 0);
	ASSERT_EQ(system("echo render:x:104: > /etc/group"), 0);
	EXPECT_EQ(run_child(no_group, "-> usermod -aG render nobody, as root, then log in"), 0);
	ASSERT_EQ(system("echo render:x:104:root,nobody > /etc/group"), 0);
	EXPECT_EQ(run_child(no_group, "-> log in again: the membership in group render"), 0);
	unlink("/etc/group");
	ASSERT_EQ(chmod("/dev/rocsvm", node.st_mode & 07777), 0);
	ASSERT_EQ(chown("/dev/rocsvm", node.st_uid, node.st_gid), 0);
}

static void addresses(void *unused)
{
	struct rlimit r = { GiB(64), RLIM_INFINITY };

	(void)unused;
	ASSERT_EQ(setrlimit(RLIMIT_AS, &r), 0);
	EXPECT_EQ(tool("doctor"), 0);
	EXPECT_OUT("warning   address-space  64 GiB: the window will be smaller than 1 TiB");
	r.rlim_cur = GiB(2);
	ASSERT_EQ(setrlimit(RLIMIT_AS, &r), 0);
	EXPECT_EQ(tool("doctor"), 0);
	EXPECT_OUT("warning   address-space  2 GiB: no window fits");
	EXPECT_OUT("warning   open           mmap aperture, 1 of 1 GPUs\n");
	ASSERT_EQ(file_write(RESERVE, "always"), 0);
	expect_failed("failed    address-space  2 GiB: no window fits", "-> ulimit -v unlimited");
	EXPECT_OUT("failed    open           Cannot allocate memory");
	ASSERT_EQ(file_write(RESERVE, "auto"), 0);
}

static void in_group(void *unused)
{
	(void)unused;
	ASSERT_EQ(file_write(GROUP "/cgroup.procs", "0"), 0);
	expect_failed("failed    device-cgroup  it refuses /dev/rocsvm", "--device /dev/rocsvm");
}

static void device_cgroup(void)
{
	struct stat node;
	char text[64];

	ASSERT_EQ(mkdir(MOUNT, 0755), 0);
	if (!SYS(mount("devices", MOUNT, "cgroup", 0, "devices"))) {
		ASSERT_EQ(mkdir(GROUP, 0755), 0);
		ASSERT_EQ(stat("/dev/rocsvm", &node), 0);
		snprintf(text, sizeof(text), "c %u:%u rwm", major(node.st_rdev),
			 minor(node.st_rdev));
		ASSERT_EQ(file_write(GROUP "/devices.deny", text), 0);
		EXPECT_EQ(run_child(in_group, NULL), 0);
		EXPECT(EVENTUALLY(!rmdir(GROUP), 5000));
		umount2(MOUNT, MNT_DETACH);
	}
	rmdir(MOUNT);
}

static void no_module(void)
{
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(!system("rmmod rocsvm"), 5000));
	expect_failed("failed    module         not loaded", "-> rocsvm load, as root");
	EXPECT_OUT("failed    device         /dev/rocsvm is missing");
	EXPECT_OUT("untested  permission");
	EXPECT_EQ(tool("status"), 1);
	EXPECT_OUT("module          not loaded (rocsvm load)");
	expect_complaint(tool("gpus"), 1);
	expect_complaint(tool("top"), 1);
	EXPECT_ERR("the rocsvm module is not loaded: rocsvm load");
	ASSERT_EQ(system("insmod $ROCSVM_KO"), 0);
}

static void test(void)
{
	expect_well();
	json();
	permissions();
	EXPECT_EQ(run_child(addresses, NULL), 0);
	device_cgroup();
	no_module();
	expect_well();
}

int main(void)
{
	return test_main(test);
}
