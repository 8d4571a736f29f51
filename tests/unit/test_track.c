/*
 * track: a FLAC file while it grows. What was interrupted anywhere and gone on
 * with must be, byte for byte, the file that was not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_storage.h"
#include "take/flac_check.h"
#include "take/track.h"

#define BLOCK  ENCODER_BLOCK
#define FRAMES (40 * BLOCK)
#define RATE   8000u
#define NAME   "01-Kick.flac"

static int32_t sound[2][FRAMES + BLOCK];
static const struct flac_tag tags[] = {{"TITLE", "Kick"}};
static struct track_setup setup;

/* --- the linker puts it in libFLAC's place --- */

static bool cannot_finish;

int __real_FLAC__stream_encoder_finish(void *encoder);
int __wrap_FLAC__stream_encoder_finish(void *encoder);

int __wrap_FLAC__stream_encoder_finish(void *encoder)
{
	int done = __real_FLAC__stream_encoder_finish(encoder);

	return done && !cannot_finish;
}

static int set_up(void **unused)
{
	uint32_t seed = 3;

	(void)unused;
	fake_storage_open();
	for (unsigned i = 0; i < FRAMES + BLOCK; i++)
		for (unsigned c = 0; c < 2; c++)
			sound[c][i] = (int32_t)(i * (c + 7) % 3000) - 1500 +
				      (int32_t)fake_chance(&seed, 1 + i / 64);
	setup = (struct track_setup){.storage = &fake_storage,
				     .dir = fake.dir,
				     .file = NAME,
				     .rate = RATE,
				     .bits = 24,
				     .channels = 2,
				     .level = 3,
				     .tags = tags,
				     .tag_count = 1};
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	fake_storage_close();
	return 0;
}

/* --- helpers --- */

/* As a round does: feed, hash up to the last whole frame, then the rest. */
static void feed(struct track *track, uint64_t from, uint64_t to)
{
	struct md5_state *state = &track->md5;
	uint64_t whole = (to - 1) / BLOCK * BLOCK;

	while (from < to) {
		uint64_t end = from < whole ? whole : to;
		struct md5_source source = {{sound[0] + from, sound[1] + from}};
		const int32_t *planes[2] = {sound[0] + from, sound[1] + from};

		assert_int_equal(
			track_feed(track, planes, (unsigned)(end - from)), 0);
		md5_update(&state, &source, 1, setup.channels, setup.bits / 8,
			   (size_t)(end - from));
		if (end == whole)
			track->snapshot = *state;
		from = end;
	}
}

static void sync_track(struct track *track)
{
	assert_int_equal(track_flush(track), 0);
	assert_int_equal(fake_storage.sync(track->file), 0);
	assert_int_equal(track_checkpoint(track), 0);
}

static void seal(struct track *track)
{
	assert_int_equal(track_drain(track), 0);
	assert_int_equal(track_write_tags(track, tags, 1), 0);
	sync_track(track);
	assert_int_equal(track_seal(track), 0);
	assert_int_equal(fake_storage.sync(track->file), 0);
	track_close(track);
}

/* Without interruption, of frames frames. */
static void make(uint64_t frames)
{
	struct track track;

	assert_int_equal(track_create(&track, &setup), 0);
	feed(&track, 0, frames);
	seal(&track);
}

static size_t read_all(const char *name, uint8_t **data)
{
	int file = openat(fake.dir, name, O_RDONLY);
	size_t size = (size_t)fake_file_size(file);

	*data = malloc(size + 1);
	assert_non_null(*data);
	assert_int_equal(pread(file, *data, size, 0), size);
	close(file);
	return size;
}

static int compare_samples(void *user, const int32_t *const *planes,
			   unsigned count, uint64_t position)
{
	(void)user;
	for (unsigned c = 0; c < setup.channels; c++)
		assert_memory_equal(planes[c], sound[c] + position,
				    count * sizeof(**planes));
	return 0;
}

