/*
 * take: takes from a real tape in memory onto a watched folder, decoded by
 * libFLAC and compared sample by sample.
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

/* --- helpers --- */

/* A whole take of what the tape has from start to stop. */
static void record(const struct take_info *info, uint64_t stop)
{
	struct take_plan plan = plan_take(&tape, info);
	struct checked checked;
	struct take *take;

	plan.stop = stop;
	assert_int_equal(take_start(&take, &plan), 0);
	wait_done(take);
	take_destroy(take);
	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, stop - info->start);
	checked_finish(&checked);
}

/* --- what is on the tape is in the files --- */

static void test_mono_tracks(void **unused)
{
	struct take_info info;

	(void)unused;
	fake_tape_open(&tape, 5, 24, 48000, RING);
	fake_tape_play(&tape, 150000);
	plan_all(&info, &tape, 0);
	record(&info, 150000);
}

static void test_sixteen_bits(void **unused)
{
	struct take_info info;

	(void)unused;
	fake_tape_open(&tape, 3, 16, 44100, RING);
	fake_tape_play(&tape, 100000);
	plan_all(&info, &tape, 777);
	record(&info, 100000);
}

static void test_stereo_pairs_and_mono_tracks_together(void **unused)
{
	struct take_info info;

	(void)unused;
	fake_tape_open(&tape, 8, 24, 48000, RING);
	fake_tape_play(&tape, 120000);
	plan_info(&info, &tape, 100);
	plan_track(&info, 0, 2, true);
	plan_track(&info, 7, 1, true);
	plan_track(&info, 2, 2, true);
	plan_track(&info, 4, 1, true);
	plan_track(&info, 5, 2, true);
	record(&info, 119999);
}

static void test_sixty_four_tracks(void **unused)
{
	struct take_info info;

	(void)unused;
	fake_tape_open(&tape, 64, 24, 96000, 1u << 16);
	fake_tape_play(&tape, 50000);
	plan_all(&info, &tape, 1);
	record(&info, 50000);
}

static void test_from_any_place_of_the_ring_to_any(void **unused)
{
	static const uint64_t length[] = {1,	     BLOCK - 1, BLOCK,
					  BLOCK + 1, 3 * BLOCK, 20000};
	uint32_t seed = 5;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, 32768);
	for (unsigned i = 0; i < 60; i++) {
		struct take_info info;
		uint64_t frames = length[i % 6];
		uint64_t start =
			fake_tape_end(&tape) + 1 + fake_chance(&seed, 40000);

		fake_tape_skip(&tape, start);
		fake_tape_play(&tape, frames);
		plan_all(&info, &tape, start);
		record(&info, start + frames);
		fake_storage_empty();
	}
}

static void test_round_and_round_the_ring(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct checked checked;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, 65536);
	fake_tape_play(&tape, 5000);
	plan_all(&info, &tape, 1234);
	plan = plan_take(&tape, &info);
	assert_int_equal(take_start(&take, &plan), 0);
	for (unsigned i = 0; i < 20; i++) {
		fake_tape_play(&tape, 16000);
		take_mark(take, fake_tape_end(&tape), "wake up");
		wait_until(take, has_encoded,
			   (fake_tape_end(&tape) - 1234) / BLOCK * BLOCK);
	}
	take_stop(take, fake_tape_end(&tape) - 7, "stop");
	wait_done(take);
	take_destroy(take);
	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, 325000 - 7 - 1234);
	assert_int_equal(checked.info.gap_count, 0);
	checked_finish(&checked);
}

static void test_a_start_that_is_still_to_come(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct checked checked;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 48000, RING);
	fake_tape_play(&tape, 1000);
	plan_all(&info, &tape, 5000);
	plan = plan_take(&tape, &info);
	plan.stop = 30000;
	assert_int_equal(take_start(&take, &plan), 0);
	wait_until(take, is_recording, 0);
	fake_tape_play(&tape, 40000);
	wait_done(take);
	take_destroy(take);
	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, 25000);
	checked_finish(&checked);
}

