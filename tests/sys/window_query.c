// SPDX-License-Identifier: MIT
/*
 * Linux 6.11 and later look for an ELF header in what a program has mapped, if it
 * asks (PROCMAP_QUERY): the window's files can't be read, and say so without a
 * line in the kernel log.
 */
#include "window.h"

/* <linux/fs.h> of Linux 6.11. */
struct procmap_query {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};

#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)

static int maps_fd;

static void query(uint64_t addr)
{
	char name[64] = "", id[64];
	struct procmap_query q = {
		.size = sizeof(q), .query_addr = addr,
		.vma_name_addr = (uintptr_t)name, .vma_name_size = sizeof(name),
		.build_id_addr = (uintptr_t)id, .build_id_size = sizeof(id),
	};

	EXPECT_EQ(SYS(ioctl(maps_fd, PROCMAP_QUERY, &q)), 0);
	say("%s, build id of %u bytes", name, q.build_id_size);
	EXPECT(q.vma_start <= addr && addr < q.vma_end);
	EXPECT_EQ(q.build_id_size, 0);
}

static void test(void)
{
	struct window w = window_open();
	int log_fd;

	if (!kernel_since(6, 11))
		test_skip("no PROCMAP_QUERY before Linux 6.11");
	maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(maps_fd, 0);
	log_fd = klog_open();
	query(w.base);
	query(w.huge);
	query(w.control_vma.start);
	EXPECT_EQ(klog_count(log_fd, ""), 0);
	close(log_fd);
	close(maps_fd);
	close(w.fd);
}

int main(void)
{
	return window_main(test);
}