/* Every seek point leads to the frame that it names, and there are enough. */
static void check_seek_points(const uint8_t *data, size_t size, unsigned least)
{
	const uint8_t *p = data + FLAC_SECTOR_BYTES + 4;
	struct flac_frame_header header;
	uint64_t last = 0;
	unsigned i;

	for (i = 0; i < FLAC_SEEK_POINTS; i++, p += 18) {
		uint64_t value[2] = {0, 0};

		for (unsigned k = 0; k < 16; k++)
			value[k / 8] = value[k / 8] << 8 | p[k];
		if (value[0] == UINT64_MAX)
			break;
		assert_true(i == 0 ? value[0] == 0 : value[0] > last);
		last = value[0];
		value[1] += FLAC_HEAD_BYTES;
		assert_true(value[1] < size);
		assert_int_equal(flac_read_frame_header(data + value[1],
							size - value[1],
							&header),
				 0);
		assert_int_equal(header.number, value[0] / BLOCK);
		assert_int_equal(p[16] << 8 | p[17], header.block);
	}
	assert_true(i >= least);
}

static void check_file(uint64_t frames)
{
	struct flac_check_want want = {.samples = compare_samples};
	struct flac_check result;
	int file = openat(fake.dir, NAME, O_RDONLY);
	uint8_t *data;
	size_t size;

	assert_int_equal(flac_check_fd(file, &want, &result), 0);
	close(file);
	if (result.verdict != FLAC_WHOLE)
		print_error("%s\n", result.error);
	assert_int_equal(result.verdict, FLAC_WHOLE);
	assert_int_equal(result.samples, frames);
	assert_true(result.md5_right);
	size = read_all(NAME, &data);
	check_seek_points(data, size, (unsigned)(frames / RATE / 2));
	free(data);
	assert_string_equal(fake.broken, "");
}

/* But for the seek points. */
static void check_equal(const uint8_t *whole, size_t whole_size)
{
	const size_t rest = FLAC_SECTOR_BYTES + 4 + FLAC_SEEK_POINTS * 18;
	uint8_t *data;
	size_t size = read_all(NAME, &data);

	assert_int_equal(size, whole_size);
	assert_memory_equal(data, whole, FLAC_SECTOR_BYTES);
	assert_memory_equal(data + rest, whole + rest, size - rest);
	free(data);
}

static struct track_state inspect(void)
{
	struct track_state state;

	assert_int_equal(track_inspect(&state, &fake_storage, fake.dir, NAME),
			 0);
	return state;
}

/* --- without interruption --- */

static void test_files_of_any_length(void **unused)
{
	static const uint64_t frames[] = {1, BLOCK - 1, BLOCK, BLOCK + 1,
					  FRAMES};

	(void)unused;
	for (unsigned i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		make(frames[i]);
		check_file(frames[i]);
		fake_storage_empty();
	}
}

static void test_mono_and_sixteen_bits(void **unused)
{
	(void)unused;
	setup.channels = 1;
	setup.bits = 16;
	make(FRAMES - 5);
	check_file(FRAMES - 5);
}

static void test_an_existing_file_is_not_overwritten(void **unused)
{
	struct track track;

	(void)unused;
	make(BLOCK);
	assert_int_equal(track_create(&track, &setup), -EEXIST);
	assert_int_equal(track.file, -1);
	check_file(BLOCK);
}

/* --- interrupted --- */

/* Up to frames fed, with a sync after each of syncs; then let go of. */
static void interrupt_at(uint64_t frames, const uint64_t *syncs, unsigned count)
{
	struct track track;
	uint64_t from = 0;

	assert_int_equal(track_create(&track, &setup), 0);
	for (unsigned i = 0; i < count; i++) {
		feed(&track, from, syncs[i]);
		from = syncs[i];
		sync_track(&track);
	}
	feed(&track, from, frames);
	assert_int_equal(track_flush(&track), 0);
	track_close(&track);
}

static void go_on(uint64_t at, uint64_t frames)
{
	struct track track;

	assert_int_equal(track_resume(&track, &setup, at), 0);
	assert_int_equal(track.samples, at);
	sync_track(&track);
	feed(&track, at, frames);
	seal(&track);
}

static void test_gone_on_with_at_every_frame(void **unused)
{
	static const uint64_t syncs[] = {5 * BLOCK, 12 * BLOCK};
	uint64_t frames = FRAMES - 100;
	uint8_t *whole;
	size_t size;

	(void)unused;
	make(frames);
	size = read_all(NAME, &whole);
	fake_storage_empty();
	for (uint64_t at = 0; at <= 20 * BLOCK; at += BLOCK) {
		struct track_state state;

		interrupt_at(21 * BLOCK + 7, syncs, 2);
		state = inspect();
		assert_int_equal(state.count, 2);
		assert_int_equal(state.at[0], 11 * BLOCK);
		assert_int_equal(state.at[1], 4 * BLOCK);
		assert_int_equal(state.whole, 21 * BLOCK);
		if (track_can_go_to(&state, at)) {
			go_on(at, frames);
			check_file(frames);
			check_equal(whole, size);
		} else {
			assert_true(at < 11 * BLOCK && at != 4 * BLOCK);
		}
		fake_storage_empty();
	}
	free(whole);
}

