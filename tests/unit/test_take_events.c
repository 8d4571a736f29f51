/*
 * take: what happens while one runs. Tracks are armed and disarmed, markers
 * set, sound is lost on the tape, and the tape comes round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_take.h"
#include "take/encoder.h"

#define BLOCK ENCODER_BLOCK
#define RING  (1u << 18)

/* A whole take of what the tape has. */
static void record(const struct take_info *info, uint64_t stop)
{
	struct take *take = begin_take(info, stop);
	struct checked checked;

	end_take(take, &checked);
	assert_int_equal(checked.info.gap_count, 0);
	checked_finish(&checked);
}

/* --- arming --- */

static uint64_t arm_at(const struct checked *checked, size_t index)
{
	return member(json_array_get(checked->info.arms, index), "at");
}

static void test_arming_is_not_later_and_disarming_not_earlier(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 4, 24, 8000, RING);
	fake_tape_skip(&tape, 500);
	plan_all(&info, &tape, 500);
	info.track[1].armed = false;
	take = begin_take(&info, 500 + 60000);
	take_arm(take, 2, true, 500 + 3 * BLOCK + 17);
	take_arm(take, 3, false, 500 + 5 * BLOCK + 1);
	take_arm(take, 3, true, 500 + 9 * BLOCK - 1);
	take_arm(take, 2, false, 500 + 10 * BLOCK);
	fake_tape_play(&tape, 60000);
	end_take(take, &checked);
	assert_int_equal(json_array_size(checked.info.arms), 4);
	assert_int_equal(arm_at(&checked, 0), 3 * BLOCK);
	assert_int_equal(arm_at(&checked, 1), 6 * BLOCK);
	assert_int_equal(arm_at(&checked, 2), 8 * BLOCK);
	assert_int_equal(arm_at(&checked, 3), 10 * BLOCK);
	checked_finish(&checked);
}

/* All of it is on the tape by then. */
static void test_one_that_waits_has_what_it_is_told_first(void **unused)
{
	struct checked checked;
	struct take_plan plan;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	plan = plan_take(&tape, &info);
	plan.stop = 20000;
	plan.waits = true;
	assert_int_equal(take_start(&take, &plan), 0);
	fake_tape_play(&tape, 20000);
	poll(NULL, 0, 300); /* so that one that did not wait would be seen */
	take_arm(take, 1, false, BLOCK);
	take_go(take);
	end_take(take, &checked);
	assert_int_equal(arm_at(&checked, 0), BLOCK);
	checked_finish(&checked);
}

static void test_a_track_that_is_never_armed_has_no_file(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	info.track[0].armed = false;
	take = begin_take(&info, 20000);
	fake_tape_play(&tape, 20000);
	end_take(take, &checked);
	assert_false(checked.info.track[0].filed);
	checked_finish(&checked);
}

static void test_all_tracks_armed_late(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 4, 24, 8000, RING);
	plan_info(&info, &tape, 0);
	plan_track(&info, 0, 2, false);
	plan_track(&info, 2, 1, false);
	take = begin_take(&info, 50000);
	take_arm(take, 1, true, 2 * BLOCK);
	take_arm(take, 2, true, 7 * BLOCK);
	fake_tape_play(&tape, 50000);
	end_take(take, &checked);
	assert_true(checked.info.track[0].filed && checked.info.track[1].filed);
	checked_finish(&checked);
}

/* Both armed, until frame 20000. */
static struct take *begin_two_tracks(struct take_info *info)
{
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(info, &tape, 0);
	return begin_take(info, 20000);
}

static void test_arming_a_track_that_does_not_exist(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	take = begin_two_tracks(&info);
	take_arm(take, 17, true, 0);
	fake_tape_play(&tape, 20000);
	end_take(take, &checked);
	assert_int_equal(json_array_size(checked.info.arms), 0);
	checked_finish(&checked);
}

