/*
 * posclock against simulated interfaces: what a pointer and a time stamp look
 * like on exact, USB and jiffy clocks, with preemption, holds and drift. Loss
 * is test_posclock_loss.c's.
 *
 * POSCLOCK_HOURS sets how much simulated time each clock without loss runs for
 * (2 by default; 24 take half a minute in all).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/clock_runs.h"

static double hours(void)
{
	const char *text = getenv("POSCLOCK_HOURS");

	return text ? atof(text) : 2;
}

static void no_clock_without_loss_has_steps(void **state)
{
	static const double ppm[] = {0, 300, -300, 50, -50};

	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct device d;
		struct posclock clock;

		device_open(&d, kinds[k], 48000, ppm[k % 5]);
		posclock_init(&clock, 48000);
		run_quietly(&d, &clock, hours() * 3600);
		assert_true(posclock_line(&clock).locked);
	}
}

/* snd-aloop's pointer moves once a jiffy. A reader that wakes just behind the
 * tick and, on a busy machine, just before it for a while, sees every pair
 * 4 ms late for as long: that is no loss. */
static void a_shifted_wake_up_on_a_ticking_clock_is_no_step(void **state)
{
	const int64_t tick_ns = 4000000, tick = 192;
	struct posclock clock;

	(void)state;
	posclock_init(&clock, 48000);
	for (int64_t i = 1; i < 250 * 120; i++) {
		bool shifted = i % 1000 > 940;
		int64_t at = i * tick_ns + (shifted ? tick_ns - 20000 : 20000);
		struct posclock_step step;

		step = posclock_feed(&clock, i * tick, (int64_t)1e15 + at);
		assert_int_equal(step.event, POSCLOCK_NONE);
	}
	assert_true(posclock_line(&clock).locked);
}

static void a_crystal_that_warms_up_has_no_steps(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct device d;
		struct posclock clock;

		device_open(&d, kinds[k], 48000, 20);
		d.drift_ppm = 20;
		posclock_init(&clock, 48000);
		run_quietly(&d, &clock, hours() * 1800);
	}
}

static void every_rate_is_followed(void **state)
{
	static const double rates[] = {44100, 48000,  88200,
				       96000, 176400, 192000};

	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		for (unsigned r = 0; r < 6; r++) {
			struct device d;
			struct posclock clock;

			device_open(&d, kinds[k], rates[r], -80);
			posclock_init(&clock, (unsigned)rates[r]);
			run_quietly(&d, &clock, 120);
			assert_between(posclock_line(&clock).ppm, -84, -76,
				       kinds[k]->name);
		}
	}
}

static void the_rate_is_known_as_well_as_it_says(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct device d;
		struct posclock clock;
		unsigned wrong = 0;

		device_open(&d, kinds[k], 48000, 123);
		posclock_init(&clock, 48000);
		for (int t = 3; t < 600; t++) {
			struct posclock_line line;

			run_quietly(&d, &clock, t);
			line = posclock_line(&clock);
			assert_true(line.locked);
			wrong += fabs(line.ppm - ppm_now(&d, t)) >
				 3 * line.ppm_error;
		}
		assert_between(wrong, 0, 6, kinds[k]->name);
		assert_between(posclock_line(&clock).ppm_error, 0, 1,
			       kinds[k]->name);
	}
}

static void positions_and_times_follow_the_crystal(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct device d;
		struct posclock clock;
		struct posclock_line line;
		double at = 100.1;
		int64_t time_ns = (int64_t)((EPOCH_S + at) * 1e9);

		device_open(&d, kinds[k], 48000, -200);
		posclock_init(&clock, 48000);
		run_quietly(&d, &clock, 100);
		line = posclock_line(&clock);
		int64_t position = posclock_position_at(&line, time_ns);

		assert_between((double)position - crystal(&d, at), -15, 15,
			       kinds[k]->name);
		assert_between(
			(double)(posclock_time_of(&line, position) - time_ns),
			-21000, 21000, kinds[k]->name);
	}
}

static void nothing_is_known_before_the_first_pair(void **state)
{
	struct posclock clock;
	struct posclock_line line;

	(void)state;
	posclock_init(&clock, 48000);
	line = posclock_line(&clock);
	assert_true(line.rate_hz == 0 && !line.locked);
	assert_int_equal(posclock_position_at(&line, 5), -1);
	assert_int_equal(posclock_time_of(&line, 5), -1);
	posclock_feed(&clock, 480, 1000000000);
	line = posclock_line(&clock);
	assert_true(line.rate_hz == 48000 && !line.locked);
	assert_int_equal(posclock_position_at(&line, 1010000000), 960);
	assert_int_equal(posclock_time_of(&line, 960), 1010000000);
}

static void it_locks_after_two_seconds(void **state)
{
	struct device d;
	struct posclock clock;

	(void)state;
	device_open(&d, &exact, 48000, 300);
	posclock_init(&clock, 48000);
	run_quietly(&d, &clock, 1.9);
	assert_false(posclock_line(&clock).locked);
	run_quietly(&d, &clock, 2.2);
	assert_true(posclock_line(&clock).locked);
	assert_between(posclock_line(&clock).ppm, 290, 310, "ppm");
}

static void pairs_that_do_not_grow_are_ignored(void **state)
{
	struct device d;
	struct posclock clock;
	struct posclock_line before, after;

	(void)state;
	device_open(&d, &exact, 48000, 0);
	posclock_init(&clock, 48000);
	run_quietly(&d, &clock, 5);
	before = posclock_line(&clock);
	posclock_feed(&clock, before.position, before.time_ns + 90000000);
	posclock_feed(&clock, before.position - 100, before.time_ns + 90000000);
	posclock_feed(&clock, before.position + 100, before.time_ns - 90000000);
	after = posclock_line(&clock);
	assert_true(after.position == before.position &&
		    after.time_ns == before.time_ns &&
		    after.rate_hz == before.rate_hz);
}

static void an_unpaced_device_never_locks(void **state)
{
	static const double speeds[] = {0.5, 1.5, 20, 1000};

	(void)state;
	for (unsigned s = 0; s < 4; s++) {
		struct posclock clock;
		double t = 0, position = 0;

		random_state = 7;
		posclock_init(&clock, 48000);
		while (t < 60) {
			double frames = 128 + uniform() * 4096;

			position += frames;
			t += frames / 48000 / speeds[s] * (0.9 + uniform() / 5);
			assert_int_equal(
				posclock_feed(&clock, (int64_t)position,
					      (int64_t)((EPOCH_S + t) * 1e9))
					.event,
				POSCLOCK_NONE);
			assert_false(posclock_line(&clock).locked);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_before_the_first_pair),
		cmocka_unit_test(it_locks_after_two_seconds),
		cmocka_unit_test(pairs_that_do_not_grow_are_ignored),
		cmocka_unit_test(an_unpaced_device_never_locks),
		cmocka_unit_test(every_rate_is_followed),
		cmocka_unit_test(the_rate_is_known_as_well_as_it_says),
		cmocka_unit_test(positions_and_times_follow_the_crystal),
		cmocka_unit_test(no_clock_without_loss_has_steps),
		cmocka_unit_test(
			a_shifted_wake_up_on_a_ticking_clock_is_no_step),
		cmocka_unit_test(a_crystal_that_warms_up_has_no_steps),
	};

	return cmocka_run_group_tests_name("posclock", tests, NULL, NULL);
}
