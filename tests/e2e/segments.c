/*
 * segments FILE.flac: what a recording of the counter pattern consists of, a
 * line for each stretch:
 *
 *     POSITION FRAMES counter FRAME CHANNEL
 *     POSITION FRAMES silence
 *     POSITION FRAMES noise
 *     POSITION FRAMES short   (noise of less than COUNTER_RUN frames: of the
 *                             counter, perhaps, but too few to tell)
 *
 * POSITION counts from the file's first sample; FRAME is the device's number of
 * the stretch's first frame. For shell tests to say what was lost, and where.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtual/counter.h"
#include "take/flac_check.h"

struct samples {
	int32_t *at;
	size_t count, room;
	unsigned bits;
};

static int keep(void *user, const int32_t *const *planes, unsigned count,
		uint64_t position)
{
	struct samples *samples = user;

	(void)position;
	if (samples->count + count > samples->room) {
		samples->room = (samples->count + count) * 2;
		samples->at = realloc(samples->at,
				      samples->room * sizeof(*samples->at));
		if (!samples->at)
			return -1;
	}
	memcpy(samples->at + samples->count, planes[0],
	       count * sizeof(*planes[0]));
	samples->count += count;
	return 0;
}

static size_t silence_at(const struct samples *samples, size_t at)
{
	size_t end = at;

	while (end < samples->count && samples->at[end] == 0)
		end++;
	return end - at >= COUNTER_RUN || end == samples->count ? end - at : 0;
}

static size_t counter_at(const struct samples *samples, size_t at,
			 int64_t *frame, unsigned *channel)
{
	size_t end = at;

	if (samples->count - at < COUNTER_RUN)
		return 0;
	*frame = counter_frame(samples->at + at, samples->bits, channel);
	if (*frame < 0)
		return 0;
	while (end < samples->count &&
	       samples->at[end] == counter_sample((uint64_t)*frame + (end - at),
						  *channel, samples->bits))
		end++;
	return end - at >= COUNTER_RUN ? end - at : 0;
}

static void print_segments(const struct samples *samples)
{
	size_t at = 0;

	while (at < samples->count) {
		size_t from = at, run;
		unsigned channel = 0;
		int64_t frame = 0;

		run = silence_at(samples, at);
		if (run > 0) {
			printf("%zu %zu silence\n", at, run);
			at += run;
			continue;
		}
		run = counter_at(samples, at, &frame, &channel);
		if (run > 0) {
			printf("%zu %zu counter %lld %u\n", at, run,
			       (long long)frame, channel);
			at += run;
			continue;
		}
		while (at < samples->count && silence_at(samples, at) == 0 &&
		       counter_at(samples, at, &frame, &channel) == 0)
			at++;
		printf("%zu %zu %s\n", from, at - from,
		       at - from < COUNTER_RUN ? "short" : "noise");
	}
}

int main(int argc, char **argv)
{
	struct samples samples = {0};
	struct flac_check_want want = {.samples = keep, .user = &samples};
	struct flac_check check;
	int error;

	if (argc != 2) {
		fprintf(stderr, "usage: segments FILE.flac\n");
		return 2;
	}
	error = flac_check_samples(argv[1], &want, &check);
	if (error < 0 || check.verdict == FLAC_NOT) {
		fprintf(stderr, "segments: %s cannot be read\n", argv[1]);
		return 1;
	}
	samples.bits = check.head.info.bits;
	print_segments(&samples);
	free(samples.at);
	return 0;
}
