/*
 * panel_screen: the panel on an ncurses terminal.
 *
 * Owns what has been drawn, so that only what differs is drawn again. One
 * thread; between initscr and endwin.
 */
#ifndef TAKEBOX_TOOLS_PANEL_SCREEN_H
#define TAKEBOX_TOOLS_PANEL_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/bar.h"
#include "tools/panel_layout.h"
#include "tools/panel_model.h"

enum panel_ink {
	PANEL_INK_PLAIN,
	PANEL_INK_GREEN,
	PANEL_INK_YELLOW,
	PANEL_INK_RED,
};

/* What stands on the screen for one channel. */
struct panel_drawn {
	int eighths, hold;
	uint32_t clips;
	int tenths; /* of the peak in decibels */
};

struct panel_screen {
	enum bar_glyphs glyphs;
	bool colour;
	struct panel_layout layout;
	struct panel_drawn drawn[VIEW_CHANNELS];
	bool drawn_valid;
};

/* Colours and glyphs of this terminal. */
void panel_screen_init(struct panel_screen *screen);

/* Draws what panel->dirty names and clears it; where: the socket's path. */
void panel_screen_draw(struct panel_screen *screen, struct panel *panel,
		       const char *where);

/* Parts, for the files of the panel only. */
void panel_head_draw(const struct panel_screen *screen,
		     const struct panel *panel, const char *where);
/* Rows that the problems take on a terminal of that width. */
int panel_problem_rows(const struct view_status *status, int columns);
void panel_line_draw(const struct panel_screen *screen,
		     const struct panel *panel);
void panel_meters_frame(const struct panel_screen *screen,
			const struct panel *panel);
void panel_meters_draw(struct panel_screen *screen, const struct panel *panel);

/* Writes words in large letters, three rows high, from row, column. Returns
 * the column behind them. Letters that the font lacks are left out. */
int panel_big_draw(int row, int column, const char *words);
int panel_big_width(const char *words);

/* Writes text at most columns wide, and moves on. Returns the column behind
 * it. */
int panel_put(int row, int column, int columns, const char *text);

/* ncurses attributes of an ink; on a terminal without colour the warning inks
 * are bold. */
unsigned panel_ink(const struct panel_screen *screen, enum panel_ink ink);

#endif
