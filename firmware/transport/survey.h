/*
 * survey: which takes on a medium were not finished, found beside.
 *
 * Each survey has a thread of its own: it reads something of every take there
 * is on the medium, which may be many, and the medium may hang. The take that
 * is hoped for is looked at before the others.
 *
 * One thread begins, asks and ends it.
 */
#ifndef TAKEBOX_SURVEY_H
#define TAKEBOX_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/changes.h"
#include "transport/recording.h"

#define SURVEY_TAKES_MAX 64 /* that are found at a time */
#define SURVEY_TOLD_S	 10

/* What the ledger of a take has of what was asked for. Places are frames of the
 * take. */
struct known {
	struct changes markers;
	/* Where each track was armed or disarmed last, by its number. */
	uint64_t armed[CONFIG_CHANNELS_MAX + 1];
};

/* A take that was not finished, or that still runs. */
struct survey_take {
	struct survey_take *next;
	struct recording_place place;
	int dir;	/* its folder, open; -1: somebody has taken it over */
	char tape[33];	/* hexadecimal id of the tape that it was on; "" */
	uint64_t start; /* on that */
	uint64_t told;	/* frames that it surely had: its ledger tells every
			   SURVEY_TOLD_S */
	struct recording_place behind; /* the take that it goes on with; take
					  "": none; no folder */
	struct known known;
};

struct survey;

/* hope: the take that is looked at first; its take "": none. NULL: there is no
 * memory. */
struct survey *survey_begin(const char *medium,
			    const struct recording_place *hope);

/* Until it is over, but no longer than that. */
void survey_wait(struct survey *survey, int64_t patience_ns);

/* The one that was hoped for, as soon as it is found, and all others once it is
 * over; each only once, and the caller's to free. NULL: none just now. */
struct survey_take *survey_collect(struct survey *survey);
void survey_free_takes(struct survey_take *takes);

/* Nothing comes any more. error: 0, -ENOMEM: there may be others, or a negative
 * errno: the medium cannot be read. */
bool survey_is_over(struct survey *survey, int *error);

/* The take that was hoped for has been looked at: the medium can be read. */
bool survey_has_answered(struct survey *survey);

/* And that is the one that was hoped for. */
bool survey_has_looked_at(struct survey *survey,
			  const struct recording_place *place);

const char *survey_medium(const struct survey *survey);

/* Does not wait for the thread, which ends when the medium lets it. NULL
 * allowed. */
void survey_end(struct survey *survey);

#endif
