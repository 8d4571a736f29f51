/*
 * rate_steps: the rate of a clock that is not known yet, in spite of losses
 * that nobody could see before it was.
 *
 * Pure; any thread. Part of posclock.
 */
#ifndef TAKEBOX_RATE_STEPS_H
#define TAKEBOX_RATE_STEPS_H

#include "engine/rate_fit.h"

#define RATE_STEPS_MAX	3
#define RATE_STEPS_SIDE 4 /* points that a step has on either side at least */

struct rate_steps {
	struct rate_fit fit; /* offset_ns: of the line behind the last step */
	unsigned count;	     /* of steps; 0: fit is not set */
	struct {
		unsigned at; /* first point behind it */
		double ns;   /* that what lies behind it is later by */
	} step[RATE_STEPS_MAX];
};

/* Steps of at least least_ns, where they and nothing else make a line of the
 * points (POSCLOCK_ENVELOPE at most). */
struct rate_steps rate_steps(const struct posclock_pair *points, unsigned count,
			     double nominal_ns, double least_ns);

/* Whether the newest point stands above the line by more than limit_ns: too
 * little for a step, but perhaps the first of one. fit.offset_ns is taken at
 * the first point. */
bool rate_steps_tail(const struct posclock_pair *points, unsigned count,
		     double nominal_ns, const struct rate_fit *fit,
		     double limit_ns);

#endif
