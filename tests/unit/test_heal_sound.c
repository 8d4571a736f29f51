/*
 * heal: sound that no head tells of any more is neither removed nor cut off,
 * and a take that has lost what it had of it is not called complete.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heal_case.h"

static void lose_beginning(const char *name)
{
	overwrite(name, 0, FLAC_HEAD_BYTES + 1000);
}

struct bytes {
	char *data;
	size_t size;
};

static struct bytes bytes_of(const char *name)
{
	struct bytes bytes;

	bytes.data = read_all(fake.dir, name, &bytes.size);
	return bytes;
}

static void expect_unchanged(const char *name, struct bytes *before)
{
	struct bytes now = bytes_of(name);

	assert_int_equal(now.size, before->size);
	assert_memory_equal(now.data, before->data, now.size);
	free(now.data);
	free(before->data);
}

/* Nobody is left who could say that there was anything. */
static void test_all_files_have_lost_their_beginnings(void **unused)
{
	static const char *const name[] = {"01-Track-1.flac", "02-Track-2.flac",
					   "03-Track-3.flac"};
	struct bytes before[3];

	(void)unused;
	cut_in_the_middle(&long_one);
	for (int i = 0; i < 3; i++) {
		lose_beginning(name[i]);
		before[i] = bytes_of(name[i]);
	}
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	expect_idempotent();
	for (int i = 0; i < 3; i++)
		expect_unchanged(name[i], &before[i]);
}

static off_t size_of(const char *name)
{
	struct stat stat;

	return fstatat(fake.dir, name, &stat, 0) == 0 ? stat.st_size : 0;
}

/* A part that nothing can be read of is no part; its files are somebody's
 * sound all the same. */
static void test_the_last_part_has_lost_its_beginnings(void **unused)
{
	static const char *const name[] = {
		"01-Track-1_2.flac", "02-Track-2_2.flac", "03-Track-3_2.flac"};
	unsigned calls = count_calls(&parts), at = 0;
	struct bytes before[3];
	uint32_t seed = 1;

	(void)unused;
	do {
		assert_true(++at < calls);
		clear();
		cut_at(&parts, at, FAKE_DONE, FAKE_KEPT, &seed);
	} while (size_of(name[2]) <= FLAC_HEAD_BYTES + 4 * BLOCK);
	for (int i = 0; i < 3; i++) {
		lose_beginning(name[i]);
		before[i] = bytes_of(name[i]);
	}
	settle();
	expect_healed("damaged");
	for (int i = 0; i < 3; i++)
		expect_unchanged(name[i], &before[i]);
}

static uint64_t length_of_take(void)
{
	size_t size;
	char *text = read_all(fake.dir, TAKE_JSON, &size);
	json_t *take = json_loadb(text, size, 0, NULL);
	uint64_t frames = member(take, "frames");

	json_decref(take);
	free(text);
	return frames;
}

/* Its head is made anew; the other two have nothing that says how far they
 * were. */
static void test_one_file_has_lost_its_head_only(void **unused)
{
	struct bytes before;
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	overwrite("01-Track-1.flac", 0, 512);
	lose_beginning("02-Track-2.flac");
	before = bytes_of("02-Track-2.flac");
	assert_int_equal(unlinkat(fake.dir, "03-Track-3.flac", 0), 0);
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	expect_unchanged("02-Track-2.flac", &before);
	assert_true(length_of_take() >= safe);
}

static uint64_t safe_frames;

static void expect_safe_frames(void)
{
	check_prefix(&long_one, safe_frames);
}

/* The same, cut off after any call: what was found out of the first track is
 * not forgotten. */
static void test_a_head_made_anew_is_remembered(void **unused)
{
	(void)unused;
	safe_frames = cut_in_the_middle(&long_one);
	overwrite("01-Track-1.flac", 0, 512);
	assert_int_equal(unlinkat(fake.dir, "02-Track-2.flac", 0), 0);
	assert_int_equal(unlinkat(fake.dir, "03-Track-3.flac", 0), 0);
	settle();
	cut_heal_at_each_call(expect_safe_frames);
}

/* And a bad place further on: what lies behind it is not cut off. */
static void test_a_lost_head_and_a_frame_of_each(void **unused)
{
	static const char *const name[] = {"01-Track-1.flac", "02-Track-2.flac",
					   "03-Track-3.flac"};
	struct bytes before[3];

	(void)unused;
	cut_in_the_middle(&long_one);
	for (int i = 0; i < 3; i++) {
		struct bytes whole = bytes_of(name[i]);

		overwrite(name[i], 0, 512);
		overwrite(name[i], whole.size / 2, 512);
		free(whole.data);
		before[i] = bytes_of(name[i]);
	}
	settle();
	expect_healed("damaged");
	for (int i = 0; i < 3; i++)
		expect_unchanged(name[i], &before[i]);
}

/* Every head claims more than its file has, so its checkpoints do not count,
 * and the first frame cannot be read: the others are not cut off. */
static void test_claims_and_first_frames_are_lost(void **unused)
{
	static const char *const name[] = {"01-Track-1.flac", "02-Track-2.flac",
					   "03-Track-3.flac"};
	struct bytes before[3];

	(void)unused;
	cut_in_the_middle(&long_one);
	for (int i = 0; i < 3; i++) {
		struct bytes whole = bytes_of(name[i]);

		write_all(fake.dir, name[i], whole.data,
			  FLAC_HEAD_BYTES + (whole.size - FLAC_HEAD_BYTES) / 2);
		overwrite(name[i], FLAC_HEAD_BYTES, 1000);
		free(whole.data);
		before[i] = bytes_of(name[i]);
	}
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	for (int i = 0; i < 3; i++)
		expect_unchanged(name[i], &before[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_all_files_have_lost_their_beginnings),
		CASE(test_the_last_part_has_lost_its_beginnings),
		CASE(test_one_file_has_lost_its_head_only),
		CASE(test_a_head_made_anew_is_remembered),
		CASE(test_a_lost_head_and_a_frame_of_each),
		CASE(test_claims_and_first_frames_are_lost),
	};

	return cmocka_run_group_tests_name("heal_sound", tests, NULL, NULL);
}
