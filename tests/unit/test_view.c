/*
 * What the recorder said: whole as the man page shows it, and neutral where
 * it is missing, of another type or absurd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "tools/view.h"

static const char whole[] =
	"{\"version\":\"0.1.0\",\"state\":\"recording\",\"session\":\"Club\","
	"\"take\":{\"name\":\"Take-003\",\"folder\":\"/t\",\"start\":12345,"
	"\"length\":480000,\"seconds\":10.0,\"durable\":9.2,\"markers\":2,"
	"\"gaps\":1,\"lost\":480},"
	"\"interface\":{\"state\":\"running\",\"device\":\"hw:CARD=X\","
	"\"name\":\"Mixer\",\"channels\":32,\"rate\":48000,\"bits\":24,"
	"\"ppm\":12.3,\"error\":\"\"},"
	"\"tape\":{\"position\":1,\"seconds_held\":31.5,\"seconds\":600.0},"
	"\"gaps\":{\"count\":1,\"frames\":480},"
	"\"medium\":{\"folder\":\"/srv\",\"filesystem\":\"ext4\","
	"\"free_bytes\":1000,\"seconds_left\":36000.0},"
	"\"preroll\":5.0,\"realtime\":true,"
	"\"tracks\":[{\"number\":1,\"name\":\"Kick\",\"channels\":[1],"
	"\"armed\":true},{\"number\":2,\"name\":\"Keys\",\"channels\":[3,4],"
	"\"armed\":false}],"
	"\"problems\":[{\"level\":\"lost\",\"text\":\"480 frames\"},"
	"{\"level\":\"kept\",\"text\":\"back\"}]}";

static struct view_status read_status(const char *text)
{
	json_t *object = json_loads(text, JSON_DECODE_ANY, NULL);
	struct view_status status;

	assert_non_null(object);
	view_status(object, &status);
	json_decref(object);
	return status;
}

static void test_a_whole_status_is_read_whole(void **state)
{
	struct view_status s = read_status(whole);

	(void)state;
	assert_int_equal(s.state, VIEW_RECORDING);
	assert_true(s.has_take && s.realtime);
	assert_string_equal(s.take_name, "Take-003");
	assert_float_equal(s.take_durable, 9.2, 1e-9);
	assert_int_equal(s.take_lost, 480);
	assert_int_equal(s.interface.channels, 32);
	assert_float_equal(s.interface.ppm, 12.3, 1e-9);
	assert_float_equal(s.tape_held, 31.5, 1e-9);
	assert_float_equal(s.medium_seconds_left, 36000, 1e-9);
	assert_int_equal(s.track_count, 2);
	assert_int_equal(s.problem_count, 2);
	assert_int_equal(s.problems[0].level, VIEW_LOST);
}

static void test_a_channel_finds_its_track(void **state)
{
	struct view_status s = read_status(whole);

	(void)state;
	assert_string_equal(view_track_of(&s, 1)->name, "Kick");
	assert_string_equal(view_track_of(&s, 4)->name, "Keys");
	assert_null(view_track_of(&s, 2));
}

static void test_an_empty_status_is_neutral(void **state)
{
	struct view_status s = read_status("{}");

	(void)state;
	assert_int_equal(s.state, VIEW_UNKNOWN);
	assert_false(s.has_take);
	assert_int_equal(s.track_count, 0);
	assert_true(isnan(s.interface.ppm) && isnan(s.tape_held));
	assert_string_equal(s.session, "");
}

static void test_an_unplugged_recorder_is_not_ready(void **state)
{
	(void)state;
	assert_int_equal(read_status("{\"state\":\"idle\",\"interface\":"
				     "{\"state\":\"absent\"}}")
				 .state,
			 VIEW_NO_INTERFACE);
	assert_int_equal(read_status("{\"state\":\"recording\",\"interface\":"
				     "{\"state\":\"absent\"}}")
				 .state,
			 VIEW_RECORDING);
}

static void test_take_null_is_no_take(void **state)
{
	(void)state;
	assert_false(read_status("{\"take\":null}").has_take);
	assert_true(read_status("{\"take\":{}}").has_take);
}

static void test_wrong_types_are_neutral(void **state)
{
	struct view_status s = read_status(
		"{\"state\":7,\"session\":[],\"interface\":\"x\",\"take\":[1],"
		"\"tracks\":{\"a\":1},\"problems\":3,\"tape\":null,"
		"\"gaps\":{\"count\":\"many\",\"frames\":-4},\"medium\":1.5}");

	(void)state;
	assert_int_equal(s.state, VIEW_UNKNOWN);
	assert_false(s.has_take);
	assert_int_equal(s.track_count, 0);
	assert_int_equal(s.problem_count, 0);
	assert_int_equal(s.gap_count, 0);
	assert_int_equal(s.gap_frames, 0);
}

static void test_absurd_numbers_are_bounded(void **state)
{
	struct view_status s = read_status(
		"{\"interface\":{\"channels\":1000000,\"rate\":-1},"
		"\"tracks\":[{\"number\":0},{\"number\":9223372036854775807,"
		"\"channels\":[99,-1,3]}]}");

	(void)state;
	assert_int_equal(s.interface.channels, VIEW_CHANNELS);
	assert_int_equal(s.interface.rate, 0);
	assert_int_equal(s.track_count, 1); /* number 0 is none */
	assert_int_equal(s.tracks[0].channels[0], 0);
}

