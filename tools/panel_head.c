/*
 * panel_head: everything on the panel that is words: the banner, what is left
 * and held, what is wrong, the message and the keys.
 */
#define NCURSES_WIDECHAR 1
#include <math.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#include "tools/panel_screen.h"
#include "tools/text.h"

#define SHORT_OF_MEDIUM_S 600.0
#define BESIDE_WIDTH	  26 /* columns kept for the lines beside the banner */

struct banner {
	const char *large; /* in the letters of panel_big.c */
	const char *utf8;  /* on one row */
	const char *ascii; /* the same, everywhere else */
	enum panel_ink ink;
};

static const struct banner *banner_of(const struct panel *panel)
{
	static const struct banner away = {"NO RECORDER", "NO RECORDER",
					   "NO RECORDER", PANEL_INK_RED};
	static const struct banner connecting = {"", "connecting", "connecting",
						 PANEL_INK_YELLOW};
	static const struct banner by_state[] = {
		[VIEW_UNKNOWN] = {"", "waiting for the recorder",
				  "waiting for the recorder", PANEL_INK_YELLOW},
		[VIEW_NO_INTERFACE] = {"NO INTERFACE", "NO INTERFACE",
				       "NO INTERFACE", PANEL_INK_YELLOW},
		[VIEW_IDLE] = {"% READY", "■ READY", "READY", PANEL_INK_GREEN},
		[VIEW_STARTING] = {"STARTING", "STARTING", "STARTING",
				   PANEL_INK_YELLOW},
		[VIEW_RECORDING] = {"* REC", "● REC", "* REC", PANEL_INK_RED},
		[VIEW_FINISHING] = {"FINISHING", "FINISHING", "FINISHING",
				    PANEL_INK_YELLOW},
	};

	if (panel->link == PANEL_AWAY)
		return &away;
	if (panel->link == PANEL_CONNECTING)
		return &connecting;
	return &by_state[panel->status.state];
}

/* Writes text right-aligned, if it does not reach left of column from. */
static void put_right(const struct panel_layout *layout, int row, int from,
		      const char *text)
{
	char cut[VIEW_TEXT];
	int room = layout->columns - from - 1;

	if (room < 4 || row >= layout->rows)
		return;
	text_fit(cut, sizeof(cut), text, room, false);
	mvaddstr(row, layout->columns - text_width(cut) - 1, cut);
}

/* The lines beside the banner: take, session, how much is safe. */
static void draw_beside(const struct panel_screen *screen,
			const struct panel *panel, int from)
{
	const struct view_status *status = &panel->status;
	const struct panel_layout *layout = &screen->layout;
	char words[VIEW_TEXT], durable[32];

	if (panel->link != PANEL_CONNECTED)
		return;
	if (status->has_take) {
		attron(A_BOLD);
		put_right(layout, 0, from, status->take_name);
		attroff(A_BOLD);
	}
	if (!layout->big)
		return;
	snprintf(words, sizeof(words), "session %s", status->session);
	put_right(layout, 1, from, words);
	if (status->has_take)
		snprintf(words, sizeof(words), "safe to %s, %lld marker%s",
			 text_clock(durable, sizeof(durable),
				    status->take_durable),
			 (long long)status->take_markers,
			 status->take_markers == 1 ? "" : "s");
	else
		snprintf(words, sizeof(words), "takebox %s", status->version);
	put_right(layout, 2, from, words);
}

static void draw_banner(const struct panel_screen *screen,
			const struct panel *panel)
{
	const struct banner *banner = banner_of(panel);
	const struct panel_layout *layout = &screen->layout;
	bool timed = panel->link == PANEL_CONNECTED && panel->status.has_take;
	bool recording = panel->status.state == VIEW_RECORDING;
	char words[64], length[32] = "";
	int end;

	if (timed)
		text_clock(length, sizeof(length), panel->status.take_seconds);
	attron(panel_ink(screen, banner->ink) | A_BOLD);
	if (layout->big && banner->large[0]) {
		snprintf(words, sizeof(words), "%s%s%s", banner->large,
			 timed ? "  " : "", length);
		if (panel_big_width(words) > layout->columns - BESIDE_WIDTH)
			snprintf(words, sizeof(words), "%s", banner->large);
		end = panel_big_draw(0, 1, words);
	} else {
		snprintf(words, sizeof(words), " %s %s%s",
			 screen->glyphs == BAR_EIGHTHS ? banner->utf8
						       : banner->ascii,
			 length, timed ? " " : "");
		attron(recording ? A_REVERSE : 0);
		end = panel_put(0, 0, layout->columns, words);
		attroff(A_REVERSE);
	}
	attroff(panel_ink(screen, banner->ink) | A_BOLD);
	draw_beside(screen, panel, end + 1);
}

