/*
 * tape_deck: a tape, its producer and a reader, and a model beside it that says
 * what every position must hold: the number of the frame that came from the
 * device, or silence.
 */
#ifndef TESTS_TAPE_DECK_H
#define TESTS_TAPE_DECK_H

/* After cmocka.h and what it needs. */
#include <stdlib.h>
#include <string.h>

#include "engine/tape.h"
#include "engine/tape_writer.h"

#define RING	 1024u
#define BLOCK	 TAPE_PEAK_FRAMES
#define CHANNELS 3u
#define MODEL	 16384u
#define SILENCE	 (-1)

struct deck {
	struct tape_writer writer;
	struct tape tape;
	int64_t model[MODEL]; /* by position */
	int64_t next;	      /* frame of the device */
};

static inline int32_t sound(unsigned channel, int64_t frame)
{
	uint64_t x = (uint64_t)(frame + 1) * 0x9e3779b97f4a7c15u + channel;

	if (frame == SILENCE)
		return 0;
	x ^= x >> 29;
	return (int32_t)(x * 0xbf58476d1ce4e5b9u >> 40) - (1 << 23);
}

static inline struct tape_facts facts_of(unsigned channels, uint64_t frames)
{
	return (struct tape_facts){
		.channels = channels,
		.rate = 48000,
		.bits = 24,
		.period = 128,
		.buffer = 512,
		.clip_run = 3,
		.frames = frames,
		.format = "S32_LE",
		.device = "hw:CARD=Test",
		.name = "Test interface",
		.identity = "Test serial:1",
	};
}

static inline void open_deck(struct deck *deck, unsigned channels,
			     uint64_t frames)
{
	struct tape_facts facts = facts_of(channels, frames);

	memset(deck, 0, sizeof(*deck));
	assert_int_equal(tape_writer_create(&deck->writer, &facts), 0);
	assert_int_equal(
		tape_attach(&deck->tape, tape_writer_share(&deck->writer)), 0);
}

static inline int set_up(void **state)
{
	struct deck *deck = calloc(1, sizeof(*deck));

	*state = deck;
	if (!deck)
		return -1;
	open_deck(deck, CHANNELS, RING);
	return 0;
}

static inline int tear_down(void **state)
{
	struct deck *deck = *state;

	tape_detach(&deck->tape);
	tape_writer_destroy(&deck->writer);
	free(deck);
	return 0;
}

/* ---- the producer's side, on tape and model ---- */

static inline uint32_t size_of(int32_t sample)
{
	return sample < 0 ? -(uint32_t)sample : (uint32_t)sample;
}

static inline void capture(struct deck *deck, uint64_t frames)
{
	struct tape_writer *writer = &deck->writer;

	while (frames > 0) {
		size_t part = (size_t)frames;
		uint64_t at = writer->captured;
		struct tape_slot slot = tape_writer_begin(writer, &part);

		assert_true(part > 0);
		for (size_t i = 0; i < part; i++, deck->next++) {
			deck->model[at + i] = deck->next;
			for (unsigned c = 0; c < writer->channels; c++) {
				int32_t sample = sound(c, deck->next);

				writer->plane[c][slot.index + i] = sample;
				if (size_of(sample) > slot.peaks[c].level)
					slot.peaks[c].level = size_of(sample);
			}
		}
		tape_writer_end(writer, part);
		frames -= part;
	}
}

static inline void play(struct deck *deck, uint64_t frames)
{
	capture(deck, frames);
	tape_writer_publish(&deck->writer, deck->writer.captured);
}

static inline void insert(struct deck *deck, uint64_t at, uint64_t frames)
{
	uint64_t end = deck->writer.captured;

	assert_int_equal(tape_writer_insert(&deck->writer, at, 0, frames), at);
	memmove(deck->model + at + frames, deck->model + at,
		(end - at) * sizeof(*deck->model));
	for (uint64_t i = at; i < at + frames; i++)
		deck->model[i] = SILENCE;
}

static inline void event_at(struct deck *deck, uint32_t kind, uint64_t position,
			    uint64_t frames)
{
	struct tape_event event = {
		.position = position, .frames = frames, .kind = kind};

	tape_writer_event(&deck->writer, &event);
}

/* ---- the reader's side ---- */

static inline int32_t sample_at(const struct deck *deck, unsigned channel,
				uint64_t position)
{
	size_t frames = 1;

	return *tape_samples(&deck->tape, channel, position, &frames);
}

static inline uint64_t first_whole(const struct deck *deck)
{
	uint64_t captured = deck->writer.captured, ring = deck->writer.frames;

	return captured > ring ? captured - ring : 0;
}

static inline void check_samples(const struct deck *deck)
{
	uint64_t end = deck->writer.captured;

	for (uint64_t p = first_whole(deck); p < end; p++)
		for (unsigned c = 0; c < deck->writer.channels; c++)
			if (sample_at(deck, c, p) != sound(c, deck->model[p]))
				fail_msg("position %llu of %llu, channel %u",
					 (unsigned long long)p,
					 (unsigned long long)end, c);
}

static inline void check_peaks(const struct deck *deck)
{
	uint64_t end = deck->writer.captured;
	uint64_t from = (first_whole(deck) + BLOCK - 1) / BLOCK * BLOCK;

	for (uint64_t block = from; block < end; block += BLOCK)
		for (unsigned c = 0; c < deck->writer.channels; c++) {
			uint32_t level = 0;

			for (uint64_t p = block; p < block + BLOCK && p < end;
			     p++) {
				int32_t sample = sound(c, deck->model[p]);

				if (size_of(sample) > level)
					level = size_of(sample);
			}
			assert_int_equal(
				tape_peak(&deck->tape, c, block, block + 1)
					.level,
				level);
		}
}

static inline struct tape_event read_event(const struct deck *deck,
					   uint64_t index)
{
	struct tape_event event;

	assert_int_equal(tape_event(&deck->tape, index, &event), 0);
	return event;
}

static inline void assert_event(const struct deck *deck, uint64_t index,
				uint32_t kind, uint64_t position,
				uint64_t frames)
{
	struct tape_event event = read_event(deck, index);

	assert_int_equal(event.kind, kind);
	assert_int_equal(event.position, position);
	assert_int_equal(event.frames, frames);
}

#endif
