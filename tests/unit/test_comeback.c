/*
 * Whether recording goes on by itself, from what was written down and what the
 * ledger says; how it is written down; and how long nothing was recorded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "take/wall.h"
#include "transport/comeback.h"

static struct intent running(void)
{
	struct intent intent = {
		.kind = INTENT_RECORDING,
		.tape = "00112233445566778899aabbccddeeff",
		.start = 1000,
		.from = 49000,
		.stop = TAKE_FOREVER,
		.frames = 48000,
		.name = "Blue Möön",
		.medium = "/media/takebox/STICK",
		.session = "Show",
		.place = {.session = "Show",
			  .take = "Take-001-Blue",
			  .folder = "/media/takebox/STICK/Takebox/Show/x"},
		.tracks = {{.name = "Kick", .channels = {1, 0}, .armed = true},
			   {.name = "Over", .channels = {3, 4}}},
		.track_count = 2,
	};

	return intent;
}

static void add(struct take_info *info, json_t *entry)
{
	assert_non_null(entry);
	json_array_append_new(info->notes, entry);
}

static void add_stop(struct take_info *info, const char *reason)
{
	add(info,
	    json_pack("{ss si ss}", "type", "stop", "at", 5, "reason", reason));
}

static struct take_info found(void)
{
	struct take_info info;

	assert_int_equal(take_info_init(&info), 0);
	return info;
}

static void assert_goes_on(const struct intent *left, struct take_info *info,
			   bool expected)
{
	assert_true((comeback_refusal(left, info) == NULL) == expected);
	if (info)
		take_info_finish(info);
}

static void test_a_take_that_was_torn_off_is_gone_on_with(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	assert_goes_on(&left, &info, true);
}

static void test_healed_or_not_makes_no_difference(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	add_stop(&info, "interrupted");
	info.ended = true;
	snprintf(info.reason, sizeof(info.reason), "interrupted");
	assert_goes_on(&left, &info, true);
}

static void test_a_take_that_the_failing_supply_ended_is(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	add_stop(&info, COMEBACK_SUPPLY);
	info.ended = true;
	snprintf(info.reason, sizeof(info.reason), COMEBACK_SUPPLY);
	assert_goes_on(&left, &info, true);
}

static void test_a_take_that_was_to_end_is_not(void **state)
{
	static const char *const reasons[] = {"stop", "end", "shut down",
					      "medium full", "the tape ended"};
	struct intent left = running();

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct take_info info = found();

		add_stop(&info, reasons[i]);
		/* The heal comes after the STOP that was not carried out. */
		add_stop(&info, "interrupted");
		assert_goes_on(&left, &info, false);
	}
}

static void test_a_take_that_has_ended_is_not(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	info.ended = true;
	snprintf(info.reason, sizeof(info.reason), "stop");
	assert_goes_on(&left, &info, false);
}

static void test_a_stop_that_only_takeboxd_knew_of_counts(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	left.stop = 60000;
	assert_goes_on(&left, &info, false);
}

static void test_a_changed_rate_ends_it(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	add(&info,
	    json_pack("{ss si si}", "type", "rate", "at", 1, "rate", 44100));
	assert_goes_on(&left, &info, false);
}

static void test_it_is_not_gone_on_with_twice(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	add(&info,
	    json_pack("{ss ss}", "type", "continued", "take", "Take-002"));
	assert_goes_on(&left, &info, false);
}

static void test_what_waited_for_a_medium_is_gone_on_with(void **state)
{
	struct intent left = running();
	struct take_info info = found();

	(void)state;
	left.kind = INTENT_WAITING;
	add_stop(&info, "medium full");
	info.ended = true;
	snprintf(info.reason, sizeof(info.reason), "medium full");
	assert_goes_on(&left, &info, true);
	assert_goes_on(&left, NULL, true);
}

static void test_nothing_comes_of_nothing(void **state)
{
	struct intent left = {.kind = INTENT_NONE, .stop = TAKE_FOREVER};

	(void)state;
	assert_goes_on(&left, NULL, false);
}

/* ---- which take it is ---- */

static void test_a_take_is_known_by_its_tape_and_beginning(void **state)
{
	struct intent left = running();

	(void)state;
	assert_true(comeback_is_of(&left, left.tape, 1000));
	assert_false(comeback_is_of(&left, left.tape, 49000));
	assert_false(comeback_is_of(&left, "another", 1000));
}

/* What waits begins where the take that it is to go on behind has ended. */
static void test_so_is_one_that_waited_for_a_medium(void **state)
{
	struct intent left = running();

	(void)state;
	left.kind = INTENT_WAITING;
	left.start = left.from;
	assert_true(comeback_is_of(&left, left.tape, 1000));
	assert_false(comeback_is_of(&left, left.tape, 49000));
	/* On a tape that is gone; that of left is another one. */
	left.power = true;
	left.from = left.start = 0;
	assert_true(comeback_is_of(&left, "another", 1000));
}

