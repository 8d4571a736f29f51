/*
 * panel_screen: what is drawn when, in the two ways a terminal can be
 * coloured.
 */
#define NCURSES_WIDECHAR 1
#include "tools/panel_screen.h"

#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "tools/show.h"
#include "tools/text.h"

void panel_screen_init(struct panel_screen *screen)
{
	memset(screen, 0, sizeof(*screen));
	screen->glyphs = bar_glyphs();
	screen->colour = show_colour_wanted() && has_colors();
	if (!screen->colour)
		return;
	start_color();
	use_default_colors();
	init_pair(PANEL_INK_GREEN, COLOR_GREEN, -1);
	init_pair(PANEL_INK_YELLOW, COLOR_YELLOW, -1);
	init_pair(PANEL_INK_RED, COLOR_RED, -1);
}

unsigned panel_ink(const struct panel_screen *screen, enum panel_ink ink)
{
	if (screen->colour)
		return (unsigned)COLOR_PAIR(ink);
	return ink == PANEL_INK_RED ? (unsigned)A_BOLD : 0;
}

int panel_put(int row, int column, int columns, const char *text)
{
	char cut[VIEW_TEXT + 128];

	if (columns <= 0)
		return column;
	text_fit(cut, sizeof(cut), text, columns, false);
	mvaddstr(row, column, cut);
	return column + text_width(cut);
}

static void draw_help(const struct panel_layout *layout)
{
	static const char *const lines[] = {
		"r  REC: starts a take, the pre-roll before it included",
		"s  STOP: press it twice within 2 seconds",
		"m  MARK: sets a marker in the take",
		"k  KEEP: makes a take of all that the tape still holds",
		"a  arm: arrows choose a track, space arms or disarms it",
		"A  arms all tracks",
		"n  names the track under the cursor",
		"c  clears clips and peak holds on this panel",
		"q  leaves the panel; the recorder goes on",
		"",
		"Marks: a dot means armed, red while recording; ! is a clip,",
		"a line across or beside a bar is the held peak.",
		"Any key leaves this help.",
	};
	const int count = sizeof(lines) / sizeof(*lines);

	for (int i = 0; i < count && i < layout->meter_rows; i++)
		panel_put(layout->meter_row + i, 3, layout->columns - 4,
			  lines[i]);
}

static void draw_all(struct panel_screen *screen, struct panel *panel,
		     const char *where)
{
	struct panel_layout *layout = &screen->layout;
	int rows, columns;

	getmaxyx(stdscr, rows, columns);
	panel_layout_compute(
		layout, rows, columns,
		panel->link == PANEL_CONNECTED ? panel_channels(panel) : 0,
		panel_problem_rows(&panel->status, columns),
		screen->glyphs != BAR_ASCII);
	erase();
	screen->drawn_valid = false;
	if (!layout->usable) {
		panel_put(0, 0, columns, "too small: 40x10 at least");
		return;
	}
	panel_head_draw(screen, panel, where);
	panel_line_draw(screen, panel);
	if (panel->mode == PANEL_HELP) {
		draw_help(layout);
		return;
	}
	panel_meters_frame(screen, panel);
	panel_meters_draw(screen, panel);
}

static void draw_parts(struct panel_screen *screen, const struct panel *panel,
		       const char *where)
{
	if (panel->dirty & PANEL_DIRTY_STATUS)
		panel_head_draw(screen, panel, where);
	if (panel->dirty & PANEL_DIRTY_LINE)
		panel_line_draw(screen, panel);
	if (!(panel->dirty & PANEL_DIRTY_METERS) || panel->mode == PANEL_HELP)
		return;
	if (panel->dirty & PANEL_DIRTY_LINE)
		panel_meters_frame(screen, panel); /* the cursor has moved */
	panel_meters_draw(screen, panel);
}

void panel_screen_draw(struct panel_screen *screen, struct panel *panel,
		       const char *where)
{
	if (!panel->dirty)
		return;
	if (panel->dirty == PANEL_DIRTY_ALL || !screen->layout.usable)
		draw_all(screen, panel, where);
	else
		draw_parts(screen, panel, where);
	panel->dirty = 0;
	refresh();
}
