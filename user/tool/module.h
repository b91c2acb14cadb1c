/* SPDX-License-Identifier: MIT */
/*
 * The kernel module, by libkmod.
 */
#ifndef ROCSVM_MODULE_H
#define ROCSVM_MODULE_H

#include <stdbool.h>
#include <stddef.h>

enum module_state {
	MODULE_LOADED,
	MODULE_NOT_LOADED,	/* installed for the running kernel */
	MODULE_NOT_INSTALLED,
	MODULE_UNKNOWN,		/* not loaded; nothing here can tell if installed */
};
enum module_state module_state(const char *name);

/* Is @option, "name=value", of a parameter that the module has? @names: all of them */
bool module_has_parameter(const char *name, const char *option, char *names, size_t size);

/*
 * As modprobe(8) and modprobe -r do, with dependencies and modprobe.d(5):
 * 0, -ELIBACC without libkmod, or libkmod's -errno
 */
int module_load(const char *name, const char *options);
int module_unload(const char *name);

#endif /* ROCSVM_MODULE_H */
