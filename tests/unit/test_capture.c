/*
 * The real-time loop: frames of every kind, readers that are late, and devices
 * that stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/capture_session.h"

/* ---- nothing wrong ---- */

static void test_every_format_and_access_arrives(void **state)
{
	static const unsigned channels[] = {1, 2, 3, 18, 64};
	struct session s;

	(void)state;
	for (unsigned c = 0; c < sizeof(channels) / sizeof(*channels); c++)
		for (int format = 0; format < PCM_FORMATS; format++)
			for (int access = 0; access < 2; access++) {
				open_session(&s, channels[c],
					     (enum pcm_format)format, access);
				assert_int_equal(run_to(&s, 10000),
						 CAPTURE_LIMIT);
				assert_int_equal(tape_published(&s.tape),
						 10000);
				check_tape(&s);
				assert_int_equal(tape_event_count(&s.tape), 0);
				close_session(&s);
			}
}

static void test_peaks_are_found_on_the_way(void **state)
{
	struct session *s = *state;
	uint32_t level = 0;

	run_to(s, 3000);
	for (int64_t f = 1024; f < 1280; f++) {
		uint32_t size = (uint32_t)abs(fake_sample(&s->pcm, 1, f));

		level = size > level ? size : level;
	}
	assert_int_equal(tape_peak(&s->tape, 1, 1024, 1280).level, level);
}

static void test_a_long_run_has_no_gap(void **state)
{
	struct session *s = *state;

	s->pcm.hz = RATE * (1 + 80e-6);
	s->pcm.jitter_ns = 150000;
	assert_int_equal(run_to(s, 30 * RATE), CAPTURE_LIMIT);
	check_tape(s);
	assert_int_equal(tape_event_count(&s->tape), 0);
	assert_true(tape_line(&s->tape).locked);
	assert_close((uint64_t)(tape_line(&s->tape).ppm + 0.5), 80, 5);
	assert_int_equal(tape_state(&s->tape), TAPE_RUNNING);
}

static void test_the_device_is_asked_once_a_round(void **state)
{
	struct session *s = *state;

	run_to(s, 1000 * s->pcm.period);
	assert_in_range(s->pcm.avails, 900, 1010);
}

static void test_the_limit_is_exact(void **state)
{
	for (uint64_t limit = 1; limit < 1000; limit += 77) {
		struct session *s = *state;

		assert_int_equal(run_to(s, limit), CAPTURE_LIMIT);
		assert_int_equal(s->writer.captured, limit);
		assert_int_equal(tape_published(&s->tape), limit);
		tear_down(state);
		set_up(state);
	}
}

static void test_it_stops_when_told_and_keeps_all_it_has(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, LOCK_AT, FAKE_TELL, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_STOPPED);
	assert_true(tape_line(&s->tape).locked);
	assert_close(s->writer.captured, LOCK_AT, s->pcm.period);
	check_tape(s);
}

static void test_frames_wait_in_the_device_until_the_tape_has_pages(
	void **state)
{
	struct session *s = *state;

	s->writer.filled = 3 * RATE; /* a second more than it may use */
	fake_plan(&s->pcm, 2 * RATE + 3000, FAKE_TELL, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_STOPPED);
	assert_int_equal(s->writer.captured, 2 * RATE);
	s->writer.filled = TAPE_FILLED;
	s->capture.stop = false;
	assert_int_equal(run_to(s, 9 * RATE), CAPTURE_LIMIT);
	assert_int_equal(tape_event_count(&s->tape), 0);
	check_tape(s);
}

static void test_pages_that_come_too_late_cost_what_the_ledger_says(
	void **state)
{
	struct session *s = *state;

	s->writer.filled = 3 * RATE;
	fake_plan(&s->pcm, 4 * RATE, FAKE_TELL, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_STOPPED);
	s->writer.filled = TAPE_FILLED;
	s->capture.stop = false;
	assert_int_equal(run_to(s, 9 * RATE), CAPTURE_LIMIT);
	assert_true(tape_event_count(&s->tape) > 0);
	assert_int_equal(event_of(s, 0).kind, TAPE_GAP_LATE);
	check_tape(s);
}

/* What readers have when the device is at that frame. */
static uint64_t published_at(struct session *s, uint64_t frame)
{
	s->pcm.seen_at = frame;
	s->pcm.seen = &s->writer.published;
	run_to(s, frame + RATE);
	return s->pcm.saw;
}

static void test_frames_are_held_back_only_once_losses_can_be_found(
	void **state)
{
	struct session *s = *state;

	assert_close(published_at(s, RATE), RATE, s->pcm.period);
	assert_close(published_at(s, 5 * RATE), 5 * RATE - SETTLE,
		     s->pcm.period);
	check_tape(s);
}