/* Within one block: a track that was disarmed for a moment is armed. */
static void test_the_last_word_counts(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	take = begin_two_tracks(&info);
	take_arm(take, 1, false, 2 * BLOCK + 100);
	take_arm(take, 1, true, 2 * BLOCK + 900);
	take_arm(take, 2, true, 0); /* as it is */
	fake_tape_play(&tape, 20000);
	end_take(take, &checked);
	assert_int_equal(json_array_size(checked.info.arms), 2);
	assert_true(take_info_sounds(&checked.info, 0, 20000 - 1));
	checked_finish(&checked);
}

static void test_too_many_commands_are_refused(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;
	unsigned taken = 0;

	(void)unused;
	take = begin_two_tracks(&info);
	/* Arming waits for its block. */
	while (take_arm(take, 1, taken % 2, 10000) == 0)
		assert_true(++taken < 100000);
	assert_int_equal(take_arm(take, 1, true, 10000), -EAGAIN);
	fake_tape_play(&tape, 20000);
	end_take(take, &checked);
	assert_int_equal(json_array_size(checked.info.arms), taken);
	checked_finish(&checked);
}

/* --- markers --- */

static void note_chapter(void *user, const char *name, const char *value)
{
	if (strncmp(name, "CHAPTER", 7) == 0)
		snprintf((char *)user + strlen(user), 512 - strlen(user),
			 "%s=%s ", name, value);
}

static void read_chapters(const char *file, char text[512])
{
	char path[256];

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", fake.path, file);
	assert_int_equal(flac_read_tags(path, note_chapter, text), 0);
}

static void test_markers(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;
	char chapters[512];

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 100);
	take = begin_take(&info, TAKE_FOREVER);
	take_mark(take, 100 + 8000, "Verse");
	take_mark(take, 50, "before the take");
	fake_tape_play(&tape, 30000);
	take_mark(take, 100 + 20001, "\xc3\xa9t\xc3");
	take_stop(take, 30000, "stop");
	take_mark(take, 30001, "behind the end");
	fake_tape_play(&tape, 10000);
	end_take(take, &checked);
	assert_int_equal(json_array_size(checked.info.markers), 3);
	read_chapters("01-Track-1.flac", chapters);
	assert_string_equal(chapters,
			    "CHAPTER001=00:00:01.000 CHAPTER001NAME=Verse "
			    "CHAPTER002=00:00:00.000 "
			    "CHAPTER002NAME=before the take "
			    "CHAPTER003=00:00:02.500 "
			    "CHAPTER003NAME=\xc3\xa9t? ");
	checked_finish(&checked);
}

static void test_a_name_cut_in_mid_character(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;
	char name[200] = "";

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	memcpy(info.track[0].name, "Caf\xc3", 5);
	memcpy(info.interface, "M\xfcller", 7);
	take = begin_take(&info, 20000);
	for (unsigned i = 0; i < 60; i++)
		strcat(name, "\xe2\x99\xab");
	take_mark(take, 10, name);
	fake_tape_play(&tape, 20000);
	end_take(take, &checked);
	assert_int_equal(json_array_size(checked.info.markers), 1);
	assert_string_equal(checked.info.track[0].name, "Caf?");
	assert_string_equal(checked.info.interface, "M?ller");
	checked_finish(&checked);
}

static void test_markers_just_before_the_stop_are_not_lost(void **unused)
{
	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	fake_tape_play(&tape, 20000);
	for (unsigned i = 0; i < 40; i++) {
		struct checked checked;
		struct take_info info;
		struct take *take;

		plan_all(&info, &tape, 0);
		take = begin_take(&info, TAKE_FOREVER);
		wait_until(take, has_encoded, (1 + i % 4) * BLOCK);
		take_mark(take, BLOCK, "now");
		take_stop(take, 19000, "stop");
		end_take(take, &checked);
		assert_int_equal(json_array_size(checked.info.markers), 1);
		checked_finish(&checked);
		fake_storage_empty();
	}
}

