/*
 * The shipped boards, played: their own files in the panel, and hands on them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "panel_bench.h"

static void load(const char *name)
{
	char path[64], error[512];

	snprintf(path, sizeof(path), "board/%s.board", name);
	assert_int_equal(board_load(&board, path, error, sizeof(error)), 0);
	recorder.track_count = 16;
	switch_on();
	commands = 0;
}

static unsigned input_of(enum board_input_role role, unsigned track)
{
	unsigned i = 0;

	while (i < board.inputs &&
	       (board.input[i].role != role || board.input[i].track != track))
		i++;
	assert_true(i < board.inputs);
	return i;
}

static void hold(unsigned input)
{
	edge(input, true);
	wait_ms(1000);
	edge(input, false);
	wait_ms(100);
}

static void throw_switch(unsigned input, bool on)
{
	edge(input, on);
	wait_ms(100);
}

static void rack8_arms_records_marks_stops_and_keeps(void **state)
{
	unsigned rec, stop;

	(void)state;
	load("rack8");
	rec = input_of(BOARD_REC, 0);
	stop = input_of(BOARD_STOP, 0);
	for (unsigned track = 1; track <= 8; track++)
		throw_switch(input_of(BOARD_ARM, track), true);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(recorder.tracks[i].armed, i < 8);
	commands = 0;
	tap(rec);
	tap(rec);
	tap(stop);
	wait_ms(500);
	assert_int_equal(commands, 2);
	hold(stop);
	tap(stop);
	tap(stop);
	wait_ms(500);
	assert_int_equal(commands, 4);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	assert_int_equal(command[1].kind, COMMAND_TO_MARK);
	assert_int_equal(command[2].kind, COMMAND_TO_STOP);
	assert_int_equal(command[3].kind, COMMAND_TO_KEEP);
}

static void rack16_has_a_button_for_each(void **state)
{
	unsigned stop;

	(void)state;
	load("rack16");
	stop = input_of(BOARD_STOP, 0);
	throw_switch(input_of(BOARD_ARM, 16), true);
	assert_true(recorder.tracks[15].armed);
	commands = 0;
	tap(input_of(BOARD_REC, 0));
	tap(input_of(BOARD_MARK, 0));
	throw_switch(input_of(BOARD_LOCK, 0), true);
	hold(stop);
	assert_int_equal(commands, 2);
	throw_switch(input_of(BOARD_LOCK, 0), false);
	hold(stop);
	tap(input_of(BOARD_KEEP, 0));
	tap(input_of(BOARD_FOOTSWITCH, 0));
	wait_ms(500);
	assert_int_equal(commands, 5);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	assert_int_equal(command[1].kind, COMMAND_TO_MARK);
	assert_int_equal(command[2].kind, COMMAND_TO_STOP);
	assert_int_equal(command[3].kind, COMMAND_TO_KEEP);
	assert_int_equal(command[4].kind, COMMAND_TO_RECORD);
}

static void pedal_does_all_with_one_foot(void **state)
{
	unsigned foot;

	(void)state;
	load("pedal");
	foot = input_of(BOARD_FOOTSWITCH, 0);
	tap(foot);
	tap(foot);
	hold(foot);
	assert_int_equal(commands, 3);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	assert_int_equal(command[1].kind, COMMAND_TO_MARK);
	assert_int_equal(command[2].kind, COMMAND_TO_STOP);
}

static void bench_records_while_its_trigger_is_on(void **state)
{
	unsigned trigger;

	(void)state;
	load("bench");
	trigger = input_of(BOARD_TRIGGER, 0);
	throw_switch(trigger, true);
	wait_ms(3000);
	assert_int_equal(commands, 1);
	throw_switch(trigger, false);
	assert_int_equal(commands, 2);
	assert_int_equal(command[0].kind, COMMAND_TO_RECORD);
	assert_int_equal(command[1].kind, COMMAND_TO_STOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rack8_arms_records_marks_stops_and_keeps),
		TEST(rack16_has_a_button_for_each),
		TEST(pedal_does_all_with_one_foot),
		TEST(bench_records_while_its_trigger_is_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
