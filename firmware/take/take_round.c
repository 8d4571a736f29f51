/*
 * One round of encoding: all tracks from where they stand to the same position,
 * in groups of neighbours, so that the MD5 of a group can be taken side by side
 * while its samples are still in the cache. The encoders read the tape itself.
 *
 * Rounds end on block borders (but for the last one), so arming, losses and
 * checkpoints all fall between blocks, and no MD5 ever stands in mid-word when
 * it is claimed.
 */
#include "take/take_private.h"

#include <errno.h>
#include <malloc.h>

static const int32_t silence[ENCODER_BLOCK];

static bool sounds(const struct take *take, unsigned index)
{
	return take->live[index] && !take->round.silent;
}

/* Planes of a track at a position of the take; *frames cut to what lies
 * contiguously. */
static void find_planes(const struct take *take, unsigned index, uint64_t at,
			size_t *frames, const int32_t *planes[2])
{
	const struct take_track *track = &take->info.track[index];

	for (unsigned c = 0; c < track->channel_count; c++)
		planes[c] =
			sounds(take, index)
				? tape_samples(&take->tape, track->channels[c],
					       take->info.start + at, frames)
				: silence;
}

static int feed(struct take *take, unsigned index)
{
	uint64_t at = take->round.from;
	int error = 0;

	while (at < take->round.to && error == 0) {
		uint64_t left = take->round.to - at;
		size_t frames =
			left < ENCODER_BLOCK ? (size_t)left : ENCODER_BLOCK;
		const int32_t *planes[2];

		find_planes(take, index, at, &frames, planes);
		error = track_feed(&take->track[index], planes,
				   (unsigned)frames);
		at += frames;
	}
	if (error == 0 && take->round.drain)
		error = track_drain(&take->track[index]);
	return error;
}

struct lanes {
	struct md5_state *state[MD5_LANES_MAX];
	unsigned index[MD5_LANES_MAX];
	unsigned count, channels;
};

static void hash_range(struct take *take, const struct lanes *lanes,
		       uint64_t from, uint64_t to)
{
	while (from < to) {
		struct md5_source source[MD5_LANES_MAX];
		size_t frames = to - from;

		/* All lie at the same place of their rings. */
		tape_samples(&take->tape, 0, take->info.start + from, &frames);
		for (unsigned i = 0; i < lanes->count; i++) {
			if (sounds(take, lanes->index[i])) {
				find_planes(take, lanes->index[i], from,
					    &frames, source[i].plane);
			} else {
				source[i].plane[0] = NULL;
				source[i].plane[1] = NULL;
			}
		}
		md5_update(lanes->state, source, lanes->count, lanes->channels,
			   take->info.bits / 8, frames);
		from += frames;
	}
}

/* Up to the last block that has come out of the encoder, then the rest. */
static void hash(struct take *take, const struct lanes *lanes)
{
	uint64_t from = take->round.from, to = take->round.to;
	uint64_t middle = take_whole_frames(take, to, take->round.drain);

	if (lanes->count == 0)
		return;
	if (middle < from)
		middle = from;
	hash_range(take, lanes, from, middle);
	for (unsigned i = 0; i < lanes->count; i++)
		take->track[lanes->index[i]].snapshot = *lanes->state[i];
	hash_range(take, lanes, middle, to);
}

static void hash_group(struct take *take, const unsigned *index, unsigned count)
{
	for (unsigned channels = 1; channels <= 2; channels++) {
		struct lanes lanes = {.channels = channels};

		for (unsigned i = 0; i < count; i++) {
			if (take->info.track[index[i]].channel_count !=
			    channels)
				continue;
			lanes.index[lanes.count] = index[i];
			lanes.state[lanes.count++] = &take->track[index[i]].md5;
		}
		hash(take, &lanes);
	}
}

static void do_group(void *context, unsigned job)
{
	struct take *take = context;
	unsigned first = job * take->round.group;
	unsigned count = take->round.count - first;

	if (count > take->round.group)
		count = take->round.group;
	for (unsigned i = 0; i < count; i++) {
		int error = feed(take, take->round.index[first + i]);

		if (error < 0)
			__atomic_store_n(&take->worker_error, error,
					 __ATOMIC_RELAXED);
	}
	hash_group(take, &take->round.index[first], count);
}

/* Half of what libFLAC asks for it never touches (side channels of a mono
 * track), so that 32 encoders take 5 MiB of memory. Were they made anew among
 * the remains of the old ones they would lie in pages that these have touched,
 * and take twice that after a few changes of the level. */
void take_give_back(void)
{
	malloc_trim(0);
}

int take_encode(struct take *take, uint64_t to, bool silent, bool drain)
{
	unsigned threads = pool_threads(take->pool), jobs;

	take->round.from = take->fed;
	take->round.to = to;
	take->round.silent = silent;
	take->round.drain = drain;
	take->round.count = 0;
	take->worker_error = 0;
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			take->round.index[take->round.count++] = i;
	take->round.group = (take->round.count + threads - 1) / threads;
	if (take->round.group > MD5_LANES_MAX)
		take->round.group = MD5_LANES_MAX;
	if (take->round.group == 0)
		take->round.group = 1;
	jobs = (take->round.count + take->round.group - 1) / take->round.group;
	pool_run(take->pool, do_group, take, jobs);
	take_measure(take, take->fed, to, take_whole_frames(take, to, drain),
		     silent);
	take->fed = to;
	if (drain)
		take_give_back();
	return take->worker_error;
}
