// SPDX-License-Identifier: MIT
/*
 * rocsvm load and unload: modprobe, with errors that say what to do.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "module.h"
#include "space.h"
#include "tool.h"

#define MODULE		"rocsvm"
#define SIGNING		"sign it by a key that the kernel knows " \
			"(mokutil --import /var/lib/dkms/mok.pub, then reboot)"

/* ---- load ---- */

/* A kernel that it is built for: the running one if it is among them */
static bool built_for(const char *running, char *release, size_t size)
{
	static const char *const patterns[] = {
		"/lib/modules/*/updates/rocsvm.ko*", "/lib/modules/*/updates/dkms/rocsvm.ko*",
	};
	bool any = false;
	glob_t found;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (glob(patterns[i], 0, NULL, &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++) {
			const char *start = found.gl_pathv[k] + strlen("/lib/modules/");

			if (any && !strcmp(release, running))
				break;
			snprintf(release, size, "%.*s", (int)strcspn(start, "/"), start);
			any = true;
		}
		globfree(&found);
	}
	return any;
}

static void complain_not_installed(void)
{
	struct utsname name;
	char release[80];

	uname(&name);
	if (!built_for(name.release, release, sizeof(release)))
		complain("rocsvm is not installed for kernel %s: install rocsvm-dkms, or make install",
			 name.release);
	else if (strcmp(release, name.release))
		complain("rocsvm is built for kernel %s, not for %s, which runs: "
			 "install its headers, then dkms autoinstall", release, name.release);
	else
		complain("rocsvm.ko is there, and depmod does not know it: depmod -a");
}

static bool locked_down(void)
{
	char line[128];

	return !read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       !strstr(line, "[none]");
}

static void complain_not_permitted(void)
{
	uint64_t disabled;

	if (geteuid())
		complain("only root may load modules: be root");
	else if (!read_number("/proc/sys/kernel/modules_disabled", &disabled) && disabled)
		complain("no module can be loaded before the next boot (kernel.modules_disabled)");
	else if (locked_down())
		complain("the kernel is locked down (Secure Boot) and takes signed modules only: "
			 SIGNING);
	else
		complain("the kernel does not permit it (a container?): load it on the host");
}

static void complain_load(int error)
{
	switch (-error) {
	case ELIBACC:
		complain("libkmod.so.2 is missing: install libkmod2, or use modprobe rocsvm");
		break;
	case EPERM:
	case EACCES:
		complain_not_permitted();
		break;
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		complain("the kernel takes modules of known signers only: " SIGNING);
		break;
	case ENOEXEC:
		complain("rocsvm.ko was built for another kernel: "
			 "install this one's headers, then dkms autoinstall");
		break;
	case ENOENT:
		complain("rocsvm.ko needs what this kernel or its amdgpu does not have: see dmesg");
		break;
	case EINVAL:
		complain("a parameter's value is wrong: see dmesg, rocsvm(4)");
		break;
	default:
		complain("can't load rocsvm: %s: see dmesg", strerror(-error));
	}
}

/* The parameters as one text; NULL once it has complained */
static char *join(int argc, char **argv)
{
	char *options = NULL, names[512];
	size_t size = 0;
	FILE *f = open_memstream(&options, &size);

	for (int i = 1; f && i < argc; i++) {
		if (!strchr(argv[i], '=') || strpbrk(argv[i], " \t\n\"")) {
			complain("load: \"%s\" is not NAME=VALUE", argv[i]);
		} else if (!module_has_parameter(MODULE, argv[i], names, sizeof(names))) {
			complain("rocsvm has no parameter \"%.*s\"; it has: %s",
				 (int)strcspn(argv[i], "="), argv[i], names);
		} else {
			fprintf(f, "%s%s", i > 1 ? " " : "", argv[i]);
			continue;
		}
		fclose(f);
		free(options);
		return NULL;
	}
	if (!f || fclose(f)) {
		complain("%s", strerror(errno));
		return NULL;
	}
	return options;
}

int cmd_load(int argc, char **argv)
{
	enum module_state state = module_state(MODULE);
	char *options;
	int ret;

	if (state == MODULE_LOADED && argc == 1)
		return STATUS_OK;
	if (state == MODULE_LOADED) {
		complain("rocsvm is loaded already: unload it first, "
			 "or write to /sys/module/rocsvm/parameters");
		return STATUS_FAILED;
	}
	if (state == MODULE_NOT_INSTALLED) {
		complain_not_installed();
		return STATUS_FAILED;
	}
	options = join(argc, argv);
	if (!options)
		return STATUS_USAGE;
	ret = geteuid() ? -EPERM : module_load(MODULE, options);
	free(options);
	if (!ret || ret == -EEXIST)
		return STATUS_OK;
	complain_load(ret);
	return STATUS_FAILED;
}

/* ---- unload ---- */

/* Has the process /dev/rocsvm open, under whatever name? */
static bool has_open(const char *pid, dev_t device)
{
	char pattern[64];
	bool found = false;
	struct stat st;
	glob_t files;

	snprintf(pattern, sizeof(pattern), "/proc/%s/fd/*", pid);
	if (glob(pattern, 0, NULL, &files))
		return false;
	for (size_t i = 0; !found && i < files.gl_pathc; i++)
		found = !stat(files.gl_pathv[i], &st) && S_ISCHR(st.st_mode) &&
			st.st_rdev == device;
	globfree(&files);
	return found;
}

/* "163 (train), 200 (python3)": those that have it open, or a space of it */
static void find_users(char *users, size_t size)
{
	char path[64], comm[64], name[256], space[80];
	size_t used = 0;
	struct stat st;
	glob_t found;

	*users = '\0';
	if (stat("/dev/rocsvm", &st) || glob("/proc/[0-9]*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc && used < size; i++) {
		const char *pid = found.gl_pathv[i] + strlen("/proc/");

		snprintf(space, sizeof(space), SPACES_PATH "/%.20s", pid);
		if (access(space, F_OK) && !has_open(pid, st.st_rdev))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
		if (read_line(path, comm, sizeof(comm)))
			strcpy(comm, "?");
		used += snprintf(users + used, size - used, "%s%s (%s)", used ? ", " : "", pid,
				 printable(comm, name, sizeof(name)));
	}
	globfree(&found);
}

int cmd_unload(int argc, char **argv)
{
	int ret = no_operands(argc, argv, read_options(argc, argv, NULL, 0));
	char users[512];

	if (ret)
		return ret;
	if (access("/sys/module/" MODULE, F_OK))
		return STATUS_OK;
	ret = geteuid() ? -EPERM : module_unload(MODULE);
	switch (-ret) {
	case 0:
		return STATUS_OK;
	case EPERM:
		complain("only root may unload modules: be root");
		break;
	case EBUSY:
	case EAGAIN:
		find_users(users, sizeof(users));
		if (*users)
			complain("rocsvm is in use by %s: end them first", users);
		else
			complain("rocsvm is in use: close its files in debugfs and tracefs");
		break;
	case ELIBACC:
		complain_load(ret);
		break;
	default:
		complain("can't unload rocsvm: %s", strerror(-ret));
	}
	return STATUS_FAILED;
}
