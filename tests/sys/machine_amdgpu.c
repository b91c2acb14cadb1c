// SPDX-License-Identifier: MIT
/*
 * amdgpu goes and comes: it can't go while a process has a space, and can with
 * rocsvm loaded and idle; without it, opening says -ENODEV; rocsvm can be loaded
 * first; and with amdgpu back all works.
 */
#include "hostile.h"

static int unload(const char *name)
{
	return SYS(syscall(SYS_delete_module, name, O_NONBLOCK));
}

/* The parameters that amdgpu was loaded with. */
static void load_amdgpu(void)
{
	int r = system(". /etc/run.conf && modprobe amdgpu $AMDGPU_PARAMS");

	ASSERT_EQ(r, 0);
	EXPECT(EVENTUALLY(!access("/dev/kfd", R_OK) &&
			  !access("/dev/dri/renderD128", R_OK), 20000));
}

static int load_rocsvm(void)
{
	int fd = open(getenv("ROCSVM_KO"), O_RDONLY | O_CLOEXEC), r;

	ASSERT_GE(fd, 0);
	r = SYS(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	return r;
}

static void works(void *unused)
{
	int fd = svm_start();

	(void)unused;
	use_all_kinds(fd, KiB(64));
	close(fd);
}

static struct sync used, go_on;

static void user(void *unused)
{
	int fd = svm_start();
	char *va = svm_alloc(fd, ROCSVM_KIND_VRAM, KiB(64));

	(void)unused;
	pattern_fill(va, KiB(64), 1);
	EXPECT_EQ(svm_map_all(fd, va), 0);
	sync_post(&used);
	sync_wait(&go_on);
	/* No file, but what is mapped and bound. */
	close(fd);
	sync_post(&used);
	sync_wait(&go_on);
}

static void refused_in_use(void)
{
	pid_t pid;

	sync_init(&used);
	sync_init(&go_on);
	pid = child_start(user, NULL);
	sync_wait(&used);
	EXPECT_EQ(unload("amdgpu"), -EAGAIN);
	EXPECT_EQ(unload("rocsvm"), -EAGAIN);
	sync_post(&go_on);
	sync_wait(&used);
	/* A process that is bound to KFD keeps its files: a dormant space. */
	EXPECT_EQ(unload("amdgpu"), -EAGAIN);
	sync_post(&go_on);
	EXPECT_EQ(child_wait(pid), 0);
	EXPECT(svm_all_gone());
}

static void refused_without(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(svm_open(), -ENODEV);
	EXPECT_EQ(svm_counter("spaces"), 0);
}

static void test(void)
{
	if (!getenv("ROCSVM_KO"))
		test_skip("ROCSVM_KO names no module");
	refused_in_use();

	ASSERT(EVENTUALLY(!unload("amdgpu"), 20000));
	say("amdgpu has gone, rocsvm has stayed");
	EXPECT_EQ(run_child(refused_without, NULL), 0);

	ASSERT(EVENTUALLY(!unload("rocsvm"), 20000));
	ASSERT_EQ(load_rocsvm(), 0);
	say("rocsvm comes first");
	EXPECT_EQ(run_child(refused_without, NULL), 0);
	load_amdgpu();
	EXPECT_EQ(run_child(works, NULL), 0);
	EXPECT(svm_all_gone());
}

int main(void)
{
	return test_main(test);
}