static void test_gone_on_with_before_the_first_sync(void **unused)
{
	uint8_t *whole;
	size_t size;

	(void)unused;
	make(FRAMES);
	size = read_all(NAME, &whole);
	fake_storage_empty();
	interrupt_at(3 * BLOCK, NULL, 0);
	go_on(2 * BLOCK, FRAMES);
	check_file(FRAMES);
	check_equal(whole, size);
	free(whole);
}

/* The encoders were drained for the end, and the end was lost. */
static void test_finished_from_an_odd_end(void **unused)
{
	struct track track;

	(void)unused;
	assert_int_equal(track_create(&track, &setup), 0);
	feed(&track, 0, 9 * BLOCK + 77);
	assert_int_equal(track_drain(&track), 0);
	sync_track(&track);
	track_close(&track);
	assert_int_equal(inspect().at[0], 9 * BLOCK + 77);
	assert_int_equal(track_resume(&track, &setup, 9 * BLOCK + 77), 0);
	assert_int_equal(track_write_tags(&track, tags, 1), 0);
	sync_track(&track);
	assert_int_equal(track_seal(&track), 0);
	track_close(&track);
	check_file(9 * BLOCK + 77);
}

static void test_cut_and_fed_again(void **unused)
{
	struct track track;

	(void)unused;
	assert_int_equal(track_create(&track, &setup), 0);
	feed(&track, 0, 6 * BLOCK);
	sync_track(&track);
	feed(&track, 7 * BLOCK, 9 * BLOCK); /* what is to be taken back */
	assert_int_equal(track_flush(&track), 0);
	feed(&track, 20 * BLOCK, 21 * BLOCK + 11);
	assert_int_equal(track_cut(&track, 5 * BLOCK), 0);
	feed(&track, 5 * BLOCK, FRAMES);
	seal(&track);
	check_file(FRAMES);
}

static void test_drained_on_a_border_and_fed_again(void **unused)
{
	struct track track;

	(void)unused;
	assert_int_equal(track_create(&track, &setup), 0);
	feed(&track, 0, 6 * BLOCK);
	assert_int_equal(track_drain(&track), 0);
	assert_int_equal(track.samples, 6 * BLOCK);
	feed(&track, 6 * BLOCK, FRAMES);
	seal(&track);
	check_file(FRAMES);
}

/* The last frames are lost then; what was claimed before is not. */
static void test_an_encoder_that_cannot_finish(void **unused)
{
	struct track track;

	(void)unused;
	assert_int_equal(track_create(&track, &setup), 0);
	feed(&track, 0, 6 * BLOCK);
	sync_track(&track);
	feed(&track, 6 * BLOCK, 7 * BLOCK + 1);
	cannot_finish = true;
	assert_int_equal(track_drain(&track), -ENOMEM);
	cannot_finish = false;
	assert_int_equal(track_cut(&track, 5 * BLOCK), 0);
	feed(&track, 5 * BLOCK, FRAMES);
	seal(&track);
	check_file(FRAMES);
}

/* --- what is there to go on from? --- */

static void test_no_file(void **unused)
{
	struct track_state state;

	(void)unused;
	assert_int_equal(track_inspect(&state, &fake_storage, fake.dir, NAME),
			 -ENOENT);
}

static void test_half_a_head(void **unused)
{
	struct track_state state;

	(void)unused;
	make(1);
	for (int size = 0; size < FLAC_HEAD_BYTES; size += 511) {
		int file = openat(fake.dir, NAME, O_RDWR);

		assert_int_equal(ftruncate(file, size), 0);
		close(file);
		assert_int_equal(
			track_inspect(&state, &fake_storage, fake.dir, NAME),
			-EINVAL);
		unlinkat(fake.dir, NAME, 0);
		make(1);
	}
}

