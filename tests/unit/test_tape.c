/*
 * The tape as its readers have it: that neither a lapped reader nor a dead
 * producer nor a lying one is believed, and many follow one in real time.
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

#include "tests/unit/tape_deck.h"

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

/* ---- the line and the state ---- */

static void test_a_producer_killed_in_a_line_holds_nobody_up(void **state)
{
	struct deck *deck = *state;
	struct posclock_line line = {.rate_hz = 48000, .position = 5};

	tape_writer_line(&deck->writer, &line);
	assert_int_equal(tape_line(&deck->tape).position, 5);
	atomic_fetch_add(&deck->writer.header->line_sequence, 1);
	assert_true(tape_line(&deck->tape).rate_hz == 0);
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
	_Atomic uint64_t followed; /* by the first reader */
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
		if (reader->number == 0)
			atomic_store(&reader->crew->followed, position);
		if (done && position >= tape_published(tape))
			return NULL;
		for (unsigned i = 0; i < reader->lag; i++)
			sched_yield();
	}
}

/* As the capture thread does it: a loss is found a while after it was, and
 * silence put in where it had been. */
static void produce(struct crew *crew)
{
	struct deck *deck = crew->deck;
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
		/* One reader follows for most of the way, on any machine. */
		while (deck->next < CREW_FRAMES * 3 / 4 &&
		       atomic_load(&crew->followed) + 16 * BLOCK <
			       writer->published)
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
	produce(&crew);
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
		EACH(test_a_producer_killed_in_a_line_holds_nobody_up),
		EACH(test_state_and_sign_of_life),
		EACH(test_many_readers_follow_one_producer),
	};

	return cmocka_run_group_tests_name("tape", tests, NULL, NULL);
}
