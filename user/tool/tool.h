/* SPDX-License-Identifier: MIT */
/*
 * What the files of the rocsvm tool share.
 */
#ifndef ROCSVM_TOOL_H
#define ROCSVM_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/rocsvm.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit status, as rocsvm(8) says */
enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_FOUND = 3,	/* leaks: there are some */
};

/* Subcommands: argv[0] is the subcommand's name */
int cmd_bench(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_gpus(int argc, char **argv);
int cmd_leaks(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_unload(int argc, char **argv);

/* message.c: one line on standard error: what is wrong, and what to do */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
int no_arguments(int argc, char **argv);
/* Why rocsvm_open() failed, in words; never NULL */
const char *explain_open(int error);

/* options.c: a flag, or a decimal number that follows the option */
struct tool_option {
	const char *name;
	char letter;
	bool *flag;
	uint64_t *value;
};
/* The index of the first operand in @argv, or -1 once it has complained */
int read_options(int argc, char **argv, const struct tool_option *options, size_t num);
/* STATUS_OK if @first is right and there is no operand, else STATUS_USAGE */
int no_operands(int argc, char **argv, int first);

/* text.c */
/* "64 KiB" if that is exact, "1.5 MiB" to one decimal if not */
const char *size_text(uint64_t bytes, char text[static 24]);
/* "12 s", "3 min", "5 h", "2 d": cut, not rounded */
const char *age_text(uint64_t ms, char text[static 24]);
/* Any bytes as printable ASCII: \xNN for what is not, \\ for a backslash */
const char *printable(const char *bytes, char *text, size_t size);
/* @sequence, or "" where colour is not wanted: no terminal, or NO_COLOR is set */
const char *colour(const char *sequence);
#define RESET	"\033[0m"
#define BOLD	"\033[1m"
#define DIM	"\033[2m"
#define RED	"\033[31m"
#define GREEN	"\033[32m"
#define YELLOW	"\033[33m"
#define BLUE	"\033[34m"
#define MAGENTA	"\033[35m"
#define CYAN	"\033[36m"

/* sysfs.c: the first line of an attribute, without its newline; or -errno */
int read_line(const char *path, char *line, size_t size);
/* A decimal number of an attribute; or -errno */
int read_number(const char *path, uint64_t *value);
/* Attributes of the DRM device behind a GPU's render node, such as "mem_info_vram_total" */
int read_drm_number(struct rocsvm_ctx *ctx, uint32_t gpu_id, const char *name, uint64_t *value);
/* "gfx900" of KFD's gfx_target_version 90000 */
void gfx_name(uint64_t version, char text[static 24]);

/*
 * leaks.c: what the process of /proc/PID/stat is if it will not run again: "gone",
 * "zombie", "dying"; else NULL. @pending: its signals
 */
const char *process_state(const char *stat, uint64_t pending);

/* maps.c: what /proc/self/maps shows */
struct mapping {
	uint64_t base;
	uint64_t end;		/* exclusive */
	char access[8];
	char name[64];
};
/* The mappings that meet [base, limit], at most @max; the count, or -errno */
int read_mappings(uint64_t base, uint64_t limit, struct mapping *mappings, int max);

/* fault.c: does the CPU fault when it reads the byte at @ptr? */
bool read_faults(const void *ptr);

#endif /* ROCSVM_TOOL_H */
