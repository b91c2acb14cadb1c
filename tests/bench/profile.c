// SPDX-License-Identifier: MIT
/*
 * A plugin for QEMU that counts, for each instruction's address in the guest's
 * kernel, how often it is run between two marks. A mark is an instruction that a
 * program of the guest's runs (mark() in bench.h) and says which sum the counts
 * go to from then on; 0 is none. What runs in user space is one line, address 0.
 *
 * QEMU's header for plugins is in no package of Debian 12's; what is needed of it
 * is below.
 *
 * argument: out=FILE, which gets lines "mark address count" as QEMU ends, and how
 * often each mark was met, "mark times count".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

/* ---- of <qemu-plugin.h>, version 1 -------------------------------------- */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
enum { QEMU_PLUGIN_CB_NO_REGS };

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op,
	void *ptr, uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int vcpu, void *userdata), int flags, void *userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, void *userdata), void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

/* ---- counters ----------------------------------------------------------- */

#define MAX_MARKS	16
#define TABLE_SIZE	(1 << 21)	/* of addresses that are ever run */

struct counter {
	uint64_t address;
	uint64_t now;			/* since the last mark */
	uint64_t sums[MAX_MARKS];
};

/* Never moves: translated code adds to it. One virtual CPU, so no locks. */
static struct counter *table[TABLE_SIZE];
static struct counter user;
static unsigned int current;
static uint64_t times[MAX_MARKS];	/* that a mark was met */
static FILE *out;

static struct counter *counter_of(uint64_t address)
{
	size_t i = (address * 0x9e3779b97f4a7c15) >> 43;

	if (!(address >> 63))
		return &user;
	while (table[i] && table[i]->address != address)
		i = (i + 1) % TABLE_SIZE;
	if (!table[i]) {
		table[i] = calloc(1, sizeof(*table[i]));
		if (!table[i])
			abort();
		table[i]->address = address;
	}
	return table[i];
}

static void add_up(struct counter *counter)
{
	counter->sums[current] += counter->now;
	counter->now = 0;
}

static void on_mark(unsigned int vcpu, void *mark)
{
	(void)vcpu;
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i])
			add_up(table[i]);
	add_up(&user);
	current = (uintptr_t)mark % MAX_MARKS;
	times[current]++;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		struct counter *counter = counter_of(qemu_plugin_insn_vaddr(insn));
		uint32_t operand;

		if (counter == &user && qemu_plugin_insn_size(insn) == MARK_SIZE &&
		    code[0] == MARK_OPCODE) {
			memcpy(&operand, code + 1, sizeof(operand));
			if (operand >> 8 == MARK_OPERAND >> 8)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
					QEMU_PLUGIN_CB_NO_REGS,
					(void *)(uintptr_t)(operand & 0xff));
		}
		qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							   &counter->now, 1);
	}
}

static void print_counter(const struct counter *counter)
{
	for (unsigned int mark = 1; mark < MAX_MARKS; mark++)
		if (counter->sums[mark])
			fprintf(out, "%u %lx %lu\n", mark, counter->address,
				counter->sums[mark]);
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	for (unsigned int mark = 1; mark < MAX_MARKS; mark++)
		if (times[mark])
			fprintf(out, "%u times %lu\n", mark, times[mark]);
	print_counter(&user);
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i])
			print_counter(table[i]);
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
