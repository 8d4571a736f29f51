/*
 * flac_check on whole files of any format and program, on heads that are
 * damaged or lost, on what is not FLAC at all; and the tags.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "checked_flac.h"

/* --- whole files --- */

struct heard {
	const struct made *made;
	uint64_t next;
};

static int hear(void *user, const int32_t *const *planes, unsigned count,
		uint64_t position)
{
	struct heard *heard = user;
	unsigned c;

	assert_int_equal(position, heard->next);
	for (c = 0; c < heard->made->info.channels; c++)
		assert_memory_equal(planes[c], heard->made->plane[c] + position,
				    count * sizeof(int32_t));
	heard->next += count;
	return 0;
}

static void finished_files_of_any_format_are_whole(void **unused)
{
	static const struct make formats[] = {
		{1, 24, 48000, 4096, 20000, 1}, {2, 16, 44100, 1152, 20000, 2},
		{1, 16, 192000, 4096, 8192, 3}, {8, 20, 96000, 576, 5000, 4},
		{1, 8, 11025, 192, 777, 5},	{2, 24, 48000, 65535, 70000, 6},
		{1, 24, 48000, 4096, 1, 7},	{3, 12, 12345, 100, 1000, 8},
	};
	struct flac_check_want want = {.samples = hear};
	struct flac_check result;
	struct heard heard;
	struct made m;
	unsigned i;

	(void)unused;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		make_frames(&m, &formats[i]);
		make_head(&m, true, formats[i].samples);
		heard = (struct heard){&m, 0};
		want.user = &heard;
		assert_int_equal(check_want(m.data, m.size, &want, &result), 0);
		assert_string_equal(result.error, "");
		assert_int_equal(result.verdict, FLAC_WHOLE);
		assert_int_equal(heard.next, formats[i].samples);
		assert_prefix(&result, formats[i].samples, m.size, m.size);
		assert_true(result.takebox && result.head.finished);
		assert_true(result.md5_known && result.md5_right);
		assert_int_equal(result.frames, m.frames);
		assert_int_equal(result.first_frame, FLAC_HEAD_BYTES);
		assert_int_equal(result.head.info.rate, formats[i].rate);
		unmake(&m);
	}
}

static void a_running_file_is_cut_and_counts_all_its_frames(void **unused)
{
	static const unsigned claims[] = {0, 1152, 30 * 1152, 60 * 1152};
	uint8_t digest[16], *data = made.data;
	struct flac_check result;
	unsigned i;

	(void)unused;
	for (i = 0; i < 4; i++) {
		make_head(&made, false, claims[i]);
		result = check(data, made.size);
		assert_int_equal(result.verdict, FLAC_CUT);
		assert_prefix(&result, mono.samples, made.size, made.size);
		assert_false(result.md5_known);
		md5_digest(&result.md5, digest);
		assert_memory_equal(digest, made.info.md5, 16);
		assert_int_equal(result.head.info.samples, claims[i]);
		assert_int_equal(result.faults, 0);
	}
	make_head(&made, true, mono.samples);
}

static void bytes_behind_a_finished_file_are_trailing(void **unused)
{
	uint8_t *data = copy(made.size + 128);
	struct flac_check result;

	(void)unused;
	memset(data + made.size, 'T', 128);
	result = check(data, made.size + 128);
	assert_int_equal(result.verdict, FLAC_WHOLE);
	assert_prefix(&result, mono.samples, made.size, made.size + 128);
	free(data);
}

static void a_wrong_md5_is_damage(void **unused)
{
	uint8_t *data = copy(made.size);
	struct flac_check result;

	(void)unused;
	data[26] ^= 1;
	result = check(data, made.size);
	assert_int_equal(result.verdict, FLAC_DAMAGED);
	assert_prefix(&result, mono.samples, made.size, made.size);
	assert_true(result.md5_known && !result.md5_right);
	assert_non_null(strstr(result.error, "MD5"));
	free(data);
}

