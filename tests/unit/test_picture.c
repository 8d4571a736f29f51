/* picture: every lamp in every state, read off as a musician would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "picture_bench.h"

/* ---- REC ---- */

static void rec_is_on_while_frames_are_kept_and_only_then(void **state)
{
	unsigned rec = lamp(BOARD_LAMP_REC, 0, 0);

	(void)state;
	start();
	assert_int_equal(look_at(rec), OFF);
	bench.view.state = TRANSPORT_STARTING;
	assert_int_equal(look_at(rec), FAST);
	bench.view.state = TRANSPORT_RECORDING;
	assert_int_equal(look_at(rec), STEADY);
	bench.view.state = TRANSPORT_FINISHING;
	assert_int_equal(look_at(rec), FAST);
	bench.view.state = TRANSPORT_NO_INTERFACE;
	assert_int_equal(look_at(rec), OFF);
}

static void rec_goes_out_when_no_frames_come(void **state)
{
	unsigned rec = lamp(BOARD_LAMP_REC, 0, 0);

	(void)state;
	start();
	bench.view.state = TRANSPORT_RECORDING;
	run(1000);
	assert_true(bench.on[rec]);
	/* The interface says that it runs, but the position stands. */
	for (unsigned i = 0; i < 31; i++) {
		bench.now += FRAME;
		look();
	}
	assert_false(bench.on[rec]);
	draw();
	assert_true(bench.on[rec]);
}

static void rec_goes_out_when_the_interface_is_gone_or_silent(void **state)
{
	unsigned rec = lamp(BOARD_LAMP_REC, 0, 0);

	(void)state;
	start();
	bench.view.state = TRANSPORT_RECORDING;
	run(100);
	assert_true(bench.on[rec]);
	bench.view.delivers = false;
	/* Silence runs on in its place. */
	bench.view.position += 48000;
	draw();
	assert_false(bench.on[rec]);
}

static void rec_goes_out_when_the_tape_has_overtaken_the_take(void **state)
{
	unsigned rec = lamp(BOARD_LAMP_REC, 0, 0);

	(void)state;
	start();
	bench.view.state = TRANSPORT_RECORDING;
	run(100);
	bench.view.overtaken = true;
	draw();
	assert_false(bench.on[rec]);
}

static void the_trigger_goes_with_rec_but_never_blinks(void **state)
{
	unsigned trigger = lamp(BOARD_TRIGGER_OUT, 0, 0);

	(void)state;
	switch_on();
	assert_int_equal(look_at(trigger), OFF);
	bench.view.state = TRANSPORT_STARTING;
	assert_int_equal(look_at(trigger), OFF);
	bench.view.state = TRANSPORT_RECORDING;
	assert_int_equal(look_at(trigger), STEADY);
	bench.view.state = TRANSPORT_FINISHING;
	assert_int_equal(look_at(trigger), OFF);
}

/* ---- READY, ALERT, LOCK ---- */

static void ready_beats_when_it_could_record(void **state)
{
	unsigned ready = lamp(BOARD_LAMP_READY, 0, 0);

	(void)state;
	lamp(BOARD_LAMP_ALERT, 0, 0);
	start();
	assert_int_equal(look_at(ready), BEAT);
	bench.view.alert = PICTURE_DEGRADED;
	assert_int_equal(look_at(ready), BEAT);
	bench.view.state = TRANSPORT_RECORDING;
	assert_int_equal(look_at(ready), OFF);
}

static void ready_is_off_when_it_could_not(void **state)
{
	unsigned ready = lamp(BOARD_LAMP_READY, 0, 0);

	(void)state;
	start();
	bench.view.medium = false;
	assert_int_equal(look_at(ready), OFF);
	bench.view.medium = true;
	bench.view.delivers = false;
	assert_int_equal(look_at(ready), OFF);
	bench.view.delivers = true;
	bench.view.track[0].armed = bench.view.track[1].armed = false;
	assert_int_equal(look_at(ready), OFF);
	bench.view.track[1].armed = true;
	assert_int_equal(look_at(ready), BEAT);
	bench.view.state = TRANSPORT_NO_INTERFACE;
	assert_int_equal(look_at(ready), OFF);
}

static void alert_tells_kept_degraded_and_lost_apart(void **state)
{
	unsigned alert = lamp(BOARD_LAMP_ALERT, 0, 0);

	(void)state;
	start();
	assert_int_equal(look_at(alert), OFF);
	bench.view.alert = PICTURE_KEPT;
	assert_int_equal(look_at(alert), FLASH);
	bench.view.alert = PICTURE_DEGRADED;
	assert_int_equal(look_at(alert), SLOW);
	bench.view.alert = PICTURE_LOST;
	assert_int_equal(look_at(alert), FAST);
}

