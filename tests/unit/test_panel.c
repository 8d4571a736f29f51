/* panel: from hands on lines to commands with the right positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "panel_bench.h"

static void a_press_is_placed_at_its_edge(void **state)
{
	unsigned rec = button(BOARD_REC);
	int64_t pressed;

	(void)state;
	rule(BOARD_REC, BOARD_PRESS, BOARD_DO_RECORD);
	switch_on();
	pressed = now_ns;
	/* The edge is read 40 ms after it happened. */
	inputs.event[inputs.last++] =
		(struct gpio_event){rec, true, now_ns, true};
	now_ns += 40 * MS;
	inputs_fn(inputs_context, 0);
	assert_int_equal(commands, 1);
	assert_command(0, COMMAND_TO_RECORD, pressed);
	assert_true(command[0].preroll < 0);
	wait_ms(5000);
	assert_int_equal(commands, 1);
}

static void the_board_says_how_far_back_a_take_begins(void **state)
{
	unsigned rec = button(BOARD_REC);

	(void)state;
	board.preroll = 0;
	rule(BOARD_REC, BOARD_PRESS, BOARD_DO_RECORD);
	switch_on();
	tap(rec);
	assert_true(command[0].preroll >= 0 && command[0].preroll <= 0);
}

static void stop_by_holding_ends_when_it_was_held_long_enough(void **state)
{
	unsigned stop = button(BOARD_STOP);
	int64_t pressed;

	(void)state;
	rule(BOARD_STOP, BOARD_HOLD, BOARD_DO_STOP);
	switch_on();
	recorder.state = TRANSPORT_RECORDING;
	tap(stop);
	wait_ms(1000);
	assert_int_equal(commands, 0);
	pressed = now_ns;
	edge(stop, true);
	wait_ms(1000);
	assert_int_equal(commands, 1);
	assert_command(0, COMMAND_TO_STOP, pressed + 700 * MS);
}

/* Let go just in time, but believed only after the quiet time. */
static void a_hold_that_was_let_go_in_time_is_none(void **state)
{
	unsigned stop = button(BOARD_STOP);

	(void)state;
	rule(BOARD_STOP, BOARD_HOLD, BOARD_DO_STOP);
	switch_on();
	recorder.state = TRANSPORT_RECORDING;
	edge(stop, true);
	wait_ms(695);
	edge(stop, false);
	wait_ms(1000);
	assert_int_equal(commands, 0);
}

static void bounces_make_no_second_command(void **state)
{
	unsigned mark = button(BOARD_MARK);

	(void)state;
	rule(BOARD_MARK, BOARD_PRESS, BOARD_DO_MARK);
	switch_on();
	recorder.state = TRANSPORT_RECORDING;
	for (unsigned i = 0; i < 20; i++) {
		edge(mark, i % 2 == 0);
		wait_ms(2);
	}
	wait_ms(1000);
	assert_int_equal(commands, 1);
}

static void a_footswitch_records_marks_and_stops(void **state)
{
	unsigned pedal = button(BOARD_FOOTSWITCH);

	(void)state;
	rule(BOARD_FOOTSWITCH, BOARD_PRESS, BOARD_DO_RECORD_OR_MARK);
	rule(BOARD_FOOTSWITCH, BOARD_HOLD, BOARD_DO_STOP);
	switch_on();
	tap(pedal);
	tap(pedal);
	edge(pedal, true);
	wait_ms(1000);
	edge(pedal, false);
	wait_ms(100);
	assert_int_equal(commands, 3);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	assert_int_equal(command[1].kind, COMMAND_TO_MARK);
	assert_int_equal(command[2].kind, COMMAND_TO_STOP);
}

