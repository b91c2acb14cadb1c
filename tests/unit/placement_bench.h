/* SPDX-License-Identifier: MIT */
/* What placement_bench measures: something that places ranges. */
#ifndef PLACEMENT_BENCH_H
#define PLACEMENT_BENCH_H

/* Room for as many of the largest ranges as are ever live. */
#define BENCH_BASE	0x100000000000ULL
#define BENCH_END	0x700000000000ULL
#define BENCH_MAX	1000000U

/* Ranges go by an index below BENCH_MAX; nothing here fails. */
struct bench_backend {
	const char *name;
	void (*begin)(void);
	/* at the lowest address that fits; the address */
	u64 (*insert)(unsigned int index, u64 length, u64 alignment, u64 guard);
	void (*remove)(unsigned int index);
	/* the index of the range that contains addr */
	unsigned int (*find)(u64 addr);
	void (*end)(void);	/* all ranges were removed */
};

extern const struct bench_backend bench_placement;
extern const struct bench_backend bench_maple;

#endif /* PLACEMENT_BENCH_H */