/* ---- written down ---- */

static void assert_same_changes(const struct changes *a,
				const struct changes *b)
{
	const struct change *x, *y;
	uint64_t i = 0, j = 0;

	for (; (x = changes_from(a, &i)); i++, j++) {
		y = changes_from(b, &j);
		assert_non_null(y);
		assert_int_equal(x->position, y->position);
		assert_int_equal(x->track, y->track);
		assert_int_equal(x->on, y->on);
		assert_string_equal(x->name, y->name);
	}
	assert_null(changes_from(b, &j));
}

static void assert_same(const struct intent *a, const struct intent *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->tape, b->tape);
	assert_int_equal(a->start, b->start);
	assert_int_equal(a->from, b->from);
	assert_int_equal(a->stop, b->stop);
	assert_int_equal(a->frames, b->frames);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->medium, b->medium);
	assert_string_equal(a->reason, b->reason);
	assert_string_equal(a->session, b->session);
	assert_string_equal(a->place.session, b->place.session);
	assert_string_equal(a->place.take, b->place.take);
	assert_string_equal(a->place.folder, b->place.folder);
	assert_int_equal(a->configured, b->configured);
	assert_int_equal(a->power, b->power);
	assert_int_equal(a->ended.set, b->ended.set);
	assert_int_equal(a->ended.ms, b->ended.ms);
	assert_true(a->ended.error == b->ended.error);
	assert_int_equal(a->track_count, b->track_count);
	for (unsigned i = 0; i < a->track_count; i++) {
		assert_string_equal(a->tracks[i].name, b->tracks[i].name);
		assert_memory_equal(a->tracks[i].channels,
				    b->tracks[i].channels,
				    sizeof(a->tracks[i].channels));
		assert_int_equal(a->tracks[i].armed, b->tracks[i].armed);
	}
	assert_same_changes(&a->changes, &b->changes);
	assert_int_equal(a->since, b->since);
	assert_int_equal(a->closings, b->closings);
	assert_memory_equal(a->closing, b->closing, sizeof(a->closing));
}

static void test_what_is_written_down_reads_back_equal(void **state)
{
	char path[] = "/tmp/takebox-intent-XXXXXX";
	struct intent intent = running(), again;
	int fd = mkstemp(path);
	char *text;

	(void)state;
	close(fd);
	intent.closing[intent.closings++] = (struct closing){
		.start = 17,
		.stop = 4711,
		.frames = 99,
		.since = 2,
		.name = "Brücke",
		.medium = "/media/a",
		.reason = "medium full",
		.place = {.session = "Blue", .take = "Take-007"},
	};
	intent.since = 1;
	changes_mark(&intent.changes, intent.start, "of the take before");
	changes_mark(&intent.changes, intent.start + 1, "Brücke \"2\"");
	changes_arm(&intent.changes, intent.start + 2, 64, true);
	changes_arm(&intent.changes, intent.from + 3, 1, false);
	for (int i = 0; i < 2; i++) {
		text = intent_text(&intent);
		assert_int_equal(intent_write(path, text, i == 1), 0);
		assert_int_equal(intent_read(path, &again), 0);
		assert_same(&intent, &again);
		free(text);
		intent.kind = INTENT_WAITING;
		intent.stop = 77;
		intent.power = true;
		intent.configured = true;
		intent.ended = (struct wall){true, 1763734567123, 0.25, false};
	}
	assert_int_equal(intent_write(path, NULL, true), 0);
	assert_int_equal(intent_read(path, &again), -ENOENT);
	assert_int_equal(intent_write(path, NULL, true), 0);
}

/* What is forgotten is not written. */
static void test_changes_are_counted_from_the_first_that_is_written(
	void **state)
{
	struct intent intent = running(), again;
	const struct change *change;
	char *text;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		changes_arm(&intent.changes, 1000 * i, 1, i % 2);
	intent.changes.first = 1;
	intent.since = 3;
	intent.closing[intent.closings++].since = 2;
	text = intent_text(&intent);
	assert_int_equal(intent_parse(text, strlen(text), &again), 0);
	free(text);
	assert_same_changes(&intent.changes, &again.changes);
	change = changes_from(&again.changes, &again.since);
	assert_int_equal(change->position, 3000);
	change = changes_from(&again.changes, &again.closing[0].since);
	assert_int_equal(change->position, 2000);
}

/* It said less. */
static void test_what_an_older_version_wrote_is_read(void **state)
{
	struct intent intent = running(), again;
	char *text = intent_text(&intent);
	json_t *root = json_loads(text, 0, NULL);

	(void)state;
	free(text);
	json_object_del(root, "since");
	json_object_set_new(root, "closing",
			    json_pack("[{si si si}]", "start", 17, "stop", 4711,
				      "frames", 99));
	text = json_dumps(root, 0);
	assert_int_equal(intent_parse(text, strlen(text), &again), 0);
	assert_int_equal(again.closings, 1);
	assert_int_equal(again.closing[0].stop, 4711);
	assert_string_equal(again.closing[0].place.take, "");
	json_decref(root);
	free(text);
}

