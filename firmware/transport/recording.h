/*
 * recording: from "record now" to a running take: the folder, its names, the
 * facts that go into the ledger. takeboxd and `takebox run` both come through
 * here.
 *
 * Main thread only. Errors are negative errno with a line for a musician.
 */
#ifndef TAKEBOX_RECORDING_H
#define TAKEBOX_RECORDING_H

#include <limits.h>

#include "base/config.h"
#include "take/take.h"

struct recording {
	const char *folder;  /* the medium */
	const char *session; /* "": dated */
	const char *name;    /* of the take; "": numbered only */
	const char *artist;
	const struct config_track *tracks; /* with their arm state now */
	unsigned track_count;
	uint64_t start, stop; /* tape positions */
	unsigned level, workers;
	double sync_seconds;
	uint64_t max_file_bytes; /* 0: what the file system takes */
};

struct recording_place {
	char session[64], take[64];
	char folder[PATH_MAX]; /* of the take */
};

/* tracks as config has them, or one per channel of the tape; returns how many.
 * Tracks whose channels the tape does not have are left out. */
unsigned recording_tracks(struct config_track *tracks,
			  const struct config *config, unsigned channels);

int recording_begin(struct take **take, const struct tape *tape,
		    const struct recording *recording,
		    struct recording_place *place, char *error, size_t size);

/* Takes on the medium that were not finished: each is given to fn with an open
 * descriptor of its folder, which fn owns, and of the folders above. */
typedef void (*recording_open_fn)(void *context, int dir,
				  const struct recording_place *place);
int recording_find_open(const char *folder, recording_open_fn fn,
			void *context);

#endif
