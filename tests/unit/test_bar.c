/*
 * Bars: the standard's corners, and the characters of each kind of terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bar.h"

static void test_the_scale_has_the_corners_of_iec_60268_18(void **state)
{
	(void)state;
	assert_float_equal(bar_deflection(0), 1.0, 1e-9);
	assert_float_equal(bar_deflection(-20), 0.5, 1e-9);
	assert_float_equal(bar_deflection(-30), 0.3, 1e-9);
	assert_float_equal(bar_deflection(-60), 0.025, 1e-9);
	assert_float_equal(bar_deflection(-10), 0.75, 1e-9);
}

static void test_beyond_the_scale_is_its_end(void **state)
{
	(void)state;
	assert_float_equal(bar_deflection(-71), 0, 1e-9);
	assert_float_equal(bar_deflection(6), 1, 1e-9);
	assert_float_equal(bar_deflection((double)NAN), 0, 1e-9);
	assert_float_equal(bar_deflection((double)-INFINITY), 0, 1e-9);
}

static void test_more_level_is_never_a_shorter_bar(void **state)
{
	int last = 0;

	(void)state;
	for (double db = -80; db <= 3; db += 0.1) {
		int now = bar_eighths(db, 11);

		assert_true(now >= last);
		last = now;
	}
	assert_int_equal(last, 11 * BAR_STEPS);
}

static void test_the_faintest_level_on_the_scale_shows(void **state)
{
	(void)state;
	assert_int_equal(bar_eighths(-69.9, 5), 1);
	assert_int_equal(bar_cell(-69.9, 5), 0);
	assert_int_equal(bar_eighths(-80, 5), 0);
	assert_int_equal(bar_cell(-80, 5), -1);
	assert_int_equal(bar_cell(0, 5), 4);
}

static void test_a_lying_bar_has_eighths_and_its_hold(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(bar_text(out, sizeof(out), BAR_EIGHTHS, -20, 0, 9),
			    "████▌   │");
	assert_string_equal(bar_text(out, sizeof(out), BAR_HALVES, -20, 0, 9),
			    "████▌   │");
	assert_string_equal(bar_text(out, sizeof(out), BAR_ASCII, -20, 0, 9),
			    "####:   |");
}

static void test_a_bar_never_overflows_its_string(void **state)
{
	char out[8];

	(void)state;
	memset(out, 'x', sizeof(out));
	bar_text(out, sizeof(out), BAR_EIGHTHS, 0, 0, 100);
	assert_true(strlen(out) < sizeof(out));
}

static void test_glyphs_follow_locale_and_terminal(void **state)
{
	(void)state;
	setenv("TERM", "xterm", 1);
	assert_int_equal(bar_glyphs(), BAR_EIGHTHS);
	setenv("TERM", "linux", 1);
	assert_int_equal(bar_glyphs(), BAR_HALVES);
	setlocale(LC_CTYPE, "C");
	assert_int_equal(bar_glyphs(), BAR_ASCII);
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void test_ascii_bars_are_ascii(void **state)
{
	(void)state;
	for (int i = -3; i < 12; i++) {
		assert_true((unsigned char)*bar_up(BAR_ASCII, i) < 0x80);
		assert_true((unsigned char)*bar_right(BAR_ASCII, i) < 0x80);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_the_scale_has_the_corners_of_iec_60268_18),
		cmocka_unit_test(test_beyond_the_scale_is_its_end),
		cmocka_unit_test(test_more_level_is_never_a_shorter_bar),
		cmocka_unit_test(test_the_faintest_level_on_the_scale_shows),
		cmocka_unit_test(test_a_lying_bar_has_eighths_and_its_hold),
		cmocka_unit_test(test_a_bar_never_overflows_its_string),
		cmocka_unit_test(test_glyphs_follow_locale_and_terminal),
		cmocka_unit_test(test_ascii_bars_are_ascii),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
