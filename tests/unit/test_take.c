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

static struct fake_tape tape;

static int set_up(void **unused)
{
	(void)unused;
	fake_storage_open();
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	fake_tape_close(&tape);
	fake_storage_close();
	return 0;
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mono_tracks, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_sixteen_bits, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_stereo_pairs_and_mono_tracks_together, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_sixty_four_tracks, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_from_any_place_of_the_ring_to_any, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_round_and_round_the_ring,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_stop_before_anything_was_encoded, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("take", tests, NULL, NULL);
}
