// SPDX-License-Identifier: MIT
/*
 * State of a kernel module. libkmod knows what is installed; it is loaded
 * only when asked, so that the tool also runs where it is not there.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "tool.h"

struct kmod_ctx;
struct kmod_module;

struct kmod {
	struct kmod_ctx *(*new)(const char *directory, const char *const *config);
	struct kmod_ctx *(*unref)(struct kmod_ctx *ctx);
	int (*module_new_from_name)(struct kmod_ctx *ctx, const char *name,
				    struct kmod_module **module);
	const char *(*module_get_path)(const struct kmod_module *module);
	struct kmod_module *(*module_unref)(struct kmod_module *module);
};

static bool load_kmod(void *library, struct kmod *kmod)
{
	/* ISO C knows no conversion from an object to a function pointer; POSIX does. */
	*(void **)&kmod->new = dlsym(library, "kmod_new");
	*(void **)&kmod->unref = dlsym(library, "kmod_unref");
	*(void **)&kmod->module_new_from_name = dlsym(library, "kmod_module_new_from_name");
	*(void **)&kmod->module_get_path = dlsym(library, "kmod_module_get_path");
	*(void **)&kmod->module_unref = dlsym(library, "kmod_module_unref");
	return kmod->new && kmod->unref && kmod->module_new_from_name &&
	       kmod->module_get_path && kmod->module_unref;
}

static enum module_state look_up(const struct kmod *kmod, const char *name)
{
	enum module_state state = MODULE_UNKNOWN;
	struct kmod_module *module;
	struct kmod_ctx *ctx;

	ctx = kmod->new(NULL, NULL);
	if (!ctx)
		return MODULE_UNKNOWN;
	if (!kmod->module_new_from_name(ctx, name, &module)) {
		state = kmod->module_get_path(module) ? MODULE_NOT_LOADED : MODULE_NOT_INSTALLED;
		kmod->module_unref(module);
	}
	kmod->unref(ctx);
	return state;
}

enum module_state module_state(const char *name)
{
	enum module_state state = MODULE_UNKNOWN;
	struct kmod kmod;
	char path[128];
	void *library;

	/* Also there for what is built in, if it has a parameter or a version. */
	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (!access(path, F_OK))
		return MODULE_LOADED;
	library = dlopen("libkmod.so.2", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return MODULE_UNKNOWN;
	if (load_kmod(library, &kmod))
		state = look_up(&kmod, name);
	dlclose(library);
	return state;
}
