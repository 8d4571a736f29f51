/*
 * pace: the compression level follows what the machine can do, and nothing
 * else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "take/pace.h"

#define RATE 48000u
#define RING (60 * (uint64_t)RATE)

/* A second of sound, encoded under a load, with so many seconds waiting. */
static unsigned second(struct pace *pace, double load, double waiting)
{
	struct pace_view view = {
		.rate = RATE,
		.frames = RATE,
		.encode_ns = (int64_t)(load * (double)NS_PER_S),
		.waiting = (uint64_t)(waiting * RATE),
		.ring = RING,
	};

	return pace_look(pace, &view);
}

static void test_a_machine_that_keeps_up_keeps_its_level(void **unused)
{
	struct pace pace;

	(void)unused;
	for (unsigned level = 0; level <= 8; level++) {
		pace_init(&pace, level);
		for (int i = 0; i < 100; i++)
			assert_int_equal(second(&pace, 0.95, 0.3), level);
	}
}

static void test_too_slow_a_machine_goes_down_step_by_step(void **unused)
{
	static const unsigned down[] = {6, 5, 3, 0, 0};
	struct pace pace;

	(void)unused;
	pace_init(&pace, 8);
	for (unsigned i = 0; i < sizeof(down) / sizeof(*down); i++)
		assert_int_equal(second(&pace, 1.0, 2.0), down[i]);
}

static void test_much_too_slow_a_machine_goes_down_at_once(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 8);
	assert_int_equal(second(&pace, 1.9, 2.0), 5);
	pace_init(&pace, 8);
	assert_int_equal(second(&pace, 4.0, 2.0), 0);
}

static void test_levels_between_the_steps_go_down_too(void **unused)
{
	static const unsigned below[] = {0, 0, 0, 0, 0, 3, 5, 5, 6};
	struct pace pace;

	(void)unused;
	for (unsigned level = 0; level <= 8; level++) {
		pace_init(&pace, level);
		assert_int_equal(second(&pace, 1.0, 2.0), below[level]);
	}
}

static void test_catching_up_with_a_stalled_medium_changes_nothing(
	void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 5);
	for (double waiting = 30; waiting > 0; waiting -= 0.6)
		assert_int_equal(second(&pace, 0.4, waiting), 5);
}

static void test_the_fuller_the_tape_the_less_load_is_borne(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 5);
	assert_int_equal(second(&pace, 0.3, 40.0), 5);
	assert_int_equal(second(&pace, 0.35, 40.0), 3);
	assert_int_equal(second(&pace, 0.01, 59.9), 0);
}

static void test_nothing_is_given_up_for_what_cannot_be_lost(void **unused)
{
	struct pace_view view = {
		.rate = RATE,
		.frames = RATE,
		.encode_ns = 5 * NS_PER_S,
		.waiting = RING,
		.ring = RING,
		.safe = true,
	};
	struct pace pace;

	(void)unused;
	pace_init(&pace, 8);
	assert_int_equal(pace_look(&pace, &view), 8);
}

static void test_a_hiccup_is_no_reason(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 5);
	assert_int_equal(second(&pace, 3.0, 0.9), 5);
}

/* 250 ms at a time: one that took long does not count alone. */
static void test_a_decision_is_about_a_whole_second(void **unused)
{
	struct pace_view view = {
		.rate = RATE,
		.frames = RATE / 4,
		.waiting = 2 * RATE,
		.ring = RING,
	};
	struct pace pace;

	(void)unused;
	pace_init(&pace, 5);
	for (int i = 0; i < 40; i++) {
		view.encode_ns = i % 4 == 1 ? NS_PER_S / 2 : NS_PER_S / 100;
		assert_int_equal(pace_look(&pace, &view), 5);
	}
}

static void test_it_goes_up_again_after_half_a_minute(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 5);
	assert_int_equal(second(&pace, 1.0, 2.0), 3);
	for (int i = 0; i < 29; i++)
		assert_int_equal(second(&pace, 0.5, 0.2), 3);
	assert_int_equal(second(&pace, 0.5, 0.2), 5);
	for (int i = 0; i < 100; i++)
		assert_int_equal(second(&pace, 0.1, 0.2), 5);
}

static void test_it_goes_no_higher_than_was_asked_for(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 4);
	assert_int_equal(second(&pace, 1.0, 2.0), 0);
	for (int i = 0; i < 300; i++)
		assert_true(second(&pace, 0.1, 0.2) <= 4);
	assert_int_equal(pace.level, 4);
}

static void test_it_stays_down_where_the_next_level_would_not_do(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 8);
	assert_int_equal(second(&pace, 1.1, 2.0), 6);
	for (int i = 0; i < 300; i++)
		assert_int_equal(second(&pace, 0.5, 0.2), 6);
}

static void test_one_bad_second_begins_the_half_minute_anew(void **unused)
{
	struct pace pace;

	(void)unused;
	pace_init(&pace, 5);
	assert_int_equal(second(&pace, 1.0, 2.0), 3);
	for (int i = 0; i < 29; i++)
		assert_int_equal(second(&pace, 0.1, 0.2), 3);
	assert_int_equal(second(&pace, 0.9, 0.2), 3);
	for (int i = 0; i < 29; i++)
		assert_int_equal(second(&pace, 0.1, 0.2), 3);
	assert_int_equal(second(&pace, 0.1, 0.2), 5);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_machine_that_keeps_up_keeps_its_level),
		CASE(test_too_slow_a_machine_goes_down_step_by_step),
		CASE(test_much_too_slow_a_machine_goes_down_at_once),
		CASE(test_levels_between_the_steps_go_down_too),
		CASE(test_catching_up_with_a_stalled_medium_changes_nothing),
		CASE(test_the_fuller_the_tape_the_less_load_is_borne),
		CASE(test_nothing_is_given_up_for_what_cannot_be_lost),
		CASE(test_a_hiccup_is_no_reason),
		CASE(test_a_decision_is_about_a_whole_second),
		CASE(test_it_goes_up_again_after_half_a_minute),
		CASE(test_it_goes_no_higher_than_was_asked_for),
		CASE(test_it_stays_down_where_the_next_level_would_not_do),
		CASE(test_one_bad_second_begins_the_half_minute_anew),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
