/*
 * bar: a level as a length, and its characters.
 *
 * Pure; any thread. Deflection follows the scale of IEC 60268-18: 0 dBFS is
 * full length, -20 half of it, and below that each decibel counts less.
 */
#ifndef TAKEBOX_TOOLS_BAR_H
#define TAKEBOX_TOOLS_BAR_H

#include <stddef.h>

/* What the terminal can draw in one cell. */
enum bar_glyphs {
	BAR_ASCII,   /* '#', and ':' for half a cell */
	BAR_HALVES,  /* the Linux console's font has halves, no eighths */
	BAR_EIGHTHS, /* any UTF-8 terminal */
};

#define BAR_STEPS 8 /* of one cell */

/* By locale and $TERM. */
enum bar_glyphs bar_glyphs(void);

/* Part of the full length, 0..1. */
double bar_deflection(double db);

/* Length in eighths of a cell of a bar that has cells cells. Anything above
 * the floor shows at least one eighth. */
int bar_eighths(double db, int cells);

/* The cell that holds db's end, 0..cells-1; -1 below the scale. */
int bar_cell(double db, int cells);

/* One cell that is filled by 0..8 eighths; a string of one column. */
const char *bar_up(enum bar_glyphs glyphs, int eighths);    /* from below */
const char *bar_right(enum bar_glyphs glyphs, int eighths); /* from the left */

/* Marks of held peaks, in rising and in lying bars. */
const char *bar_hold_up(enum bar_glyphs glyphs);
const char *bar_hold_right(enum bar_glyphs glyphs);

/* Writes a lying bar of cells columns with its hold mark; returns out. */
char *bar_text(char *out, size_t size, enum bar_glyphs glyphs, double db,
	       double hold, int cells);

/* Decibels that deserve a mark on the scale, from the top; 1 ends. */
extern const int bar_ticks[];

#endif
