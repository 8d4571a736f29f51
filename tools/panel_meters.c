/*
 * panel_meters: the bars, lying or rising.
 *
 * The frame (scale, numbers, names, arm marks) is drawn when it changes; the
 * bars, holds, peaks and clips of a channel only when they differ from what
 * stands there, which at rest is next to nothing.
 */
#define NCURSES_WIDECHAR 1
#include <math.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/panel_screen.h"
#include "tools/text.h"

#define YELLOW_DB -12.0
#define RED_DB	  -3.0

/* Columns of a lying row: mark, number, name, bar, peak, clip. */
#define NUMBER_COLUMN 3
#define NAME_COLUMN   6

static enum panel_ink ink_of_cell(int cell, int cells)
{
	double part = (cell + 0.5) / cells;

	return part >= bar_deflection(RED_DB)	   ? PANEL_INK_RED
	       : part >= bar_deflection(YELLOW_DB) ? PANEL_INK_YELLOW
						   : PANEL_INK_GREEN;
}

static bool is_armed(const struct panel *panel, int channel)
{
	const struct view_track *track =
		view_track_of(&panel->status, channel + 1);

	return track && track->armed;
}

/* Unarmed channels are seen, but stand back. */
static unsigned bar_ink(const struct panel_screen *screen,
			const struct panel *panel, int channel, int cell,
			int cells)
{
	return panel_ink(screen, ink_of_cell(cell, cells)) |
	       (is_armed(panel, channel) ? 0 : A_DIM);
}

static bool under_cursor(const struct panel *panel, int channel)
{
	const struct view_track *track =
		view_track_of(&panel->status, channel + 1);

	return track && track == panel_cursor_track(panel) &&
	       (panel->mode == PANEL_ARM || panel->mode == PANEL_NAME);
}

static void draw_arm_mark(const struct panel_screen *screen,
			  const struct panel *panel, int channel, int row,
			  int column)
{
	bool fine = screen->glyphs == BAR_EIGHTHS;
	bool armed = is_armed(panel, channel);
	unsigned ink = !armed ? A_DIM
		       : panel_is_recording(panel)
			       ? panel_ink(screen, PANEL_INK_RED) | A_BOLD
			       : A_BOLD;

	attron(ink);
	mvaddstr(row, column, armed ? (fine ? "●" : "*") : (fine ? "·" : "."));
	attroff(ink);
}

/* "Kick", and for the two channels of a track "Keys L", "Keys R". */
static const char *channel_name(const struct panel *panel, int channel,
				char out[VIEW_NAME + 4])
{
	const struct view_track *track =
		view_track_of(&panel->status, channel + 1);

	out[0] = '\0';
	if (track && track->channels[1] > 0)
		snprintf(out, VIEW_NAME + 4, "%s %c", track->name,
			 track->channels[0] == channel + 1 ? 'L' : 'R');
	else if (track)
		snprintf(out, VIEW_NAME + 4, "%s", track->name);
	return out;
}

static int lying_row(const struct panel_layout *layout, int channel)
{
	return layout->meter_row + 1 +
	       channel % layout->per_column * layout->cell_rows;
}

static int lying_column(const struct panel_layout *layout, int channel)
{
	return channel / layout->per_column * layout->column_width;
}

static int lying_bar_column(const struct panel_layout *layout, int channel)
{
	return lying_column(layout, channel) + NAME_COLUMN +
	       layout->name_width + 1;
}

/* From 0 dB leftwards, each mark with its end under its level, as many as do
 * not touch. */
static void draw_lying_scale(const struct panel_layout *layout, int left)
{
	int free_to = left + layout->bar_width;

	attron(A_DIM);
	for (const int *tick = bar_ticks; *tick <= 0; tick++) {
		char words[8];
		int length = snprintf(words, sizeof(words), "%d", *tick);
		int start =
			left + bar_cell(*tick, layout->bar_width) + 1 - length;

		if (start < left || start + length > free_to)
			continue;
		mvaddstr(layout->meter_row, start, words);
		free_to = start - 1;
	}
	attroff(A_DIM);
}