static void a_loss_shows_until_it_is_cleared(void **state)
{
	unsigned alert = lamp(BOARD_LAMP_ALERT, 0, 0);

	(void)state;
	start();
	bench.view.alert = PICTURE_LOST;
	run(100);
	bench.view.alert = PICTURE_WELL;
	assert_int_equal(look_at(alert), FAST);
	picture_clear(&bench.picture, &bench.view);
	assert_int_equal(look_at(alert), OFF);
}

static void a_loss_shows_until_the_next_take(void **state)
{
	unsigned alert = lamp(BOARD_LAMP_ALERT, 0, 0);

	(void)state;
	start();
	bench.view.state = TRANSPORT_RECORDING;
	bench.view.take = 1000;
	bench.view.losses = 1;
	assert_int_equal(look_at(alert), FAST);
	bench.view.state = TRANSPORT_IDLE;
	bench.view.losses = 0;
	assert_int_equal(look_at(alert), FAST);
	bench.view.state = TRANSPORT_STARTING;
	bench.view.take = 2000;
	assert_int_equal(look_at(alert), OFF);
	/* Even when one take follows the other at once. */
	bench.view.losses = 3;
	assert_int_equal(look_at(alert), FAST);
	bench.view.take = 3000;
	bench.view.losses = 0;
	assert_int_equal(look_at(alert), OFF);
}

static void what_was_cleared_stays_off_until_it_gets_worse(void **state)
{
	unsigned alert = lamp(BOARD_LAMP_ALERT, 0, 0);

	(void)state;
	start();
	bench.view.alert = PICTURE_DEGRADED;
	run(100);
	picture_clear(&bench.picture, &bench.view);
	assert_int_equal(look_at(alert), OFF);
	bench.view.alert = PICTURE_LOST;
	assert_int_equal(look_at(alert), FAST);
	picture_clear(&bench.picture, &bench.view);
	assert_int_equal(look_at(alert), OFF);
	/* Gone and back, it is new. */
	bench.view.alert = PICTURE_WELL;
	run(100);
	bench.view.alert = PICTURE_DEGRADED;
	assert_int_equal(look_at(alert), SLOW);
}

static void another_gap_shows_after_one_was_cleared(void **state)
{
	unsigned alert = lamp(BOARD_LAMP_ALERT, 0, 0);

	(void)state;
	start();
	bench.view.state = TRANSPORT_RECORDING;
	bench.view.alert = PICTURE_LOST; /* "this take has 1 gaps" */
	bench.view.losses = 1;
	run(100);
	picture_clear(&bench.picture, &bench.view);
	assert_int_equal(look_at(alert), OFF);
	bench.view.losses = 2;
	assert_int_equal(look_at(alert), FAST);
}

static void lock_is_steady_and_blinks_when_it_refuses(void **state)
{
	unsigned lock = lamp(BOARD_LAMP_LOCK, 0, 0);

	(void)state;
	start();
	assert_int_equal(look_at(lock), OFF);
	bench.view.locked = true;
	assert_int_equal(look_at(lock), STEADY);
	picture_refuse(&bench.picture, bench.now);
	run(200);
	assert_false(bench.on[lock]);
	run(1000);
	assert_int_equal(look_at(lock), STEADY);
}

static void without_an_alert_lamp_ready_shows_it(void **state)
{
	unsigned ready = lamp(BOARD_LAMP_READY, 0, 0);

	(void)state;
	start();
	assert_int_equal(look_at(ready), BEAT);
	bench.view.alert = PICTURE_KEPT;
	assert_int_equal(look_at(ready), BEAT);
	bench.view.alert = PICTURE_DEGRADED;
	assert_int_equal(look_at(ready), SLOW);
	bench.view.state = TRANSPORT_RECORDING;
	assert_int_equal(look_at(ready), SLOW);
	bench.view.alert = PICTURE_LOST;
	assert_int_equal(look_at(ready), FAST);
}

static void without_a_lock_lamp_ready_shows_a_refusal(void **state)
{
	unsigned ready = lamp(BOARD_LAMP_READY, 0, 0);
	unsigned changes = 0;
	bool last;

	(void)state;
	start();
	picture_refuse(&bench.picture, bench.now);
	draw();
	last = bench.on[ready];
	for (unsigned i = 0; i < 95; i++) {
		draw();
		changes += bench.on[ready] != last;
		last = bench.on[ready];
	}
	assert_in_range(changes, 7, 9);
	run(100);
	assert_int_equal(look_at(ready), BEAT);
}

/* ---- lamp test, buzzer, the rest ---- */

