/*
 * delete: takes one take off a medium. Nothing else in Takebox deletes takes.
 *
 * Only what is Takebox's goes: tracks, ledger, lists. Files of others stay
 * where they are, and the folder with them. The take's number is not given
 * again. A take that somebody is recording, in any process, is left alone.
 *
 * The folder gets a name that nobody takes for a take's before the first file
 * goes, so that a power cut leaves a take or none; what it leaves of the files
 * goes with the next take that is deleted in the session. An empty file of that
 * name stays: a mirror must not bring the take back.
 */
#ifndef TAKEBOX_DELETE_H
#define TAKEBOX_DELETE_H

#include <stdbool.h>
#include <stdint.h>

struct delete_report {
	unsigned files, foreign; /* deleted; of others, left */
	uint64_t bytes;
};

/* folder: the take's. -ENOENT: there is none; -EINVAL: it is no take; -EBUSY:
 * it is being recorded; other errors are the medium's. */
int delete_take(const char *folder, struct delete_report *report);

/* A copy that has more in it, a folder beside the take, gets its name, and the
 * take goes; files of others in it go on in the copy. session: open. */
int delete_replace(int session, const char *take, const char *copy);

/* Was a take of that name deleted from the session? */
bool delete_was_here(int session, const char *take);

#endif