static void test_lists_longer_than_any_recorder_are_cut(void **state)
{
	json_t *status = json_object(), *tracks = json_array();
	json_t *problems = json_array(), *peaks = json_array();
	struct view_status s;
	struct view_meters meters;

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		json_array_append_new(tracks, json_pack("{s:i}", "number", i));
		json_array_append_new(problems,
				      json_pack("{s:s}", "text", "x"));
		json_array_append_new(peaks, json_real(-6));
	}
	json_object_set_new(status, "tracks", tracks);
	json_object_set_new(status, "problems", problems);
	json_object_set_new(status, "peak", peaks);
	view_status(status, &s);
	view_meters(status, &meters);
	json_decref(status);
	assert_int_equal(s.track_count, VIEW_TRACKS);
	assert_int_equal(s.problem_count, VIEW_PROBLEMS);
	assert_int_equal(meters.channels, VIEW_CHANNELS);
}

static void test_meters_without_values_lie_at_the_floor(void **state)
{
	json_t *event = json_loads("{\"peak\":[-6.5,null,\"x\",1e300,-1e300],"
				   "\"hold\":[-3],\"clips\":[2,-1,1e9]}",
				   0, NULL);
	struct view_meters meters;

	(void)state;
	view_meters(event, &meters);
	json_decref(event);
	assert_int_equal(meters.channels, 5);
	assert_float_equal(meters.peak[0], -6.5, 1e-6);
	assert_float_equal(meters.peak[1], VIEW_METER_FLOOR, 1e-6);
	assert_float_equal(meters.peak[2], VIEW_METER_FLOOR, 1e-6);
	assert_float_equal(meters.peak[3], 60, 1e-6);
	assert_float_equal(meters.peak[4], VIEW_METER_FLOOR, 1e-6);
	assert_float_equal(meters.hold[1], VIEW_METER_FLOOR, 1e-6);
	assert_int_equal(meters.clips[0], 2);
	assert_int_equal(meters.clips[1], 0);
}

static void test_a_summary_is_read_with_what_it_has(void **state)
{
	json_t *object = json_loads(
		"{\"name\":\"T\",\"seconds\":60.0,\"tracks\":2,"
		"\"verdict\":\"gaps\",\"peaks\":[-3.5,null],\"clips\":[4],"
		"\"track_names\":[\"Kick\"]}",
		0, NULL);
	struct view_take take;

	(void)state;
	view_take(object, &take);
	json_decref(object);
	assert_string_equal(take.verdict, "gaps");
	assert_int_equal(take.tracks, 2);
	assert_int_equal(take.gaps, -1);
	assert_int_equal(take.level_count, 2);
	assert_int_equal(take.clips[0], 4);
	assert_string_equal(take.names[0], "Kick");
	assert_string_equal(take.names[1], "");
	assert_true(isnan(take.peaks[1]) && isnan(take.bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_status_is_read_whole),
		cmocka_unit_test(test_a_channel_finds_its_track),
		cmocka_unit_test(test_an_empty_status_is_neutral),
		cmocka_unit_test(test_an_unplugged_recorder_is_not_ready),
		cmocka_unit_test(test_take_null_is_no_take),
		cmocka_unit_test(test_wrong_types_are_neutral),
		cmocka_unit_test(test_absurd_numbers_are_bounded),
		cmocka_unit_test(test_lists_longer_than_any_recorder_are_cut),
		cmocka_unit_test(test_meters_without_values_lie_at_the_floor),
		cmocka_unit_test(test_a_summary_is_read_with_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
