/*
 * gesture: from clean presses of one button to what was meant.
 *
 *   press    pressed and let go
 *   double   pressed again within double_ns of letting go
 *   hold     kept down for hold_ns
 *   long     kept down for long_ns
 *
 * What a press can be is known only when it cannot become something else, and
 * that depends on what the button is asked for: one with nothing but `press`
 * has it at the first edge; one that also knows `hold` or `long` has it when it
 * is let go early; one that also knows `double` waits for the second. One
 * series of presses is one gesture, never two: holding a button that also knows
 * `press` does not press it. With `hold` and `long`, letting go decides for
 * `hold`; `long` is fulfilled while the button is down.
 *
 * Waiting costs no sound. The time of a press or double is the first edge, when
 * the musician acted, however late it is understood; the time of a hold or long
 * is the moment it was fulfilled, so that a take that is stopped by it has all
 * that was played until then.
 *
 * Pure; the fields are private. Times are CLOCK_MONOTONIC, ns.
 */
#ifndef TAKEBOX_GESTURE_H
#define TAKEBOX_GESTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "surface/board.h"

#define GESTURE_NEVER	 INT64_MAX
#define GESTURE_DONE_MAX 2 /* of one call */

struct gesture_times {
	int64_t hold_ns, long_ns, double_ns;
};

enum gesture_state {
	GESTURE_UP,	 /* nothing is going on */
	GESTURE_DOWN,	 /* down, undecided */
	GESTURE_HELD,	 /* down for hold_ns; could become long */
	GESTURE_BETWEEN, /* up after a first press; could become double */
	GESTURE_OVER,	 /* down, but decided */
};

struct gesture {
	unsigned wanted; /* bits 1 << enum board_gesture */
	struct gesture_times times;
	enum gesture_state state;
	int64_t first_ns; /* the edge that it began with */
	int64_t open_ns;  /* BETWEEN: when it was let go */
};

struct gesture_done {
	enum board_gesture gesture;
	int64_t time_ns;
};

void gesture_init(struct gesture *gesture, unsigned wanted,
		  const struct gesture_times *times);

/* A clean press or release; what time has decided before comes first. Returns
 * how many. */
unsigned gesture_feed(struct gesture *gesture, bool active, int64_t time_ns,
		      struct gesture_done done[GESTURE_DONE_MAX]);

/* What has been decided by now_ns; every change up to it must have been fed. */
unsigned gesture_run(struct gesture *gesture, int64_t now_ns,
		     struct gesture_done done[GESTURE_DONE_MAX]);

/* When gesture_run will have something to do; GESTURE_NEVER. */
int64_t gesture_deadline(const struct gesture *gesture);

#endif
