// SPDX-License-Identifier: MIT
/*
 * rocsvm load and unload: what is not installed, built for another kernel, in use,
 * or asked for with a wrong parameter is told in one line, and nothing happens;
 * else the module is there with its parameters, or gone.
 */
#include "tool.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#define LOADED (access("/sys/module/rocsvm", F_OK) == 0)

static char file[256], list[256], away[300];

/* The module where modprobe looks; @change is done to the file before. */
static void install(void (*change)(char *data, long size))
{
	struct stat st;
	char *data;
	FILE *f;

	f = fopen(getenv("ROCSVM_KO"), "re");
	ASSERT(f);
	ASSERT_EQ(fstat(fileno(f), &st), 0);
	data = malloc(st.st_size);
	ASSERT(data);
	ASSERT_EQ(fread(data, 1, st.st_size, f), st.st_size);
	fclose(f);
	if (change)
		change(data, st.st_size);
	f = fopen(file, "we");
	ASSERT(f);
	ASSERT_EQ(fwrite(data, 1, st.st_size, f), st.st_size);
	ASSERT_EQ(fclose(f), 0);
	free(data);
}

static void other_kernel(char *data, long size)
{
	char *magic = memmem(data, size, "vermagic=", 9);

	/* Behind the release, which does not count where symbols have versions. */
	ASSERT(magic);
	magic = strchr(magic, ' ');
	ASSERT(magic);
	magic[1] = '?';
}

static void prepare(void)
{
	ASSERT_EQ(prctl(PR_SET_NAME, "user\033"), 0);
	svm_start();
}

static void unloading(void)
{
	struct holder h = { .prepare = prepare };
	char who[64];

	holder_start(&h);
	expect_complaint(tool("unload"), 1);
	snprintf(who, sizeof(who), "in use by %d (user\\x1b): end them", h.pid);
	EXPECT_ERR(who);
	EXPECT(LOADED);
	holder_end(&h);
	EXPECT(svm_all_gone());
	EXPECT(EVENTUALLY(tool("unload") == 0, 5000));
	EXPECT(!LOADED);
	EXPECT_EQ(tool("unload"), 0);
}

static void loading(void)
{
	ASSERT_EQ(rename(list, away), 0);
	expect_complaint(tool("load"), 1);
	EXPECT_ERR("depmod -a");
	unlink(file);
	expect_complaint(tool("load"), 1);
	EXPECT_ERR("not installed for kernel ");
	ASSERT_EQ(rename(away, list), 0);
	install(other_kernel);
	expect_complaint(tool("load"), 1);
	EXPECT_ERR("built for another kernel");
	install(NULL);
	expect_complaint(tool("load wrong=1"), 2);
	EXPECT_ERR("no parameter \"wrong\"; it has: ");
	EXPECT_ERR("svm_size");
	expect_complaint(tool("load reserve"), 2);
	expect_complaint(tool("load reserve=sometimes"), 1);
	EXPECT_ERR("value is wrong");
	EXPECT(!LOADED);

	EXPECT_EQ(tool("load reserve=never"), 0);
	EXPECT(LOADED);
	EXPECT_EQ(system("grep -q never /sys/module/rocsvm/parameters/reserve"), 0);
	EXPECT_EQ(tool("load"), 0);
	expect_complaint(tool("load reserve=auto"), 1);
	EXPECT_ERR("loaded already");
	expect_complaint(tool("map 1"), 1);
	EXPECT_ERR("no process 1 uses rocsvm; those that do: none");
}

static void as_nobody(void *unused)
{
	(void)unused;
	ASSERT_EQ(setgid(65534), 0);
	ASSERT_EQ(setuid(65534), 0);
	expect_complaint(tool("unload"), 1);
	EXPECT_ERR("be root");
	EXPECT(LOADED);
}

static void test(void)
{
	struct utsname name;

	if (access("/lib/libkmod.so.2", F_OK))
		test_skip("no libkmod");
	uname(&name);
	snprintf(file, sizeof(file), "/lib/modules/%s/updates/rocsvm.ko", name.release);
	snprintf(list, sizeof(list), "/lib/modules/%s/modules.dep.bin", name.release);
	snprintf(away, sizeof(away), "%s.away", list);
	unloading();
	loading();
	EXPECT_EQ(run_child(as_nobody, NULL), 0);
	EXPECT_EQ(tool("unload"), 0);
	EXPECT_EQ(tool("load"), 0);
}

int main(void)
{
	return test_main(test);
}
