/* What track.c (while it is written) and track_resume.c (finding a way back)
 * share. */
#ifndef TAKEBOX_TRACK_PRIVATE_H
#define TAKEBOX_TRACK_PRIVATE_H

#include "take/track.h"

/* A track without a file. */
int track_init(struct track *track, const struct track_setup *setup);

/* One more whole frame, behind all others. */
void track_note_frame(struct track *track, uint64_t size, unsigned samples);

/* Fills the seek list up for what lies before unseen. */
void track_find_seekpoints(struct track *track);

#endif
