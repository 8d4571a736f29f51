/*
 * heal: makes interrupted takes whole, without any tape.
 *
 * A take is interrupted if its folder has a ledger, or tracks of Takebox's, and
 * no whole take.json. Each track becomes a finished FLAC file, all of one
 * length: up to where every file was safe, and the whole frames behind that
 * which all of them have. The ledger and take.json say that it was healed and
 * where it ends. Finished takes are looked at, never written to; neither is
 * any file that is not this take's.
 *
 * It may be cut off at any point and begun again. A take that somebody is
 * recording, in any process, is left alone.
 *
 * To be called for a medium at every start and whenever it is mounted, before
 * anything else is done with it. Blocking: about as long as it takes to read
 * the last seconds of each interrupted take. Any thread; it makes one of its
 * own per take.
 */
#ifndef TAKEBOX_HEAL_H
#define TAKEBOX_HEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "take/storage.h"

enum heal_state {
	HEAL_NO_TAKE, /* a folder of something else */
	HEAL_WHOLE,   /* finished before */
	HEAL_OPEN,    /* interrupted, or still running */
	HEAL_EMPTY,   /* of a take that never began: nothing was recorded */
	HEAL_UNKNOWN, /* there was no memory, or descriptor, to look */
};

/* What is in a folder called name? dir: open, stays the caller's. */
enum heal_state heal_look(int dir, const char *name);

/* Has the file the head that Takebox gives its tracks? */
bool heal_is_track(int dir, const char *name);

struct heal_report {
	const char *folder; /* path of the take's */
	int error;	    /* 0: it is whole now; else negative errno:
			       -EBUSY: it is being recorded; -EAGAIN:
				it is on the tape that runs, and left */
	uint64_t frames;
	unsigned rate;
	double seconds;
	char verdict[32]; /* as in take.json; "" if error */
};

typedef void (*heal_fn)(void *context, const struct heal_report *report);

/*
 * Heals every interrupted take below folder: of a medium (with Takebox in it),
 * of a session, or of one take. fn (may be NULL) is told of each that was
 * interrupted. tape: takes on the tape of that name (32 hexadecimal digits) are
 * left alone, since they can be gone on with; fn is told of them; NULL: none
 * are. They do not count as failed.
 *
 * Returns the number of takes that could not be healed, or a negative errno if
 * folder cannot be read.
 */
int heal_folder(const char *folder, const struct storage *storage,
		const char *tape, heal_fn fn, void *context);

/* One take, in the folder dir (which it takes over). */
void heal_take(int dir, const struct storage *storage,
	       struct heal_report *report);

#endif
