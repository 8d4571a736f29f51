/* meter: what IEC 60268-18 asks of a digital meter, read off the bar. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/meter.h"

#define SECOND	1000000000LL
#define FULL_24 (1 << 23)
#define START	(1000 * SECOND)

static void assert_near(double got, double expected, double tolerance)
{
	if (fabs(got - expected) > tolerance)
		fail_msg("%f is not %f +- %f", got, expected, tolerance);
}

static void silence(struct meter *meter, int64_t now_ns)
{
	meter_update(meter, 0, 0, 24, NULL, 0, now_ns);
}

static void it_starts_at_the_floor(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	assert_near(meter_read(&meter).peak_db, METER_FLOOR_DB, 0);
	assert_near(meter_read(&meter).hold_db, METER_FLOOR_DB, 0);
	assert_near(meter_read(&meter).rms_db, METER_FLOOR_DB, 0);
	silence(&meter, START);
	assert_near(meter_read(&meter).peak_db, METER_FLOOR_DB, 0);
}

static void one_sample_shows_its_peak_at_once(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	silence(&meter, START);
	meter_update(&meter, FULL_24, 0, 24, NULL, 0, START + 1);
	assert_near(meter_read(&meter).peak_db, 0, 0.001);
	meter_init(&meter);
	meter_update(&meter, 16384, 0, 16, NULL, 0, START);
	assert_near(meter_read(&meter).peak_db, -6.02, 0.01);
	meter_init(&meter);
	meter_update(&meter, 1, 0, 24, NULL, 0, START);
	assert_near(meter_read(&meter).peak_db, -138.47, 0.01);
}

/* Whether it is redrawn often or seldom. */
static void it_returns_20_db_in_1_7_seconds_at_constant_speed(void **state)
{
	static const int updates[] = {1, 7, 43, 1000};

	(void)state;
	for (int u = 0; u < 4; u++) {
		struct meter meter;
		int64_t end = START + SECOND * 17 / 10;

		meter_init(&meter);
		meter_update(&meter, FULL_24 / 2, 0, 24, NULL, 0, START);
		for (int i = 1; i <= updates[u]; i++)
			silence(&meter, START + (end - START) * i / updates[u]);
		assert_near(meter_read(&meter).peak_db, -26.02, 0.05);
		silence(&meter, START + 2 * (end - START));
		assert_near(meter_read(&meter).peak_db, -46.02, 0.05);
		silence(&meter, START + 100 * SECOND);
		assert_near(meter_read(&meter).peak_db, METER_FLOOR_DB, 0);
	}
}

static void a_lower_peak_does_not_hold_the_bar_up(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	meter_update(&meter, FULL_24, 0, 24, NULL, 0, START);
	meter_update(&meter, FULL_24 / 1024, 0, 24, NULL, 0, START + SECOND);
	assert_near(meter_read(&meter).peak_db, -METER_FALL_DB_PER_S, 0.01);
}

static void the_maximum_is_held_then_released_to_the_bar(void **state)
{
	struct meter meter;
	struct meter_reading reading;

	(void)state;
	meter_init(&meter);
	meter_update(&meter, FULL_24, 0, 24, NULL, 0, START);
	for (int i = 1; i < 30; i++) {
		silence(&meter, START + METER_HOLD_NS * i / 30);
		assert_near(meter_read(&meter).hold_db, 0, 0.001);
	}
	silence(&meter, START + METER_HOLD_NS);
	reading = meter_read(&meter);
	assert_near(reading.hold_db, reading.peak_db, 0);
	assert_true(reading.peak_db < -10);
	silence(&meter, START + METER_HOLD_NS + SECOND);
	reading = meter_read(&meter);
	assert_near(reading.hold_db, reading.peak_db, 0);
}

static void an_equal_peak_starts_the_hold_anew(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	meter_update(&meter, FULL_24, 0, 24, NULL, 0, START);
	meter_update(&meter, FULL_24, 0, 24, NULL, 0, START + SECOND);
	silence(&meter, START + METER_HOLD_NS);
	assert_near(meter_read(&meter).hold_db, 0, 0.001);
}

