/*
 * rate_fit: the rate that the lower envelope of a clock's pairs runs at.
 *
 * Pure; any thread. Part of posclock.
 */
#ifndef TAKEBOX_RATE_FIT_H
#define TAKEBOX_RATE_FIT_H

#include "engine/posclock.h"

#define RATE_FIT_POINTS 16 /* fewer say too little */

struct rate_fit {
	double slope;	 /* ns of time more than nominal, per ns of nominal */
	double error;	 /* of slope, 1 sigma or more */
	double worst_ns; /* the largest deviation of a point that was used */
	double span_ns;
	double offset_ns;    /* of the line at the first point */
	double deviation_ns; /* mean absolute deviation */
};

/* points: RATE_FIT_POINTS or more, positions rising; nominal_ns: of a frame. */
struct rate_fit rate_fit(const struct posclock_pair *points, unsigned count,
			 double nominal_ns);

#endif
