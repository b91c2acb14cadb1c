// SPDX-License-Identifier: MIT
/*
 * The options of a subcommand.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define MAX_OPTIONS	8

static bool read_value(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

int read_options(int argc, char **argv, const struct tool_option *options, size_t num)
{
	struct option longs[MAX_OPTIONS + 1] = { 0 };
	char shorts[2 * MAX_OPTIONS + 1] = "";
	int letter;

	for (size_t i = 0; i < num && i < MAX_OPTIONS; i++) {
		char one[3] = { options[i].letter, options[i].value ? ':' : '\0' };

		longs[i] = (struct option){ options[i].name, options[i].value ? 1 : 0, NULL,
					    options[i].letter };
		strcat(shorts, one);
	}
	opterr = 0;
	optind = 1;
	for (;;) {
		int at = optind;
		size_t i = 0;

		letter = getopt_long(argc, argv, shorts, longs, NULL);
		if (letter == -1)
			return optind;
		while (i < num && options[i].letter != letter)
			i++;
		if (i == num) {
			complain("%s: bad option \"%s\": see rocsvm %s --help", argv[0], argv[at],
				 argv[0]);
			return -1;
		}
		if (options[i].flag)
			*options[i].flag = true;
		else if (!read_value(optarg, options[i].value)) {
			complain("%s: \"%s\" is no number", argv[0], optarg);
			return -1;
		}
	}
}

int no_operands(int argc, char **argv, int first)
{
	if (first < 0)
		return STATUS_USAGE;
	if (first == argc)
		return STATUS_OK;
	complain("%s takes no argument (\"%s\"): see rocsvm help", argv[0], argv[first]);
	return STATUS_USAGE;
}
