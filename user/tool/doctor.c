// SPDX-License-Identifier: MIT
/*
 * rocsvm doctor: each thing that makes an open of /dev/rocsvm fail, in the order
 * in which it does, and what to do about it; at last the open itself.
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "json.h"
#include "module.h"
#include "tool.h"

#define NODE		"/dev/rocsvm"
#define KFD		"/dev/kfd"
#define CLASS		"/sys/class/rocsvm/rocsvm/"
#define PARAMETERS	"/sys/module/rocsvm/parameters/"
#define SMALLEST_WINDOW	(4ull << 30)
#define ENOUGH_COMMIT	(1ull << 30)

enum verdict { WELL, WARNING, FAILED, UNTESTED };

struct finding {
	enum verdict verdict;
	char what[160];
	char fix[200];		/* "" if there is nothing to do */
};

__attribute__((format(printf, 3, 4)))
static void find(struct finding *f, enum verdict verdict, const char *format, ...)
{
	va_list args;

	f->verdict = verdict;
	va_start(args, format);
	vsnprintf(f->what, sizeof(f->what), format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3)))
static void fix(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->fix, sizeof(f->fix), format, args);
	va_end(args);
}

static bool in_container(void)
{
	return !access("/run/.containerenv", F_OK) || !access("/.dockerenv", F_OK) ||
	       !access("/run/systemd/container", F_OK) || getenv("container");
}

/* ---- the module and its node ---- */

static void check_module(struct finding *f)
{
	char version[64] = "?";

	switch (module_state("rocsvm")) {
	case MODULE_LOADED:
		read_line(CLASS "version", version, sizeof(version));
		find(f, WELL, "loaded, version %s", version);
		return;
	case MODULE_NOT_INSTALLED:
		find(f, FAILED, "not installed for the running kernel");
		fix(f, "install rocsvm-dkms and the kernel's headers, or make install; "
		    "then rocsvm load");
		break;
	case MODULE_NOT_LOADED:
	case MODULE_UNKNOWN:
		find(f, FAILED, "not loaded");
		fix(f, "rocsvm load, as root");
		break;
	}
	if (in_container())
		fix(f, "load it on the host: rocsvm load");
}

static void check_node(struct finding *f)
{
	unsigned int want_major, want_minor;
	char number[32];
	struct stat st;

	if (stat(NODE, &st)) {
		find(f, FAILED, "%s is missing", NODE);
		if (in_container())
			fix(f, "start the container with --device %s", NODE);
		else
			fix(f, "load the module; is devtmpfs on /dev?");
		return;
	}
	if (!S_ISCHR(st.st_mode)) {
		find(f, FAILED, "%s is no device", NODE);
		fix(f, "rm %s; rocsvm unload; rocsvm load", NODE);
		return;
	}
	if (!read_line(CLASS "dev", number, sizeof(number)) &&
	    sscanf(number, "%u:%u", &want_major, &want_minor) == 2 &&
	    (major(st.st_rdev) != want_major || minor(st.st_rdev) != want_minor)) {
		find(f, FAILED, "%s is %u:%u, and the module's is %s", NODE, major(st.st_rdev),
		     minor(st.st_rdev), number);
		fix(f, "it is from before the module was loaded anew: make the node again, "
		    "or start the container again");
		return;
	}
	find(f, WELL, "%s, mode %04o", NODE, st.st_mode & 07777);
}

/* ---- who may open it ---- */

static const char *user_name(void)
{
	const struct passwd *passwd = getpwuid(getuid());

	return passwd ? passwd->pw_name : "USER";
}

static bool is_member(const struct group *group)
{
	for (char **member = group->gr_mem; *member; member++)
		if (!strcmp(*member, user_name()))
			return true;
	return false;
}

/* May this user open @path for reading and writing, and if not, why? */
static bool check_access(struct finding *f, const char *path)
{
	const struct group *group;
	struct stat st;

	if (!access(path, R_OK | W_OK)) {
		find(f, WELL, "%s may be opened", path);
		return true;
	}
	if (errno == EPERM) {
		find(f, UNTESTED, "%s: a device cgroup refuses it", path);
		return false;
	}
	if (stat(path, &st)) {
		find(f, FAILED, "%s: %s", path, strerror(errno));
		return false;
	}
	group = getgrgid(st.st_gid);
	find(f, FAILED, "%s may not be opened: mode %04o, group %s", path, st.st_mode & 07777,
	     group ? group->gr_name : "unknown");
	if ((st.st_mode & 0060) != 0060 || !st.st_gid)
		fix(f, "udev's rule has not been applied: udevadm trigger --settle %s, as root", path);
	else if (group && is_member(group))
		fix(f, "log in again: the membership in group %s is newer than this login",
		    group->gr_name);
	else
		fix(f, "usermod -aG %s %s, as root, then log in again",
		    group ? group->gr_name : "render", user_name());
	return false;
}

