// SPDX-License-Identifier: MIT
/*
 * Tests of what the tool makes of texts: the files of a space, the picture, JSON,
 * names that others have chosen. No module, no GPU.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tests/unit/tap.h"
#include "draw.h"
#include "json.h"
#include "test_json.h"
#include "tool.h"

#define CHECK_TEXT(actual, expected) do {				\
	const char *text_ = (actual);					\
	if (strcmp(text_, expected))					\
		FAIL("\"%s\" is not \"%s\"", text_, expected);		\
} while (0)

#define CHECK_PART(text, part) do {					\
	if (!strstr(text, part))					\
		FAIL("\"%s\" is not in\n%s", part, text);		\
} while (0)

static const char space_text[] =
	"pid:\t163\ncomm:\ttrain\nuid:\t1000\nstate:\topen\naperture:\treserved\n"
	"fallback:\t0\nsvm_base:\t0x4000\nsvm_limit:\t0x7fffffffffff\n"
	"base:\t0x400000000000\nlimit:\t0x40ffffffffff\nhuge_base:\t0x408000000000\n"
	"coherent_base:\t0x406000000000\ncoherent_limit:\t0x409fffffffff\n"
	"guard:\t4096\nmax_alignment:\t2097152\nopens:\t1\ngpus:\t55636,4711\n"
	"gpus_acquired:\t55636\nbuffers:\t4\nbuffer_bytes:\t29425664\n"
	"reserved_bytes:\t1099511627776\nquarantined_bytes:\t0\n"
	"registered_segments:\t1\nregistered_bytes:\t262144\nkfd_buffers:\t1\n"
	"kfd_bytes:\t2097152\n";

static const char buffers_text[] =
	"# va length kind flags gpus guard age_ms tag\n"
	"0x400000000000 65536 host - 55636 4096 3084 0x1\n"
	"0x400000200000 4194304 vram - 55636,4711 4096 2992 0xffffffffffffffff\n"
	"0x400000800000 8388608 private executable - 4096 120000 0x0\n"
	"0x40a000000000 16777216 host - 55636 2097152 7200000 0x2\n"
	"0x7efd24e68000 262144 registered - 55636 0 2912 0x0\n"
	"0x600000 2097152 kfd gtt,writable ? 0 2912 0x0\n";

static struct space parsed(const char *space, const char *buffers)
{
	struct space s = { .name = "163" };

	space_parse(&s, strdup(space));
	CHECK_EQ(space_parse_buffers(&s, strdup(buffers)), 0);
	return s;
}

/* What draw_space() prints */
static char *drawn(const struct space *space, bool all)
{
	FILE *saved = stdout;
	char *text = NULL;
	size_t size;

	stdout = open_memstream(&text, &size);
	draw_space(space, all);
	fclose(stdout);
	stdout = saved;
	return text;
}

static size_t count_lines(const char *text, size_t *widest)
{
	size_t count = 0;

	*widest = 0;
	for (; *text; text += strcspn(text, "\n") + 1) {
		if (strcspn(text, "\n") > *widest)
			*widest = strcspn(text, "\n");
		count++;
	}
	return count;
}

/* ---- the files ---- */

static void space_file(void)
{
	struct space s = parsed(space_text, buffers_text);

	CHECK_EQ(s.pid, 163);
	CHECK_EQ(s.uid, 1000);
	CHECK_TEXT(s.comm, "train");
	CHECK_TEXT(s.state, "open");
	CHECK_TEXT(s.aperture, "reserved");
	CHECK_TEXT(s.gpus, "55636,4711");
	CHECK_EQ(s.base, 0x400000000000);
	CHECK_EQ(s.limit, 0x40ffffffffff);
	CHECK_EQ(s.coherent_limit, 0x409fffffffff);
	CHECK_EQ(s.num_buffers, 4);
	CHECK_EQ(space_bytes(&s), 29425664 + 2097152 + 262144);
	space_free(&s);
}