static void test_a_signal_is_no_frame(void **state)
{
	struct session *s = *state;

	for (unsigned i = 1; i < 20; i++)
		fake_plan(&s->pcm, 1000 * i + i, FAKE_SIGNAL, 0);
	assert_int_equal(run_to(s, 30000), CAPTURE_LIMIT);
	check_tape(s);
	assert_int_equal(tape_event_count(&s->tape), 0);
}

/* ---- a late reader ---- */

static void test_a_late_reader_knows_what_it_lost(void **state)
{
	struct session *s = *state;
	struct tape_event event;

	/* 200 ms: 9600 frames, of which 4096 are still there. */
	fake_plan(&s->pcm, 10000, FAKE_LATE, 200000);
	assert_int_equal(run_to(s, RATE), CAPTURE_LIMIT);
	assert_int_equal(tape_event_count(&s->tape), 1);
	event = event_of(s, 0);
	assert_int_equal(event.kind, TAPE_GAP_LATE);
	assert_int_equal(event.uncertainty, 0);
	assert_close(event.position, 10000, s->pcm.period);
	assert_close(event.frames, 9600 - 4096 + SPARE, s->pcm.period + 20);
	check_tape(s);
}

static void test_being_late_without_loss_is_no_gap(void **state)
{
	struct session *s = *state;

	for (unsigned i = 0; i < 20; i++)
		fake_plan(&s->pcm, 10000 + 9000 * i, FAKE_LATE, 78000);
	assert_int_equal(run_to(s, 5 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 0);
	check_tape(s);
}

static void test_late_again_and_again(void **state)
{
	struct session *s = *state;

	for (unsigned i = 0; i < 30; i++)
		fake_plan(&s->pcm, 5000 + 16000 * i, FAKE_LATE,
			  20000 * (i + 1));
	assert_int_equal(run_to(s, 12 * RATE), CAPTURE_LIMIT);
	assert_true(gaps_of(s) > 20);
	check_tape(s);
}

static void test_a_gap_ends_with_the_limit(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 10000, FAKE_LATE, 500000);
	assert_int_equal(run_to(s, 20000), CAPTURE_LIMIT);
	assert_int_equal(s->writer.captured, 20000);
	assert_int_equal(event_of(s, 0).position + event_of(s, 0).frames,
			 20000);
	check_tape(s);
}

static void test_what_was_overwritten_while_it_was_copied(void **state)
{
	struct session *s = *state;
	struct tape_event event;

	/* 60 ms late, 2880 frames wait; the copy of the first part of them
	 * takes 40 ms, 1920 frames: some 700 were overwritten. */
	fake_plan(&s->pcm, 10000, FAKE_LATE, 60000);
	fake_plan(&s->pcm, 10001, FAKE_SLOW, 40000);
	assert_int_equal(run_to(s, RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 1);
	event = event_of(s, 0);
	assert_int_equal(event.kind, TAPE_GAP_LATE);
	assert_close(event.position, 10000, s->pcm.period);
	assert_close(event.frames, 2880 + 1920 - 4096 + s->pcm.period,
		     s->pcm.period + 20);
	check_tape(s);
}

static void test_a_device_ahead_of_the_pointer_that_it_shows(void **state)
{
	struct session *s = *state;

	/* The pointer moves with the periods, the memory with the frames. */
	s->pcm.steps = true;
	fake_plan(&s->pcm, 10000, FAKE_LATE, 60000);
	fake_plan(&s->pcm, 10001, FAKE_SLOW, 40900);
	fake_plan(&s->pcm, RATE, FAKE_LATE, 85000);
	assert_int_equal(run_to(s, 2 * RATE), CAPTURE_LIMIT);
	check_tape(s);
}

static void test_a_copy_that_takes_for_ever(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 10000, FAKE_SLOW, 300000);
	fake_plan(&s->pcm, 100000, FAKE_LATE, 200000);
	fake_plan(&s->pcm, 100001, FAKE_SLOW, 30000);
	assert_int_equal(run_to(s, 4 * RATE), CAPTURE_LIMIT);
	assert_true(gaps_of(s) >= 2);
	check_tape(s);
}

static void test_a_device_that_stops_while_it_is_copied_from(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, LOCK_AT, FAKE_SLOW, 300000);
	fake_plan(&s->pcm, LOCK_AT + 5000, FAKE_STOP, 0);
	assert_int_equal(run_to(s, 4 * RATE), CAPTURE_LIMIT);
	check_tape_within(s, 2);
}

/* ---- a device that stops ---- */

static void test_a_stop_is_as_long_as_time_says(void **state)
{
	struct session *s = *state;
	struct tape_event event;

	fake_plan(&s->pcm, LOCK_AT + 1000, FAKE_STOP, 0);
	assert_int_equal(run_to(s, 5 * RATE), CAPTURE_LIMIT);
	assert_int_equal(s->pcm.restarts, 1);
	assert_int_equal(gaps_of(s), 1);
	event = event_of(s, 0);
	assert_int_equal(event.kind, TAPE_GAP_STOPPED);
	assert_close(event.position, LOCK_AT + 1000, s->pcm.period);
	check_tape_within(s, 2);
}

