/*
 * tape_pages: a tape that begins before all its pages are there: which are, how
 * far the producer may go, that what is on it stays, and that the rest comes
 * once round the ring from wherever it begins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "engine/tape_pages.h"

#define RATE	 48000u
#define CHANNELS 3u
#define SECONDS	 20u
#define FRAMES	 (SECONDS * RATE)
#define PAGE	 4096u
#define DEADLINE (20 * NS_PER_S)

static int open_tape(void **state, uint64_t ahead)
{
	struct tape_writer *writer = calloc(1, sizeof(*writer));
	struct tape_facts facts = {
		.channels = CHANNELS,
		.rate = RATE,
		.bits = 24,
		.frames = FRAMES,
	};

	*state = writer;
	return writer ? tape_writer_create_ahead(writer, &facts, ahead) : -1;
}

static int set_up(void **state)
{
	return open_tape(state, 4 * RATE);
}

static int tear_down(void **state)
{
	tape_writer_destroy(*state);
	free(*state);
	return 0;
}

/* Is the page there that the byte lies in? */
static bool is_there(const void *byte)
{
	unsigned char there = 0;

	assert_int_equal(mincore((void *)((uintptr_t)byte & -(uintptr_t)PAGE),
				 PAGE, &there),
			 0);
	return there & 1;
}

/* Of all channels, at each position of [from, to); a huge page may bring more
 * than was asked for. */
static bool all_there(const struct tape_writer *writer, uint64_t from,
		      uint64_t to)
{
	for (uint64_t p = from; p < to; p += 512) {
		uint64_t index = p % writer->frames;

		for (unsigned c = 0; c < CHANNELS; c++)
			if (!is_there(writer->plane[c] + index))
				return false;
		if (!is_there(&writer->peaks[index / TAPE_PEAK_FRAMES *
					     CHANNELS]))
			return false;
	}
	return true;
}

static void wait_until_filled(const struct tape_writer *writer)
{
	int64_t end = clock_now_ns() + DEADLINE;

	while (atomic_load(&writer->filled) != TAPE_FILLED) {
		assert_true(clock_now_ns() < end);
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	}
}

static void test_it_begins_with_the_first_seconds(void **state)
{
	const struct tape_writer *writer = *state;

	assert_int_equal(writer->filled, 4 * RATE);
	assert_true(all_there(writer, 0, 4 * RATE));
	assert_true(is_there(writer->header));
	assert_true(is_there(&writer->header->event[TAPE_EVENTS - 1]));
	/* Enough behind for a huge page not to reach. */
	assert_false(all_there(writer, 0, FRAMES));
}

static void test_a_tape_as_short_as_that_is_all_there(void **state)
{
	struct tape_writer *writer;

	tear_down(state);
	assert_int_equal(open_tape(state, FRAMES), 0);
	writer = *state;
	assert_true(writer->filled == TAPE_FILLED);
	assert_true(tape_writer_room(writer) == UINT64_MAX);
}

static void test_the_producer_stays_a_second_short_of_the_pages(void **state)
{
	struct tape_writer *writer = *state;

	assert_int_equal(tape_writer_room(writer), 3 * RATE);
	tape_writer_silence(writer, 3 * RATE - 1);
	assert_int_equal(tape_writer_room(writer), 1);
	tape_writer_silence(writer, 1);
	assert_int_equal(tape_writer_room(writer), 0);
	tape_writer_silence(writer, 2 * RATE); /* a long gap */
	assert_int_equal(tape_writer_room(writer), 0);
}

static void test_the_filler_makes_the_rest(void **state)
{
	struct tape_writer *writer = *state;
	struct tape_filler filler = {0};

	tape_filler_start(&filler, writer, 0);
	wait_until_filled(writer);
	tape_filler_stop(&filler);
	assert_true(all_there(writer, 0, FRAMES));
	assert_true(tape_writer_room(writer) == UINT64_MAX);
	tape_filler_start(&filler, writer, 0);
	assert_false(filler.running);
	tape_filler_stop(&filler);
}

static void test_what_is_on_the_tape_stays(void **state)
{
	struct tape_writer *writer = *state;
	struct tape_filler filler = {0};

	for (unsigned c = 0; c < CHANNELS; c++)
		for (uint64_t i = 0; i < FRAMES; i += 1000)
			writer->plane[c][i] = (int32_t)(i + c);
	tape_filler_start(&filler, writer, 0);
	wait_until_filled(writer);
	tape_filler_stop(&filler);
	for (unsigned c = 0; c < CHANNELS; c++)
		for (uint64_t i = 0; i < FRAMES; i += 1000)
			assert_int_equal(writer->plane[c][i], i + c);
}

static void test_it_goes_once_round_from_where_it_begins(void **state)
{
	struct tape_writer *writer = *state;
	uint64_t begin = FRAMES - RATE + 7;
	struct tape_filler filler = {0};

	writer->captured = begin;
	atomic_store(&writer->filled, begin);
	tape_filler_go_on(&filler, writer);
	assert_true(all_there(writer, begin, begin + 4 * RATE));
	assert_true(tape_writer_room(writer) >= 3 * RATE);
	wait_until_filled(writer);
	tape_filler_stop(&filler);
	assert_true(all_there(writer, 0, FRAMES));
}

static void test_it_stops_when_told_and_goes_on_later(void **state)
{
	struct tape_writer *writer = *state;
	struct tape_filler filler = {0};
	uint64_t filled;

	tape_filler_start(&filler, writer, 0);
	tape_filler_stop(&filler);
	filled = atomic_load(&writer->filled);
	assert_true(filled == TAPE_FILLED || all_there(writer, 0, filled));
	tape_filler_start(&filler, writer, 0);
	wait_until_filled(writer);
	tape_filler_stop(&filler);
	assert_true(all_there(writer, 0, FRAMES));
}

int main(void)
{
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(test_it_begins_with_the_first_seconds),
		EACH(test_a_tape_as_short_as_that_is_all_there),
		EACH(test_the_producer_stays_a_second_short_of_the_pages),
		EACH(test_the_filler_makes_the_rest),
		EACH(test_what_is_on_the_tape_stays),
		EACH(test_it_goes_once_round_from_where_it_begins),
		EACH(test_it_stops_when_told_and_goes_on_later),
	};

	return cmocka_run_group_tests_name("tape_pages", tests, NULL, NULL);
}