static void test_a_sealed_file(void **unused)
{
	struct track_state state;
	struct track track;

	(void)unused;
	make(5 * BLOCK + 1);
	state = inspect();
	assert_true(state.sealed);
	assert_true(track_can_go_to(&state, 5 * BLOCK + 1));
	assert_false(track_can_go_to(&state, 4 * BLOCK));
	assert_int_equal(track_resume(&track, &setup, 5 * BLOCK + 1), -EINVAL);
}

static void test_claims_to_bytes_that_are_not_there(void **unused)
{
	static const uint64_t syncs[] = {5 * BLOCK, 12 * BLOCK};
	struct track_state state;
	struct track track;
	int file;

	(void)unused;
	interrupt_at(12 * BLOCK, syncs, 2);
	file = openat(fake.dir, NAME, O_RDWR);
	assert_int_equal(ftruncate(file, (off_t)fake_file_size(file) - 1), 0);
	close(file);
	state = inspect();
	assert_int_equal(state.at[0], 4 * BLOCK);
	assert_int_equal(state.whole, 10 * BLOCK);
	assert_false(track_can_go_to(&state, 11 * BLOCK));
	assert_int_equal(track_resume(&track, &setup, 11 * BLOCK), -EINVAL);
	go_on(10 * BLOCK, FRAMES);
	check_file(FRAMES);
}

static void test_other_sound_than_expected(void **unused)
{
	static const uint64_t syncs[] = {5 * BLOCK};
	struct track track;

	(void)unused;
	interrupt_at(5 * BLOCK, syncs, 1);
	setup.channels = 1;
	assert_int_equal(track_resume(&track, &setup, 4 * BLOCK), -EINVAL);
	setup.channels = 2;
	setup.bits = 16;
	assert_int_equal(track_resume(&track, &setup, 4 * BLOCK), -EINVAL);
	setup.bits = 24;
	setup.rate = 44100;
	assert_int_equal(track_resume(&track, &setup, 4 * BLOCK), -EINVAL);
}

/* --- silence --- */

static void feed_silence(struct track *track, unsigned blocks)
{
	static const int32_t zero[BLOCK];
	const int32_t *planes[2] = {zero, zero};

	for (unsigned i = 0; i < blocks; i++)
		assert_int_equal(track_feed(track, planes, BLOCK), 0);
}

static void hash_silence(struct track *track, unsigned blocks)
{
	struct md5_source source = {{NULL, NULL}};
	struct md5_state *state = &track->md5;

	md5_update(&state, &source, 1, setup.channels, setup.bits / 8,
		   (size_t)blocks * BLOCK);
}

/* Numbers of one, two and three bytes, and an odd end. */
static void make_silence(bool added)
{
	const unsigned parts[] = {1, 127, 2000};
	struct track track;

	assert_int_equal(track_create(&track, &setup), 0);
	for (unsigned i = 0; i < 3; i++) {
		if (added)
			assert_int_equal(track_add_silence(&track, parts[i]),
					 0);
		else
			feed_silence(&track, parts[i]);
		hash_silence(&track, parts[i]);
	}
	feed(&track, 0, 1000);
	seal(&track);
}

static void check_silence(void)
{
	uint8_t *data;
	size_t size;

	make_silence(false);
	size = read_all(NAME, &data);
	fake_storage_empty();
	make_silence(true);
	check_equal(data, size);
	free(data);
	fake_storage_empty();
}

static void test_silence_is_what_the_encoder_would_make(void **unused)
{
	const unsigned formats[][3] = {{1, 16, 44100},
				       {2, 24, 48000},
				       {1, 24, 88200},
				       {2, 16, 192000}};

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		setup.channels = formats[i][0];
		setup.bits = formats[i][1];
		setup.rate = formats[i][2];
		check_silence();
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_files_of_any_length),
		CASE(test_mono_and_sixteen_bits),
		CASE(test_an_existing_file_is_not_overwritten),
		CASE(test_gone_on_with_at_every_frame),
		CASE(test_gone_on_with_before_the_first_sync),
		CASE(test_finished_from_an_odd_end),
		CASE(test_cut_and_fed_again),
		CASE(test_drained_on_a_border_and_fed_again),
		CASE(test_an_encoder_that_cannot_finish),
		CASE(test_no_file),
		CASE(test_half_a_head),
		CASE(test_a_sealed_file),
		CASE(test_claims_to_bytes_that_are_not_there),
		CASE(test_other_sound_than_expected),
		CASE(test_silence_is_what_the_encoder_would_make),
	};

	return cmocka_run_group_tests_name("track", tests, NULL, NULL);
}
