/*
 * The real-time loop: devices that go away or lose frames without a word, and
 * all that can go wrong at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/capture_session.h"

#ifdef __SANITIZE_THREAD__
#define ROUNDS 3
#else
#define ROUNDS 16
#endif

/* ---- a device that goes ---- */

static void test_unplugged(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, LOCK_AT + 60, FAKE_UNPLUG, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	assert_close(s->writer.captured, LOCK_AT, s->pcm.period);
	assert_int_equal(gaps_of(s), 0);
	check_tape(s);
}

static void test_the_rest_of_an_unplugged_ring_is_had(void **state)
{
	struct session *s = *state;

	s->pcm.shows_rest = true;
	fake_plan(&s->pcm, 5060, FAKE_UNPLUG, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	assert_int_equal(s->writer.captured, 5060);
	check_tape(s);
}

static void test_the_rest_can_be_all_that_was_wanted(void **state)
{
	struct session *s = *state;

	s->pcm.shows_rest = true;
	fake_plan(&s->pcm, 5060, FAKE_UNPLUG, 0);
	assert_int_equal(run_to(s, 5060), CAPTURE_LIMIT);
}

/* As the supervisor does it when the interface is back. */
static void plug_in_again(struct session *s, int64_t pause_ns)
{
	fake_now += pause_ns;
	s->pcm.state = FAKE_STOPPED;
	pcm_restart(&s->pcm);
	s->capture.realign = true;
	s->capture.realign_kind = TAPE_GAP_ABSENT;
}

static void test_unplugged_and_back(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, LOCK_AT, FAKE_UNPLUG, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	plug_in_again(s, 1500 * NS_PER_MS);
	assert_int_equal(run_to(s, 8 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 1);
	assert_int_equal(event_of(s, 0).kind, TAPE_GAP_ABSENT);
	assert_close(event_of(s, 0).frames, 1500 * RATE / 1000, 300);
	check_tape_within(s, 2);
}

static void test_unplugged_again_before_a_frame_came(void **state)
{
	struct session *s = *state;

	s->pcm.shows_rest = true;
	fake_plan(&s->pcm, LOCK_AT, FAKE_UNPLUG, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	fake_plan(&s->pcm, 5 * RATE, FAKE_UNPLUG, 0);
	plug_in_again(s, 1995 * NS_PER_MS);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	plug_in_again(s, 1000 * NS_PER_MS);
	assert_int_equal(run_to(s, 8 * RATE), CAPTURE_LIMIT);
	check_tape_within(s, 2);
}

/* ---- losses that nobody reports ---- */

static void test_a_silent_loss_is_found_where_it_was(void **state)
{
	struct session *s = *state;
	struct tape_event event;

	fake_plan(&s->pcm, 4 * RATE + 1234, FAKE_LOSE, 480);
	assert_int_equal(run_to(s, 6 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 1);
	event = event_of(s, 0);
	assert_int_equal(event.kind, TAPE_GAP_SILENT);
	assert_close(event.position, 4 * RATE + 1234, NEAR);
	assert_close(event.frames, 480, 2);
	assert_close(event.position, 4 * RATE + 1234, event.uncertainty);
	assert_true(event.uncertainty <= 2 * NEAR);
	check_tape_within(s, 2);
}

/* Found when the rate is known, and what was lost is published by then: its
 * silence is later than its place, by no more than is said, and what follows
 * is in time. */
static void test_a_loss_before_the_rate_is_known_is_named(void **state)
{
	struct session *s = *state;
	struct tape_event event;

	fake_plan(&s->pcm, RATE, FAKE_LOSE, 480);
	assert_int_equal(run_to(s, 6 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 1);
	event = event_of(s, 0);
	assert_int_equal(event.kind, TAPE_GAP_SILENT);
	assert_close(event.frames, 480, 1);
	assert_true(event.position > RATE);
	assert_true(event.position - event.uncertainty <= RATE);
	assert_true(is_frame(s, RATE - 1, RATE - 1));
	assert_true(is_frame(s, 5 * RATE, 5 * RATE));
}

static void test_many_silent_losses(void **state)
{
	struct session *s = *state;

	s->pcm.hz = RATE * (1 + 30e-6);
	for (unsigned i = 0; i < 20; i++)
		fake_plan(&s->pcm, 4 * RATE + RATE * i / 2 + 7 * i, FAKE_LOSE,
			  48 * (1 + i % 5));
	assert_int_equal(run_to(s, 15 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 20);
	check_tape_within(s, 40);
}

static void test_a_silent_loss_before_a_late_read(void **state)
{
	struct session *s = *state;

	/* The late gap is on the tape already when the loss before it is
	 * found: it must move on with the sound. */
	fake_plan(&s->pcm, 4 * RATE, FAKE_LOSE, 960);
	fake_plan(&s->pcm, 4 * RATE + 2000, FAKE_LATE, 110000);
	assert_int_equal(run_to(s, 6 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 2);
	assert_int_equal(event_of(s, 0).kind, TAPE_GAP_SILENT);
	assert_int_equal(event_of(s, 1).kind, TAPE_GAP_LATE);
	check_tape_within(s, 4);
}

static void test_a_silent_loss_while_the_reader_was_late(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 4 * RATE, FAKE_LATE, 200000);
	fake_plan(&s->pcm, 4 * RATE + 3000, FAKE_LOSE, 960);
	assert_int_equal(run_to(s, 6 * RATE), CAPTURE_LIMIT);
	for (uint64_t i = 1; i < tape_event_count(&s->tape); i++)
		assert_true(event_of(s, i).position >=
			    event_of(s, i - 1).position +
				    event_of(s, i - 1).frames);
	check_tape_within(s, 4);
}

static void test_a_device_that_falls_silent(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 4 * RATE, FAKE_LOSE, RATE);
	assert_int_equal(run_to(s, 8 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 1);
	assert_close(event_of(s, 0).position, 4 * RATE, NEAR);
	assert_close(event_of(s, 0).frames, RATE, 4);
	assert_int_equal(tape_state(&s->tape), TAPE_RUNNING);
	check_tape_within(s, 4);
}

static void test_silence_is_told(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 10000, FAKE_LOSE, 60 * RATE);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	assert_int_equal(tape_state(&s->tape), TAPE_SILENT);
	assert_in_range(fake_now - s->capture.last_frames_ns, CAPTURE_DEAD_NS,
			CAPTURE_DEAD_NS + 100 * NS_PER_MS);
}

static void test_a_surplus_is_noted_and_no_gap(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 4 * RATE, FAKE_EXTRA, 480);
	assert_int_equal(run_to(s, 6 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 0);
	assert_int_equal(tape_event_count(&s->tape), 1);
	assert_int_equal(event_of(s, 0).kind, TAPE_SURPLUS);
	assert_close(event_of(s, 0).frames, 480, 2);
}

/* ---- all of it ---- */

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void test_whatever_happens_the_ledger_is_right(void **state)
{
	for (unsigned round = 1; round <= ROUNDS; round++) {
		struct session *s = *state;
		uint64_t frame = LOCK_AT;

		seed = round * 0x9e3779b97f4a7c15u;
		s->pcm.hz = RATE * (1 + ((double)chance(200) - 100) * 1e-6);
		while (frame < 18 * RATE) {
			enum fake_kind kind = (enum fake_kind[]){
				FAKE_LOSE, FAKE_LATE, FAKE_SLOW,
				FAKE_STOP}[chance(4)];
			int64_t value = (int64_t)chance(400000);

			if (kind == FAKE_LOSE)
				value = 1000 + (int64_t)chance(20000);
			fake_plan(&s->pcm, frame, kind, value);
			frame += 1000 + chance(2 * RATE);
			/* What follows upon a loss before it can be found
			 * hides where it was. */
			if (kind == FAKE_LOSE)
				frame += (uint64_t)value + RATE / 10;
		}
		assert_int_equal(run_to(s, 20 * RATE), CAPTURE_LIMIT);
		check_tape_within(s, NEAR);
		tear_down(state);
		set_up(state);
	}
}

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(test_unplugged),
		EACH(test_the_rest_of_an_unplugged_ring_is_had),
		EACH(test_the_rest_can_be_all_that_was_wanted),
		EACH(test_unplugged_and_back),
		EACH(test_unplugged_again_before_a_frame_came),
		EACH(test_a_silent_loss_is_found_where_it_was),
		EACH(test_a_loss_before_the_rate_is_known_is_named),
		EACH(test_many_silent_losses),
		EACH(test_a_silent_loss_before_a_late_read),
		EACH(test_a_silent_loss_while_the_reader_was_late),
		EACH(test_a_device_that_falls_silent),
		EACH(test_silence_is_told),
		EACH(test_a_surplus_is_noted_and_no_gap),
		EACH(test_whatever_happens_the_ledger_is_right),
	};

	return cmocka_run_group_tests_name("capture_losses", tests, NULL, NULL);
}
