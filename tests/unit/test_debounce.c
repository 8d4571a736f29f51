/* debounce: edge traces, as contacts make them, to presses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "surface/debounce.h"

#define MS	    1000000LL
#define US	    1000LL
#define START	    (1000 * MS)
#define QUIET	    0.020
#define QUIET_NS    (20 * MS)
#define CHANGES_MAX 64

/* An edge: so many us after the start, to that level. */
struct edge {
	int64_t us;
	bool active;
};

struct trace {
	bool polled;
	struct debounce debounce;
	struct debounce_change change[CHANGES_MAX];
	unsigned changes;
};

static void begin(struct trace *trace, bool latched, bool level)
{
	memset(trace, 0, sizeof(*trace));
	debounce_init(&trace->debounce, latched, QUIET);
	trace->changes = debounce_feed(&trace->debounce, level, false,
				       START - 100 * MS, trace->change);
	trace->changes += debounce_run(&trace->debounce, START,
				       trace->change + trace->changes);
}

/* As the panel does: run at each deadline, and at the end. */
static void play(struct trace *trace, const struct edge *edges, unsigned count,
		 int64_t end_us)
{
	for (unsigned i = 0; i < count; i++)
		trace->changes +=
			debounce_feed(&trace->debounce, edges[i].active,
				      !trace->polled, START + edges[i].us * US,
				      trace->change + trace->changes);
	trace->changes += debounce_run(&trace->debounce, START + end_us * US,
				       trace->change + trace->changes);
}

static void assert_change(const struct trace *trace, unsigned index,
			  bool active, int64_t us)
{
	assert_true(index < trace->changes);
	assert_int_equal(trace->change[index].active, active);
	assert_int_equal(trace->change[index].time_ns, START + us * US);
}

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof(*(array))))

/* A tactile switch: some hundred microseconds of chatter at either end. */
static const struct edge tactile[] = {
	{0, true},	{38, false},	 {61, true},	 {122, false},
	{160, true},	{290, false},	 {301, true},	 {112000, false},
	{112040, true}, {112090, false}, {112700, true}, {112720, false},
};

/* A worn footswitch: milliseconds of it, a break while it is held, and longer
 * chatter in all than the lock-out is. */
static const struct edge footswitch[] = {
	{0, true},	{900, false},	 {1400, true},	 {5200, false},
	{9800, true},	{17000, false},	 {31000, true},	 {45000, false},
	{46000, true},	{200000, false}, {206000, true}, {480000, false},
	{483000, true}, {497000, false}, {511000, true}, {512000, false},
};

static void a_press_counts_from_its_first_edge(void **state)
{
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, tactile, 1, 0);
	assert_int_equal(trace.changes, 1);
	assert_change(&trace, 0, true, 0);
}

static void chatter_makes_no_second_press(void **state)
{
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, tactile, COUNT(tactile), 200000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 0, true, 0);
	assert_change(&trace, 1, false, 112720);
}

static void chatter_longer_than_the_lock_out_is_one_press_too(void **state)
{
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, footswitch, COUNT(footswitch), 600000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 0, true, 0);
	assert_change(&trace, 1, false, 512000);
}

static void a_tap_shorter_than_the_lock_out_is_a_press_and_a_release(void **s)
{
	static const struct edge tap[] = {{0, true}, {3000, false}};
	struct trace trace;

	(void)s;
	begin(&trace, false, false);
	play(&trace, tap, 2, 22999);
	assert_int_equal(trace.changes, 1);
	play(&trace, NULL, 0, 23000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 1, false, 3000);
}

static void presses_one_after_the_other_all_count(void **state)
{
	static const struct edge taps[] = {
		{0, true},	{30000, false}, {60000, true},
		{90000, false}, {120000, true}, {150000, false},
	};
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, taps, COUNT(taps), 200000);
	assert_int_equal(trace.changes, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_change(&trace, i, i % 2 == 0, taps[i].us);
}

