/*
 * intent: what is to be recorded, written down for the next process.
 *
 * takeboxd keeps it in a file beside its control socket, which outlives the
 * process but not the machine; and, if recording is to go on by itself after
 * the power failed, in a second one that outlives the machine as well. A file
 * that is there says that recording was wanted when its process ended: STOP and
 * a shutdown remove it, unless something of it is on the tape alone: then it
 * has a stop.
 *
 * Any thread; each call stands for itself. Errors are negative errno.
 */
#ifndef TAKEBOX_INTENT_H
#define TAKEBOX_INTENT_H

#include "transport/changes.h"
#include "transport/recording.h"

#define INTENT_FILE "recording.json"

#define CLOSING_MAX 16

/* A take that was stopped, and is still being written, or that its medium has
 * ended before that; on the tape. */
struct closing {
	uint64_t start, stop;
	uint64_t frames; /* safe, on each of its media */
	uint64_t since;	 /* number of the first change that is its own */
	char name[CONFIG_NAME_MAX]; /* as it was given */
	char medium[CONFIG_PATH_MAX];
	char reason[TAKE_TEXT_MAX];   /* why the medium ended it; "": it has not
				       */
	struct recording_place place; /* take "": it has none; no folder */
};

struct intent {
	enum {
		INTENT_NONE,	  /* nothing is to be recorded */
		INTENT_RECORDING, /* a take is being written */
		INTENT_WAITING,	  /* its medium has ended it; only the tape has
				     what is played since */
	} kind;
	char tape[33];	   /* hexadecimal id of the tape */
	uint64_t start;	   /* of the take, on the tape */
	uint64_t from;	   /* first frame on the tape that is not safe */
	uint64_t stop;	   /* on the tape; TAKE_FOREVER: none is known */
	uint64_t frames;   /* of the take, safe */
	uint64_t least;	   /* RECORDING: on each medium it is written to */
	bool alone;	   /* RECORDING: on no other medium, or only torn off
			      there before */
	bool power;	   /* WAITING: the power ended it, and the tape has
			      nothing from before */
	struct wall ended; /* when that was */
	char session[64];  /* of the recorder; "": dated */
	char name[CONFIG_NAME_MAX]; /* of the take, as it was given */
	char medium[CONFIG_PATH_MAX];
	char reason[TAKE_TEXT_MAX];   /* WAITING: why the medium ended it */
	struct recording_place place; /* of the take; take "": it has none */
	struct config_track tracks[CONFIG_CHANNELS_MAX];
	unsigned track_count;	/* 0: as configured */
	bool configured;	/* but for the arming, all as configured */
	struct changes changes; /* what takes here have to have */
	uint64_t since;		/* number of the first one that is its own */
	char closing_tape[33];	/* that these are on; not the take's, when the
				   power has failed in that */
	struct closing closing[CLOSING_MAX];
	unsigned closings;
};

/* Beside that control socket. */
void intent_beside(char *path, size_t size, const char *socket);

/* As text for a file; the caller's to free; NULL: out of memory. */
char *intent_text(const struct intent *intent);

/* -EINVAL: it is none; -ENOMEM. intent is then INTENT_NONE. */
int intent_parse(const char *text, size_t size, struct intent *intent);

/* In place of what was in the file, as a whole or not at all; durable: on the
 * medium when it returns. text NULL: the file goes. */
int intent_write(const char *path, const char *text, bool durable);

/* -ENOENT: there is none. */
int intent_read(const char *path, struct intent *intent);

#endif
