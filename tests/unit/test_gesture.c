/* gesture: presses to what was meant, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "surface/gesture.h"

#define MS    1000000LL
#define START (1000 * MS)

#define PRESS  (1u << BOARD_PRESS)
#define DOUBLE (1u << BOARD_DOUBLE)
#define HOLD   (1u << BOARD_HOLD)
#define LONG   (1u << BOARD_LONG)

static const struct gesture_times times = {
	.hold_ns = 700 * MS, .long_ns = 2000 * MS, .double_ns = 350 * MS};

struct hand {
	struct gesture gesture;
	struct gesture_done done[16];
	unsigned count;
};

static struct hand button(unsigned wanted)
{
	struct hand hand = {.count = 0};

	gesture_init(&hand.gesture, wanted, &times);
	return hand;
}

static void press(struct hand *hand, int64_t ms)
{
	hand->count += gesture_feed(&hand->gesture, true, START + ms * MS,
				    hand->done + hand->count);
}

static void let_go(struct hand *hand, int64_t ms)
{
	hand->count += gesture_feed(&hand->gesture, false, START + ms * MS,
				    hand->done + hand->count);
}

static void wait_until(struct hand *hand, int64_t ms)
{
	hand->count += gesture_run(&hand->gesture, START + ms * MS,
				   hand->done + hand->count);
}

static void assert_done(const struct hand *hand, unsigned index,
			enum board_gesture gesture, int64_t ms)
{
	assert_true(index < hand->count);
	assert_int_equal(hand->done[index].gesture, gesture);
	assert_int_equal(hand->done[index].time_ns, START + ms * MS);
}

static void a_button_that_only_knows_press_has_it_at_once(void **state)
{
	struct hand hand = button(PRESS);

	(void)state;
	press(&hand, 0);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_PRESS, 0);
	assert_int_equal(gesture_deadline(&hand.gesture), GESTURE_NEVER);
	wait_until(&hand, 10000);
	let_go(&hand, 10001);
	assert_int_equal(hand.count, 1);
	press(&hand, 10002);
	assert_done(&hand, 1, BOARD_PRESS, 10002);
}

static void a_button_without_rules_does_nothing(void **state)
{
	struct hand hand = button(0);

	(void)state;
	press(&hand, 0);
	let_go(&hand, 100);
	wait_until(&hand, 5000);
	assert_int_equal(hand.count, 0);
}

static void hold_is_fulfilled_while_the_button_is_down(void **state)
{
	struct hand hand = button(HOLD);

	(void)state;
	press(&hand, 0);
	assert_int_equal(gesture_deadline(&hand.gesture), START + 700 * MS);
	wait_until(&hand, 699);
	assert_int_equal(hand.count, 0);
	wait_until(&hand, 715);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_HOLD, 700);
	let_go(&hand, 3000);
	assert_int_equal(hand.count, 1);
}

static void let_go_too_early_is_no_hold(void **state)
{
	struct hand hand = button(HOLD);

	(void)state;
	press(&hand, 0);
	let_go(&hand, 690);
	wait_until(&hand, 5000);
	assert_int_equal(hand.count, 0);
}

static void press_or_hold_is_decided_by_letting_go(void **state)
{
	struct hand hand = button(PRESS | HOLD);

	(void)state;
	press(&hand, 0);
	wait_until(&hand, 100);
	assert_int_equal(hand.count, 0);
	let_go(&hand, 120);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_PRESS, 0);
	press(&hand, 1000);
	wait_until(&hand, 1800);
	let_go(&hand, 1900);
	assert_int_equal(hand.count, 2);
	assert_done(&hand, 1, BOARD_HOLD, 1700);
}

static void press_waits_for_a_double_and_keeps_its_first_edge(void **state)
{
	struct hand hand = button(PRESS | DOUBLE);

	(void)state;
	press(&hand, 0);
	let_go(&hand, 80);
	assert_int_equal(hand.count, 0);
	assert_int_equal(gesture_deadline(&hand.gesture), START + 430 * MS);
	wait_until(&hand, 430);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_PRESS, 0);
}

static void a_press_held_for_long_can_still_become_a_double(void **state)
{
	struct hand hand = button(PRESS | DOUBLE);

	(void)state;
	press(&hand, 0);
	wait_until(&hand, 900);
	let_go(&hand, 900);
	assert_int_equal(hand.count, 0);
	press(&hand, 1200);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_DOUBLE, 0);
}

static void two_presses_in_time_are_a_double_from_the_first_edge(void **state)
{
	struct hand hand = button(PRESS | DOUBLE | HOLD | LONG);

	(void)state;
	press(&hand, 0);
	let_go(&hand, 90);
	press(&hand, 200);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_DOUBLE, 0);
	/* Held after that it is nothing more. */
	wait_until(&hand, 5000);
	let_go(&hand, 5001);
	assert_int_equal(hand.count, 1);
}