static void test_a_stop_before_the_rate_is_known(void **state)
{
	struct session *s = *state;

	s->pcm.hz = RATE * (1 - 100e-6);
	fake_plan(&s->pcm, 1000, FAKE_STOP, 0);
	fake_plan(&s->pcm, 40000, FAKE_STOP, 0);
	assert_int_equal(run_to(s, 5 * RATE), CAPTURE_LIMIT);
	assert_int_equal(gaps_of(s), 2);
	check_tape_within(s, 8);
}

static void test_a_stop_before_the_first_frame_is_no_gap(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, 0, FAKE_STOP, 0);
	assert_int_equal(run_to(s, 10000), CAPTURE_LIMIT);
	assert_int_equal(s->pcm.restarts, 1);
	assert_int_equal(gaps_of(s), 0);
}

static void test_stops_one_after_the_other(void **state)
{
	struct session *s = *state;

	/* The second and third ones before frames of the one before are had. */
	for (unsigned i = 0; i < 3; i++)
		fake_plan(&s->pcm, LOCK_AT + 100 * i, FAKE_STOP, 0);
	for (unsigned i = 0; i < 3; i++)
		fake_plan(&s->pcm, 2 * LOCK_AT + 500 * i, FAKE_STOP, 0);
	assert_int_equal(run_to(s, 8 * RATE), CAPTURE_LIMIT);
	check_tape_within(s, 4);
}

static void test_a_stop_is_a_gap_even_if_time_has_none(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, LOCK_AT, FAKE_STOP, 0);
	/* Frames that were waiting somewhere on the way. */
	fake_plan(&s->pcm, LOCK_AT + 1, FAKE_EXTRA, 2000);
	assert_int_equal(run_to(s, 5 * RATE), CAPTURE_LIMIT);
	assert_int_equal(tape_event_count(&s->tape), 1);
	assert_int_equal(event_of(s, 0).kind, TAPE_GAP_STOPPED);
	assert_int_equal(event_of(s, 0).frames, 1);
}

static void test_a_device_that_fails_in_mid_copy_stays_aligned(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, LOCK_AT, FAKE_STOP, 0);
	/* Right after the restart, before the clock has a pair of it. */
	fake_plan(&s->pcm, LOCK_AT + 1, FAKE_NO_BEGIN, EPIPE);
	fake_plan(&s->pcm, LOCK_AT + RATE, FAKE_NO_COMMIT, EPIPE);
	assert_int_equal(run_to(s, 6 * RATE), CAPTURE_LIMIT);
	assert_int_equal(s->pcm.restarts, 3);
	check_tape_within(s, 4);
}

static void test_a_device_that_only_stops_is_dead_after_a_while(void **state)
{
	struct session *s = *state;

	fake_plan(&s->pcm, RATE, FAKE_BREAK, 0);
	assert_int_equal(run_to(s, FOREVER), CAPTURE_GONE);
	assert_in_range(s->pcm.restarts, 100, 1100);
	assert_in_range(fake_now - s->capture.last_frames_ns, CAPTURE_DEAD_NS,
			CAPTURE_DEAD_NS + 100 * NS_PER_MS);
	assert_close(tape_published(&s->tape), RATE, s->pcm.period);
}

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_format_and_access_arrives),
		EACH(test_peaks_are_found_on_the_way),
		EACH(test_a_long_run_has_no_gap),
		EACH(test_the_device_is_asked_once_a_round),
		EACH(test_the_limit_is_exact),
		EACH(test_it_stops_when_told_and_keeps_all_it_has),
		EACH(test_frames_wait_in_the_device_until_the_tape_has_pages),
		EACH(test_pages_that_come_too_late_cost_what_the_ledger_says),
		EACH(test_frames_are_held_back_only_once_losses_can_be_found),
		EACH(test_a_signal_is_no_frame),
		EACH(test_a_late_reader_knows_what_it_lost),
		EACH(test_being_late_without_loss_is_no_gap),
		EACH(test_late_again_and_again),
		EACH(test_a_gap_ends_with_the_limit),
		EACH(test_what_was_overwritten_while_it_was_copied),
		EACH(test_a_device_ahead_of_the_pointer_that_it_shows),
		EACH(test_a_copy_that_takes_for_ever),
		EACH(test_a_device_that_stops_while_it_is_copied_from),
		EACH(test_a_stop_is_as_long_as_time_says),
		EACH(test_a_stop_before_the_rate_is_known),
		EACH(test_a_stop_before_the_first_frame_is_no_gap),
		EACH(test_stops_one_after_the_other),
		EACH(test_a_stop_is_a_gap_even_if_time_has_none),
		EACH(test_a_device_that_fails_in_mid_copy_stays_aligned),
		EACH(test_a_device_that_only_stops_is_dead_after_a_while),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
