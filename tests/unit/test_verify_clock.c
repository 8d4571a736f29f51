/*
 * What a ledger says of time against its frames: entries as the recorder writes
 * them fit, also around losses and crashes; each one that is falsified does
 * not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "take/verify_clock.h"

#define RATE  48000
#define START 7000
#define LAG   5280 /* frames that the producer keeps to itself */
#define NS    1000000000LL
#define PPM   12.5

static struct take_info take;
static char words[256];

/* Half a minute of a take, an entry every ten seconds and one at its end. */
static json_t *entry(int n, double seconds, int64_t at)
{
	int64_t expected =
		START + (int64_t)(seconds * RATE * (1 + PPM / 1e6) + 0.5);

	return json_pack("{si sI sI sI sI sf sf}", "n", n, "at", (json_int_t)at,
			 "received", (json_int_t)(expected - LAG), "expected",
			 (json_int_t)expected, "uptime",
			 (json_int_t)(500 * NS + (int64_t)(seconds * 1e9)),
			 "ppm", PPM, "ppm_error", 1.5);
}

static int begin(void **state)
{
	json_t *last;

	(void)state;
	take_info_init(&take);
	take.rate = RATE;
	take.start = START;
	take.tracks = 1;
	take.ended = true;
	take.frames = 30 * RATE;
	snprintf(take.reason, sizeof(take.reason), "stop");
	for (int i = 0; i < 3; i++)
		json_array_append_new(take.clocks, entry(5 * i + 1, 10 * i + 1,
							 10 * i * RATE));
	last = entry(20, 30.5, 30 * RATE);
	json_object_set_new(last, "last", json_true());
	json_array_append_new(take.clocks, last);
	return 0;
}

static int end(void **state)
{
	(void)state;
	take_info_finish(&take);
	return 0;
}

static json_t *clock_of(size_t index)
{
	return json_array_get(take.clocks, index);
}

static int64_t value(size_t index, const char *key)
{
	return json_integer_value(json_object_get(clock_of(index), key));
}

static void add(size_t index, const char *key, int64_t by)
{
	json_object_set_new(clock_of(index), key,
			    json_integer(value(index, key) + by));
}

static void note(const char *type, int n, int64_t at, int64_t frames)
{
	json_array_append_new(strcmp(type, "gap") == 0 ? take.gaps : take.notes,
			      json_pack("{ss si sI sI}", "type", type, "n", n,
					"at", (json_int_t)at, "frames",
					(json_int_t)frames));
}

static void assert_fits(void)
{
	if (!verify_clock(&take, words, sizeof(words)))
		fail_msg("%s", words);
}

static void assert_finds(const char *what)
{
	assert_false(verify_clock(&take, words, sizeof(words)));
	if (!strstr(words, what))
		fail_msg("%s", words);
}

static void test_what_the_recorder_writes_fits(void **state)
{
	(void)state;
	assert_fits();
	json_array_clear(take.clocks);
	assert_fits();
}

static void test_entries_of_an_earlier_version_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		json_object_del(clock_of(i), "uptime");
	json_object_del(clock_of(3), "last");
	assert_fits();
}

static void test_before_the_rate_is_known_time_says_nothing(void **state)
{
	(void)state;
	json_object_set_new(clock_of(0), "ppm", json_null());
	add(0, "expected", 3 * RATE);
	assert_fits();
}

static void test_a_take_of_another_length_does_not_fit(void **state)
{
	(void)state;
	take.frames--;
	assert_finds("the take has 1439999");
	take.frames += 2;
	assert_finds("the take has 1440001");
}

static void test_an_entry_beyond_the_end_does_not_fit(void **state)
{
	(void)state;
	json_array_remove(take.clocks, 3);
	take.frames = 15 * RATE;
	assert_finds("counts 960000 frames");
}

static void test_frames_that_had_not_come_do_not_fit(void **state)
{
	(void)state;
	add(1, "at", RATE);
	assert_finds("when only");
}

static void test_a_take_begins_before_its_first_frame_has_come(void **state)
{
	(void)state;
	add(0, "received", -RATE);
	assert_true(value(0, "received") < START);
	assert_fits();
}

