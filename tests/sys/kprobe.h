/* SPDX-License-Identifier: MIT */
/*
 * Watching calls of a kernel function through tracefs: for what leaves nothing
 * behind that could be read. Only calls of one thread are seen, the one that set
 * the probe unless another is named.
 */
#ifndef ROCSVM_TESTS_KPROBE_H
#define ROCSVM_TESTS_KPROBE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KPROBE_VALUES 6

struct kprobe {
	char event[64];
	int num_values;
};

/* One call: the values of the fetch arguments, in their order. */
struct kprobe_call {
	uint64_t value[KPROBE_VALUES];
};

/*
 * Watch @function, as in "amdgpu:kfd_ioctl_set_memory_policy", also a static
 * one. @fetch is what to record, in the language of the kernel's
 * Documentation/trace/kprobetrace.rst: "base=+0(%dx):x64 id=+16(%dx):x32"
 * reads from a structure that the third argument points to. A probe that an
 * earlier test has left behind is removed. Ends the test on failure.
 */
void kprobe_open(struct kprobe *probe, const char *function, const char *fetch);

/* From here on the calls of another thread are seen. */
void kprobe_thread(struct kprobe *probe, pid_t tid);

/*
 * The calls since the last time that this was asked: at most @room are put
 * into @calls, which may be NULL; returns how many there were.
 */
size_t kprobe_read(struct kprobe *probe, struct kprobe_call *calls, size_t room);

void kprobe_close(struct kprobe *probe);

#endif /* ROCSVM_TESTS_KPROBE_H */
