// SPDX-License-Identifier: MIT
/*
 * Programs as data: tapes, and the text form.
 */
#include "program.h"

uint64_t tape_next(struct rng *r, uint32_t n)
{
	struct tape *t = r->tape;
	uint64_t value;

	if (t->at < t->count) {
		value = t->choices[t->at++];
		return n ? value % n : value;
	}
	value = draw(r) >> 32;
	/* Short numbers are as good as long ones where any will do. */
	value = n ? value % n : value & 0xffff;
	if (t->count < MAX_CHOICES) {
		t->choices[t->count++] = value;
		t->at = t->count;
	}
	return value;
}

bool program_any(const struct program *p, uint32_t flag)
{
	for (uint32_t i = 0; i < p->num_ops; i++)
		if (op_kinds[p->ops[i].kind].flags & flag)
			return true;
	return false;
}

uint32_t program_threads(const struct program *p)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < p->num_ops; i++)
		if (p->ops[i].thread > most)
			most = p->ops[i].thread;
	return most + 1;
}

bool program_modelled(const struct program *p)
{
	if (p->mode & PROGRAM_BARE || program_threads(p) > 1)
		return false;
	for (uint32_t i = 0; i < p->num_ops; i++)
		if (!(op_kinds[p->ops[i].kind].flags & OP_MODEL))
			return false;
	return true;
}

/* ---- text ----------------------------------------------------------------- */

static const char *const modes[] = { "mmap", "bare", "signals" };

void program_head(const struct program *p, char *text, size_t room)
{
	size_t n = snprintf(text, room, "program");

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (p->mode & 1 << i)
			n += snprintf(text + n, room - n, " %s", modes[i]);
}

void op_write(const struct op *op, char *text, size_t room)
{
	size_t n = 0;

	for (int i = 0; i < op->thread; i++)
		n += snprintf(text + n, room - n, "%s", i + 1 < op->thread ? "|" : "| ");
	n += snprintf(text + n, room - n, "%s %x:", op_kinds[op->kind].name, op->seed);
	for (int i = 0; i < op->tape.count && n + 24 < room; i++)
		n += snprintf(text + n, room - n, " %llx",
			      (unsigned long long)op->tape.choices[i]);
}

static void head_read(struct program *p, const char *line)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strstr(line, modes[i]))
			p->mode |= 1 << i;
}

/* A line that is no step ends the test: a corpus is not to rot unseen. */
static void op_read(struct program *p, char *line)
{
	struct op *op = &p->ops[p->num_ops];
	char name[32], *rest;
	uint32_t kind = 0;
	int n = 0;

	ASSERT_LT(p->num_ops, MAX_OPS);
	memset(op, 0, sizeof(*op));
	while (*line == '|' || *line == ' ')
		op->thread += *line++ == '|';
	if (sscanf(line, "%31s %x:%n", name, &op->seed, &n) != 2 || !n ||
	    op->thread >= MAX_RACERS) {
		say("no step of a program: %s", line);
		test_die();
	}
	while (kind < num_op_kinds && strcmp(op_kinds[kind].name, name))
		kind++;
	if (kind == num_op_kinds) {
		say("no kind of step: %s", name);
		test_die();
	}
	op->kind = kind;
	rest = line + n;
	while (op->tape.count < MAX_CHOICES) {
		char *end;
		uint64_t value = strtoull(rest, &end, 16);

		if (end == rest)
			break;
		op->tape.choices[op->tape.count++] = value;
		rest = end;
	}
	p->num_ops++;
}

const char *program_read(struct program *p, const char *text)
{
	char line[OP_TEXT + 64];
	bool begun = false;

	while (*text) {
		size_t n = strcspn(text, "\n");

		ASSERT_LT(n, sizeof(line));
		memcpy(line, text, n);
		line[n] = '\0';
		if (!strncmp(line, "program", 7)) {
			if (begun)
				return text;
			begun = true;
			head_read(p, line);
		} else if (*line && *line != '#') {
			ASSERT(begun);
			op_read(p, line);
		}
		text += n + (text[n] == '\n');
	}
	return begun ? text : NULL;
}