/* One part of a line of information, and a dot before the next. */
static int put_part(const struct panel_screen *screen, int row, int column,
		    enum panel_ink ink, const char *text)
{
	const struct panel_layout *layout = &screen->layout;

	if (column > 1)
		column = panel_put(row, column, layout->columns - column,
				   screen->glyphs == BAR_EIGHTHS ? " · "
								 : " | ");
	attron(panel_ink(screen, ink));
	column = panel_put(row, column, layout->columns - column, text);
	attroff(panel_ink(screen, ink));
	return column;
}

static void draw_medium(const struct panel_screen *screen,
			const struct view_status *status, int row)
{
	double left = status->medium_seconds_left;
	char words[VIEW_TEXT + 64], a[32], b[32];
	int column = 1;

	if (!status->medium_folder[0]) {
		column = put_part(screen, row, column, PANEL_INK_RED,
				  "no medium");
	} else {
		snprintf(words, sizeof(words), "%s left",
			 text_duration(a, sizeof(a), left));
		column = put_part(screen, row, column,
				  left < SHORT_OF_MEDIUM_S ? PANEL_INK_RED
							   : PANEL_INK_PLAIN,
				  words);
	}
	snprintf(words, sizeof(words), "tape %s of %s",
		 text_clock(a, sizeof(a), status->tape_held),
		 text_clock(b, sizeof(b), status->tape_seconds));
	column = put_part(screen, row, column, PANEL_INK_PLAIN, words);
	snprintf(words, sizeof(words), "pre-roll %s",
		 text_seconds(a, sizeof(a), status->preroll));
	column = put_part(screen, row, column, PANEL_INK_PLAIN, words);
	if (!status->medium_folder[0])
		return;
	snprintf(words, sizeof(words), "%s%s%s", status->medium_folder,
		 status->medium_filesystem[0] ? " " : "",
		 status->medium_filesystem);
	put_part(screen, row, column, PANEL_INK_PLAIN, words);
}

static int draw_format(const struct panel_screen *screen,
		       const struct view_interface *interface, int row,
		       int column)
{
	char words[128], rate[32], bits[24] = "";

	if (interface->channels <= 0)
		return column;
	if (interface->bits > 0)
		snprintf(bits, sizeof(bits), ", %d bit", interface->bits);
	snprintf(words, sizeof(words), "%d ch, %s%s", interface->channels,
		 text_rate(rate, sizeof(rate), interface->rate), bits);
	return put_part(screen, row, column, PANEL_INK_PLAIN, words);
}

static void draw_interface(const struct panel_screen *screen,
			   const struct view_status *status, int row)
{
	const struct view_interface *interface = &status->interface;
	bool running = strcmp(interface->state, "running") == 0;
	const char *name =
		interface->name[0] ? interface->name : interface->device;
	char words[VIEW_TEXT + 32], ppm[32] = "ppm not known yet";
	int column = 1;

	snprintf(words, sizeof(words), "%lld gap%s",
		 (long long)status->gap_count,
		 status->gap_count == 1 ? "" : "s");
	column = put_part(
		screen, row, column,
		status->gap_count > 0 ? PANEL_INK_RED : PANEL_INK_GREEN, words);
	if (isfinite(interface->ppm))
		snprintf(ppm, sizeof(ppm), "%+.1f ppm", interface->ppm);
	if (running)
		column = put_part(screen, row, column, PANEL_INK_PLAIN, ppm);
	if (running)
		column = draw_format(screen, interface, row, column);
	if (!status->realtime)
		column = put_part(screen, row, column, PANEL_INK_YELLOW,
				  "no real-time priority");
	snprintf(words, sizeof(words), "%s%s%s", name[0] ? name : "interface",
		 running ? "" : " ", running ? "" : interface->state);
	column = put_part(screen, row, column,
			  running ? PANEL_INK_PLAIN : PANEL_INK_YELLOW, words);
	if (interface->error[0])
		put_part(screen, row, column, PANEL_INK_YELLOW,
			 interface->error);
}

static enum panel_ink ink_of_level(enum view_level level)
{
	return level == VIEW_LOST   ? PANEL_INK_RED
	       : level == VIEW_KEPT ? PANEL_INK_GREEN
				    : PANEL_INK_YELLOW;
}

static void draw_problem(const struct panel_screen *screen,
			 const struct view_problem *problem, int row)
{
	const struct panel_layout *layout = &screen->layout;
	char words[VIEW_TEXT + 32];

	snprintf(words, sizeof(words), "%s: %s",
		 view_level_words(problem->level), problem->text);
	attron(panel_ink(screen, ink_of_level(problem->level)));
	panel_put(row, 1, layout->columns - 1, words);
	attroff(panel_ink(screen, ink_of_level(problem->level)));
}

