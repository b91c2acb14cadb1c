/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON. Numbers are those that JSON's readers keep exact: addresses and
 * tags, which may be larger, are texts "0x...".
 */
#ifndef ROCSVM_JSON_H
#define ROCSVM_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *to;
	int depth;
	bool more;	/* something stands before, in this object or array */
};

/* @name is NULL in arrays, and of the outermost value. */
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
/* @text is any bytes: what is not UTF-8 becomes U+FFFD. NULL is null. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, int64_t value);
void json_hex(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* An array of the parts of @list between commas, as numbers if they are; "-" is empty */
void json_list(struct json *json, const char *name, const char *list);

#endif /* ROCSVM_JSON_H */