static void buffers_file(void)
{
	struct space s = parsed(space_text, buffers_text);

	CHECK_EQ(s.count, 6);
	CHECK_EQ(s.buffers[0].va, 0x600000);	/* sorted in */
	CHECK_TEXT(s.buffers[0].kind, "kfd");
	CHECK_TEXT(s.buffers[0].flags, "gtt,writable");
	CHECK_EQ(s.buffers[0].num_gpus, GPUS_UNKNOWN);
	CHECK_EQ(s.buffers[1].num_gpus, 1);
	CHECK_EQ(s.buffers[1].gpu_id, 55636);
	CHECK_EQ(s.buffers[1].tag, 1);
	CHECK_EQ(s.buffers[2].num_gpus, 2);
	CHECK_EQ(s.buffers[2].tag, UINT64_MAX);
	CHECK_EQ(s.buffers[3].num_gpus, 0);
	CHECK_EQ(s.buffers[3].age_ms, 120000);
	CHECK_EQ(s.buffers[4].guard, 2097152);
	space_free(&s);
}

/* A later module has more keys, columns and kinds, and columns elsewhere. */
static void unknown(void)
{
	struct space s = parsed("new:\t1\npid:\t9\nno colon\n:\n\ncomm:\ta:b\nstate:\tfrozen\n",
				"# length colour va kind\n"
				"4096 red 0x10000 hologram\n"
				"8192 blue 0x20000 host more than titles\n"
				"# a comment\n");

	CHECK_EQ(s.pid, 9);
	CHECK_TEXT(s.comm, "a:b");
	CHECK_TEXT(s.state, "frozen");
	CHECK_TEXT(s.aperture, "?");
	CHECK_EQ(s.count, 2);
	CHECK_EQ(s.buffers[0].va, 0x10000);
	CHECK_EQ(s.buffers[0].length, 4096);
	CHECK_TEXT(s.buffers[0].kind, "hologram");
	CHECK_TEXT(s.buffers[0].flags, "?");
	CHECK_EQ(s.buffers[0].num_gpus, GPUS_UNKNOWN);
	CHECK_TEXT(kind_look("hologram").title, "hologram");
	free(drawn(&s, false));
	space_free(&s);
}

static void damaged(void)
{
	struct space s = parsed("", "");

	CHECK_EQ(s.count, 0);
	free(drawn(&s, false));
	space_free(&s);
	s = parsed("limit:\t0xffffffffffffffff\nbase:\t-1\n",
		   "\n\n   \n0x1\n0x1 x host\nva 4096 host\n0x400000000000 65536\n"
		   "0xfffffffffffff000 18446744073709551615 host - - 99999999999999999999 1 1\n"
		   "0x1000 5 kfd");
	CHECK_EQ(s.count, 3);
	CHECK_EQ(s.buffers[2].va + s.buffers[2].length, UINT64_MAX);
	free(drawn(&s, false));
	free(drawn(&s, true));
	space_free(&s);
}

/* Cut, and with bytes changed: nothing is asked but that it ends well. */
static void random_damage(void)
{
	for (int i = 0; i < 2000; i++) {
		char space[sizeof(space_text)], buffers[sizeof(buffers_text)];
		struct space s;

		memcpy(space, space_text, sizeof(space));
		memcpy(buffers, buffers_text, sizeof(buffers));
		for (int n = 0; n < 8; n++) {
			space[random_below(sizeof(space) - 1)] = 1 + random_below(255);
			buffers[random_below(sizeof(buffers) - 1)] = 1 + random_below(255);
		}
		buffers[random_below(sizeof(buffers))] = '\0';
		s = parsed(space, buffers);
		free(drawn(&s, one_in(2)));
		space_free(&s);
	}
}

/* As the kernel escapes it, and back */
static void names(void)
{
	struct space s = parsed("comm:\ta\\012b\\134c\\9\\\n", "");
	char text[64];

	CHECK_TEXT(s.comm, "a\nb\\c\\9\\");
	CHECK_TEXT(printable(s.comm, text, sizeof(text)), "a\\x0ab\\\\c\\\\9\\\\");
	space_free(&s);
	CHECK_TEXT(printable("\033]0;x\a\x9b\x7f\"'", text, sizeof(text)),
		   "\\x1b]0;x\\x07\\x9b\\x7f\"'");
	CHECK_TEXT(printable("\1\1\1", text, 10), "\\x01\\x01");
}

/* Many buffers, more than once doubled */
static void many(void)
{
	const int count = 20000;
	char *text = malloc(count * 64);
	size_t widest, used = 0;
	struct space s;
	char *picture;

	for (int i = 0; i < count; i++)
		used += sprintf(text + used, "0x%llx 4096 host - - 4096 0 0x0\n",
				0x400000000000ull + 8192ull * (unsigned int)i);
	s = parsed(space_text, text);
	CHECK_EQ(s.count, (size_t)count);
	picture = drawn(&s, false);
	CHECK(count_lines(picture, &widest) < 60);
	CHECK_PART(picture, "...          19984 more buffers, 78.1 MiB  ");
	CHECK(widest <= 80);
	free(picture);
	picture = drawn(&s, true);
	CHECK(count_lines(picture, &widest) > (size_t)count);
	free(picture);
	space_free(&s);
	free(text);
}

