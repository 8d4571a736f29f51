/*
 * fake_tape: a real tape in a memfd whose samples can be told from their
 * position, for the tests of what reads it. The test is the producer.
 *
 * Channel c holds at position p a saw that c sets the slope of, with noise on
 * top, so that a sample says where it is from, and FLAC makes frames of
 * different sizes of it; or zero where the tape had a gap.
 */
#ifndef TESTS_FAKE_TAPE_H
#define TESTS_FAKE_TAPE_H

/* After cmocka.h and what it needs. */
#include <stdio.h>
#include <string.h>

#include "engine/tape.h"
#include "engine/tape_writer.h"

#define FAKE_GAPS_MAX 32

struct fake_tape {
	struct tape_writer writer;
	struct tape reader;
	unsigned bits;
	struct {
		uint64_t from, to;
	} gap[FAKE_GAPS_MAX];
	unsigned gaps;
};

/* frames: of the ring, rounded up to whole peak blocks. */
static inline void fake_tape_open(struct fake_tape *tape, unsigned channels,
				  unsigned bits, unsigned rate, uint64_t frames)
{
	struct tape_facts facts = {
		.channels = channels,
		.rate = rate,
		.bits = bits,
		.period = 128,
		.buffer = 1024,
		.clip_run = 2,
		.frames = frames,
		.format = "S32_LE",
		.device = "hw:FAKE",
		.name = "Fake interface",
		.identity = "fake-1",
	};

	*tape = (struct fake_tape){.bits = bits};
	assert_int_equal(tape_writer_create(&tape->writer, &facts), 0);
	assert_int_equal(
		tape_attach(&tape->reader, tape_writer_share(&tape->writer)),
		0);
}

static inline void fake_tape_close(struct fake_tape *tape)
{
	tape_detach(&tape->reader);
	tape_writer_destroy(&tape->writer);
}

static inline int32_t fake_signal(unsigned channel, uint64_t position,
				  unsigned bits)
{
	uint64_t noise = (position + 1) * 0x9e3779b97f4a7c15u +
			 channel * 0xbf58476d1ce4e5b9u;
	int32_t saw = (int32_t)(position * (channel + 3) % 16384) - 8192;

	noise = (noise ^ noise >> 31) * 0x94d049bb133111ebu;
	return bits == 16 ? saw + (int32_t)(noise >> 56)
			  : saw * 200 + (int32_t)(noise >> 50);
}

/* What the tape has, or had, there. */
static inline int32_t fake_sample(const struct fake_tape *tape,
				  unsigned channel, uint64_t position)
{
	for (unsigned i = 0; i < tape->gaps; i++)
		if (position >= tape->gap[i].from && position < tape->gap[i].to)
			return 0;
	return fake_signal(channel, position, tape->bits);
}

static inline uint32_t fake_size(int32_t sample)
{
	return sample < 0 ? -(uint32_t)sample : (uint32_t)sample;
}

/* The next samples, captured but not published. */
static inline void fake_tape_fill(struct fake_tape *tape, uint64_t frames)
{
	struct tape_writer *writer = &tape->writer;

	while (frames > 0) {
		uint64_t at = writer->captured;
		size_t part = frames < 4096 ? (size_t)frames : 4096;
		struct tape_slot slot = tape_writer_begin(writer, &part);

		for (unsigned c = 0; c < writer->channels; c++) {
			int32_t *plane = writer->plane[c] + slot.index;

			for (size_t i = 0; i < part; i++) {
				plane[i] = fake_signal(c, at + i, tape->bits);
				if (fake_size(plane[i]) > slot.peaks[c].level)
					slot.peaks[c].level =
						fake_size(plane[i]);
			}
		}
		tape_writer_end(writer, part);
		frames -= part;
	}
}

static inline void fake_tape_play(struct fake_tape *tape, uint64_t frames)
{
	fake_tape_fill(tape, frames);
	tape_writer_publish(&tape->writer, tape->writer.captured);
}

/* The next frames were lost: silence, and an event that says so. */
static inline void fake_tape_lose(struct fake_tape *tape, uint64_t frames,
				  enum tape_event_kind kind)
{
	uint64_t at = tape->writer.captured;
	struct tape_event event = {
		.position = at, .frames = frames, .kind = (uint32_t)kind};

	assert_true(tape->gaps < FAKE_GAPS_MAX);
	tape->gap[tape->gaps].from = at;
	tape->gap[tape->gaps++].to = at + frames;
	tape_writer_silence(&tape->writer, frames);
	tape_writer_event(&tape->writer, &event);
	tape_writer_publish(&tape->writer, tape->writer.captured);
}

/* On to a position, without the sound in between: as if the ring had come
 * round. */
static inline void fake_tape_skip(struct fake_tape *tape, uint64_t position)
{
	tape->writer.captured = position;
	atomic_store(&tape->writer.header->reserved, position);
	tape_writer_publish(&tape->writer, position);
}

static inline uint64_t fake_tape_end(const struct fake_tape *tape)
{
	return tape->writer.published;
}

static inline void fake_tape_name(const struct fake_tape *tape, char name[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", tape->reader.facts->id[i]);
}

#endif
