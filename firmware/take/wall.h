/*
 * wall: the time of day, and how far it can be believed.
 *
 * For what no position can say: how long nothing was recorded between two takes
 * that are not on one tape. A time that is not known stays unknown: a machine
 * without a clock of its own, before the network has told it the time, gives
 * none.
 *
 * Any thread.
 */
#ifndef TAKEBOX_WALL_H
#define TAKEBOX_WALL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/tape.h"
#include "take/take_info.h"

struct wall {
	bool set;     /* else nothing else counts */
	int64_t ms;   /* since 1970, UTC */
	double error; /* seconds that it may be off */
	bool drifts;  /* nobody but the hardware clock has kept it while the
			 machine was off */
};

struct wall wall_now(void);

/* Of a position of a tape that runs. */
struct wall wall_of(const struct tape *tape, uint64_t position);

/* When the frame behind a take's last one would have been, by the last entry of
 * its ledger that says what time it was. frames: its length. */
struct wall wall_of_end(const struct take_info *info, uint64_t frames);

struct pause {
	bool known;
	double seconds, uncertainty; /* +- */
};

/* From end to begin. Not known unless both are; nor if they contradict each
 * other, as when a clock was set to another day in between. */
struct pause pause_between(const struct wall *end, const struct wall *begin);

#endif
