/*
 * heal: a ledger that cannot have had all that it had once, and what comes of a
 * take that goes on without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heal_case.h"

/* --- a "clock" behind a torn place --- */

static void append(json_t *entry)
{
	struct ledger ledger;

	assert_non_null(entry);
	assert_int_equal(
		ledger_resume(&ledger, &storage_posix, fake.dir, NULL, NULL),
		0);
	assert_int_equal(ledger_append(&ledger, entry), 0);
	ledger_close(&ledger);
	json_decref(entry);
}

static void append_clock(uint64_t at, uint64_t received)
{
	append(json_pack("{ss sI sI sI sI sn sn sn sn}", "type", "clock", "at",
			 (json_int_t)at, "received", (json_int_t)received,
			 "expected", (json_int_t)received, "uptime",
			 (json_int_t)1, "ppm", "ppm_error", "time",
			 "time_error"));
}

static void append_gap(uint64_t at, uint64_t frames)
{
	append(json_pack("{ss sI sI ss si si}", "type", "gap", "at",
			 (json_int_t)at, "frames", (json_int_t)frames, "cause",
			 "late", "uncertainty", 0, "event", 0));
}

/* One bit of the line of which there have been so many before. */
static void spoil_line(unsigned before)
{
	size_t size;
	char *text = read_all(fake.dir, LEDGER_NAME, &size), *line = text;

	while (before--)
		line = strchr(line, '\n') + 1;
	line[30] ^= 1;
	write_all(fake.dir, LEDGER_NAME, text, size);
	free(text);
}

static unsigned lines(void)
{
	size_t size;
	char *text = read_all(fake.dir, LEDGER_NAME, &size);
	unsigned count = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	free(text);
	return count;
}

static void expect_damaged(void)
{
	expect_verdict(VERIFY_DAMAGED);
}

static void cut_and_append(uint64_t at, uint64_t received)
{
	unsigned gap;

	cut_in_the_middle(&long_one);
	gap = lines();
	append_gap(2 * BLOCK, 100);
	append_clock(at, received);
	spoil_line(gap);
	settle();
}

/* More is claimed than had been encoded then: the line before was synced, and
 * it was a gap. */
static void test_an_entry_is_spoilt_that_was_safe(void **unused)
{
	(void)unused;
	cut_and_append(3 * BLOCK, START + 4 * BLOCK);
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	expect_idempotent();
}

/* The heal is cut off at each call: what tells of the loss is there until it is
 * noted. */
static void test_a_spoilt_entry_is_remembered(void **unused)
{
	(void)unused;
	cut_and_append(3 * BLOCK, START + 4 * BLOCK);
	cut_heal_at_each_call(expect_damaged);
}

/* What no sync covers may look like this after a power cut. */
static void test_an_entry_is_spoilt_that_was_not_safe(void **unused)
{
	(void)unused;
	cut_and_append(14 * BLOCK, START + 14 * BLOCK);
	expect_healed("sample-complete");
}

/* Of a ledger that was where this one's last cluster is. */
static void test_another_takes_entry_behind_it(void **unused)
{
	(void)unused;
	cut_and_append(3 * BLOCK, START + 2 * BLOCK);
	expect_healed("sample-complete");
}

/* --- none of them for too long --- */

#define SLOW 1000 /* Hz: a block is four seconds */

static void tell_slowly(void)
{
	struct take *take;

	fake_tape_open(&tape, 4, 24, SLOW, RING);
	take = begin(&long_one);
	play(&long_one);
	take_stop(take, START + story_frames(&long_one), "stop");
	wait_over(take);
	take_destroy(take);
}

static void cut_slowly(void)
{
	unsigned calls;
	uint32_t seed = 1;

	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	tell_slowly();
	calls = fake.calls;
	clear();
	fake.keep = true;
	fake.cut = FAKE_KEPT;
	fake_storage_reset(FAKE_FREEZE, calls * 2 / 3, FAKE_DONE);
	tell_slowly();
	fake_storage_cut_power(&seed);
}

