// SPDX-License-Identifier: MIT
/*
 * The rocsvm tool: a table of subcommands.
 */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "bench", "[--cycles N] [--json]", "measure what a buffer costs, by rocsvm and by KFD",
	  cmd_bench },
	{ "demo", "", "show shared virtual memory at work, step by step", cmd_demo },
	{ "doctor", "[--json]", "find out why /dev/rocsvm can't be opened, and what to do",
	  cmd_doctor },
	{ "gpus", "[--json]", "list the GPUs and their apertures", cmd_gpus },
	{ "leaks", "[--age SECONDS] [--json]", "list memory that is old, or whose holder is dying",
	  cmd_leaks },
	{ "load", "[NAME=VALUE]...", "load the module, with parameters", cmd_load },
	{ "map", "[--all | --list | --json] PID", "draw a process's SVM space", cmd_map },
	{ "run", "[--] PROGRAM [ARGUMENT]...", "run a program for which /dev/kfd is /dev/rocsvm",
	  cmd_run },
	{ "status", "[--json]", "is the module loaded, is a GPU there, what is in use", cmd_status },
	{ "top", "[--delay SECONDS] [--iterations N] [--json]", "watch who uses how much", cmd_top },
	{ "unload", "", "unload the module", cmd_unload },
	{ "help", "", "show this", cmd_help },
	{ "version", "", "show the version", cmd_version },
};

static void usage(FILE *to)
{
	fprintf(to, "usage: rocsvm COMMAND\n\n"
		"One virtual address for CPU and GPU, kept by the kernel.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fprintf(to, "\nSee rocsvm(8).\n");
}

static int describe(const struct command *command)
{
	printf("usage: rocsvm %s%s%s\n\n%s\n", command->name, *command->arguments ? " " : "",
	       command->arguments, command->help);
	return STATUS_OK;
}

static int cmd_help(int argc, char **argv)
{
	int ret = no_arguments(argc, argv);

	if (!ret)
		usage(stdout);
	return ret;
}

static int cmd_version(int argc, char **argv)
{
	int ret = no_arguments(argc, argv);

	if (!ret)
		printf("rocsvm %s (ABI %d)\n", rocsvm_version(), ROCSVM_ABI);
	return ret;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		name = "version";
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int ret;

		if (strcmp(name, commands[i].name))
			continue;
		if (argc == 3 && !strcmp(argv[2], "--help"))
			ret = describe(&commands[i]);
		else
			ret = commands[i].run(argc - 1, argv + 1);
		if (fflush(stdout) && !ret) {
			complain("can't write to standard output");
			ret = STATUS_FAILED;
		}
		return ret;
	}
	complain("no command \"%s\": see rocsvm help", name);
	return STATUS_USAGE;
}
