/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of a kernel as kmod/placement.c, drm_mm.c and rbtree.c need to be
 * compiled as a user-space program. It is put in front of every file
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
typedef unsigned int gfp_t;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define U64_MAX		UINT64_MAX
#define PAGE_SIZE	4096UL
#define SZ_2M		0x200000
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
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

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

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

/* Bits of one long: atomic in the kernel, plain here. */
static inline bool test_bit(unsigned int nr, const unsigned long *word)
{
	return *word & BIT(nr);
}

static inline void __set_bit(unsigned int nr, unsigned long *word)
{
	*word |= BIT(nr);
}

static inline void __clear_bit(unsigned int nr, unsigned long *word)
{
	*word &= ~BIT(nr);
}

#define clear_bit_unlock(nr, word) __clear_bit(nr, word)

/* Poison: list.h's, so that a use after list_del() is seen. */
#define LIST_POISON1	((void *)0x100)
#define LIST_POISON2	((void *)0x122)

/* Bugs end the program; warnings are counted, a test may expect one. */
extern unsigned int shim_warnings;

#define BUG_ON(condition) do {						\
	if (condition) {						\
		fprintf(stderr, "%s:%d: BUG_ON(%s)\n", __FILE__,	\
			__LINE__, #condition);				\
		abort();						\
	}								\
} while (0)

#define WARN(condition, ...) ({						\
	bool __warn = (condition);					\
	shim_warnings += __warn;					\
	__warn;								\
})

/*
 * What drm_mm uses to report leaks with CONFIG_DRM_DEBUG_MM, which is set
 * here for the sake of its DRM_MM_BUG_ON(). No stack is ever saved.
 */
typedef u32 depot_stack_handle_t;
#define GFP_KERNEL	0
#define GFP_NOWAIT	0
#define kmalloc(size, gfp) malloc(size)
#define kfree(p)	free(p)
#define DRM_ERROR(...)	((void)0)
#define stack_trace_save(entries, n, skip) ((entries)[0] = 0, (void)(n), 0)
#define stack_depot_save(entries, n, gfp) ((void)(entries), (void)(n), 0)
#define stack_depot_snprint(stack, buf, size, spaces) ((void)(buf))
#define stack_depot_init() ((void)0)

struct drm_printer;

static inline __printf(2, 3)
void drm_printf(struct drm_printer *p, const char *format, ...)
{
	(void)p;
	(void)format;
}

#endif /* SHIM_KERNEL_H */