static void check_permission(struct finding *f)
{
	if (access(NODE, F_OK))
		find(f, UNTESTED, "there is no %s", NODE);
	else
		check_access(f, NODE);
}

static void check_kfd(struct finding *f)
{
	if (!access(KFD, F_OK)) {
		check_access(f, KFD);
		return;
	}
	find(f, FAILED, "%s is missing", KFD);
	if (in_container())
		fix(f, "start the container with --device %s --device /dev/dri", KFD);
	else if (module_state("amdgpu") != MODULE_LOADED)
		fix(f, "modprobe amdgpu, as root");
	else
		fix(f, "this amdgpu has no KFD (CONFIG_HSA_AMD), or supports no GPU here: "
		    "dmesg | grep kfd");
}

/* ---- the GPUs ---- */

/* A value of the node's "properties" */
static uint64_t property(const char *path, const char *name)
{
	char line[128], key[64];
	uint64_t value, found = 0;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %" SCNu64, key, &value) == 2 && !strcmp(key, name))
			found = value;
	if (f)
		fclose(f);
	return found;
}

/* Does @look like each GPU's minor of its render node? Those that it has seen */
static unsigned int each_gpu(bool (*look)(struct finding *f, unsigned int minor),
			     struct finding *f)
{
	static const char pattern[] = "/sys/class/kfd/kfd/topology/nodes/*/properties";
	unsigned int count = 0;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!property(found.gl_pathv[i], "simd_count"))
			continue;
		count++;
		if (look && !look(f, property(found.gl_pathv[i], "drm_render_minor")))
			break;
	}
	globfree(&found);
	return count;
}

static void check_gpus(struct finding *f)
{
	unsigned int count = each_gpu(NULL, NULL);

	if (count) {
		find(f, WELL, "%u", count);
		return;
	}
	find(f, FAILED, "KFD has none");
	fix(f, "is there an AMD GPU that amdgpu supports for compute? dmesg | grep -e kfd -e amdgpu");
}

static bool check_render_node(struct finding *f, unsigned int minor)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/dri/renderD%u", minor);
	if (!access(path, F_OK))
		return check_access(f, path);
	find(f, FAILED, "%s is missing", path);
	fix(f, in_container() ? "start the container with --device /dev/dri" :
	    "see dmesg | grep amdgpu");
	return false;
}

static void check_render_nodes(struct finding *f)
{
	if (!each_gpu(check_render_node, f))
		find(f, UNTESTED, "there is no GPU");
}

/* ---- addresses and memory ---- */

static uint64_t proc_kb(const char *path, const char *field)
{
	size_t length = strlen(field);
	uint64_t value = 0;
	char line[128];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, length) && line[length] == ':')
			value = strtoull(line + length + 1, NULL, 10);
	if (f)
		fclose(f);
	return value * 1024;
}

static void check_rlimit(struct finding *f)
{
	uint64_t window = 1ull << 40, used = proc_kb("/proc/self/status", "VmSize");
	char size[24], window_size[24], reserve[32] = "auto";
	struct rlimit limit;

	read_number(PARAMETERS "svm_size", &window);
	read_line(PARAMETERS "reserve", reserve, sizeof(reserve));
	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY) {
		find(f, WELL, "no limit");
		return;
	}
	size_text(limit.rlim_cur, size);
	size_text(window, window_size);
	if (limit.rlim_cur >= used + window || !strcmp(reserve, "never")) {
		find(f, WELL, "%s", size);
		return;
	}
	if (limit.rlim_cur >= used + SMALLEST_WINDOW)
		find(f, WARNING, "%s: the window will be smaller than %s", size, window_size);
	else if (!strcmp(reserve, "auto"))
		find(f, WARNING, "%s: no window fits, so it will be the mmap aperture", size);
	else
		find(f, FAILED, "%s: no window fits, the smallest is 4 GiB", size);
	fix(f, "ulimit -v unlimited (limits.conf: as; systemd: LimitAS=)");
}

