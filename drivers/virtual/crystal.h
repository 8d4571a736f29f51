/*
 * crystal: the virtual interface's clock.
 *
 * The number of frames that have passed is an exact function of
 * CLOCK_MONOTONIC: an anchor (frame number `frame` begins at time `ns`) and
 * a true rate in hertz. A change of rate moves the anchor to where it
 * happened, so that the function stays continuous. Deltas are taken in
 * integers first: a double keeps them exact for 104 days.
 *
 * Pure functions; any thread.
 */
#ifndef TAKEBOX_VIRTUAL_CRYSTAL_H
#define TAKEBOX_VIRTUAL_CRYSTAL_H

#include <math.h>
#include <stdint.h>

struct crystal {
	int64_t ns;
	int64_t frame;
	double hz;
};

static inline double crystal_hz(unsigned rate, double ppm)
{
	return rate * (1.0 + ppm * 1e-6);
}

/* How many frames are complete at that time: the number of the next one. */
static inline int64_t crystal_frame(const struct crystal *c, int64_t ns)
{
	return c->frame + (int64_t)floor((double)(ns - c->ns) * c->hz / 1e9);
}

/* The first nanosecond at which crystal_frame() reaches that number. */
static inline int64_t crystal_time(const struct crystal *c, int64_t frame)
{
	int64_t ns =
		c->ns + (int64_t)ceil((double)(frame - c->frame) * 1e9 / c->hz);

	while (crystal_frame(c, ns) < frame)
		ns++;
	return ns;
}

static inline void crystal_retune(struct crystal *c, int64_t frame, double hz)
{
	c->ns = crystal_time(c, frame);
	c->frame = frame;
	c->hz = hz;
}

#endif