/* ---- folders ---- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static void folders(void)
{
	char path[] = "/tmp/tool_test.XXXXXX", name[128];
	struct space *spaces, s;

	CHECK(mkdtemp(path));
	CHECK_EQ(spaces_read(&spaces, path), 0);
	spaces_free(spaces, 0);
	snprintf(name, sizeof(name), "%s/163.1", path);
	CHECK_EQ(mkdir(name, 0700), 0);
	CHECK_EQ(spaces_read(&spaces, path), 0);	/* on its way in or out */
	spaces_free(spaces, 0);
	snprintf(name, sizeof(name), "%s/163.1/space", path);
	write_file(name, space_text);
	CHECK_EQ(spaces_read(&spaces, path), 1);
	CHECK_TEXT(spaces[0].name, "163.1");
	CHECK_EQ(spaces[0].pid, 163);
	spaces_free(spaces, 1);
	CHECK_EQ(space_read(&s, path, "163.1", true), -ENOENT);
	space_free(&s);
	snprintf(name, sizeof(name), "%s/163.1/buffers", path);
	write_file(name, "");
	CHECK_EQ(space_read(&s, path, "163.1", true), 0);
	CHECK_EQ(s.count, 0);
	space_free(&s);
	unlink(name);
	snprintf(name, sizeof(name), "%s/163.1/space", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s/163.1", path);
	rmdir(name);
	rmdir(path);
	CHECK_EQ(spaces_read(&spaces, path), -ENOENT);
}

/* ---- the picture ---- */

static void picture(void)
{
	struct space s = parsed(space_text, buffers_text);
	char *text = drawn(&s, false);
	size_t widest;

	count_lines(text, &widest);
	CHECK_EQ(widest, 80);
	CHECK_PART(text,
		   "0x000000004000  the SVM range begins: all GPUs can address it from here on\n"
		   "                .\n"
		   "0x000000600000   kkkkkkkkkk   KFD's own        2 MiB  ?          2 s\n"
		   "                .\n"
		   "0x400000000000 +---");
	CHECK_PART(text, "0x400000000000 | #####        host            64 KiB  GPU 0xd954 3 s  ");
	CHECK_PART(text, "0x400000010000 |              guard 4 KiB, free 1.9 MiB ");
	CHECK_PART(text, "0x400000200000 | %%%%%%%%%%%  VRAM             4 MiB  2 GPUs     2 s  ");
	CHECK_PART(text, "0x400000800000 | :::::::::::: private VRAM     8 MiB  no GPU     2 min");
	CHECK_PART(text, "0x40a000000000 | ############ host            16 MiB  GPU 0xd954 2 h  ");
	CHECK_PART(text, "+++++++      registered     256 KiB");
	CHECK(!strchr(text, '\033'));
	free(text);
	setenv("CLICOLOR_FORCE", "1", 1);
	text = drawn(&s, false);
	unsetenv("CLICOLOR_FORCE");
	CHECK_PART(text, "\033[33m %%%%%%%%%%%  VRAM");
	free(text);
	space_free(&s);
}

/* Reservations have others inside; what KFD knows may lie over anything. */
static void nested(void)
{
	struct space s = parsed(space_text,
				"0x400000000000 33554432 address - - 4096 0 0x0\n"
				"0x400000100000 4096 gtt fixed,inside - 0 0 0x0\n"
				"0x400000000000 4096 host fixed,inside - 0 0 0x0\n"
				"0x400003000000 8192 kfd - ? 0 0 0x0\n"
				"0x400003001000 8192 kfd - ? 0 0 0x0\n");
	char *text = drawn(&s, false);

	CHECK_TEXT(s.buffers[0].kind, "address");
	CHECK_PART(text, "0x400000000000 | ............ addresses       32 MiB  no GPU     0 s");
	CHECK_PART(text, "0x400000000000 |>#            host ");
	CHECK_PART(text, "0x400000100000 |>=            GTT ");
	CHECK_PART(text, "0x400002000000 |              guard 4 KiB, free 16.0 MiB");
	CHECK_PART(text, "0x400003003000 |              free 384.0 GiB");
	CHECK(!strstr(text, "0x400000101000"));
	free(text);
	space_free(&s);
}