static void everything_is_lit_for_a_second_at_the_start(void **state)
{
	(void)state;
	for (unsigned role = 0; role < BOARD_OUTPUT_ROLES; role++)
		lamp(role, 1, -6);
	switch_on();
	bench.view.state = TRANSPORT_NO_INTERFACE;
	bench.view.delivers = false;
	bench.view.tracks = 0;
	for (unsigned i = 0; i < 99; i++) {
		draw();
		for (unsigned role = 0; role < BOARD_OUTPUT_ROLES; role++)
			assert_int_equal(bench.on[role],
					 role != BOARD_BUZZER &&
						 role != BOARD_TRIGGER_OUT);
	}
	draw();
	for (unsigned role = 0; role < BOARD_OUTPUT_ROLES; role++)
		assert_false(bench.on[role]);
}

static void a_take_ends_the_lamp_test(void **state)
{
	unsigned play = lamp(BOARD_LAMP_PLAY, 0, 0);

	(void)state;
	switch_on();
	draw();
	assert_true(bench.on[play]);
	bench.view.state = TRANSPORT_RECORDING;
	draw();
	assert_false(bench.on[play]);
	bench.view.state = TRANSPORT_IDLE;
	draw();
	assert_false(bench.on[play]);
}

/* Beeps in the next two seconds, and how long they were in all. */
static unsigned count_beeps(unsigned buzzer, unsigned *ms)
{
	unsigned beeps = 0;
	bool last = false;

	*ms = 0;
	for (unsigned i = 0; i < 200; i++) {
		draw();
		beeps += bench.on[buzzer] && !last;
		*ms += bench.on[buzzer] ? 10 : 0;
		last = bench.on[buzzer];
	}
	return beeps;
}

static void the_buzzer_tells_done_refused_and_lost_apart(void **state)
{
	unsigned buzzer = lamp(BOARD_BUZZER, 0, 0), ms;

	(void)state;
	start();
	assert_int_equal(count_beeps(buzzer, &ms), 0);
	picture_confirm(&bench.picture, bench.now);
	assert_int_equal(count_beeps(buzzer, &ms), 1);
	assert_in_range(ms, 60, 100);
	picture_refuse(&bench.picture, bench.now);
	assert_int_equal(count_beeps(buzzer, &ms), 2);
	bench.view.alert = PICTURE_LOST;
	assert_int_equal(count_beeps(buzzer, &ms), 3);
	assert_in_range(ms, 850, 950);
}

static void in_a_take_the_buzzer_only_tells_of_loss(void **state)
{
	unsigned buzzer = lamp(BOARD_BUZZER, 0, 0), ms;

	(void)state;
	start();
	bench.view.state = TRANSPORT_RECORDING;
	picture_confirm(&bench.picture, bench.now);
	assert_int_equal(count_beeps(buzzer, &ms), 0);
	picture_refuse(&bench.picture, bench.now);
	assert_int_equal(count_beeps(buzzer, &ms), 0);
	bench.view.losses = 1;
	assert_int_equal(count_beeps(buzzer, &ms), 3);
	bench.view.state = TRANSPORT_IDLE;
	assert_int_equal(count_beeps(buzzer, &ms), 1);
}

static void play_is_reserved(void **state)
{
	unsigned play = lamp(BOARD_LAMP_PLAY, 0, 0);

	(void)state;
	start();
	for (int i = TRANSPORT_NO_INTERFACE; i <= TRANSPORT_FINISHING; i++) {
		bench.view.state = (enum transport_state)i;
		assert_int_equal(look_at(play), OFF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rec_is_on_while_frames_are_kept_and_only_then),
		TEST(rec_goes_out_when_no_frames_come),
		TEST(rec_goes_out_when_the_interface_is_gone_or_silent),
		TEST(rec_goes_out_when_the_tape_has_overtaken_the_take),
		TEST(the_trigger_goes_with_rec_but_never_blinks),
		TEST(ready_beats_when_it_could_record),
		TEST(ready_is_off_when_it_could_not),
		TEST(alert_tells_kept_degraded_and_lost_apart),
		TEST(a_loss_shows_until_it_is_cleared),
		TEST(a_loss_shows_until_the_next_take),
		TEST(what_was_cleared_stays_off_until_it_gets_worse),
		TEST(another_gap_shows_after_one_was_cleared),
		TEST(lock_is_steady_and_blinks_when_it_refuses),
		TEST(without_an_alert_lamp_ready_shows_it),
		TEST(without_a_lock_lamp_ready_shows_a_refusal),
		TEST(everything_is_lit_for_a_second_at_the_start),
		TEST(a_take_ends_the_lamp_test),
		TEST(the_buzzer_tells_done_refused_and_lost_apart),
		TEST(in_a_take_the_buzzer_only_tells_of_loss),
		TEST(play_is_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