static void a_trigger_toggles(void **state)
{
	unsigned trigger = button(BOARD_TRIGGER);

	(void)state;
	rule(BOARD_TRIGGER, BOARD_PRESS, BOARD_DO_TOGGLE);
	switch_on();
	for (unsigned i = 0; i < 4; i++)
		tap(trigger);
	assert_int_equal(commands, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(command[i].kind,
				 i % 2 ? COMMAND_TO_STOP : COMMAND_TO_RECORD);
}

static void keep_saves_the_past_up_to_the_press(void **state)
{
	unsigned keep = button(BOARD_KEEP);
	int64_t pressed;

	(void)state;
	rule(BOARD_KEEP, BOARD_PRESS, BOARD_DO_KEEP);
	switch_on();
	pressed = now_ns;
	tap(keep);
	assert_command(0, COMMAND_TO_KEEP, pressed);
	assert_true(command[0].preroll < 0);
}

static void lock_keeps_hands_off_everything_but_itself(void **state)
{
	unsigned rec = button(BOARD_REC), lock = button(BOARD_LOCK);
	unsigned arm = arm_switch(1, false), lit = lamp(BOARD_LAMP_LOCK, 0);

	(void)state;
	rule(BOARD_REC, BOARD_PRESS, BOARD_DO_RECORD);
	rule(BOARD_LOCK, BOARD_PRESS, BOARD_DO_LOCK);
	switch_on();
	tap(lock);
	wait_ms(100);
	assert_true(outputs.level[lit]);
	tap(rec);
	tap(arm);
	assert_int_equal(commands, 0);
	wait_ms(2000);
	tap(lock);
	wait_ms(100);
	assert_false(outputs.level[lit]);
	tap(rec);
	assert_int_equal(commands, 1);
}

static void what_no_hand_works_is_not_locked(void **state)
{
	unsigned trigger = button(BOARD_TRIGGER);
	unsigned supply = button(BOARD_POWER_FAIL);

	(void)state;
	board.start_locked = true;
	rule(BOARD_TRIGGER, BOARD_PRESS, BOARD_DO_TOGGLE);
	switch_on();
	tap(trigger);
	edge(supply, true);
	assert_int_equal(commands, 2);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	assert_int_equal(command[1].kind, COMMAND_TO_SAVE);
}

static void a_failing_supply_is_told_at_its_first_edge(void **state)
{
	unsigned supply = button(BOARD_POWER_FAIL);

	(void)state;
	switch_on();
	edge(supply, true);
	assert_int_equal(commands, 1);
	assert_int_equal(command[0].kind, COMMAND_TO_SAVE);
	assert_true(command[0].on);
	wait_ms(3000);
	edge(supply, false);
	wait_ms(100);
	assert_int_equal(commands, 2);
	assert_false(command[1].on);
}

static void an_arm_button_turns_its_track_round(void **state)
{
	unsigned arm = arm_switch(3, false);
	int64_t pressed;

	(void)state;
	switch_on();
	pressed = now_ns;
	tap(arm);
	assert_command(0, COMMAND_TO_ARM, pressed);
	assert_int_equal(command[0].tracks, 1 << 2);
	assert_true(command[0].on);
	tap(arm);
	assert_false(command[1].on);
}

static void an_arm_switch_is_what_it_is_from_the_start(void **state)
{
	unsigned one = arm_switch(1, true), two = arm_switch(2, true);
	int64_t thrown;

	(void)state;
	recorder.tracks[0].armed = true;
	switch_on();
	assert_int_equal(commands, 2);
	assert_false(recorder.tracks[0].armed);
	thrown = now_ns;
	edge(two, true);
	wait_ms(3);
	edge(two, false);
	wait_ms(3);
	edge(two, true);
	wait_ms(100);
	assert_int_equal(commands, 3);
	assert_command(2, COMMAND_TO_ARM, thrown);
	assert_true(recorder.tracks[1].armed);
	edge(one, true);
	wait_ms(100);
	assert_true(recorder.tracks[0].armed);
}

static void a_switch_waits_for_its_track(void **state)
{
	(void)state;
	arm_switch(2, true);
	recorder.track_count = 0;
	switch_on();
	wait_ms(5000);
	assert_int_equal(commands, 0);
	recorder.track_count = 4;
	recorder.tracks[1].armed = true;
	wait_ms(1100);
	assert_int_equal(commands, 1);
	assert_false(recorder.tracks[1].armed);
	wait_ms(5000);
	assert_int_equal(commands, 1);
}

static void a_switch_that_was_thrown_while_locked_counts_afterwards(void **s)
{
	unsigned arm = arm_switch(1, true), lock = button(BOARD_LOCK);

	(void)s;
	rule(BOARD_LOCK, BOARD_PRESS, BOARD_DO_LOCK);
	switch_on();
	tap(lock);
	edge(arm, true);
	wait_ms(3000);
	assert_false(recorder.tracks[0].armed);
	tap(lock);
	wait_ms(1100);
	assert_true(recorder.tracks[0].armed);
}

static void a_rec_switch_records_while_it_is_on(void **state)
{
	unsigned rec = button(BOARD_REC);

	(void)state;
	board.input[rec].latched = true;
	switch_on();
	assert_int_equal(commands, 0);
	/* No interface yet: it goes on trying. */
	refusal = COMMAND_INTERFACE;
	edge(rec, true);
	wait_ms(3500);
	assert_int_equal(commands, 0);
	refusal = COMMAND_OK;
	wait_ms(1100);
	assert_int_equal(commands, 1);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	edge(rec, false);
	wait_ms(100);
	assert_int_equal(commands, 2);
	assert_int_equal(command[1].kind, COMMAND_TO_STOP);
	wait_ms(5000);
	assert_int_equal(commands, 2);
}

static void a_rec_switch_that_is_off_ends_no_take_it_did_not_begin(void **s)
{
	unsigned rec = button(BOARD_REC);

	(void)s;
	board.input[rec].latched = true;
	recorder.state = TRANSPORT_RECORDING;
	switch_on();
	assert_int_equal(commands, 0);
	assert_int_equal(recorder.state, TRANSPORT_RECORDING);
}

static void arm_all_arms_all_or_none(void **state)
{
	unsigned key = button(BOARD_FOOTSWITCH);

	(void)state;
	rule(BOARD_FOOTSWITCH, BOARD_PRESS, BOARD_DO_ARM_ALL);
	recorder.tracks[2].armed = true;
	switch_on();
	tap(key);
	for (unsigned i = 0; i < 4; i++)
		assert_true(recorder.tracks[i].armed);
	tap(key);
	for (unsigned i = 0; i < 4; i++)
		assert_false(recorder.tracks[i].armed);
}

static void what_is_wrong_is_a_problem_until_it_is_mended(void **state)
{
	(void)state;
	button(BOARD_REC);
	button(BOARD_STOP);
	switch_on();
	inputs.missing = true;
	inputs.trouble(inputs.context, 0, "GPIO17 is gone");
	assert_string_equal(problem, "panel: GPIO17 is gone");
	inputs.trouble(inputs.context, 1, "GPIO18 is gone");
	assert_string_equal(problem, "panel: GPIO17 is gone (and 1 more)");
	inputs.trouble(inputs.context, 0, NULL);
	assert_string_equal(problem, "panel: GPIO18 is gone");
	inputs.trouble(inputs.context, 1, NULL);
	assert_string_equal(problem, "");
}

static void lines_are_seen_to_once_a_second(void **state)
{
	(void)state;
	button(BOARD_REC);
	switch_on();
	connects = 0;
	wait_ms(10000);
	assert_int_equal(connects, 10);
}

static void lines_without_interrupts_are_looked_at_100_times_a_second(void **s)
{
	(void)s;
	button(BOARD_REC);
	inputs.polled = 1;
	switch_on();
	inputs.polls = 0;
	wait_ms(1000);
	assert_in_range(inputs.polls, 99, 101);
}

static void the_rec_lamp_follows_the_take(void **state)
{
	static const struct tape_facts facts = {.rate = RATE};
	unsigned rec = button(BOARD_REC), lit = lamp(BOARD_LAMP_REC, 0);

	(void)state;
	rule(BOARD_REC, BOARD_PRESS, BOARD_DO_RECORD);
	recorder.facts = &facts;
	recorder.interface = INTERFACE_RUNNING;
	switch_on();
	assert_false(outputs.level[lit]);
	tap(rec);
	for (unsigned i = 0; i < 50; i++) {
		recorder.position += RATE / 20;
		wait_ms(50);
		assert_true(outputs.level[lit]);
	}
	recorder.interface = INTERFACE_ABSENT;
	recorder.position += RATE;
	wait_ms(50);
	assert_false(outputs.level[lit]);
}

static void a_refused_press_shows(void **state)
{
	unsigned mark = button(BOARD_MARK), lit = lamp(BOARD_LAMP_LOCK, 0);
	bool seen = false;

	(void)state;
	rule(BOARD_MARK, BOARD_PRESS, BOARD_DO_MARK);
	switch_on();
	edge(mark, true);
	for (unsigned i = 0; i < 30; i++) {
		wait_ms(33);
		seen |= outputs.level[lit];
	}
	assert_int_equal(commands, 0);
	assert_true(seen);
}

static void a_take_that_could_not_be_begun_shows(void **state)
{
	const struct transport_news news = {.kind = NEWS_NOT_BEGUN,
					    .error = "the medium is full"};
	unsigned lit = lamp(BOARD_LAMP_LOCK, 0);
	bool seen = false;

	(void)state;
	button(BOARD_REC);
	switch_on();
	news_fn(news_context, &news);
	news_fn(news_context, NULL);
	for (unsigned i = 0; i < 30; i++) {
		wait_ms(33);
		seen |= outputs.level[lit];
	}
	assert_true(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_press_is_placed_at_its_edge),
		TEST(the_board_says_how_far_back_a_take_begins),
		TEST(stop_by_holding_ends_when_it_was_held_long_enough),
		TEST(a_hold_that_was_let_go_in_time_is_none),
		TEST(bounces_make_no_second_command),
		TEST(a_footswitch_records_marks_and_stops),
		TEST(a_trigger_toggles),
		TEST(keep_saves_the_past_up_to_the_press),
		TEST(lock_keeps_hands_off_everything_but_itself),
		TEST(what_no_hand_works_is_not_locked),
		TEST(a_failing_supply_is_told_at_its_first_edge),
		TEST(an_arm_button_turns_its_track_round),
		TEST(an_arm_switch_is_what_it_is_from_the_start),
		TEST(a_switch_waits_for_its_track),
		TEST(a_switch_that_was_thrown_while_locked_counts_afterwards),
		TEST(a_rec_switch_records_while_it_is_on),
		TEST(a_rec_switch_that_is_off_ends_no_take_it_did_not_begin),
		TEST(arm_all_arms_all_or_none),
		TEST(what_is_wrong_is_a_problem_until_it_is_mended),
		TEST(lines_are_seen_to_once_a_second),
		TEST(lines_without_interrupts_are_looked_at_100_times_a_second),
		TEST(the_rec_lamp_follows_the_take),
		TEST(a_refused_press_shows),
		TEST(a_take_that_could_not_be_begun_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
