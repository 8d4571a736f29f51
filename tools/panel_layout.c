/*
 * panel_layout: the fixed lines first, then the meters in what is left.
 */
#include "tools/panel_layout.h"

#include <string.h>

#define MIN_ROWS    10
#define MIN_COLUMNS 40

/* Least width of a column of lying bars: mark, number, name, a bar that still
 * shows something, peak and clip. */
#define LYING_WIDTH	 56
#define LYING_FIXED	 19 /* columns beside name and bar */
#define RISING_PITCH_MAX 10
#define NAME_PITCH	 6 /* columns from which names go below the bars */
#define BAR_ROWS_MIN	 2
#define ROOMY_BAR_ROWS	 8  /* problems may take rows down to here */
#define AIRY_ROWS	 32 /* from here empty rows part the parts */

static int min(int a, int b)
{
	return a < b ? a : b;
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int divide_up(int a, int b)
{
	return (a + b - 1) / b;
}

static bool try_lying(struct panel_layout *layout)
{
	int room = layout->meter_rows - 1;
	int most = max(1, layout->columns / LYING_WIDTH);

	if (room < 1 || layout->channels > room * most)
		return false;
	layout->column_count = divide_up(layout->channels, room);
	layout->per_column = divide_up(layout->channels, layout->column_count);
	layout->column_width = layout->columns / layout->column_count;
	/* The last cell needs no empty row behind it. */
	layout->cell_rows = min(3, (room + 1) / layout->per_column);
	layout->bar_rows = layout->cell_rows == 3 ? 2 : 1;
	layout->name_width = layout->column_width >= 100  ? 24
			     : layout->column_width >= 70 ? 16
							  : 12;
	layout->bar_width =
		layout->column_width - LYING_FIXED - layout->name_width;
	layout->meters = PANEL_METERS_LYING;
	return layout->bar_width >= 8;
}

/* Rising bars in banks banks, if that leaves pitch columns and some height. */
static bool try_rising(struct panel_layout *layout, int banks, int least_pitch)
{
	int width = layout->columns - PANEL_SCALE_WIDTH;
	int rows, used;

	layout->banks = banks;
	layout->per_bank = divide_up(layout->channels, banks);
	layout->pitch = min(RISING_PITCH_MAX, width / layout->per_bank);
	if (layout->pitch < least_pitch)
		return false;
	layout->bank_rows = layout->meter_rows / banks;
	layout->clip_rows = banks == 1 ? 1 : 0;
	layout->number_rows = layout->pitch >= 3 || banks > 1 ? 1 : 2;
	layout->name_rows = layout->pitch >= NAME_PITCH ? 1 : 0;
	rows = layout->bank_rows - layout->clip_rows - 1 - layout->number_rows -
	       layout->name_rows;
	/* One empty row between banks, where the bars can spare it. */
	layout->bar_rows = banks > 1 && rows > 5 ? rows - 1 : rows;
	used = layout->per_bank * layout->pitch;
	layout->group_gap =
		used + (layout->per_bank - 1) / PANEL_GROUP <= width ? 1 : 0;
	layout->meters = PANEL_METERS_RISING;
	return layout->bar_rows >= BAR_ROWS_MIN;
}

static void place_meters(struct panel_layout *layout)
{
	if (layout->channels == 0 || layout->meter_rows < 5)
		return;
	if (try_lying(layout))
		return;
	for (int pitch = 2; pitch > 0; pitch--) {
		for (int banks = 1; banks <= 4; banks++) {
			if (try_rising(layout, banks, pitch))
				return;
		}
	}
	layout->meters = PANEL_METERS_NONE;
}

/* Whether the meters are as good as they need to be. */
static bool is_roomy(const struct panel_layout *layout)
{
	return layout->meters != PANEL_METERS_RISING ||
	       layout->bar_rows >= ROOMY_BAR_ROWS;
}

static void place_problems(struct panel_layout *layout, int problem_rows)
{
	bool airy = layout->rows >= AIRY_ROWS;
	int row = layout->problem_row + problem_rows + airy;

	layout->problem_rows = problem_rows;
	layout->meter_row = row;
	layout->meter_rows = max(0, layout->message_row - airy - row);
	layout->meters = PANEL_METERS_NONE;
	place_meters(layout);
}

void panel_layout_compute(struct panel_layout *layout, int rows, int columns,
			  int channels, int problems, bool can_be_big)
{
	int least = max(1, rows / 12), most = max(1, rows / 4);

	memset(layout, 0, sizeof(*layout));
	layout->rows = rows;
	layout->columns = columns;
	layout->channels = channels;
	layout->usable = rows >= MIN_ROWS && columns >= MIN_COLUMNS;
	if (!layout->usable)
		return;
	layout->big = can_be_big && rows >= 22 && columns >= 78;
	layout->info_row = layout->big ? 3 + (rows >= AIRY_ROWS) : 1;
	layout->info_rows = rows >= 14 ? 2 : 1;
	layout->problem_row = layout->info_row + layout->info_rows;
	layout->key_row = rows - 1;
	layout->message_row = rows - 2;
	do
		place_problems(layout, max(1, min(problems, most)));
	while (--most >= least && !is_roomy(layout));
}

int panel_layout_x(const struct panel_layout *layout, int channel)
{
	int place = channel % layout->per_bank;

	return PANEL_SCALE_WIDTH + place * layout->pitch +
	       place / PANEL_GROUP * layout->group_gap;
}

int panel_layout_y(const struct panel_layout *layout, int channel)
{
	return layout->meter_row +
	       channel / layout->per_bank * layout->bank_rows;
}