static void mmap_aperture(void)
{
	struct space s = parsed("aperture:\tmmap\nsvm_base:\t0x4000\nsvm_limit:\t0x7fffffffffff\n",
				"0x7f0000000000 65536 host - - 4096 0 0x0\n"
				"0x7f0000020000 65536 vram - - 4096 0 0x0\n");
	char *text = drawn(&s, false);

	CHECK_PART(text, "0x7f0000000000   #####        host ");
	CHECK_PART(text, "0x7fffffffffff  the SVM range ends\n");
	CHECK(!strchr(text, '|') && !strstr(text, "free"));
	free(text);
	space_free(&s);
}

static void sizes(void)
{
	char text[24];

	CHECK_TEXT(size_text(1048576, text), "1 MiB");
	CHECK_TEXT(size_text(UINT64_MAX, text), "16384.0 PiB");
	CHECK_TEXT(age_text(999, text), "0 s");
	CHECK_TEXT(age_text(59999, text), "59 s");
	CHECK_TEXT(age_text(60000, text), "1 min");
	CHECK_TEXT(age_text(86399999, text), "23 h");
	CHECK_TEXT(age_text(UINT64_MAX, text), "213503982334 d");
}

static void sums(void)
{
	struct space s = parsed(space_text, buffers_text);
	struct sum sums[MAX_KINDS];

	CHECK_EQ(sum_kinds(&s, 0, sums), 5);
	CHECK_TEXT(sums[1].kind, "host");
	CHECK_EQ(sums[1].count, 2);
	CHECK_EQ(sums[1].bytes, 65536 + 16777216);
	CHECK_EQ(sums[1].oldest_ms, 7200000);
	CHECK_EQ(sum_kinds(&s, 120000, sums), 2);
	CHECK_TEXT(sums[0].kind, "private");
	CHECK_EQ(sums[1].count, 1);
	CHECK_EQ(sum_kinds(&s, 7200001, sums), 0);
	space_free(&s);
}

/* /proc/PID/stat, with a name that looks like what follows it */
static void process_states(void)
{
	CHECK_TEXT(process_state("1 (a) Z 1 1 1 0 -1 4194560 0", 0), "zombie");
	CHECK_TEXT(process_state("1 (a) Z 9) S 1 1 1 0 -1 4194564 0", 0), "dying");
	CHECK(!process_state("1 (a) Z 9) S 1 1 1 0 -1 4194560 0", 1 << 14));
	CHECK_TEXT(process_state("1 (a) D 1 1 1 0 -1 4194560 0", 1 << 8), "dying");
	CHECK_TEXT(process_state("1 (a", 0), "gone");
	CHECK_TEXT(process_state("", 0), "gone");
	CHECK_TEXT(process_state(NULL, 0), "gone");
}

/* In any order, long and short; numbers are numbers. */
static void options(void)
{
	static char *good[] = { "top", "163", "--delay", "5", "-j", "--", "-x", NULL };
	static char *equals[] = { "top", "--delay=18446744073709551615", NULL };
	static char *bad[][4] = {
		{ "top", "-x", NULL }, { "top", "--delay", NULL }, { "top", "--delay", "1s", NULL },
		{ "top", "--delay=-1", NULL }, { "top", "--delay=99999999999999999999", NULL },
		{ "top", "--json=1", NULL }, { "top", "-d", "", NULL },
	};
	bool json = false;
	uint64_t delay = 2;
	const struct tool_option options[] = {
		{ "delay", 'd', .value = &delay }, { "json", 'j', .flag = &json },
	};
	int saved = dup(STDERR_FILENO);

	CHECK_EQ(read_options(7, good, options, ARRAY_SIZE(options)), 5);
	CHECK_EQ(delay, 5);
	CHECK(json);
	CHECK_TEXT(good[5], "163");
	CHECK_TEXT(good[6], "-x");
	CHECK_EQ(read_options(2, equals, options, ARRAY_SIZE(options)), 2);
	CHECK_EQ(delay, UINT64_MAX);
	CHECK(freopen("/dev/null", "w", stderr));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int argc = 0;

		while (bad[i][argc])
			argc++;
		if (read_options(argc, bad[i], options, ARRAY_SIZE(options)) != -1)
			FAIL("%s %s is taken", bad[i][1], bad[i][2] ?: "");
	}
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

