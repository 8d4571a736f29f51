/*
 * delete: takes one take off a medium. Nothing else in Takebox deletes takes.
 *
 * Only what is Takebox's goes: tracks, ledger, lists. Files of others stay
 * where they are, and the folder with them. The take's number is not given
 * again. A take that somebody is recording, in any process, is left alone.
 *
 * The folder gets a name that nobody takes for a take's before the first file
 * goes, so that a power cut leaves a take or none; what it leaves of the files
 * goes with the next take that is deleted in the session. A file stays beside
 * it that says what recordings had the name: a mirror must not bring them back.
 */
#ifndef TAKEBOX_DELETE_H
#define TAKEBOX_DELETE_H

#include <stdbool.h>
#include <stdint.h>

#include "take/take_info.h"

struct delete_report {
	unsigned files, foreign; /* deleted; of others, left */
	uint64_t bytes;
};

/* folder: the take's. -ENOENT: there is none; -EINVAL: it is no take; -EBUSY:
 * it is being recorded; other errors are the medium's. */
int delete_take(const char *folder, struct delete_report *report);

/* For take/replace.h: a take that nobody writes to, locked; or as above. */
int delete_open(int session, const char *take);

/* For take/replace.h: empties a folder that was the take's. What is of others
 * goes on in heir, under another name (2-NAME) if that is given there. */
int delete_hand_over(int dir, const char *take, int heir);

/* Was a take of that name deleted from the session? info: of the recording that
 * is meant; NULL: any. One that nothing is known of counts as any other. */
bool delete_was_here(int session, const char *take,
		     const struct take_info *info);

#endif
