// SPDX-License-Identifier: MIT
/*
 * The kernel module, by libkmod, which is loaded only when asked, so that the
 * tool also runs where it is not there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "module.h"
#include "tool.h"

/* Of <libkmod.h> */
#define KMOD_REMOVE_NOLOG		1
#define KMOD_PROBE_FAIL_ON_LOADED	0x20

struct kmod_ctx;
struct kmod_list;
struct kmod_module;

static struct kmod {
	struct kmod_ctx *(*new)(const char *directory, const char *const *config);
	struct kmod_ctx *(*unref)(struct kmod_ctx *ctx);
	void (*set_log_priority)(struct kmod_ctx *ctx, int priority);
	int (*module_new_from_name)(struct kmod_ctx *ctx, const char *name,
				    struct kmod_module **module);
	struct kmod_module *(*module_unref)(struct kmod_module *module);
	const char *(*module_get_path)(const struct kmod_module *module);
	int (*module_probe_insert_module)(struct kmod_module *module, unsigned int flags,
					  const char *options, void *run_install,
					  const void *data, void *print_action);
	int (*module_remove_module)(struct kmod_module *module, unsigned int flags);
	int (*module_get_info)(const struct kmod_module *module, struct kmod_list **list);
	const char *(*module_info_get_key)(const struct kmod_list *entry);
	const char *(*module_info_get_value)(const struct kmod_list *entry);
	void (*module_info_free_list)(struct kmod_list *list);
	struct kmod_list *(*list_next)(const struct kmod_list *list,
				       const struct kmod_list *entry);
} kmod;

static const struct symbol {
	const char *name;
	void *function;
} symbols[] = {
#define SYMBOL(name)	{ "kmod_" #name, &kmod.name }
	SYMBOL(new), SYMBOL(unref), SYMBOL(set_log_priority), SYMBOL(module_new_from_name),
	SYMBOL(module_unref), SYMBOL(module_get_path), SYMBOL(module_probe_insert_module),
	SYMBOL(module_remove_module), SYMBOL(module_get_info), SYMBOL(module_info_get_key),
	SYMBOL(module_info_get_value), SYMBOL(module_info_free_list), SYMBOL(list_next),
};

static bool load_kmod(void)
{
	static void *library;

	if (library)
		return true;
	library = dlopen("libkmod.so.2", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < ARRAY_SIZE(symbols); i++) {
		/* ISO C knows no conversion from an object to a function pointer; POSIX does. */
		void *function = dlsym(library, symbols[i].name);

		if (!function) {
			dlclose(library);
			library = NULL;
			break;
		}
		memcpy(symbols[i].function, &function, sizeof(function));
	}
	return library;
}

struct lookup {
	struct kmod_ctx *ctx;
	struct kmod_module *module;
};

static int look_up(struct lookup *lookup, const char *name)
{
	int ret;

	if (!load_kmod())
		return -ELIBACC;
	lookup->ctx = kmod.new(NULL, NULL);
	if (!lookup->ctx)
		return -ENOMEM;
	/* What went wrong is said here. */
	kmod.set_log_priority(lookup->ctx, 0);
	ret = kmod.module_new_from_name(lookup->ctx, name, &lookup->module);
	if (ret)
		kmod.unref(lookup->ctx);
	return ret;
}

static void put(struct lookup *lookup)
{
	kmod.module_unref(lookup->module);
	kmod.unref(lookup->ctx);
}

enum module_state module_state(const char *name)
{
	enum module_state state;
	struct lookup lookup;
	char path[128];

	/* Also there for what is built in, if it has a parameter or a version. */
	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (!access(path, F_OK))
		return MODULE_LOADED;
	if (look_up(&lookup, name))
		return MODULE_UNKNOWN;
	state = kmod.module_get_path(lookup.module) ? MODULE_NOT_LOADED : MODULE_NOT_INSTALLED;
	put(&lookup);
	return state;
}

/* modinfo's "parm" is "name:description". */
static bool match_parameter(const char *parm, const char *option, char *names, size_t size)
{
	size_t length = strcspn(parm, ":"), used = strlen(names);

	snprintf(names + used, size - used, "%s%.*s", used ? ", " : "", (int)length, parm);
	return !strncmp(parm, option, length) && option[length] == '=';
}

bool module_has_parameter(const char *name, const char *option, char *names, size_t size)
{
	struct kmod_list *list = NULL;
	struct lookup lookup;
	bool found = false;

	*names = '\0';
	if (look_up(&lookup, name))
		return true;
	if (kmod.module_get_info(lookup.module, &list) < 0)
		found = true;	/* loading it will tell */
	for (struct kmod_list *entry = list; entry; entry = kmod.list_next(list, entry))
		if (!strcmp(kmod.module_info_get_key(entry), "parm"))
			found |= match_parameter(kmod.module_info_get_value(entry), option,
						 names, size);
	kmod.module_info_free_list(list);
	put(&lookup);
	return found;
}

int module_load(const char *name, const char *options)
{
	struct lookup lookup;
	int ret = look_up(&lookup, name);

	if (ret)
		return ret;
	ret = kmod.module_probe_insert_module(lookup.module, KMOD_PROBE_FAIL_ON_LOADED, options,
					      NULL, NULL, NULL);
	put(&lookup);
	return ret;
}

int module_unload(const char *name)
{
	struct lookup lookup;
	int ret = look_up(&lookup, name);

	if (ret)
		return ret;
	ret = kmod.module_remove_module(lookup.module, KMOD_REMOVE_NOLOG);
	put(&lookup);
	return ret;
}
