/*
 * What the panel's keys mean, and what it keeps of what it hears.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "tools/panel_model.h"

#define SECOND 1000000000LL

static const char recording[] =
	"{\"state\":\"recording\",\"take\":{\"name\":\"T\"},"
	"\"interface\":{\"channels\":3},"
	"\"tracks\":[{\"number\":1,\"name\":\"Kick\",\"channels\":[1],"
	"\"armed\":true},{\"number\":2,\"name\":\"Grün\",\"channels\":[2],"
	"\"armed\":false},{\"number\":5,\"name\":\"Vox\",\"channels\":[3],"
	"\"armed\":true}]}";

static void hear_status(struct panel *panel, const char *text)
{
	json_t *status = json_loads(text, 0, NULL);

	assert_non_null(status);
	panel_set_status(panel, status);
	json_decref(status);
}

static void hear_meters(struct panel *panel, const char *text)
{
	json_t *event = json_loads(text, 0, NULL);

	assert_non_null(event);
	panel_set_meters(panel, event);
	json_decref(event);
}

static struct panel connected(const char *status)
{
	struct panel panel;

	panel_init(&panel);
	panel_set_link(&panel, PANEL_CONNECTED);
	hear_status(&panel, status);
	return panel;
}

static struct panel_order press(struct panel *panel, int key, int64_t now)
{
	struct panel_order order;

	panel_key(panel, key, now, &order);
	return order;
}

static void test_one_key_records_and_marks(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	assert_int_equal(press(&panel, 'r', 1).kind, PANEL_ORDER_RECORD);
	assert_int_equal(press(&panel, 'm', 1).kind, PANEL_ORDER_MARK);
	assert_int_equal(press(&panel, 'k', 1).kind, PANEL_ORDER_KEEP);
	assert_int_equal(press(&panel, 'A', 1).kind, PANEL_ORDER_ARM_ALL);
	assert_int_equal(press(&panel, 'q', 1).kind, PANEL_ORDER_QUIT);
}

static void test_stop_takes_the_key_twice(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	assert_int_equal(press(&panel, 's', SECOND).kind, PANEL_ORDER_NONE);
	assert_non_null(strstr(panel.message, "again"));
	assert_int_equal(press(&panel, 's', 2 * SECOND).kind, PANEL_ORDER_STOP);
	assert_int_equal(press(&panel, 's', 2 * SECOND).kind, PANEL_ORDER_NONE);
}

static void test_stop_is_forgotten_after_two_seconds(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	press(&panel, 's', SECOND);
	assert_int_equal(panel_tick(&panel, 2 * SECOND), 3 * SECOND);
	panel_tick(&panel, 3 * SECOND);
	assert_string_equal(panel.message, "");
	assert_int_equal(press(&panel, 's', 3 * SECOND).kind, PANEL_ORDER_NONE);
	assert_int_equal(press(&panel, 's', 6 * SECOND).kind, PANEL_ORDER_NONE);
}

static void test_another_key_between_forgets_stop(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	press(&panel, 's', SECOND);
	press(&panel, 'm', SECOND);
	assert_int_equal(press(&panel, 's', SECOND).kind, PANEL_ORDER_NONE);
}

static void test_stop_asks_nothing_when_nothing_runs(void **state)
{
	struct panel panel = connected("{\"state\":\"idle\"}");

	(void)state;
	press(&panel, 's', SECOND);
	assert_int_equal(press(&panel, 's', SECOND).kind, PANEL_ORDER_NONE);
}

static void test_space_toggles_the_track_under_the_cursor(void **state)
{
	struct panel panel = connected(recording);
	struct panel_order order;

	(void)state;
	assert_int_equal(press(&panel, ' ', 1).kind, PANEL_ORDER_NONE);
	press(&panel, 'a', 1);
	order = press(&panel, ' ', 1);
	assert_int_equal(order.kind, PANEL_ORDER_DISARM);
	assert_int_equal(order.track, 1);
	press(&panel, PANEL_KEY_RIGHT, 1);
	order = press(&panel, ' ', 1);
	assert_int_equal(order.kind, PANEL_ORDER_ARM);
	assert_int_equal(order.track, 2);
}

static void test_the_cursor_stays_on_the_tracks(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	press(&panel, 'a', 1);
	press(&panel, PANEL_KEY_LEFT, 1);
	assert_int_equal(panel.cursor, 0);
	press(&panel, PANEL_KEY_END, 1);
	press(&panel, PANEL_KEY_RIGHT, 1);
	assert_int_equal(panel_cursor_track(&panel)->number, 5);
	hear_status(&panel, "{\"tracks\":[{\"number\":1}]}");
	assert_int_equal(panel_cursor_track(&panel)->number, 1);
	hear_status(&panel, "{}");
	assert_null(panel_cursor_track(&panel));
	assert_int_equal(press(&panel, ' ', 1).kind, PANEL_ORDER_NONE);
}

static void test_a_name_is_typed_and_mended(void **state)
{
	struct panel panel = connected(recording);
	struct panel_order order;

	(void)state;
	press(&panel, 'a', 1);
	press(&panel, PANEL_KEY_RIGHT, 1);
	press(&panel, 'n', 1);
	assert_string_equal(panel.typed, "Grün");
	press(&panel, PANEL_KEY_ERASE, 1);
	press(&panel, PANEL_KEY_ERASE, 1); /* the whole ü */
	press(&panel, 0xe4, 1);
	press(&panel, 's', 1); /* a letter here */
	press(&panel, 0x1b, 1);
	press(&panel, 0x1f941, 1);
	assert_string_equal(panel.typed, "Gräs🥁");
	order = press(&panel, PANEL_KEY_ENTER, 1);
	assert_int_equal(order.kind, PANEL_ORDER_NAME);
	assert_int_equal(order.track, 2);
	assert_string_equal(order.name, "Gräs🥁");
}

