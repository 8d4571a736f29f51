/*
 * flac_check on files that were cut, followed by an older take's frames,
 * damaged and zeroed at random places: the valid prefix must be exact to the
 * sample and the byte, every time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "checked_flac.h"

#define PLACES 300

/* --- cut files --- */

static void files_cut_anywhere_keep_all_whole_frames(void **unused)
{
	struct flac_check result;
	bool finished;
	unsigned i;
	size_t at;

	(void)unused;
	for (i = 0; i < PLACES; i++) {
		finished = i % 2;
		make_head(&made, finished, finished ? mono.samples : 1152);
		at = any_byte();
		result = check(made.data, at);
		assert_prefix(&result, made_samples_before(&made, at),
			      frame_end_before(at), at);
		assert_int_equal(result.verdict, FLAC_CUT);
		assert_int_equal(result.faults, 0);
		assert_true(result.error[0]);
		if (finished)
			assert_int_equal(result.lost,
					 mono.samples - result.samples);
	}
	make_head(&made, true, mono.samples);
}

static void files_cut_in_their_head_hold_nothing(void **unused)
{
	struct flac_check result;
	size_t at;

	(void)unused;
	for (at = 0; at < FLAC_HEAD_BYTES; at += 1 + at / 3) {
		result = check(made.data, at);
		assert_int_equal(result.samples, 0);
		assert_int_equal(result.verdict, at < 42 ? FLAC_NOT : FLAC_CUT);
		assert_true(result.error[0]);
	}
}

/* What a card does: the blocks behind the cut hold the same part of an older
 * take. */
static void an_older_take_s_bytes_behind_the_cut_do_not_count(void **unused)
{
	struct flac_check result;
	size_t at, size, from;
	uint8_t *data;
	unsigned i;

	(void)unused;
	for (i = 0; i < PLACES; i++) {
		make_head(&made, false, i % 3 ? 0 : 1152);
		data = copy(made.size + stale.size);
		at = any_byte();
		from = i % 2 ? at : any_byte();
		from = from < stale.size ? from : FLAC_HEAD_BYTES;
		size = at + stale.size - from;
		memcpy(data + at, stale.data + from, stale.size - from);
		result = check(data, size);
		assert_prefix(&result, made_samples_before(&made, at),
			      frame_end_before(at), size);
		assert_int_equal(result.verdict, FLAC_CUT);
		free(data);
	}
	make_head(&made, true, mono.samples);
}

/* The worst of them: half a frame, and then a whole older one that has just
 * the number that comes next. */
static void the_next_number_behind_half_a_frame_does_not_count(void **unused)
{
	const struct made_frame *half, *next;
	struct flac_check result;
	uint8_t *data;
	unsigned i;
	size_t at;

	(void)unused;
	make_head(&made, false, 0);
	for (i = 0; i + 2 < made.frames; i++) {
		data = copy(made.size + stale.size);
		half = &made.frame[i];
		next = &stale.frame[i + i % 2]; /* the cut one's, or its next */
		at = half->at + 1 +
		     made_chance(&seed, (uint32_t)half->size - 2);
		memcpy(data + at, stale.data + next->at, stale.size - next->at);
		result = check(data, at + stale.size - next->at);
		assert_prefix(&result, i * 1152, half->at,
			      at + stale.size - next->at);
		free(data);
	}
	make_head(&made, true, mono.samples);
}

/* Puts frame i of the older take right behind frame i - 1. */
static uint8_t *go_on_stale(unsigned i, size_t *size)
{
	uint8_t *data = copy(made.size + stale.size);

	*size = made.frame[i].at + stale.size - stale.frame[i].at;
	memcpy(data + made.frame[i].at, stale.data + stale.frame[i].at,
	       stale.size - stale.frame[i].at);
	return data;
}

static void frames_behind_a_finished_file_s_end_are_trailing(void **unused)
{
	struct flac_check result;
	uint8_t *data;
	size_t size;

	(void)unused;
	make_head(&made, true, 20 * 1152);
	data = go_on_stale(20, &size);
	result = check(data, size);
	assert_prefix(&result, 20 * 1152, made.frame[20].at, size);
	free(data);
	make_head(&made, true, mono.samples);
}

static void frames_behind_the_limit_are_trailing(void **unused)
{
	struct flac_check_want want = {.limit = 20 * 1152};
	struct flac_check result;
	uint8_t *data;
	size_t size;

	(void)unused;
	make_head(&made, false, 10 * 1152);
	data = go_on_stale(20, &size);
	assert_int_equal(check_want(data, size, &want, &result), 0);
	assert_prefix(&result, 20 * 1152, made.frame[20].at, size);
	assert_int_equal(result.verdict, FLAC_CUT);
	assert_non_null(strstr(result.error, "not finished"));
	free(data);
	make_head(&made, true, mono.samples);
}

