/* take_tags: the Vorbis comments of a track's file, from the take's ledger. */
#ifndef TAKEBOX_TAKE_TAGS_H
#define TAKEBOX_TAKE_TAGS_H

#include "take/flac_format.h"
#include "take/take_info.h"

#define TAKE_TAGS_MAX	600
#define TAKE_TAGS_BYTES 16384 /* more do not fit into a head anyway */

struct take_tags {
	struct flac_tag tag[TAKE_TAGS_MAX];
	unsigned count;
	char text[TAKE_TAGS_BYTES];
	size_t used;
};

/* Markers become CHAPTERnnn; those beyond what fits are left out here (they
 * are in take.json and labels.txt). part counts from 0. end: where it ends if
 * info has no further part yet; UINT64_MAX: with the take. */
void take_tags_build(struct take_tags *tags, const struct take_info *info,
		     const struct take_track *track, unsigned part,
		     uint64_t end);

#endif
