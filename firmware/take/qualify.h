/*
 * qualify: what a medium can do, tried and remembered.
 *
 * It is written to as a take is: to many files in turn, each round synced. So
 * the slowest round is the longest time for which a take would have to live
 * from the tape. And files as large as what is free, together, are marked at
 * many places and read again: a fake card, which says that it is larger than it
 * is, gives back other marks than it got, or none. Where the file system cannot
 * give out room without writing to it (exFAT, FAT32, NTFS) that is done by
 * writing all of it, if asked for. Of what is free 176 MiB stay so, or half
 * where that is less: enough for a take that begins.
 *
 * All is done in files of one folder that is new and is removed again; nothing
 * else on the medium is touched. What was found is kept in Takebox/medium.json
 * on the medium, and takes that were recorded since are held against it.
 * Blocking; any thread.
 */
#ifndef TAKEBOX_QUALIFY_H
#define TAKEBOX_QUALIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "take/qualify_id.h"
#include "take/storage.h"

#define QUALIFY_FILE "medium.json" /* in Takebox */

struct qualify_plan {
	const struct storage *storage; /* of the writing; reading is plain */
	unsigned files;		       /* as tracks */
	double seconds;		       /* of writing */
	bool all; /* write all that is free, if the room cannot be had else */
	/* A MiB or more; 0, or more than it takes: what the file system does */
	uint64_t max_file_bytes;
	/* Told now and then; false: it is to end. NULL allowed. */
	bool (*progress)(void *context, const char *what, double share);
	void *context;
};

enum qualify_capacity {
	QUALIFY_REAL,	  /* every mark came back */
	QUALIFY_FAKE,	  /* other marks did */
	QUALIFY_UNTESTED, /* the file system has to be written all over */
	QUALIFY_PARTLY,	  /* every one did, but there is more: tried_bytes */
};

struct qualify {
	char id[QUALIFY_ID_MAX]; /* of the file system */
	char filesystem[16];
	double bytes_per_second;
	double worst_seconds; /* of a round */
	enum qualify_capacity capacity;
	uint64_t real_bytes;  /* FAKE: that gave back what they got */
	uint64_t tried_bytes; /* that got marks; UNTESTED: 0 */
	uint64_t free_bytes;
	/* Since then, of takes. */
	unsigned takes;
	double worst_in_takes;
};

/* Makes Takebox below folder if there is none. -EBUSY: a take is being recorded
 * or made whole there, or began to be while it was tried: it is to have the
 * room; -EALREADY: it is being tried; -ENOSPC: there is too little to try
 * anything; -ECANCELED: progress said so; else the medium refused. Then nothing
 * is left behind, and what was known of the medium is still known. */
int qualify_medium(struct qualify *result, const char *folder,
		   const struct qualify_plan *plan);

/* What is known of the medium that takebox (an open folder) is on. -ENOENT:
 * nothing, or of another one; else it could not be read. */
int qualify_read(struct qualify *result, int takebox);
int qualify_write(const struct qualify *result, int takebox);

/* A take of so many seconds was recorded there, with this as its worst sync. */
void qualify_note_take(int takebox, double worst_sync_seconds);

/* As medium.json has it: "real", "fake", "untested", "partly". Static. */
const char *qualify_capacity_word(const struct qualify *result);

/* How many mono channels of 24 bit can be recorded at a rate: no more than half
 * of what could be written. seconds_left: with so many channels. */
unsigned qualify_channels(const struct qualify *result, unsigned rate);
double qualify_seconds_left(const struct qualify *result, unsigned channels,
			    unsigned rate);

/* The worst of both. */
double qualify_worst(const struct qualify *result);

#endif