/* A frame that is missing, or there twice: all CRCs right, the number wrong. */
static void a_frame_with_another_number_does_not_count(void **unused)
{
	const struct made_frame *f = made.frame;
	struct flac_check result;
	uint8_t *data;

	(void)unused;
	make_head(&made, false, 0);
	data = copy(made.size);
	memmove(data + f[10].at, data + f[11].at, made.size - f[11].at);
	result = check(data, made.size - f[10].size);
	assert_prefix(&result, 10 * 1152, f[10].at, made.size - f[10].size);
	memcpy(data, made.data, made.size);
	memcpy(data + f[10].at, made.data + f[9].at, made.size - f[10].at);
	result = check(data, made.size);
	assert_prefix(&result, 10 * 1152, f[10].at, made.size);
	free(data);
	make_head(&made, true, mono.samples);
}

static int hear(void *user, const int32_t *const *planes, unsigned count,
		uint64_t position)
{
	uint64_t *next = user;

	assert_int_equal(position, *next);
	assert_memory_equal(planes[0], made.plane[0] + position,
			    count * sizeof(int32_t));
	*next += count;
	return 0;
}

/* libFLAC makes up silent frames where numbers jump, and says nothing. */
static void missing_frames_are_not_taken_for_silence(void **unused)
{
	static const unsigned missing[] = {1, 2, 45};
	const struct made_frame *f = made.frame;
	uint64_t next;
	struct flac_check_want want = {.samples = hear, .user = &next};
	struct flac_check result, alone;
	uint8_t *data;
	unsigned i;
	size_t cut;

	(void)unused;
	make_head(&made, false, 0);
	alone = check(made.data, f[10].at);
	for (i = 0; i < 3; i++) {
		data = copy(made.size);
		cut = f[10 + missing[i]].at - f[10].at;
		memmove(data + f[10].at, data + f[10].at + cut,
			made.size - f[10].at - cut);
		next = 0;
		assert_int_equal(
			check_want(data, made.size - cut, &want, &result), 0);
		assert_prefix(&result, 10 * 1152, f[10].at, made.size - cut);
		assert_int_equal(next, 10 * 1152);
		assert_memory_equal(&result.md5, &alone.md5,
				    sizeof(result.md5));
		assert_non_null(strstr(result.error, "another number"));
		free(data);
	}
	make_head(&made, true, mono.samples);
}

/* An older, longer take's whole frame where the last, short one should be. */
static void a_frame_that_crosses_the_end_does_not_count(void **unused)
{
	struct make longer = mono;
	struct flac_check result;
	struct made m;
	uint8_t *data;
	size_t size;

	(void)unused;
	longer.samples += 1152;
	make_frames(&m, &longer);
	data = copy(made.size + m.size);
	size = made.frame[60].at + m.frame[60].size;
	memcpy(data + made.frame[60].at, m.data + m.frame[60].at,
	       m.frame[60].size);
	result = check(data, size);
	assert_prefix(&result, 60 * 1152, made.frame[60].at, size);
	assert_int_equal(result.verdict, FLAC_CUT);
	unmake(&m);
	free(data);
}

/* A take that ended with a short frame, and an older one's next frame. */
static void nothing_follows_a_short_frame(void **unused)
{
	struct make longer = mono;
	struct flac_check result;
	struct made m;
	uint8_t *data = copy(made.size + 4000);

	(void)unused;
	longer.samples += 1152;
	make_frames(&m, &longer);
	make_head(&made, false, 0);
	memcpy(data, made.data, FLAC_HEAD_BYTES);
	memcpy(data + made.size, m.data + m.frame[made.frames].at, 1000);
	result = check(data, made.size + 1000);
	assert_prefix(&result, mono.samples, made.size, made.size + 1000);
	unmake(&m);
	free(data);
	make_head(&made, true, mono.samples);
}

/* In a finished file only the last frame may be short, and must be. */
static void a_last_frame_of_the_wrong_length_does_not_count(void **unused)
{
	struct flac_check result;

	(void)unused;
	make_head(&made, true, mono.samples - 1);
	result = check(made.data, made.size);
	assert_prefix(&result, 60 * 1152, made.frame[60].at, made.size);
	make_head(&made, true, mono.samples + 1);
	result = check(made.data, made.size);
	assert_prefix(&result, 60 * 1152, made.frame[60].at, made.size);
	assert_int_equal(result.verdict, FLAC_CUT);
	make_head(&made, true, mono.samples);
}

