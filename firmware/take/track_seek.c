/*
 * Seek points for what a file had before it was gone on with: nobody saw those
 * frames pass. At evenly spread places the next header is looked for, and
 * counts if a whole frame follows. It reads some megabytes of a file of any
 * length.
 */
#include "take/track_private.h"

#include "take/flac_search.h"
#include "take/flac_strict.h"

#define MOST_PLACES 60

/* A header alone can be chance: does the frame decode? How many samples it has;
 * the file's last one may be short. 0: it is none. */
static unsigned count_samples(const struct track *track,
			      const struct flac_place *place)
{
	uint64_t left = track->unseen - place->sample;
	struct flac_strict strict = {
		.fd = track->file,
		.size = FLAC_HEAD_BYTES + track->unseen_bytes,
		.info = track->head.info,
		.end = place->sample +
		       (left < ENCODER_BLOCK ? left : ENCODER_BLOCK),
		.byte = place->byte,
		.sample = place->sample,
	};

	if (flac_strict_decode(&strict) < 0)
		return 0;
	return (unsigned)(strict.sample - place->sample);
}

static bool find(const struct track *track, uint64_t byte, uint64_t least,
		 struct flac_seekpoint *point)
{
	struct flac_place place;

	if (flac_search(track->file, &track->head.info, FLAC_HEAD_BYTES + byte,
			FLAC_HEAD_BYTES + track->unseen_bytes, least,
			track->unseen, &place) <= 0)
		return false;
	point->samples = count_samples(track, &place);
	point->sample = place.sample;
	point->offset = place.byte - FLAC_HEAD_BYTES;
	return point->samples > 0;
}

void track_find_seekpoints(struct track *track)
{
	uint64_t places = track->unseen / track->head.info.rate + 1;
	struct flac_seek_list seen = track->seek;
	uint64_t least = 0;

	if (track->unseen == 0)
		return;
	if (places > MOST_PLACES)
		places = MOST_PLACES;
	flac_seek_init(&track->seek, track->head.info.rate);
	for (uint64_t i = 0; i < places; i++) {
		struct flac_seekpoint point;

		if (!find(track, track->unseen_bytes / places * i, least,
			  &point))
			continue;
		flac_seek_offer(&track->seek, &point);
		least = point.sample + 1;
	}
	for (unsigned i = 0; i < seen.count; i++)
		flac_seek_offer(&track->seek, &seen.point[i]);
	track->unseen = 0;
}
