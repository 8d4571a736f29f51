/*
 * take_info: what a take is, as told by its ledger.
 *
 * There is one way to come by it: apply the ledger's entries in order. The
 * recorder does so as it appends them, verify and heal as they read them, so
 * all of them see the same take. take.json is written from it.
 *
 * Positions inside a take count frames from its first one.
 */
#ifndef TAKEBOX_TAKE_INFO_H
#define TAKEBOX_TAKE_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#define TAKE_TRACKS_MAX 64
#define TAKE_TEXT_MAX	192
#define TAKE_FILE_MAX	96

/* The cause of a gap: the tape had come round before the writer came. */
#define TAKE_OVERRUN "overrun"

struct take_track {
	unsigned number; /* 1.. */
	char name[64];
	char stem[64];		/* file name without part and ".flac" */
	unsigned channels[2];	/* 0-based inputs */
	unsigned channel_count; /* 1, or 2 for a linked pair */
	bool armed;		/* now, or at the end */
	bool filed;		/* has files: it was armed at some time */
	bool began_armed;	/* by the start entry */
	uint32_t peak, clips;	/* largest |sample|; both from the ledger's
				   end entry, or counted on while it runs */
};

struct take_info {
	char session[TAKE_TEXT_MAX], name[TAKE_TEXT_MAX];
	char artist[TAKE_TEXT_MAX];
	char tape[33]; /* hexadecimal id of the tape it was on */
	char device[TAKE_TEXT_MAX], interface[TAKE_TEXT_MAX];
	char identity[TAKE_TEXT_MAX], format[16];
	char date[40];		 /* ISO 8601, of the first frame */
	bool clock_set;		 /* the date can be believed */
	uint64_t start;		 /* on the tape */
	uint64_t time_reference; /* samples since midnight, local time */
	unsigned rate, bits, level, tracks;
	struct take_track track[TAKE_TRACKS_MAX];

	/* Entries as they stand in the ledger, in order; less what was taken
	 * back by a later one ("resumed": what came after it was recorded
	 * again; "end": what was to come after it never did). */
	json_t *arms, *markers, *gaps, *notes, *clocks, *parts, *levels;
	uint64_t gap_frames, gap_count;
	unsigned damages; /* entries that say what the medium has lost */
	bool unsure;	  /* gaps may be missing from the list */
	bool silenced;	  /* a track does not sound where it was armed */
	bool healed;	  /* found interrupted, without its tape */
	uint64_t healed_at;
	double ppm;
	bool has_ppm;

	json_t *ends; /* tracks of the end entry; NULL before */
	bool ended;
	uint64_t frames;  /* once ended */
	uint64_t missing; /* that were played behind them and are lost */
	char reason[TAKE_TEXT_MAX];
};

/* -ENOMEM. Finish it with take_info_finish. */
int take_info_init(struct take_info *info);
void take_info_finish(struct take_info *info);

/* Applies one entry. -EINVAL: the entry contradicts itself or what was before
 * (a first entry that is no "start", too many tracks, ...). Unknown types are
 * kept out of the way: a newer recorder may have written them. */
int take_info_apply(struct take_info *info, const json_t *entry);

/* A take can end before something that was to be in it: parts, markers and gaps
 * behind frames are left out. An "end" entry does so itself. -ENOMEM. */
int take_info_cut(struct take_info *info, uint64_t frames);

/* Of a take that runs: of "clock" and "levels" entries only the newest at or
 * before frame at is kept, and what came later. The ledger has them all, and
 * memory does not grow with the take. */
void take_info_forget(struct take_info *info, uint64_t at);

/* The "start" entry from the fields up to track (new reference). Bytes that are
 * not UTF-8, which interfaces have in their names, become question marks. */
json_t *take_info_start_entry(const struct take_info *info);
json_t *take_info_track_entry(const struct take_track *track); /* one of it */

/* text as an entry's member can hold it: UTF-8, cut to fit between two code
 * points, question marks for what is none. */
void take_info_text(char *out, size_t size, const char *text);
json_t *take_info_string(const char *text); /* the same, a new reference */

/* The frame of the take at which a track was armed first: before it there is
 * nothing but silence. UINT64_MAX: never. */
uint64_t take_info_silent_until(const struct take_info *info, unsigned index);

/* Whether a track sounds at a frame. */
bool take_info_sounds(const struct take_info *info, unsigned index,
		      uint64_t at);

/* Number of files a track has, 1 and more; where part (0-based) begins. */
unsigned take_info_parts(const struct take_info *info);
uint64_t take_info_part_start(const struct take_info *info, unsigned part);

/* "03-Kick.flac", "03-Kick_2.flac" for part 1. */
void take_info_file(const struct take_track *track, unsigned part,
		    char name[TAKE_FILE_MAX]);

/* MD5 of a file's sound in hexadecimal, by the end entry; NULL: it has none. */
const char *take_info_md5(const struct take_info *info,
			  const struct take_track *track, unsigned part);

/* "sample-complete", "gaps" or "damaged". */
const char *take_info_verdict(const struct take_info *info);

#define TAKE_JSON "take.json"

/* Its content (new reference; NULL: out of memory). */
json_t *take_info_json(const struct take_info *info);

/* Largest |sample| as dBFS. */
double take_peak_db(uint32_t peak, unsigned bits);

#endif
