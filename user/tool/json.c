// SPDX-License-Identifier: MIT
/*
 * Writing JSON.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

/* Bytes of the character at @text if it is valid UTF-8, else 0 */
static int utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };

	for (int i = 0; i < 4; i++) {
		uint32_t c = *text & (unsigned char)~forms[i].mask;

		if ((*text & forms[i].mask) != forms[i].lead)
			continue;
		for (int n = 1; n <= i; n++) {
			if ((text[n] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (text[n] & 0x3f);
		}
		if (c < forms[i].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return 0;
		return i + 1;
	}
	return 0;
}

static void quoted(FILE *to, const char *text)
{
	fputc('"', to);
	while (*text) {
		int length = utf8_length((const unsigned char *)text);
		unsigned char c = *text;

		if (!length)
			fputs("\\ufffd", to);
		else if (c < 0x20 || c == 0x7f)
			fprintf(to, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else
			fwrite(text, 1, length, to);
		text += length ?: 1;
	}
	fputc('"', to);
}

static void begin(struct json *json, const char *name)
{
	if (json->more)
		fputc(',', json->to);
	if (json->depth)
		fputc('\n', json->to);
	for (int i = 0; i < json->depth; i++)
		fputc('\t', json->to);
	if (name) {
		quoted(json->to, name);
		fputs(": ", json->to);
	}
	json->more = true;
}

static void open_bracket(struct json *json, const char *name, char bracket)
{
	begin(json, name);
	fputc(bracket, json->to);
	json->depth++;
	json->more = false;
}

static void close_bracket(struct json *json, char bracket)
{
	json->depth--;
	if (json->more) {
		fputc('\n', json->to);
		for (int i = 0; i < json->depth; i++)
			fputc('\t', json->to);
	}
	fputc(bracket, json->to);
	json->more = true;
	if (!json->depth) {
		fputc('\n', json->to);
		json->more = false;
	}
}

void json_object(struct json *json, const char *name)
{
	open_bracket(json, name, '{');
}

void json_array(struct json *json, const char *name)
{
	open_bracket(json, name, '[');
}

void json_end_object(struct json *json)
{
	close_bracket(json, '}');
}

void json_end_array(struct json *json)
{
	close_bracket(json, ']');
}

void json_text(struct json *json, const char *name, const char *text)
{
	if (!text) {
		json_null(json, name);
		return;
	}
	begin(json, name);
	quoted(json->to, text);
}

void json_number(struct json *json, const char *name, int64_t value)
{
	begin(json, name);
	fprintf(json->to, "%" PRId64, value);
}

void json_hex(struct json *json, const char *name, uint64_t value)
{
	begin(json, name);
	fprintf(json->to, "\"0x%" PRIx64 "\"", value);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	fputs(value ? "true" : "false", json->to);
}

void json_null(struct json *json, const char *name)
{
	begin(json, name);
	fputs("null", json->to);
}

void json_list(struct json *json, const char *name, const char *list)
{
	json_array(json, name);
	while (*list && strcmp(list, "-")) {
		char part[64];
		size_t length = strcspn(list, ",");

		snprintf(part, sizeof(part), "%.*s", (int)length, list);
		if (*part && strspn(part, "0123456789") == strlen(part) && strlen(part) < 16)
			json_number(json, NULL, (int64_t)strtoll(part, NULL, 10));
		else
			json_text(json, NULL, part);
		list += length + (list[length] == ',');
	}
	json_end_array(json);
}
