/*
 * capture_session: the real-time loop on a device in simulated time, and what
 * must be on its tape: every frame that the ledger does not name is the one
 * that its position says, on all channels.
 */
#ifndef TESTS_CAPTURE_SESSION_H
#define TESTS_CAPTURE_SESSION_H

/* After cmocka.h and what it needs. */
#include <stdlib.h>
#include <string.h>

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

struct session {
	struct pcm pcm;
	struct tape_writer writer;
	struct tape tape;
	struct capture capture;
};

static inline void open_session(struct session *s, unsigned channels,
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

static inline int set_up(void **state)
{
	struct session *s = malloc(sizeof(*s));

	*state = s;
	if (!s)
		return -1;
	open_session(s, 2, PCM_S24_3LE, true);
	return 0;
}

static inline void close_session(struct session *s)
{
	tape_detach(&s->tape);
	tape_writer_destroy(&s->writer);
	fake_close(&s->pcm);
}

static inline int tear_down(void **state)
{
	close_session(*state);
	free(*state);
	return 0;
}

static inline enum capture_end run_to(struct session *s, uint64_t limit)
{
	s->capture.limit = limit;
	return capture_run(&s->capture);
}

/* ---- what is on the tape ---- */

static inline int32_t sample_at(const struct session *s, unsigned channel,
				uint64_t position)
{
	size_t frames = 1;

	return *tape_samples(&s->tape, channel, position, &frames);
}

static inline bool is_frame(const struct session *s, uint64_t position,
			    int64_t frame)
{
	for (unsigned c = 0; c < s->pcm.channels; c++)
		if (sample_at(s, c, position) != fake_sample(&s->pcm, c, frame))
			return false;
	return true;
}

static inline bool is_silent(const struct session *s, uint64_t position)
{
	for (unsigned c = 0; c < s->pcm.channels; c++)
		if (sample_at(s, c, position) != 0)
			return false;
	return true;
}

static inline struct tape_event event_of(const struct session *s,
					 uint64_t index)
{
	struct tape_event event = {0};

	assert_int_equal(tape_event(&s->tape, index, &event), 0);
	return event;
}

/* The gap that begins last at or before position, if it goes that far. */
static inline bool in_gap(const struct session *s, uint64_t position,
			  uint64_t *end)
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
static inline bool near_inexact_gap(const struct session *s, uint64_t position)
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
static inline int64_t find_offset(const struct session *s, uint64_t position)
{
	for (int64_t size = 0; size < 100000; size++)
		for (int sign = -1; sign <= 1; sign += 2)
			if (is_frame(s, position,
				     (int64_t)position + sign * size))
				return sign * size;
	fail_msg("position %llu holds no frame", (unsigned long long)position);
	return 0;
}

static inline void check_tape_within(const struct session *s, int64_t tolerance)
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

static inline void check_tape(const struct session *s)
{
	check_tape_within(s, 0);
}

static inline void assert_close(uint64_t value, uint64_t wanted,
				uint64_t tolerance)
{
	assert_in_range(value, wanted > tolerance ? wanted - tolerance : 0,
			wanted + tolerance);
}

static inline uint64_t gaps_of(const struct session *s)
{
	return s->tape.header->gap_count;
}

#endif
