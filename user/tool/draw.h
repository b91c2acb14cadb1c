/* SPDX-License-Identifier: MIT */
/*
 * The picture of an SVM space, and how the kinds of memory look.
 */
#ifndef ROCSVM_DRAW_H
#define ROCSVM_DRAW_H

#include "space.h"

struct kind {
	const char *name;	/* debugfs's */
	const char *title;	/* for people */
	const char *colour;
	char fill;
};

/* How a kind looks: one that is not known has its name as title. */
struct kind kind_look(const char *name);
/* The title of enum rocsvm_kind */
const char *kind_name(uint32_t kind);
/* As bar, title and so on in the picture: its colour, and its fill in @bar */
#define BAR_WIDTH	12
const char *kind_bar(const struct kind *kind, uint64_t length, char bar[static BAR_WIDTH + 1]);

/*
 * Draw the space, 80 columns wide. Of many buffers in a region only the first
 * and the last, unless @all.
 */
void draw_space(const struct space *space, bool all);

#endif /* ROCSVM_DRAW_H */
