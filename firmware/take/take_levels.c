/*
 * The largest sample of each track, and how often it clipped, exactly for what
 * is in the files: a medium can fail and take the last seconds back, and what
 * a take claims of them goes with them.
 */
#include "take/take_private.h"

#include <errno.h>

static void add(struct take_level *sum, const struct take_level *more)
{
	if (more->peak > sum->peak)
		sum->peak = more->peak;
	sum->clips += more->clips;
}

static uint32_t largest_sample(const struct take *take, unsigned channel,
			       uint64_t from, uint64_t to)
{
	uint32_t largest = 0;

	while (from < to) {
		size_t count = (size_t)(to - from);
		const int32_t *sample =
			tape_samples(&take->tape, channel, from, &count);

		for (size_t i = 0; i < count; i++) {
			uint32_t size = sample[i] < 0 ? -(uint32_t)sample[i]
						      : (uint32_t)sample[i];

			if (size > largest)
				largest = size;
		}
		from += count;
	}
	return largest;
}

/* Of tape positions [from, to): whole blocks by the tape's own peaks, begun
 * ones by their samples, since the rest of them is not the take's. A clip
 * counts where its block ends. */
static struct take_level level_of(const struct take *take, unsigned channel,
				  uint64_t from, uint64_t to)
{
	uint64_t first = from + TAPE_PEAK_FRAMES - 1;
	uint64_t last = to - to % TAPE_PEAK_FRAMES;
	struct take_level level = {0}, edge = {0};

	first -= first % TAPE_PEAK_FRAMES;
	if (first > last)
		return (struct take_level){
			.peak = largest_sample(take, channel, from, to)};
	if (first < last)
		level.peak = tape_peak(&take->tape, channel, first, last).level;
	if (from < last)
		level.clips = tape_peak(&take->tape, channel, from, last).clips;
	edge.peak = largest_sample(take, channel, from, first);
	add(&level, &edge);
	edge.peak = largest_sample(take, channel, last, to);
	add(&level, &edge);
	return level;
}

/* A track's, of frames [from, to) of the take. */
static struct take_level track_level(const struct take *take, unsigned index,
				     uint64_t from, uint64_t to)
{
	const struct take_track *track = &take->info.track[index];
	struct take_level level = {0};

	for (unsigned c = 0; c < track->channel_count && from < to; c++) {
		struct take_level one = level_of(take, track->channels[c],
						 take->info.start + from,
						 take->info.start + to);

		add(&level, &one);
	}
	return level;
}

static void show(struct take *take, unsigned index)
{
	struct take_level level = take->level[index].whole;

	add(&level, &take->level[index].tail);
	take->info.track[index].peak = level.peak;
	take->info.track[index].clips = level.clips;
}

/* whole: of them, what has come out of the encoders. */
void take_measure(struct take *take, uint64_t from, uint64_t to, uint64_t whole,
		  bool silent)
{
	if (whole < from)
		whole = from;
	for (unsigned i = 0; i < take->info.tracks; i++) {
		struct take_level *tail = &take->level[i].tail, more = {0};

		add(&take->level[i].whole, tail);
		*tail = (struct take_level){0};
		if (take->live[i] && !silent) {
			more = track_level(take, i, from, whole);
			*tail = track_level(take, i, whole, to);
		}
		add(&take->level[i].whole, &more);
		show(take, i);
	}
}

void take_levels_are_safe(struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++) {
		take->level[i].safe = take->level[i].whole;
		if (take->durable == take->fed)
			add(&take->level[i].safe, &take->level[i].tail);
	}
}

void take_levels_back(struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++) {
		take->level[i].whole = take->level[i].safe;
		take->level[i].tail = (struct take_level){0};
		show(take, i);
	}
}

static void add_from_tape(struct take *take, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < take->info.tracks; i++) {
		struct take_level level;

		if (!take_info_sounds(&take->info, i, from))
			continue;
		level = track_level(take, i, from, to);
		if (tape_valid(&take->tape, take->info.start + from))
			add(&take->level[i].safe, &level);
	}
}

/* The ledger's last word is a few seconds old; the tape, if there is one, still
 * has those. */
void take_levels_resume(struct take *take)
{
	const json_t *last = json_array_get(
		take->info.levels, json_array_size(take->info.levels) - 1);
	uint64_t at = (uint64_t)json_integer_value(json_object_get(last, "at"));

	for (unsigned i = 0; i < take->info.tracks; i++)
		take->level[i].safe = (struct take_level){
			.peak = take->info.track[i].peak,
			.clips = take->info.track[i].clips,
		};
	while (take->tape.header && at < take->durable) {
		uint64_t to = at + ENCODER_BLOCK;

		if (to > take->durable)
			to = take->durable;
		add_from_tape(take, at, to);
		at = to;
	}
	take_levels_back(take);
}

/* As of the last sync; nothing if nothing is new. */
int take_note_levels(struct take *take)
{
	const json_t *last = json_array_get(
		take->info.levels, json_array_size(take->info.levels) - 1);
	json_t *peaks = json_array(), *clips = json_array();
	int error = peaks && clips ? 0 : -ENOMEM;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		const struct take_level *safe = &take->level[i].safe;

		if (json_array_append_new(peaks, json_integer(safe->peak)) ||
		    json_array_append_new(clips, json_integer(safe->clips)))
			error = -ENOMEM;
	}
	if (error < 0 || (json_equal(json_object_get(last, "peaks"), peaks) &&
			  json_equal(json_object_get(last, "clips"), clips))) {
		json_decref(peaks);
		json_decref(clips);
		return error;
	}
	return take_note(take, json_pack("{ss sI so so}", "type", "levels",
					 "at", (json_int_t)take->durable,
					 "peaks", peaks, "clips", clips));
}
