/* picture: the lamps of the tracks: armed, signal, clip, bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "picture_bench.h"

/* ---- tracks ---- */

static void an_arm_lamp_is_on_when_the_track_is_armed(void **state)
{
	unsigned arm = lamp(BOARD_LAMP_ARM, 1, 0);
	unsigned far_off = lamp(BOARD_LAMP_ARM, 9, 0);

	(void)state;
	lamp(BOARD_LAMP_SIGNAL, 1, 0);
	lamp(BOARD_LAMP_SIGNAL, 9, 0);
	start();
	assert_int_equal(look_at(arm), STEADY);
	bench.view.track[0].armed = false;
	assert_int_equal(look_at(arm), OFF);
	assert_int_equal(look_at(far_off), OFF);
}

static void a_signal_lamp_tells_signal_and_clip(void **state)
{
	unsigned lit = lamp(BOARD_LAMP_SIGNAL, 2, 0);

	(void)state;
	lamp(BOARD_LAMP_ARM, 2, 0);
	start();
	assert_int_equal(look_at(lit), OFF);
	bench.view.track[1].peak_db = -50.5f;
	assert_int_equal(look_at(lit), OFF);
	bench.view.track[1].peak_db = -49.5f;
	assert_int_equal(look_at(lit), STEADY);
	bench.view.track[1].armed = false;
	assert_int_equal(look_at(lit), STEADY);
	for (unsigned i = 0; i < 3; i++) {
		bench.view.track[1].clips++;
		run(100);
		assert_int_equal(bench.on[lit], bench.now / MS % 250 < 125);
	}
	run(2600);
	assert_int_equal(bench.on[lit], bench.now / MS % 250 < 125);
	run(300);
	assert_int_equal(look_at(lit), STEADY);
}

static void a_signal_lamp_is_dim_below_20_dbfs(void **state)
{
	unsigned signal, arm;

	(void)state;
	signal = lamp(BOARD_LAMP_SIGNAL, 1, 0);
	arm = lamp(BOARD_LAMP_ARM, 1, 0);
	switch_on();
	draw();
	/* The lamp test. */
	assert_int_equal(bench.level[signal], LAMP_FULL);
	run(2000);
	assert_int_equal(bench.level[signal], LAMP_OFF);
	bench.view.track[0].peak_db = -50;
	draw();
	assert_int_equal(bench.level[signal], LAMP_DIM);
	bench.view.track[0].peak_db = -20.1f;
	draw();
	assert_int_equal(bench.level[signal], LAMP_DIM);
	bench.view.track[0].peak_db = -20;
	draw();
	assert_int_equal(bench.level[signal], LAMP_FULL);
	/* A clip is told from afar, whatever has come after it. */
	bench.view.track[0].peak_db = -40;
	bench.view.track[0].clips++;
	for (unsigned i = 0; i < 100; i++) {
		draw();
		assert_int_not_equal(bench.level[signal], LAMP_DIM);
	}
	assert_int_equal(bench.level[arm], LAMP_FULL);
}

static void clips_from_before_it_looked_are_not_news(void **state)
{
	unsigned lit = lamp(BOARD_LAMP_SIGNAL, 1, 0);

	(void)state;
	lamp(BOARD_LAMP_ARM, 1, 0);
	switch_on();
	bench.view.track[0].clips = 100;
	run(2000);
	assert_int_equal(look_at(lit), OFF);
}

static void the_only_lamp_of_a_track_has_it_all(void **state)
{
	unsigned only = lamp(BOARD_LAMP_SIGNAL, 1, 0);

	(void)state;
	start();
	assert_int_equal(look_at(only), FLASH);
	bench.view.track[0].peak_db = -20;
	assert_int_equal(look_at(only), STEADY);
	bench.view.track[0].clips++;
	draw();
	run(500);
	assert_int_equal(bench.on[only], bench.now / MS % 250 < 125);
	bench.view.track[0].armed = false;
	assert_int_equal(look_at(only), OFF);
}

static void beside_an_arm_switch_the_only_lamp_shows_signal(void **state)
{
	unsigned only = lamp(BOARD_LAMP_SIGNAL, 1, 0);

	(void)state;
	bench.board.input[0] = (struct board_input){
		.role = BOARD_ARM, .track = 1, .latched = true};
	bench.board.inputs = 1;
	start();
	assert_int_equal(look_at(only), OFF);
	bench.view.track[0].armed = false;
	bench.view.track[0].peak_db = -20;
	assert_int_equal(look_at(only), STEADY);
}

static unsigned bar[4];

static void put_on_bar(void)
{
	/* In any order. */
	bar[2] = lamp(BOARD_LAMP_BAR, 1, -6);
	bar[0] = lamp(BOARD_LAMP_BAR, 1, -40);
	bar[3] = lamp(BOARD_LAMP_BAR, 1, -1);
	bar[1] = lamp(BOARD_LAMP_BAR, 1, -20);
}

static void assert_bar(const char *expected)
{
	char got[5] = "....";

	draw();
	for (unsigned i = 0; i < 4; i++)
		got[i] = bench.on[bar[i]] ? 'O' : '.';
	assert_string_equal(got, expected);
}

static void set_level(float peak, float hold)
{
	bench.view.track[0].peak_db = peak;
	bench.view.track[0].hold_db = hold;
}

static void a_bar_is_lit_up_to_the_level(void **state)
{
	(void)state;
	put_on_bar();
	start();
	assert_bar("....");
	set_level(-40, -40);
	assert_bar("O...");
	set_level(-19.9f, -19.9f);
	assert_bar("OO..");
	set_level(-3, -3);
	assert_bar("OOO.");
	set_level(0, 0);
	assert_bar("OOOO");
}

static void the_highest_level_stays_as_a_dot(void **state)
{
	(void)state;
	put_on_bar();
	start();
	set_level(-150, -5);
	assert_bar("..O.");
	set_level(-30, -5);
	assert_bar("O.O.");
	set_level(-30, -0.5f);
	assert_bar("O..O");
	set_level(-10, -10);
	assert_bar("OO..");
}

static void a_clip_keeps_the_last_led_lit_until_cleared(void **state)
{
	(void)state;
	put_on_bar();
	start();
	bench.view.track[0].clips++;
	assert_bar("...O");
	run(10000);
	assert_bar("...O");
	picture_clear(&bench.picture, &bench.view);
	assert_bar("....");
	bench.view.track[0].clips++;
	assert_bar("...O");
	bench.view.state = TRANSPORT_STARTING;
	bench.view.take = 5;
	assert_bar("....");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_arm_lamp_is_on_when_the_track_is_armed),
		TEST(a_signal_lamp_tells_signal_and_clip),
		TEST(a_signal_lamp_is_dim_below_20_dbfs),
		TEST(clips_from_before_it_looked_are_not_news),
		TEST(the_only_lamp_of_a_track_has_it_all),
		TEST(beside_an_arm_switch_the_only_lamp_shows_signal),
		TEST(a_bar_is_lit_up_to_the_level),
		TEST(the_highest_level_stays_as_a_dot),
		TEST(a_clip_keeps_the_last_led_lit_until_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
