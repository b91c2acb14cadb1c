// SPDX-License-Identifier: MIT
/*
 * The window that open(2) reserves: of exactly svm_size, inside the SVM range,
 * which is the intersection of all gpuvm apertures as KFD itself reports
 * them, and seen in /proc/self/maps as two VMAs and the control page.
 */
#include "harness.h"

#define MARGIN MiB(2)

/* What the SVM range must be, from KFD's own mouth. */
static void intersect(uint64_t *base, uint64_t *limit, uint32_t *num_gpus)
{
	struct kfd_process_device_apertures aperture[SVM_MAX_GPUS];
	struct kfd_ioctl_get_process_apertures_new_args args = { 0 };
	int kfd = kfd_open();

	ASSERT_EQ(svm_ioctl(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args), 0);
	ASSERT_LE(args.num_of_nodes, SVM_MAX_GPUS);
	args.kfd_process_device_apertures_ptr = (uintptr_t)aperture;
	ASSERT_EQ(svm_ioctl(kfd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args), 0);
	*base = 0;
	*limit = UINT64_MAX;
	*num_gpus = args.num_of_nodes;
	for (uint32_t i = 0; i < args.num_of_nodes; i++) {
		say("GPU %u: gpuvm %llx..%llx", aperture[i].gpu_id,
		    aperture[i].gpuvm_base, aperture[i].gpuvm_limit);
		ASSERT_LT(aperture[i].gpuvm_limit, 1ull << 47);
		if (aperture[i].gpuvm_base > *base)
			*base = aperture[i].gpuvm_base;
		if (aperture[i].gpuvm_limit < *limit)
			*limit = aperture[i].gpuvm_limit;
	}
	close(kfd);
}

static void check_maps(const struct rocsvm_info *info)
{
	struct vma vma[4];
	size_t n = maps_read(0, info->window_base - MARGIN,
			     info->window_limit + 1 + MARGIN + PAGE, vma,
			     ARRAY_SIZE(vma));

	maps_print(0, info->window_base - MARGIN,
		   info->window_limit + 1 + MARGIN + PAGE);
	ASSERT_EQ(n, 3);
	EXPECT(strstr(vma[0].name, "rocsvm") != NULL);
	EXPECT_EQ(vma[0].start, info->window_base - MARGIN);
	EXPECT_EQ(vma[0].end, info->huge_base);
	EXPECT(strstr(vma[1].name, "rocsvm-huge") != NULL);
	EXPECT_EQ(vma[1].start, info->huge_base);
	EXPECT_EQ(vma[1].end, info->window_limit + 1 + MARGIN);
	EXPECT(strstr(vma[2].name, "[rocsvm]") != NULL);
	EXPECT_EQ(vma[2].start, vma[1].end);
	EXPECT_EQ(vma[2].end, vma[2].start + PAGE);
	for (size_t i = 0; i < 3; i++)
		EXPECT_EQ(strcmp(vma[i].perms, "rw-s"), 0);
	for (size_t i = 0; i < 3; i++) {
		/* not copied by fork, not dumped; "mx" is "may execute" */
		EXPECT(smaps_flag((void *)vma[i].start, "dc"));
		EXPECT(smaps_flag((void *)vma[i].start, "dd"));
		EXPECT(!smaps_flag((void *)vma[i].start, "me"));
	}
}

static void test(void)
{
	uint64_t size = file_u64("/sys/module/rocsvm/parameters/svm_size");
	uint64_t base, limit;
	struct rocsvm_info info;
	uint32_t num_gpus;
	size_t before;
	int fd;

	intersect(&base, &limit, &num_gpus);
	maps_count(0);
	before = maps_count(0);
	fd = svm_open();
	ASSERT_GE(fd, 0);
	EXPECT_EQ(maps_count(0), before + 3);
	ASSERT_EQ(svm_info(fd, &info), 0);
	say("svm_size %lx, SVM range %llx..%llx, window %llx..%llx, huge from %llx",
	    size, info.svm_base, info.svm_limit, info.window_base,
	    info.window_limit, info.huge_base);
	EXPECT_EQ(info.num_gpus, num_gpus);
	EXPECT_EQ(info.svm_base, base);
	EXPECT_EQ(info.svm_limit, limit);
	EXPECT_EQ(info.window_limit - info.window_base + 1, size);
	EXPECT_EQ(info.window_base % HUGE_PAGE, 0);
	EXPECT_EQ(info.huge_base, info.window_base + size / 2);
	EXPECT_GE(info.window_base, base);
	EXPECT_LE(info.window_limit, limit);
	EXPECT_EQ(svm_counter("spaces"), 1);
	EXPECT_GE(svm_counter("reserved_bytes"), size);
	check_maps(&info);

	/* only buffers can be touched, and there is none */
	EXPECT_EQ(probe_read((void *)info.window_base), PROBE_MAPERR);
	EXPECT_EQ(probe_write((void *)info.huge_base), PROBE_MAPERR);
	EXPECT_EQ(probe_write((void *)(uintptr_t)info.window_limit), PROBE_MAPERR);

	close(fd);
	EXPECT_EQ(maps_count(0), before);
	EXPECT_EQ(maps_read(0, info.window_base - MARGIN,
			    info.window_limit + 1 + MARGIN + PAGE, NULL, 0), 0);
	EXPECT(svm_all_gone());
	EXPECT_EQ(svm_counter("reserved_bytes"), 0);
}

int main(void)
{
	return test_main(test);
}