static void check_commit(struct finding *f)
{
	uint64_t mode, limit = proc_kb("/proc/meminfo", "CommitLimit");
	uint64_t used = proc_kb("/proc/meminfo", "Committed_AS");
	char size[24];

	if (read_number("/proc/sys/vm/overcommit_memory", &mode) || mode != 2) {
		find(f, WELL, "memory may be overcommitted");
		return;
	}
	size_text(limit > used ? limit - used : 0, size);
	find(f, limit > used + ENOUGH_COMMIT ? WELL : WARNING,
	     "vm.overcommit_memory is 2: host buffers can have %s", size);
	if (f->verdict == WARNING)
		fix(f, "sysctl vm.overcommit_memory=0, or raise vm.overcommit_ratio, as root");
}

/* ---- the open ---- */

/* -EPERM, and not -EACCES, is what a device cgroup says. */
static void check_cgroup(struct finding *f)
{
	static const char *const nodes[] = { KFD, NODE };

	find(f, WELL, "refuses nothing");
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		if (!access(nodes[i], R_OK | W_OK) || errno != EPERM)
			continue;
		find(f, FAILED, "it refuses %s", nodes[i]);
		fix(f, "start the container with --device %s --device %s --device /dev/dri; "
		    "systemd: DeviceAllow=", NODE, KFD);
		return;
	}
}

static void check_open(struct finding *f)
{
	const struct rocsvm_open_options options = {
		.size = sizeof(options), .flags = ROCSVM_OPEN_ACQUIRE,
	};
	struct rocsvm_info info = { .size = sizeof(info) };
	struct rocsvm_ctx *ctx;
	char size[24];
	int ret;

	ret = rocsvm_open(&ctx, &options);
	if (ret) {
		find(f, FAILED, "%s", strerror(-ret));
		fix(f, "%s", explain_open(ret));
		return;
	}
	ret = rocsvm_get_info(ctx, &info);
	rocsvm_unref(ctx);
	if (ret)
		find(f, FAILED, "INFO: %s", strerror(-ret));
	else if (info.aperture == ROCSVM_APERTURE_MMAP)
		find(f, WELL, "mmap aperture, %u of %u GPUs", info.num_acquired, info.num_gpus);
	else
		find(f, WELL, "a window of %s, %u of %u GPUs",
		     size_text(info.window_limit - info.window_base + 1, size),
		     info.num_acquired, info.num_gpus);
	if (!ret && info.space_flags & ROCSVM_SPACE_FALLBACK) {
		f->verdict = WARNING;
		fix(f, "not the aperture that the parameter \"reserve\" asks for: see dmesg");
	}
}

static const struct check {
	const char *name;
	void (*look)(struct finding *f);
} checks[] = {
	{ "module", check_module },
	{ "device", check_node },
	{ "permission", check_permission },
	{ "kfd", check_kfd },
	{ "gpus", check_gpus },
	{ "render-nodes", check_render_nodes },
	{ "address-space", check_rlimit },
	{ "memory", check_commit },
	{ "device-cgroup", check_cgroup },
	{ "open", check_open },
};

/* ---- output ---- */

static const struct {
	const char *name;
	const char *colour;
} verdicts[] = {
	[WELL] = { "ok", GREEN },
	[WARNING] = { "warning", YELLOW },
	[FAILED] = { "failed", RED },
	[UNTESTED] = { "untested", DIM },
};

static void show(const char *name, const struct finding *f)
{
	printf("%s%-8s%s  %-13s  %s\n", colour(verdicts[f->verdict].colour),
	       verdicts[f->verdict].name, colour(RESET), name, f->what);
	if (*f->fix)
		printf("%25s-> %s\n", "", f->fix);
}

static void show_json(struct json *json, const char *name, const struct finding *f)
{
	json_object(json, NULL);
	json_text(json, "name", name);
	json_text(json, "verdict", verdicts[f->verdict].name);
	json_text(json, "what", f->what);
	json_text(json, "fix", *f->fix ? f->fix : NULL);
	json_end_object(json);
}

int cmd_doctor(int argc, char **argv)
{
	bool as_json = false, well = true;
	const struct tool_option options[] = { { "json", 'j', .flag = &as_json } };
	int ret = no_operands(argc, argv, read_options(argc, argv, options, ARRAY_SIZE(options)));
	struct json json = { .to = stdout };

	if (ret)
		return ret;
	if (as_json) {
		json_object(&json, NULL);
		json_array(&json, "checks");
	}
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct finding f = { .verdict = WELL };

		checks[i].look(&f);
		well &= f.verdict == WELL || f.verdict == WARNING;
		if (as_json)
			show_json(&json, checks[i].name, &f);
		else
			show(checks[i].name, &f);
	}
	if (as_json) {
		json_end_array(&json);
		json_bool(&json, "well", well);
		json_end_object(&json);
	}
	return well ? STATUS_OK : STATUS_FAILED;
}
