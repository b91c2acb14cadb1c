// SPDX-License-Identifier: MIT
/*
 * Messages: one line that says what is wrong and what to do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "module.h"
#include "tool.h"

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("rocsvm: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int no_arguments(int argc, char **argv)
{
	if (argc == 1)
		return STATUS_OK;
	complain("%s takes no argument (\"%s\"): see rocsvm help", argv[0], argv[1]);
	return STATUS_USAGE;
}

/* /dev/rocsvm is not there, or nothing answers behind it. */
static const char *explain_no_device(void)
{
	switch (module_state("rocsvm")) {
	case MODULE_LOADED:
		return "the rocsvm module is loaded but /dev/rocsvm is missing: is udev or devtmpfs running?";
	case MODULE_NOT_INSTALLED:
		return "the rocsvm module is not installed for the running kernel: make install, then rocsvm load";
	case MODULE_NOT_LOADED:
	case MODULE_UNKNOWN:
		break;
	}
	return "the rocsvm module is not loaded: rocsvm load";
}

const char *explain_open(int error)
{
	bool node = !access("/dev/rocsvm", F_OK);
	bool kfd = !access("/dev/kfd", F_OK);

	if (!node)
		return explain_no_device();
	switch (-error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		if (!kfd)
			return "/dev/kfd is missing, amdgpu drives no GPU: modprobe amdgpu";
		if (module_state("rocsvm") != MODULE_LOADED)
			return explain_no_device();
		return "no GPU whose address space can be shared: see rocsvm gpus, dmesg";
	case EACCES:
		return "no permission for /dev/rocsvm or /dev/kfd: join the group render";
	case EPERM:
		return "refused (a 32-bit program, or a device cgroup): see dmesg";
	case ENOMEM:
		return "no room for the window (ulimit -v? address space full?): see dmesg";
	case EAGAIN:
		return "KFD is locked while a GPU is reset: try again later";
	case EDQUOT:
		return "as many spaces are open as there may be: see max_spaces_* in rocsvm(4)";
	case EMFILE:
		return "too many open files: see ulimit -n";
	default:
		return strerror(-error);
	}
}
