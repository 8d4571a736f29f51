/*
 * replace: puts a copy in the place of a take. The copy is a folder beside it,
 * and has all that the take has (take/extent.h).
 *
 * The take is moved out of the way (".replaced-TAKE"), the copy gets its name,
 * what is of others goes on in the copy, and the rest goes. A power cut between
 * any two of these leaves no doubt which of the two a folder is, nor that
 * nobody has deleted anything: whoever comes next to the session finishes the
 * swap, or, should the copy be gone or damaged by then, puts the take back.
 *
 * session: a folder, open. Any thread, any process: who is at it holds a lock
 * (flock(2)) on what is out of the way.
 */
#ifndef TAKEBOX_REPLACE_H
#define TAKEBOX_REPLACE_H

#include <limits.h>

/* What a copy of the take is called until it is whole. -ENAMETOOLONG. */
int replace_copy_name(char name[NAME_MAX + 1], const char *take);

/* The take gives way to the copy of that name. -ENOTEMPTY: an earlier one is
 * out of the way, and has what the copy has not; nothing was touched. -EBUSY:
 * somebody is at one of them. Other errors are the medium's. */
int replace_take(int session, const char *take);

/* Finishes what was cut off, if anything was. -ENOTEMPTY: what is out of the
 * way has something that the take has not, and stays. -EUCLEAN: both names are
 * one folder's, as on FAT behind a power cut; nothing was touched. Else as
 * above. */
int replace_finish(int session, const char *take);

/* Of all takes; what refuses is left for later. */
void replace_finish_all(int session);

#endif
