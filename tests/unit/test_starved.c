/*
 * Each allocation fails in turn while JSON is made and read: what comes of it
 * is all of it, or the word that there was no memory. A byte that is missing
 * would be an entry that lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <FLAC/stream_decoder.h>

#include "base/json_text.h"
#include "fake_storage.h"
#include "make_flac.h"
#include "take/heal.h"
#include "take/ledger.h"
#include "take/take_info.h"
#include "take/track.h"
#include "transport/intent.h"

#define NEVER (-1)

static long left = NEVER; /* allocations until one fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	if (left == NEVER || left-- != 0)
		return __real_malloc(size);
	left = NEVER;
	errno = ENOMEM;
	return NULL;
}

/* --- a take --- */

static struct take_info info;

static void apply(json_t *entry)
{
	assert_non_null(entry);
	assert_int_equal(take_info_apply(&info, entry), 0);
	json_decref(entry);
}

static void gap(int at, int frames)
{
	apply(json_pack("{ss si si ss}", "type", "gap", "at", at, "frames",
			frames, "cause", "xrun"));
}

/* Two tracks, two parts, a marker, and a gap that was told in two pieces. */
static void fill_in(void)
{
	struct take_info plan = {
		.session = "A session of many letters",
		.name = "Take-001",
		.device = "hw:CARD=UltraLite,DEV=0",
		.rate = 48000,
		.bits = 24,
		.start = 1234567890123,
		.tracks = 2,
		.track = {{.number = 1,
			   .name = "Kick",
			   .stem = "01-Kick",
			   .channel_count = 1,
			   .armed = true},
			  {.number = 2,
			   .name = "Overheads",
			   .stem = "02-Overheads",
			   .channels = {2, 3},
			   .channel_count = 2,
			   .armed = true}},
	};

	apply(take_info_start_entry(&plan));
	gap(100, 20);
	gap(120, 30);
	apply(json_pack("{ss si}", "type", "part", "at", 48000));
	apply(json_pack("{ss si ss}", "type", "marker", "at", 60, "name",
			"the second verse"));
}

static int set_up(void **unused)
{
	(void)unused;
	left = NEVER;
	fake_storage_open();
	assert_int_equal(take_info_init(&info), 0);
	fill_in();
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	left = NEVER;
	take_info_finish(&info);
	fake_storage_close();
	return 0;
}

/* --- making --- */

/* Calls make with each of its allocations failed; how many that were. */
static unsigned starve_making(json_t *(*make)(const struct take_info *))
{
	json_t *whole = make(&info);
	unsigned tried = 0;

	assert_non_null(whole);
	for (;; tried++) {
		json_t *made;
		bool failed;

		left = tried;
		made = make(&info);
		failed = left == NEVER;
		left = NEVER;
		if (made)
			assert_true(json_equal(made, whole));
		else
			assert_true(failed);
		json_decref(made);
		if (!failed)
			break;
	}
	json_decref(whole);
	return tried;
}

static void test_the_first_entry_is_whole_or_none(void **unused)
{
	(void)unused;
	assert_true(starve_making(take_info_start_entry) > 50);
}

static void test_take_json_is_whole_or_none(void **unused)
{
	(void)unused;
	assert_true(starve_making(take_info_json) > 50);
}

static json_t *gaps_text(void)
{
	return json_deep_copy(info.gaps);
}

/* What apply does, done or not done at all. */
static void starve_change(int (*change)(void))
{
	uint64_t frames = info.gap_frames, count = info.gap_count;
	json_t *before = gaps_text();

	for (long n = 0;; n++) {
		int error;

		left = n;
		error = change();
		if (left != NEVER)
			break;
		assert_int_equal(error, -ENOMEM);
		assert_true(json_equal(info.gaps, before));
		assert_int_equal(info.gap_frames, frames);
		assert_int_equal(info.gap_count, count);
	}
	left = NEVER;
	json_decref(before);
}

static json_t *entry;

static int tell_entry(void)
{
	return take_info_apply(&info, entry);
}

static void test_a_gap_is_longer_or_as_it_was(void **unused)
{
	(void)unused;
	entry = json_pack("{ss si si ss}", "type", "gap", "at", 150, "frames",
			  7, "cause", "xrun");
	starve_change(tell_entry);
	json_decref(entry);
	assert_int_equal(info.gap_count, 1);
	assert_int_equal(info.gap_frames, 57);
}

static int cut_in_the_gap(void)
{
	return take_info_cut(&info, 110);
}

static void test_a_gap_is_cut_or_as_it_was(void **unused)
{
	(void)unused;
	starve_change(cut_in_the_gap);
	assert_int_equal(info.gap_count, 1);
	assert_int_equal(info.gap_frames, 10);
}

/* --- reading --- */

static void write_ledger(void)
{
	struct ledger ledger;
	json_t *start = take_info_start_entry(&info);

	assert_int_equal(ledger_create(&ledger, &fake_storage, fake.dir), 0);
	assert_int_equal(ledger_append(&ledger, start), 0);
	for (size_t i = 0; i < json_array_size(info.markers); i++)
		assert_int_equal(
			ledger_append(&ledger, json_array_get(info.markers, i)),
			0);
	ledger_close(&ledger);
	json_decref(start);
}

static int collect(void *context, const json_t *read)
{
	long rest = left;

	left = NEVER; /* the list is the test's own */
	json_array_append_new(context, json_deep_copy(read));
	left = rest;
	return 0;
}