/* All of them are known before any file is finished. */
static void test_markers_of_a_take_in_parts(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take_plan plan;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	plan = plan_take(&tape, &info);
	plan.max_file_bytes = 140000;
	plan.stop = 60000;
	assert_int_equal(take_start(&take, &plan), 0);
	for (unsigned i = 0; i < 14; i++)
		take_mark(take, 4096 * i, "a block's border");
	fake_tape_play(&tape, 60000);
	end_take(take, &checked); /* each is in one file */
	assert_in_range(take_info_parts(&checked.info), 2, 14);
	checked_finish(&checked);
}

static void test_more_markers_than_fit_into_the_head(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;
	char chapters[512];
	uint8_t head[FLAC_HEAD_BYTES];
	int file;

	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	take = begin_take(&info, 40000);
	for (unsigned i = 0; i < 250; i++)
		take_mark(take, 100 * i,
			  "A name of almost sixty bytes, to fill the head up");
	fake_tape_play(&tape, 40000);
	end_take(take, &checked);
	read_chapters("01-Track-1.flac", chapters);
	assert_int_equal(strncmp(chapters, "CHAPTER001=00:00:00.000 ", 24), 0);
	file = openat(fake.dir, "01-Track-1.flac", O_RDONLY);
	assert_int_equal(pread(file, head, sizeof(head), 0), sizeof(head));
	close(file);
	/* The second seek point: a second on, to the block before. */
	assert_int_equal(head[FLAC_SECTOR_BYTES + 4 + 18 + 6] << 8 |
				 head[FLAC_SECTOR_BYTES + 4 + 18 + 7],
			 2 * BLOCK);
	checked_finish(&checked);
}

/* --- what the tape lost --- */

static const json_t *gap(const struct checked *checked, size_t index)
{
	return json_array_get(checked->info.gaps, index);
}

static void assert_gap(const struct checked *checked, size_t index, uint64_t at,
		       uint64_t frames, const char *cause)
{
	assert_int_equal(member(gap(checked, index), "at"), at);
	assert_int_equal(member(gap(checked, index), "frames"), frames);
	assert_string_equal(json_string_value(json_object_get(
				    gap(checked, index), "cause")),
			    cause);
}

static void test_gaps_of_the_tape(void **unused)
{
	struct take_info info;
	struct take *take;
	struct checked checked;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	fake_tape_play(&tape, 1000);
	fake_tape_lose(&tape, 100, TAPE_GAP_LATE); /* long before */
	fake_tape_play(&tape, 1000);
	fake_tape_lose(&tape, 500, TAPE_GAP_ABSENT); /* over the start */
	fake_tape_play(&tape, 7000);
	fake_tape_lose(&tape, 3, TAPE_GAP_STOPPED);
	fake_tape_play(&tape, 20000);
	fake_tape_lose(&tape, 1000, TAPE_GAP_SILENT); /* over the end */
	fake_tape_play(&tape, 5000);
	fake_tape_lose(&tape, 10, TAPE_GAP_LATE); /* long behind */
	plan_all(&info, &tape, 2400);
	take = begin_take(&info, 29703);
	end_take(take, &checked);
	assert_int_equal(checked.info.gap_count, 3);
	assert_int_equal(checked.info.gap_frames, 200 + 3 + 100);
	assert_gap(&checked, 0, 0, 200, "absent");
	assert_gap(&checked, 1, 7200, 3, "stopped");
	assert_gap(&checked, 2, 27203, 100, "silent");
	assert_string_equal(take_info_verdict(&checked.info), "gaps");
	checked_finish(&checked);
}

static void test_a_surplus_is_no_gap(void **unused)
{
	struct tape_event event = {
		.position = 5000, .frames = 48, .kind = TAPE_SURPLUS};
	struct take_info info;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	tape_writer_event(&tape.writer, &event);
	fake_tape_play(&tape, 20000);
	plan_all(&info, &tape, 0);
	record(&info, 20000);
}

