// SPDX-License-Identifier: MIT
/*
 * A container as docker and podman make it: which devices it has is what a BPF
 * program of its cgroup (v2) says. Without rocsvm's node, KFD's or the GPU's
 * the kernel's own errno is the answer, nothing is left behind, and everybody
 * else goes on.
 */
#include "hostile.h"

#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define GROUP "/sys/fs/cgroup/rocsvm-container"

static void remove_group(void)
{
	rmdir(GROUP);
}

static long bpf(int cmd, union bpf_attr *attr)
{
	return SYS(syscall(SYS_bpf, cmd, attr, sizeof(*attr)));
}

static struct bpf_insn load(uint8_t to, int16_t offset)
{
	return (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
				  .dst_reg = to, .src_reg = BPF_REG_1,
				  .off = offset };
}

static struct bpf_insn skip_unless(uint8_t reg, int32_t value, int16_t skip)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_JNE | BPF_K,
				  .dst_reg = reg, .off = skip, .imm = value };
}

static struct bpf_insn set(uint8_t reg, int32_t value)
{
	return (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
				  .dst_reg = reg, .imm = value };
}

/* A program that allows all devices but one. */
static int load_filter(dev_t denied)
{
	const struct bpf_insn leave = { .code = BPF_JMP | BPF_EXIT };
	const struct bpf_insn code[] = {
		load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, major)),
		skip_unless(BPF_REG_2, major(denied), 4),
		load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, minor)),
		skip_unless(BPF_REG_2, minor(denied), 2),
		set(BPF_REG_0, 0), leave,
		set(BPF_REG_0, 1), leave,
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (uintptr_t)"",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

/* The group has no such device from now on; what it lacked before it has. */
static void deny(const char *path)
{
	union bpf_attr attr = { .attach_type = BPF_CGROUP_DEVICE };
	int group = open(GROUP, O_RDONLY | O_CLOEXEC), filter;
	struct stat st;

	ASSERT_GE(group, 0);
	ASSERT_EQ(SYS(stat(path, &st)), 0);
	filter = load_filter(st.st_rdev);
	if (filter == -ENOSYS || filter == -EINVAL)
		test_skip("no BPF programs for cgroups");
	ASSERT_GE(filter, 0);
	attr.target_fd = group;
	attr.attach_bpf_fd = filter;
	ASSERT_EQ(bpf(BPF_PROG_ATTACH, &attr), 0);
	close(filter);
	close(group);
	say("without %s", path);
}

static void join_group(void)
{
	ASSERT_EQ(file_write(GROUP "/cgroup.procs", "0"), 0);
}

/* The real KFD is not to be had there, nor has the container's own a say. */
static void without_kfd(void *unused)
{
	size_t vmas;

	(void)unused;
	join_group();
	vmas = maps_named(0, "rocsvm");
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR | O_CLOEXEC)), -EPERM);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(svm_open(), -EPERM);
	EXPECT_EQ(maps_named(0, "rocsvm"), vmas);
}

static void without_rocsvm(void *unused)
{
	(void)unused;
	join_group();
	EXPECT_EQ(svm_open(), -EPERM);
	close(kfd_open());
}

/* A GPU whose render node is denied is none for KFD, which itself opens. */
static void without_render(void *unused)
{
	(void)unused;
	join_group();
	EXPECT_EQ(svm_open(), -ENODEV);
	close(kfd_open());
}

/* What has been opened before stays, and so does what is made with it. */
static void with_all(void *unused)
{
	int fd;

	(void)unused;
	deny("/dev/zero");
	join_group();
	fd = svm_start();
	deny("/dev/kfd");
	EXPECT_EQ(SYS(open("/dev/kfd", O_RDWR | O_CLOEXEC)), -EPERM);
	use_all_kinds(fd, KiB(64));
	close(fd);
	EXPECT_EQ(svm_open(), -EPERM);
}

static void test(void)
{
	struct account a = account_open();
	int other = svm_start();
	char render[32];

	at_end(remove_group);
	if (access("/sys/fs/cgroup/cgroup.controllers", R_OK))
		test_skip("no cgroup v2");
	snprintf(render, sizeof(render), "/dev/dri/renderD%d", render_minor(a.gpu));
	ASSERT_EQ(SYS(mkdir(GROUP, 0755)), 0);

	deny("/dev/kfd");
	EXPECT_EQ(run_child(without_kfd, NULL), 0);
	EXPECT_EQ(svm_counter("spaces"), 1);
	use_all_kinds(other, KiB(64));

	deny("/dev/rocsvm");
	EXPECT_EQ(run_child(without_rocsvm, NULL), 0);
	use_all_kinds(other, KiB(64));

	deny(render);
	EXPECT_EQ(run_child(without_render, NULL), 0);
	use_all_kinds(other, KiB(64));

	EXPECT_EQ(run_child(with_all, NULL), 0);
	use_all_kinds(other, KiB(64));
	close(other);
	EXPECT_SETTLED(&a);
}

int main(void)
{
	return window_main(test);
}
