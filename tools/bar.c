/*
 * bar: the scale is a table of corners with straight lines between, so that
 * drawing, colours and the printed scale all agree.
 */
#include "tools/bar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/text.h"

/* IEC 60268-18: decibels and per cent of the length. */
static const struct {
	double db, part;
} corners[] = {
	{-70, 0},   {-60, 0.025}, {-50, 0.075}, {-40, 0.15},
	{-30, 0.3}, {-20, 0.5},	  {0, 1.0},
};

const int bar_ticks[] = {0, -3, -6, -10, -15, -20, -30, -40, -50, 1};

enum bar_glyphs bar_glyphs(void)
{
	const char *terminal = getenv("TERM");

	if (!text_is_utf8())
		return BAR_ASCII;
	if (terminal && strcmp(terminal, "linux") == 0)
		return BAR_HALVES;
	return BAR_EIGHTHS;
}

double bar_deflection(double db)
{
	const size_t last = sizeof(corners) / sizeof(*corners) - 1;

	if (!(db > corners[0].db))
		return 0;
	for (size_t i = 1; i <= last; i++) {
		double span = corners[i].db - corners[i - 1].db;
		double rise = corners[i].part - corners[i - 1].part;

		if (db <= corners[i].db)
			return corners[i - 1].part +
			       rise * (db - corners[i - 1].db) / span;
	}
	return 1;
}

int bar_eighths(double db, int cells)
{
	double part = bar_deflection(db);
	int eighths = (int)lround(part * cells * BAR_STEPS);

	return part > 0 && eighths == 0 ? 1 : eighths;
}

int bar_cell(double db, int cells)
{
	int eighths = bar_eighths(db, cells);

	return eighths > 0 ? (eighths - 1) / BAR_STEPS : -1;
}

static int clamp(int eighths)
{
	return eighths < 0 ? 0 : eighths > BAR_STEPS ? BAR_STEPS : eighths;
}

/* With coarser glyphs a part of a cell is a half from 3 eighths on. */
static const char *coarse(const char *const glyphs[3], int eighths)
{
	return glyphs[eighths >= BAR_STEPS - 1 ? 2 : eighths >= 3 ? 1 : 0];
}

static const char *const ascii[] = {" ", ":", "#"};

const char *bar_up(enum bar_glyphs glyphs, int eighths)
{
	static const char *const fine[] = {" ", "▁", "▂", "▃", "▄",
					   "▅", "▆", "▇", "█"};
	static const char *const halves[] = {" ", "▄", "█"};

	eighths = clamp(eighths);
	if (glyphs == BAR_EIGHTHS)
		return fine[eighths];
	return coarse(glyphs == BAR_ASCII ? ascii : halves, eighths);
}

const char *bar_right(enum bar_glyphs glyphs, int eighths)
{
	static const char *const fine[] = {" ", "▏", "▎", "▍", "▌",
					   "▋", "▊", "▉", "█"};
	static const char *const halves[] = {" ", "▌", "█"};

	eighths = clamp(eighths);
	if (glyphs == BAR_EIGHTHS)
		return fine[eighths];
	return coarse(glyphs == BAR_ASCII ? ascii : halves, eighths);
}

const char *bar_hold_up(enum bar_glyphs glyphs)
{
	return glyphs == BAR_ASCII ? "-" : "─";
}

const char *bar_hold_right(enum bar_glyphs glyphs)
{
	return glyphs == BAR_ASCII ? "|" : "│";
}

char *bar_text(char *out, size_t size, enum bar_glyphs glyphs, double db,
	       double hold, int cells)
{
	int eighths = bar_eighths(db, cells);
	int held = bar_cell(hold, cells);
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < cells; i++) {
		int part = clamp(eighths - i * BAR_STEPS);
		const char *cell = part == 0 && i == held
					   ? bar_hold_right(glyphs)
					   : bar_right(glyphs, part);
		size_t length = strlen(cell);

		if (used + length >= size)
			break;
		memcpy(out + used, cell, length + 1);
		used += length;
	}
	return out;
}
