/*
 * sidecar: the take as other programs want it, beside the tracks.
 *
 *   labels.txt       Audacity's label track (File > Import > Labels): start,
 *                    end and text, separated by tabs, in seconds
 *   <take>.rpp       a REAPER project: one track per file, in place, with
 *                    markers, and gaps as regions
 *
 * Both are derived from what tags and ledger hold, so they are written after
 * those, as a whole, and can be written anew at any time; a power cut can cost
 * one of them, and nothing else. Seconds have nine digits: at any rate they
 * name one frame only.
 *
 * Everything is borrowed for the call. Any thread. Functions return 0 or a
 * negative errno.
 */
#ifndef TAKEBOX_SIDECAR_H
#define TAKEBOX_SIDECAR_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#define SIDECAR_LABELS "labels.txt"

/* A part of a track: most tracks have one. */
struct sidecar_file {
	const char *name; /* in the take's folder */
	uint64_t start;	  /* frames from the start of the take */
	uint64_t frames;
};

struct sidecar_track {
	unsigned number;
	const char *name; /* UTF-8, any */
	const struct sidecar_file *files;
	unsigned file_count;
};

/* At a position in the take, in frames. */
struct sidecar_marker {
	uint64_t position;
	const char *name; /* NULL or "": "Marker 3" */
};

struct sidecar_gap {
	uint64_t position, frames;
	const char *cause; /* "late read" and so on; NULL: unknown */
};

struct sidecar {
	const char *session, *take, *artist, *date; /* UTF-8; NULL allowed */
	const char *folder; /* of the take: the project is called by it */
	unsigned rate;
	unsigned bits;
	uint64_t frames; /* length of the take */
	const struct sidecar_track *tracks;
	unsigned track_count;
	const struct sidecar_marker *markers;
	unsigned marker_count;
	const struct sidecar_gap *gaps;
	unsigned gap_count;
	bool had_project; /* one that is there and whole stays: somebody may
			     have gone on with it */
};

/* The content, for the caller to free. */
int sidecar_make_labels(const struct sidecar *sidecar, char **text,
			size_t *size);
int sidecar_make_reaper(const struct sidecar *sidecar, char **text,
			size_t *size);

/* Writes both files into the take's folder and syncs them. -EINVAL: folder is
 * no single name, or rate is 0. */
int sidecar_write(int take_fd, const struct sidecar *sidecar);

#endif
