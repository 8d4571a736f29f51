/*
 * The panel's geometry on every terminal from nothing to very large, for every
 * count of channels: nothing overlaps, nothing is outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/panel_layout.h"

static void assert_rising_fits(const struct panel_layout *l)
{
	int height =
		l->clip_rows + l->bar_rows + 1 + l->number_rows + l->name_rows;

	assert_true(height <= l->bank_rows);
	for (int i = 0; i < l->channels; i++) {
		int x = panel_layout_x(l, i), y = panel_layout_y(l, i);

		assert_true(x >= PANEL_SCALE_WIDTH);
		assert_true(x + l->pitch <= l->columns);
		assert_true(y >= l->meter_row);
		assert_true(y + height <= l->message_row);
		if (i > 0 && panel_layout_y(l, i - 1) == y)
			assert_true(panel_layout_x(l, i - 1) + l->pitch <= x);
	}
}

static void assert_lying_fits(const struct panel_layout *l)
{
	int last = l->meter_row + (l->per_column - 1) * l->cell_rows +
		   l->bar_rows; /* the scale is above */

	assert_true(l->per_column * l->column_count >= l->channels);
	assert_true(l->column_count * l->column_width <= l->columns);
	assert_true(l->bar_rows <= l->cell_rows);
	assert_true(l->bar_width >= 8);
	assert_true(last < l->message_row);
}

static void test_everything_fits_everywhere(void **state)
{
	(void)state;
	for (int rows = 1; rows <= 70; rows++) {
		for (int columns = 1; columns <= 210; columns += 3) {
			for (int channels = 0; channels <= 64; channels++) {
				struct panel_layout l;

				panel_layout_compute(&l, rows, columns,
						     channels, channels % 6,
						     true);
				if (!l.usable)
					continue;
				assert_true(l.problem_row + l.problem_rows <=
					    l.meter_row);
				assert_true(l.message_row + 1 == l.key_row);
				if (l.meters == PANEL_METERS_RISING)
					assert_rising_fits(&l);
				if (l.meters == PANEL_METERS_LYING)
					assert_lying_fits(&l);
			}
		}
	}
}

static struct panel_layout at(int rows, int columns, int channels)
{
	struct panel_layout l;

	panel_layout_compute(&l, rows, columns, channels, 1, true);
	return l;
}

static void test_few_channels_lie_with_names(void **state)
{
	struct panel_layout l = at(24, 80, 8);

	(void)state;
	assert_int_equal(l.meters, PANEL_METERS_LYING);
	assert_true(l.name_width >= 12);
	l = at(24, 80, 2);
	assert_int_equal(l.bar_rows, 2);
}

static void test_32_channels_are_two_columns_each_at_80x24(void **state)
{
	struct panel_layout l = at(24, 80, 32);

	(void)state;
	assert_int_equal(l.meters, PANEL_METERS_RISING);
	assert_int_equal(l.banks, 1);
	assert_int_equal(l.pitch, 2);
	assert_true(l.bar_rows >= 10);
	assert_int_equal(l.number_rows, 2);
}

static void test_64_channels_are_two_banks_at_80x24(void **state)
{
	struct panel_layout l = at(24, 80, 64);

	(void)state;
	assert_int_equal(l.banks, 2);
	assert_int_equal(l.pitch, 2);
	assert_true(l.bar_rows >= 4);
}

static void test_a_large_terminal_gives_every_channel_a_name(void **state)
{
	struct panel_layout l = at(60, 200, 64);

	(void)state;
	assert_int_equal(l.meters, PANEL_METERS_LYING);
	assert_true(l.name_width >= 12);
}

static void test_problems_take_what_the_meters_can_spare(void **state)
{
	struct panel_layout l;

	(void)state;
	panel_layout_compute(&l, 24, 80, 4, 5, true);
	assert_int_equal(l.problem_rows, 5);
	panel_layout_compute(&l, 24, 80, 64, 5, true);
	assert_int_equal(l.problem_rows, 2);
	panel_layout_compute(&l, 24, 80, 32, 5, true);
	assert_true(l.bar_rows >= 8);
}

static void test_a_tiny_terminal_is_not_usable(void **state)
{
	(void)state;
	assert_false(at(9, 80, 8).usable);
	assert_false(at(24, 39, 8).usable);
	assert_true(at(10, 40, 8).usable);
}

static void test_without_large_letters_the_meters_get_their_rows(void **state)
{
	struct panel_layout with = at(24, 80, 32), without;

	(void)state;
	panel_layout_compute(&without, 24, 80, 32, 1, false);
	assert_true(with.big);
	assert_false(without.big);
	assert_int_equal(without.bar_rows, with.bar_rows + 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_fits_everywhere),
		cmocka_unit_test(test_few_channels_lie_with_names),
		cmocka_unit_test(
			test_32_channels_are_two_columns_each_at_80x24),
		cmocka_unit_test(test_64_channels_are_two_banks_at_80x24),
		cmocka_unit_test(
			test_a_large_terminal_gives_every_channel_a_name),
		cmocka_unit_test(test_problems_take_what_the_meters_can_spare),
		cmocka_unit_test(test_a_tiny_terminal_is_not_usable),
		cmocka_unit_test(
			test_without_large_letters_the_meters_get_their_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