/* The gravest first; if not all fit, the last line says how many more. */
static void draw_problems(const struct panel_screen *screen,
			  const struct view_status *status)
{
	const struct panel_layout *layout = &screen->layout;
	int count = status->problem_count;
	int room = layout->problem_rows, row = layout->problem_row;
	char words[64];

	if (count == 0) {
		attron(panel_ink(screen, PANEL_INK_GREEN));
		panel_put(row, 1, layout->columns - 1, "nothing is wrong");
		attroff(panel_ink(screen, PANEL_INK_GREEN));
		return;
	}
	for (int level = VIEW_LOST; level >= VIEW_KEPT; level--) {
		for (int i = 0; i < count; i++) {
			if ((int)status->problems[i].level != level)
				continue;
			if (row == layout->problem_row + room)
				break;
			draw_problem(screen, &status->problems[i], row++);
		}
	}
	if (count <= room)
		return;
	snprintf(words, sizeof(words), " (%d more: takebox status) ",
		 count - room);
	put_right(layout, row - 1, layout->columns - text_width(words) - 2,
		  words);
}

static void clear_rows(int first, int count)
{
	for (int i = 0; i < count; i++) {
		move(first + i, 0);
		clrtoeol();
	}
}

/* In place of what is known of a recorder: how to get one. */
static void draw_away(const struct panel_screen *screen, const char *where)
{
	const struct panel_layout *layout = &screen->layout;
	char words[VIEW_TEXT];

	snprintf(words, sizeof(words),
		 "takeboxd does not answer at %s; trying again every second.",
		 where);
	panel_put(layout->info_row, 1, layout->columns - 1, words);
	if (layout->info_rows > 1)
		panel_put(layout->info_row + 1, 1, layout->columns - 1,
			  "What the tape process has captured meanwhile is "
			  "kept.");
}

void panel_head_draw(const struct panel_screen *screen,
		     const struct panel *panel, const char *where)
{
	const struct panel_layout *layout = &screen->layout;

	clear_rows(0, layout->problem_row + layout->problem_rows);
	draw_banner(screen, panel);
	if (panel->link == PANEL_AWAY) {
		draw_away(screen, where);
		return;
	}
	if (panel->link != PANEL_CONNECTED ||
	    panel->status.state == VIEW_UNKNOWN)
		return;
	draw_medium(screen, &panel->status, layout->info_row);
	if (layout->info_rows > 1)
		draw_interface(screen, &panel->status, layout->info_row + 1);
	draw_problems(screen, &panel->status);
}

/* What is typed, or where the cursor stands. */
static void describe_cursor(const struct panel *panel, char *out, size_t size)
{
	const struct view_track *track = panel_cursor_track(panel);

	if (!track)
		snprintf(out, size, "there are no tracks to arm");
	else if (panel->mode == PANEL_NAME)
		snprintf(out, size, "name of track %d: %s", track->number,
			 panel->typed);
	else
		snprintf(out, size, "track %d %s: %s", track->number,
			 track->name, track->armed ? "armed" : "not armed");
}

static const char *keys_of(const struct panel *panel, int columns)
{
	if (panel->mode == PANEL_NAME)
		return "Enter keeps the name   Esc leaves it   Ctrl-U empties";
	if (panel->mode == PANEL_ARM)
		return "arrows move   space arms or disarms   A all   n name   "
		       "a back   ? help";
	if (columns < 78)
		return "r REC  s STOP  m MARK  a arm  ? help  q quit";
	return "r REC  s STOP  m MARK  a arm  A arm all  n name  c clear  "
	       "? help  q quit";
}

void panel_line_draw(const struct panel_screen *screen,
		     const struct panel *panel)
{
	const struct panel_layout *layout = &screen->layout;
	bool cursor = panel->mode == PANEL_ARM || panel->mode == PANEL_NAME;
	enum panel_ink ink = panel->tone == PANEL_TONE_ERROR ? PANEL_INK_RED
			     : panel->tone == PANEL_TONE_WARNING
				     ? PANEL_INK_YELLOW
				     : PANEL_INK_PLAIN;
	char words[VIEW_TEXT];
	int end;

	clear_rows(layout->message_row, 2);
	attron(A_DIM);
	panel_put(layout->key_row, 1, layout->columns - 2,
		  keys_of(panel, layout->columns));
	attroff(A_DIM);
	if (panel->mode != PANEL_NAME && panel->message[0]) {
		attron(panel_ink(screen, ink) | A_BOLD);
		panel_put(layout->message_row, 1, layout->columns - 2,
			  panel->message);
		attroff(panel_ink(screen, ink) | A_BOLD);
	} else if (cursor) {
		describe_cursor(panel, words, sizeof(words));
		end = panel_put(layout->message_row, 1, layout->columns - 2,
				words);
		if (panel->mode == PANEL_NAME)
			mvaddch(layout->message_row, end, ' ' | A_REVERSE);
	}
}
