/*
 * meter: the ballistics of a digital peak meter with hold and clip, from the
 * tape's peaks and samples.
 *
 * After IEC 60268-18 (BS 6840-18), "Peak programme level meters - Guide for
 * digital audio level meter": a sample peak shows at once; the return time is
 * 1.7 s +- 0.3 s for 20 dB at constant speed; a maximum is held for
 * 1.0 s +- 0.5 s. RMS is not in that standard: 300 ms, exponential.
 *
 * Pure; one thread at a time. Levels are dBFS relative to a full-scale sine's
 * peak (largest |sample| = 0 dBFS), floor METER_FLOOR_DB.
 */
#ifndef TAKEBOX_METER_H
#define TAKEBOX_METER_H

#include <stddef.h>
#include <stdint.h>

#define METER_FLOOR_DB	     -150.0f
#define METER_FALL_DB_PER_S  (20.0 / 1.7)
#define METER_HOLD_NS	     1500000000LL
#define METER_RMS_SECONDS    0.3    /* time constant of the mean square */
#define METER_SQUARE_SUM_MAX 262143 /* full-scale squares fit 64 bits */

struct meter_reading {
	float peak_db;	/* bar: rises at once, falls at the standard's rate */
	float hold_db;	/* highest peak, held, then released to the bar */
	float rms_db;	/* over the last integration time, sine = peak - 3.01 */
	uint32_t clips; /* since meter_reset_clips */
};

struct meter {
	float peak_db, hold_db;
	int64_t hold_until_ns;
	double mean_square; /* exponential, full scale = 1 */
	uint32_t clips;
	int64_t time_ns; /* of the last update; 0: none yet */
};

void meter_init(struct meter *meter);
void meter_reset_clips(struct meter *meter);

/*
 * What came since the last update. peak_level: largest |sample| in units of
 * the tape; bits: its depth; samples[0..count): the newest samples for RMS
 * (may be fewer than came; count 0 leaves RMS falling). now_ns: monotonic.
 */
void meter_update(struct meter *meter, uint32_t peak_level, uint32_t clips,
		  unsigned bits, const int32_t *samples, size_t count,
		  int64_t now_ns);

struct meter_reading meter_read(const struct meter *meter);

/* Sum of squares of samples[0..count) as integers, exact for samples within 24
 * bits and count within METER_SQUARE_SUM_MAX; vectorised. */
uint64_t meter_square_sum(const int32_t *samples, size_t count);

#endif
