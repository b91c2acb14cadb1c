// SPDX-License-Identifier: MIT
/*
 * The golden layout as assertions of the compiler, without any other header:
 * compiled for 32 bits (nothing is linked or run), and as C++.
 */
#include <linux/rocsvm.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define STRUCT(name, bytes) ASSERT(sizeof(struct name) == (bytes));
#define PART STRUCT
#define FIELD(type, name, offset, bytes)				\
	ASSERT(__builtin_offsetof(struct type, name) == (offset));	\
	ASSERT(sizeof(((struct type *)0)->name) == (bytes));
#define VALUE(name, number) ASSERT((name) == (number));
#include "uapi_golden.h"
