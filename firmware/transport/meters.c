/* Peaks from the tape's peak blocks, RMS from its newest samples. */
#include "transport/meters.h"

#include <string.h>

#define RMS_SECONDS_PART 25 /* at most 1/25 s of samples per reading */

static void start_over(struct meters *meters, const struct tape *tape)
{
	meters->channels = tape->facts->channels;
	meters->position = tape_published(tape);
	memcpy(meters->tape, tape->facts->id, sizeof(meters->tape));
	for (unsigned c = 0; c < meters->channels; c++)
		meter_init(&meters->meter[c]);
}

static void read_channel(struct meters *meters, const struct tape *tape,
			 unsigned channel, uint64_t to, int64_t now_ns)
{
	const struct tape_facts *facts = tape->facts;
	uint64_t most = meters->peaks_only ? 0 : facts->rate / RMS_SECONDS_PART;
	uint64_t from = meters->position;
	struct peak peak = tape_peak(tape, channel, from, to);
	size_t count;
	const int32_t *samples;

	if (to - from > most)
		from = to - most;
	count = to - from;
	samples = tape_samples(tape, channel, from, &count);
	meter_update(&meters->meter[channel], peak.level, peak.clips,
		     facts->bits, samples, count, now_ns);
}

void meters_read(struct meters *meters, const struct tape *tape, int64_t now_ns)
{
	uint64_t to = tape_published(tape);

	if (meters->channels == 0 ||
	    memcmp(meters->tape, tape->facts->id, sizeof(meters->tape)) != 0)
		start_over(meters, tape);
	/* Whole peak blocks, so that no clip is counted twice. */
	to -= to % TAPE_PEAK_FRAMES;
	if (to < meters->position || meters->position < tape_oldest(tape))
		meters->position = to;
	for (unsigned c = 0; c < meters->channels; c++)
		read_channel(meters, tape, c, to, now_ns);
	meters->position = to;
}

void meters_reset_clips(struct meters *meters)
{
	for (unsigned c = 0; c < meters->channels; c++)
		meter_reset_clips(&meters->meter[c]);
}
