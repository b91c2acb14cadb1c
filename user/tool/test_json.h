/* SPDX-License-Identifier: MIT */
/*
 * For tests: is a text JSON, all of it (RFC 8259), and UTF-8 without control
 * characters in its strings?
 */
#ifndef ROCSVM_TEST_JSON_H
#define ROCSVM_TEST_JSON_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Each takes what it expects off *@at, and says if it was there. */
static bool json_check_value(const char **at, int depth);

static inline void json_check_space(const char **at)
{
	*at += strspn(*at, " \t\n\r");
}

static inline bool json_check_char(const char **at, char c)
{
	json_check_space(at);
	if (**at != c)
		return false;
	++*at;
	return true;
}

static inline bool json_check_escape(const char **at)
{
	char c = *(*at)++;

	if (c != 'u')
		return c && strchr("\"\\/bfnrt", c);
	for (int i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)*(*at)++))
			return false;
	return true;
}

static inline bool json_check_string(const char **at)
{
	if (!json_check_char(at, '"'))
		return false;
	for (;;) {
		unsigned char c = *(*at)++;
		int more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : -1;

		if (c == '"')
			return true;
		if (c < 0x20 || c > 0xf4 || more < 0)
			return false;
		if (c == '\\' && !json_check_escape(at))
			return false;
		for (; more; more--)
			if (((unsigned char)*(*at)++ & 0xc0) != 0x80)
				return false;
	}
}

static inline bool json_check_number(const char **at)
{
	*at += **at == '-';
	if (!isdigit((unsigned char)**at) || (**at == '0' && isdigit((unsigned char)(*at)[1])))
		return false;
	*at += strspn(*at, "0123456789");
	if (**at == '.') {
		++*at;
		if (!isdigit((unsigned char)**at))
			return false;
		*at += strspn(*at, "0123456789");
	}
	return **at != 'e' && **at != 'E';	/* written by nobody here */
}

static inline bool json_check_members(const char **at, char end, int depth)
{
	if (json_check_char(at, end))
		return true;
	do {
		if (end == '}' && !(json_check_string(at) && json_check_char(at, ':')))
			return false;
		if (!json_check_value(at, depth + 1))
			return false;
	} while (json_check_char(at, ','));
	return json_check_char(at, end);
}

static inline bool json_check_value(const char **at, int depth)
{
	static const char *const words[] = { "true", "false", "null" };

	if (depth > 16)
		return false;
	json_check_space(at);
	if (**at == '"')
		return json_check_string(at);
	if (**at == '{' || **at == '[') {
		char end = *(*at)++ == '{' ? '}' : ']';

		return json_check_members(at, end, depth);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strncmp(*at, words[i], strlen(words[i]))) {
			*at += strlen(words[i]);
			return true;
		}
	}
	return json_check_number(at);
}

static inline bool json_valid(const char *text)
{
	if (!json_check_value(&text, 0))
		return false;
	json_check_space(&text);
	return !*text;
}

#endif /* ROCSVM_TEST_JSON_H */