static void a_held_button_is_told_of_when_it_is_let_go_first(void **state)
{
	static const struct edge edges[] = {{0, false}, {50000, true}};
	struct trace trace;

	(void)state;
	begin(&trace, false, true);
	assert_int_equal(trace.changes, 0);
	play(&trace, edges, 2, 60000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 0, false, 0);
	assert_change(&trace, 1, true, 50000);
}

/* A spike that is over before the kernel reads the line: two edges to the
 * level that it has anyway. */
static void an_edge_to_the_same_level_is_nothing(void **state)
{
	static const struct edge up[] = {{0, false}, {2, false}};
	static const struct edge down[] = {
		{0, true}, {90000, true}, {90002, true}};
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, up, COUNT(up), 100000);
	assert_int_equal(trace.changes, 0);
	begin(&trace, false, false);
	play(&trace, down, COUNT(down), 200000);
	assert_int_equal(trace.changes, 1);
}

/* The contact closed at 0 for so short that the kernel, when it came to read
 * the level, found it open. */
static void a_spike_before_a_press_is_its_first_edge(void **state)
{
	static const struct edge bounced[] = {
		{0, false}, {900, false}, {2100, true}, {90000, false}};
	static const struct edge apart[] = {
		{0, false}, {25000, false}, {26000, true}};
	static const struct edge alone[] = {{0, false}, {30000, true}};
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, bounced, COUNT(bounced), 120000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 0, true, 0);
	begin(&trace, false, false);
	play(&trace, apart, COUNT(apart), 30000);
	assert_change(&trace, 0, true, 25000);
	begin(&trace, false, false);
	play(&trace, alone, COUNT(alone), 30000);
	assert_change(&trace, 0, true, 30000);
}

/* The kernel's queue ran over and the level was read again: the release was
 * among what was lost. */
static void a_level_that_was_read_again_ends_a_press(void **state)
{
	static const struct edge edges[] = {
		{0, true}, {400, false}, {700, true}, {150000, false}};
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, edges, COUNT(edges), 170000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 1, false, 150000);
}

static void a_polled_line_makes_presses_too(void **state)
{
	struct trace trace;
	struct edge edges[40];

	(void)state;
	begin(&trace, false, false);
	trace.polled = true;
	for (unsigned i = 0; i < 40; i++)
		edges[i] = (struct edge){10000 * (int64_t)i, i / 10 % 2 == 1};
	play(&trace, edges, 40, 400000);
	assert_int_equal(trace.changes, 3);
	assert_change(&trace, 0, true, 100000);
	assert_change(&trace, 1, false, 200000);
	assert_change(&trace, 2, true, 300000);
}

static void times_that_go_backwards_count_as_now(void **state)
{
	static const struct edge edges[] = {{1000, true}, {500, false}};
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, edges, 2, 21000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 1, false, 1000);
}

static void a_release_is_uncertain_until_it_has_lasted(void **state)
{
	static const struct edge press[] = {{0, true}};
	static const struct edge open[] = {{90000, false}};
	struct trace trace;

	(void)state;
	begin(&trace, false, false);
	play(&trace, press, 1, 50000);
	assert_int_equal(debounce_certain(&trace.debounce, START + 50 * MS),
			 START + 50 * MS);
	play(&trace, open, 1, 91000);
	assert_int_equal(debounce_certain(&trace.debounce, START + 95 * MS),
			 START + 90 * MS);
	assert_int_equal(debounce_deadline(&trace.debounce),
			 START + 90 * MS + QUIET_NS);
	play(&trace, NULL, 0, 110000);
	assert_int_equal(debounce_deadline(&trace.debounce), DEBOUNCE_NEVER);
	assert_int_equal(debounce_certain(&trace.debounce, START + 120 * MS),
			 START + 120 * MS);
}

static void a_switch_tells_its_first_state(void **state)
{
	struct trace trace;

	(void)state;
	begin(&trace, true, true);
	assert_int_equal(trace.changes, 1);
	assert_true(trace.change[0].active);
	begin(&trace, true, false);
	assert_int_equal(trace.changes, 1);
	assert_false(trace.change[0].active);
}