/* 1 kHz of the given amplitude for the given time in 40 ms updates. */
static int64_t play_sine(struct meter *meter, int32_t amplitude, int updates,
			 int64_t now_ns)
{
	static int32_t samples[1920];

	for (int i = 0; i < 1920; i++)
		samples[i] =
			(int32_t)lrint(amplitude * sin(2 * M_PI * i / 48.0));
	for (int i = 0; i < updates; i++) {
		now_ns += SECOND / 25;
		meter_update(meter, (uint32_t)amplitude, 0, 24, samples, 1920,
			     now_ns);
	}
	return now_ns;
}

static void rms_of_a_sine_is_3_db_below_its_peak(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	play_sine(&meter, FULL_24 - 1, 100, START);
	assert_near(meter_read(&meter).peak_db, 0, 0.01);
	assert_near(meter_read(&meter).rms_db, -3.01, 0.02);
}

static void rms_follows_its_time_constant(void **state)
{
	struct meter meter;
	int64_t now_ns;

	(void)state;
	meter_init(&meter);
	now_ns = play_sine(&meter, FULL_24 / 2, 100, START);
	silence(&meter, now_ns + (int64_t)(METER_RMS_SECONDS * 1e9));
	assert_near(meter_read(&meter).rms_db, -9.03 - 4.34, 0.03);
}

static void clips_add_up_until_reset(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	meter_update(&meter, FULL_24, 2, 24, NULL, 0, START);
	meter_update(&meter, FULL_24, 3, 24, NULL, 0, START + 1);
	assert_int_equal(meter_read(&meter).clips, 5);
	meter_reset_clips(&meter);
	assert_int_equal(meter_read(&meter).clips, 0);
}

static void a_clock_that_stands_or_goes_back_does_no_harm(void **state)
{
	struct meter meter;

	(void)state;
	meter_init(&meter);
	meter_update(&meter, FULL_24, 0, 24, NULL, 0, START);
	silence(&meter, START);
	silence(&meter, START - SECOND);
	assert_near(meter_read(&meter).peak_db, 0, 0.001);
}

static void square_sums_are_exact(void **state)
{
	static int32_t samples[1037];

	(void)state;
	for (int i = 0; i < 1037; i++)
		samples[i] = (int32_t)((uint32_t)i * 2654435761U) >> 8;
	samples[0] = -FULL_24;
	samples[1] = FULL_24 - 1;
	for (size_t count = 0; count < 1037; count++) {
		for (size_t from = 0; from < 4 && from <= count; from++) {
			uint64_t expected = 0;

			for (size_t i = from; i < count; i++)
				expected += (uint64_t)((int64_t)samples[i] *
						       samples[i]);
			assert_true(meter_square_sum(samples + from,
						     count - from) == expected);
		}
	}
}

static void a_long_run_of_full_scale_does_not_overflow(void **state)
{
	size_t count = 2 * METER_SQUARE_SUM_MAX + 5;
	int32_t *samples = malloc(count * sizeof(*samples));
	struct meter meter;

	(void)state;
	assert_non_null(samples);
	for (size_t i = 0; i < count; i++)
		samples[i] = -FULL_24;
	meter_init(&meter);
	meter_update(&meter, FULL_24, 0, 24, samples, count, START);
	assert_near(meter_read(&meter).rms_db, 0, 0.001);
	free(samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_starts_at_the_floor),
		cmocka_unit_test(one_sample_shows_its_peak_at_once),
		cmocka_unit_test(
			it_returns_20_db_in_1_7_seconds_at_constant_speed),
		cmocka_unit_test(a_lower_peak_does_not_hold_the_bar_up),
		cmocka_unit_test(the_maximum_is_held_then_released_to_the_bar),
		cmocka_unit_test(an_equal_peak_starts_the_hold_anew),
		cmocka_unit_test(rms_of_a_sine_is_3_db_below_its_peak),
		cmocka_unit_test(rms_follows_its_time_constant),
		cmocka_unit_test(clips_add_up_until_reset),
		cmocka_unit_test(a_clock_that_stands_or_goes_back_does_no_harm),
		cmocka_unit_test(square_sums_are_exact),
		cmocka_unit_test(a_long_run_of_full_scale_does_not_overflow),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
