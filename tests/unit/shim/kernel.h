/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of a kernel as kmod/placement.c and rbtree.c need to be compiled as a
 * user-space program. It is put in front of every file
 * (-include); the headers that those files ask for and that it stands in for
 * are made as empty ones, see SHIM_HEADERS in build.mk.
 *
 * Simple rather than fast or general: one thread, 64 bits, x86-64's pages.
 */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <linux/const.h>

/* Types. u64 as in the kernel: it takes %llx. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define U64_MAX		UINT64_MAX
#define PAGE_SIZE	4096UL
#define SZ_2M		0x200000
#define SZ_1G		0x40000000
#define BITS_PER_LONG	64
#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))

/* Compiler */
#define noinline		__attribute__((noinline))
#define __always_unused		__attribute__((unused))
#define __maybe_unused		__attribute__((unused))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define __rcu
#define likely(x)		(x)
#define unlikely(x)		(x)
#define __same_type(a, b)	__builtin_types_compatible_p(typeof(a), typeof(b))
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define rcu_assign_pointer(p, v) ((p) = (v))
#define rcu_dereference_raw(p)	(p)
#define EXPORT_SYMBOL(symbol)	extern int shim_exported_##symbol
#define BUILD_BUG_ON_INVALID(e)	((void)sizeof((long)(e)))

/* Each node of a tree that is looked at is one: counted, as time is no test. */
extern unsigned long shim_nodes;

#define container_of(ptr, type, member) \
	(shim_nodes++, (type *)((char *)(ptr) - offsetof(type, member)))

/* Arithmetic */
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp_t(type, v, lo, hi) ((type)max(min((type)(v), (type)(hi)), (type)(lo)))
#define ALIGN_MASK(x, m)	(((x) + (m)) & ~(m))
#define ALIGN(x, a)		ALIGN_MASK(x, (typeof(x))(a) - 1)
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define check_add_overflow(a, b, sum) __builtin_add_overflow(a, b, sum)

static inline bool is_power_of_2(unsigned long n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1UL << (BITS_PER_LONG - __builtin_clzl(n - 1));
}

/* Warnings are counted: a test may expect one. */
extern unsigned int shim_warnings;

#define WARN(condition, ...) ({						\
	bool __warn = (condition);					\
	shim_warnings += __warn;					\
	__warn;								\
})
#define WARN_ON(condition)	WARN(condition, "")

#endif /* SHIM_KERNEL_H */