/* ---- JSON ---- */

static char *json_start(struct json *json, FILE **f)
{
	static char text[4096];

	memset(text, 0, sizeof(text));
	*f = fmemopen(text, sizeof(text), "w");
	*json = (struct json){ .to = *f };
	return text;
}

static void json_layout(void)
{
	struct json json;
	FILE *f;
	char *text = json_start(&json, &f);

	json_object(&json, NULL);
	json_array(&json, "empty");
	json_end_array(&json);
	json_list(&json, "gpus", "55636,4711");
	json_list(&json, "flags", "a,99999999999999999999,b\"");
	json_list(&json, "none", "-");
	json_hex(&json, "tag", UINT64_MAX);
	json_number(&json, "grew", -5);
	json_bool(&json, "well", true);
	json_text(&json, "nothing", NULL);
	json_array(&json, "list");
	json_object(&json, NULL);
	json_end_object(&json);
	json_end_array(&json);
	json_end_object(&json);
	fclose(f);
	CHECK_TEXT(text, "{\n\t\"empty\": [],\n\t\"gpus\": [\n\t\t55636,\n\t\t4711\n\t],\n"
		   "\t\"flags\": [\n\t\t\"a\",\n\t\t\"99999999999999999999\",\n\t\t\"b\\\"\"\n\t],\n"
		   "\t\"none\": [],\n\t\"tag\": \"0xffffffffffffffff\",\n\t\"grew\": -5,\n"
		   "\t\"well\": true,\n\t\"nothing\": null,\n\t\"list\": [\n\t\t{}\n\t]\n}\n");
	CHECK(json_valid(text));
}

static void json_strings(void)
{
	static const struct {
		const char *text, *quoted;
	} cases[] = {
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\n\t\033\x7f", "\"\\u000a\\u0009\\u001b\\u007f\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\x80", "\"\\ufffd\"" },			/* nothing before it */
		{ "\xc3", "\"\\ufffd\"" },			/* cut */
		{ "\xe2\x82", "\"\\ufffd\\ufffd\"" },
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },		/* too long a form */
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },	/* a surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json json;
		FILE *f;
		char *text = json_start(&json, &f);

		json_text(&json, NULL, cases[i].text);
		fclose(f);
		CHECK_TEXT(text, cases[i].quoted);
		CHECK(json_valid(text));
	}
}

/* Whatever the bytes are */
static void json_random(void)
{
	for (int i = 0; i < 5000; i++) {
		char bytes[17] = "";
		struct json json;
		FILE *f;
		char *text = json_start(&json, &f);

		for (int n = 0; n < 16; n++)
			bytes[n] = one_in(2) ? 0x80 + random_below(128) : random_below(128);
		json_text(&json, NULL, bytes);
		fclose(f);
		CHECK(json_valid(text));
	}
}

/* The checker finds faults. */
static void json_checker(void)
{
	static const char *const bad[] = {
		"", "{", "[1,]", "{\"a\" 1}", "{a: 1}", "\"\n\"", "\"\\x41\"", "\"\x80\"",
		"\"\xc3\"", "01", "1.", "-", "nul", "[1] 2", "{\"a\": 1,}", "\"open", "\"\\u12g4\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (json_valid(bad[i]))
			FAIL("%s is valid", bad[i]);
	CHECK(json_valid(" [ {\"a\": [true, false, null, -1.5, \"\\u00e9\\n\"]}, 0 ] \n"));
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "the file space", space_file },
		{ "the file buffers", buffers_file },
		{ "unknown keys, columns and kinds", unknown },
		{ "damaged files", damaged },
		{ "files damaged at random", random_damage },
		{ "names of processes", names },
		{ "many buffers", many },
		{ "folders", folders },
		{ "the picture", picture },
		{ "reservations and overlaps", nested },
		{ "the mmap aperture", mmap_aperture },
		{ "sizes and ages", sizes },
		{ "sums by kind and age", sums },
		{ "states of processes", process_states },
		{ "options", options },
		{ "JSON: layout", json_layout },
		{ "JSON: strings", json_strings },
		{ "JSON: random strings", json_random },
		{ "JSON: the checker", json_checker },
	};

	return tap_main(cases, ARRAY_SIZE(cases));
}
