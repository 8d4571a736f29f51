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
	snprintf(words, sizeof(words), "session %s",
		 status->session[0] ? status->session : "not named yet");
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
	} else if (!isfinite(left)) {
		snprintf(words, sizeof(words), "%s free",
			 text_bytes(a, sizeof(a), status->medium_free_bytes));
		column = put_part(screen, row, column, PANEL_INK_PLAIN, words);
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
	if (!isfinite(status->tape_seconds))
		snprintf(words, sizeof(words), "no tape");
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
		text_ppm(ppm, sizeof(ppm), interface->ppm);
	if (running)
		column = put_part(screen, row, column, PANEL_INK_PLAIN, ppm);
	if (running)
		column = draw_format(screen, interface, row, column);
	if (running && !status->realtime)
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

/* Bytes of text that go into columns columns: up to a space, if there is one
 * in them. */
static size_t line_length(const char *text, int columns)
{
	char cut[VIEW_TEXT + 32];
	size_t length, space;

	text_fit(cut, sizeof(cut), text, columns, false);
	length = strlen(cut);
	if (!text[length])
		return length;
	for (space = length; space > 0 && text[space] != ' '; space--)
		;
	return space > 0 ? space : length > 0 ? length : 1;
}

static const char *problem_words(const struct view_problem *problem,
				 char out[VIEW_TEXT + 32])
{
	snprintf(out, VIEW_TEXT + 32, "%s: %s",
		 view_level_words(problem->level), problem->text);
	return out;
}

int panel_problem_rows(const struct view_status *status, int columns)
{
	char words[VIEW_TEXT + 32];
	int rows = 0;

	for (int i = 0; i < status->problem_count; i++) {
		const char *rest = problem_words(&status->problems[i], words);

		for (; *rest; rest += line_length(rest, columns - 2))
			rows++;
	}
	return rows;
}

/* Returns the row behind it; end is the row that is no more its own. */
static int draw_problem(const struct panel_screen *screen,
			const struct view_problem *problem, int row, int end)
{
	int columns = screen->layout.columns - 2;
	char words[VIEW_TEXT + 32], line[VIEW_TEXT + 32];
	const char *rest = problem_words(problem, words);

	attron(panel_ink(screen, ink_of_level(problem->level)));
	while (*rest && row < end) {
		size_t length = line_length(rest, columns);

		snprintf(line, sizeof(line), "%.*s", (int)length, rest);
		panel_put(row++, 1, columns, line);
		rest += length;
	}
	attroff(panel_ink(screen, ink_of_level(problem->level)));
	return row;
}

/* The gravest first; if not all fit, the last line says so. */
static void draw_problems(const struct panel_screen *screen,
			  const struct view_status *status)
{
	static const char more[] = " (more: takebox status) ";
	const struct panel_layout *layout = &screen->layout;
	int row = layout->problem_row, end = row + layout->problem_rows;

	if (status->problem_count == 0) {
		attron(panel_ink(screen, PANEL_INK_GREEN));
		panel_put(row, 1, layout->columns - 1, "nothing is wrong");
		attroff(panel_ink(screen, PANEL_INK_GREEN));
		return;
	}
	for (int level = VIEW_LOST; level >= VIEW_KEPT; level--) {
		for (int i = 0; i < status->problem_count; i++) {
			if ((int)status->problems[i].level == level)
				row = draw_problem(screen, &status->problems[i],
						   row, end);
		}
	}
	if (panel_problem_rows(status, layout->columns) > layout->problem_rows)
		put_right(layout, end - 1,
			  layout->columns - (int)sizeof(more) - 1, more);
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

	snprintf(words, sizeof(words), "takeboxd does not answer at %s", where);
	panel_put(layout->info_row, 1, layout->columns - 1, words);
	if (layout->info_rows > 1)
		panel_put(layout->info_row + 1, 1, layout->columns - 1,
			  "It is tried again every second; the tape goes on "
			  "without it.");
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
	int end = 1;

	clear_rows(layout->message_row, 2);
	attron(A_DIM);
	panel_put(layout->key_row, 1, layout->columns - 2,
		  keys_of(panel, layout->columns));
	attroff(A_DIM);
	if (cursor) {
		describe_cursor(panel, words, sizeof(words));
		end = panel_put(layout->message_row, 1, layout->columns - 2,
				words);
		if (panel->mode == PANEL_NAME)
			mvaddch(layout->message_row, end, ' ' | A_REVERSE);
		end += 3;
	}
	if (panel->mode == PANEL_NAME)
		return;
	attron(panel_ink(screen, ink) | A_BOLD);
	panel_put(layout->message_row, end, layout->columns - end - 1,
		  panel->message);
	attroff(panel_ink(screen, ink) | A_BOLD);
}