static void test_any_number_of_workers(void **unused)
{
	struct take_info info;

	(void)unused;
	fake_tape_open(&tape, 7, 24, 48000, RING);
	fake_tape_play(&tape, 60000);
	for (unsigned workers = 1; workers <= 9; workers += 2) {
		struct take_plan plan;
		struct checked checked;
		struct take *take;

		plan_all(&info, &tape, 0);
		plan = plan_take(&tape, &info);
		plan.workers = workers;
		plan.stop = 60000;
		assert_int_equal(take_start(&take, &plan), 0);
		wait_done(take);
		take_destroy(take);
		check_take(&checked, &tape);
		checked_finish(&checked);
		fake_storage_empty();
	}
}

static void test_a_tape_that_does_not_fit_is_refused(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 48000, RING);
	plan_all(&info, &tape, 0);
	info.track[1].channels[0] = 2;
	plan = plan_take(&tape, &info);
	assert_int_equal(take_start(&take, &plan), -EINVAL);
	assert_null(take);
	assert_int_equal(fcntl(plan.dir, F_GETFD), -1);
	info.track[1].channels[0] = 1;
	info.rate = 44100;
	plan = plan_take(&tape, &info);
	assert_int_equal(take_start(&take, &plan), -EINVAL);
}

/* --- stops --- */

static void test_stop_before_anything_was_encoded(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct checked checked;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 48000, RING);
	fake_tape_play(&tape, 10000);
	plan_all(&info, &tape, 9000);
	plan = plan_take(&tape, &info);
	plan.stop = 8000;
	assert_int_equal(take_start(&take, &plan), 0);
	wait_done(take);
	take_destroy(take);
	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, 0);
	checked_finish(&checked);
}

static void test_an_earlier_stop_counts_a_later_one_does_not(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	take = begin_take(&info, 50000);
	take_stop(take, 30001, "stop");
	take_stop(take, 40000, "too late");
	fake_tape_play(&tape, 30001);
	end_take(take, &checked);
	assert_int_equal(checked.info.frames, 30001);
	assert_string_equal(checked.info.reason, "stop");
	checked_finish(&checked);
}

static void test_a_stop_in_the_past_keeps_what_is_encoded(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	fake_tape_play(&tape, 5 * BLOCK);
	take = begin_take(&info, TAKE_FOREVER);
	wait_until(take, has_encoded, 5 * BLOCK);
	take_stop(take, 0, "shut down");
	end_take(take, &checked);
	assert_int_equal(checked.info.frames, 5 * BLOCK);
	assert_string_equal(checked.info.reason, "shut down");
	checked_finish(&checked);
}

static void test_the_end_of_the_tape_is_the_end_of_the_take(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	plan_all(&info, &tape, 0);
	take = begin_take(&info, 1000000);
	fake_tape_play(&tape, 20003);
	tape_writer_state(&tape.writer, TAPE_ENDED);
	end_take(take, &checked);
	assert_int_equal(checked.info.frames, 20003);
	checked_finish(&checked);
}

/* --- parts --- */

