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
	const char *folder;		   /* the medium */
	const char *session;		   /* "": dated */
	const char *name;		   /* of the take; "": numbered only */
	const char *artist;		   /* all copied */
	const struct config_track *tracks; /* with their arm state now */
	unsigned track_count;
	uint64_t start, stop; /* tape positions */
	const char *reason;   /* of that stop; NULL: "end" */
	unsigned level, workers;
	double sync_seconds;
	uint64_t max_file_bytes; /* 0: what the file system takes */
	uint64_t device; /* that folder was on; 0: any. Not what a medium that
			    is unmounted meanwhile leaves there */
	unsigned least;	 /* number of the take, at least */
	unsigned skip;	 /* numbers, that others may be at just now */
	const char *others; /* further media, colon-separated, whose numbers are
			       not given again; NULL: none */
	json_t *note;	    /* as in struct take_plan */
	bool asks_for_link, waits; /* as take_plan has them */
	bool goes_on; /* with another take: perhaps with no track armed */
};

#define RECORDING_OTHERS_MAX 4096
#define RECORDING_ERROR_MAX  512

struct recording_place {
	char session[64], take[64];
	char folder[PATH_MAX]; /* of the take */
};

/* What goes on while the medium is asked for a folder. */
struct recording_job {
	char medium[CONFIG_PATH_MAX];
	char session[CONFIG_NAME_MAX], name[CONFIG_NAME_MAX];
	char others[RECORDING_OTHERS_MAX];
	unsigned least, skip;
	uint64_t device;
	uint64_t max_file_bytes;
	struct recording_place place;	 /* once the take is prepared */
	char error[RECORDING_ERROR_MAX]; /* why it could not be; for a musician
					  */
};

/* tracks as config has them, or one per channel of the tape; returns how many.
 * Tracks whose channels the tape does not have are left out. */
unsigned recording_tracks(struct config_track *tracks,
			  const struct config *config, unsigned channels);

/* Returns at once; the take's status says when it is prepared, or failed before
 * it was. job is the caller's and lives until take_destroy. -EINVAL: no track
 * is armed, and it does not go on with another one. */
int recording_begin(struct take **take, const struct tape *tape,
		    const struct recording *recording,
		    struct recording_job *job);

#endif