static void start_ledger(const char *text, size_t size)
{
	write_all(fake.dir, LEDGER_NAME, text,
		  (size_t)((const char *)memchr(text, '\n', size) + 1 - text));
}

static void cut_with_clock_at(uint64_t received)
{
	size_t size;
	char *text;

	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	tell_slowly();
	text = read_all(fake.dir, LEDGER_NAME, &size);
	clear();
	cut_slowly();
	start_ledger(text, size);
	free(text);
	if (received > 0)
		append_clock(0, received);
}

static void test_there_are_no_clocks_any_more(void **unused)
{
	(void)unused;
	cut_with_clock_at(0);
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
}

static void test_the_last_clock_is_old(void **unused)
{
	(void)unused;
	cut_with_clock_at(START + 2 * SLOW);
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
}

/* A long pre-roll, or a medium that stood still. */
static void test_the_tape_was_ahead(void **unused)
{
	(void)unused;
	cut_with_clock_at(START + 14 * BLOCK);
	settle();
	expect_healed("sample-complete");
}

/* Of a tape that died, and that is back. */
static void test_the_gap_is_known(void **unused)
{
	(void)unused;
	cut_with_clock_at(START + 2 * SLOW);
	append_gap(2 * SLOW, 14 * BLOCK);
	settle();
	expect_healed("gaps");
}

/* --- made anew --- */

static void lose_ledger(void)
{
	cut_in_the_middle(&long_one);
	assert_int_equal(unlinkat(fake.dir, LEDGER_NAME, 0), 0);
	settle();
}

/* Cut off at each call: nobody takes the new one for the old one. */
static void test_a_ledger_that_is_made_anew_says_so_at_once(void **unused)
{
	(void)unused;
	lose_ledger();
	cut_heal_at_each_call(expect_damaged);
}

/* Its length is wrong, or it is of a take of weeks: it is no lost one. */
static void test_a_ledger_that_is_too_long_is_not_removed(void **unused)
{
	uint64_t safe;
	off_t size;
	int fd;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	fake.keep = false; /* it is not to be read */
	fd = openat(fake.dir, LEDGER_NAME, O_RDWR);
	size = (off_t)fake_file_size(fd);
	assert_int_equal(ftruncate(fd, 300 << 20), 0);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(heal_it().error, -EFBIG);
	assert_int_equal(fake_file_size(fd), 300 << 20);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	expect_healed("sample-complete");
	check_prefix(&long_one, safe);
}

/* Somebody has worked on one and kept both: the shorter name is the track's. */
static void test_a_copy_of_a_track_is_not_in_the_way(void **unused)
{
	struct checked checked = {.tape = &tape};
	size_t size;
	char *data;

	(void)unused;
	lose_ledger();
	data = read_all(fake.dir, "01-Track-1.flac", &size);
	write_all(fake.dir, "01-Track-1-edit.flac", data, size);
	write_all(fake.dir, "01-Edited-1.flac", data, size);
	free(data);
	settle();
	expect_healed("damaged");
	assert_int_equal(take_info_init(&checked.info), 0);
	assert_int_equal(ledger_read(fake.dir, check_entry, &checked, NULL), 0);
	assert_int_equal(checked.info.tracks, 3);
	assert_string_equal(checked.info.track[0].stem, "01-Track-1");
	take_info_finish(&checked.info);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_an_entry_is_spoilt_that_was_safe),
		CASE(test_a_spoilt_entry_is_remembered),
		CASE(test_an_entry_is_spoilt_that_was_not_safe),
		CASE(test_another_takes_entry_behind_it),
		CASE(test_there_are_no_clocks_any_more),
		CASE(test_the_last_clock_is_old),
		CASE(test_the_tape_was_ahead),
		CASE(test_the_gap_is_known),
		CASE(test_a_ledger_that_is_made_anew_says_so_at_once),
		CASE(test_a_ledger_that_is_too_long_is_not_removed),
		CASE(test_a_copy_of_a_track_is_not_in_the_way),
	};

	return cmocka_run_group_tests_name("heal_ledger", tests, NULL, NULL);
}
