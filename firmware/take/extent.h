/*
 * extent: what a take's folder has of a recording, by its ledger and the heads
 * and ends of its files. Two media can have the same recording, and each of
 * them less or other parts of it.
 *
 * Reads only; nothing is decoded but the ends of files. Any thread.
 */
#ifndef TAKEBOX_EXTENT_H
#define TAKEBOX_EXTENT_H

#include <stdbool.h>

#include "take/take_info.h"

struct extent {
	struct take_info info;
	bool whole;	 /* finished; else it was interrupted, or runs */
	bool has_files;	 /* whole, and each file there with its length */
	bool has_lost;	 /* whole, but a file is not there, or too short; one
			    that another program has made anew is no loss */
	uint64_t frames; /* of one that is not whole by its files: the longest
			  */
};

/* dir: of the take called name; stays the caller's. Negative errno: not known.
 * For extent_finish in any case. */
int extent_measure(struct extent *extent, int dir, const char *name);
void extent_finish(struct extent *extent);

/* Of one that is finished. */
enum extent_file {
	EXTENT_FILE_THERE, /* with its length */
	EXTENT_FILE_OTHER, /* somebody else's, or another take's */
	EXTENT_FILE_LOST,  /* or too short */
	EXTENT_FILE_UNKNOWN,
};
enum extent_file extent_look_at_file(const struct take_info *info,
				     unsigned index, unsigned part, int dir);

/* Same tape, same first frame. Of those whose ledgers were made anew without
 * the tape nothing is known but their sound: they are if that is the same. */
bool extent_is_same(const struct extent *a, const struct extent *b);

/* Of two that are: has a all that b has? */
bool extent_covers(const struct extent *a, const struct extent *b);

#endif
