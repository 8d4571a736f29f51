/*
 * take_silence: the file of a track that is armed late, however long the take
 * is by then, takes no work to speak of, and is right. The linker puts what is
 * counted here in front of what does the work (the makefile's --wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_take.h"
#include "take/take_private.h"

#define BLOCK  ENCODER_BLOCK
#define RATE   48000u
#define MINUTE (60 * RATE / BLOCK) /* in blocks */
#define RING   (1u << 18)

/* A slice of what is foreseen; twice a step from what is known to what is
 * asked for, and what is not safe yet. */
#define MOST_HASHED (2 * MD5_ZEROS_STEP + (1 << 20))
#define MOST_FED    4 /* blocks for each file */

/* ---- what is counted ---- */

static _Atomic uint64_t hashed, fed; /* bytes; samples */
static _Atomic unsigned rounds, files, crowded;
static _Atomic bool held; /* nothing is learnt of silence meanwhile */

int __real_encoder_feed(struct encoder *encoder, const int32_t *const *planes,
			unsigned count);
int __wrap_encoder_feed(struct encoder *encoder, const int32_t *const *planes,
			unsigned count);
void __real_md5_update(struct md5_state *const *states,
		       const struct md5_source *sources, unsigned lanes,
		       unsigned channels, unsigned bytes_per_sample,
		       size_t count);
void __wrap_md5_update(struct md5_state *const *states,
		       const struct md5_source *sources, unsigned lanes,
		       unsigned channels, unsigned bytes_per_sample,
		       size_t count);
void __real_md5_update_bytes(struct md5_state *state, const void *data,
			     size_t size);
void __wrap_md5_update_bytes(struct md5_state *state, const void *data,
			     size_t size);
bool __real_md5_zeros_advance(struct md5_zeros *zeros, uint64_t bytes,
			      uint64_t most);
bool __wrap_md5_zeros_advance(struct md5_zeros *zeros, uint64_t bytes,
			      uint64_t most);
int __real_take_add_file(struct take *take, unsigned index);
int __wrap_take_add_file(struct take *take, unsigned index);
int __real_take_encode_slice(struct take *take);
int __wrap_take_encode_slice(struct take *take);

int __wrap_encoder_feed(struct encoder *encoder, const int32_t *const *planes,
			unsigned count)
{
	fed += count;
	return __real_encoder_feed(encoder, planes, count);
}

void __wrap_md5_update(struct md5_state *const *states,
		       const struct md5_source *sources, unsigned lanes,
		       unsigned channels, unsigned bytes_per_sample,
		       size_t count)
{
	hashed += (uint64_t)lanes * channels * bytes_per_sample * count;
	__real_md5_update(states, sources, lanes, channels, bytes_per_sample,
			  count);
}

void __wrap_md5_update_bytes(struct md5_state *state, const void *data,
			     size_t size)
{
	hashed += size;
	__real_md5_update_bytes(state, data, size);
}

bool __wrap_md5_zeros_advance(struct md5_zeros *zeros, uint64_t bytes,
			      uint64_t most)
{
	return held || __real_md5_zeros_advance(zeros, bytes, most);
}

/* How many without a round in between. */
int __wrap_take_add_file(struct take *take, unsigned index)
{
	if (files++ > 0 && rounds == 0)
		crowded++;
	rounds = 0;
	return __real_take_add_file(take, index);
}

int __wrap_take_encode_slice(struct take *take)
{
	rounds++;
	return __real_take_encode_slice(take);
}

/* ---- a take that has lasted for a while ---- */

static struct take take;

struct format {
	unsigned channels, bits;
};

static void add_part(uint64_t at)
{
	assert_int_equal(
		json_array_append_new(take.info.parts,
				      json_pack("{ss sI}", "type", "part", "at",
						(json_int_t)at)),
		0);
	take.part++;
	take.part_start = at;
}

/* A block is still in the encoders, and the one before it is not safe. */
static void last_for(const struct format *format, unsigned blocks)
{
	take = (struct take){
		.plan = {.storage = &fake_storage, .dir = fake.dir},
		.durable = (uint64_t)blocks * BLOCK,
		.fed = (uint64_t)(blocks + 2) * BLOCK};
	assert_int_equal(take_info_init(&take.info), 0);
	take.info.rate = RATE;
	take.info.bits = format->bits;
	pace_init(&take.pace, 5);
	pthread_mutex_init(&take.mutex, NULL);
	plan_track(&take.info, 0, format->channels, false);
	plan_track(&take.info, 2, format->channels, false);
	take.track[0].file = take.track[1].file = -1;
}

