/*
 * meter: levels fall in dB at a constant speed, so the bar is kept in dB; the
 * mean square falls exponentially, so it is kept as a power.
 *
 * Everything follows the time stamps, not the number of updates: a panel that
 * redraws late shows the same fall as one that does not.
 */
#include "engine/meter.h"

#include <math.h>

/* Beyond this nothing of the past is left in any of the levels. */
#define LONG_AGO_NS 60000000000LL

static float decibels(double power)
{
	float db;

	if (power <= 0.0)
		return METER_FLOOR_DB;
	db = 10.0f * log10f((float)power);
	return db > METER_FLOOR_DB ? db : METER_FLOOR_DB;
}

void meter_init(struct meter *meter)
{
	*meter = (struct meter){
		.peak_db = METER_FLOOR_DB,
		.hold_db = METER_FLOOR_DB,
	};
}

void meter_reset_clips(struct meter *meter)
{
	meter->clips = 0;
}

/* Adds up |x|^2 rather than x * x: SSE2 multiplies only unsigned numbers. */
uint64_t meter_square_sum(const int32_t *samples, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		int32_t sign = samples[i] >> 31;
		uint32_t magnitude = (uint32_t)((samples[i] ^ sign) - sign);

		sum += (uint64_t)magnitude * magnitude;
	}
	return sum;
}

/* Of full scale = 1. */
static double mean_square(const int32_t *samples, size_t count, double full)
{
	double sum = 0.0;

	for (size_t done = 0; done < count;) {
		size_t n = count - done;

		if (n > METER_SQUARE_SUM_MAX)
			n = METER_SQUARE_SUM_MAX;
		sum += (double)meter_square_sum(samples + done, n);
		done += n;
	}
	return count > 0 ? sum / (double)count / (full * full) : 0.0;
}

/* Since the last update; the first one has no past to fall from. */
static int64_t elapsed_ns(const struct meter *meter, int64_t now_ns)
{
	if (meter->time_ns == 0 || now_ns - meter->time_ns > LONG_AGO_NS)
		return LONG_AGO_NS;
	return now_ns > meter->time_ns ? now_ns - meter->time_ns : 0;
}

static void update_peak(struct meter *meter, float db, double seconds,
			int64_t now_ns)
{
	float fallen = meter->peak_db - (float)(METER_FALL_DB_PER_S * seconds);

	if (fallen < METER_FLOOR_DB)
		fallen = METER_FLOOR_DB;
	meter->peak_db = db > fallen ? db : fallen;

	if (db >= meter->hold_db) {
		meter->hold_db = db;
		meter->hold_until_ns = now_ns + METER_HOLD_NS;
	} else if (now_ns >= meter->hold_until_ns) {
		meter->hold_db = meter->peak_db;
	}
}

void meter_update(struct meter *meter, uint32_t peak_level, uint32_t clips,
		  unsigned bits, const int32_t *samples, size_t count,
		  int64_t now_ns)
{
	double seconds = (double)elapsed_ns(meter, now_ns) / 1e9;
	double full = (double)(1U << (bits - 1));
	double peak = peak_level / full;
	double now = mean_square(samples, count, full);

	update_peak(meter, decibels(peak * peak), seconds, now_ns);
	meter->mean_square = now + (meter->mean_square - now) *
					   exp(-seconds / METER_RMS_SECONDS);
	meter->clips += clips;
	meter->time_ns = now_ns;
}

struct meter_reading meter_read(const struct meter *meter)
{
	return (struct meter_reading){
		.peak_db = meter->peak_db,
		.hold_db = meter->hold_db,
		.rms_db = decibels(meter->mean_square),
		.clips = meter->clips,
	};
}
