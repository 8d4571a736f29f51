/*
 * The real-time loop against a device in simulated time: whatever goes wrong,
 * every frame on the tape that the ledger does not name is the frame that its
 * position says, on all channels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/capture.h"
#include "engine/tape.h"
#include "tests/unit/fake_pcm.h"

#define RATE	48000
#define RING	(40 * RATE)
#define SETTLE	(90 * RATE / 1000)
#define NEAR	(2 * RATE / 1000) /* what a silent loss may be off by */
#define SPARE	(2 * 128)	  /* passed over beyond what is lost */
#define FOREVER UINT64_MAX
#define LOCK_AT (3 * RATE) /* the clock knows the rate by then */

#ifdef __SANITIZE_THREAD__
#define ROUNDS 3
#else
#define ROUNDS 16
#endif

struct session {
	struct pcm pcm;
	struct tape_writer writer;
	struct tape tape;
	struct capture capture;
};

static void open_session(struct session *s, unsigned channels,
			 enum pcm_format format, bool interleaved)
{
	struct tape_facts facts = {
		.channels = channels,
		.rate = RATE,
		.bits = sample_bits((enum sample_format)format),
		.frames = channels > 4 ? 4 * RATE : RING,
		.clip_run = 3,
	};

	memset(s, 0, sizeof(*s));
	fake_open(&s->pcm, channels, format, interleaved);
	assert_int_equal(tape_writer_create(&s->writer, &facts), 0);
	assert_int_equal(tape_attach(&s->tape, tape_writer_share(&s->writer)),
			 0);
	s->capture = (struct capture){
		.pcm = &s->pcm,
		.writer = &s->writer,
		.limit = FOREVER,
		.buffer = s->pcm.buffer,
		.period = (unsigned)s->pcm.period,
		.settle = SETTLE,
		.wake_fd = -1,
		.deinterleave = {.format = (enum sample_format)format,
				 .channels = channels,
				 .clip_run = 3},
	};
	s->pcm.told = &s->capture.stop;
	posclock_init(&s->capture.clock, RATE);
}

static int set_up(void **state)
{
	struct session *s = malloc(sizeof(*s));

	*state = s;
	if (!s)
		return -1;
	open_session(s, 2, PCM_S24_3LE, true);
	return 0;
}

static void close_session(struct session *s)
{
	tape_detach(&s->tape);
	tape_writer_destroy(&s->writer);
	fake_close(&s->pcm);
}

static int tear_down(void **state)
{
	close_session(*state);
	free(*state);
	return 0;
}

static enum capture_end run_to(struct session *s, uint64_t limit)
{
	s->capture.limit = limit;
	return capture_run(&s->capture);
}

/* ---- what is on the tape ---- */

static int32_t sample_at(const struct session *s, unsigned channel,
			 uint64_t position)
{
	size_t frames = 1;

	return *tape_samples(&s->tape, channel, position, &frames);
}

static bool is_frame(const struct session *s, uint64_t position, int64_t frame)
{
	for (unsigned c = 0; c < s->pcm.channels; c++)
		if (sample_at(s, c, position) != fake_sample(&s->pcm, c, frame))
			return false;
	return true;
}

static bool is_silent(const struct session *s, uint64_t position)
{
	for (unsigned c = 0; c < s->pcm.channels; c++)
		if (sample_at(s, c, position) != 0)
			return false;
	return true;
}

static struct tape_event event_of(const struct session *s, uint64_t index)
{
	struct tape_event event = {0};

	assert_int_equal(tape_event(&s->tape, index, &event), 0);
	return event;
}

/* The gap that begins last at or before position, if it goes that far. */
static bool in_gap(const struct session *s, uint64_t position, uint64_t *end)
{
	for (uint64_t i = 0; i < tape_event_count(&s->tape); i++) {
		struct tape_event event = event_of(s, i);

		if (event.kind != TAPE_SURPLUS && position >= event.position &&
		    position < event.position + event.frames) {
			*end = event.position + event.frames;
			return true;
		}
	}
	return false;
}

/* Whether frames may be off here: close to a gap whose place or length is
 * known only by time. */
static bool near_inexact_gap(const struct session *s, uint64_t position)
{
	for (uint64_t i = 0; i < tape_event_count(&s->tape); i++) {
		struct tape_event event = event_of(s, i);
		uint64_t off =
			event.uncertainty > NEAR ? event.uncertainty : NEAR;

		if (event.kind != TAPE_GAP_LATE &&
		    position + off >= event.position &&
		    position <= event.position + event.frames + off)
			return true;
	}
	return false;
}

/* The offset that frames have from here on: small, or twice a loss's length
 * within the time in which nobody knows. */
static int64_t find_offset(const struct session *s, uint64_t position)
{
	for (int64_t size = 0; size < 100000; size++)
		for (int sign = -1; sign <= 1; sign += 2)
			if (is_frame(s, position,
				     (int64_t)position + sign * size))
				return sign * size;
	fail_msg("position %llu holds no frame", (unsigned long long)position);
	return 0;
}

static void check_tape_within(const struct session *s, int64_t tolerance)
{
	uint64_t end = tape_published(&s->tape), position = 0, gap_end;
	int64_t offset = 0;

	assert_int_equal(end, s->writer.captured);
	while (position < end) {
		if (in_gap(s, position, &gap_end)) {
			for (; position < gap_end && position < end; position++)
				if (!is_silent(s, position))
					fail_msg("sound in a gap at %llu",
						 (unsigned long long)position);
			continue;
		}
		if (!is_frame(s, position, (int64_t)position + offset)) {
			offset = find_offset(s, position);
			if (!near_inexact_gap(s, position))
				fail_msg("position %llu: frames are off by "
					 "%lld without a gap",
					 (unsigned long long)position,
					 (long long)offset);
		}
		if (llabs(offset) > tolerance && !near_inexact_gap(s, position))
			fail_msg("position %llu is off by %lld",
				 (unsigned long long)position,
				 (long long)offset);
		position++;
	}
}

static void check_tape(const struct session *s)
{
	check_tape_within(s, 0);
}

static void assert_close(uint64_t value, uint64_t wanted, uint64_t tolerance)
{
	assert_in_range(value, wanted > tolerance ? wanted - tolerance : 0,
			wanted + tolerance);
}

static uint64_t gaps_of(const struct session *s)
{
	return s->tape.header->gap_count;
}

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
	assert_true(event.uncertainty <= NEAR);
	check_tape_within(s, 2);
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
		cmocka_unit_test(test_every_format_and_access_arrives),
		EACH(test_peaks_are_found_on_the_way),
		EACH(test_a_long_run_has_no_gap),
		EACH(test_the_device_is_asked_once_a_round),
		EACH(test_the_limit_is_exact),
		EACH(test_it_stops_when_told_and_keeps_all_it_has),
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
		EACH(test_unplugged),
		EACH(test_the_rest_of_an_unplugged_ring_is_had),
		EACH(test_the_rest_can_be_all_that_was_wanted),
		EACH(test_unplugged_and_back),
		EACH(test_unplugged_again_before_a_frame_came),
		EACH(test_a_silent_loss_is_found_where_it_was),
		EACH(test_many_silent_losses),
		EACH(test_a_silent_loss_before_a_late_read),
		EACH(test_a_silent_loss_while_the_reader_was_late),
		EACH(test_a_device_that_falls_silent),
		EACH(test_silence_is_told),
		EACH(test_a_surplus_is_noted_and_no_gap),
		EACH(test_whatever_happens_the_ledger_is_right),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