static void a_second_press_too_late_is_another_one(void **state)
{
	struct hand hand = button(PRESS | DOUBLE);

	(void)state;
	/* All read late and at once: the edges' times count. */
	press(&hand, 0);
	let_go(&hand, 90);
	press(&hand, 440);
	let_go(&hand, 490);
	wait_until(&hand, 2000);
	assert_int_equal(hand.count, 2);
	assert_done(&hand, 0, BOARD_PRESS, 0);
	assert_done(&hand, 1, BOARD_PRESS, 440);
}

static void a_third_press_begins_anew(void **state)
{
	struct hand hand = button(PRESS | DOUBLE);

	(void)state;
	press(&hand, 0);
	let_go(&hand, 50);
	press(&hand, 100);
	let_go(&hand, 150);
	press(&hand, 200);
	let_go(&hand, 250);
	wait_until(&hand, 2000);
	assert_int_equal(hand.count, 2);
	assert_done(&hand, 0, BOARD_DOUBLE, 0);
	assert_done(&hand, 1, BOARD_PRESS, 200);
}

static void long_is_fulfilled_while_the_button_is_down(void **state)
{
	struct hand hand = button(PRESS | LONG);

	(void)state;
	press(&hand, 0);
	wait_until(&hand, 1999);
	assert_int_equal(hand.count, 0);
	wait_until(&hand, 2000);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_LONG, 2000);
}

static void hold_or_long_is_decided_by_letting_go(void **state)
{
	struct hand hand = button(PRESS | HOLD | LONG);

	(void)state;
	press(&hand, 0);
	wait_until(&hand, 1500);
	assert_int_equal(hand.count, 0);
	let_go(&hand, 1600);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_HOLD, 700);
	press(&hand, 3000);
	wait_until(&hand, 5000);
	assert_int_equal(hand.count, 2);
	assert_done(&hand, 1, BOARD_LONG, 5000);
	let_go(&hand, 6000);
	assert_int_equal(hand.count, 2);
}

static void deadlines_that_passed_unseen_keep_their_times(void **state)
{
	struct hand hand = button(HOLD | LONG);

	(void)state;
	press(&hand, 0);
	let_go(&hand, 2500);
	assert_int_equal(hand.count, 1);
	assert_done(&hand, 0, BOARD_LONG, 2000);
}

static void a_release_without_a_press_is_nothing(void **state)
{
	struct hand hand = button(PRESS | DOUBLE | HOLD | LONG);

	(void)state;
	let_go(&hand, 0);
	wait_until(&hand, 5000);
	assert_int_equal(hand.count, 0);
}

/* Every set of rules, random hands: each series is at most one gesture, of
 * those that are wanted, and its time lies within the series. */
static void no_series_is_two_gestures(void **state)
{
	(void)state;
	for (unsigned wanted = 0; wanted < 16; wanted++) {
		struct hand hand = button(wanted);
		uint32_t random = 1 + wanted;
		int64_t ms = 0;

		for (unsigned i = 0; i < 2000; i++) {
			int64_t from = ms;

			random = random * 1664525u + 1013904223u;
			hand.count = 0;
			press(&hand, ms);
			ms += 1 + (random >> 8) % 3000;
			let_go(&hand, ms);
			ms += 400;
			wait_until(&hand, ms);
			assert_true(hand.count <= 1);
			for (unsigned j = 0; j < hand.count; j++) {
				assert_true(wanted >> hand.done[j].gesture & 1);
				assert_in_range(hand.done[j].time_ns,
						START + from * MS,
						START + ms * MS);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_button_that_only_knows_press_has_it_at_once),
		cmocka_unit_test(a_button_without_rules_does_nothing),
		cmocka_unit_test(hold_is_fulfilled_while_the_button_is_down),
		cmocka_unit_test(let_go_too_early_is_no_hold),
		cmocka_unit_test(press_or_hold_is_decided_by_letting_go),
		cmocka_unit_test(
			press_waits_for_a_double_and_keeps_its_first_edge),
		cmocka_unit_test(
			a_press_held_for_long_can_still_become_a_double),
		cmocka_unit_test(
			two_presses_in_time_are_a_double_from_the_first_edge),
		cmocka_unit_test(a_second_press_too_late_is_another_one),
		cmocka_unit_test(a_third_press_begins_anew),
		cmocka_unit_test(long_is_fulfilled_while_the_button_is_down),
		cmocka_unit_test(hold_or_long_is_decided_by_letting_go),
		cmocka_unit_test(deadlines_that_passed_unseen_keep_their_times),
		cmocka_unit_test(a_release_without_a_press_is_nothing),
		cmocka_unit_test(no_series_is_two_gestures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
