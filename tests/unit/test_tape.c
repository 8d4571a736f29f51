/*
 * The tape: what the producer puts on it, what readers find there, and that
 * neither a lapped reader nor a dead producer nor a lying one is believed.
 *
 * A model beside the tape says what every position must hold: the number of
 * the frame that came from the device, or silence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/tape.h"
#include "engine/tape_writer.h"

#define RING	 1024u
#define BLOCK	 TAPE_PEAK_FRAMES
#define CHANNELS 3u
#define MODEL	 16384u
#define SILENCE	 (-1)
#define DEADLINE (20 * NS_PER_S)

struct deck {
	struct tape_writer writer;
	struct tape tape;
	int64_t model[MODEL]; /* by position */
	int64_t next;	      /* frame of the device */
};

static int32_t sound(unsigned channel, int64_t frame)
{
	uint64_t x = (uint64_t)(frame + 1) * 0x9e3779b97f4a7c15u + channel;

	if (frame == SILENCE)
		return 0;
	x ^= x >> 29;
	return (int32_t)(x * 0xbf58476d1ce4e5b9u >> 40) - (1 << 23);
}

static struct tape_facts facts_of(unsigned channels, uint64_t frames)
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

static void open_deck(struct deck *deck, unsigned channels, uint64_t frames)
{
	struct tape_facts facts = facts_of(channels, frames);

	memset(deck, 0, sizeof(*deck));
	assert_int_equal(tape_writer_create(&deck->writer, &facts), 0);
	assert_int_equal(
		tape_attach(&deck->tape, tape_writer_share(&deck->writer)), 0);
}

static int set_up(void **state)
{
	struct deck *deck = calloc(1, sizeof(*deck));

	*state = deck;
	if (!deck)
		return -1;
	open_deck(deck, CHANNELS, RING);
	return 0;
}

static int tear_down(void **state)
{
	struct deck *deck = *state;

	tape_detach(&deck->tape);
	tape_writer_destroy(&deck->writer);
	free(deck);
	return 0;
}

/* ---- the producer's side, on tape and model ---- */

static uint32_t size_of(int32_t sample)
{
	return sample < 0 ? -(uint32_t)sample : (uint32_t)sample;
}

static void capture(struct deck *deck, uint64_t frames)
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

static void play(struct deck *deck, uint64_t frames)
{
	capture(deck, frames);
	tape_writer_publish(&deck->writer, deck->writer.captured);
}

static void insert(struct deck *deck, uint64_t at, uint64_t frames)
{
	uint64_t end = deck->writer.captured;

	assert_int_equal(tape_writer_insert(&deck->writer, at, 0, frames), at);
	memmove(deck->model + at + frames, deck->model + at,
		(end - at) * sizeof(*deck->model));
	for (uint64_t i = at; i < at + frames; i++)
		deck->model[i] = SILENCE;
}

static void event_at(struct deck *deck, uint32_t kind, uint64_t position,
		     uint64_t frames)
{
	struct tape_event event = {
		.position = position, .frames = frames, .kind = kind};

	tape_writer_event(&deck->writer, &event);
}

/* ---- the reader's side ---- */

static int32_t sample_at(const struct deck *deck, unsigned channel,
			 uint64_t position)
{
	size_t frames = 1;

	return *tape_samples(&deck->tape, channel, position, &frames);
}

static uint64_t first_whole(const struct deck *deck)
{
	uint64_t captured = deck->writer.captured, ring = deck->writer.frames;

	return captured > ring ? captured - ring : 0;
}

static void check_samples(const struct deck *deck)
{
	uint64_t end = deck->writer.captured;

	for (uint64_t p = first_whole(deck); p < end; p++)
		for (unsigned c = 0; c < deck->writer.channels; c++)
			if (sample_at(deck, c, p) != sound(c, deck->model[p]))
				fail_msg("position %llu of %llu, channel %u",
					 (unsigned long long)p,
					 (unsigned long long)end, c);
}

static void check_peaks(const struct deck *deck)
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

static struct tape_event read_event(const struct deck *deck, uint64_t index)
{
	struct tape_event event;

	assert_int_equal(tape_event(&deck->tape, index, &event), 0);
	return event;
}

static void assert_event(const struct deck *deck, uint64_t index, uint32_t kind,
			 uint64_t position, uint64_t frames)
{
	struct tape_event event = read_event(deck, index);

	assert_int_equal(event.kind, kind);
	assert_int_equal(event.position, position);
	assert_int_equal(event.frames, frames);
}