static uint64_t largest_file(void)
{
	DIR *list = fdopendir(openat(fake.dir, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *entry;
	uint64_t largest = 0;

	while ((entry = readdir(list))) {
		struct stat stat;

		assert_int_equal(fstatat(fake.dir, entry->d_name, &stat, 0), 0);
		if ((uint64_t)stat.st_size > largest)
			largest = (uint64_t)stat.st_size;
	}
	closedir(list);
	return largest;
}

static void test_parts_are_seamless_and_not_too_large(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct checked checked;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 5, 24, 48000, 1u << 20);
	fake_tape_play(&tape, 1000000);
	plan_info(&info, &tape, 77);
	plan_track(&info, 0, 1, true);
	plan_track(&info, 1, 2, true);
	plan_track(&info, 3, 1, false);
	plan_track(&info, 4, 1, true);
	plan = plan_take(&tape, &info);
	plan.max_file_bytes = 2 << 20;
	plan.stop = 1000000;
	assert_int_equal(take_start(&take, &plan), 0);
	take_arm(take, 3, true, 600000);
	end_take(take, &checked);
	assert_in_range(take_info_parts(&checked.info), 3, 20);
	assert_int_equal(faccessat(fake.dir, "01-Track-1_2.flac", F_OK, 0), 0);
	assert_true(largest_file() <= 2 << 20);
	checked_finish(&checked);
}

static void test_a_stop_anywhere_near_a_new_part(void **unused)
{
	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, RING);
	fake_tape_play(&tape, 100000);
	for (uint64_t stop = 1; stop < 14 * BLOCK; stop += BLOCK / 2) {
		struct checked checked;
		struct take_info info;
		struct take_plan plan;
		struct take *take;

		plan_info(&info, &tape, 1);
		plan_track(&info, 0, 1, true);
		plan_track(&info, 1, 2, true);
		plan = plan_take(&tape, &info);
		plan.max_file_bytes = 200000;
		plan.stop = TAKE_FOREVER;
		assert_int_equal(take_start(&take, &plan), 0);
		wait_until(take, has_encoded, stop / BLOCK * BLOCK);
		take_stop(take, stop, "stop");
		end_take(take, &checked);
		assert_true(checked.info.frames >= stop - 1);
		checked_finish(&checked);
		fake_storage_empty();
	}
}

/* --- levels --- */

static void test_peaks_are_those_of_the_take(void **unused)
{
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, RING);
	fake_tape_play(&tape, 60000);
	for (uint64_t start = 1001; start < 1020; start += 3) {
		uint64_t stop = start + 25000 + start % 7;

		plan_all(&info, &tape, start);
		take = begin_take(&info, stop);
		end_take(take, &checked);
		for (unsigned c = 0; c < 3; c++) {
			uint32_t peak = 0;

			for (uint64_t p = start; p < stop; p++) {
				uint32_t size =
					fake_size(fake_sample(&tape, c, p));

				peak = size > peak ? size : peak;
			}
			assert_int_equal(checked.info.track[c].peak, peak);
		}
		checked_finish(&checked);
		fake_storage_empty();
	}
}

/* --- the order of things on the medium --- */

static const char *find_last(const char *text, const char *what)
{
	const char *found = NULL, *next = text;

	while ((next = strstr(next, what)))
		found = next++;
	return found;
}

static void test_the_order_of_syncs(void **unused)
{
	struct take_info info;
	char *story, *first_sound, *ledger;
	size_t size;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	fake_tape_play(&tape, 20000);
	plan_all(&info, &tape, 0);
	fake.story = open_memstream(&story, &size);
	record(&info, 20000);
	fclose(fake.story);
	/* What the take is, then its files, then their names, then sound. */
	ledger = strstr(story, "sync take.ledger");
	assert_non_null(ledger);
	assert_true(ledger < strstr(story, "create 01-Track-1.flac"));
	first_sound = strstr(story, "@16384");
	assert_true(strstr(story, "sync 02-Track-2.flac") <
		    strstr(story, "syncdir"));
	assert_true(strstr(story, "syncdir") < first_sound);
	/* Tags before the heads that say that all is there, those before the
	 * end; take.json is the last word. */
	assert_true(find_last(story, "write 02-Track-2.flac 15872@512") <
		    find_last(story, "write 01-Track-1.flac 512@0"));
	assert_true(find_last(story, "sync 02-Track-2.flac") <
		    find_last(story, "write take.ledger"));
	assert_true(find_last(story, "write take.ledger") <
		    find_last(story, "sync take.ledger"));
	assert_true(find_last(story, "sync take.ledger") <
		    find_last(story, "write take.json"));
	assert_true(find_last(story, "sync take.json") <
		    find_last(story, "syncdir"));
	free(story);
}