static void test_entries_out_of_order_do_not_fit(void **state)
{
	(void)state;
	add(1, "uptime", 12 * NS);
	assert_finds("counted");
	add(1, "uptime", -12 * NS);
	add(2, "uptime", -11 * NS);
	assert_false(verify_clock(&take, words, sizeof(words)));
	add(2, "uptime", 11 * NS);
	add(1, "at", -RATE);
	add(0, "at", 10 * RATE);
	assert_false(verify_clock(&take, words, sizeof(words)));
}

static void test_a_time_that_has_no_room_for_its_frames_does_not_fit(
	void **state)
{
	(void)state;
	for (size_t i = 1; i < 4; i++)
		add(i, "uptime", -2 * NS);
	assert_finds("have time for");
}

static void test_a_rate_that_the_frames_do_not_have_does_not_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		json_object_set_new(clock_of(i), "ppm", json_real(25000));
	assert_finds("25000 ppm off");
}

/* A tenth of a second an entry, over an hour. */
static void test_a_small_drift_is_found_over_time(void **state)
{
	(void)state;
	json_array_clear(take.clocks);
	take.frames = 3600 * (uint64_t)RATE;
	for (int i = 0; i < 360; i++)
		json_array_append_new(
			take.clocks,
			entry(i, 10 * i + 1, (int64_t)10 * i * RATE));
	assert_fits();
	for (size_t i = 0; i < 360; i++)
		add(i, "uptime", (int64_t)i * NS / 100);
	assert_finds("have time for");
}

static void test_more_frames_than_time_do_not_fit(void **state)
{
	(void)state;
	for (size_t i = 2; i < 4; i++)
		add(i, "received", RATE);
	assert_finds("more frames than time");
	note("surplus", 9, 18 * RATE, RATE);
	assert_fits();
}

static void test_a_lag_without_a_gap_does_not_fit(void **state)
{
	(void)state;
	add(2, "at", -10 * RATE);
	add(2, "received", -8 * RATE);
	assert_finds("no gap names them");
	note("gap", 12, 14 * RATE, 8 * RATE);
	assert_fits();
}

static void test_a_lag_at_the_end_of_the_take_fits(void **state)
{
	(void)state;
	json_array_remove(take.clocks, 3);
	add(2, "at", -10 * RATE);
	add(2, "received", -8 * RATE);
	take.frames = 12 * RATE;
	assert_fits();
}

static void test_what_was_taken_back_does_not_count(void **state)
{
	(void)state;
	json_array_remove(take.clocks, 3);
	take.frames = 15 * RATE;
	note("healed", 30, 15 * RATE, 0);
	assert_fits();
}

static void test_a_medium_that_failed_ends_it_earlier(void **state)
{
	(void)state;
	take.frames = 29 * RATE;
	snprintf(take.reason, sizeof(take.reason), "medium failed");
	assert_fits();
}

static void test_an_entry_that_is_none_does_not_fit(void **state)
{
	(void)state;
	json_object_set_new(clock_of(1), "received", json_string("many"));
	assert_finds("is none");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_what_the_recorder_writes_fits),
		EACH(test_entries_of_an_earlier_version_fit),
		EACH(test_before_the_rate_is_known_time_says_nothing),
		EACH(test_a_take_of_another_length_does_not_fit),
		EACH(test_an_entry_beyond_the_end_does_not_fit),
		EACH(test_frames_that_had_not_come_do_not_fit),
		EACH(test_a_take_begins_before_its_first_frame_has_come),
		EACH(test_entries_out_of_order_do_not_fit),
		EACH(test_a_time_that_has_no_room_for_its_frames_does_not_fit),
		EACH(test_a_rate_that_the_frames_do_not_have_does_not_fit),
		EACH(test_a_small_drift_is_found_over_time),
		EACH(test_more_frames_than_time_do_not_fit),
		EACH(test_a_lag_without_a_gap_does_not_fit),
		EACH(test_a_lag_at_the_end_of_the_take_fits),
		EACH(test_what_was_taken_back_does_not_count),
		EACH(test_a_medium_that_failed_ends_it_earlier),
		EACH(test_an_entry_that_is_none_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