/* Whatever a power cut leaves of the file, or somebody has made of it. */
static void test_a_file_that_is_none_says_nothing(void **state)
{
	struct intent intent = running(), again;
	char *text = intent_text(&intent);

	(void)state;
	for (size_t size = 0; size < strlen(text); size++) {
		assert_int_equal(intent_parse(text, size, &again), -EINVAL);
		assert_int_equal(again.kind, INTENT_NONE);
	}
	free(text);
	snprintf(intent.place.take, sizeof(intent.place.take), "../../etc");
	text = intent_text(&intent);
	assert_int_equal(intent_parse(text, strlen(text), &again), -EINVAL);
	free(text);
	assert_int_equal(intent_parse("[]", 2, &again), -EINVAL);
}

/* ---- the time between ---- */

static const struct wall six = {.set = true, .ms = 6000, .error = 0.1};
static const struct wall nine = {.set = true, .ms = 9500, .error = 0.2};

static void test_a_pause_is_as_long_as_both_clocks_say(void **state)
{
	struct pause pause = pause_between(&six, &nine);

	(void)state;
	assert_true(pause.known);
	assert_true(pause.seconds == 3.5);
	assert_true(pause.uncertainty > 0.299 && pause.uncertainty < 0.301);
}

static void test_a_pause_is_unknown_if_either_clock_was_not_set(void **state)
{
	struct wall unset = nine;

	(void)state;
	unset.set = false;
	assert_false(pause_between(&six, &unset).known);
	assert_false(pause_between(&unset, &nine).known);
}

static void test_clocks_that_contradict_each_other_say_nothing(void **state)
{
	struct wall earlier = {.set = true, .ms = 5900, .error = 0.2};

	(void)state;
	assert_false(pause_between(&nine, &six).known);
	/* Within what they may be off: no time at all. */
	assert_true(pause_between(&six, &earlier).known);
	assert_true(pause_between(&six, &earlier).seconds == 0);
}

static void test_a_hardware_clock_left_alone_drifts(void **state)
{
	struct wall later = {
		.set = true, .ms = 6000 + 86400000, .error = 2, .drifts = true};

	(void)state;
	assert_true(pause_between(&six, &later).uncertainty > 8);
}

static void test_the_end_of_a_take_by_its_last_clock_entry(void **state)
{
	struct take_info info = found();
	struct wall wall;

	(void)state;
	info.start = 1000;
	info.rate = 48000;
	assert_false(wall_of_end(&info, 48000).set);
	json_array_append_new(info.clocks,
			      json_pack("{si sI sf}", "expected", 1000 + 24000,
					"time", (json_int_t)5000000,
					"time_error", 0.5));
	json_array_append_new(info.clocks,
			      json_pack("{si sn sn}", "expected", 1000, "time",
					"time_error"));
	wall = wall_of_end(&info, 48000);
	assert_true(wall.set);
	assert_int_equal(wall.ms, 5000500);
	assert_true(wall.error == 0.5);
	take_info_finish(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_take_that_was_torn_off_is_gone_on_with),
		cmocka_unit_test(test_healed_or_not_makes_no_difference),
		cmocka_unit_test(test_a_take_that_the_failing_supply_ended_is),
		cmocka_unit_test(test_a_take_that_was_to_end_is_not),
		cmocka_unit_test(test_a_take_that_has_ended_is_not),
		cmocka_unit_test(test_a_stop_that_only_takeboxd_knew_of_counts),
		cmocka_unit_test(test_a_changed_rate_ends_it),
		cmocka_unit_test(test_it_is_not_gone_on_with_twice),
		cmocka_unit_test(test_what_waited_for_a_medium_is_gone_on_with),
		cmocka_unit_test(test_nothing_comes_of_nothing),
		cmocka_unit_test(
			test_a_take_is_known_by_its_tape_and_beginning),
		cmocka_unit_test(test_so_is_one_that_waited_for_a_medium),
		cmocka_unit_test(test_what_is_written_down_reads_back_equal),
		cmocka_unit_test(
			test_changes_are_counted_from_the_first_that_is_written),
		cmocka_unit_test(test_what_an_older_version_wrote_is_read),
		cmocka_unit_test(test_a_file_that_is_none_says_nothing),
		cmocka_unit_test(test_a_pause_is_as_long_as_both_clocks_say),
		cmocka_unit_test(
			test_a_pause_is_unknown_if_either_clock_was_not_set),
		cmocka_unit_test(
			test_clocks_that_contradict_each_other_say_nothing),
		cmocka_unit_test(test_a_hardware_clock_left_alone_drifts),
		cmocka_unit_test(
			test_the_end_of_a_take_by_its_last_clock_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
