/*
 * A posclock fed by a simulated interface (clock_device.h), up to a time or to
 * the next step.
 */
#ifndef TESTS_CLOCK_RUNS_H
#define TESTS_CLOCK_RUNS_H

/* After cmocka.h and what it needs. */
#include "engine/posclock.h"
#include "tests/unit/clock_device.h"

/* Feeds the clock up to time end or the next step. */
static inline struct posclock_step run_until(struct device *d,
					     struct posclock *clock, double end)
{
	struct posclock_step step = {0};

	while (d->stamp < end && step.event == POSCLOCK_NONE) {
		struct posclock_pair pair = device_pair(d);

		step = posclock_feed(clock, pair.position, pair.time_ns);
	}
	if (step.event == POSCLOCK_LOST)
		d->inserted += step.frames;
	return step;
}

static inline void run_quietly(struct device *d, struct posclock *clock,
			       double end)
{
	struct posclock_step step = run_until(d, clock, end);

	if (step.event != POSCLOCK_NONE)
		fail_msg("%s, %g Hz: event %d of %ld frames at %.3f s",
			 d->kind->name, d->rate, step.event, (long)step.frames,
			 d->stamp);
}

static inline void assert_between(double x, double low, double high,
				  const char *what)
{
	if (!(x >= low && x <= high))
		fail_msg("%s: %f is not within %f..%f", what, x, low, high);
}

#endif