/* Each bit of the lengths of the blocks behind STREAMINFO. */
static void a_broken_chain_of_metadata_does_not_lose_the_samples(void **unused)
{
	static const size_t headers[] = {42, 512, 4836};
	struct flac_check result;
	uint8_t *data;
	unsigned i, bit;

	(void)unused;
	for (i = 0; i < 3; i++) {
		for (bit = 8; bit < 32; bit++) {
			data = copy(made.size);
			data[headers[i] + bit / 8] ^= (uint8_t)(1 << bit % 8);
			result = check(data, made.size);
			assert_prefix(&result, mono.samples, made.size,
				      made.size);
			assert_int_equal(result.verdict, FLAC_DAMAGED);
			assert_true(result.head_damaged);
			assert_int_equal(result.first_frame, FLAC_HEAD_BYTES);
			free(data);
		}
	}
}

static void a_lost_head_can_be_replaced(void **unused)
{
	struct flac_check_want want = {.info = &made.info,
				       .first_frame = FLAC_HEAD_BYTES};
	uint8_t *data = copy(made.size), digest[16];
	struct flac_check result;

	(void)unused;
	memset(data, 0, 4096);
	result = check(data, made.size);
	assert_int_equal(result.verdict, FLAC_NOT);
	assert_int_equal(check_want(data, made.size, &want, &result), 0);
	assert_prefix(&result, mono.samples, made.size, made.size);
	md5_digest(&result.md5, digest);
	assert_memory_equal(digest, made.info.md5, 16);
	free(data);
}

/* --- other files --- */

static void what_is_not_flac_is_not(void **unused)
{
	static const char *const texts[] = {"",	    "fLaC", "fLa",
					    "OggS", "ID3",  "RIFF....WAVEfmt "};
	uint8_t zeros[20000] = {0};
	struct flac_check result;
	unsigned i;

	(void)unused;
	for (i = 0; i < 6; i++) {
		result = check(texts[i], strlen(texts[i]));
		assert_int_equal(result.verdict, FLAC_NOT);
		assert_true(result.error[0]);
		memcpy(zeros, texts[i], strlen(texts[i]));
		result = check(zeros, sizeof(zeros));
		assert_int_equal(result.verdict, FLAC_NOT);
		assert_int_equal(result.samples, 0);
	}
}

#define ID3_BYTES (10 + (1 << 14 | 1 << 7 | 2))

/* A head as other programs make it, in a buffer before the frames. */
static uint8_t *foreign(uint64_t samples, bool md5, size_t *size)
{
	struct flac_streaminfo info = made.info;
	uint8_t *data = malloc(made.size + 1000), *p = data;
	size_t frames = made.size - FLAC_HEAD_BYTES;

	info.samples = samples;
	if (!md5)
		memset(info.md5, 0, 16);
	memcpy(p, "ID3\4\0\0\0\1\1\2", 10);
	p += ID3_BYTES;
	memcpy(p, "fLaC\0\0\0\x22", 8);
	flac_write_streaminfo(p + 8, &info);
	p += 42;
	memcpy(p,
	       "\x84\0\0\x18"
	       "\1\0\0\0V"
	       "\2\0\0\0"
	       "\5\0\0\0A=two"
	       "\2\0\0\0B=",
	       28);
	p += 28;
	memcpy(p, made.data + FLAC_HEAD_BYTES, frames);
	*size = (size_t)(p - data) + frames;
	return data;
}

static void files_of_other_programs_are_checked_too(void **unused)
{
	struct flac_check result;
	uint8_t *data;
	size_t size;

	(void)unused;
	data = foreign(mono.samples, true, &size);
	result = check(data, size);
	assert_string_equal(result.error, "");
	assert_int_equal(result.verdict, FLAC_WHOLE);
	assert_false(result.takebox);
	assert_true(result.md5_right);
	assert_prefix(&result, mono.samples, size, size);
	result = check(data, size - 300);
	assert_int_equal(result.verdict, FLAC_CUT);
	data[size / 2] ^= 1;
	result = check(data, size);
	assert_int_equal(result.verdict, FLAC_DAMAGED);
	assert_int_equal(result.faults, 1);
	free(data);
}

static void without_a_total_a_clean_end_is_whole(void **unused)
{
	struct flac_check result;
	uint8_t *data;
	size_t size;

	(void)unused;
	data = foreign(0, false, &size);
	result = check(data, size);
	assert_int_equal(result.verdict, FLAC_WHOLE);
	assert_prefix(&result, mono.samples, size, size);
	result = check(data, size - 1);
	assert_int_equal(result.verdict, FLAC_CUT);
	data[size / 2] ^= 1;
	result = check(data, size);
	assert_int_equal(result.verdict, FLAC_DAMAGED);
	free(data);
}