/* ---- facts ---- */

static void test_a_reader_finds_the_facts(void **state)
{
	struct deck *deck = *state;
	const struct tape_facts *facts = deck->tape.facts;

	assert_int_equal(facts->channels, CHANNELS);
	assert_int_equal(facts->frames, RING);
	assert_int_equal(facts->rate, 48000);
	assert_string_equal(facts->device, "hw:CARD=Test");
	assert_int_equal(tape_published(&deck->tape), 0);
	assert_int_equal(tape_oldest(&deck->tape), 0);
	assert_int_equal(tape_event_count(&deck->tape), 0);
	assert_true(tape_line(&deck->tape).rate_hz == 0);
}

static void test_the_ring_is_whole_peak_blocks_long(void **state)
{
	struct deck deck;

	(void)state;
	open_deck(&deck, 1, RING + 1);
	assert_int_equal(deck.tape.facts->frames, RING + BLOCK);
	tape_detach(&deck.tape);
	tape_writer_destroy(&deck.writer);
}

static void test_a_reader_cannot_write(void **state)
{
	struct deck *deck = *state;
	int fd = tape_writer_share(&deck->writer);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_equal(map, MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_true(write(fd, "x", 1) < 0);
	assert_true(ftruncate(fd, 0) < 0);
	close(fd);
}

static void test_a_tape_cannot_shrink_under_its_readers(void **state)
{
	struct deck *deck = *state;

	assert_int_equal(ftruncate(deck->writer.fd, 4096), -1);
	assert_int_equal(errno, EPERM);
}

static void test_a_tape_beyond_the_memory_is_refused(void **state)
{
	struct tape_facts facts = facts_of(64, 0);
	struct tape_writer writer;
	uint64_t all;

	(void)state;
	assert_true(tape_memory(&all) < all);
	facts.frames = all / 64 / sizeof(int32_t);
	assert_int_equal(tape_writer_create(&writer, &facts), -ENOMEM);
}

static void assert_refused(int fd, int error)
{
	struct tape tape = {0};

	assert_int_equal(tape_attach(&tape, fd), error);
	assert_null(tape.header);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
}

/* Each lie is told by the producer and taken back. */
#define ASSERT_LIE_REFUSED(field, value, error)                                \
	do {                                                                   \
		struct tape_facts *f = &deck->writer.header->facts;            \
		struct tape_facts truth = *f;                                  \
                                                                               \
		f->field = (value);                                            \
		assert_refused(tape_writer_share(&deck->writer), error);       \
		*f = truth;                                                    \
	} while (0)

static void test_facts_that_lie_are_refused(void **state)
{
	struct deck *deck = *state;
	uint64_t bytes = deck->tape.facts->bytes;

	ASSERT_LIE_REFUSED(version, TAPE_VERSION + 1, -EPROTO);
	ASSERT_LIE_REFUSED(magic[0], 'X', -EPROTO);
	ASSERT_LIE_REFUSED(channels, 0, -EINVAL);
	ASSERT_LIE_REFUSED(channels, TAPE_CHANNELS_MAX + 1, -EINVAL);
	ASSERT_LIE_REFUSED(channels, CHANNELS + 1, -EINVAL);
	ASSERT_LIE_REFUSED(rate, 0, -EINVAL);
	ASSERT_LIE_REFUSED(bits, 32, -EINVAL);
	ASSERT_LIE_REFUSED(frames, 0, -EINVAL);
	ASSERT_LIE_REFUSED(frames, RING + 1, -EINVAL);
	ASSERT_LIE_REFUSED(frames, 2 * RING, -EINVAL);
	ASSERT_LIE_REFUSED(frames, 1ull << 62, -EINVAL);
	ASSERT_LIE_REFUSED(frames, UINT64_MAX - BLOCK + 1, -EINVAL);
	ASSERT_LIE_REFUSED(bytes, bytes - 1, -EINVAL);
	ASSERT_LIE_REFUSED(bytes, bytes + 4096, -EINVAL);
	ASSERT_LIE_REFUSED(peaks_offset, 8, -EINVAL);
	ASSERT_LIE_REFUSED(peaks_offset, truth.peaks_offset + 2, -EINVAL);
	ASSERT_LIE_REFUSED(peaks_offset, truth.planes_offset + 8, -EINVAL);
	ASSERT_LIE_REFUSED(peaks_offset, UINT64_MAX - 7, -EINVAL);
	ASSERT_LIE_REFUSED(planes_offset, truth.planes_offset + 2, -EINVAL);
	ASSERT_LIE_REFUSED(planes_offset, bytes, -EINVAL);
	ASSERT_LIE_REFUSED(planes_offset, truth.peaks_offset, -EINVAL);
	ASSERT_LIE_REFUSED(planes_offset, UINT64_MAX - 3, -EINVAL);
	ASSERT_LIE_REFUSED(plane_stride, truth.plane_stride + 2, -EINVAL);
	ASSERT_LIE_REFUSED(plane_stride, RING, -EINVAL);
	ASSERT_LIE_REFUSED(plane_stride, bytes, -EINVAL);
	ASSERT_LIE_REFUSED(plane_stride, 1ull << 63, -EINVAL);
}

static void test_texts_without_an_end_get_one(void **state)
{
	struct deck *deck = *state;
	struct tape_facts *facts = &deck->writer.header->facts;
	struct tape tape;

	memset(facts->name, 'n', sizeof(facts->name));
	memset(facts->format, 'f', sizeof(facts->format));
	assert_int_equal(tape_attach(&tape, tape_writer_share(&deck->writer)),
			 0);
	assert_int_equal(strlen(tape.facts->name), TAPE_TEXT_MAX - 1);
	assert_int_equal(strlen(tape.facts->format), 15);
	tape_detach(&tape);
}

static void test_what_is_no_tape_is_refused(void **state)
{
	struct deck *deck = *state;
	size_t size = deck->tape.facts->bytes;
	int pipes[2], fd;

	assert_int_equal(pipe(pipes), 0);
	assert_refused(pipes[0], -EPROTO);
	close(pipes[1]);
	fd = memfd_create("small", MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_refused(fd, -EPROTO);
	/* All right, but it could be cut off while it is read. */
	fd = memfd_create("unsealed", MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(
		pwrite(fd, deck->tape.facts, sizeof(*deck->tape.facts), 0),
		sizeof(*deck->tape.facts));
	assert_refused(dup(fd), -EPROTO);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	{
		struct tape tape;

		assert_int_equal(tape_attach(&tape, fd), 0);
		tape_detach(&tape);
		tape_detach(&tape);
	}
}

/* ---- samples ---- */

static void test_what_is_captured_is_found(void **state)
{
	struct deck *deck = *state;

	for (uint64_t frames = 1; deck->writer.captured < 5 * RING;
	     frames = frames * 7 % 401 + 1) {
		play(deck, frames);
		assert_int_equal(tape_published(&deck->tape),
				 deck->writer.captured);
		check_samples(deck);
		check_peaks(deck);
	}
}

static void test_samples_lie_contiguously_up_to_the_rings_end(void **state)
{
	struct deck *deck = *state;
	size_t frames = 100;
	const int32_t *samples;

	play(deck, RING + 50);
	samples = tape_samples(&deck->tape, 2, RING - 30, &frames);
	assert_int_equal(frames, 30);
	assert_int_equal(samples[29], sound(2, RING - 1));
	frames = 100;
	samples = tape_samples(&deck->tape, 2, RING, &frames);
	assert_int_equal(frames, 100);
	assert_int_equal(samples[49], sound(2, RING + 49));
}

static void test_a_slot_ends_with_its_peak_block(void **state)
{
	struct deck *deck = *state;
	size_t frames = 10 * BLOCK;
	struct tape_slot slot;

	capture(deck, BLOCK + 10);
	slot = tape_writer_begin(&deck->writer, &frames);
	assert_int_equal(frames, BLOCK - 10);
	assert_int_equal(slot.index, BLOCK + 10);
	assert_ptr_equal(slot.peaks, deck->writer.peaks + CHANNELS);
}

static void test_nothing_is_seen_before_it_is_published(void **state)
{
	struct deck *deck = *state;

	play(deck, 100);
	capture(deck, 50);
	assert_int_equal(tape_published(&deck->tape), 100);
	tape_writer_publish(&deck->writer, 120);
	assert_int_equal(tape_published(&deck->tape), 120);
}

static void test_readers_are_warned_before_they_are_overwritten(void **state)
{
	struct deck *deck = *state;
	size_t frames = 40;

	play(deck, RING + 10);
	assert_int_equal(tape_oldest(&deck->tape), 10);
	tape_writer_begin(&deck->writer, &frames);
	assert_int_equal(frames, 40);
	assert_int_equal(tape_oldest(&deck->tape), 50);
	assert_false(tape_valid(&deck->tape, 49));
	assert_true(tape_valid(&deck->tape, 50));
}

static void test_what_was_overwritten_never_is_whole_again(void **state)
{
	struct deck *deck = *state;
	size_t frames = 100;

	play(deck, RING);
	capture(deck, 300);
	tape_writer_blank(&deck->writer, RING + 10, 200);
	assert_false(tape_valid(&deck->tape, 299));
	tape_writer_insert(&deck->writer, RING + 20, 0, 30);
	assert_false(tape_valid(&deck->tape, 329));
	assert_true(tape_valid(&deck->tape, 330));
	/* Also where less came of a slot than was announced. */
	deck->writer.captured = RING + 2 * BLOCK;
	tape_writer_begin(&deck->writer, &frames);
	assert_false(tape_valid(&deck->tape, 2 * BLOCK + 99));
	tape_writer_end(&deck->writer, 10);
	frames = 1;
	tape_writer_begin(&deck->writer, &frames);
	assert_false(tape_valid(&deck->tape, 2 * BLOCK + 99));
}

static void test_silence_at_the_end(void **state)
{
	struct deck *deck = *state;

	play(deck, 3 * RING - 100);
	for (unsigned i = 0; i < 700; i++)
		deck->model[deck->writer.captured + i] = SILENCE;
	tape_writer_silence(&deck->writer, 700);
	assert_int_equal(deck->writer.captured, 3 * RING + 600);
	play(deck, 77);
	check_samples(deck);
	check_peaks(deck);
}

static void test_blanking_silences_just_these_frames(void **state)
{
	struct deck *deck = *state;

	for (unsigned at = 0; at < 2 * BLOCK; at += 19)
		for (unsigned frames = 1; frames < BLOCK; frames += 83) {
			uint64_t start = deck->writer.captured + at;

			if (deck->writer.captured > MODEL - 3 * BLOCK) {
				tear_down(state);
				set_up(state);
				deck = *state;
				start = at;
			}
			capture(deck, 3 * BLOCK);
			tape_writer_blank(&deck->writer, start, frames);
			for (unsigned i = 0; i < frames; i++)
				deck->model[start + i] = SILENCE;
			check_samples(deck);
			check_peaks(deck);
			tape_writer_publish(&deck->writer,
					    deck->writer.captured);
		}
}

/* ---- insertion ---- */

static void try_insertion(void **state, uint64_t published, uint64_t own,
			  uint64_t at, uint64_t frames)
{
	struct deck *deck = *state;

	play(deck, published);
	capture(deck, own);
	insert(deck, published + at, frames);
	assert_int_equal(deck->writer.captured, published + own + frames);
	assert_int_equal(tape_published(&deck->tape), published);
	check_samples(deck);
	check_peaks(deck);
	/* And it goes on as if nothing had been. */
	play(deck, BLOCK + 1);
	check_samples(deck);
	check_peaks(deck);
	tear_down(state);
	set_up(state);
}

static void test_insertion_at_every_offset_around_the_rings_end(void **state)
{
	for (uint64_t end = RING - 70; end < RING + 70; end += 3)
		for (uint64_t at = 0; at <= 64; at += at < 8 ? 1 : 7)
			try_insertion(state, 2 * RING + end - 64, 64, at,
				      1 + (end + at) % 90);
}

static void test_insertions_of_every_length(void **state)
{
	for (uint64_t frames = 1; frames < 3 * RING + 10; frames += 37)
		for (uint64_t own = 0; own <= RING / 2; own += RING / 4)
			try_insertion(state, RING + 300, own, own / 3, frames);
	for (uint64_t frames = RING - 3; frames <= RING + 3; frames++)
		for (uint64_t own = RING / 2 - 1; own <= RING / 2; own++)
			try_insertion(state, RING - 7, own, own / 2, frames);
	for (uint64_t frames = RING / 2 - 3; frames <= RING / 2 + 3; frames++)
		try_insertion(state, RING - 7, RING / 2, 0, frames);
}

static void test_insertion_leaves_what_is_published(void **state)
{
	struct deck *deck = *state;

	play(deck, 333);
	capture(deck, 50);
	insert(deck, 333, 40);
	check_samples(deck);
	assert_int_equal(tape_published(&deck->tape), 333);
}

static void test_insertion_keeps_count_of_clips(void **state)
{
	struct deck *deck = *state;
	struct peak peak;

	capture(deck, BLOCK + 10);
	deck->writer.peaks[1].clips = 5;
	deck->writer.peaks[CHANNELS + 1].clips = 2;
	insert(deck, 100, 2 * BLOCK);
	peak = tape_peak(&deck->tape, 1, 0, 4 * BLOCK);
	assert_int_equal(peak.clips, 7);
	check_peaks(deck);
}

/* ---- peaks ---- */

static void test_peaks_of_a_range_are_the_largest_and_the_sum(void **state)
{
	struct deck *deck = *state;
	struct peak peak;

	capture(deck, RING);
	for (unsigned block = 0; block < RING / BLOCK; block++)
		deck->writer.peaks[block * CHANNELS] = (struct peak){
			.level = 1000 + block,
			.clips = 1u << block,
		};
	peak = tape_peak(&deck->tape, 0, BLOCK + 1, 3 * BLOCK);
	assert_int_equal(peak.level, 1002);
	assert_int_equal(peak.clips, 6);
	peak = tape_peak(&deck->tape, 0, 3 * BLOCK - 1, 3 * BLOCK + 1);
	assert_int_equal(peak.clips, 12);
	peak = tape_peak(&deck->tape, 0, 77, 77);
	assert_int_equal(peak.clips, 1);
	peak = tape_peak(&deck->tape, 0, 2 * BLOCK, 2 * BLOCK);
	assert_int_equal(peak.clips, 0);
}

static void test_a_new_lap_begins_with_no_peaks(void **state)
{
	struct deck *deck = *state;
	size_t frames = 1;

	capture(deck, RING);
	deck->writer.peaks[2].clips = 9;
	tape_writer_begin(&deck->writer, &frames);
	assert_int_equal(deck->writer.peaks[2].clips, 0);
	assert_int_equal(deck->writer.peaks[2].level, 0);
}

/* ---- events ---- */

static void test_an_event_is_seen_with_what_it_concerns(void **state)
{
	struct deck *deck = *state;
	struct tape_event event;

	play(deck, 100);
	event_at(deck, TAPE_GAP_LATE, 100, 20);
	tape_writer_silence(&deck->writer, 20);
	assert_int_equal(tape_event(&deck->tape, 0, &event), -ENOENT);
	tape_writer_publish(&deck->writer, 100);
	assert_int_equal(tape_event(&deck->tape, 0, &event), -ENOENT);
	tape_writer_publish(&deck->writer, 101);
	assert_event(deck, 0, TAPE_GAP_LATE, 100, 20);
	assert_int_equal(tape_event_count(&deck->tape), 1);
	assert_int_equal(deck->tape.header->gap_frames, 20);
	assert_int_equal(deck->tape.header->gap_count, 1);
}

static void test_events_come_in_the_order_of_their_positions(void **state)
{
	struct deck *deck = *state;

	capture(deck, 400);
	event_at(deck, TAPE_GAP_LATE, 300, 10);
	event_at(deck, TAPE_GAP_SILENT, 200, 10);
	event_at(deck, TAPE_SURPLUS, 250, 10);
	tape_writer_publish(&deck->writer, 400);
	assert_event(deck, 0, TAPE_GAP_SILENT, 200, 10);
	assert_event(deck, 1, TAPE_SURPLUS, 250, 10);
	assert_event(deck, 2, TAPE_GAP_LATE, 300, 10);
	assert_int_equal(deck->tape.header->gap_count, 2);
}

static void test_insertion_moves_the_events_behind_it(void **state)
{
	struct deck *deck = *state;

	play(deck, 100);
	event_at(deck, TAPE_GAP_LATE, 120, 10);
	event_at(deck, TAPE_GAP_LATE, 160, 10);
	capture(deck, 100);
	insert(deck, 150, 33);
	tape_writer_publish(&deck->writer, deck->writer.captured);
	assert_event(deck, 0, TAPE_GAP_LATE, 120, 10);
	assert_event(deck, 1, TAPE_GAP_LATE, 193, 10);
}

static void test_insertion_into_a_gap_goes_behind_it(void **state)
{
	struct deck *deck = *state;
	uint64_t at;

	play(deck, 100);
	event_at(deck, TAPE_GAP_LATE, 100, 20);
	tape_writer_silence(&deck->writer, 20);
	event_at(deck, TAPE_GAP_STOPPED, 120, 5);
	tape_writer_silence(&deck->writer, 5);
	capture(deck, 30);
	at = tape_writer_insert(&deck->writer, 110, 0, 7);
	assert_int_equal(at, 120);
	event_at(deck, TAPE_GAP_SILENT, at, 7);
	tape_writer_publish(&deck->writer, deck->writer.captured);
	assert_event(deck, 0, TAPE_GAP_LATE, 100, 20);
	assert_event(deck, 1, TAPE_GAP_SILENT, 120, 7);
	assert_event(deck, 2, TAPE_GAP_STOPPED, 127, 5);
	/* Every frame of silence is in the ledger, and no other. */
	for (uint64_t p = 0; p < 162; p++)
		assert_int_equal(sample_at(deck, 0, p) == 0,
				 p >= 100 && p < 132);
}

static void test_insertion_goes_to_a_gap_within_reach(void **state)
{
	struct deck *deck = *state;

	play(deck, 100);
	event_at(deck, TAPE_GAP_LATE, 150, 10);
	event_at(deck, TAPE_SURPLUS, 190, 10);
	capture(deck, 100);
	assert_int_equal(tape_writer_insert(&deck->writer, 139, 10, 5), 139);
	assert_int_equal(tape_writer_insert(&deck->writer, 145, 10, 5), 165);
	assert_int_equal(tape_writer_insert(&deck->writer, 175, 10, 5), 175);
	assert_int_equal(tape_writer_insert(&deck->writer, 174, 10, 5), 165);
	assert_int_equal(tape_writer_insert(&deck->writer, 7, 0, 5), 100);
	assert_int_equal(tape_writer_insert(&deck->writer, 999, 0, 5), 225);
}

static void test_insertion_goes_behind_a_gap_that_is_half_published(
	void **state)
{
	struct deck *deck = *state;

	play(deck, 100);
	event_at(deck, TAPE_GAP_LATE, 100, 50);
	tape_writer_silence(&deck->writer, 50);
	capture(deck, 50);
	tape_writer_publish(&deck->writer, 120);
	assert_int_equal(tape_writer_insert(&deck->writer, 10, 0, 5), 150);
	assert_int_equal(tape_writer_insert(&deck->writer, 149, 0, 5), 150);
}

static void test_a_gap_told_in_pieces_is_counted_once(void **state)
{
	struct deck *deck = *state;

	play(deck, 10);
	for (unsigned i = 0; i < 5; i++) {
		event_at(deck, TAPE_GAP_ABSENT, deck->writer.captured, 100);
		tape_writer_silence(&deck->writer, 100);
		tape_writer_publish(&deck->writer, deck->writer.captured);
	}
	play(deck, 10);
	event_at(deck, TAPE_GAP_ABSENT, deck->writer.captured, 100);
	tape_writer_silence(&deck->writer, 100);
	tape_writer_publish(&deck->writer, deck->writer.captured);
	assert_int_equal(tape_event_count(&deck->tape), 6);
	assert_int_equal(deck->tape.header->gap_count, 2);
	assert_int_equal(deck->tape.header->gap_frames, 600);
}

static void test_old_events_are_known_to_be_gone(void **state)
{
	struct deck *deck = *state;
	struct tape_event event;

	play(deck, 1);
	for (unsigned i = 0; i < TAPE_EVENTS + 3; i++) {
		event_at(deck, TAPE_GAP_LATE, i, 1);
		tape_writer_silence(&deck->writer, 1);
		tape_writer_publish(&deck->writer, deck->writer.captured);
	}
	assert_int_equal(tape_event(&deck->tape, 2, &event), -EOVERFLOW);
	/* Its slot is the next to be written: it may be so now. */
	assert_int_equal(tape_event(&deck->tape, 3, &event), -EOVERFLOW);
	assert_event(deck, 4, TAPE_GAP_LATE, 4, 1);
	assert_event(deck, TAPE_EVENTS + 2, TAPE_GAP_LATE, TAPE_EVENTS + 2, 1);
	assert_int_equal(tape_event(&deck->tape, TAPE_EVENTS + 3, &event),
			 -ENOENT);
}

static void test_more_events_than_can_wait_are_all_told(void **state)
{
	struct deck *deck = *state;

	capture(deck, 500);
	for (unsigned i = 0; i < TAPE_PENDING + 10; i++)
		event_at(deck, TAPE_GAP_LATE, 2 * i, 1);
	tape_writer_publish(&deck->writer, 500);
	for (unsigned i = 0; i < TAPE_PENDING + 10; i++)
		assert_event(deck, i, TAPE_GAP_LATE, 2 * i, 1);
}

static void test_events_have_names(void **state)
{
	(void)state;
	assert_string_equal(tape_event_name(TAPE_GAP_LATE), "late");
	assert_string_equal(tape_event_name(TAPE_GAP_STOPPED), "stopped");
	assert_string_equal(tape_event_name(TAPE_GAP_SILENT), "silent");
	assert_string_equal(tape_event_name(TAPE_GAP_ABSENT), "absent");
	assert_string_equal(tape_event_name(TAPE_SURPLUS), "surplus");
	assert_string_equal(tape_event_name(99), "unknown");
}

/* ---- the line and the state ---- */

static void test_a_producer_killed_in_a_line_holds_nobody_up(void **state)
{
	struct deck *deck = *state;
	struct posclock_line line = {.rate_hz = 48000, .position = 5};
	int64_t before;

	tape_writer_line(&deck->writer, &line);
	assert_int_equal(tape_line(&deck->tape).position, 5);
	atomic_fetch_add(&deck->writer.header->line_sequence, 1);
	before = clock_now_ns();
	assert_true(tape_line(&deck->tape).rate_hz == 0);
	assert_true(clock_now_ns() - before < NS_PER_S);
}

static void test_state_and_sign_of_life(void **state)
{
	struct deck *deck = *state;

	tape_writer_state(&deck->writer, TAPE_ABSENT);
	assert_int_equal(tape_state(&deck->tape), TAPE_ABSENT);
	tape_writer_alive(&deck->writer, 1234);
	assert_int_equal(deck->tape.header->alive_ns, 1234);
}

/* ---- threads ---- */

#define CREW_FRAMES 2000000ll

struct crew {
	struct deck *deck;
	_Atomic bool done;
};

struct reader {
	struct crew *crew;
	unsigned number, lag;
	uint64_t whole, lapped, wrong, gaps;
};

/* In the crew's tape, every 5000th frame is a gap of 100, inserted late. */
static int64_t crew_frame(uint64_t position)
{
	uint64_t lap = position / 5000, rest = position % 5000;

	return rest < 100 ? SILENCE : (int64_t)(lap * 4900 + rest - 100);
}

/* The only reading that may race: what it gives counts only if tape_valid says
 * so afterwards. */
__attribute__((no_sanitize("thread"))) static bool run_is_right(
	const int32_t *samples, size_t frames, unsigned channel,
	uint64_t position)
{
	for (size_t i = 0; i < frames; i++)
		if (samples[i] != sound(channel, crew_frame(position + i)))
			return false;
	return true;
}

static void read_events(struct reader *reader, uint64_t published)
{
	const struct tape *tape = &reader->crew->deck->tape;
	struct tape_event event;

	while (tape_event(tape, reader->gaps, &event) == 0) {
		if (event.position != reader->gaps * 5000 ||
		    event.frames != 100 || event.kind != TAPE_GAP_SILENT)
			reader->wrong++;
		reader->gaps++;
	}
	/* Whoever saw the position sees the events below it. */
	if (published > 0 && reader->gaps < (published - 1) / 5000 + 1)
		reader->wrong++;
}

static void read_run(struct reader *reader, uint64_t *position,
		     uint64_t published)
{
	const struct tape *tape = &reader->crew->deck->tape;
	size_t frames = published - *position < 500
				? (size_t)(published - *position)
				: 500;
	unsigned channel = (unsigned)(*position % CHANNELS);
	const int32_t *samples =
		tape_samples(tape, channel, *position, &frames);
	bool right = run_is_right(samples, frames, channel, *position);

	if (!tape_valid(tape, *position)) {
		reader->lapped++;
		*position = tape_oldest(tape);
		return;
	}
	reader->wrong += !right;
	reader->whole += frames;
	*position += frames;
}

static void *reader_main(void *context)
{
	struct reader *reader = context;
	const struct tape *tape = &reader->crew->deck->tape;
	uint64_t position = 0;

	for (;;) {
		bool done = atomic_load(&reader->crew->done);
		uint64_t published = tape_published(tape);
		struct posclock_line line = tape_line(tape);

		if (line.rate_hz != (double)line.position ||
		    line.time_ns != line.position * 3)
			reader->wrong++;
		read_events(reader, published);
		while (position < published)
			read_run(reader, &position, published);
		if (done && position >= tape_published(tape))
			return NULL;
		for (unsigned i = 0; i < reader->lag; i++)
			sched_yield();
	}
}

/* As the capture thread does it: a loss is found a while after it was, and
 * silence put in where it had been. */
static void produce(struct deck *deck)
{
	struct tape_writer *writer = &deck->writer;
	uint64_t gap = 0;

	while (deck->next < CREW_FRAMES) {
		struct posclock_line line = {
			.position = (int64_t)writer->captured,
			.time_ns = (int64_t)writer->captured * 3,
			.rate_hz = (double)writer->captured,
		};
		size_t part = 128;
		struct tape_slot slot = tape_writer_begin(writer, &part);

		for (size_t i = 0; i < part; i++, deck->next++)
			for (unsigned c = 0; c < CHANNELS; c++)
				writer->plane[c][slot.index + i] =
					sound(c, deck->next);
		tape_writer_end(writer, part);
		if (writer->captured > gap + 300) {
			tape_writer_insert(writer, gap, 64, 100);
			event_at(deck, TAPE_GAP_SILENT, gap, 100);
			gap += 5000;
		}
		tape_writer_line(writer, &line);
		tape_writer_publish(writer, writer->captured < gap
						    ? writer->captured
						    : gap);
		if (deck->next % 4096 < 128)
			sched_yield();
	}
}

static void test_many_readers_follow_one_producer(void **state)
{
	enum { READERS = 4 };
	static const unsigned lags[READERS] = {0, 1, 5, 200};
	struct deck *deck = *state;
	struct crew crew = {.deck = deck};
	struct reader reader[READERS];
	pthread_t thread[READERS];
	uint64_t lapped = 0, whole = 0;

	tear_down(state);
	*state = crew.deck = deck = calloc(1, sizeof(*deck));
	assert_non_null(deck);
	open_deck(deck, CHANNELS, 32 * BLOCK);
	for (unsigned i = 0; i < READERS; i++) {
		reader[i] = (struct reader){
			.crew = &crew, .number = i, .lag = lags[i]};
		assert_int_equal(pthread_create(&thread[i], NULL, reader_main,
						&reader[i]),
				 0);
	}
	produce(deck);
	atomic_store(&crew.done, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(reader[i].wrong, 0);
		assert_true(reader[i].whole > 0);
		assert_int_equal(reader[i].gaps, tape_event_count(&deck->tape));
		lapped += reader[i].lapped;
		whole += reader[i].whole;
	}
	/* The ring is short enough for some to be lapped. */
	assert_true(lapped > 0);
	assert_true(whole > 1000000);
}

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(test_a_reader_finds_the_facts),
		cmocka_unit_test(test_the_ring_is_whole_peak_blocks_long),
		EACH(test_a_reader_cannot_write),
		EACH(test_a_tape_cannot_shrink_under_its_readers),
		cmocka_unit_test(test_a_tape_beyond_the_memory_is_refused),
		EACH(test_facts_that_lie_are_refused),
		EACH(test_texts_without_an_end_get_one),
		EACH(test_what_is_no_tape_is_refused),
		EACH(test_what_is_captured_is_found),
		EACH(test_samples_lie_contiguously_up_to_the_rings_end),
		EACH(test_a_slot_ends_with_its_peak_block),
		EACH(test_nothing_is_seen_before_it_is_published),
		EACH(test_readers_are_warned_before_they_are_overwritten),
		EACH(test_what_was_overwritten_never_is_whole_again),
		EACH(test_silence_at_the_end),
		EACH(test_blanking_silences_just_these_frames),
		EACH(test_insertion_at_every_offset_around_the_rings_end),
		EACH(test_insertions_of_every_length),
		EACH(test_insertion_leaves_what_is_published),
		EACH(test_insertion_keeps_count_of_clips),
		EACH(test_peaks_of_a_range_are_the_largest_and_the_sum),
		EACH(test_a_new_lap_begins_with_no_peaks),
		EACH(test_an_event_is_seen_with_what_it_concerns),
		EACH(test_events_come_in_the_order_of_their_positions),
		EACH(test_insertion_moves_the_events_behind_it),
		EACH(test_insertion_into_a_gap_goes_behind_it),
		EACH(test_insertion_goes_to_a_gap_within_reach),
		EACH(test_insertion_goes_behind_a_gap_that_is_half_published),
		EACH(test_a_gap_told_in_pieces_is_counted_once),
		EACH(test_old_events_are_known_to_be_gone),
		EACH(test_more_events_than_can_wait_are_all_told),
		EACH(test_events_have_names),
		EACH(test_a_producer_killed_in_a_line_holds_nobody_up),
		EACH(test_state_and_sign_of_life),
		EACH(test_many_readers_follow_one_producer),
	};

	return cmocka_run_group_tests_name("tape", tests, NULL, NULL);
}
