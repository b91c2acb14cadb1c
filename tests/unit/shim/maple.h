/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lib/maple_tree.c needs beyond kernel.h: for the benchmark only. One
 * thread, no RCU readers, nodes from malloc.
 */
#ifndef SHIM_MAPLE_H
#define SHIM_MAPLE_H

#include <limits.h>
#include <linux/types.h>

typedef struct { int unused; } spinlock_t;
typedef unsigned int gfp_t;

struct rcu_head {
	void *unused[2];
};

struct kmem_cache;

#define __init
#define __force
#define __weak			__attribute__((weak))
#define __must_hold(lock)
#define __must_check
#define fallthrough		__attribute__((fallthrough))
#define EXPORT_SYMBOL_GPL(symbol) EXPORT_SYMBOL(symbol)
#define IS_ENABLED(option)	0
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define barrier()		__asm__ volatile("" ::: "memory")
#define smp_rmb()		barrier()
#define smp_wmb()		barrier()
#define MAX_ERRNO		4095
#define U8_MAX			UCHAR_MAX
#define WARN_ON_ONCE(condition)	WARN(condition, "")
#define BUG_ON(condition)	((condition) ? abort() : (void)0)
#define VM_BUG_ON(condition)	((void)0)

#define spin_lock(lock)		((void)(lock))
#define spin_unlock(lock)	((void)(lock))
#define spin_lock_init(lock)	((void)(lock))
#define lockdep_is_held(lock)	1
#define lock_is_held(map)	1
#define rcu_read_lock()		((void)0)
#define rcu_read_unlock()	((void)0)
#define rcu_dereference_check(p, c) (p)
#define rcu_dereference_protected(p, c) (p)
#define call_rcu(head, func)	func(head)

#define GFP_KERNEL		0
#define GFP_NOWAIT		0
#define GFP_ATOMIC		0
#define __GFP_NOWARN		0
#define __GFP_ACCOUNT		0
#define SLAB_PANIC		0
#define gfpflags_allow_blocking(gfp) true

#define trace_ma_op(...)	((void)0)
#define trace_ma_read(...)	((void)0)
#define trace_ma_write(...)	((void)0)

/* A maple node: 256 bytes, aligned to their size. */
#define kmem_cache_create(name, size, align, flags, ctor) NULL

static inline void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	(void)cache;
	(void)gfp;
	return aligned_alloc(256, 256);
}

static inline int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp,
					size_t n, void **nodes)
{
	size_t i;

	for (i = 0; i < n; i++)
		nodes[i] = kmem_cache_alloc(cache, gfp);
	return n;
}

static inline void kmem_cache_free(struct kmem_cache *cache, void *node)
{
	(void)cache;
	free(node);
}

static inline void kmem_cache_free_bulk(struct kmem_cache *cache, size_t n,
					void **nodes)
{
	while (n--)
		kmem_cache_free(cache, nodes[n]);
}

/* The few of xarray.h's entry encodings that maple trees share. */
static inline void *xa_mk_value(unsigned long v)
{
	return (void *)(v << 1 | 1);
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

static inline void *xa_mk_internal(unsigned long v)
{
	return (void *)(v << 2 | 2);
}

static inline bool xa_is_internal(const void *entry)
{
	return ((unsigned long)entry & 3) == 2;
}

static inline bool xa_is_node(const void *entry)
{
	return xa_is_internal(entry) && (unsigned long)entry > 4096;
}

static inline bool xa_is_zero(const void *entry)
{
	return entry == xa_mk_internal(257);
}

static inline bool xa_is_advanced(const void *entry)
{
	return xa_is_internal(entry) && entry <= xa_mk_internal(256);
}

static inline bool xa_is_err(const void *entry)
{
	return xa_is_internal(entry) && entry >= xa_mk_internal(-MAX_ERRNO);
}

static inline int xa_err(void *entry)
{
	return xa_is_err(entry) ? (long)entry >> 2 : 0;
}

#define XA_ZERO_ENTRY		xa_mk_internal(257)

#endif /* SHIM_MAPLE_H */