static void a_frame_of_another_format_does_not_count(void **unused)
{
	static const struct make formats[] = {
		{2, 24, 48000, 1152, 60000, 1}, {1, 16, 48000, 1152, 60000, 2},
		{1, 24, 44100, 1152, 60000, 3}, {1, 24, 48000, 4608, 60000, 4},
		{1, 24, 48000, 576, 60000, 5},
	};
	struct flac_check result;
	struct made m;
	uint8_t *data;
	unsigned i;

	(void)unused;
	make_head(&made, false, 0);
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		make_frames(&m, &formats[i]);
		data = copy(made.size + m.size);
		memcpy(data + made.frame[10].at, m.data + m.frame[10].at,
		       m.frame[10].size);
		result = check(data, made.frame[10].at + m.frame[10].size);
		/* Half the block: number 10 is sample 5760 to libFLAC, or a
		 * short block, the last one there can be. */
		if (i < 4)
			assert_prefix(&result, 10 * 1152, made.frame[10].at,
				      made.frame[10].at + m.frame[10].size);
		else
			assert_true(result.samples <= 10 * 1152 + 576);
		free(data);
		unmake(&m);
	}
	make_head(&made, true, mono.samples);
}

/* --- damaged files --- */

static void a_flipped_bit_is_found_in_its_frame(void **unused)
{
	struct flac_check result;
	unsigned i, frame;
	uint8_t *data;
	size_t at;

	(void)unused;
	for (i = 0; i < PLACES; i++) {
		data = copy(made.size);
		at = any_byte();
		frame = frame_of(at);
		data[at] ^= (uint8_t)(1 << made_chance(&seed, 8));
		result = check(data, made.size);
		assert_prefix(&result, frame * 1152, made.frame[frame].at,
			      made.size);
		assert_int_equal(result.verdict, FLAC_DAMAGED);
		assert_int_equal(result.faults, 1);
		assert_int_equal(result.lost, 1152);
		assert_int_equal(result.resumes_at, (frame + 1) * 1152);
		assert_true(result.error[0]);
		free(data);
	}
}

static void a_zeroed_hole_is_measured(void **unused)
{
	struct flac_check result;
	unsigned i, first, behind;
	size_t at, size;
	uint8_t *data;

	(void)unused;
	for (i = 0; i < PLACES; i++) {
		make_head(&made, i % 2, i % 2 ? mono.samples : 60 * 1152);
		data = copy(made.size);
		at = any_byte() / 512 * 512;
		size = 512 * (1 + made_chance(&seed, 32));
		if (at + size > made.frame[made.frames - 2].at)
			size = made.frame[made.frames - 2].at - at;
		if (at < FLAC_HEAD_BYTES || (ssize_t)size <= 8) {
			free(data);
			continue;
		}
		first = frame_of(at);
		behind = frame_of(at + size - 1) + 1;
		memset(data + at, 0, size);
		result = check(data, made.size);
		assert_prefix(&result, first * 1152, made.frame[first].at,
			      made.size);
		assert_int_equal(result.verdict, FLAC_DAMAGED);
		assert_int_equal(result.faults, 1);
		assert_int_equal(result.lost, (behind - first) * 1152);
		assert_int_equal(result.resumes_at, behind * 1152);
		free(data);
	}
	make_head(&made, true, mono.samples);
}

static void several_places_of_damage_are_counted(void **unused)
{
	uint8_t *data = copy(made.size);
	struct flac_check result;

	(void)unused;
	data[made.frame[5].at + 100] ^= 4;
	data[made.frame[6].at + 100] ^= 4;
	data[made.frame[20].at + 1] ^= 2;
	memset(data + made.frame[40].at - 20, 0, 40);
	result = check(data, made.size);
	assert_prefix(&result, 5 * 1152, made.frame[5].at, made.size);
	assert_int_equal(result.faults, 3);
	assert_int_equal(result.lost, 5 * 1152);
	assert_int_equal(result.resumes_at, 7 * 1152);
	free(data);
}

/* As encoders before FLAC 1.2 made them: STREAMINFO says that blocks differ,
 * the frames do not, but their numbers are those of samples. */
static void damage_is_measured_in_old_files_of_varying_blocks_too(void **unused)
{
	struct flac_head head = {.info = made.info, .finished = true};
	uint8_t *data = copy(made.size + 6 * (made.frames + 1));
	uint8_t *p = data + FLAC_HEAD_BYTES;
	struct flac_check result;
	unsigned i;

	(void)unused;
	head.info.min_block = 500;
	flac_write_sector(data, &head);
	for (i = 0; i < made.frames; i++)
		p += flac_renumber_frame(made.data + made.frame[i].at,
					 made.frame[i].size, i * 1151, p);
	result = check(data, (size_t)(p - data));
	assert_int_equal(result.verdict, FLAC_WHOLE);
	data[made.frame[10].at + 100] ^= 4;
	result = check(data, (size_t)(p - data));
	assert_int_equal(result.verdict, FLAC_DAMAGED);
	assert_int_equal(result.samples, 10 * 1152);
	assert_int_equal(result.lost, 1152);
	assert_int_equal(result.resumes_at, 11 * 1152);
	free(data);
}