static void be_over(void)
{
	for (unsigned i = 0; i < 2; i++)
		track_close(&take.track[i]);
	md5_zeros_finish(&take.zeros);
	take_info_finish(&take.info);
	pthread_mutex_destroy(&take.mutex);
	fake_storage_empty();
}

/* All that the writer would have in a take of that length; returns rounds. */
static unsigned foresee(void)
{
	unsigned count = 0;
	bool all;

	do {
		hashed = 0;
		all = take_foresee_silence(&take);
		assert_true(hashed <= MOST_HASHED);
		count++;
	} while (!all);
	return count;
}

static int expect_silence(void *user, const int32_t *const *planes,
			  unsigned count, uint64_t position)
{
	const struct format *format = user;

	(void)position;
	for (unsigned c = 0; c < format->channels; c++)
		for (unsigned i = 0; i < count; i++)
			if (planes[c][i] != 0)
				return 1;
	return 0;
}

static void check_silence(unsigned index, unsigned part, uint64_t frames,
			  struct format format)
{
	struct flac_check_want want = {.samples = expect_silence,
				       .user = &format};
	struct flac_check result;
	char name[TAKE_FILE_MAX];
	int file;

	take_info_file(&take.info.track[index], part, name);
	file = openat(fake.dir, name, O_RDONLY);
	assert_true(file >= 0);
	assert_int_equal(flac_check_fd(file, &want, &result), 0);
	close(file);
	assert_int_equal(result.verdict, FLAC_WHOLE);
	assert_true(result.md5_known && result.md5_right);
	assert_int_equal(result.samples, frames);
	assert_string_equal(fake.broken, "");
}

static void arm(unsigned index, unsigned parts)
{
	hashed = fed = 0;
	assert_int_equal(take_add_file(&take, index), 0);
	assert_true(hashed <= parts * MOST_HASHED);
	assert_true(fed <= parts * MOST_FED * BLOCK);
}

/* In step with the others, with a checkpoint where they have theirs. */
static void assert_in_step(unsigned index)
{
	const struct track *track = &take.track[index];
	const struct flac_checkpoint *slot = track->head.checkpoint;
	uint64_t start = take.part_start;

	assert_int_equal(track->samples, take.fed - start - BLOCK);
	assert_true(slot[0].samples == take.durable - start ||
		    slot[1].samples == take.durable - start);
}

static void finish(unsigned index)
{
	assert_int_equal(track_drain(&take.track[index]), 0);
	assert_int_equal(track_flush(&take.track[index]), 0);
	assert_int_equal(take_finish_file(&take, index, take.part), 0);
}

/* ---- the tests ---- */

static void test_arming_late_takes_no_longer_in_a_long_take(void **unused)
{
	const struct format formats[] = {{1, 24}, {2, 24}, {1, 16}};
	const unsigned minutes[] = {1, 20};

	(void)unused;
	for (unsigned i = 0; i < 6; i++) {
		const struct format *format = &formats[i / 2];

		last_for(format, minutes[i % 2] * MINUTE);
		foresee();
		for (unsigned k = 0; k < 2; k++) {
			arm(k, 1);
			assert_in_step(k);
			finish(k);
			check_silence(k, 0, take.fed, *format);
		}
		be_over();
	}
}

static void test_earlier_parts_too(void **unused)
{
	const struct format format = {1, 24};
	const uint64_t border = (uint64_t)12 * MINUTE * BLOCK;

	(void)unused;
	last_for(&format, 15 * MINUTE);
	add_part(border);
	foresee();
	arm(0, 2);
	assert_in_step(0);
	finish(0);
	check_silence(0, 0, border, format);
	check_silence(0, 1, take.fed - border, format);
	be_over();
}

/* Soon after a resume. */
static void test_what_was_not_foreseen_takes_many_rounds(void **unused)
{
	const struct format format = {1, 24};
	unsigned count = 0;

	(void)unused;
	last_for(&format, 20 * MINUTE);
	assert_int_equal(
		ledger_create(&take.ledger, &fake_storage, take.plan.dir), 0);
	assert_int_equal(take_arm(&take, 1, true, 0), 0);
	while (!take.open[0]) {
		uint64_t told = take.status.silence;

		hashed = 0;
		take.asked = false;
		assert_int_equal(take_apply_commands(&take), 0);
		assert_true(hashed <= MOST_HASHED);
		assert_true(take.asked);
		assert_true(take.status.silence > told);
		count++;
	}
	assert_true(count > 10);
	assert_true(take.live[0]);
	ledger_close(&take.ledger);
	finish(0);
	check_silence(0, 0, take.fed, format);
	be_over();
}

