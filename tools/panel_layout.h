/*
 * panel_layout: what goes where on a terminal of any size.
 *
 * Pure. Rows from the top: banner, information, problems, meters, message,
 * keys. The meters get what the others leave, and are lying bars with names
 * where every channel can have a row, else rising bars in as few banks as
 * leave each channel two columns.
 */
#ifndef TAKEBOX_TOOLS_PANEL_LAYOUT_H
#define TAKEBOX_TOOLS_PANEL_LAYOUT_H

#include <stdbool.h>

enum panel_meters {
	PANEL_METERS_NONE, /* no channels or no room */
	PANEL_METERS_LYING,
	PANEL_METERS_RISING,
};

struct panel_layout {
	int rows, columns; /* of the terminal */
	bool usable;	   /* else only a line that says how much is needed */

	bool big; /* the banner is in large letters, three rows */
	int banner_row, info_row, info_rows;
	int problem_row, problem_rows;
	int message_row, key_row;

	enum panel_meters meters;
	int meter_row, meter_rows; /* the area */
	int channels;

	/* Lying: per_column channels in each of column_count columns, each
	 * cell_rows high with a bar of bar_rows, under one row of scale. */
	int per_column, column_count, column_width;
	int cell_rows, name_width, bar_width;

	/* Rising: banks of per_bank channels, each pitch columns wide; a bank
	 * is clip_rows of lamps (none: the lamp is the bar's top), bar_rows,
	 * arm marks, number_rows, name_rows. */
	int banks, per_bank, pitch, group_gap;
	int bank_rows, clip_rows, bar_rows, number_rows, name_rows;
};

#define PANEL_SCALE_WIDTH 4 /* columns left of rising bars */
#define PANEL_GROUP	  8 /* channels between two wider gaps */

/* problems: the rows they take. can_be_big: the terminal has the characters for
 * large letters. */
void panel_layout_compute(struct panel_layout *layout, int rows, int columns,
			  int channels, int problems, bool can_be_big);

/* Left column of a channel (from 0) in its bank, for rising bars. */
int panel_layout_x(const struct panel_layout *layout, int channel);

/* First row of the bank that a channel is in. */
int panel_layout_y(const struct panel_layout *layout, int channel);

#endif