static void a_missing_end_counts_as_lost_too(void **unused)
{
	uint8_t *data = copy(made.size);
	struct flac_check result;

	(void)unused;
	data[made.frame[5].at + 100] ^= 4;
	result = check(data, made.frame[50].at);
	assert_int_equal(result.verdict, FLAC_DAMAGED);
	assert_int_equal(result.faults, 2);
	assert_int_equal(result.lost, 1152 + mono.samples - 50 * 1152);
	free(data);
}

static void damage_in_the_first_frame_is_not_in_the_head(void **unused)
{
	uint8_t *data = copy(made.size);
	struct flac_check result;

	(void)unused;
	data[FLAC_HEAD_BYTES] ^= 4;
	result = check(data, made.size);
	assert_false(result.head_damaged);
	assert_prefix(&result, 0, FLAC_HEAD_BYTES, made.size);
	assert_int_equal(result.resumes_at, 1152);
	free(data);
}

/* Frame 10 cut, size bytes of zeros, and the older take from frame from on. */
static struct flac_check behind_zeros(size_t size, unsigned from)
{
	size_t at = made.frame[10].at + 50;
	uint8_t *data = copy(at + size + stale.size);
	struct flac_check result;

	memset(data + at, 0, size);
	memcpy(data + at + size, stale.data + stale.frame[from].at,
	       stale.size - stale.frame[from].at);
	result = check(data, at + size + stale.size - stale.frame[from].at);
	assert_int_equal(result.samples, 10 * 1152);
	free(data);
	return result;
}

/* Too few bytes for the frames that would be missing, or too many: what comes
 * then is not this take. */
static void what_cannot_be_this_take_is_no_damage_but_a_cut(void **unused)
{
	struct flac_check result;

	(void)unused;
	result = behind_zeros(0, 40);
	assert_int_equal(result.verdict, FLAC_CUT);
	assert_int_equal(result.faults, 0);
	result = behind_zeros(30 * made.info.max_frame, 12);
	assert_int_equal(result.verdict, FLAC_CUT);
	result = behind_zeros(made.info.max_frame, 12);
	assert_int_equal(result.verdict, FLAC_DAMAGED);
}

/* The file is searched in pieces: a header that lies across two is found. */
static void sound_behind_a_hole_of_any_size_is_found(void **unused)
{
	struct flac_check result;
	size_t size;

	(void)unused;
	make_head(&made, false, 60 * 1152);
	for (size = 16384 - 90; size < 16384 + 10; size++) {
		result = behind_zeros(size, 18);
		assert_int_equal(result.resumes_at, 18 * 1152);
	}
	make_head(&made, true, mono.samples);
}

static void damage_behind_what_was_durable_is_a_cut(void **unused)
{
	uint8_t *data;
	struct flac_check result;

	(void)unused;
	make_head(&made, false, 20 * 1152);
	data = copy(made.size);
	data[made.frame[20].at + 100] ^= 4;
	result = check(data, made.size);
	assert_int_equal(result.verdict, FLAC_CUT);
	assert_prefix(&result, 20 * 1152, made.frame[20].at, made.size);
	make_head(&made, true, mono.samples);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_cut_anywhere_keep_all_whole_frames),
		cmocka_unit_test(files_cut_in_their_head_hold_nothing),
		cmocka_unit_test(
			an_older_take_s_bytes_behind_the_cut_do_not_count),
		cmocka_unit_test(
			the_next_number_behind_half_a_frame_does_not_count),
		cmocka_unit_test(
			frames_behind_a_finished_file_s_end_are_trailing),
		cmocka_unit_test(frames_behind_the_limit_are_trailing),
		cmocka_unit_test(a_frame_with_another_number_does_not_count),
		cmocka_unit_test(missing_frames_are_not_taken_for_silence),
		cmocka_unit_test(a_frame_that_crosses_the_end_does_not_count),
		cmocka_unit_test(nothing_follows_a_short_frame),
		cmocka_unit_test(
			a_last_frame_of_the_wrong_length_does_not_count),
		cmocka_unit_test(a_frame_of_another_format_does_not_count),
		cmocka_unit_test(a_flipped_bit_is_found_in_its_frame),
		cmocka_unit_test(a_zeroed_hole_is_measured),
		cmocka_unit_test(several_places_of_damage_are_counted),
		cmocka_unit_test(
			damage_is_measured_in_old_files_of_varying_blocks_too),
		cmocka_unit_test(a_missing_end_counts_as_lost_too),
		cmocka_unit_test(damage_in_the_first_frame_is_not_in_the_head),
		cmocka_unit_test(
			what_cannot_be_this_take_is_no_damage_but_a_cut),
		cmocka_unit_test(sound_behind_a_hole_of_any_size_is_found),
		cmocka_unit_test(damage_behind_what_was_durable_is_a_cut),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