static void test_what_was_not_foreseen_is_right_too(void **unused)
{
	const struct format format = {2, 24};

	(void)unused;
	last_for(&format, 2 * MINUTE);
	assert_int_equal(take_add_file(&take, 0), 0);
	assert_true(take.status.silence > 0); /* the watchdog hears of it */
	assert_in_step(0);
	finish(0);
	check_silence(0, 0, take.fed, format);
	be_over();
}

static void test_nothing_is_foreseen_where_nobody_can_be_late(void **unused)
{
	const struct format format = {1, 24};

	(void)unused;
	last_for(&format, MINUTE);
	take.info.track[0].filed = take.info.track[1].filed = true;
	hashed = 0;
	assert_true(take_foresee_silence(&take));
	assert_int_equal(hashed, 0);
	take.info.track[1].filed = false;
	assert_true(foresee() > 1);
	be_over();
}

static void test_the_others_have_a_round_between_two_files(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *writer;

	(void)unused;
	files = crowded = 0;
	fake_tape_open(&tape, 6, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	for (unsigned i = 1; i < 6; i++)
		info.track[i].armed = false;
	writer = begin_take(&info, 60000);
	for (unsigned i = 1; i < 6; i++)
		take_arm(writer, i + 1, true, 5 * BLOCK + 7);
	fake_tape_play(&tape, 60000);
	end_take(writer, &checked);
	fake_tape_close(&tape);
	assert_int_equal(files, 5);
	assert_int_equal(crowded, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
			member(json_array_get(checked.info.arms, i), "at"),
			5 * BLOCK);
	checked_finish(&checked);
}

/* A change of the level does that, and what it has drained is not safe yet. */
static void test_in_step_with_others_that_were_drained(void **unused)
{
	const struct format format = {1, 24};

	(void)unused;
	last_for(&format, MINUTE);
	foresee();
	arm(1, 1);
	assert_int_equal(track_drain(&take.track[1]), 0);
	arm(0, 1);
	assert_int_equal(take.track[0].samples, take.track[1].samples);
	take.syncers = syncers_create(&fake_storage);
	assert_int_equal(take_sync(&take), 0);
	syncers_destroy(take.syncers);
	assert_int_equal(take.durable, take.fed);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(track_cut(&take.track[i], take.durable), 0);
	finish(0);
	check_silence(0, 0, take.fed, format);
	be_over();
}

/* An unarmed pair would need twice that. */
static void test_a_mono_track_does_not_wait_for_a_pair(void **unused)
{
	const struct format format = {1, 24};

	(void)unused;
	last_for(&format, 20 * MINUTE);
	plan_track(&take.info, 4, 2, false);
	take.track[2].file = -1;
	assert_int_equal(
		ledger_create(&take.ledger, &fake_storage, take.plan.dir), 0);
	md5_zeros_advance(&take.zeros, take.fed * 3, UINT64_MAX / 2);
	assert_int_equal(take_arm(&take, 1, true, 0), 0);
	assert_int_equal(take_apply_commands(&take), 0);
	assert_true(take.open[0]);
	ledger_close(&take.ledger);
	be_over();
}

/* ---- while it is not known yet ---- */

#define BEHIND (RING / 4 + 2 * BLOCK)

static uint64_t arm_at(const struct checked *checked, size_t index)
{
	return member(json_array_get(checked->info.arms, index), "at");
}

/* Track 1 alone is armed; 20 blocks are encoded, and 20 are asked for. */
static struct take *begin_held(void)
{
	struct take_info info;
	struct take *writer;

	held = true;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	info.track[1].armed = false;
	writer = begin_take(&info, TAKE_FOREVER);
	take_arm(writer, 2, true, 20 * BLOCK + 5);
	fake_tape_play(&tape, 30 * BLOCK);
	wait_until(writer, has_encoded, 20 * BLOCK);
	return writer;
}

/* More than the tape holds, no faster than it is read. */
static void play_on(struct take *writer)
{
	for (unsigned i = 0; i < 12; i++) {
		fake_tape_play(&tape, 10 * BLOCK);
		wait_until(writer, has_encoded, fake_tape_end(&tape) - BEHIND);
	}
}

static void end_held(struct take *writer, struct checked *checked)
{
	held = false;
	end_take(writer, checked);
	fake_tape_close(&tape);
	assert_int_equal(checked->info.gap_count, 0);
}

static void test_the_others_lose_nothing_meanwhile(void **unused)
{
	struct checked checked;
	struct take *writer = begin_held();
	uint64_t least;

	(void)unused;
	play_on(writer);
	least = fake_tape_end(&tape) - BEHIND;
	take_stop(writer, fake_tape_end(&tape), "stop");
	end_held(writer, &checked);
	assert_int_equal(json_array_size(checked.info.arms), 1);
	assert_true(arm_at(&checked, 0) >= least);
	assert_true(arm_at(&checked, 0) < checked.info.frames);
	assert_int_equal(member(json_array_get(checked.info.arms, 0), "asked"),
			 20 * BLOCK + 5);
	assert_string_equal(take_info_verdict(&checked.info), "gaps");
	checked_finish(&checked);
}

static void test_it_is_where_it_was_asked_for_if_there_is_time(void **unused)
{
	struct checked checked;
	struct take *writer = begin_held();

	(void)unused;
	take_stop(writer, 28 * BLOCK, "stop");
	poll(NULL, 0, 100); /* so that one that did not wait would be seen */
	end_held(writer, &checked);
	assert_int_equal(arm_at(&checked, 0), 20 * BLOCK);
	assert_string_equal(take_info_verdict(&checked.info),
			    "sample-complete");
	assert_int_equal(checked.info.frames, 28 * BLOCK);
	checked_finish(&checked);
}

static void test_disarmed_meanwhile(void **unused)
{
	struct checked checked;
	struct take *writer = begin_held();

	(void)unused;
	take_arm(writer, 2, false, 25 * BLOCK);
	take_arm(writer, 1, false, 40 * BLOCK);
	play_on(writer);
	take_stop(writer, fake_tape_end(&tape), "stop");
	end_held(writer, &checked);
	assert_int_equal(json_array_size(checked.info.arms), 3);
	assert_int_equal(arm_at(&checked, 0), 40 * BLOCK); /* of track 1 */
	assert_int_equal(arm_at(&checked, 1), arm_at(&checked, 2));
	assert_false(take_info_sounds(&checked.info, 1, UINT64_MAX));
	checked_finish(&checked);
}

static const json_t *note_of(const struct checked *checked, const char *type)
{
	const json_t *note;
	size_t i;

	json_array_foreach(checked->info.notes, i, note)
	{
		const char *is =
			json_string_value(json_object_get(note, "type"));

		if (is && strcmp(is, type) == 0)
			return note;
	}
	return NULL;
}

static void test_a_stop_does_not_wait_for_it(void **unused)
{
	struct checked checked;
	struct take *writer = begin_held();
	const json_t *note;

	(void)unused;
	take_stop(writer, 34 * BLOCK + 7, "stop");
	fake_tape_play(&tape, 50 * BLOCK);
	wait_done(writer);
	end_held(writer, &checked);
	assert_int_equal(checked.info.frames, 34 * BLOCK + 7);
	assert_int_equal(json_array_size(checked.info.arms), 0);
	assert_false(checked.info.track[1].filed);
	note = note_of(&checked, "unarmed");
	assert_int_equal(member(note, "track"), 2);
	assert_int_equal(member(note, "at"), 20 * BLOCK + 5);
	assert_string_equal(take_info_verdict(&checked.info), "gaps");
	checked_finish(&checked);
}

/* It sounds all the same: there was no time for its being off. */
static void test_off_and_on_before_the_end(void **unused)
{
	struct checked checked;
	struct take *writer = begin_held();

	(void)unused;
	take_arm(writer, 1, false, 28 * BLOCK + 5);
	take_arm(writer, 1, true, 28 * BLOCK + 9);
	take_stop(writer, 28 * BLOCK + 20, "stop");
	held = false;
	end_held(writer, &checked);
	assert_null(note_of(&checked, "unarmed"));
	assert_int_equal(json_array_size(checked.info.arms), 1);
	assert_string_equal(take_info_verdict(&checked.info),
			    "sample-complete");
	checked_finish(&checked);
}

static int open_storage(void **unused)
{
	(void)unused;
	fake_storage_open();
	return 0;
}

static int close_storage(void **unused)
{
	(void)unused;
	fake_storage_close();
	return 0;
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_storage, close_storage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_arming_late_takes_no_longer_in_a_long_take),
		CASE(test_earlier_parts_too),
		CASE(test_what_was_not_foreseen_takes_many_rounds),
		CASE(test_what_was_not_foreseen_is_right_too),
		CASE(test_nothing_is_foreseen_where_nobody_can_be_late),
		CASE(test_the_others_have_a_round_between_two_files),
		CASE(test_in_step_with_others_that_were_drained),
		CASE(test_a_mono_track_does_not_wait_for_a_pair),
		CASE(test_the_others_lose_nothing_meanwhile),
		CASE(test_it_is_where_it_was_asked_for_if_there_is_time),
		CASE(test_disarmed_meanwhile),
		CASE(test_a_stop_does_not_wait_for_it),
		CASE(test_off_and_on_before_the_end),
	};

	return cmocka_run_group_tests_name("take_silence", tests, NULL, NULL);
}
