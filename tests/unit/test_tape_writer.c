/*
 * The producer's side of the tape: what is put on it, and put in where a loss
 * is found to have been, and the events that say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/unit/tape_deck.h"

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

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("tape_writer", tests, NULL, NULL);
}