static void test_more_events_than_the_tape_keeps(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	take = begin_take(&info, TAKE_FOREVER);
	wait_until(take, is_recording, 0);
	for (unsigned i = 0; i < 3 * TAPE_EVENTS; i++) {
		struct tape_event event = {
			.position = i, .frames = 1, .kind = TAPE_SURPLUS};

		tape_writer_event(&tape.writer, &event);
	}
	fake_tape_play(&tape, 20000);
	take_stop(take, 20000, "stop");
	end_take(take, &checked);
	/* The stop, that some were lost, and those that were not. */
	assert_in_range(json_array_size(checked.info.notes), TAPE_EVENTS,
			TAPE_EVENTS + 2);
	checked_finish(&checked);
}

/* More than the tape keeps, of one frame each, from here on. */
static void lose_often(void)
{
	for (unsigned i = 0; i < 2 * TAPE_EVENTS; i++) {
		struct tape_event event = {.position = fake_tape_end(&tape),
					   .frames = 1,
					   .kind = TAPE_GAP_LATE};

		tape_writer_silence(&tape.writer, 1);
		tape_writer_event(&tape.writer, &event);
		fake_tape_play(&tape, 3);
	}
}

/* By its ledger; its samples are silent where no event says so. */
static void expect_gaps(uint64_t least_lost)
{
	struct checked checked = {0};
	uint64_t lost = 0;
	size_t i;
	json_t *note;

	assert_int_equal(take_info_init(&checked.info), 0);
	assert_int_equal(ledger_read(fake.dir, check_entry, &checked, NULL), 0);
	json_array_foreach(checked.info.notes, i, note)
	{
		if (strcmp(json_string_value(json_object_get(note, "type")),
			   "events-lost") == 0)
			lost += member(note, "count");
	}
	assert_true(checked.info.ended);
	assert_in_range(lost, least_lost, least_lost + TAPE_EVENTS);
	assert_string_equal(take_info_verdict(&checked.info), "gaps");
	checked_finish(&checked);
}

static void test_more_events_than_the_tape_keeps_before_it_begins(void **unused)
{
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	fake_tape_play(&tape, 20000);
	lose_often();
	fake_tape_play(&tape, 20000);
	plan_all(&info, &tape, 10000);
	/* Up to before the first that is left. */
	take = begin_take(&info, 20000 + 4 * TAPE_EVENTS);
	wait_done(take);
	take_destroy(take);
	expect_gaps(TAPE_EVENTS);
}

static void test_events_long_before_it_begins_are_not_missed(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	lose_often();
	fake_tape_play(&tape, 40000);
	plan_all(&info, &tape, 20000);
	take = begin_take(&info, 40000);
	end_take(take, &checked);
	assert_string_equal(take_info_verdict(&checked.info),
			    "sample-complete");
	checked_finish(&checked);
}

/* Killed at frame 10000 or so, and gone on with when the tape has them no
 * more. */
static void test_more_events_than_the_tape_keeps_before_a_resume(void **unused)
{
	struct take_plan plan;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 1, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	take = begin_take(&info, TAKE_FOREVER);
	fake_tape_play(&tape, 10000);
	wait_until(take, has_synced, BLOCK);
	fake_storage_reset(FAKE_FREEZE, 1, FAKE_UNDONE);
	fake_tape_play(&tape, 10000);
	wait_over(take);
	take_destroy(take);
	lose_often();
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	plan = plan_take(&tape, NULL);
	plan.stop = 20000 + 4 * TAPE_EVENTS;
	assert_int_equal(take_resume(&take, &plan), 0);
	wait_done(take);
	take_destroy(take);
	expect_gaps(TAPE_EVENTS);
}

/* --- too slow for the tape --- */

