/*
 * What people read: names that cannot drive a terminal, and numbers that stay
 * readable however odd they are.
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

#include "tools/text.h"

static void assert_copy(const char *in, const char *expected)
{
	char out[64];

	assert_string_equal(text_copy(out, sizeof(out), in), expected);
}

static void test_copy_keeps_names_in_any_script(void **state)
{
	(void)state;
	assert_copy("Gitarre Grün ♪ 鼓 🥁", "Gitarre Grün ♪ 鼓 🥁");
}

static void test_copy_disarms_control_characters(void **state)
{
	(void)state;
	assert_copy("a\033[2Jb\nc\177", "a?[2Jb?c?");
	assert_copy("\302\233"
		    "31m",
		    "?31m");		      /* C1 CSI */
	assert_copy("a\342\200\256b", "a?b"); /* right-to-left */
	assert_copy("\342\200\250", "?");     /* line separator */
}

static void test_copy_replaces_broken_utf8_byte_by_byte(void **state)
{
	(void)state;
	assert_copy("\300\257", "??");		 /* overlong slash */
	assert_copy("\355\240\200", "???");	 /* surrogate */
	assert_copy("\364\220\200\200", "????"); /* beyond Unicode */
	assert_copy("\342\202", "??");		 /* cut off */
	assert_copy("\200x", "?x");
}

static void test_copy_cuts_at_a_whole_character(void **state)
{
	char out[5];

	(void)state;
	assert_string_equal(text_copy(out, sizeof(out), "abcü"), "abc");
	assert_string_equal(text_copy(out, sizeof(out), "abü"), "abü");
	assert_string_equal(text_copy(out, 1, "x"), "");
}

static void test_fit_counts_columns_not_bytes(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(text_fit(out, sizeof(out), "Grün", 6, true),
			    "Grün  ");
	assert_string_equal(text_fit(out, sizeof(out), "鼓鼓", 3, true), "鼓 ");
	assert_string_equal(text_fit(out, sizeof(out), "abc", 2, false), "ab");
	assert_int_equal(text_width("Grün 鼓"), 7);
}

static void test_fit_shows_marks_where_the_locale_has_no_utf8(void **state)
{
	char out[64];

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	text_fit(out, sizeof(out), "Grün", 6, true);
	assert_int_equal(text_width("Grün"), 4);
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_string_equal(out, "Gr?n  ");
}

static void test_clock_goes_beyond_a_day(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_clock(out, sizeof(out), 754.9), "0:12:34");
	assert_string_equal(text_clock(out, sizeof(out), 90061), "25:01:01");
}

static void test_durations_have_the_unit_that_matters(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_duration(out, sizeof(out), 42.7), "42 s");
	assert_string_equal(text_duration(out, sizeof(out), 754), "12 min");
	assert_string_equal(text_duration(out, sizeof(out), 37380),
			    "10 h 23 min");
	assert_string_equal(text_duration(out, sizeof(out), 3600 * 300.0),
			    "300 h");
	assert_string_equal(text_seconds(out, sizeof(out), 2.5), "2.5 s");
}

static void test_odd_numbers_stay_harmless(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_clock(out, sizeof(out), (double)NAN), "?");
	assert_string_equal(text_clock(out, sizeof(out), -5), "0:00:00");
	assert_string_equal(text_clock(out, sizeof(out), 1e300),
			    "277777777:46:40");
	assert_string_equal(text_bytes(out, sizeof(out), -1), "?");
	assert_string_equal(text_db(out, sizeof(out), -150), "-inf");
	assert_string_equal(text_rate(out, sizeof(out), 0), "?");
	assert_string_equal(text_ppm(out, sizeof(out), -0.04), "0.0 ppm");
	assert_string_equal(text_ppm(out, sizeof(out), -0.06), "-0.1 ppm");
}

static void test_bytes_keep_two_digits(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(text_bytes(out, sizeof(out), 999), "999 B");
	assert_string_equal(text_bytes(out, sizeof(out), 1234), "1.2 kB");
	assert_string_equal(text_bytes(out, sizeof(out), 120345678901.0),
			    "120 GB");
	assert_string_equal(text_bytes(out, sizeof(out), 9.97e9), "10 GB");
	assert_string_equal(text_bytes(out, sizeof(out), 999600000), "1.0 GB");
}

static void test_ranges_join_three_and_more(void **state)
{
	static const int numbers[] = {1, 2, 5, 6, 7, 8, 10, 64};
	char out[64];

	(void)state;
	assert_string_equal(text_ranges(out, sizeof(out), numbers, 8),
			    "1 2 5-8 10 64");
	assert_string_equal(text_ranges(out, sizeof(out), numbers, 0), "none");
	assert_string_equal(text_ranges(out, 4, numbers, 8), "1 2");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_keeps_names_in_any_script),
		cmocka_unit_test(test_copy_disarms_control_characters),
		cmocka_unit_test(test_copy_replaces_broken_utf8_byte_by_byte),
		cmocka_unit_test(test_copy_cuts_at_a_whole_character),
		cmocka_unit_test(test_fit_counts_columns_not_bytes),
		cmocka_unit_test(
			test_fit_shows_marks_where_the_locale_has_no_utf8),
		cmocka_unit_test(test_clock_goes_beyond_a_day),
		cmocka_unit_test(test_durations_have_the_unit_that_matters),
		cmocka_unit_test(test_odd_numbers_stay_harmless),
		cmocka_unit_test(test_bytes_keep_two_digits),
		cmocka_unit_test(test_ranges_join_three_and_more),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
