/* SPDX-License-Identifier: MIT */
/*
 * What the tests of hostile and unlucky processes share.
 */
#ifndef ROCSVM_TESTS_HOSTILE_H
#define ROCSVM_TESTS_HOSTILE_H

#include <grp.h>

#include "window.h"

#define NOBODY 65534

static inline void become_nobody(void)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setgid(NOBODY), 0);
	ASSERT_EQ(setuid(NOBODY), 0);
}

/* KFD's own account of a GPU's memory, through a file that stays open. */
struct account {
	int kfd;
	uint32_t gpu;
	uint64_t available;
};

static inline struct account account_open(void)
{
	struct account a = { .kfd = kfd_open() };
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	a.gpu = svm_gpu(fd, 0);
	close(fd);
	a.available = kfd_available(a.kfd, a.gpu);
	return a;
}

/* All is given back: by the counters, and by KFD. */
#define EXPECT_SETTLED(a) do {						\
	EXPECT(svm_all_gone());						\
	EXPECT(EVENTUALLY(kfd_available((a)->kfd, (a)->gpu) ==		\
			  (a)->available, 20000));			\
} while (0)

/*
 * One round of what a program does: a buffer of each kind, mapped and freed.
 * All of it has to succeed.
 */
static inline void use_all_kinds(int fd, uint64_t length)
{
	static const uint32_t kinds[] = {
		ROCSVM_KIND_HOST, ROCSVM_KIND_GTT, ROCSVM_KIND_VRAM,
		ROCSVM_KIND_PRIVATE_VRAM,
	};
	char *va[ARRAY_SIZE(kinds)];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		va[i] = svm_alloc(fd, kinds[i], length);
		EXPECT_EQ(svm_map_all(fd, va[i]), 0);
		if (kinds[i] == ROCSVM_KIND_PRIVATE_VRAM)
			continue;
		pattern_fill(va[i], PAGE, i);
		EXPECT_EQ(pattern_differs(va[i], PAGE, i), -1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_EQ(svm_free(fd, va[i]), 0);
}

#endif /* ROCSVM_TESTS_HOSTILE_H */
