/* SPDX-License-Identifier: MIT */
/*
 * Failures on order: every allocation, and every copy from or to user memory,
 * that one call makes is made to fail once, and the world has to be as before.
 *
 * The kernel counts such points for a task from what is written to its
 * fail-nth on, and has the n-th one fail; n goes up until the call has fewer.
 *
 * Not all of them are to fail. A module of the tests' (failnth_filter) judges
 * each by its stack, and leaves these out of the count:
 *
 *  - those of the kernel's own checks (kmemleak, debug objects, KASAN): the
 *    call does not notice, or the checks end;
 *  - those inside amdgpu, KFD's own as well. Some of them it does not survive.
 *
 * So it is always known what has failed, and no number has a meaning. The output
 * says how many were left out.
 */
#ifndef ROCSVM_TESTS_FAILNTH_H
#define ROCSVM_TESTS_FAILNTH_H

#include "harness.h"

/* A call to be made to fail. All functions get @arg of the sweep. */
struct failnth_case {
	const char *name;
	/* What the call needs; may be NULL. */
	void (*before)(void *arg);
	/* The call: 0 or -errno. */
	int (*call)(void *arg);
	/* Take it back if it was a success, check that it is none if not. */
	void (*after)(void *arg, int result);
	/* The space to look at after each call; NULL: none. */
	int *fd;
	/* Pages fail, too, of which slabs have a new one at times only. */
	bool pages;
	/* Each call in a child process of its own. */
	bool forked;
	/* Not the caller's points: those of whoever calls failnth_arm(). */
	bool elsewhere;
	/* Others do a part of it at times: its points are not always the same. */
	bool racy;
	/* One more error that the call may have, beside the usual ones. */
	int also;
};

/* Where a point is; as in the module. */
enum failnth_site {
	FAILNTH_OURS,		/* rocsvm, or the kernel for it */
	FAILNTH_CONTROL,	/* a copy between KFD and the control page */
	FAILNTH_KFD,		/* KFD's own */
	FAILNTH_AMDGPU,
	FAILNTH_FATAL,		/* not survived by amdgpu */
	FAILNTH_CHECKS,		/* the kernel's checks of itself */
	FAILNTH_FILE,		/* fail-nth itself */
	FAILNTH_NUM_SITES,
};

/* What has failed in the present call. */
extern enum failnth_site failnth_now;

/*
 * From now on the points of the calling thread count, in place of those of the
 * call: to its end, or to its next program's.
 */
void failnth_arm(void);

/* A buffer can be had, mapped, used, freed. This also ends quarantine. */
void failnth_usable(int fd);

/* No hole, and nothing else, where the window is. */
void failnth_window_whole(const struct rocsvm_info *info);

/* Make each point of the call fail, one by one. */
void failnth_sweep(const struct failnth_case *c, void *arg);

/*
 * Run @test, which sweeps, in a process of its own: what a copy that fails
 * between KFD and the control page loses is lost for that process's life alone.
 */
void failnth_test(void (*test)(void));

#endif /* ROCSVM_TESTS_FAILNTH_H */
