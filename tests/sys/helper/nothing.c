// SPDX-License-Identifier: MIT
/*
 * A program that only ends: without a C library there is nothing else that it
 * could do, nor that could fail.
 */
#include <sys/syscall.h>

void _start(void);

void _start(void)
{
	__asm__ volatile ("syscall" : : "a" (SYS_exit_group), "D" (0));
	__builtin_unreachable();
}