static void test_status_tells_what_is_safe(void **unused)
{
	struct take_status status;
	struct take_info info;
	struct take_plan plan;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	fake_tape_play(&tape, 50000);
	plan_all(&info, &tape, 1000);
	plan = plan_take(&tape, &info);
	assert_int_equal(take_start(&take, &plan), 0);
	status = wait_until(take, has_synced, 10 * BLOCK);
	assert_int_equal(status.state, TAKE_RECORDING);
	assert_int_equal(status.start, 1000);
	assert_int_equal(status.durable, 10 * BLOCK);
	assert_int_equal(status.encoded, 11 * BLOCK);
	assert_int_equal(status.files, 2);
	assert_true(status.bytes > 2 * FLAC_HEAD_BYTES);
	take_stop(take, 50000, "enough");
	status = wait_done(take);
	assert_int_equal(status.durable, 49000);
	assert_string_equal(status.reason, "enough");
	assert_int_equal(take_result(take)->frames, 49000);
	take_destroy(take);
}

static void test_the_first_sync_does_not_wait_an_interval(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct take *take;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	fake_tape_play(&tape, 50000);
	plan_all(&info, &tape, 1000);
	plan = plan_take(&tape, &info);
	plan.sync_seconds = 1e6;
	assert_int_equal(take_start(&take, &plan), 0);
	wait_until(take, has_synced, BLOCK);
	take_stop(take, 50000, "stop");
	wait_done(take);
	take_destroy(take);
}

/* Of what is played while a sync takes longer than the interval, the next sync
 * makes safe at once: not an interval after that. */
static void test_a_sync_is_due_an_interval_after_the_last_began(void **unused)
{
	const int64_t interval = 3 * NS_PER_S;
	struct take_info info;
	struct take_plan plan;
	struct take *take;
	int64_t held, released;

	(void)unused;
	fake_tape_open(&tape, 2, 24, 8000, RING);
	fake_tape_play(&tape, 5 * BLOCK);
	plan_all(&info, &tape, 0);
	plan = plan_take(&tape, &info);
	plan.sync_seconds = (double)interval / NS_PER_S;
	assert_int_equal(take_start(&take, &plan), 0);
	wait_until(take, is_recording, 0);
	fake_storage_hold(true);
	held = clock_now_ns();
	while (clock_now_ns() - held < interval + interval / 8)
		poll(NULL, 0, 20);
	fake_tape_play(&tape, 4 * BLOCK);
	released = clock_now_ns();
	fake_storage_hold(false);
	wait_until(take, has_synced, 8 * BLOCK);
	assert_true(clock_now_ns() - released < interval);
	take_stop(take, 9 * BLOCK, "stop");
	wait_done(take);
	take_destroy(take);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_mono_tracks),
		CASE(test_sixteen_bits),
		CASE(test_stereo_pairs_and_mono_tracks_together),
		CASE(test_sixty_four_tracks),
		CASE(test_from_any_place_of_the_ring_to_any),
		CASE(test_round_and_round_the_ring),
		CASE(test_a_start_that_is_still_to_come),
		CASE(test_any_number_of_workers),
		CASE(test_a_tape_that_does_not_fit_is_refused),
		CASE(test_stop_before_anything_was_encoded),
		CASE(test_an_earlier_stop_counts_a_later_one_does_not),
		CASE(test_a_stop_in_the_past_keeps_what_is_encoded),
		CASE(test_the_end_of_the_tape_is_the_end_of_the_take),
		CASE(test_parts_are_seamless_and_not_too_large),
		CASE(test_a_stop_anywhere_near_a_new_part),
		CASE(test_peaks_are_those_of_the_take),
		CASE(test_the_order_of_syncs),
		CASE(test_status_tells_what_is_safe),
		CASE(test_the_first_sync_does_not_wait_an_interval),
		CASE(test_a_sync_is_due_an_interval_after_the_last_began),
	};

	return cmocka_run_group_tests_name("take", tests, NULL, NULL);
}