static void frame_lying(const struct panel_screen *screen,
			const struct panel *panel)
{
	const struct panel_layout *layout = &screen->layout;
	char name[VIEW_NAME + 4], cut[VIEW_NAME + 4];

	for (int i = 0; i < layout->column_count; i++)
		draw_lying_scale(
			layout,
			lying_bar_column(layout, i * layout->per_column));
	for (int i = 0; i < layout->channels; i++) {
		int row = lying_row(layout, i);
		int left = lying_column(layout, i);

		draw_arm_mark(screen, panel, i, row, left + 1);
		attron(under_cursor(panel, i) ? A_REVERSE : 0);
		mvprintw(row, left + NUMBER_COLUMN, "%2d ", i + 1);
		addstr(text_fit(cut, sizeof(cut), channel_name(panel, i, name),
				layout->name_width, true));
		attroff(A_REVERSE);
	}
}

static void draw_lying_bar(const struct panel_screen *screen,
			   const struct panel *panel, int channel,
			   const struct panel_drawn *now)
{
	const struct panel_layout *layout = &screen->layout;
	int row = lying_row(layout, channel);
	int column = lying_bar_column(layout, channel);

	for (int y = 0; y < layout->bar_rows; y++) {
		for (int i = 0; i < layout->bar_width; i++) {
			int part = now->eighths - i * BAR_STEPS;
			unsigned ink = bar_ink(screen, panel, channel, i,
					       layout->bar_width);

			attron(ink);
			mvaddstr(row + y, column + i,
				 part <= 0 && i == now->hold
					 ? bar_hold_right(screen->glyphs)
					 : bar_right(screen->glyphs, part));
			attroff(ink);
		}
	}
}

static void draw_lying(const struct panel_screen *screen,
		       const struct panel *panel, int channel,
		       const struct panel_drawn *now)
{
	const struct panel_layout *layout = &screen->layout;
	int row = lying_row(layout, channel);
	int column = lying_bar_column(layout, channel) + layout->bar_width;
	char db[32];

	draw_lying_bar(screen, panel, channel, now);
	mvprintw(row, column, " %5s ",
		 text_db(db, sizeof(db), now->tenths / 10.0));
	if (now->clips > 0) {
		unsigned ink =
			panel_ink(screen, PANEL_INK_RED) | A_BOLD | A_REVERSE;

		attron(ink);
		addstr("CLIP");
		attroff(ink);
	} else {
		addstr("    ");
	}
}

static void draw_rising_scale(const struct panel_layout *layout, int top)
{
	int last = -1;

	attron(A_DIM);
	for (const int *tick = bar_ticks; *tick <= 0; tick++) {
		int row = layout->bar_rows - 1 -
			  bar_cell(*tick, layout->bar_rows);

		if (row == last)
			continue;
		mvprintw(top + layout->clip_rows + row, 0, "%3d", *tick);
		last = row;
	}
	attroff(A_DIM);
}

/* "7", "12". Where two columns are too few for both digits and a gap: tens
 * above units, or with one row only every other number. */
static void draw_number(const struct panel_layout *layout, int channel, int row,
			int column)
{
	int number = channel + 1;

	if (layout->number_rows == 2) {
		if (number >= 10)
			mvprintw(row, column, "%d", number / 10);
		mvprintw(row + 1, column, "%d", number % 10);
	} else if (layout->pitch >= 3 || channel % (4 / layout->pitch) == 0) {
		mvprintw(row, column, "%d", number);
	}
}

static void frame_rising(const struct panel_screen *screen,
			 const struct panel *panel)
{
	const struct panel_layout *layout = &screen->layout;
	char name[VIEW_NAME + 4], cut[VIEW_NAME + 4];

	for (int i = 0; i < layout->banks; i++)
		draw_rising_scale(layout,
				  panel_layout_y(layout, i * layout->per_bank));
	for (int i = 0; i < layout->channels; i++) {
		int column = panel_layout_x(layout, i);
		int row = panel_layout_y(layout, i) + layout->clip_rows +
			  layout->bar_rows;

		draw_arm_mark(screen, panel, i, row, column);
		attron(under_cursor(panel, i) ? A_REVERSE : 0);
		draw_number(layout, i, row + 1, column);
		if (layout->name_rows > 0)
			mvaddstr(row + 1 + layout->number_rows, column,
				 text_fit(cut, sizeof(cut),
					  channel_name(panel, i, name),
					  layout->pitch - 1, true));
		attroff(A_REVERSE);
	}
}