/* Neither cut off at what was not read, nor with a byte missing in it. */
static void test_a_ledger_is_read_or_it_is_said(void **unused)
{
	json_t *whole = json_array();
	uint64_t torn = 0;

	(void)unused;
	write_ledger();
	assert_int_equal(ledger_read(fake.dir, collect, whole, &torn), 0);
	for (long n = 0;; n++) {
		json_t *read = json_array();
		int error;

		left = n;
		error = ledger_read(fake.dir, collect, read, &torn);
		if (left != NEVER)
			n = NEVER;
		left = NEVER;
		if (error == 0) {
			assert_int_equal(torn, 0);
			assert_true(json_equal(read, whole));
		} else {
			assert_int_equal(error, -ENOMEM);
		}
		json_decref(read);
		if (n == NEVER)
			break;
	}
	json_decref(whole);
}

static void write_take_json(void)
{
	json_t *json = take_info_json(&info);
	int fd = openat(fake.dir, "take.json", O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(json_dumpfd(json, fd, 0), 0);
	close(fd);
	json_decref(json);
}

static void test_a_whole_take_is_never_taken_for_an_open_one(void **unused)
{
	(void)unused;
	write_ledger();
	write_take_json();
	for (long n = 0;; n++) {
		enum heal_state state;

		left = n;
		state = heal_look(fake.dir, "Take-001");
		if (left != NEVER)
			break;
		assert_true(state == HEAL_WHOLE || state == HEAL_UNKNOWN);
	}
	left = NEVER;
}

static void test_what_was_being_recorded_is_known_or_it_is_said(void **unused)
{
	static struct intent intent, read;
	char *text;

	(void)unused;
	intent = (struct intent){
		.kind = INTENT_RECORDING,
		.tape = "00112233445566778899aabbccddeeff",
		.start = 1234567890123,
		.place = {.session = "Show", .take = "Take-001"},
		.tracks = {{.name = "A name of some letters", .channels = {1}}},
		.track_count = 1,
	};
	text = intent_text(&intent);
	assert_non_null(text);
	for (long n = 0;; n++) {
		int error;

		left = n;
		error = intent_parse(text, strlen(text), &read);
		if (left != NEVER)
			break;
		if (error == 0)
			assert_memory_equal(&read, &intent, sizeof(read));
		else
			assert_int_equal(error, -ENOMEM);
	}
	left = NEVER;
	free(text);
}

/* --- decoding --- */

static bool no_decoder;

FLAC__StreamDecoderInitStatus __real_FLAC__stream_decoder_init_stream(
	FLAC__StreamDecoder *, FLAC__StreamDecoderReadCallback,
	FLAC__StreamDecoderSeekCallback, FLAC__StreamDecoderTellCallback,
	FLAC__StreamDecoderLengthCallback, FLAC__StreamDecoderEofCallback,
	FLAC__StreamDecoderWriteCallback, FLAC__StreamDecoderMetadataCallback,
	FLAC__StreamDecoderErrorCallback, void *);
FLAC__StreamDecoderInitStatus __wrap_FLAC__stream_decoder_init_stream(
	FLAC__StreamDecoder *, FLAC__StreamDecoderReadCallback,
	FLAC__StreamDecoderSeekCallback, FLAC__StreamDecoderTellCallback,
	FLAC__StreamDecoderLengthCallback, FLAC__StreamDecoderEofCallback,
	FLAC__StreamDecoderWriteCallback, FLAC__StreamDecoderMetadataCallback,
	FLAC__StreamDecoderErrorCallback, void *);

FLAC__StreamDecoderInitStatus __wrap_FLAC__stream_decoder_init_stream(
	FLAC__StreamDecoder *decoder, FLAC__StreamDecoderReadCallback read,
	FLAC__StreamDecoderSeekCallback seek,
	FLAC__StreamDecoderTellCallback tell,
	FLAC__StreamDecoderLengthCallback length,
	FLAC__StreamDecoderEofCallback eof,
	FLAC__StreamDecoderWriteCallback write,
	FLAC__StreamDecoderMetadataCallback metadata,
	FLAC__StreamDecoderErrorCallback error, void *user)
{
	if (no_decoder)
		return FLAC__STREAM_DECODER_INIT_STATUS_MEMORY_ALLOCATION_ERROR;
	return __real_FLAC__stream_decoder_init_stream(decoder, read, seek,
						       tell, length, eof, write,
						       metadata, error, user);
}

/* Not as of a file that ends too early. */
static void test_a_hash_is_known_or_it_is_said(void **unused)
{
	static const struct make format = {1, 24, 48000, 4096, 20000, 1};
	int fd = openat(fake.dir, "01-Kick.flac", O_WRONLY | O_CREAT, 0600);
	uint8_t md5[16];
	struct made made;

	(void)unused;
	make_frames(&made, &format);
	make_head(&made, true, format.samples);
	assert_int_equal(write(fd, made.data, made.size), made.size);
	close(fd);
	no_decoder = true;
	assert_int_equal(
		track_read_md5(&fake_storage, fake.dir, "01-Kick.flac", md5),
		-ENOMEM);
	no_decoder = false;
	assert_int_equal(
		track_read_md5(&fake_storage, fake.dir, "01-Kick.flac", md5),
		0);
	assert_memory_equal(md5, made.info.md5, sizeof(md5));
	unmake(&made);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_first_entry_is_whole_or_none),
		CASE(test_take_json_is_whole_or_none),
		CASE(test_a_gap_is_longer_or_as_it_was),
		CASE(test_a_gap_is_cut_or_as_it_was),
		CASE(test_a_ledger_is_read_or_it_is_said),
		CASE(test_a_whole_take_is_never_taken_for_an_open_one),
		CASE(test_a_hash_is_known_or_it_is_said),
		CASE(test_what_was_being_recorded_is_known_or_it_is_said),
	};

	return cmocka_run_group_tests_name("starved", tests, NULL, NULL);
}
