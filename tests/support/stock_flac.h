/*
 * stock_flac: a track's file as any other program sees it: opened by path and
 * read with libFLAC as it comes. Nothing of Takebox's own reading is in it, so
 * that it can judge what Takebox wrote.
 *
 * The first thing wrong is noted, in words; after that nothing more is looked
 * at. Any thread, an object each.
 */
#ifndef TESTS_STOCK_FLAC_H
#define TESTS_STOCK_FLAC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <FLAC/metadata.h>
#include <FLAC/stream_decoder.h>

#include "take/take_info.h"

/* As flac_check_want has it. */
typedef int stock_samples(void *user, const int32_t *const *planes,
			  unsigned count, uint64_t position);

struct stock_flac {
	unsigned rate, bits, channels;
	unsigned longest;	   /* samples of a frame */
	uint64_t claimed;	   /* samples that the head says it has */
	uint64_t samples;	   /* that came out */
	bool unreadable;	   /* the file system said EIO, or the like */
	char fault[192];	   /* "": nothing is wrong */
	stock_samples *on_samples; /* given what is decoded; may be NULL */
	void *user;
	FLAC__StreamDecoder *decoder;
	FLAC__StreamMetadata *table, *tags; /* NULL: there is none */
	FILE *file;			    /* the decoder's */
	FLAC__uint64 first_frame, size;	    /* bytes */
	uint64_t at;	 /* first sample of what came out last */
	unsigned frames; /* that came out since asked for */
	unsigned block;	 /* samples in the last of them */
	char buffer[1 << 16];
};

/* Opens the file and reads all before its first frame. Close it, whatever is
 * wrong with it. */
void stock_flac_open(struct stock_flac *flac, const char *path,
		     stock_samples *on_samples, void *user);
void stock_flac_close(struct stock_flac *flac);

/* Decodes from the beginning up to what the head claims. */
void stock_flac_decode(struct stock_flac *flac);

/* Of a finished file, what FORMAT.md promises: the tags of this part of this
 * track, and no others; and the seek table: points in order, placeholders
 * behind them, each of them leads to a frame, of that sample and so many, none
 * is too far from the next, and the last not from the end. Then seeks to so
 * many of them, and just behind, as a player does. */
void stock_flac_check(struct stock_flac *flac, const struct take_info *info,
		      const struct take_track *track, unsigned part,
		      unsigned seeks);

#endif