static void a_total_can_be_taken_for_a_checkpoint(void **unused)
{
	struct flac_check_want want = {.unfinished = true};
	struct flac_check result;
	uint8_t *data;
	size_t size;

	(void)unused;
	data = foreign(10 * 1152, false, &size);
	result = check(data, size);
	assert_int_equal(result.samples, 10 * 1152);
	assert_int_equal(check_want(data, size, &want, &result), 0);
	assert_int_equal(result.samples, mono.samples);
	assert_int_equal(result.verdict, FLAC_CUT);
	free(data);
}

static int refuse(void *user, const int32_t *const *planes, unsigned count,
		  uint64_t position)
{
	(void)user, (void)planes, (void)count;
	return position >= 5 * 1152;
}

static void the_caller_can_stop_it(void **unused)
{
	struct flac_check_want want = {.samples = refuse};
	struct flac_check result;

	(void)unused;
	assert_int_equal(check_want(made.data, made.size, &want, &result),
			 -ECANCELED);
}

static void paths_that_are_no_files_are_errors(void **unused)
{
	struct flac_check result;

	(void)unused;
	assert_int_equal(flac_check_file("/nowhere/at/all.flac", &result),
			 -ENOENT);
	assert_int_equal(flac_check_file("/dev/null", &result), -EINVAL);
	assert_int_equal(flac_check_file("/", &result), -EINVAL);
}

/* --- tags --- */

struct tags {
	char text[200];
};

static void keep_tag(void *user, const char *name, const char *value)
{
	struct tags *tags = user;
	size_t length = strlen(tags->text);

	snprintf(tags->text + length, sizeof(tags->text) - length, "%s:%s;",
		 name, value);
}

static int tags_of(const void *data, size_t size, struct tags *tags)
{
	char path[] = "/tmp/takebox-tags-XXXXXX";
	int fd = mkstemp(path), error;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
	memset(tags, 0, sizeof(*tags));
	error = flac_read_tags(path, keep_tag, tags);
	unlink(path);
	return error;
}

static void tags_are_read(void **unused)
{
	struct tags tags;
	uint8_t *data;
	size_t size;

	(void)unused;
	assert_int_equal(tags_of(made.data, made.size, &tags), 0);
	assert_string_equal(tags.text, "TITLE:Kick;ALBUM:G\303\244ste;");
	data = foreign(0, false, &size);
	assert_int_equal(tags_of(data, size, &tags), 0);
	assert_string_equal(tags.text, "A:two;B:;");
	free(data);
}

/* The length of each string in turn says more than there is. */
static void malformed_tags_are_an_error(void **unused)
{
	static const unsigned lengths[] = {0, 9, 18};
	struct tags tags;
	uint8_t *data;
	size_t size;
	unsigned i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		data = foreign(0, false, &size);
		data[ID3_BYTES + 42 + 4 + lengths[i] + 1] = 1;
		assert_int_equal(tags_of(data, size, &tags), -EINVAL);
		assert_string_equal(tags.text, i == 2 ? "A:two;" : "");
		free(data);
	}
	assert_int_equal(tags_of("nothing", 7, &tags), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finished_files_of_any_format_are_whole),
		cmocka_unit_test(
			a_running_file_is_cut_and_counts_all_its_frames),
		cmocka_unit_test(bytes_behind_a_finished_file_are_trailing),
		cmocka_unit_test(a_wrong_md5_is_damage),
		cmocka_unit_test(
			a_broken_chain_of_metadata_does_not_lose_the_samples),
		cmocka_unit_test(a_lost_head_can_be_replaced),
		cmocka_unit_test(what_is_not_flac_is_not),
		cmocka_unit_test(files_of_other_programs_are_checked_too),
		cmocka_unit_test(without_a_total_a_clean_end_is_whole),
		cmocka_unit_test(a_total_can_be_taken_for_a_checkpoint),
		cmocka_unit_test(the_caller_can_stop_it),
		cmocka_unit_test(paths_that_are_no_files_are_errors),
		cmocka_unit_test(tags_are_read),
		cmocka_unit_test(malformed_tags_are_an_error),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