static void test_escape_leaves_the_name(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	press(&panel, 'n', 1);
	press(&panel, 'x', 1);
	assert_int_equal(press(&panel, PANEL_KEY_ESCAPE, 1).kind,
			 PANEL_ORDER_NONE);
	assert_int_equal(panel.mode, PANEL_ARM);
}

static void test_a_name_never_overflows(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	press(&panel, 'n', 1);
	press(&panel, 'U' - '@', 1);
	for (int i = 0; i < 300; i++)
		press(&panel, 0x1f941, 1);
	assert_int_equal(strlen(panel.typed), 60);
}

static void test_without_a_recorder_an_order_is_not_given(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	panel_set_link(&panel, PANEL_AWAY);
	assert_int_equal(press(&panel, 'r', 1).kind, PANEL_ORDER_NONE);
	assert_int_equal(panel.tone, PANEL_TONE_ERROR);
	assert_int_equal(press(&panel, 'q', 1).kind, PANEL_ORDER_QUIT);
}

static void test_clearing_forgets_clips_and_holds_until_they_move(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	hear_meters(&panel, "{\"peak\":[-20,-20,-20],\"hold\":[-1,-2,-3],"
			    "\"clips\":[4,0,0]}");
	assert_int_equal(panel_clips(&panel, 0), 4);
	press(&panel, 'c', 1);
	assert_int_equal(panel_clips(&panel, 0), 0);
	assert_float_equal(panel_hold(&panel, 0), -20, 1e-6);
	hear_meters(&panel, "{\"peak\":[-20,-20,-20],\"hold\":[-1,-2,-2.5],"
			    "\"clips\":[5,0,0]}");
	assert_int_equal(panel_clips(&panel, 0), 1);
	assert_float_equal(panel_hold(&panel, 0), -20, 1e-6);
	assert_float_equal(panel_hold(&panel, 2), -2.5, 1e-6);
}

static void test_a_restarted_recorder_counts_clips_from_zero(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	hear_meters(&panel, "{\"peak\":[0],\"clips\":[9]}");
	press(&panel, 'c', 1);
	hear_meters(&panel, "{\"peak\":[0],\"clips\":[2]}");
	assert_int_equal(panel_clips(&panel, 0), 2);
}

static void hear_reply(struct panel *panel, enum panel_order_kind kind,
		       const char *text)
{
	json_t *reply = json_loads(text, 0, NULL);

	assert_non_null(reply);
	panel_set_reply(panel, kind, reply, SECOND);
	json_decref(reply);
}

static void test_a_refusal_is_shown_in_the_recorders_words(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	hear_reply(&panel, PANEL_ORDER_RECORD,
		   "{\"ok\":false,\"error\":\"refused\","
		   "\"message\":\"already\\u001b[2J recording\"}");
	assert_string_equal(panel.message, "already?[2J recording");
	assert_int_equal(panel.tone, PANEL_TONE_ERROR);
}

static void test_stop_shows_the_summary(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	hear_reply(&panel, PANEL_ORDER_STOP,
		   "{\"ok\":true,\"take\":{\"name\":\"Take-003\","
		   "\"seconds\":754,\"tracks\":32,\"bytes\":1200000000,"
		   "\"verdict\":\"sample-complete\"}}");
	assert_string_equal(
		panel.message,
		"Take-003: 0:12:34, 32 tracks, 1.2 GB, sample-complete");
}

static void test_numbers_alone_do_not_redraw_everything(void **state)
{
	struct panel panel = connected(recording);

	(void)state;
	panel.dirty = 0;
	hear_status(&panel, recording);
	assert_int_equal(panel.dirty, PANEL_DIRTY_STATUS);
	panel.dirty = 0;
	hear_meters(&panel, "{\"peak\":[-1,-2,-3]}");
	assert_int_equal(panel.dirty, PANEL_DIRTY_METERS);
	hear_status(&panel, "{\"state\":\"idle\"}");
	assert_int_equal(panel.dirty, PANEL_DIRTY_ALL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_key_records_and_marks),
		cmocka_unit_test(test_stop_takes_the_key_twice),
		cmocka_unit_test(test_stop_is_forgotten_after_two_seconds),
		cmocka_unit_test(test_another_key_between_forgets_stop),
		cmocka_unit_test(test_stop_asks_nothing_when_nothing_runs),
		cmocka_unit_test(test_space_toggles_the_track_under_the_cursor),
		cmocka_unit_test(test_the_cursor_stays_on_the_tracks),
		cmocka_unit_test(test_a_name_is_typed_and_mended),
		cmocka_unit_test(test_escape_leaves_the_name),
		cmocka_unit_test(test_a_name_never_overflows),
		cmocka_unit_test(test_without_a_recorder_an_order_is_not_given),
		cmocka_unit_test(
			test_clearing_forgets_clips_and_holds_until_they_move),
		cmocka_unit_test(
			test_a_restarted_recorder_counts_clips_from_zero),
		cmocka_unit_test(
			test_a_refusal_is_shown_in_the_recorders_words),
		cmocka_unit_test(test_stop_shows_the_summary),
		cmocka_unit_test(test_numbers_alone_do_not_redraw_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
