/* SPDX-License-Identifier: MIT */
/*
 * A process's SVM space as others see it: what the module shows in debugfs
 * (docs/ABI/testing/debugfs-rocsvm), or the caller's own by INFO and QUERY.
 */
#ifndef ROCSVM_SPACE_H
#define ROCSVM_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json;
struct rocsvm_ctx;

#define SPACES_PATH	"/sys/kernel/debug/rocsvm"
#define GPUS_UNKNOWN	(-1)

/* What is not known is 0, or the text "?" */
struct buffer {
	uint64_t va;
	uint64_t length;
	uint64_t guard;
	uint64_t age_ms;
	uint64_t tag;
	const char *kind;	/* debugfs's name */
	const char *flags;	/* with commas, or "-" */
	const char *gpus;	/* KFD's ids, with commas, or "-", or "?" */
	const char *label;	/* the caller's, for the picture; or NULL */
	int num_gpus;		/* or GPUS_UNKNOWN */
	uint32_t gpu_id;	/* the first of them */
};

struct space {
	char name[32];		/* of the folder: PID, or PID.n after exec(2) */
	uint64_t pid;
	uint64_t uid;
	char comm[64];		/* any bytes */
	const char *state;
	const char *aperture;
	const char *gpus;
	const char *gpus_acquired;
	uint64_t fallback;
	uint64_t svm_base, svm_limit;
	uint64_t base, limit;	/* the window; 0 if there is none */
	uint64_t huge_base, coherent_base, coherent_limit;
	uint64_t guard, max_alignment, opens;
	uint64_t num_buffers, buffer_bytes, reserved_bytes, quarantined_bytes;
	uint64_t registered_segments, registered_bytes;
	uint64_t kfd_buffers, kfd_bytes;

	struct buffer *buffers;	/* in ascending addresses, outer before inner */
	size_t count;
	char *space_text;	/* what the texts above are parts of */
	char *buffers_text;
};

/*
 * Take @text apart, which is the contents of the file of that name and is
 * owned by the space from then on; 0, or -ENOMEM.
 */
void space_parse(struct space *space, char *text);
int space_parse_buffers(struct space *space, char *text);
void space_free(struct space *space);

/*
 * Read the folder @name of @path (SPACES_PATH), with or without its buffers:
 * 0, or -errno. Afterwards it is to be freed in any case.
 */
int space_read(struct space *space, const char *path, const char *name, bool with_buffers);
/* The caller's own, with its buffers; likewise */
int space_read_own(struct space *space, struct rocsvm_ctx *ctx);

/* All folders of @path, without their buffers, in no order; the count, or -errno */
int spaces_read(struct space **spaces, const char *path);
void spaces_free(struct space *spaces, int count);

/* debugfs's name of enum rocsvm_kind */
const char *kind_key(uint32_t kind);
/* What takes addresses, and no memory */
bool is_reservation(const struct buffer *buffer);
/* All that GPUs can reach: buffers, KFD's own among them, and registered memory */
uint64_t space_bytes(const struct space *space);

/* The buffers of one kind */
#define MAX_KINDS	32
struct sum {
	const char *kind;
	uint64_t count;
	uint64_t bytes;
	uint64_t oldest_ms;
};
/* Those that are @age_ms old at least, by kind, as they come; how many kinds */
size_t sum_kinds(const struct space *space, uint64_t age_ms, struct sum sums[static MAX_KINDS]);

/* What is known of the space without its buffers, as members of an object */
void json_space(struct json *json, const struct space *space);

/* Say why there are no spaces to be read from SPACES_PATH */
void complain_spaces(int error);

#endif /* ROCSVM_SPACE_H */