static int rising_width(const struct panel_layout *layout)
{
	return layout->pitch > 6   ? 4
	       : layout->pitch > 1 ? layout->pitch - 1
				   : 1;
}

static void draw_clip(const struct panel_screen *screen, int row, int column,
		      int width, bool clipped)
{
	unsigned ink = panel_ink(screen, PANEL_INK_RED) | A_BOLD | A_REVERSE;

	attron(clipped ? ink : 0);
	for (int x = 0; x < width; x++)
		mvaddch(row, column + x, clipped && x == 0 ? '!' : ' ');
	attroff(ink);
}

static void draw_rising(const struct panel_screen *screen,
			const struct panel *panel, int channel,
			const struct panel_drawn *now)
{
	const struct panel_layout *layout = &screen->layout;
	int column = panel_layout_x(layout, channel);
	int top = panel_layout_y(layout, channel);
	int bottom = top + layout->clip_rows + layout->bar_rows - 1;
	int width = rising_width(layout);

	for (int i = 0; i < layout->bar_rows; i++) {
		int part = now->eighths - i * BAR_STEPS;
		unsigned ink =
			bar_ink(screen, panel, channel, i, layout->bar_rows);
		const char *cell = part <= 0 && i == now->hold
					   ? bar_hold_up(screen->glyphs)
					   : bar_up(screen->glyphs, part);

		attron(ink);
		for (int x = 0; x < width; x++)
			mvaddstr(bottom - i, column + x, cell);
		attroff(ink);
	}
	if (layout->clip_rows > 0 || now->clips > 0)
		draw_clip(screen, top, column, width, now->clips > 0);
}

void panel_meters_frame(const struct panel_screen *screen,
			const struct panel *panel)
{
	const struct panel_layout *layout = &screen->layout;

	if (layout->meters == PANEL_METERS_LYING)
		frame_lying(screen, panel);
	else if (layout->meters == PANEL_METERS_RISING)
		frame_rising(screen, panel);
	else if (panel->link == PANEL_CONNECTED && layout->channels == 0)
		panel_put(layout->meter_row + 1, 1, layout->columns - 2,
			  "No meters: the recorder has no interface open.");
}

static struct panel_drawn reading(const struct panel_layout *layout,
				  const struct panel *panel, int channel)
{
	double hold = (double)panel_hold(panel, channel);
	bool lying = layout->meters == PANEL_METERS_LYING;
	int cells = lying ? layout->bar_width : layout->bar_rows;

	return (struct panel_drawn){
		.eighths =
			bar_eighths((double)panel->meters.peak[channel], cells),
		.hold = bar_cell(hold, cells),
		.clips = panel_clips(panel, channel),
		.tenths = lying ? (int)lround(hold * 10) : 0,
	};
}

void panel_meters_draw(struct panel_screen *screen, const struct panel *panel)
{
	const struct panel_layout *layout = &screen->layout;

	if (layout->meters == PANEL_METERS_NONE)
		return;
	for (int i = 0; i < layout->channels; i++) {
		struct panel_drawn now = reading(layout, panel, i);
		const struct panel_drawn *was = &screen->drawn[i];

		if (screen->drawn_valid && was->eighths == now.eighths &&
		    was->hold == now.hold && was->clips == now.clips &&
		    was->tenths == now.tenths)
			continue;
		if (layout->meters == PANEL_METERS_LYING)
			draw_lying(screen, panel, i, &now);
		else
			draw_rising(screen, panel, i, &now);
		screen->drawn[i] = now;
	}
	screen->drawn_valid = true;
}