static void test_a_stall_that_the_tape_outlives(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, 1u << 17);
	plan_all(&info, &tape, 0);
	take = begin_take(&info, TAKE_FOREVER);
	wait_until(take, is_recording, 0);
	fake_storage_hold(true);
	fake_tape_play(&tape, 90000);
	fake_storage_hold(false);
	take_stop(take, 90000, "stop");
	end_take(take, &checked);
	assert_int_equal(checked.info.frames, 90000);
	assert_int_equal(checked.info.gap_count, 0);
	checked_finish(&checked);
}

static void test_a_stall_that_the_tape_does_not_outlive(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, 1u << 16);
	fake_tape_play(&tape, 50000);
	plan_all(&info, &tape, 45000);
	take = begin_take(&info, TAKE_FOREVER);
	wait_until(take, has_encoded, BLOCK);
	fake_storage_hold(true);
	fake_tape_play(&tape, 200000);
	fake_storage_hold(false);
	take_mark(take, 50000, "wake up");
	wait_until(take, has_encoded, 200000);
	fake_tape_play(&tape, 10000);
	take_stop(take, 260000, "stop");
	end_take(take, &checked);
	assert_int_equal(checked.info.frames, 260000 - 45000);
	assert_int_equal(checked.info.gap_count, 1);
	assert_string_equal(
		json_string_value(json_object_get(gap(&checked, 0), "cause")),
		"overrun");
	/* Not more than must be: the guard, and a block. Two slices of a block
	 * may have been encoded while it was being played. */
	assert_in_range(checked.info.gap_frames, 200000 - 65536 - 2 * BLOCK,
			200000 - 65536 + 16384 + 2 * BLOCK);
	checked_finish(&checked);
}

#ifndef __SANITIZE_THREAD__
/* The writer has seconds to catch up with when the tape comes round, and round
 * again, faster than anybody can encode. */
static void test_lapped_while_reading(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 48000, 1u << 19);
	fake_tape_play(&tape, 1u << 19);
	plan_all(&info, &tape, 0);
	info.level = 8;
	take = begin_take(&info, TAKE_FOREVER);
	wait_until(take, has_encoded, 1);
	for (unsigned i = 0; i < 20000; i++)
		fake_tape_play(&tape, 512);
	take_stop(take, fake_tape_end(&tape), "stop");
	end_take(take, &checked);
	assert_int_equal(checked.info.frames, fake_tape_end(&tape));
	assert_true(checked.info.gap_count > 0);
	checked_finish(&checked);
}

#endif

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_arming_is_not_later_and_disarming_not_earlier),
		CASE(test_one_that_waits_has_what_it_is_told_first),
		CASE(test_a_track_that_is_never_armed_has_no_file),
		CASE(test_all_tracks_armed_late),
		CASE(test_arming_a_track_that_does_not_exist),
		CASE(test_the_last_word_counts),
		CASE(test_too_many_commands_are_refused),
		CASE(test_markers),
		CASE(test_a_name_cut_in_mid_character),
		CASE(test_markers_just_before_the_stop_are_not_lost),
		CASE(test_markers_of_a_take_in_parts),
		CASE(test_more_markers_than_fit_into_the_head),
		CASE(test_gaps_of_the_tape),
		CASE(test_a_surplus_is_no_gap),
		CASE(test_more_events_than_the_tape_keeps),
		CASE(test_more_events_than_the_tape_keeps_before_it_begins),
		CASE(test_events_long_before_it_begins_are_not_missed),
		CASE(test_more_events_than_the_tape_keeps_before_a_resume),
		CASE(test_a_stall_that_the_tape_outlives),
		CASE(test_a_stall_that_the_tape_does_not_outlive),
#ifndef __SANITIZE_THREAD__ /* the race is what is tested */
		CASE(test_lapped_while_reading),
#endif
	};

	return cmocka_run_group_tests_name("take_events", tests, NULL, NULL);
}