static void a_switch_counts_when_it_is_stable_from_its_first_edge(void **state)
{
	static const struct edge edges[] = {
		{0, true},     {700, false},  {1500, true},
		{4000, false}, {15000, true},
	};
	struct trace trace;

	(void)state;
	begin(&trace, true, false);
	play(&trace, edges, COUNT(edges), 34999);
	assert_int_equal(trace.changes, 1);
	play(&trace, NULL, 0, 35000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 1, true, 0);
}

static void a_switch_that_only_shook_has_not_changed(void **state)
{
	static const struct edge shaken[] = {
		{0, true}, {300, false}, {900, true}, {19000, false}};
	static const struct edge thrown[] = {{80000, true}};
	struct trace trace;

	(void)state;
	begin(&trace, true, false);
	play(&trace, shaken, COUNT(shaken), 70000);
	assert_int_equal(trace.changes, 1);
	play(&trace, thrown, 1, 100000);
	assert_int_equal(trace.changes, 2);
	assert_change(&trace, 1, true, 80000);
}

static void a_switch_keeps_up_when_nobody_runs_it_in_between(void **state)
{
	static const struct edge edges[] = {
		{0, true}, {500000, false}, {1000000, true}};
	struct trace trace;

	(void)state;
	begin(&trace, true, false);
	play(&trace, edges, COUNT(edges), 2000000);
	assert_int_equal(trace.changes, 4);
	assert_change(&trace, 1, true, 0);
	assert_change(&trace, 2, false, 500000);
	assert_change(&trace, 3, true, 1000000);
}

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

/* Chatter with gaps below the lock-out; ends at the level. */
static int64_t chatter(struct trace *trace, int64_t us, bool level)
{
	unsigned pairs = random_below(20);

	for (unsigned i = 0; i <= 2 * pairs; i++) {
		struct edge edge = {us, i % 2 == 0 ? level : !level};

		play(trace, &edge, 1, us);
		if (trace->changes > CHANGES_MAX - 4)
			trace->changes = CHANGES_MAX - 4;
		us += 1 + random_below(18000);
	}
	return us;
}

static void ten_thousand_random_presses_are_ten_thousand_presses(void **state)
{
	struct trace trace;
	int64_t us = 0;

	(void)state;
	random_state = 20261121;
	begin(&trace, false, false);
	for (unsigned i = 0; i < 10000; i++) {
		int64_t first = us;

		trace.changes = 0;
		us = chatter(&trace, us, true) + random_below(100000);
		assert_int_equal(trace.changes, 1);
		assert_change(&trace, 0, true, first);
		us = chatter(&trace, us, false) + 20000;
		play(&trace, NULL, 0, us);
		assert_int_equal(trace.changes, 2);
		us += 1 + random_below(100000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_press_counts_from_its_first_edge),
		cmocka_unit_test(chatter_makes_no_second_press),
		cmocka_unit_test(
			chatter_longer_than_the_lock_out_is_one_press_too),
		cmocka_unit_test(
			a_tap_shorter_than_the_lock_out_is_a_press_and_a_release),
		cmocka_unit_test(presses_one_after_the_other_all_count),
		cmocka_unit_test(
			a_held_button_is_told_of_when_it_is_let_go_first),
		cmocka_unit_test(an_edge_to_the_same_level_is_nothing),
		cmocka_unit_test(a_spike_before_a_press_is_its_first_edge),
		cmocka_unit_test(a_level_that_was_read_again_ends_a_press),
		cmocka_unit_test(a_polled_line_makes_presses_too),
		cmocka_unit_test(times_that_go_backwards_count_as_now),
		cmocka_unit_test(a_release_is_uncertain_until_it_has_lasted),
		cmocka_unit_test(a_switch_tells_its_first_state),
		cmocka_unit_test(
			a_switch_counts_when_it_is_stable_from_its_first_edge),
		cmocka_unit_test(a_switch_that_only_shook_has_not_changed),
		cmocka_unit_test(
			a_switch_keeps_up_when_nobody_runs_it_in_between),
		cmocka_unit_test(
			ten_thousand_random_presses_are_ten_thousand_presses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
