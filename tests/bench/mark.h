/* SPDX-License-Identifier: MIT */
/*
 * Marks in a program for the profiler (profile.c): an instruction without effect,
 * mov $(MARK_OPERAND + N), %eax, by which it knows what is measured from there on.
 */
#ifndef ROCSVM_BENCH_MARK_H
#define ROCSVM_BENCH_MARK_H

#define MARK_OPCODE	0xb8
#define MARK_SIZE	5
#define MARK_OPERAND	0x52435600

#define MARK(n)								\
	asm volatile("movl %0, %%eax" : : "i" (MARK_OPERAND + (n)) : "eax", "memory")

/* What is run from here on belongs to @n, 1 to 6; or 0, to nothing. */
static inline void mark(unsigned int n)
{
	switch (n) {
	case 0: MARK(0); break;
	case 1: MARK(1); break;
	case 2: MARK(2); break;
	case 3: MARK(3); break;
	case 4: MARK(4); break;
	case 5: MARK(5); break;
	case 6: MARK(6); break;
	}
}

#endif /* ROCSVM_BENCH_MARK_H */
