/*
 * comeback: is recording to go on by itself now that the power is back?
 *
 * It is if it was wanted until the power went: not if the take was stopped, or
 * ended for a reason of its own, or has been gone on with already. The decision
 * alone, from what was written down and from what the take's ledger says.
 */
#ifndef TAKEBOX_COMEBACK_H
#define TAKEBOX_COMEBACK_H

#include "transport/intent.h"

/* The reason of a take that was ended by hand of COMMAND_TO_SAVE. */
#define COMEBACK_SUPPLY "the supply failed"

/* NULL: recording is to go on; else why not, for a log. info: of the take that
 * left names, before or after it was healed; NULL if there never was one. */
const char *comeback_refusal(const struct intent *left,
			     const struct take_info *info);

/* Has nobody wanted a take to end for that? */
bool comeback_is_accident(const char *reason);

/* Is the take that has left's place, and began there on that tape, the one that
 * left names? Of what the power has ended nobody knows the tape any more: it
 * is, then. */
bool comeback_is_of(const struct intent *left, const char *tape,
		    uint64_t start);

#endif
